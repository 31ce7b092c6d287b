"""Kernels at their arithmetic intensity: operations for each byte that must move.

The bytes are the least that one call of the framework can do with: each operand read once, the
result written once, nothing kept in a cache from one call to the next. What a call reads twice,
and the copy of a finished column to its place, do not count.

Source: S. Williams, A. Waterman, D. Patterson, "Roofline: An Insightful Visual Performance Model
for Multicore Architectures", CACM 52(4), 2009, there called operational intensity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from report.analysis.quantities import Highest, Quantity, highest, ratio
from report.experiments.bandwidth.quantities import MEMORY, Roofs, roofs
from report.experiments.catalogue import of_result
from report.experiments.matmul import quantities as matmul
from report.experiments.matmul.quantities import number_format, product
from report.sections.roofline import hardware
from report.text.names import size as in_binary_units
from report.text.numerals import ITEM_BYTES, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate
    from report.results.result import Result

KINDS = ("matmul", "bandwidth", "overhead")
"""Kinds whose series are drawn where they count operations."""

FAMILIES = ("full", "block", "column", "row", "element", "triad", "add", "update")
"""In the order of their colours."""


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """Something measured, with what it must move."""

    name: str  # what tells it from all others in a figure
    family: str  # one of `FAMILIES`
    line: str  # points of the same line differ in one size only; it begins with the family
    quantity: Quantity  # its times, with its operations and the bytes that all its calls must move
    calls: int = 1  # calls of the framework's arithmetic in that time

    @property
    def intensity(self) -> float:
        """Return the floating point operations for each byte."""
        return (self.quantity.flops or 0) / (self.quantity.bytes_moved or 1)

    @property
    def short(self) -> str:
        """Return its name without its size."""
        return self.name.split(", n =")[0]


def kernels(series: Sequence[Quantity], wanted: str) -> list[Kernel]:
    """Return the kernels of one number format, each once, in the order of the families.

    With fewer threads there would be other roofs, so that of each kind only the series with the
    most threads count.
    """
    counted = [q for q in series if q.kind in KINDS and q.flops and not _apart(q)]
    most = {
        kind: max((_threads(q) for q in counted if q.kind == kind), default=0) for kind in KINDS
    }
    made: dict[str, Kernel] = {}
    for q in counted:
        if number_format(q) == wanted and _threads(q) == most[q.kind]:
            kernel = _product(q) if q.kind == "matmul" else _other(q)
            if kernel is not None:
                # The same product may stand in several experiments.
                made.setdefault(kernel.name, kernel)
    return sorted(
        made.values(),
        key=lambda k: (
            FAMILIES.index(k.family),
            len(k.line),
            k.line,
            k.intensity,
            k.quantity.flops,
        ),
    )


def _apart(quantity: Quantity) -> bool:
    """Return whether it is many products in one call, an update as a graph, or one on the CPU."""
    labels = quantity.labels
    return labels.get("strategy") == "batched" or labels.get("variant") in {"graph", "cpu"}


def _threads(quantity: Quantity) -> int:
    threads = quantity.labels.get("threads")
    return threads if isinstance(threads, int) else 0


def _product(quantity: Quantity) -> Kernel:
    labels = quantity.labels
    strategy, size, _ = product(quantity)
    return Kernel(
        name=matmul.name_series(labels, ["strategy", "block_width", "size"]),
        family=strategy.removesuffix("-out"),
        line=f"block, n = {size:,}"
        if strategy == "block"
        else matmul.name_series(labels, ["strategy"]),
        quantity=matmul.with_bytes(quantity),
        calls=matmul.product_calls(*product(quantity)),
    )


def _other(quantity: Quantity) -> Kernel | None:
    """Return a kernel that counts its own bytes: a triad, an addition, an update."""
    labels, family = quantity.labels, str(quantity.labels.get("operation"))
    if not quantity.bytes_moved or family not in FAMILIES:
        return None
    if family == "triad":
        size = in_binary_units(quantity.number("working_set_bytes"))
    else:
        size = count(quantity.number("size"), "element" if family == "add" else "example")
    return Kernel(
        name=f"{family}, {size}{', compiled' if labels.get('variant') == 'compiled' else ''}",
        family=family,
        line=f"{family}, compiled" if labels.get("variant") == "compiled" else family,
        quantity=quantity,
    )


def at(series: Sequence[Kernel], **labels: object) -> Kernel | None:
    """Return the first kernel with these values of labels."""
    return next((k for k in series if labels.items() <= k.quantity.labels.items()), None)


Side = Literal["memory", "either", "arithmetic"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One number format on one backend."""

    backend: str
    device: str
    dtype: str
    kernels: list[Kernel]
    compute: Highest  # the product of the highest rate
    roofs: Roofs  # bytes per second of the caches, the nearest first, and of memory, the last
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
        """Return the theoretical peak, unless the measured one exceeds it."""
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
        """Return the n of the smallest product that memory could feed at the peak."""
        # Of n x n matrices 2 n^3 operations move 3 n^2 numbers.
        return math.ceil(1.5 * self.item_bytes * self.balance().value)

    def share(self, kernel: Kernel, roof: Highest) -> Estimate:
        """Return a rate over what a roof and the peak allow; above 1 operands come from nearer."""
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
