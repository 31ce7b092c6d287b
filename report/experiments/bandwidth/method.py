"""How a `bandwidth` experiment was measured, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.experiments import measuring
from report.experiments.bandwidth.measure import GATHERED_ELEMENTS, REREAD_BYTES, WINDOW_BYTES
from report.text import names
from report.text.numerals import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record

COUNTED = (
    "Bytes count as read plus written, each once. Not counted is what the hardware moves beside "
    "them: the rest of a cache line of which one number is wanted, or a line that is read before "
    "it is written. A look-up counts its index, 8 bytes, the value read and the value written."
)


def method(records: Sequence[Record]) -> list[str]:
    """Describe the measurement of one experiment on one backend."""
    timings = measuring.timings(records)
    if not timings:
        return []
    return [
        (
            f"{count(len(records), 'fresh process')}. Each has one buffer, written to before "
            "anything is timed; all working sets lie at its beginning, and results go to memory "
            "that is kept."
        ),
        (
            "A sample is as many calls as last about "
            f"{measuring.METHOD.sample_s * 1e3:.0f} ms, or one call where that is longer."
        ),
        measuring.rounds(timings),
        (
            "Before a sample, a working set that the last cache can hold is read once, untimed, "
            "since other series have taken its place there. One that is larger than the last "
            f"cache is gone through in pieces of {names.size(WINDOW_BYTES)}, call by call."
        ),
        (
            "A call of read goes through a small working set over and over, until it has read "
            f"{names.size(REREAD_BYTES)}. A gather looks up as many values as the working set "
            f"has, but no more than {GATHERED_ELEMENTS:,}; its working set is the table alone."
        ),
        COUNTED,
        measuring.ended(timings),
        measuring.basis(records),
        measuring.took(records),
    ]
