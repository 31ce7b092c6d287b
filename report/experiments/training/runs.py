"""Training runs with all their seeds: what was measured of one, and which of several is best."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from report.analysis import quantities
from report.analysis.quantities import Quantity, quantity, undisturbed, varying
from report.experiments.training import measure
from report.worker.timing import median

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from report.analysis.estimate import Estimate
    from report.results.result import Record
    from report.worker.records import Labels, PrintedRun, Scalar, TrainingRun

LEAST_EXCESS = 1e-9
"""A loss in float32 cannot show less; what lies below the optimum by rounding counts as this."""

MOST_EXCESS = 1e300
"""Two losses above this have no mean that a float can hold; a stranger's file may have them."""

_NAMING = ("run", "loader", "implementation", "variant")


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """One run of an experiment with all its seeds."""

    name: str  # as shown: by what tells it from the others, in the fewest words
    blank: Quantity  # a quantity of it that has no values yet
    # For each process, its seeds' records; none where times do not count, because the machine was
    # disturbed.
    by_process: list[list[TrainingRun]]
    # One record for each seed, in their order: losses do not depend on the process.
    seeds: list[TrainingRun]
    positions: int  # how many seeds the experiment has, so that runs can be paired by seed
    # For each process what the chapter's listing prints of it; empty where it was not trained so.
    prints: list[list[PrintedRun]] = field(default_factory=list)

    @property
    def labels(self) -> Labels:
        """Return its settings, as they are stored."""
        return self.blank.labels

    @cached_property
    def spec(self) -> measure.Run:
        """Return its settings, each under its type."""
        settings: dict[str, Any] = self.labels
        return measure.Run(**settings)

    @property
    def step(self) -> float:
        """Return the learning rate for the loss with the factor 1/2, the one that is shown."""
        # One that belongs to a loss without the 1/2 makes steps twice as long.
        return self.spec.lr * (2 if self.spec.loss == "mse" else 1)

    @property
    def plain(self) -> bool:
        """Return whether it is gradient descent with a constant rate and nothing besides."""
        return (self.spec.optimizer, self.spec.schedule) == ("sgd", "constant")

    def full_batch(self, examples: int) -> bool:
        """Return whether every update sees all examples once, or as often as it was copied."""
        each_once = self.spec.sampling == "permutation"
        return each_once and self.spec.batch_size >= examples * self.spec.copies

    def settings(self, *left_out: str) -> frozenset[tuple[str, Scalar]]:
        """Return all settings but some; runs with the same differ in nothing else."""
        return frozenset((k, v) for k, v in self.labels.items() if k not in left_out)

    @property
    def points(self) -> int:
        """Return how many points of the curve all seeds have."""
        return min(len(seed.loss) for seed in self.seeds)

    @property
    def diverged(self) -> int:
        """Return how many seeds diverged."""
        return sum(seed.diverged for seed in self.seeds)

    @property
    def complete(self) -> bool:
        """Return whether every seed finished; only then is there an end to speak of."""
        ended = all(len(seed.epoch_ends) >= self.spec.epochs for seed in self.seeds)
        return ended and not self.diverged

    @cached_property
    def seconds(self) -> Quantity | None:
        """Return the seconds per epoch; None if it never ended one. All epochs are samples."""
        ended = [seed for seeds in self.by_process for seed in seeds if seed.epoch_ends]
        if not ended:
            return None
        examples = ended[0].examples[ended[0].epoch_ends[-1]] // len(ended[0].epoch_ends)
        groups = [[s for seed in seeds for s in _epochs(seed)] for seeds in self.by_process]
        return replace(self.blank, groups=groups, examples=examples)

    def joules(self, loss: float | None = None) -> Quantity | None:
        """Return the energy of an epoch, or until a loss is reached.

        That is the energy of an epoch by the epochs that the same seed takes to the loss. None
        where energy was not asked for or not readable, or a seed does not come to the loss.
        """
        whole = self.seconds.examples if self.seconds is not None else None
        if not whole or (loss is not None and self.examples_to(loss).censored):
            return None

        def epochs(seed: TrainingRun) -> float:
            return 1.0 if loss is None else _until(seed, loss, seed.examples)[0] / whole

        groups = [
            [seed.energy.joules / seed.energy.calls * epochs(seed) for seed in seeds if seed.energy]
            for seeds in self.by_process
        ]
        metric = "joules" if loss is None else f"joules to {loss:g}"
        one = replace(self.blank, metric=metric, groups=groups, unit="J")
        return one if any(groups) else None

    def cost(self, price_per_hour: float, currency: str) -> Quantity | None:
        """Return what an epoch costs."""
        if self.seconds is None:
            return None
        groups = [[s * price_per_hour / 3600 for s in group] for group in self.seconds.groups]
        return replace(self.seconds, metric="cost", groups=groups, unit=currency)

    def memory(self, *, device: bool = False) -> Quantity | None:
        """Return the most memory that the process held, or that was held on the device.

        None where nothing said.
        """
        name = "device_memory_bytes" if device else "memory_bytes"
        groups = [
            [float(held) for seed in seeds if (held := getattr(seed, name))]
            for seeds in self.by_process
        ]
        one = replace(self.blank, metric=name, groups=groups, unit="B")
        return one if any(groups) else None

    def seconds_to(self, loss: float) -> Quantity:
        """Return the seconds until the loss first was at or below a target.

        Each seed counts with the median over its repeats; one that does not come there counts with
        its end, and as censored: it would have taken longer. With no points but the ends of epochs
        it is an upper bound, which the interval says.
        """
        until = [[_until(s, loss, median_times(s)) for s in seeds] for seeds in self.by_process]
        return replace(
            self.blank,
            coarse=self.grain(loss) if self.epochs_only else 0.0,
            metric=f"seconds to {loss:g}",
            groups=[[seconds for seconds, _ in found if seconds] for found in until],
            censored=sum(not there for found in until for _, there in found),
        )

    def printed(self, turn: int = 0) -> Quantity | None:
        """Return the seconds per epoch that the chapter's listing prints, whatever disturbed it."""
        groups = [[p.epoch_s for p in each if p.turn == turn] for each in self.prints]
        if not all(seconds > 0 for group in groups for seconds in group) or not any(groups):
            return None  # a clock that was set back has no logarithm
        metric = "printed_seconds" + (", again" if turn else "")
        return replace(self.blank, metric=metric, groups=groups, left_out=())

    def examples_to(self, loss: float) -> Quantity:
        """Return the examples processed until then, by seed."""
        until = {seed.seed: _until(seed, loss, seed.examples) for seed in self.seeds}
        examples = self._by_seed(f"examples to {loss:g}", lambda s: until[s.seed][0] or None)
        censored = sum(not there for _, there in until.values())
        return replace(examples, unit="examples", censored=censored, coarse=self.grain(loss))

    @property
    def epochs_only(self) -> bool:
        """Return whether epochs of several updates have no points but their ends."""
        seed = self.seeds[0]
        updates_only = seed.examples[-1] <= len(seed.epoch_ends) * self.spec.batch_size
        return len(seed.loss) == 1 + len(seed.epoch_ends) and not updates_only

    def grain(self, loss: float) -> float:
        """Return by which share at most a seed came to a loss before the point that shows it."""
        shares = [0.0]
        for seed in self.seeds:
            at = next((k for k, one in enumerate(seed.loss) if one <= loss), 0)
            if at:
                unseen = seed.examples[at] - seed.examples[at - 1] - self.spec.batch_size
                shares.append(unseen / seed.examples[at])
        return max(shares)

    def loss(self, epoch: int | None = None) -> Quantity:
        """Return the loss at the end of an epoch, else of the last that was to be, by seed."""
        return self.excess(0.0, epoch)

    def loss_of_all(self, epoch: int) -> Quantity | None:
        """Return the same; None unless every seed of the run has one."""
        loss = self.loss(epoch)
        return loss if sum(map(bool, loss.groups)) == len(self.seeds) else None

    def excess(self, base: float, epoch: int | None = None) -> Quantity:
        """Return how far the loss lies above `base`, by seed; one that diverged before has none."""
        wanted = self.spec.epochs if epoch is None else epoch

        def above(seed: TrainingRun) -> float | None:
            ends = [0, *seed.epoch_ends]
            loss = seed.loss[ends[wanted]] if wanted < len(ends) else None
            return _above(base, loss) if base and loss is not None else loss

        after = "" if epoch is None else f" after epoch {epoch}"
        return self._by_seed(f"{'excess' if base else 'loss'}{after}", above)

    def at(self, point: int, base: float = 0.0) -> Quantity:
        """Return the same at a point of the curve that all seeds have."""
        what = f"{'excess' if base else 'loss'} at point {point}"
        return self._by_seed(what, lambda seed: _above(base, seed.loss[point]))

    def elapsed(self, point: int) -> Quantity:
        """Return the seconds of training up to a point of the curve."""
        groups = [
            [median([each[point] for each in s.elapsed_s]) for s in seeds if point < len(s.loss)]
            for seeds in self.by_process
        ]
        return replace(self.blank, metric=f"seconds to point {point}", groups=groups)

    def known(self, metric: str, value: float) -> Quantity:
        """Return what theory says of the run, the same for each seed."""
        return self._by_seed(metric, lambda _: value)

    def _by_seed(self, metric: str, value: Callable[[TrainingRun], float | None]) -> Quantity:
        values = {seed.seed: value(seed) for seed in self.seeds}
        found = [values.get(position) for position in range(self.positions)]
        groups = [[] if one is None else [float(one)] for one in found]
        common = replace(self.blank, replicate="seed", unit="", left_out=())
        return replace(common, metric=metric, groups=groups)


