"""What a `training` experiment measured: seconds per epoch, losses, and the way to a loss."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from report.analysis import quantities
from report.analysis.quantities import (
    EXAMPLES_PER_S,
    SECONDS,
    Metric,
    Quantity,
    by_backend,
    of_kind,
)
from report.experiments.training import theory
from report.experiments.training.runs import trained

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Question
    from report.experiments.training.runs import Run
    from report.results.result import Record, Result
    from report.worker.records import Labels

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


def of_records(records: Sequence[Record], run: str = "") -> list[Quantity]:
    """Return the seconds per epoch of each run of one experiment on one backend."""
    return [one.seconds for one in trained(records, run) if one.seconds is not None]


def of_result(result: Result) -> list[Quantity]:
    """Return the same of all experiments of this kind, on every backend."""
    return of_kind(result, "training", of_records)


def observed(result: Result, records: Sequence[Record], question: Question) -> list[Quantity]:
    """Return a metric of every run of one experiment on one backend."""
    runs = trained(records, result.run)
    if question.metric in {"seconds", "examples_per_s"}:
        return of_records(records, result.run)
    if question.metric.endswith("_to_loss"):
        loss = question.loss or theory.target(result)
        if loss is None:
            return []
        by_time = question.metric.startswith("seconds")
        return [run.seconds_to(loss) if by_time else run.examples_to(loss) for run in runs]
    if question.metric == "loss":
        return [run.loss(question.epoch) for run in runs]
    if question.metric in theory.THEORY:
        of_run = functools.partial(theory.of_run, result, metric=question.metric)
        return [run.known(question.metric, value) for run in runs if (value := of_run(run))]
    lowest = theory.optimum(result)
    return [] if lowest is None else [run.excess(lowest, question.epoch) for run in runs]


@dataclass(frozen=True, kw_only=True)
class Reached:
    """How a run fared towards a loss.

    Attributes:
        run: Which.
        seeds: How many of its seeds came to the loss.
        time: Seconds until then; None unless all did, since what has not ended has no time.
        at_least: Where not all did: no typical time can be less, for the others would have taken
            longer than they ran. None if all did.
        examples: Examples until then, over seeds; None unless all did.
    """

    run: Run
    seeds: int
    time: Estimate | None
    at_least: Estimate | None
    examples: Estimate | None


def towards(run: Run, loss: float) -> Reached:
    """Return how a run fared towards a loss."""
    reached = sum(min(seed.loss) <= loss for seed in run.seeds)
    time = typical(run.seconds_to(loss))
    complete = reached == len(run.seeds)
    return Reached(
        run=run,
        seeds=reached,
        time=time if complete else None,
        at_least=None if complete else time,
        examples=typical(run.examples_to(loss)) if complete else None,
    )


def typical(quantity: Quantity | None) -> Estimate | None:
    """Return the estimate of a quantity; None if no replicate has a value."""
    return None if quantity is None or not any(quantity.groups) else quantity.estimate()


def of_all(run: Run, quantity: Quantity) -> Estimate | None:
    """Return the estimate of what goes by seed; None unless every seed of the run has a value."""
    return typical(quantity) if sum(map(bool, quantity.groups)) == len(run.seeds) else None


def ratio(above: Quantity | None, below: Quantity | None) -> Estimate | None:
    """Estimate a ratio of two quantities; None if one has no value, or they share no seed.

    Runs of a seed start alike: losses of different seeds say nothing of the runs.
    """
    if typical(above) is None or typical(below) is None or above is None or below is None:
        return None
    pairs = zip(above.groups, below.groups, strict=False)
    if above.replicate == "seed" and not any(a and b for a, b in pairs):
        return None
    return quantities.ratio(above, below)


def updates(quantity: Quantity) -> int:
    """Return how many updates an epoch is."""
    return math.ceil((quantity.examples or 1) / int(str(quantity.labels["batch_size"])))


def update(quantity: Quantity) -> Estimate:
    """Return the seconds of an update, on average over an epoch."""
    return quantity.time().scaled(1 / updates(quantity), f"update of {quantity.name()}")


def per_example(quantity: Quantity) -> Estimate:
    """Return the seconds of an example, on average over an epoch."""
    return quantity.time().scaled(1 / (quantity.examples or 1), f"example of {quantity.name()}")


@dataclass(frozen=True, kw_only=True)
class Lowest:
    """The run with the lowest of a quantity.

    Attributes:
        run: Which.
        estimate: Its own, which says that it was picked.
        ties: Runs that the intervals do not separate from it.
        last: The run with the highest.
        most: What that has.
        factor: The highest over the lowest.
    """

    run: Run
    estimate: Estimate
    ties: list[Run]
    last: Run
    most: Estimate
    factor: Estimate


def lowest(runs: Sequence[Run], asked: Callable[[Run], Quantity | None]) -> Lowest | None:
    """Return which run has the lowest of a quantity; None if none has it.

    Args:
        runs: Of one experiment.
        asked: Gives the quantity; None for a run that does not take part.
    """
    found = {id(q): (run, q) for run in runs if typical(q := asked(run)) is not None and q}
    if not found:
        return None
    every = [q for _, q in found.values()]
    best = quantities.highest(every, lowest=True)
    last = max(every, key=lambda q: q.estimate().value)
    return Lowest(
        run=found[id(best.quantity)][0],
        estimate=best.estimate,
        ties=[found[id(tie)][0] for tie in best.ties],
        last=found[id(last)][0],
        most=last.estimate(),
        factor=quantities.ratio(last, best.quantity),
    )


def soonest(runs: Sequence[Run], loss: float | None) -> Lowest | None:
    """Return which run gets to a loss first, of those that get there with all their seeds."""
    if loss is None:
        return None
    return lowest(runs, lambda run: run.seconds_to(loss) if towards(run, loss).time else None)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One experiment on one backend of one machine.

    Attributes:
        name: What the names of its figures begin with.
        result: The machine's.
        runs: Each with all its seeds.
    """

    name: str
    result: Result
    runs: list[Run]

    @property
    def examples(self) -> int:
        """Return how many examples the data have."""
        return self.result.config["examples"]

    @property
    def seconds(self) -> list[Quantity]:
        """Return the seconds per epoch of each run that ended one."""
        return [run.seconds for run in self.runs if run.seconds is not None]

    @property
    def seeds(self) -> int:
        """Return how many seeds each run has."""
        return len(self.runs[0].seeds)

    @cached_property
    def target(self) -> float | None:
        """Return the loss to be reached."""
        return theory.target(self.result)

    @cached_property
    def lowest(self) -> float | None:
        """Return the lowest loss that any parameters have."""
        return theory.optimum(self.result)

    @property
    def base(self) -> float:
        """Return what losses are shown above: the optimum, or 0 where it is not known."""
        return self.lowest or 0.0

    @property
    def height(self) -> str:
        """Return what a loss above `base` is called."""
        return "loss" if self.lowest is None else "loss above the optimum"

    @property
    def labels(self) -> list[Labels]:
        """Return the settings of each run."""
        return [run.labels for run in self.runs]

    def epochs(self, run: Run) -> list[float]:
        """Return the passes over the data, of all copies, at each point of a run."""
        whole = self.examples * run.copies
        return [examples / whole for examples in run.seeds[0].examples[: run.points]]

    def updates(self, run: Run) -> list[int]:
        """Return the steps taken at each point of a run; an epoch's last batch may be smaller."""
        whole = self.examples * run.copies
        size = min(whole, run.batch_size)
        parts = [divmod(examples, whole) for examples in run.seeds[0].examples[: run.points]]
        return [n * math.ceil(whole / size) + math.ceil(rest / size) for n, rest in parts]

    def excess(self, run: Run, epoch: int | None = None) -> Quantity:
        """Return how far a run's loss lies above `base` at the end of an epoch, by seed."""
        return run.excess(self.base, epoch)

    def above(self, run: Run, other: Run | None) -> Estimate | None:
        """Return where a run ends over where another does, paired by seed."""
        if other is None or other is run:
            return None
        return ratio(self.excess(run), self.excess(other))

    def turn(self, run: Run) -> dict[str, Any]:
        """Return where a loss that must rise in the end begins to."""
        losses = [run.at(point).estimate() for point in range(run.points)]
        at = min(range(run.points), key=lambda k: losses[k].value)
        ends = at == run.points - 1
        return {"loss": losses[at], "epoch": round(self.epochs(run)[at]), "ends": ends}

    def ends(self) -> list[tuple[Run, Estimate | None]]:
        """Return each run with where it ends above `base`; None where seeds diverged."""
        return [(r, typical(self.excess(r)) if r.complete else None) for r in self.runs]

    def nearest(self) -> Lowest | None:
        """Return the run that ends lowest, of those none of whose seeds diverged."""
        return lowest(self.runs, lambda run: self.excess(run) if run.complete else None)


def case_of(result: Result, experiment: str, backend: str) -> Case | None:
    """Return an experiment on one backend; None where no epoch of it came to its end."""
    records = by_backend(result.of(experiment)).get(backend, [])
    runs = trained(records, result.run)
    if all(run.seconds is None for run in runs):
        return None
    return Case(name=f"{experiment}-{backend}", result=result, runs=runs)


def cases(result: Result, experiment: str) -> list[Case]:
    """Return an experiment's cases, one for each backend that trained something."""
    found = (case_of(result, experiment, b) for b in by_backend(result.of(experiment)))
    return [case for case in found if case is not None]
