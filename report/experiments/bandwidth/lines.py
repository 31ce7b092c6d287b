"""Series of a `bandwidth` experiment as lines of a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.bandwidth.measure import INDEX_BYTES, ITEM_BYTES
from report.text.numerals import count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity

Lines = dict[str, list["Quantity"]]
"""Series by the name of their line, each line sorted along the horizontal axis."""

SHOWN = ["read", "copy", "triad", "sequential", "random"]
"""In this order where they are there, so that each keeps its colour."""


def of_operations(found: Sequence[Quantity], operations: Sequence[str]) -> list[Quantity]:
    """Return the series of some operations."""
    return [q for q in found if q.labels["operation"] in operations]


def group(found: Sequence[Quantity], name: str, x_of: Callable[[Quantity], int]) -> Lines:
    """Group series into lines: by a label, and by whatever of dtype and threads varies as well.

    Args:
        found: Series of one figure.
        name: The label that tells lines apart in any case; left out of their names where it does
            not vary.
        x_of: Where on the horizontal axis a series lies.
    """
    others = [n for n in ("dtype", "threads") if n != name]
    varying = [n for n in quantities.varying([q.labels for q in found]) if n in (name, *others)]
    order = sorted(found, key=lambda q: SHOWN.index(v) if (v := q.labels[name]) in SHOWN else 0)
    lines: Lines = {}
    for quantity in order:
        parts = [_part(n, quantity) for n in (name, *others) if n in varying or _always(n, name)]
        lines.setdefault(", ".join(parts), []).append(quantity)
    return {label: sorted(line, key=x_of) for label, line in lines.items()}


def _always(label: str, name: str) -> bool:
    return label == name and name != "dtype"


def _part(name: str, quantity: Quantity) -> str:
    value = quantity.labels[name]
    return count(int(str(value)), "thread") if name == "threads" else str(value)


def stride_of(quantity: Quantity) -> int:
    """Return how many elements lie from one that is read to the next."""
    return int(str(quantity.labels["stride"]))


def elements(quantity: Quantity) -> int:
    """Return how many elements one call of a strided read, a gather or a chase reads."""
    item = ITEM_BYTES[str(quantity.labels["dtype"])]
    gathers = quantity.labels["operation"] == "gather"
    each = INDEX_BYTES + 2 * item if gathers else item
    return max(1, (quantity.bytes_moved or 0) // each)


def each(quantity: Quantity) -> Estimate:
    """Return the seconds of one element of a strided read, a gather or a chase."""
    return quantity.time().scaled(1 / elements(quantity))
