"""Loss curves over seeds: medians, the exact solution, the time to a target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.analysis import leastsquares, quantities, statistics
from report.experiments.training import labels
from report.experiments.training.quantities import Trained, median_times, trained
from report.run import seeds
from report.worker.timing import median

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.leastsquares import Problem
    from report.analysis.statistics import Estimate
    from report.results.result import Result
    from report.worker.records import TrainingRun

LEAST = 1e-9
"""A loss in float32 cannot show less; what lies below the optimum by rounding counts as this."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """The median curve of a run, over its seeds.

    Attributes:
        name: As shown.
        run: All its seeds.
        epochs: Passes over the data at each point.
        updates: Steps taken at each point.
        loss: Median loss of the seeds.
        lowest: Lowest loss of the seeds.
        highest: Highest.
        elapsed_s: Median seconds of training.
    """

    name: str
    run: Trained
    epochs: list[float]
    updates: list[int]
    loss: list[float]
    lowest: list[float]
    highest: list[float]
    elapsed_s: list[float]

    @property
    def batch_size(self) -> int:
        """Return the examples of one update."""
        return labels.whole(self.run.labels, "batch_size")


@dataclass(frozen=True, kw_only=True)
class Target:
    """How a run fared towards a loss.

    Attributes:
        seeds: How many seeds there are.
        reached: How many of them came to the target.
        time: Seconds until then; None unless all did, since what has not ended has no time.
        at_least: Where not all did: no typical time can be less, for the others would have taken
            longer than they ran. None if all did.
        examples: Examples until then, over seeds; None unless all did.
    """

    seeds: int
    reached: int
    time: Estimate | None
    at_least: Estimate | None
    examples: Estimate | None


def lines(result: Result, experiment: str, backend: str) -> list[Line]:
    """Return a line for each run of an experiment, named by what tells it from the others."""
    runs = trained(quantities.by_backend(result.of(experiment)).get(backend, []))
    names = labels.names([run.labels for run in runs])
    return [_line(run, name, result) for run, name in zip(runs, names, strict=True)]


def _line(run: Trained, name: str, result: Result) -> Line:
    seeds = run.seeds
    points = min(len(seed.loss) for seed in seeds)
    losses = [[seed.loss[index] for seed in seeds] for index in range(points)]
    times = [median_times(seed) for seed in seeds]
    of_an_epoch = result.config["examples"] * labels.whole(run.labels, "copies")
    size = min(of_an_epoch, labels.whole(run.labels, "batch_size"))
    return Line(
        name=name,
        run=run,
        epochs=[examples / of_an_epoch for examples in seeds[0].examples[:points]],
        updates=[_updates(n, of_an_epoch, size) for n in seeds[0].examples[:points]],
        loss=[median(at) for at in losses],
        lowest=[min(at) for at in losses],
        highest=[max(at) for at in losses],
        elapsed_s=[median(time[index] for time in times) for index in range(points)],
    )


def _updates(examples: int, of_an_epoch: int, size: int) -> int:
    """Return how many updates so many examples took; an epoch's last batch may be smaller."""
    epochs, rest = divmod(examples, of_an_epoch)
    return epochs * math.ceil(of_an_epoch / size) + math.ceil(rest / size)


def after_one(line: Line) -> int | None:
    """Return the point at which a line has seen each example once, or None if it ends before."""
    return next((at for at, epochs in enumerate(line.epochs) if epochs >= 1), None)


def problem(result: Result) -> Problem | None:
    """Return the least-squares problem of a result's data, if the result tells its moments."""
    if result.moments is None:
        return None
    return leastsquares.problem_from_moments(result.moments)


def optimum(result: Result) -> float | None:
    """Return the lowest loss that any parameters have on the data of a result."""
    solved = problem(result)
    return None if solved is None else solved.optimum()[1]


def stability_limit(result: Result) -> float | None:
    """Return the learning rate above which full-batch gradient descent diverges."""
    solved = problem(result)
    return None if solved is None else solved.stability_limit()


def target(result: Result) -> float | None:
    """Return the loss to be reached: 2 % above the lowest, rounded up to two decimals.

    On the chapter's data this is 0.25, which every run of the chapter comes to.
    """
    lowest = optimum(result)
    return None if lowest is None else math.ceil(lowest * 1.02 * 100) / 100


def towards(run: Trained, loss: float) -> Target:
    """Return how a run fared towards a loss."""
    seeds = run.seeds
    needed = [_first(seed, loss) for seed in seeds]
    reached = sum(at is not None for at in needed)
    groups = [[time for time in found if time] for found in run.time_to(loss)]
    complete = reached == len(seeds) and any(groups)
    examples = [
        [seed.examples[at]] for seed, at in zip(seeds, needed, strict=True) if at is not None and at
    ]
    return Target(
        seeds=len(seeds),
        reached=reached,
        time=statistics.estimate(groups) if complete else None,
        at_least=None if complete else _at_least(run, loss),
        examples=statistics.estimate(examples) if complete else None,
    )


