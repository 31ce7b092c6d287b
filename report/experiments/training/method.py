"""How the runs of an experiment were trained and timed, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.experiments.matmul.method import BASES
from report.numerals import count, duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results import Record


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
        (
            f"{seeds}, dealt out to {count(len(records), 'fresh process')}. A seed gives every run "
            "the same initial weights and, in each epoch, the same fresh permutation."
        ),
        (
            "In each process every run is trained once unmeasured, then again in shuffled "
            f"rounds; times each: {often}."
        ),
        (
            "The loss on all examples is evaluated every 200 examples and after each epoch, "
            "outside the timer; losses are medians over seeds."
        ),
        BASES[len(records) > 1],
        f"In all {duration(sum(record.elapsed_s for record in records))}.",
    ]
