"""The `bandwidth` kind: going through memory, timed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.experiments import timing
from report.experiments.bandwidth import measure
from report.experiments.bandwidth.caches import MEMORY, Roofs, roofs, with_levels
from report.experiments.bandwidth.figures import TEMPLATE, figures
from report.experiments.bandwidth.overlay import overlay
from report.experiments.bandwidth.quantities import METRICS, of_records, of_result
from report.experiments.bandwidth.spec import BandwidthSettings, Labels
from report.experiments.kind import Kind
from report.figures import prose
from report.figures.figure import card

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.figures.figure import Card
    from report.results.result import Record, Result


def _roofs(result: Result) -> Roofs:
    """Return the roofs of the first backend that reached memory."""
    backends = dict.fromkeys(q.backend for q in of_result(result))
    return next((found for backend in backends if (found := roofs(result, backend))), {})


def _cards(result: Result) -> list[Card]:
    """Return the highest bandwidth of memory."""
    top = _roofs(result).get(MEMORY)
    if top is None:
        return []
    note = prose.block(TEMPLATE, "memory_note", top=top)
    return [card("memory bandwidth", top.estimate, "B/s", note)]


def _sentences(result: Result) -> list[str]:
    """Return what could stand in a mail."""
    found = _roofs(result)
    return prose.sentences(TEMPLATE, "mail", roofs=found) if found else []


def _method(records: Sequence[Record]) -> list[str]:
    """Describe how one experiment was measured on one backend."""
    if not timing.timings(records):
        return []
    operations = {str(q.labels["operation"]) for q in of_records(records)}
    return prose.sentences(
        TEMPLATE, "method", timing=timing.facts(records), operations=operations, measure=measure
    )


BANDWIDTH = Kind(
    name="bandwidth",
    settings=BandwidthSettings,
    labels=Labels,
    metrics=METRICS,
    quantities=of_records,
    observed=with_levels,
    # Sizes of caches differ between machines, so that a claim cannot name working sets.
    claim_labels=("level",),
    figures=figures,
    method=_method,
    overlay=overlay,
    cards=_cards,
    sentences=_sentences,
)
