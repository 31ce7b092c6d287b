"""What bounds the kernels of one number format, and how far below that each of them lies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from report.analysis.quantities import highest, ratio
from report.experiments.bandwidth.quantities import MEMORY, roofs
from report.experiments.catalogue import of_result
from report.sections.roofline import hardware
from report.sections.roofline.kernels import KINDS, kernels, number_format
from report.text.units import ITEM_BYTES

if TYPE_CHECKING:
    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Highest
    from report.experiments.bandwidth.quantities import Roofs
    from report.results.result import Result
    from report.sections.roofline.kernels import Kernel

Side = Literal["memory", "either", "arithmetic"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One number format on one backend.

    Attributes:
        backend: Name in the registry.
        device: Where its kernels ran.
        dtype: The number format.
        kernels: What was measured in it.
        compute: The product of the highest rate.
        roofs: Of the caches, the nearest first, and of memory, the last.
        promise: What the hardware's numbers promise.
    """

    backend: str
    device: str
    dtype: str
    kernels: list[Kernel]
    compute: Highest
    roofs: Roofs
    promise: hardware.Promise

    @property
    def item_bytes(self) -> int:
        """Return the bytes of an operand."""
        return ITEM_BYTES[self.dtype]

    @property
    def memory(self) -> Highest:
        """Return the roof of memory."""
        return self.roofs[MEMORY]

    @property
    def steepest(self) -> Highest:
        """Return the steepest roof, which need not be that of the nearest cache."""
        return max(self.roofs.values(), key=lambda roof: roof.estimate.value)

    @property
    def peak(self) -> Estimate:
        """Return the floating point operations per second."""
        return self.compute.estimate

    @property
    def theoretical(self) -> float | None:
        """Return the theoretical peak, unless the measured one shows that it is none."""
        promised = self.promise.flop_per_s
        return None if promised is None or promised < self.peak.value else promised

    def balance(self) -> Estimate:
        """Return the machine balance: operations at the peak for each byte from memory.

        Below it a kernel that gets its operands from memory waits for them.

        Source: J. McCalpin, "Memory Bandwidth and Machine Balance in Current High Performance
        Computers", IEEE TCCA Newsletter, 1995; inverted here, as in the roofline model.
        """
        return ratio(self.compute.quantity, self.memory.quantity, "flop_per_s", "bytes_per_s")

    def demand(self) -> Estimate:
        """Return the bytes per second that the peak would use up if no operand were used twice.

        Of two operations, a multiplication and an addition, each has two operands, and the sum
        stays in a register.
        """
        return self.peak.scaled(self.item_bytes, f"operands at {self.peak.key}")

    def demands(self) -> Estimate:
        """Return how many times what memory gives that is."""
        balance = self.balance()
        return balance.scaled(self.item_bytes, f"operands at {balance.key}")

    def least_size(self) -> int:
        """Return the n of the smallest product that memory could feed at the peak.

        Of n x n matrices 2 n^3 operations move 3 n^2 numbers.
        """
        return math.ceil(1.5 * self.item_bytes * self.balance().value)

    def share(self, kernel: Kernel, roof: Highest) -> Estimate:
        """Return a kernel's rate divided by what a roof and the peak allow.

        Above 1 it gets its operands from nearer than the roof's level.
        """
        if kernel.intensity * roof.estimate.value >= self.peak.value:
            return ratio(kernel.quantity, self.compute.quantity, "flop_per_s")
        return ratio(kernel.quantity, roof.quantity, "bytes_per_s")

    def side(self, kernel: Kernel) -> Side:
        """Say on which side of the balance a kernel lies; within its interval, on either."""
        balance = self.balance()
        low = balance.value if balance.low is None else balance.low
        high = balance.value if balance.high is None else balance.high
        if kernel.intensity < low:
            return "memory"
        return "arithmetic" if kernel.intensity > high else "either"


def cases(result: Result) -> list[Case]:
    """Return what can be drawn: both a rate and bandwidths are needed; float32 comes first."""
    series = of_result(result)
    made = []
    for backend in dict.fromkeys(q.backend for q in series):
        slopes = roofs(result, backend)
        if not slopes:
            continue
        # What ran elsewhere, as a sweep of CPU threads does, has other roofs.
        device = slopes[MEMORY].quantity.device
        mine = [q for q in series if (q.backend, q.device) == (backend, device)]
        mine = [q for q in mine if q.kind in KINDS]
        formats = {number_format(q) for q in mine if q.kind == "matmul"}
        for dtype in (dtype for dtype in ITEM_BYTES if dtype in formats):
            drawn = kernels(mine, dtype)
            products = [k.quantity for k in drawn if k.quantity.kind == "matmul"]
            made.append(
                Case(
                    backend=backend,
                    device=device,
                    dtype=dtype,
                    kernels=drawn,
                    compute=highest(products, "flop_per_s"),
                    roofs=slopes,
                    promise=hardware.peak(result.machine, dtype, device),
                )
            )
    return made