def trained(records: Sequence[Record], run: str = "") -> list[Run]:
    """Return the runs of one experiment on one backend, in the order of the configuration."""
    every: dict[str, list[list[TrainingRun]]] = {}
    for index, record in enumerate(records):
        for one in record.outcome.runs if record.outcome else ():
            if record.import_s is None:
                # The process had done something else before, and may hold memory of that.
                one = replace(one, memory_bytes=None)  # noqa: PLW2901
            every.setdefault(repr(one.labels), [[] for _ in records])[index].append(one)
    seeds = [_seeds(by_process) for by_process in every.values()]
    labels = [mine[0].labels for mine in seeds]
    positions = 1 + max((seed.seed for mine in seeds for seed in mine), default=0)
    kept = undisturbed(records)
    found = []
    for by_process, mine, name in zip(every.values(), seeds, names(labels), strict=True):
        calm = [s if record else [] for s, record in zip(by_process, kept.records, strict=True)]
        # If no process that counts trained it, all have to count for it.
        counting, left_out = (calm, kept.left_out) if any(calm) else (by_process, ())
        settings = mine[0].labels
        blank = quantity(records, labels=settings, groups=[], left_out=left_out, run=run)
        made = Run(name=name, blank=blank, by_process=counting, seeds=mine, positions=positions)
        found.append(replace(made, prints=_prints(records, made)))
    return found


