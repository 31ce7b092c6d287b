"""What claims can be made of a `bandwidth` experiment: seconds and bytes per second."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from report.analysis.observations import BYTES_PER_S, SECONDS, timed
from report.experiments.bandwidth import caches
from report.experiments.bandwidth.roofs import place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.observations import Observed, Question
    from report.results.result import Record, Result

METRICS = {"seconds": SECONDS, "bytes_per_s": BYTES_PER_S}

LABELS = ("level",)
"""What a series is also known by: the cache that holds its working set, L1, L2 ..., or memory.

Sizes of caches differ between machines, so that a claim about them cannot name working sets.
"""


def observe(result: Result, records: Sequence[Record], question: Question) -> list[Observed]:
    """Return a metric of every series of one experiment on one backend."""
    found = timed(records, question.metric)
    on_processor = caches.on_processor(records)
    largest = max((_number(one, "working_set_bytes") for one in found), default=0)
    levelled = []
    for one in found:
        threads = _number(one, "threads")
        known = caches.levels(result.machine.cpu, threads) if on_processor else []
        level = place(_number(one, "working_set_bytes"), known, largest)
        levelled.append(replace(one, labels={**one.labels, "level": level}))
    return levelled


def _number(observed: Observed, label: str) -> int:
    return int(str(observed.labels[label]))
