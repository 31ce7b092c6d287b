"""A training run with all its seeds: what its labels say, and what was measured of it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from report.analysis.quantities import Kept, Quantity, undisturbed, varying
from report.worker.timing import median

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.results.result import Record
    from report.worker.records import Labels, Scalar, TrainingRun

LEAST_EXCESS = 1e-9
"""A loss in float32 cannot show less; what lies below the optimum by rounding counts as this."""

SIZES = 5
"""So many batch sizes are a sweep; fewer are runs to compare one by one."""

_NAMING = ("run", "loader", "implementation", "variant")


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """One run of an experiment with all its seeds.

    Attributes:
        name: As shown: by what tells it from the others, in the fewest words.
        labels: Its settings.
        by_process: For each process, its seeds' records; none where times do not count, because
            the machine was disturbed.
        seeds: One record for each seed, in their order: losses do not depend on the process.
        positions: How many seeds the experiment has, so that runs can be paired by seed.
        records: The experiment's, of one backend.
        kept: Which processes count for times.
        of: Which run of which machine.
    """

    name: str
    labels: Labels
    by_process: list[list[TrainingRun]]
    seeds: list[TrainingRun]
    positions: int
    records: Sequence[Record]
    kept: Kept
    of: str

    @property
    def batch_size(self) -> int:
        """Return the examples of one update."""
        return int(str(self.labels["batch_size"]))

    @property
    def copies(self) -> int:
        """Return how often each example is in the data."""
        return int(str(self.labels["copies"]))

    @property
    def epochs(self) -> int:
        """Return how many epochs it was to have."""
        return int(str(self.labels["epochs"]))

    @property
    def lr(self) -> float:
        """Return the learning rate as it was given."""
        return float(str(self.labels["lr"]))

    @property
    def step(self) -> float:
        """Return the learning rate for the loss with the factor 1/2, the one that is shown.

        A rate that belongs to a loss without the 1/2 makes steps twice as long.
        """
        return self.lr * (2 if self.labels["loss"] == "mse" else 1)

    @property
    def plain(self) -> bool:
        """Return whether it is gradient descent with a constant rate and nothing besides."""
        return (self.labels["optimizer"], self.labels["schedule"]) == ("sgd", "constant")

    def full_batch(self, examples: int) -> bool:
        """Return whether every update sees all examples once, or as often as it was copied."""
        each_once = self.labels["sampling"] == "permutation"
        return each_once and self.batch_size >= examples * self.copies

    def settings(self, *left_out: str) -> tuple[tuple[str, Scalar], ...]:
        """Return all settings but some; runs with the same differ in nothing else."""
        return tuple(sorted((k, v) for k, v in self.labels.items() if k not in left_out))

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
        """Return whether every seed came to its end, so that where the run ends can be said."""
        return not self.diverged and all(len(s.epoch_ends) >= self.epochs for s in self.seeds)

    @cached_property
    def seconds(self) -> Quantity | None:
        """Return the seconds per epoch; None if it never ended one. All epochs are samples."""
        ended = [seed for seeds in self.by_process for seed in seeds if seed.epoch_ends]
        if not ended:
            return None
        examples = ended[0].examples[ended[0].epoch_ends[-1]] // len(ended[0].epoch_ends)
        groups = [[s for seed in seeds for s in _epochs(seed)] for seeds in self.by_process]
        return self._timed("seconds", groups, per="epoch", examples=examples)

    def seconds_to(self, loss: float) -> Quantity:
        """Return the seconds until the loss first was at or below a target.

        Each seed counts with the median over its repeats; one that does not come there counts with
        its end, and as censored: it would have taken longer.
        """
        until = [[_until(s, loss, median_times(s)) for s in seeds] for seeds in self.by_process]
        return self._timed(
            f"seconds to {loss:g}",
            [[seconds for seconds, _ in found if seconds] for found in until],
            per="run",
            censored=sum(not there for found in until for _, there in found),
        )

    def examples_to(self, loss: float) -> Quantity:
        """Return the examples processed until then, by seed."""
        until = {seed.seed: _until(seed, loss, seed.examples) for seed in self.seeds}
        return self._by_seed(
            f"examples to {loss:g}",
            lambda seed: float(until[seed.seed][0]) or None,
            censored=sum(not there for _, there in until.values()),
            unit="examples",
        )

    def loss(self, epoch: int | None = None) -> Quantity:
        """Return the loss at the end of an epoch, by seed; None for the last that was to be.

        Seeds that did not come that far, because they diverged, have none.
        """
        return self._by_seed(f"loss{_after(epoch)}", lambda seed: self._at(seed, epoch))

    def excess(self, base: float, epoch: int | None = None) -> Quantity:
        """Return how far the loss lies above the lowest possible, by seed; the loss above 0."""

        def above(seed: TrainingRun) -> float | None:
            loss = self._at(seed, epoch)
            return None if loss is None else max(loss - base, LEAST_EXCESS)

        return self._by_seed(f"excess{_after(epoch)}", above) if base else self.loss(epoch)

    def at(self, point: int, base: float = 0.0) -> Quantity:
        """Return the same at a point of the curve that all seeds have."""
        what = f"{'excess' if base else 'loss'} at point {point}"
        return self._by_seed(what, lambda seed: max(seed.loss[point] - base, LEAST_EXCESS))

    def elapsed(self, point: int) -> Quantity:
        """Return the seconds of training up to a point of the curve."""
        groups = [
            [times[point] for seed in seeds if point < len(times := median_times(seed))]
            for seeds in self.by_process
        ]
        return self._timed(f"seconds to point {point}", groups, per="run")

    def known(self, metric: str, value: float) -> Quantity:
        """Return what theory says of the run, the same for each seed."""
        return self._by_seed(metric, lambda _: value)

    def _at(self, seed: TrainingRun, epoch: int | None) -> float | None:
        ends = [0, *seed.epoch_ends]
        wanted = self.epochs if epoch is None else epoch
        return seed.loss[ends[wanted]] if wanted < len(ends) else None

    def _timed(self, metric: str, groups: list[list[float]], **more: Any) -> Quantity:
        return self._quantity(metric, groups, left_out=self.kept.left_out, **more)

    def _by_seed(
        self, metric: str, value: Callable[[TrainingRun], float | None], **more: Any
    ) -> Quantity:
        groups: list[list[float]] = [[] for _ in range(self.positions)]
        for seed in self.seeds:
            one = value(seed)
            groups[seed.seed] = [] if one is None else [one]
        return self._quantity(metric, groups, **{"replicate": "seed", "unit": "", **more})

    def _quantity(self, metric: str, groups: list[list[float]], **more: Any) -> Quantity:
        first = self.records[0]
        return Quantity(
            experiment=first.experiment,
            kind=first.kind,
            backend=first.backend,
            metric=metric,
            labels=self.labels,
            groups=groups,
            run=self.of,
            **more,
        )


def trained(records: Sequence[Record], run: str = "") -> list[Run]:
    """Return the runs of one experiment on one backend, in the order of the configuration.

    Args:
        records: A process each.
        run: Which run of which machine they belong to.
    """
    every: dict[str, list[list[TrainingRun]]] = {}
    for index, record in enumerate(records):
        for one in record.outcome.runs if record.outcome else ():
            mine = every.setdefault(repr(one.labels), [[] for _ in records])
            mine[index].append(one)
    positions = 1 + max(
        (one.seed for runs in every.values() for mine in runs for one in mine), default=0
    )
    labels = [next(one.labels for mine in runs for one in mine) for runs in every.values()]
    calm = undisturbed(records)
    found = []
    for runs, own, name in zip(every.values(), labels, names(labels), strict=True):
        kept = calm if _trained_in(calm, runs) else Kept(records=list(records), left_out=())
        counting = zip(runs, kept.records, strict=True)
        found.append(
            Run(
                name=name,
                labels=own,
                by_process=[mine if record else [] for mine, record in counting],
                seeds=_seeds(runs),
                positions=positions,
                records=records,
                kept=kept,
                of=run,
            )
        )
    return found


def _trained_in(kept: Kept, runs: list[list[TrainingRun]]) -> bool:
    """Return whether a process that counts trained the run; else all have to count for it."""
    return any(mine for mine, record in zip(runs, kept.records, strict=True) if record)


def _seeds(by_process: Sequence[Sequence[TrainingRun]]) -> list[TrainingRun]:
    first: dict[int, TrainingRun] = {}
    for seed in itertools.chain.from_iterable(by_process):
        first.setdefault(seed.seed, seed)
    return [first[seed] for seed in sorted(first)]


def apart(one: Run, other: Run) -> float | None:
    """Return how far the losses of two runs differ at most, at the ends of their epochs.

    Seeds that diverge in either are left out: they double what rounding did to them.

    Returns:
        None if they share no seed.
    """
    others = {seed.seed: seed for seed in other.seeds if not seed.diverged}
    gaps = [
        abs(seed.loss[a] - others[seed.seed].loss[b])
        for seed in one.seeds
        if seed.seed in others and not seed.diverged
        for a, b in zip(seed.epoch_ends, others[seed.seed].epoch_ends, strict=False)
    ]
    return max(gaps) if gaps else None


def names(every: Sequence[Labels]) -> list[str]:
    """Name runs by what tells them apart, in the fewest words."""
    differing = [name for name in varying(every) if name in _NAMING] or ["run"]
    if len({labels["run"] for labels in every}) == len(every):
        differing = ["run"]
    return [", ".join(str(labels[name]) for name in differing) for labels in every]


def is_grid(every: Sequence[Labels]) -> bool:
    """Return whether each of several batch sizes was trained with each of several rates."""
    pairs = {(labels["batch_size"], labels["lr"]) for labels in every}
    sizes, rates = ({pair[k] for pair in pairs} for k in (0, 1))
    several = min(len(sizes), len(rates)) > 1
    return several and len(pairs) == len(sizes) * len(rates) == len(every)


def sweeps_sizes(every: Sequence[Labels]) -> bool:
    """Return whether so many batch sizes were trained that they make a curve, and no grid."""
    return len({labels["batch_size"] for labels in every}) >= SIZES and not is_grid(every)


def median_times(seed: TrainingRun) -> list[float]:
    """Return the median over the repeats of the seconds at each point of the curve."""
    return [median(at_point) for at_point in zip(*seed.elapsed_s, strict=True)]


def _after(epoch: int | None) -> str:
    return "" if epoch is None else f" after epoch {epoch}"


def _epochs(seed: TrainingRun) -> list[float]:
    seconds = []
    for elapsed in seed.elapsed_s:
        ends = [0.0, *(elapsed[index] for index in seed.epoch_ends)]
        seconds += [end - start for start, end in itertools.pairwise(ends)]
    return seconds


def _until(seed: TrainingRun, target: float, scale: Sequence[float]) -> tuple[float, bool]:
    """Return what a seed needs until it comes to a loss, and whether it does; else its end."""
    for loss, value in zip(seed.loss, scale, strict=True):
        if loss <= target:
            return value, True
    return scale[-1], False
