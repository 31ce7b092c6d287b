"""The `gradient` kind: the noise of minibatch gradients, counted in draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.experiments.gradient.figures import TEMPLATE, figures
from report.experiments.gradient.noise import METRICS, observed
from report.experiments.gradient.points import HALFWAY_STEPS
from report.experiments.gradient.spec import GradientSettings, Labels
from report.experiments.kind import Kind
from report.figures import prose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record


def _method(records: Sequence[Record]) -> list[str]:
    """Describe how one experiment was measured on one backend."""
    measured = [record for record in records if record.outcome and record.outcome.noise]
    series = [each for record in measured if record.outcome for each in record.outcome.noise]
    if not series:
        return []
    draws = [each.draws for each in series]
    return prose.sentences(
        TEMPLATE,
        "method",
        points=list(dict.fromkeys(str(each.labels["point"]) for each in series)),
        samplings=list(dict.fromkeys(str(each.labels["sampling"]) for each in series)),
        steps=HALFWAY_STEPS,
        processes=len(measured),
        draws=(min(draws), max(draws)),
        elapsed_s=sum(record.elapsed_s for record in records),
    )


GRADIENT = Kind(
    name="gradient",
    settings=GradientSettings,
    labels=Labels,
    metrics=METRICS,
    observed=observed,
    figures=figures,
    method=_method,
)
