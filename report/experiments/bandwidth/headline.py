"""What a machine's `bandwidth` experiments come to, in a few numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.experiments.bandwidth.quantities import of_result
from report.experiments.bandwidth.roofs import STREAMS, roofs, working_set
from report.figures.figure import Card, interval
from report.text import names
from report.text.numerals import scaled

if TYPE_CHECKING:
    from report.analysis.quantities import Quantity
    from report.results.result import Result


def cards(result: Result) -> list[Card]:
    """Return the highest bandwidth over the largest working set."""
    best = memory(result)
    if best is None:
        return []
    estimate = best.bandwidth()
    value, _, unit = scaled(estimate.value, "B/s").partition(" ")
    factor = estimate.value / float(value.replace(",", ""))
    return [
        Card(
            label="memory bandwidth",
            value=value,
            unit=unit,
            interval=interval(estimate, factor),
            note=f"{best.labels['operation']} over {names.size(working_set(best))}",
        )
    ]


def sentences(result: Result) -> list[str]:
    """Return what could stand in a mail."""
    best = memory(result)
    if best is None:
        return []
    known = roofs(result, best.backend)
    rate = scaled(best.bandwidth().value, "B/s")
    if len(known) < 2:
        return [f"Memory delivers {rate}."]
    near = known[0]
    return [f"Memory delivers {rate}, the {near.name} cache {scaled(near.bandwidth.value, 'B/s')}."]


def memory(result: Result) -> Quantity | None:
    """Return the fastest way through the largest working set of any experiment."""
    found = [q for q in of_result(result) if q.labels["operation"] in STREAMS]
    if not found:
        return None
    largest = max(working_set(q) for q in found)
    same = [q for q in found if working_set(q) == largest]
    return max(same, key=lambda q: q.bandwidth().value)
