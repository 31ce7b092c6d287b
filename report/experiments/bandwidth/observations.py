"""What claims can be made of a `bandwidth` experiment: seconds and bytes per second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.observations import BYTES_PER_S, SECONDS, timed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.observations import Observed, Question
    from report.results import Record, Result

METRICS = {"seconds": SECONDS, "bytes_per_s": BYTES_PER_S}


def observe(_: Result, records: Sequence[Record], question: Question) -> list[Observed]:
    """Return a metric of every series of one experiment on one backend."""
    return timed(records, question.metric)
