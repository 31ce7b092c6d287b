"""The `gradient` kind: the noise of minibatch gradients, counted in draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict  # pydantic needs this one below Python 3.12

from report.experiments.gradient.figures import TEMPLATE, figures, with_replacement
from report.experiments.gradient.noise import HALFWAY_STEPS, METRICS, exponent, noises, observed
from report.experiments.kind import Kind
from report.experiments.settings import AutoThreads, OneOrMany, Settings
from report.figures import prose
from report.figures.figure import Card
from report.text.numerals import signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record, Result

Point = Literal["start", "halfway", "optimum"]
Sampling = Literal["replacement", "permutation"]
BatchSize = Annotated[int, Field(ge=1)]


DRAW_BYTES = 250
"""What a process keeps of a minibatch: a list of six numbers."""


class Labels(TypedDict):
    """What tells one series of an experiment from the others, as result files hold it."""

    point: Point
    batch_size: BatchSize
    sampling: Sampling


class GradientSettings(Settings):
    """Gradients: how far a minibatch's lies from that of all examples."""

    point: OneOrMany[Point] = Field(
        ["start", "halfway", "optimum"],
        description="Where: the weights that the first seed starts with; two full-batch steps "
        "from there, at the best fixed learning rate; the exact least-squares solution.",
    )
    batch_size: OneOrMany[BatchSize] = Field(
        [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 1500], description="Examples of one minibatch."
    )
    sampling: OneOrMany[Sampling] = Field(
        ["replacement", "permutation"],
        description="How a batch is drawn: each of its examples from all, or the first ones of a "
        "fresh permutation, so none comes twice.",
    )
    draws: int = Field(
        1000, ge=2, le=100_000, description="The most minibatches of one series in one process."
    )
    dtype: Literal["float32", "float64"] = Field(
        "float64", description="Number format of data and gradients."
    )
    threads: AutoThreads = Field(
        1,
        description="CPU threads: auto (all usable cores) or a number. A minibatch is too little "
        "work to share out.",
    )

    def batches(self) -> list[tuple[tuple[str | int, ...], int, int]]:
        """Return each batch size, where it stands, with the copies of the data it is cut from."""
        return [(("batch_size", index), size, 1) for index, size in enumerate(self.batch_size)]


def _headlines(result: Result) -> list[Card]:
    """Return the power of the batch size with which the noise goes."""
    every = noises(result.records, result.config["examples"], result.run)
    found = exponent(sorted(with_replacement(every), key=lambda noise: noise.batch_size))
    if found is None:
        return []
    ends = " to ".join(signed(end, 2) for end in (found.low, found.high) if end is not None)
    named = {"label": "noise exponent", "value": signed(found.value, 2), "unit": ""}
    return [Card(**named, interval=ends, note="", estimate=found)]


def _method(records: Sequence[Record]) -> list[str]:
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
    page="overhead",
    settings=GradientSettings,
    labels=Labels,
    metrics=METRICS,
    observed=observed,
    figures=figures,
    method=_method,
    headlines=_headlines,
    memory_bytes=lambda s, _: (
        len(s["point"]) * len(s["sampling"]) * len(s["batch_size"]) * s["draws"] * DRAW_BYTES
    ),
)