def _first(seed: TrainingRun, loss: float) -> int | None:
    return next((at for at, value in enumerate(seed.loss) if value <= loss), None)


def _at_least(run: Trained, loss: float) -> Estimate | None:
    """Return the seconds to a loss, where a seed that never came there counts with its end."""
    ends = [
        [
            median_times(seed)[-1] if time is None else time
            for seed, time in zip(seeds, found, strict=True)
        ]
        for seeds, found in zip(run.by_process, run.time_to(loss), strict=True)
    ]
    groups = [[seconds for seconds in group if seconds] for group in ends]
    return statistics.estimate(groups) if any(groups) else None


@dataclass(frozen=True, kw_only=True)
class Soonest:
    """The line that is first at a loss.

    Attributes:
        line: Which.
        time: Seconds until then.
        level: Lines that came there too, and whose times the intervals do not tell from its.
    """

    line: Line
    time: Estimate
    level: list[Line]


def soonest(lines: Sequence[Line], loss: float) -> Soonest | None:
    """Return which line of an experiment is first at a loss.

    Args:
        lines: Runs with the same processes.
        loss: The target.

    Returns:
        None if no line comes there with all its seeds.
    """
    fared = [(line, towards(line.run, loss).time) for line in lines]
    timed = [(line, time) for line, time in fared if time is not None]
    if not timed:
        return None
    best, time = min(timed, key=lambda pair: pair[1].value)
    level = [
        line
        for line, _ in timed
        if line is not best and not _time_ratio(line, best, loss).excludes(1)
    ]
    return Soonest(line=best, time=time, level=level)


def _time_ratio(one: Line, other: Line, loss: float) -> Estimate:
    groups = [
        [[time for time in found if time] for found in line.run.time_to(loss)]
        for line in (one, other)
    ]
    return statistics.paired_ratio(*groups)


def above(run: Trained, base: float, *, epoch: int | None = None) -> dict[int, float]:
    """Return by seed how far the loss lies above a base at the end of an epoch.

    Args:
        run: With all its seeds.
        base: The optimum, or 0 where it is not known.
        epoch: Which, from 1; None for the last that the run was to have.

    Returns:
        Seeds that did not come that far, because they diverged, are left out.
    """
    wanted = labels.whole(run.labels, "epochs") if epoch is None else epoch
    return {
        seed.seed: max(seed.loss[ends[wanted]] - base, LEAST)
        for seed in run.seeds
        if wanted < len(ends := [0, *seed.epoch_ends])
    }


def typical(by_seed: dict[int, float]) -> Estimate | None:
    """Estimate a positive value over seeds; None if none has one."""
    values = [[value] for _, value in sorted(by_seed.items())]
    return statistics.estimate(values) if values else None


def ratio(numerators: dict[int, float], denominators: dict[int, float]) -> Estimate | None:
    """Estimate a ratio of two runs' values, paired by seed; None if they share none.

    Runs of a seed start alike, and losses do not depend on the process.
    """
    common = sorted(numerators.keys() & denominators.keys())
    if not common:
        return None
    return statistics.paired_ratio(
        [[numerators[seed]] for seed in common], [[denominators[seed]] for seed in common]
    )


def twins(lines: Sequence[Line], name: str, one: str, other: str) -> list[tuple[Line, Line]]:
    """Return the pairs of lines that differ in nothing but a setting.

    Args:
        lines: Runs of one experiment.
        name: The setting.
        one: Its value for the first of a pair.
        other: Its value for the second.
    """

    def having(value: str) -> list[Line]:
        return [line for line in lines if line.run.labels[name] == value]

    def rest(line: Line) -> object:
        return labels.without(line.run.labels, "run", name)

    return [(a, b) for a in having(one) for b in having(other) if rest(a) == rest(b)]


def gap(one: Trained, other: Trained) -> float | None:
    """Return how far the losses of two runs differ at most, at the points that they share.

    Returns:
        None if they share no seed.
    """
    others = {seed.seed: seed for seed in other.seeds}
    gaps = [
        abs(a - b)
        for seed in one.seeds
        if seed.seed in others
        for a, b in zip(seed.loss, others[seed.seed].loss, strict=False)
    ]
    return max(gaps) if gaps else None


def exact_path(result: Result, seed: TrainingRun) -> list[float] | None:
    """Return the exact losses of full-batch gradient descent from a seed's start, in float64.

    Returns:
        One loss for each epoch, the untrained one first; None if the run takes smaller batches
        or anything else than plain steps, or the result lacks the moments.
    """
    solved = problem(result)
    full = labels.full_batch(seed.labels, result.config["examples"])
    if solved is None or not full or not labels.plain(seed.labels):
        return None
    features = len(solved.hessian) - 1
    weights = seeds.initial_weights(int(result.config["seed"]), seed.seed, features)
    rate, epochs = labels.rate(seed.labels), labels.whole(seed.labels, "epochs")
    return solved.gradient_descent([*weights, 0.0], rate, epochs)


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