def _prints(records: Sequence[Record], run: Run) -> list[list[PrintedRun]]:
    """Return what each process printed of a run; nothing of one that is not as it is listed."""
    if not measure.as_listed(run.spec):
        return []
    every = [record.outcome.printed_runs if record.outcome else [] for record in records]
    return [[one for one in printed if one.run == run.spec.run] for printed in every]


def _seeds(by_process: Sequence[Sequence[TrainingRun]]) -> list[TrainingRun]:
    first = {seed.seed: seed for seeds in reversed(by_process) for seed in reversed(seeds)}
    return [first[seed] for seed in sorted(first)]


def names(every: Sequence[Labels]) -> list[str]:
    """Name runs by what tells them apart, in the fewest words."""
    unique = len({labels["run"] for labels in every}) == len(every)
    differing = ["run"] if unique else [name for name in varying(every) if name in _NAMING]
    return [", ".join(str(labels[name]) for name in differing) for labels in every]


def median_times(seed: TrainingRun) -> list[float]:
    """Return the median over the repeats of the seconds at each point of the curve."""
    return [median(at_point) for at_point in zip(*seed.elapsed_s, strict=True)]


def _epochs(seed: TrainingRun) -> list[float]:
    ends = list(itertools.pairwise([0, *seed.epoch_ends]))
    return [times[end] - times[start] for times in seed.elapsed_s for start, end in ends]


