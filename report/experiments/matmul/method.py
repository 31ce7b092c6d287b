"""How the products of an experiment were measured, in sentences."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

from report.numerals import count, duration
from report.worker.timing import Method

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results import Record

STOPS = {
    "narrow": "had a narrow enough interval",
    "repeats": "had all the samples that the profile asks for",
    "budget": "had used up its time",
}


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
    settings = Method(budget_s=1, repeats=1)
    loops = [timing.inner_loops for timing in timings]
    samples = [timing.samples for timing in timings]
    stops = collections.Counter(timing.stopped for timing in timings)
    many = f"{min(loops):,} to {max(loops):,} calls" if max(loops) > 1 else "one call"
    return [
        (
            f"{count(len(records), 'fresh process')}; in each, every series is called until it is "
            f"warm (at least {settings.warmup_s * 1e3:.0f} ms where a call is shorter)."
        ),
        (
            f"A sample is {many}, chosen so that it lasts about {settings.sample_s * 1e3:.0f} ms "
            "or "
            "one call; before each, a quarter as many calls run untimed."
        ),
        (
            "The series of the experiment take turns in shuffled rounds. "
            f"Samples per series and process: {min(samples)} to {max(samples)}."
        ),
        "A series ended when it "
        + "; when it ".join(f"{STOPS[name]} ({number}x)" for name, number in stops.most_common())
        + ".",
        (
            "The operations are counted exactly, 2 n\N{SUPERSCRIPT THREE} for a product of two n "
            "x n "
            "matrices. Each process counts with its median; the interval is Student's t over "
            "processes, on logarithms."
        ),
        f"In all {duration(sum(record.elapsed_s for record in records))}.",
    ]
