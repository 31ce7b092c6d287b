"""Loss curves over seeds: medians, the exact solution, the time to a target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from report import data, leastsquares, quantities, statistics
from report.experiments.training.quantities import Trained, median_times, trained
from report.worker.timing import median

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results import Result
    from report.statistics import Estimate
    from report.worker.records import TrainingRun


@dataclass(frozen=True, kw_only=True)
class Line:
    """The median curve of a run, over its seeds.

    Attributes:
        name: As shown.
        run: All its seeds.
        epochs: Passes over the data at each point.
        loss: Median loss of the seeds.
        lowest: Lowest loss of the seeds.
        highest: Highest.
        elapsed_s: Median seconds of training.
    """

    name: str
    run: Trained
    epochs: list[float]
    loss: list[float]
    lowest: list[float]
    highest: list[float]
    elapsed_s: list[float]


@dataclass(frozen=True, kw_only=True)
class Target:
    """How a run fared towards a loss.

    Attributes:
        seeds: How many seeds there are.
        reached: How many of them came to the target.
        time: Seconds until then; None unless all did, since what has not ended has no time.
    """

    seeds: int
    reached: int
    time: Estimate | None


def lines(result: Result, experiment: str, backend: str) -> list[Line]:
    """Return a line for each run of an experiment, named by what tells it from the others."""
    runs = trained(quantities.by_backend(result.of(experiment)).get(backend, []))
    names = [n for n in quantities.varying([r.labels for r in runs]) if n in _NAMING] or ["run"]
    return [_line(run, ", ".join(str(run.labels[name]) for name in names), result) for run in runs]


_NAMING = ("run", "loader", "implementation")


def _line(run: Trained, name: str, result: Result) -> Line:
    seeds = run.seeds
    points = min(len(seed.loss) for seed in seeds)
    losses = [[seed.loss[index] for seed in seeds] for index in range(points)]
    times = [median_times(seed) for seed in seeds]
    return Line(
        name=name,
        run=run,
        epochs=[examples / result.config["examples"] for examples in seeds[0].examples[:points]],
        loss=[median(at) for at in losses],
        lowest=[min(at) for at in losses],
        highest=[max(at) for at in losses],
        elapsed_s=[median(time[index] for time in times) for index in range(points)],
    )


def after_one(line: Line) -> int | None:
    """Return the point at which a line has seen each example once, or None if it ends before."""
    return next((at for at, epochs in enumerate(line.epochs) if epochs >= 1), None)


def optimum(result: Result) -> float | None:
    """Return the lowest loss that any parameters have on the data of a result."""
    if result.moments is None:
        return None
    return leastsquares.problem_from_moments(result.moments).optimum()[1]


def stability_limit(result: Result) -> float | None:
    """Return the learning rate above which full-batch gradient descent diverges."""
    if result.moments is None:
        return None
    return leastsquares.problem_from_moments(result.moments).stability_limit()


def target(result: Result) -> float | None:
    """Return the loss to be reached: 2 % above the lowest, rounded up to two decimals.

    On the chapter's data this is 0.25, which every run of the chapter comes to.
    """
    lowest = optimum(result)
    return None if lowest is None else math.ceil(lowest * 1.02 * 100) / 100


def towards(run: Trained, loss: float) -> Target:
    """Return how a run fared towards a loss."""
    times = run.time_to(loss)
    by_seed = {
        record.seed: time
        for records, found in zip(run.by_process, times, strict=True)
        for record, time in zip(records, found, strict=True)
    }
    reached = sum(time is not None for time in by_seed.values())
    groups = [[time for time in found if time] for found in times]
    complete = reached == len(by_seed) and any(groups)
    return Target(
        seeds=len(by_seed),
        reached=reached,
        time=statistics.estimate(groups) if complete else None,
    )


def exact_path(result: Result, seed: TrainingRun) -> list[float] | None:
    """Return the exact losses of full-batch gradient descent from a seed's start, in float64.

    Returns:
        One loss for each epoch, the untrained one first; None if the run takes smaller batches
        or the result lacks the moments.
    """
    if result.moments is None or seed.labels["batch_size"] != result.config["examples"]:
        return None
    problem = leastsquares.problem_from_moments(result.moments)
    features = len(problem.hessian) - 1
    weights = data.initial_weights(int(result.config["seed"]), seed.seed, features)
    # A rate that belongs to a loss without the 1/2 makes steps twice as long.
    factor = 2 if seed.labels["loss"] == "mse" else 1
    path = problem.gradient_descent(
        np.append(weights, 0.0),
        factor * float(str(seed.labels["lr"])),
        int(str(seed.labels["epochs"])),
    )
    return [float(loss) for loss in path]


def deviation(result: Result, runs: Sequence[Trained]) -> float | None:
    """Return how far full-batch runs are from the exact path at most; None if there are none."""
    worst: list[float] = []
    for run in runs:
        for seed in run.seeds:
            path = exact_path(result, seed)
            if path is None:
                continue
            ends = [0, *seed.epoch_ends]
            worst += [abs(seed.loss[at] - path[k]) for k, at in enumerate(ends)]
    return max(worst) if worst else None
