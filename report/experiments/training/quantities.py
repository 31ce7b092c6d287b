"""What a `training` experiment measured, and what least squares says of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from report.analysis import leastsquares, quantities, seeds
from report.analysis.quantities import Metric, Quantity, Question, by_backend, varying
from report.experiments.training.runs import Run, lowest, ratio, towards, trained, typical

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.analysis.estimate import Estimate
    from report.experiments.training.runs import Lowest, Reached
    from report.results.result import Record, Result

METRICS = {
    "seconds": quantities.SECONDS,
    "examples_per_s": quantities.EXAMPLES_PER_S,
    "printed_seconds": Metric(
        unit="s", timed=True, words="seconds per epoch as the chapter's listing prints them"
    ),
    "joules": quantities.JOULES,
    "joules_to_loss": Metric(unit="J", timed=True, words="energy until the loss is reached"),
    "memory_bytes": Metric(
        unit="B", timed=False, words="the most memory that the process held during the run"
    ),
    "device_memory_bytes": Metric(
        unit="B", timed=False, words="the most that was held of the accelerator's memory"
    ),
    "seconds_to_loss": Metric(unit="s", timed=True, words="seconds until the loss is reached"),
    "examples_to_loss": Metric(
        unit="examples", timed=False, words="examples processed until the loss is reached"
    ),
} | {
    name: Metric(unit="", timed=False, words=words, known=name not in {"loss", "excess"})
    for name, words in {
        "loss": "loss at the end of an epoch",
        "excess": "loss above the lowest possible, at the end of an epoch",
        # What follows from the data and a run's rate, whatever was measured.
        "lowest_loss": "lowest loss that the data allow",
        "stable_lr": "rate above which full-batch gradient descent diverges",
        "steepest_factor": "by what a full-batch step at the run's rate multiplies the error along "
        "the steepest direction, without its sign",
    }.items()
}

SIZES = 5
"""So many batch sizes are a sweep; fewer are runs to compare one by one."""

LAST = 5
"""Steps at the end of a run over which its rate of decay is measured: the fast parts are gone."""

ROUNDING = 1e-6
"""A loss above the optimum below this is mostly float32's rounding, and its decay means nothing."""


def of_records(records: Sequence[Record], run: str = "") -> list[Quantity]:
    """Return the seconds per epoch of each run of one experiment on one backend."""
    return [one.seconds for one in trained(records, run) if one.seconds is not None]


def observed(result: Result, records: Sequence[Record], question: Question) -> list[Quantity]:
    """Return a metric of every run of one experiment on one backend."""
    case = Case(name="", result=result, runs=trained(records, result.run))
    metric, loss = question.metric, question.loss or case.target
    asked: dict[str, Callable[[Run], Quantity | None]] = {
        "seconds": lambda run: run.seconds,
        "examples_per_s": lambda run: run.seconds,
        "printed_seconds": Run.printed,
        "joules": Run.joules,
        "memory_bytes": Run.memory,
        "device_memory_bytes": partial(Run.memory, device=True),
        "loss": lambda run: run.loss(question.epoch),
    }
    if loss:
        asked |= {
            "seconds_to_loss": lambda run: run.seconds_to(loss),
            "examples_to_loss": lambda run: run.examples_to(loss),
            "joules_to_loss": lambda run: run.joules(loss),
        }
    if metric in asked:
        return [q for run in case.runs if (q := asked[metric](run))]
    if case.solved is None:
        return []
    if metric == "excess":
        return [case.excess(run, question.epoch) for run in case.runs]
    limit = case.solved.stability_limit()
    values = {
        "lowest_loss": [case.base for _ in case.runs],
        "stable_lr": [limit for _ in case.runs],
        "steepest_factor": [abs(1 - 2 * run.step / limit) for run in case.runs],
    }[metric]
    return [run.known(metric, v) for run, v in zip(case.runs, values, strict=True) if v]


def size_of(quantity: Quantity) -> int:
    """Return the examples of one update."""
    return quantity.number("batch_size")


def updates(quantity: Quantity) -> int:
    """Return how many updates an epoch is."""
    return math.ceil((quantity.examples or 1) / size_of(quantity))


def update(quantity: Quantity) -> Estimate:
    """Return the seconds of an update, on average over an epoch."""
    return quantity.time().scaled(1 / updates(quantity), f"update of {quantity.name()}")


def per_example(quantity: Quantity) -> Estimate:
    """Return the seconds of an example, on average over an epoch."""
    return quantity.time().scaled(1 / (quantity.examples or 1), f"example of {quantity.name()}")


