"""Sentences about how series were timed, the same for every kind of experiment."""

from __future__ import annotations

import collections
import math
from typing import TYPE_CHECKING

from report.text.numerals import duration
from report.worker.timing import Method

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record
    from report.worker.records import Timing

STOPS = {
    "narrow": "had a narrow enough interval",
    "repeats": "had all the samples that the profile asks for",
    "budget": "had used up its time",
}

METHOD = Method(budget_s=1, repeats=1)
"""What is the same in every profile: how long a sample is, and what counts as warm."""


def timings(records: Sequence[Record]) -> list[Timing]:
    """Return the timings of all series that were timed."""
    return [
        series.timing
        for record in records
        for series in (record.outcome.series if record.outcome else ())
        if series.timing
    ]


def rounds(found: Sequence[Timing]) -> str:
    """Say how series take turns, and how many samples each has."""
    samples = span([timing.samples for timing in found])
    return (
        "The series of the experiment take turns in shuffled rounds. Samples of each in one "
        f"process: {samples}."
    )


def ended(found: Sequence[Timing]) -> str:
    """Say when series ended, and how many did so for which reason."""
    stops = collections.Counter(timing.stopped for timing in found)
    said = (f"{STOPS[name]} ({number} of {len(found)})" for name, number in stops.most_common())
    return f"A series ended when it {'; or '.join(said)}."


def basis(records: Sequence[Record]) -> str:
    """Say what intervals stand on."""
    if len(records) > 1:
        return (
            "Each process counts with its median; the interval is Student's t over processes, on "
            "logarithms."
        )
    return "With one process there is only the interval of its own median, from order statistics."


def took(records: Sequence[Record]) -> str:
    """Say how long all of it took."""
    return f"In all {duration(math.fsum(record.elapsed_s for record in records))}."


def span(values: Sequence[int]) -> str:
    """Write whole numbers from the lowest to the highest: "24 to 30"."""
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
