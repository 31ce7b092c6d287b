"""What a `bandwidth` experiment timed: seconds of one call, and the bytes that it moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis.quantities import BYTES_PER_S, SECONDS, Quantity, of_kind, of_series
from report.experiments.bandwidth.measure import INDEX_BYTES, ITEM_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate
    from report.results.result import Record, Result


METRICS = {"seconds": SECONDS, "bytes_per_s": BYTES_PER_S}

STREAMS = ("read", "copy", "triad")
"""Operations that go through a working set from its beginning to its end."""


def of_records(records: Sequence[Record], run: str = "") -> list[Quantity]:
    """Return one quantity for each series; without a count of bytes there is no bandwidth."""
    return of_series(records, run=run, wanted=lambda series: bool(series.bytes_moved))


def of_result(result: Result) -> list[Quantity]:
    """Return the same of all experiments of this kind, on every backend."""
    return of_kind(result, "bandwidth", of_records)


def working_set(quantity: Quantity) -> int:
    """Return the bytes that an operation goes through again and again."""
    return int(str(quantity.labels["working_set_bytes"]))


def threads(quantity: Quantity) -> int:
    """Return how many threads it could use."""
    return int(str(quantity.labels["threads"]))


def with_most_threads(series: Sequence[Quantity]) -> list[Quantity]:
    """Return those that could use the most threads."""
    most = max(map(threads, series), default=0)
    return [q for q in series if threads(q) == most]


def stride(quantity: Quantity) -> int:
    """Return how many elements lie from one that is read to the next."""
    return int(str(quantity.labels["stride"]))


def item_bytes(quantity: Quantity) -> int:
    """Return the bytes of an element."""
    return ITEM_BYTES[str(quantity.labels["dtype"])]


def each(quantity: Quantity) -> Estimate:
    """Return the seconds of one element of a strided read, a gather or a chase."""
    item = item_bytes(quantity)
    moved = INDEX_BYTES + 2 * item if quantity.labels["operation"] == "gather" else item
    elements = max(1, (quantity.bytes_moved or 0) // moved)
    return quantity.time().scaled(1 / elements, f"element of {quantity.name()}")
