"""What an `overhead` experiment measured: seconds of one call or of one update."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis.quantities import Quantity, of_series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record
    from report.worker.records import Series


def quantities(records: Sequence[Record]) -> list[Quantity]:
    """Return one quantity for each series."""
    return of_series(records, examples=_examples)


def _examples(series: Series) -> int | None:
    size = series.labels["size"]
    return size if series.labels["operation"] == "update" and isinstance(size, int) else None