def _until(seed: TrainingRun, target: float, scale: Sequence[float]) -> tuple[float, bool]:
    """Return what a seed needs until it comes to a loss, and whether it does; else its end."""
    for loss, value in zip(seed.loss, scale, strict=True):
        if loss <= target:
            return value, True
    return scale[-1], False


def _above(base: float, loss: float) -> float:
    return min(max(loss - base, LEAST_EXCESS), MOST_EXCESS)


# --- estimates


def typical(quantity: Quantity | None) -> Estimate | None:
    """Return the estimate of a quantity; None if no replicate has a value."""
    return None if quantity is None or not any(quantity.groups) else quantity.estimate()


def ratio(above: Quantity | None, below: Quantity | None) -> Estimate | None:
    """Estimate a ratio; None without a value, or a shared seed: runs of one seed start alike."""
    if not (above and below and any(above.groups) and any(below.groups)):
        return None
    paired = any(a and b for a, b in zip(above.groups, below.groups, strict=False))
    return quantities.ratio(above, below) if paired or above.replicate != "seed" else None


def apart(one: Run, other: Run) -> float | None:
    """Return how far losses at the ends of epochs differ, of seeds that do not diverge."""
    others = {seed.seed: seed for seed in other.seeds if not seed.diverged}
    gaps = [
        abs(seed.loss[a] - others[seed.seed].loss[b])
        for seed in one.seeds
        if seed.seed in others and not seed.diverged
        for a, b in zip(seed.epoch_ends, others[seed.seed].epoch_ends, strict=False)
    ]
    return max(gaps, default=None)


@dataclass(frozen=True, kw_only=True)
class Reached:
    """How a run fared towards a loss."""

    run: Run
    seeds: int  # how many of its seeds came to the loss
    # Seconds until then; None unless all did, since what has not ended has no time.
    time: Estimate | None = None
    # Where not all did: no typical time can be less, for the others would have taken longer than
    # they ran.
    at_least: Estimate | None = None
    examples: Estimate | None = None  # examples until then, over seeds; None unless all did
    at_most: bool = False  # the time is an upper bound, for want of points within an epoch


def towards(run: Run, loss: float) -> Reached:
    """Return how a run fared towards a loss."""
    seeds = sum(min(seed.loss) <= loss for seed in run.seeds)
    time = typical(run.seconds_to(loss))
    if seeds < len(run.seeds):
        return Reached(run=run, seeds=seeds, at_least=time)
    examples, at_most = typical(run.examples_to(loss)), run.epochs_only
    return Reached(run=run, seeds=seeds, time=time, examples=examples, at_most=at_most)


@dataclass(frozen=True, kw_only=True)
class Lowest:
    """The run with the lowest of a quantity, and the last, with the highest."""

    run: Run
    estimate: Estimate  # its own, which says that it was picked
    ties: list[Run]  # runs that the intervals do not separate from it
    last: Run
    most: Estimate  # what the last has; `factor` is that over the lowest
    factor: Estimate


def lowest(runs: Iterable[Run], asked: Callable[[Run], Quantity | None]) -> Lowest | None:
    """Return which run has the lowest of a quantity, of those that have it; None if none has."""
    found = {id(q): (run, q) for run in runs if (q := asked(run)) and typical(q)}
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
