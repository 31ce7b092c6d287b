"""What a `bandwidth` experiment timed: seconds of one call, and the bytes that it moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis.quantities import Quantity, of_series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record


def quantities(records: Sequence[Record]) -> list[Quantity]:
    """Return one quantity for each series; without a count of bytes there is no bandwidth."""
    return of_series(records, wanted=lambda series: bool(series.bytes_moved))
