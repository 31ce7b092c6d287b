"""The page that puts several machines side by side: what its tables hold. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.comparing import comparison
from report.comparing.export import shows_from
from report.figures.figure import Number, number, shared_prefix
from report.text.numerals import scaled

if TYPE_CHECKING:
    from report.comparing.comparison import Comparison, Row
    from report.results.result import Result


@dataclass(frozen=True, kw_only=True)
class RowView:
    """One quantity on two machines, as a row of a table."""

    what: str
    """What tells it from others of its group, and the unit of its times."""
    left: Number
    right: Number
    row: Row

    @property
    def speedup(self) -> Number | None:
        """Return the first's time over the second's."""
        return number(self.row.ratio) if self.row.ratio else None

    @property
    def shows_from(self) -> str:
        """Return the smallest ratio that the row could have shown."""
        return shows_from(self.row)


@dataclass(frozen=True, kw_only=True)
class PairView:
    """Two machines, and what both measured, by experiment and framework."""

    compared: Comparison
    groups: list[tuple[str, list[RowView]]]

    @property
    def common(self) -> Number | None:
        """Return what all rows share."""
        return number(self.compared.common) if self.compared.common else None


def pair(left: Result, right: Result) -> PairView:
    """Return what two results have in common, side by side, in the order of the first."""
    compared = comparison.compare(left, right)
    groups: dict[str, list[RowView]] = {}
    for row in compared.rows:
        first, second = row.first.time(), row.second.time()
        factor, unit = shared_prefix([first.value]), scaled(first.value, "s").rpartition(" ")[2]
        groups.setdefault(f"{row.experiment}, {row.framework}", []).append(
            RowView(
                what=f"{row.what}, {unit}",
                left=number(first, factor),
                right=number(second, factor),
                row=row,
            )
        )
    return PairView(compared=compared, groups=list(groups.items()))
