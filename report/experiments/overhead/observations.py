"""What claims can be made of an `overhead` experiment: seconds, operations, examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis.observations import EXAMPLES_PER_S, FLOP_PER_S, SECONDS, timed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.observations import Observed, Question
    from report.results.result import Record, Result

METRICS = {"seconds": SECONDS, "flop_per_s": FLOP_PER_S, "examples_per_s": EXAMPLES_PER_S}


def observe(_: Result, records: Sequence[Record], question: Question) -> list[Observed]:
    """Return a metric of every series of one experiment on one backend."""
    return timed(records, question.metric)
