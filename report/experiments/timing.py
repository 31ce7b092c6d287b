"""How series were timed, in numbers: what every kind's text on its method begins and ends with."""

from __future__ import annotations

import collections
from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.worker.timing import Method

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record
    from report.worker.records import Timing

METHOD = Method(budget_s=1, repeats=1)
"""What is the same in every profile: how long a sample is, and what counts as warm."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """How the series of one experiment were timed on one backend.

    Attributes:
        processes: How many there were.
        samples: The fewest and the most of a series in one process.
        loops: The fewest and the most calls of a sample.
        series: How many were timed.
        stopped: How many ended for which reason, the most frequent first.
        elapsed_s: How long all of it took.
        method: What is the same in every profile.
    """

    processes: int
    samples: tuple[int, int]
    loops: tuple[int, int]
    series: int
    stopped: list[tuple[str, int]]
    elapsed_s: float
    method: Method = METHOD


def timings(records: Sequence[Record]) -> list[Timing]:
    """Return the timings of all series that were timed."""
    return [
        series.timing
        for record in records
        for series in (record.outcome.series if record.outcome else ())
        if series.timing
    ]


def facts(records: Sequence[Record]) -> Facts:
    """Return how the series of one experiment on one backend were timed; some must have been."""
    every = timings(records)
    samples, loops = [t.samples for t in every], [t.inner_loops for t in every]
    return Facts(
        processes=len(records),
        samples=(min(samples), max(samples)),
        loops=(min(loops), max(loops)),
        series=len(every),
        stopped=collections.Counter(str(t.stopped) for t in every).most_common(),
        elapsed_s=sum(record.elapsed_s for record in records),
    )
