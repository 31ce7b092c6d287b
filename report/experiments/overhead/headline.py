"""What a machine's calls and updates come to, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.overhead.figures import updates
from report.experiments.overhead.quantities import of_records
from report.experiments.overhead.words import examples, outermost
from report.text.numerals import scaled, times

if TYPE_CHECKING:
    from report.results.result import Result


def sentences(result: Result) -> list[str]:
    """Return what could stand in a mail."""
    for experiment in result.config["experiments"]:
        for records in quantities.by_backend(result.of(experiment)).values():
            if records[0].kind != "overhead":
                continue
            lines = updates(of_records(records, result.run))
            found = next(iter(lines.values()), {})
            if len(found) < 2:
                continue
            (small, first), (large, last) = outermost(found)
            ratio = quantities.ratio(last, first)
            said = f"An update with {examples(small)} takes {scaled(first.time().value, 's')}"
            if ratio.excludes(1):
                said += (
                    f"; {times(large / small)} times the examples take {times(ratio.value)} times "
                    "as long"
                )
            return [f"{said}."]
    return []
