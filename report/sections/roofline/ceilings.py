"""Roofs, the balance that their slopes and height make, and how far below them kernels lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from report.analysis import quantities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.experiments.bandwidth.roofs import Roof
    from report.sections.roofline.kernels import Kernel

Side = Literal["memory", "either", "arithmetic"]


@dataclass(frozen=True, kw_only=True)
class Ceilings:
    """What bounds the kernels of one number format.

    Attributes:
        compute: The product of the highest rate.
        roofs: Of the caches, the nearest first, and of memory, the last.
    """

    compute: Quantity
    roofs: Sequence[Roof]

    @property
    def memory(self) -> Roof:
        """Return the roof of memory."""
        return self.roofs[-1]

    @property
    def highest(self) -> Roof:
        """Return the steepest roof, which need not be that of the nearest cache."""
        return max(self.roofs, key=lambda roof: roof.bandwidth.value)

    @property
    def peak(self) -> Estimate:
        """Return the floating point operations per second."""
        return self.compute.rate()

    def balance(self) -> Estimate:
        """Return the machine balance: operations at the peak for each byte from memory.

        Below it a kernel that gets its operands from memory waits for them.

        Source: J. McCalpin, "Memory Bandwidth and Machine Balance in Current High Performance
        Computers", IEEE TCCA Newsletter, 1995; inverted here, as in the roofline model.
        """
        memory = self.memory.quantity
        return quantities.ratio(self.compute, memory, "flop_per_s", "bytes_per_s")

    def share(self, kernel: Kernel, roof: Roof) -> Estimate:
        """Return a kernel's rate divided by what a roof and the peak allow.

        Above 1 it gets its operands from nearer than the roof's level.
        """
        if kernel.intensity * roof.bandwidth.value >= self.peak.value:
            return quantities.ratio(self.compute, kernel.quantity).scaled(
                kernel.flops / (self.compute.flops or 1)
            )
        return quantities.ratio(roof.quantity, kernel.quantity).scaled(
            kernel.least_bytes / (roof.quantity.bytes_moved or 1)
        )


def side(kernel: Kernel, balance: Estimate) -> Side:
    """Say on which side of the balance a kernel lies; within its interval, on either."""
    low = balance.value if balance.low is None else balance.low
    high = balance.value if balance.high is None else balance.high
    if kernel.intensity < low:
        return "memory"
    return "arithmetic" if kernel.intensity > high else "either"
