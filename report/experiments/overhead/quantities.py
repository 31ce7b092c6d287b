"""What an `overhead` experiment measured: seconds of one call or of one update."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis.quantities import (
    EXAMPLES_PER_S,
    FLOP_PER_S,
    SECONDS,
    Quantity,
    of_kind,
    of_series,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record, Result
    from report.worker.records import Series


METRICS = {"seconds": SECONDS, "flop_per_s": FLOP_PER_S, "examples_per_s": EXAMPLES_PER_S}


def of_records(records: Sequence[Record], run: str = "") -> list[Quantity]:
    """Return one quantity for each series."""
    return of_series(records, run=run, examples=_examples)


def of_result(result: Result) -> list[Quantity]:
    """Return the same of all experiments of this kind, on every backend."""
    return of_kind(result, "overhead", of_records)


def _examples(series: Series) -> int | None:
    size = series.labels["size"]
    return size if series.labels["operation"] == "update" and isinstance(size, int) else None
