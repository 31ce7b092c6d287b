"""Kernels at their arithmetic intensity: operations for each byte that must move.

The bytes are the least that one call of the framework can do with: each operand read once, the
result written once, nothing kept in a cache from one call to the next. What a call reads twice,
and the copy of a finished column to its place, do not count.

Source: S. Williams, A. Waterman, D. Patterson, "Roofline: An Insightful Visual Performance Model
for Multicore Architectures", CACM 52(4), 2009, there called operational intensity.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from report.experiments.matmul.quantities import name_series
from report.text.names import size as in_binary_units
from report.text.numerals import count
from report.text.units import ITEM_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.quantities import Quantity

KINDS = ("matmul", "bandwidth", "overhead")
"""Kinds whose series are drawn where they count operations."""

FAMILIES = ("full", "block", "column", "row", "element", "triad", "add", "update")
"""In the order of their colours."""


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """Something measured, with what it must move.

    Attributes:
        name: What tells it from all others in a figure.
        family: One of `FAMILIES`.
        line: Points of the same line differ in one size only.
        quantity: Its times, with its operations and the bytes that all its calls must move.
        calls: Calls of the framework's arithmetic in that time.
    """

    name: str
    family: str
    line: str
    quantity: Quantity
    calls: int = 1

    @property
    def intensity(self) -> float:
        """Return the floating point operations for each byte."""
        return (self.quantity.flops or 0) / (self.quantity.bytes_moved or 1)

    @property
    def short(self) -> str:
        """Return its name without its size."""
        return self.name.split(", n =")[0]


def number_format(quantity: Quantity) -> str:
    """Return what its numbers are; TF32 counts as one of its own."""
    if quantity.labels.get("tf32"):
        return "TF32"
    # Updates and additions have no such label: they are made of float32 only.
    return str(quantity.labels.get("dtype", "float32"))


def product_calls(strategy: str, size: int, block_width: int | None) -> int:
    """Count the calls that compute a product of two n x n matrices piece by piece.

    Args:
        strategy: element, column, row, block, full or full-out.
        size: n.
        block_width: Columns of a block.
    """
    if strategy == "element":
        return size * size
    if strategy in {"column", "row"}:
        return size
    return -(-size // (block_width or size)) if strategy == "block" else 1


def product_bytes(strategy: str, size: int, block_width: int | None, item_bytes: int) -> int:
    """Count the bytes that all calls of a product must read and write.

    A dot product reads 2 n numbers and writes 1, and there are n^2 of them: n^2 (2 n + 1). A call
    that makes w columns (or a row, w = 1) reads the whole other matrix, n^2, and n w numbers, and
    writes n w. The widths of all calls add up to n, so that k calls move k n^2 + 2 n^2 numbers: 3
    n^2 in one go, n^3 + 2 n^2 by columns.

    Args:
        strategy: element, column, row, block, full or full-out.
        size: n.
        block_width: Columns of a block.
        item_bytes: Bytes of a number.
    """
    calls = product_calls(strategy, size, block_width)
    if strategy == "element":
        return calls * (2 * size + 1) * item_bytes
    return (calls + 2) * size**2 * item_bytes


def kernels(series: Sequence[Quantity], wanted: str) -> list[Kernel]:
    """Return the kernels of one number format, each once, in the order of the families.

    With fewer threads there would be other roofs, so that of each kind only the series with the
    most threads count.

    Args:
        series: What one backend measured.
        wanted: The number format.
    """
    counted = [q for q in series if q.kind in KINDS and q.flops]
    most: dict[str, int] = {}
    for q in counted:
        most[q.kind] = max(most.get(q.kind, 0), _threads(q))
    made: dict[str, Kernel] = {}
    for q in counted:
        if number_format(q) == wanted and _threads(q) == most[q.kind]:
            kernel = _product(q) if q.kind == "matmul" else _other(q)
            if kernel is not None:
                # The same product may stand in several experiments.
                made.setdefault(kernel.name, kernel)
    return sorted(
        made.values(),
        key=lambda k: (FAMILIES.index(k.family), k.line, k.intensity, k.quantity.flops),
    )


def _threads(quantity: Quantity) -> int:
    threads = quantity.labels.get("threads")
    return threads if isinstance(threads, int) else 0


def _product(quantity: Quantity) -> Kernel | None:
    labels = quantity.labels
    strategy, size, width = str(labels["strategy"]), labels["size"], labels["block_width"]
    item_bytes = ITEM_BYTES.get(number_format(quantity))
    if not isinstance(size, int) or item_bytes is None:
        return None
    width = width if isinstance(width, int) else None
    return Kernel(
        name=name_series(labels, ["strategy", "block_width", "size"]),
        family=strategy.removesuffix("-out"),
        line=f"block {size}" if strategy == "block" else strategy,
        quantity=replace(quantity, bytes_moved=product_bytes(strategy, size, width, item_bytes)),
        calls=product_calls(strategy, size, width),
    )


def _other(quantity: Quantity) -> Kernel | None:
    """Return a kernel that counts its own bytes: a triad, an addition, an update."""
    labels, family = quantity.labels, str(quantity.labels.get("operation"))
    if not quantity.bytes_moved or family not in FAMILIES:
        return None
    if family == "triad":
        size = in_binary_units(int(str(labels["working_set_bytes"])))
    else:
        size = count(int(str(labels["size"])), "element" if family == "add" else "example")
    return Kernel(
        name=f"{family}, {size}{', compiled' if labels.get('variant') == 'compiled' else ''}",
        family=family,
        line=f"{family} {labels.get('variant')}",
        quantity=quantity,
    )


def at(series: Sequence[Kernel], **labels: object) -> Kernel | None:
    """Return the first kernel whose labels have these values."""
    return next((k for k in series if labels.items() <= k.quantity.labels.items()), None)
