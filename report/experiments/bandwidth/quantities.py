"""What a `bandwidth` experiment timed: seconds of one call, and the bytes that it moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis.quantities import BYTES_PER_S, SECONDS, Quantity, of_kind, of_series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record, Result


METRICS = {"seconds": SECONDS, "bytes_per_s": BYTES_PER_S}


def of_records(records: Sequence[Record], run: str = "") -> list[Quantity]:
    """Return one quantity for each series; without a count of bytes there is no bandwidth."""
    return of_series(records, run=run, wanted=lambda series: bool(series.bytes_moved))


def of_result(result: Result) -> list[Quantity]:
    """Return the same of all experiments of this kind, on every backend."""
    return of_kind(result, "bandwidth", of_records)
