"""What claims can be made of a `gradient` experiment: the noise of minibatch gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis.observations import Metric, Observed
from report.experiments.gradient.noise import noises

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.observations import Question
    from report.results.result import Record, Result

METRICS = {
    "std": Metric(unit="", timed=False, words="standard deviation of the minibatch gradient"),
}


def observe(result: Result, records: Sequence[Record], question: Question) -> list[Observed]:
    """Return the noise of every series of one experiment on one backend.

    Batches that hold all examples are left out: they have no noise, and what is measured of it is
    rounding, of which no ratio or power means anything.
    """
    del question  # there is only one
    return [
        Observed(
            labels={
                "point": noise.point,
                "batch_size": noise.batch_size,
                "sampling": noise.sampling,
            },
            groups=noise.groups(),
        )
        for noise in noises(records, result.config["examples"])
        if not noise.whole
    ]
