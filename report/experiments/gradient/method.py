"""How a `gradient` experiment was measured, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.experiments.measuring import took
from report.text.numerals import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record

POINTS = {
    "start": "the initial weights of the first seed",
    "halfway": "two full-batch steps from there, at the best fixed learning rate",
    "optimum": "the exact least-squares solution",
}

DRAWN = {
    "replacement": "with replacement, each of its examples is drawn from all",
    "permutation": "without, it is the beginning of a fresh permutation",
}

BASES = {
    True: "Each process counts with its own value; the interval is Student's t over processes, on "
    "logarithms. For an exponent it is that of the processes' own slopes, by least squares on "
    "logarithms.",
    False: "With one process there is no interval.",
}
"""What intervals stand on, by whether there are several processes."""


def method(records: Sequence[Record]) -> list[str]:
    """Describe the measurement of one experiment on one backend."""
    noises = [
        each for record in records for each in (record.outcome.noise if record.outcome else ())
    ]
    if not noises:
        return []
    draws = sorted(each.draws for each in noises)
    often = f"{draws[0]:,}" if draws[0] == draws[-1] else f"{draws[0]:,} to {draws[-1]:,}"
    points = dict.fromkeys(str(each.labels["point"]) for each in noises)
    samplings = dict.fromkeys(str(each.labels["sampling"]) for each in noises)
    measured = [record for record in records if record.outcome and record.outcome.noise]
    return [
        (
            "The gradient of the chapter's loss (squared error with the factor 1/2, mean over the "
            "batch) by weights and bias, from the framework's own automatic differentiation."
        ),
        f"Where: {'; '.join(f'{point}, {POINTS[point]}' for point in points)}.",
        f"Every batch is drawn anew: {'; '.join(DRAWN[sampling] for sampling in samplings)}.",
        (
            "The standard deviation is the root of the mean square distance between a batch's "
            "gradient and that of all examples. Theory starts from the same distance of every "
            "single example, which is computed exactly."
        ),
        (
            f"{count(len(measured), 'fresh process')}, each with draws of its own; batches of each "
            f"series in one process: {often}."
        ),
        BASES[len(measured) > 1],
        f"Nothing is timed, so that a noisy machine does not disturb it. {took(records)}",
    ]