def by_batch_size(found: Sequence[Quantity]) -> list[Quantity]:
    """Return the seconds per epoch of each batch size, whatever the rate: it costs no time."""
    pooled: dict[int, Quantity] = {}
    for quantity in sorted(found, key=size_of):
        size = size_of(quantity)
        before = pooled.get(size, replace(quantity, groups=[[] for _ in quantity.groups]))
        groups = [a + b for a, b in zip(before.groups, quantity.groups, strict=True)]
        named = {**quantity.labels, "run": f"batch {size:,}", "lr": None}
        pooled[size] = replace(quantity, groups=groups, labels=named)
    return list(pooled.values())


@dataclass(frozen=True, kw_only=True)
class Case:
    """One experiment on one backend of one machine; its figures' names begin with its own."""

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

    @property
    def varying(self) -> list[str]:
        """Return the settings in which runs differ."""
        return varying([run.labels for run in self.runs])

    @property
    def is_grid(self) -> bool:
        """Return whether each of several batch sizes was trained with each of several rates."""
        pairs = {(run.spec.batch_size, run.spec.lr) for run in self.runs}
        sizes, rates = ({pair[k] for pair in pairs} for k in (0, 1))
        several = min(len(sizes), len(rates)) > 1
        return several and len(pairs) == len(sizes) * len(rates) == len(self.runs)

    @property
    def is_sweep(self) -> bool:
        """Return whether so many batch sizes were trained that they make a curve, and no grid."""
        return len({run.spec.batch_size for run in self.runs}) >= SIZES and not self.is_grid

    @cached_property
    def solved(self) -> leastsquares.Problem | None:
        """Return the least-squares problem of the data, if the result tells their moments."""
        moments = self.result.moments
        return leastsquares.problem_from_moments(moments) if moments else None

    @cached_property
    def lowest(self) -> float | None:
        """Return the lowest loss that any parameters have."""
        return self.solved.optimum()[1] if self.solved else None

    @property
    def target(self) -> float | None:
        """Return the loss to reach: 2 % above the lowest, rounded up, 0.25 for the chapter."""
        return None if self.lowest is None else math.ceil(self.lowest * 1.02 * 100) / 100

    @property
    def base(self) -> float:
        """Return what losses are shown above: the optimum, or 0 where it is not known."""
        return self.lowest or 0.0

    @property
    def height(self) -> str:
        """Return what a loss above `base` is called."""
        return "loss" if self.lowest is None else "loss above the optimum"

    def epochs(self, run: Run) -> list[float]:
        """Return the passes over the data, of all copies, at each point of a run."""
        whole = self.examples * run.spec.copies
        return [examples / whole for examples in run.seeds[0].examples[: run.points]]

    def updates(self, run: Run) -> list[int]:
        """Return the steps taken at each point of a run; an epoch's last batch may be smaller."""
        whole = self.examples * run.spec.copies
        size = min(whole, run.spec.batch_size)
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

    def after(self, one: Run, other: Run, epoch: int | None = None) -> Estimate | None:
        """Return the second's height over the first's after as many epochs, paired by seed."""
        epoch = epoch or min(run.spec.epochs for run in (one, other))
        return ratio(self.excess(other, epoch), self.excess(one, epoch))

    def after_updates(self, one: Run, other: Run) -> Estimate | None:
        """Return the same after the most updates that both have a point at."""
        ones, others = ({n: k for k, n in enumerate(self.updates(r)) if k} for r in (one, other))
        last = max(ones.keys() & others.keys(), default=None)
        if last is None:
            return None
        return ratio(other.at(others[last], self.base), one.at(ones[last], self.base))

    def turn(self, run: Run) -> dict[str, Any]:
        """Return where a loss that must rise in the end begins to."""
        losses = [run.at(point).estimate() for point in range(run.points)]
        at = min(range(run.points), key=lambda k: losses[k].value)
        epoch, ends = round(self.epochs(run)[at]), at == run.points - 1
        return {"loss": losses[at], "epoch": epoch, "ends": ends}

    def deviation(self) -> float | None:
        """Return how far plain full-batch runs are from their exact path, if it is known."""
        if self.solved is None:
            return None
        gaps: list[float] = []
        features = len(self.solved.hessian) - 1
        for run in self.runs:
            for seed in run.seeds if run.plain and run.full_batch(self.examples) else ():
                start = seeds.initial_weights(int(self.result.config["seed"]), seed.seed, features)
                path = self.solved.gradient_descent([*start, 0.0], run.step, run.spec.epochs)
                ends = [0, *seed.epoch_ends]
                gaps += [abs(seed.loss[at] - path[k]) for k, at in enumerate(ends)]
        return max(gaps, default=None)

    @cached_property
    def ends(self) -> dict[Run, Estimate | None]:
        """Return where each run ends above `base`; None where seeds diverged."""
        return {r: typical(self.excess(r)) if r.complete else None for r in self.runs}

    @cached_property
    def nearest(self) -> Lowest | None:
        """Return the run that ends lowest, of those without a diverged seed."""
        return lowest(self.runs, self.end)

    def end(self, run: Run) -> Quantity | None:
        """Return how high a run ends above the optimum, if no seed of it diverged."""
        return self.excess(run) if run.complete else None

    @cached_property
    def fared(self) -> list[Reached]:
        """Return how each run fared towards the target; empty if there is no target."""
        return [] if self.target is None else [towards(run, self.target) for run in self.runs]

    @cached_property
    def soonest(self) -> Lowest | None:
        """Return the run that gets to the target first, of those that do with all their seeds."""
        target = self.target or 0.0
        there = [one.run for one in self.fared if one.time is not None]
        return lowest(there, lambda run: run.seconds_to(target))

    @cached_property
    def fastest(self) -> Lowest | None:
        """Return the run with the shortest epoch."""
        return lowest(self.runs, lambda run: run.seconds)


