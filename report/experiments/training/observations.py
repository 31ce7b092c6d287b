"""What claims can be made of a `training` experiment: seconds, losses, and the way to a loss."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from report.analysis.observations import EXAMPLES_PER_S, SECONDS, Metric, Observed, timed
from report.experiments.training import curves, labels
from report.experiments.training.quantities import median_times, trained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.leastsquares import Problem
    from report.analysis.observations import Question
    from report.experiments.training.quantities import Trained
    from report.results.result import Record, Result
    from report.worker.records import TrainingRun

METRICS = {
    "seconds": SECONDS,
    "examples_per_s": EXAMPLES_PER_S,
    "seconds_to_loss": Metric(unit="s", timed=True, words="seconds until the loss is reached"),
    "examples_to_loss": Metric(
        unit="examples", timed=False, words="examples processed until the loss is reached"
    ),
    "loss": Metric(unit="", timed=False, words="loss at the end of an epoch"),
    "excess": Metric(
        unit="", timed=False, words="loss above the lowest possible, at the end of an epoch"
    ),
    "lowest_loss": Metric(unit="", timed=False, words="lowest loss that the data allow"),
    "stable_lr": Metric(
        unit="", timed=False, words="rate above which full-batch gradient descent diverges"
    ),
    "steepest_factor": Metric(
        unit="",
        timed=False,
        words="by what a full-batch step at the run's rate multiplies the error along the "
        "steepest direction, without its sign",
    ),
}

LEAST_EXCESS = 1e-9
"""A loss in float32 cannot show less; what lies below the optimum by rounding counts as this."""


def observe(result: Result, records: Sequence[Record], question: Question) -> list[Observed]:
    """Return a metric of every run of one experiment on one backend."""
    if question.metric in {"seconds", "examples_per_s"}:
        return timed(records, question.metric)
    runs = trained(records)
    if question.metric in {"lowest_loss", "stable_lr", "steepest_factor"}:
        problem = curves.problem(result)
        return [] if problem is None else [_theory(run, question.metric, problem) for run in runs]
    if question.metric.endswith("_to_loss"):
        target = question.loss or curves.target(result)
        by_time = question.metric.startswith("seconds")
        return [] if target is None else [_until(run, target, by_time=by_time) for run in runs]
    lowest = 0.0 if question.metric == "loss" else curves.optimum(result)
    if lowest is None:
        return []
    return [_at_end(run, question.epoch, lowest) for run in runs]


def _theory(run: Trained, metric: str, problem: Problem) -> Observed:
    """Observe what follows from the data and a run's rate, whatever was measured."""
    if metric == "lowest_loss":
        value = problem.optimum()[1]
    else:
        value = problem.stability_limit()
        if metric == "steepest_factor":
            value = abs(1 - 2 * labels.rate(run.labels) / value)
    return Observed(labels=run.labels, groups=[[value] for _ in run.seeds])


def _until(run: Trained, target: float, *, by_time: bool) -> Observed:
    """Observe how long runs take to a loss; one that does not come to it counts with its end."""
    censored = 0

    def of_seed(record: TrainingRun) -> float | None:
        nonlocal censored
        scale = median_times(record) if by_time else [float(n) for n in record.examples]
        for loss, value in zip(record.loss, scale, strict=True):
            if loss <= target:
                return value or None
        # A run that diverges never comes there, however long it is left to run.
        censored += 1
        return scale[-1] or None

    if by_time:
        groups = [[of_seed(record) for record in records] for records in run.by_process]
    else:
        # Examples do not depend on the process: each seed counts once.
        groups = [[of_seed(record)] for record in run.seeds]
    return Observed(
        labels=run.labels,
        groups=[[value for value in group if value is not None] for group in groups],
        censored=censored,
    )


def _at_end(run: Trained, epoch: int | None, lowest: float) -> Observed:
    """Observe the loss after an epoch, less the lowest; a diverged run's is infinite."""

    def of_seed(record: TrainingRun) -> float:
        ends = [0, *record.epoch_ends]
        wanted = int(str(record.labels["epochs"])) if epoch is None else epoch
        if wanted >= len(ends):
            return math.inf
        excess = record.loss[ends[wanted]] - lowest
        return max(excess, LEAST_EXCESS) if lowest else excess

    values = [of_seed(record) for record in run.seeds]
    return Observed(
        labels=run.labels, groups=[[value] if math.isfinite(value) else [] for value in values]
    )
