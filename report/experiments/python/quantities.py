"""What a `python` experiment measured: seconds of one call of a person's code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.quantities import Quantity
    from report.results.result import Record
    from report.worker.records import Labels

METRICS = {
    "seconds": quantities.SECONDS,
    "flop_per_s": quantities.FLOP_PER_S,
    "bytes_per_s": quantities.BYTES_PER_S,
    "examples_per_s": quantities.EXAMPLES_PER_S,
}

OWN = ("case", "threads")
"""Labels that are no arguments."""

LEAST_FOR_A_LINE = 3  # points; fewer are no curve


def of_records(records: Sequence[Record], run: str = "") -> list[Quantity]:
    """Return one quantity for each case."""
    return quantities.of_series(records, run=run, examples=lambda series: series.examples)


def rate(series: Sequence[Quantity]) -> str | None:
    """Return the first rate that all series have; None for seconds alone."""
    for name, metric in METRICS.items():
        if metric.amount and all(getattr(q, metric.amount) for q in series):
            return name
    return None


def axis(series: Sequence[Quantity]) -> str | None:
    """Return the first argument that takes enough numbers above 0 to be drawn against, if any."""
    swept = quantities.varying([q.labels for q in series])
    for name in (each for each in swept if each not in OWN):
        values = {q.labels[name] for q in series}
        if len(values) >= LEAST_FOR_A_LINE and all(map(_positive, values)):
            return name
    return None


def _positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def lines(series: Sequence[Quantity], along: str) -> dict[str, list[Quantity]]:
    """Group series by all other arguments, each sorted along one."""
    others = [n for n in quantities.varying([q.labels for q in series]) if n not in {along, *OWN}]
    found: dict[str, list[Quantity]] = {}
    for q in sorted(series, key=lambda q: float(str(q.labels[along]))):
        found.setdefault(named(q.labels, others), []).append(q)
    return found


def named(labels: Labels, names: Sequence[str]) -> str:
    """Name a series by some of its arguments."""
    return ", ".join(f"{name} = {labels[name]}" for name in names)
