"""How the runs of an experiment were trained and timed, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.numerals import count, duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results import Record


def method(records: Sequence[Record]) -> list[str]:
    """Describe the measurement of one experiment on one backend."""
    runs = [run for record in records for run in (record.outcome.runs if record.outcome else ())]
    if not runs:
        return []
    repeats = [run.repeats for run in runs]
    seeds = len({run.seed for run in runs})
    return [
        (
            "Linear regression with squared loss and the factor 1/2, averaged over the batch; "
            "weights "
            "start from a normal distribution with standard deviation 0.01, the bias at 0."
        ),
        (
            f"{count(seeds, 'seed')}, dealt out to {count(len(records), 'fresh process')}. A seed "
            "gives every run the same initial weights and, in each epoch, the same fresh "
            "permutation."
        ),
        (
            "In each process every run is trained once unmeasured, then again and again in "
            "shuffled "
            f"rounds: {min(repeats)} to {max(repeats)} times."
        ),
        (
            "The loss on all examples is evaluated every 200 examples and at the end of each "
            "epoch, "
            "outside the timer."
        ),
        (
            "Losses are medians over seeds. Seconds per epoch: each process counts with the "
            "median of "
            "its epochs; the interval is Student's t over processes, on logarithms."
        ),
        f"In all {duration(sum(record.elapsed_s for record in records))}.",
    ]
