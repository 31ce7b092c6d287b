"""What an `overhead` experiment measured: seconds of one call or of one update."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis.quantities import EXAMPLES_PER_S, FLOP_PER_S, SECONDS, Quantity, of_series
from report.text.numerals import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record
    from report.worker.records import Series


METRICS = {"seconds": SECONDS, "flop_per_s": FLOP_PER_S, "examples_per_s": EXAMPLES_PER_S}


def of_records(records: Sequence[Record], run: str = "") -> list[Quantity]:
    """Return one quantity for each series."""
    return of_series(records, run=run, examples=_examples)


def _examples(series: Series) -> int | None:
    size = series.labels["size"]
    return size if series.labels["operation"] == "update" and isinstance(size, int) else None


def name_call(quantity: Quantity) -> str:
    """Name a call: "adding 1 element", "update with 100 examples", "compiled update with ..."."""
    size = int(str(quantity.labels["size"]))
    if quantity.labels["operation"] == "add":
        return f"adding {count(size, 'element')}"
    compiled = "compiled " if quantity.labels["variant"] == "compiled" else ""
    return f"{compiled}update with {count(size, 'example')}"
