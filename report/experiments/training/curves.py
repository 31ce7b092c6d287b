"""Loss curves over seeds: their centre, the exact solution, the time to a target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.analysis import leastsquares, quantities
from report.analysis.estimate import centre
from report.experiments.training import labels
from report.experiments.training.quantities import LEAST_EXCESS, Trained, of_records, trained
from report.run import seeds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.leastsquares import Problem
    from report.analysis.quantities import Quantity, Question
    from report.results.result import Record, Result
    from report.worker.records import TrainingRun


@dataclass(frozen=True, kw_only=True)
class Line:
    """The curve of a run: the geometric mean over its seeds at each point.

    Attributes:
        name: As shown.
        run: All its seeds.
        epochs: Passes over the data at each point.
        updates: Steps taken at each point.
        losses: The loss of each seed at each point.
        elapsed_s: Seconds of training at each point, the untrained one first.
    """

    name: str
    run: Trained
    epochs: list[float]
    updates: list[int]
    losses: list[list[float]]
    elapsed_s: list[float]

    @property
    def batch_size(self) -> int:
        """Return the examples of one update."""
        return labels.whole(self.run.labels, "batch_size")

    @property
    def loss(self) -> list[float]:
        """Return the centre of the seeds' losses at each point."""
        return [centre(at) for at in self.losses]

    @property
    def lowest(self) -> list[float]:
        """Return the lowest loss of the seeds at each point."""
        return [min(at) for at in self.losses]

    @property
    def highest(self) -> list[float]:
        """Return the highest loss of the seeds at each point."""
        return [max(at) for at in self.losses]

    def above(self, base: float) -> list[float]:
        """Return the centre of the seeds' losses above a base; of the losses where it is 0."""
        if not base:
            return self.loss
        return [centre(max(loss - base, LEAST_EXCESS) for loss in at) for at in self.losses]


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
    records = quantities.by_backend(result.of(experiment)).get(backend, [])
    runs = trained(records, result.run)
    names = labels.names([run.labels for run in runs])
    return [_line(run, name, result) for run, name in zip(runs, names, strict=True)]


def _line(run: Trained, name: str, result: Result) -> Line:
    seeds = run.seeds
    points = min(len(seed.loss) for seed in seeds)
    of_an_epoch = result.config["examples"] * labels.whole(run.labels, "copies")
    size = min(of_an_epoch, labels.whole(run.labels, "batch_size"))
    return Line(
        name=name,
        run=run,
        epochs=[examples / of_an_epoch for examples in seeds[0].examples[:points]],
        updates=[_updates(n, of_an_epoch, size) for n in seeds[0].examples[:points]],
        losses=[[seed.loss[index] for seed in seeds] for index in range(points)],
        elapsed_s=[0.0, *(_elapsed(run, point) for point in range(1, points))],
    )


def _elapsed(run: Trained, point: int) -> float:
    return run.elapsed(point).estimate().value


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
    reached = sum(min(seed.loss) <= loss for seed in run.seeds)
    seconds, examples = run.seconds_to(loss), run.examples_to(loss)
    complete = reached == len(run.seeds)
    time = seconds.estimate() if any(seconds.groups) else None
    return Target(
        seeds=len(run.seeds),
        reached=reached,
        time=time if complete else None,
        at_least=None if complete else time,
        examples=examples.estimate() if complete and any(examples.groups) else None,
    )


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
    return quantities.ratio(one.run.seconds_to(loss), other.run.seconds_to(loss))


def above(run: Trained, base: float, *, epoch: int | None = None) -> Quantity:
    """Return how far the loss lies above a base at the end of an epoch, by seed.

    Args:
        run: With all its seeds.
        base: The optimum, or 0 where it is not known: then it is the loss.
        epoch: Which, from 1; None for the last that the run was to have.
    """
    return run.excess(base, epoch) if base else run.loss(epoch)


def typical(quantity: Quantity) -> Estimate | None:
    """Return the estimate of a quantity over seeds; None if none has one."""
    return quantity.estimate() if any(quantity.groups) else None


def ratio(above: Quantity, below: Quantity) -> Estimate | None:
    """Estimate a ratio of two runs' values, paired by seed; None if they share none.

    Runs of a seed start alike, and losses do not depend on the process.
    """
    shared = [bool(a) and bool(b) for a, b in zip(above.groups, below.groups, strict=True)]
    return quantities.ratio(above, below) if any(shared) else None


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


def observed(result: Result, records: Sequence[Record], question: Question) -> list[Quantity]:
    """Return a metric of every run of one experiment on one backend."""
    runs = trained(records, result.run)
    if question.metric in {"seconds", "examples_per_s"}:
        return of_records(records, result.run)
    if question.metric.endswith("_to_loss"):
        loss = question.loss or target(result)
        if loss is None:
            return []
        by_time = question.metric.startswith("seconds")
        return [run.seconds_to(loss) if by_time else run.examples_to(loss) for run in runs]
    if question.metric == "loss":
        return [run.loss(question.epoch) for run in runs]
    if question.metric in {"lowest_loss", "stable_lr", "steepest_factor"}:
        solved = problem(result)
        return [] if solved is None else [_theory(run, question.metric, solved) for run in runs]
    lowest = optimum(result)
    return [] if lowest is None else [run.excess(lowest, question.epoch) for run in runs]


def _theory(run: Trained, metric: str, solved: Problem) -> Quantity:
    """Return what follows from the data and a run's rate, whatever was measured."""
    if metric == "lowest_loss":
        value = solved.optimum()[1]
    else:
        value = solved.stability_limit()
        if metric == "steepest_factor":
            value = abs(1 - 2 * labels.rate(run.labels) / value)
    return run.of_seeds(metric, lambda _: value)
