"""How a `bandwidth` experiment was measured, in sentences."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

from report import wording
from report.experiments.bandwidth.measure import GATHERED_ELEMENTS, REREAD_BYTES, WINDOW_BYTES
from report.numerals import count, duration
from report.worker.timing import Method

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results import Record

STOPS = {
    "narrow": "had a narrow enough interval",
    "repeats": "had all the samples that it was to have",
    "budget": "had used up its time",
}

COUNTED = (
    "Bytes count as read plus written, each once. Not counted is what the hardware moves beside "
    "them: the rest of a cache line of which one number is wanted, or a line that is read before "
    "it is written. A look-up counts its index, 8 bytes, the value read and the value written."
)

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
    settings = Method(budget_s=1, repeats=1)
    samples = [timing.samples for timing in timings]
    return [
        (
            f"{count(len(records), 'fresh process')}. Each has one buffer, written to before "
            "anything is timed; all working sets lie at its beginning, and results go to memory "
            "that is kept."
        ),
        (
            f"A sample is as many calls as last about {settings.sample_s * 1e3:.0f} ms, or one "
            "call where that is longer. The series take turns in shuffled rounds; samples of each "
            f"in one process: {min(samples):,} to {max(samples):,}."
        ),
        (
            "Before a sample, a working set that the last cache can hold is read once, untimed, "
            "since other series have taken its place there. One that is larger than the last "
            f"cache is gone through in pieces of {wording.size(WINDOW_BYTES)}, call by call."
        ),
        (
            "A call of read goes through a small working set over and over, until it has read "
            f"{wording.size(REREAD_BYTES)}. A gather looks up as many values as the working set "
            f"has, but no more than {GATHERED_ELEMENTS:,}; its working set is the table alone."
        ),
        COUNTED,
        f"A series ended when it {'; or '.join(ended)}.",
        BASES[len(records) > 1],
        f"In all {duration(sum(record.elapsed_s for record in records))}.",
    ]
