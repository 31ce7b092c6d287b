"""What a `training` experiment measured: seconds per epoch, losses, and the way to a loss."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.analysis.quantities import (
    EXAMPLES_PER_S,
    SECONDS,
    Kept,
    Metric,
    Quantity,
    of_kind,
    undisturbed,
)
from report.worker.timing import median

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.results.result import Record, Result
    from report.worker.records import Labels, TrainingRun

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


@dataclass(frozen=True, kw_only=True)
class Trained:
    """One run of an experiment with all its seeds.

    Attributes:
        labels: Its settings; `training.labels` reads them.
        by_process: For each process, its seeds' records; none where times do not count, because
            the machine was disturbed.
        seeds: One record for each seed, in their order: losses do not depend on the process.
        positions: How many seeds the experiment has, so that runs can be paired by seed.
        records: The experiment's, of one backend.
        kept: Which processes count for times.
        run: Which run of which machine.
    """

    labels: Labels
    by_process: list[list[TrainingRun]]
    seeds: list[TrainingRun]
    positions: int
    records: Sequence[Record]
    kept: Kept
    run: str

    @property
    def diverged(self) -> int:
        """Return how many seeds diverged."""
        return sum(run.diverged for run in self.seeds)

    def epochs(self) -> Quantity | None:
        """Return the seconds per epoch; None if it never ended one. All epochs are samples."""
        ended = [run for runs in self.by_process for run in runs if run.epoch_ends]
        if not ended:
            return None
        examples = ended[0].examples[ended[0].epoch_ends[-1]] // len(ended[0].epoch_ends)
        groups = [[s for run in runs for s in _epochs(run)] for runs in self.by_process]
        return self._timed("seconds", groups, per="epoch", examples=examples)

    def seconds_to(self, loss: float) -> Quantity:
        """Return the seconds until the loss first was at or below a target.

        Each seed counts with the median over its repeats; one that does not come there counts with
        its end, and as censored: it would have taken longer.
        """
        until = [[_until(run, loss, median_times(run)) for run in runs] for runs in self.by_process]
        return self._timed(
            f"seconds to {loss:g}",
            [[seconds for seconds, _ in found if seconds] for found in until],
            censored=sum(not there for found in until for _, there in found),
        )

    def examples_to(self, loss: float) -> Quantity:
        """Return the examples processed until then, by seed."""
        until = {run.seed: _until(run, loss, run.examples) for run in self.seeds}
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

    def excess(self, lowest: float, epoch: int | None = None) -> Quantity:
        """Return how far the loss lies above the lowest possible, by seed."""

        def above(seed: TrainingRun) -> float | None:
            loss = self._at(seed, epoch)
            return None if loss is None else max(loss - lowest, LEAST_EXCESS)

        return self._by_seed(f"excess{_after(epoch)}", above)

    def elapsed(self, point: int) -> Quantity:
        """Return the seconds of training up to a point of the curve."""
        groups = [
            [times[point] for run in runs if point < len(times := median_times(run))]
            for runs in self.by_process
        ]
        return self._timed(f"seconds to point {point}", groups)

    def of_seeds(self, metric: str, value: Callable[[TrainingRun], float | None]) -> Quantity:
        """Return something that depends on the seed alone."""
        return self._by_seed(metric, value)

    def _at(self, seed: TrainingRun, epoch: int | None) -> float | None:
        ends = [0, *seed.epoch_ends]
        wanted = int(str(self.labels["epochs"])) if epoch is None else epoch
        return seed.loss[ends[wanted]] if wanted < len(ends) else None

    def _timed(
        self,
        metric: str,
        groups: list[list[float]],
        *,
        per: str = "run",
        examples: int | None = None,
        censored: int = 0,
    ) -> Quantity:
        first = self.records[0]
        return Quantity(
            experiment=first.experiment,
            kind=first.kind,
            backend=first.backend,
            metric=metric,
            labels=self.labels,
            groups=groups,
            left_out=self.kept.left_out,
            censored=censored,
            per=per,
            examples=examples,
            run=self.run,
        )

    def _by_seed(
        self,
        metric: str,
        value: Callable[[TrainingRun], float | None],
        *,
        censored: int = 0,
        unit: str = "",
    ) -> Quantity:
        first = self.records[0]
        groups: list[list[float]] = [[] for _ in range(self.positions)]
        for seed in self.seeds:
            one = value(seed)
            groups[seed.seed] = [] if one is None else [one]
        return Quantity(
            experiment=first.experiment,
            kind=first.kind,
            backend=first.backend,
            metric=metric,
            labels=self.labels,
            groups=groups,
            replicate="seed",
            censored=censored,
            unit=unit,
            run=self.run,
        )


def trained(records: Sequence[Record], run: str = "") -> list[Trained]:
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
    return [_trained(records, runs, positions, run) for runs in every.values()]


def _trained(
    records: Sequence[Record], runs: list[list[TrainingRun]], positions: int, run: str
) -> Trained:
    """Return one run; where only disturbed processes trained it, they count."""
    kept = undisturbed(records)
    if not any(mine for mine, record in zip(runs, kept.records, strict=True) if record):
        kept = Kept(records=list(records), left_out=())
    return Trained(
        labels=next(one.labels for mine in runs for one in mine),
        by_process=[
            mine if record else [] for mine, record in zip(runs, kept.records, strict=True)
        ],
        seeds=_seeds(runs),
        positions=positions,
        records=records,
        kept=kept,
        run=run,
    )


def of_records(records: Sequence[Record], run: str = "") -> list[Quantity]:
    """Return the seconds per epoch of each run of one experiment on one backend."""
    return [epochs for one in trained(records, run) if (epochs := one.epochs()) is not None]


def of_result(result: Result) -> list[Quantity]:
    """Return the same of all experiments of this kind, on every backend."""
    return of_kind(result, "training", of_records)


def median_times(run: TrainingRun) -> list[float]:
    """Return the median over the repeats of the seconds at each point of the curve."""
    return [median(at_point) for at_point in zip(*run.elapsed_s, strict=True)]


def _seeds(by_process: Sequence[Sequence[TrainingRun]]) -> list[TrainingRun]:
    first: dict[int, TrainingRun] = {}
    for runs in by_process:
        for run in runs:
            first.setdefault(run.seed, run)
    return [first[seed] for seed in sorted(first)]


def _after(epoch: int | None) -> str:
    return "" if epoch is None else f" after epoch {epoch}"


def _epochs(run: TrainingRun) -> list[float]:
    seconds = []
    for elapsed in run.elapsed_s:
        ends = [0.0, *(elapsed[index] for index in run.epoch_ends)]
        seconds += [end - start for start, end in itertools.pairwise(ends)]
    return seconds


def _until(run: TrainingRun, target: float, scale: Sequence[float]) -> tuple[float, bool]:
    """Return what a run needs until it comes to a loss, and whether it does; else its end."""
    for loss, value in zip(run.loss, scale, strict=True):
        if loss <= target:
            return value, True
    return scale[-1], False
