"""The page that puts several machines side by side: what its tables hold. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from report.comparing import comparison
from report.figures.figure import Number, number, shared_prefix
from report.text.numerals import scaled

if TYPE_CHECKING:
    from report.comparing.comparison import Comparison, Row
    from report.results.result import Result


@dataclass(frozen=True, kw_only=True)
class PairView:
    """Two machines, and what both measured."""

    compared: Comparison
    common: Number
    groups: dict[str, list[tuple[Row, str, list[Number]]]]
    """By experiment and framework: a row, what it is of with the unit of its times, and numbers:
    both times and their ratio."""


def pair(left: Result, right: Result, names: tuple[str, str]) -> PairView:
    """Return what two results have in common, side by side, in the order of the first."""
    compared = replace(comparison.compare(left, right), names=names)
    common = number(compared.common)
    view = PairView(compared=compared, common=common, groups={})
    for row in compared.rows:
        first, second = row.first.time(), row.second.time()
        factor, unit = shared_prefix([first.value]), scaled(first.value, "s").rpartition(" ")[2]
        numbers = [number(first, factor), number(second, factor), number(row.ratio)]
        mine = view.groups.setdefault(f"{row.experiment}, {row.framework}", [])
        mine.append((row, f"{row.what}, {unit}", numbers))
    return view