def case_of(result: Result, experiment: str, backend: str) -> Case | None:
    """Return an experiment on one backend; None where no epoch of it came to its end."""
    records = by_backend(result.of(experiment)).get(backend, [])
    case = Case(name=f"{experiment}-{backend}", result=result, runs=trained(records, result.run))
    return case if case.seconds else None


def cases(result: Result, experiment: str) -> list[Case]:
    """Return an experiment's cases, one for each backend that trained something."""
    found = (case_of(result, experiment, b) for b in by_backend(result.of(experiment)))
    return [case for case in found if case is not None]


# --- theory


@dataclass(frozen=True, kw_only=True)
class Decay:
    """By what an error of a full-batch run shrinks in a step."""

    run: Run
    # The learning rate from which it diverges; None for optimizers without such a theory.
    limit: float | None
    factor: float | None  # of the slowest direction, by theory; above 1 it grows
    # Square root of the factor of the loss above the optimum, over the last steps; None for runs
    # too short, or too near to the optimum to tell.
    measured: Estimate | None


def decay(solved: leastsquares.Problem, run: Run) -> Decay:
    """Return how fast a run's error shrinks, by theory and as measured."""
    limit = factor = None
    if run.spec.optimizer in {"sgd", "momentum"} and run.spec.schedule == "constant":
        momentum = run.spec.momentum or 0.0
        # The roots leave the unit circle at -1, where lr lambda is 2 (1 + m).
        limit = (1 + momentum) * solved.stability_limit()
        factor = slowest(solved, run.step, momentum)
    measured = _measured(run, solved.optimum()[1])
    return Decay(run=run, limit=limit, factor=factor, measured=measured)


def _measured(run: Run, optimum: float) -> Estimate | None:
    last = run.points - 1
    if last <= LAST:
        return None
    end, before = run.at(last, optimum), run.at(last - LAST, optimum)
    if min(one.estimate().value for one in (end, before)) < ROUNDING:
        return None
    shrunk = ratio(end, before)
    return shrunk and shrunk.power(1 / (2 * LAST), f"decay of {run.loss().name()}")


def slowest(solved: leastsquares.Problem, lr: float, momentum: float = 0.0) -> float:
    """Return by what a step multiplies the error along the direction that shrinks least.

    With v <- m v + g and theta <- theta - lr v, for the loss with the factor 1/2, the errors of two
    steps along an eigenvector follow z^2 - (1 + m - lr lambda) z + m = 0, with 0 <= m < 1; without
    momentum its root is 1 - lr lambda. It is the largest modulus of a root over all directions.

    Source: B. T. Polyak, "Some methods of speeding up the convergence of iteration methods",
        1964; G. Goh, "Why Momentum Really Works", Distill 2017.
    """
    sums = [abs(1 + momentum - lr * curvature) for curvature in solved.hessian_eigenvalues()]
    # Of complex roots the product is m, and both are as long.
    return max(
        math.sqrt(momentum) if apart < 0 else (total + math.sqrt(apart)) / 2
        for total in sums
        for apart in [total * total - 4 * momentum]
    )
