"""A comparison of two machines as rows to print, on a page or in a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.analysis import quantities
from report.analysis.compare import compare
from report.figures.figure import number, shared_prefix
from report.text.numerals import scaled

if TYPE_CHECKING:
    from report.analysis.statistics import Estimate
    from report.figures.figure import Number
    from report.results.result import Result


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """One quantity on two machines.

    Attributes:
        experiment: Heading of the experiment.
        what: What tells the quantity from others there, and the unit of its times.
        left: On the first machine.
        right: On the second.
        speedup: Time of the first over time of the second.
        verdict: Which is faster, or that no difference is shown.
    """

    experiment: str
    what: str
    left: Number
    right: Number
    speedup: Number
    verdict: str


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two machines, and what both measured."""

    left: str
    right: str
    rows: list[Ratio]


def pair(left: Result, right: Result) -> Pair:
    """Return what two results have in common, side by side, in the order of the first."""
    compared = compare(left, right)
    rows = []
    for one in compared:
        time = one.left.time()
        labels = [c.left.labels for c in compared if c.left.experiment == one.left.experiment]
        names = quantities.varying(labels) or list(one.left.labels)[:1]
        factor = shared_prefix([time.value])
        unit = scaled(time.value, "s").rpartition(" ")[2]
        rows.append(
            Ratio(
                experiment=left.config["experiments"][one.left.experiment]["title"],
                what=f"{quantities.series_name(one.left.labels, names)}, {unit}",
                left=number(time, factor),
                right=number(one.right.time(), factor),
                speedup=number(one.speedup),
                verdict=_verdict(one.speedup),
            )
        )
    return Pair(left=left.machine.id, right=right.machine.id, rows=rows)


def _verdict(speedup: Estimate) -> str:
    if not speedup.excludes(1):
        return "no difference shown"
    return "the second is faster" if speedup.value > 1 else "the first is faster"
