"""The `matmul` kind: square products, timed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis.quantities import ratio
from report.experiments import timing
from report.experiments.kind import Kind
from report.experiments.matmul.figures import TEMPLATE, figures
from report.experiments.matmul.overlay import overlay
from report.experiments.matmul.quantities import (
    METRICS,
    number_format,
    of_records,
    of_result,
    peaks,
    sampled,
)
from report.experiments.matmul.spec import Labels, MatmulSettings
from report.figures import prose
from report.figures.figure import card

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.quantities import Quantity
    from report.figures.figure import Card
    from report.results.result import Record, Result


def _cards(result: Result) -> list[Card]:
    """Return the highest measured rate of each number format, the fastest first."""
    return [
        card(
            f"peak, {dtype}",
            one.estimate,
            "FLOPS",
            prose.block(TEMPLATE, "peak_note", best=one),
        )
        for dtype, one in peaks(result).items()
    ]


def _sentences(result: Result) -> list[str]:
    """Return what could stand in a mail."""
    named, top = _chapters_products(result), peaks(result)
    full, element = named.get("full"), named.get("element")
    peak = full and top[number_format(full)]
    return prose.sentences(
        TEMPLATE,
        "mail",
        full=full,
        share=full and peak and ratio(full, peak.quantity, "flop_per_s"),
        dtype=full and number_format(full),
        slower=element and full and ratio(element, full),
        top=next(iter(top.items()), None),
    )


def _chapters_products(result: Result) -> dict[str, Quantity]:
    """Return the products of the first experiment that compares strategies, by strategy."""
    by_experiment: dict[str, dict[str, Quantity]] = {}
    for q in of_result(result):
        by_experiment.setdefault(q.experiment, {})[str(q.labels["strategy"])] = q
    return next((named for named in by_experiment.values() if len(named) > 1), {})


def _method(records: Sequence[Record]) -> list[str]:
    """Describe how one experiment was measured on one backend."""
    if not timing.timings(records):
        return []
    return prose.sentences(
        TEMPLATE, "method", timing=timing.facts(records), sampled=sampled(records)
    )


MATMUL = Kind(
    name="matmul",
    settings=MatmulSettings,
    labels=Labels,
    metrics=METRICS,
    quantities=of_records,
    figures=figures,
    method=_method,
    overlay=overlay,
    cards=_cards,
    sentences=_sentences,
)
