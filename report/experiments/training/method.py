"""How the runs of an experiment were trained and timed, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.experiments import measuring
from report.experiments.training import labels
from report.experiments.training.measure import WARMUP_UPDATES
from report.text.numerals import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record
    from report.worker.records import TrainingRun


def method(records: Sequence[Record]) -> list[str]:
    """Describe the measurement of one experiment on one backend."""
    runs = [run for record in records for run in (record.outcome.runs if record.outcome else ())]
    if not runs:
        return []
    repeats = sorted(run.repeats for run in runs)
    often = f"{repeats[0]}" if repeats[0] == repeats[-1] else f"{repeats[0]} to {repeats[-1]}"
    seeds = count(len({run.seed for run in runs}), "seed")
    return [
        (
            "Linear regression; squared loss with the factor 1/2, averaged over the batch. Weights "
            "start normal with standard deviation 0.01, the bias at 0."
        ),
        f"{seeds}, dealt out to {count(len(records), 'fresh process')}. {_order(runs)}",
        (
            "In each process every run is first trained unmeasured, for an epoch or its first "
            f"{WARMUP_UPDATES} updates, then again and again in shuffled rounds; times each: "
            f"{often}."
        ),
        (
            f"The loss on all examples is evaluated {_evaluated(runs)}, outside the timer; losses "
            "are geometric means over seeds."
        ),
        measuring.basis(records),
        measuring.took(records),
    ]


def _order(runs: Sequence[TrainingRun]) -> str:
    """Say what a seed gives to a run."""
    every = [run.labels for run in runs]
    ways = labels.distinct(every, "sampling")
    said = "A seed gives every run the same initial weights and, in each epoch, "
    if "replacement" not in ways:
        said += "the same fresh permutation"
    elif "permutation" not in ways:
        said += "the same examples, drawn with replacement"
    else:
        said += "the same fresh permutation, or examples drawn with replacement"
    if len(labels.distinct(every, "copies")) > 1:
        said += "; data that are there more than once have their own"
    return f"{said}."


def _evaluated(runs: Sequence[TrainingRun]) -> str:
    """Say when: a curve has more points than ends of epochs, or it has not."""
    ends_only = all(len(run.loss) <= 1 + len(run.epoch_ends) for run in runs)
    return "after each epoch" if ends_only else "every 200 examples and after each epoch"
