"""How the products of an experiment were measured, in sentences."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

from report.numerals import count, duration
from report.worker.timing import Method

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results import Record
    from report.worker.records import Timing

STOPS = {
    "narrow": "had a narrow enough interval",
    "repeats": "had all the samples that the profile asks for",
    "budget": "had used up its time",
}


BASES = {
    True: "Each process counts with its median; the interval is Student's t over processes, on "
    "logarithms.",
    False: "With one process there is only the interval of its own median, from order statistics.",
}
"""What intervals stand on, by whether there are several processes."""


def method(records: Sequence[Record]) -> list[str]:
    """Describe the measurement of one experiment on one backend."""
    timings = [
        series.timing
        for record in records
        for series in (record.outcome.series if record.outcome else ())
        if series.timing
    ]
    if not timings:
        return []
    stops = collections.Counter(timing.stopped for timing in timings)
    ended = (f"{STOPS[name]} ({number} of {len(timings)})" for name, number in stops.most_common())
    return [
        f"{count(len(records), 'fresh process')}. {_sample(timings)}",
        (
            "The series of the experiment take turns in shuffled rounds. Samples of each in one "
            f"process: {_range([timing.samples for timing in timings])}."
        ),
        f"A series ended when it {'; or '.join(ended)}.",
        "The operations are counted exactly, 2 n\N{SUPERSCRIPT THREE} for a product.",
        BASES[len(records) > 1],
        f"In all {duration(sum(record.elapsed_s for record in records))}.",
    ]


def _sample(timings: Sequence[Timing]) -> str:
    settings = Method(budget_s=1, repeats=1)
    warm = f"Each series is called until it is warm, for {settings.warmup_s * 1e3:.0f} ms or more."
    loops = [timing.inner_loops for timing in timings]
    if max(loops) == 1:
        return f"{warm} A sample is one call."
    return (
        f"{warm} A sample is {_range(loops)} calls, as many as last about "
        f"{settings.sample_s * 1e3:.0f} ms, or one call where that is longer; before samples of "
        "several calls, a quarter as many run untimed."
    )


def _range(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
