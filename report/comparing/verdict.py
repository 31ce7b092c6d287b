"""From the ratio of two times to a verdict, against the least effect that matters. Pure.

A ratio is the time of the first divided by that of the second, so that above 1 the second is
faster. With its 99 % interval, and the least effect e:

    faster                    the whole interval lies above 1 + e
    faster, possibly by less  it lies above 1, and reaches beyond 1 + e
    the same                  it lies between 1 / (1 + e) and 1 + e: two one-sided tests
    undecided                 otherwise

and slower as faster, upside down. It is the rule by which claims are judged, at 99 % and not at
95 %, since a comparison has hundreds of rows and nobody chose them beforehand.

The smallest difference is what the row detects in four cases of five where it is there: of d, the
interval excludes 1 if its estimate lies t(99.5 %) standard errors away, and that it does with 80 %
where d is t(80 %) more. Where the row is so precise that such a difference is the same within e, it
is what reaches beyond e as often.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from scipy.special import stdtrit

if TYPE_CHECKING:
    from report.analysis.estimate import Estimate

LEAST = 0.05  # the least effect that matters, where nobody says another

LEVEL = 0.99
POWER = 0.8

Word = Literal["faster", "slower", "the same", "undecided"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the interval of a ratio says."""

    word: Word
    least: float
    beyond: bool = False  # the whole interval lies beyond the least effect

    def __str__(self) -> str:
        """Return it in words."""
        if self.word == "the same":
            return f"the same within {margin(self.least)}"
        less = self.word in {"faster", "slower"} and not self.beyond
        return f"{self.word}, possibly by less than {margin(self.least)}" if less else self.word


def margin(least: float) -> str:
    """Write a least effect: "5 %"."""
    return f"{100 * least:g} %"


def judge(ratio: Estimate, least: float = LEAST) -> Verdict | None:
    """Judge a ratio by its 99 % interval; None where a single process gives none."""
    if ratio.basis != "replicates" or ratio.low is None or ratio.high is None:
        return None
    if ratio.low >= 1 / (1 + least) and ratio.high <= 1 + least:
        return Verdict(word="the same", least=least)
    if ratio.low > 1:
        return Verdict(word="faster", least=least, beyond=ratio.low > 1 + least)
    if ratio.high < 1:
        return Verdict(word="slower", least=least, beyond=ratio.high < 1 / (1 + least))
    return Verdict(word="undecided", least=least)


def smallest(ratio: Estimate, least: float = LEAST) -> float | None:
    """Return the smallest ratio above 1 that an estimate like this one shows with 80 % power."""
    return detectable(ratio.error, ratio.freedom, least) if ratio.basis == "replicates" else None


def detectable(error: float, freedom: float, least: float = LEAST) -> float:
    """Return the same for the standard error of a ratio's logarithm and its degrees of freedom."""
    reach, power = (float(stdtrit(min(freedom, 1e9), p)) for p in ((1 + LEVEL) / 2, POWER))
    apart = max((reach + power) * error, math.log1p(least) - (reach - power) * error)
    return math.exp(min(apart, 700.0))
