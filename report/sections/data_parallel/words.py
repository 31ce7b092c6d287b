"""Sentences about predictions, each of which says that it is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.figures.figure import Words, in_words
from report.text.numerals import digits, scaled, times

if TYPE_CHECKING:
    from report.analysis.estimate import Estimate
    from report.sections.data_parallel.scenarios import Scenario, Setting

PARTS = ("the fixed cost of an update", "the examples", "the exchange of the gradient")
"""Of a step, as `Work.parts_s` returns them."""

CHAPTER = (
    "The chapter's arithmetic, that 8 devices in each of 16 servers need a minibatch of at least "
    "128, is a lower bound: a worker without an example has nothing to compute."
)


def words(scenario: Scenario, examples: int) -> Words:
    """Say what a scenario predicts.

    Args:
        scenario: What is predicted.
        examples: Of the chapter's data.
    """
    largest = scenario.settings[-1]
    workers = largest.cluster.workers
    speedup = scenario.speedup(workers, largest.cluster)
    title = (
        f"A model, not a measurement: with a minibatch of {workers}, {largest.name} train "
        f"{scenario.what} {_as_fast(speedup)}"
    )
    smallest = "; ".join(
        f"{setting.name}: "
        f"{in_words(scenario.speedup(setting.cluster.workers, setting.cluster), 1, 'times')} at "
        f"{setting.cluster.workers}"
        for setting in scenario.settings
    )
    caption = (
        "Predicted, not measured: how many times as fast as one worker "
        f"{scenario.what}{scenario.note} is trained by several, against the size of the minibatch, "
        f"from the smallest possible on. {smallest}."
    )
    said = [_setting(scenario, setting, examples) for setting in scenario.settings]
    return Words(
        title=title,
        caption=caption,
        explanation=" ".join([CHAPTER, *said]),
        alt=f"Predicted curves of speed-up against minibatch size, logarithmic. {title}. "
        f"{smallest}.",
    )


def _as_fast(speedup: Estimate) -> str:
    """Claim no difference that the interval does not show."""
    if speedup.low is not None and not speedup.excludes(1):
        return "no faster and no slower than one, as far as the intervals tell"
    return f"{times(speedup.value)} times as fast as one"


def _setting(scenario: Scenario, setting: Setting, examples: int) -> str:
    """Say what a setting takes at its smallest minibatch, and from where on it pays."""
    cluster = setting.cluster
    workers = cluster.workers
    parts = scenario.work.parts_s(workers, cluster)
    said = ", ".join(f"{scaled(value, 's')} for {name}" for name, value in by_size(parts))
    text = f"With {setting.name}, a step with {workers} examples would take {said}. "
    half = scenario.half(cluster)
    if half is None:
        return (
            f"{text}The measured updates do not grow with their batch, so that no minibatch makes "
            f"the speed-up {workers / 2:g}, half the number of workers."
        )
    if half.value <= workers:
        return f"{text}Already there the speed-up would be at least half their number."
    text += (
        "Of minibatches that they share evenly, those from about "
        f"{digits(half.value, 3 if half.value >= 100 else 2)} examples on would make the speed-up "
        f"{workers / 2:g}, half their number"
    )
    if scenario.data and half.value > examples:
        text += f"; there are {examples:,} examples in all"
    # From c b / p = f + m - 2 f / p at that minibatch: it holds for every smaller one.
    larger = PARTS[0] if parts[0] >= parts[2] else PARTS[2]
    return (
        f"{text}. With smaller ones, the fixed cost and the exchange take more than half of a "
        f"step; the larger of the two is {larger}."
    )


def by_size(parts: tuple[float, float, float]) -> list[tuple[str, float]]:
    """Return the parts of a step with their names, the largest first."""
    return sorted(zip(PARTS, parts, strict=True), key=lambda part: -part[1])
