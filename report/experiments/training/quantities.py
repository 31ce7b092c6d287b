"""What a `training` experiment measured: seconds per epoch, and the loss along the way."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.analysis.quantities import Quantity
from report.worker.timing import median

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record
    from report.worker.records import Labels, TrainingRun


@dataclass(frozen=True, kw_only=True)
class Trained:
    """One run of an experiment with all its seeds.

    Attributes:
        labels: Its settings; `training.labels` reads them.
        by_process: For each process, its seeds' records.
    """

    labels: Labels
    by_process: list[list[TrainingRun]]

    @property
    def seeds(self) -> list[TrainingRun]:
        """Return one record for each seed, in their order."""
        first: dict[int, TrainingRun] = {}
        for runs in self.by_process:
            for run in runs:
                first.setdefault(run.seed, run)
        return [first[seed] for seed in sorted(first)]

    @property
    def diverged(self) -> int:
        """Return how many seeds diverged."""
        return sum(run.diverged for run in self.seeds)

    def time_to(self, target: float) -> list[list[float | None]]:
        """Return the seconds until the loss first was at or below a target.

        Args:
            target: A loss.

        Returns:
            For each process, for each of its seeds: the median over the repeats; None if that
            seed did not reach the target in its epochs.
        """
        return [[_time_to(run, target) for run in runs] for runs in self.by_process]


def trained(records: Sequence[Record]) -> list[Trained]:
    """Return the runs of one experiment on one backend, in the order of the configuration."""
    found: dict[str, Trained] = {}
    for index, record in enumerate(records):
        for run in record.outcome.runs if record.outcome else ():
            key = repr(run.labels)
            if key not in found:
                empty: list[list[TrainingRun]] = [[] for _ in records]
                found[key] = Trained(labels=run.labels, by_process=empty)
            found[key].by_process[index].append(run)
    return list(found.values())


def median_times(run: TrainingRun) -> list[float]:
    """Return the median over the repeats of the seconds at each point of the curve."""
    return [median(at_point) for at_point in zip(*run.elapsed_s, strict=True)]


def quantities(records: Sequence[Record]) -> list[Quantity]:
    """Return the seconds per epoch of each run; its samples are all epochs of a process."""
    return [
        Quantity(
            experiment=records[0].experiment,
            kind=records[0].kind,
            backend=records[0].backend,
            metric="epoch",
            labels=one.labels,
            groups=[[s for run in runs for s in _epochs(run)] for runs in one.by_process],
            examples=_examples(one),
        )
        for one in trained(records)
        if any(_epochs(run) for runs in one.by_process for run in runs)
    ]


def _examples(one: Trained) -> int:
    """Return how many examples an epoch of a run processes; some epoch must have ended."""
    run = next(run for runs in one.by_process for run in runs if run.epoch_ends)
    return run.examples[run.epoch_ends[-1]] // len(run.epoch_ends)


def _epochs(run: TrainingRun) -> list[float]:
    seconds = []
    for elapsed in run.elapsed_s:
        ends = [0.0, *(elapsed[index] for index in run.epoch_ends)]
        seconds += [end - start for start, end in itertools.pairwise(ends)]
    return seconds


def _time_to(run: TrainingRun, target: float) -> float | None:
    times = median_times(run)
    for loss, seconds in zip(run.loss, times, strict=True):
        if loss <= target:
            return seconds
    return None
