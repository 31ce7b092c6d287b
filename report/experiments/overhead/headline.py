"""What a machine's calls and updates come to, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities, statistics
from report.experiments.overhead.figures import updates
from report.experiments.overhead.words import examples, outermost
from report.text.numerals import scaled, times

if TYPE_CHECKING:
    from report.figures.figure import Card
    from report.results.result import Result


def cards(result: Result) -> list[Card]:
    """Return none: a call's cost decides much, but is no measure of a machine."""
    del result
    return []


def sentences(result: Result) -> list[str]:
    """Return what could stand in a mail."""
    for experiment in result.config["experiments"]:
        for records in quantities.by_backend(result.of(experiment)).values():
            if records[0].kind != "overhead":
                continue
            lines = updates(quantities.of_records(records))
            found = next(iter(lines.values()), {})
            if len(found) < 2:
                continue
            (small, first), (large, last) = outermost(found)
            ratio = statistics.paired_ratio(last.groups, first.groups)
            said = f"An update with {examples(small)} takes {scaled(first.time().value, 's')}"
            if ratio.excludes(1):
                said += (
                    f"; {times(large / small)} times the examples take {times(ratio.value)} times "
                    "as long"
                )
            return [f"{said}."]
    return []
