"""From an effect and its interval to a verdict. Pure.

Every rule reads the 95 % interval alone. For a claim that something is larger, `least` is the
smallest factor that matters:

    supported      the whole interval lies above 1, and the value at or above `least`
    contradicted   the whole interval lies below `least`: what difference there may be that way
                   is too small to matter, or is the other way round
    inconclusive   otherwise

For equivalence within a factor `margin`, two one-sided tests at 2.5 % each, which is the same as
asking whether the 95 % interval lies between 1 / margin and margin; contradicted if it lies
wholly outside. For an exponent the same with a tolerance.

Source: D. J. Schuirmann, "A Comparison of the Two One-Sided Tests Procedure and the Power Approach
for Assessing the Equivalence of Average Bioavailability", J. Pharmacokinetics and
Biopharmaceutics 15, 1987.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from report.analysis.estimate import Estimate

    _Ends = tuple[float | None, float | None]

Outcome = Literal["supported", "contradicted", "inconclusive"]


@dataclass(frozen=True)
class Judgement:
    """A verdict with the interval that it stands on.

    Attributes:
        value: The effect: a ratio, or an exponent.
        low: Lower end of its 95 % interval; None where there is none.
        high: Upper end; None where there is none, or where only a lower bound is known.
        reason: Why nothing is decided, and what to do; empty otherwise.
        unanimous: Every replicate by itself points the same way.
    """

    verdict: Outcome
    value: float
    low: float | None
    high: float | None
    reason: str = ""
    unanimous: bool = True


MORE = "more replicates (processes, or seeds where no clock has a part) would narrow it"
ONE = "a single replicate does not tell how much they differ; measure in more processes"
CENSORED = "some seeds end before they come to the loss; let them train for more epochs"


def greater(
    effect: Estimate, least: float, *, above: bool = False, below: bool = False
) -> Judgement:
    """Judge whether a ratio is above 1 by a factor that matters.

    It may be known only to be at least (`above`) or at most (`below`) this.
    """
    ends = _ends(effect)
    if ends is None or (above and below):
        return _undecided(effect, ONE if ends is None else CENSORED)
    low, high = (0.0 if below else ends[0]), (math.inf if above else ends[1])
    unanimous = all(one > 1 for one in effect.each) or all(one < least for one in effect.each)
    verdict = _verdict(supported=low > 1 and effect.value >= least, contradicted=high < least)
    shown = (None if below else low, None if above else high)
    reason = f"the interval leaves open whether the effect is large enough to matter; {MORE}"
    reason = CENSORED if above or below else reason
    return _judgement(effect, verdict, shown, reason, unanimous=unanimous)


def less(effect: Estimate, least: float, *, above: bool = False, below: bool = False) -> Judgement:
    """Judge whether a ratio is below 1 by a factor that matters: `greater`, upside down."""
    mirrored = greater(effect.reciprocal(), least, above=below, below=above)
    low = None if mirrored.high is None else effect.low
    high = None if mirrored.low is None else effect.high
    return replace(mirrored, value=effect.value, low=low, high=high)


def equivalent(effect: Estimate, margin: float, *, censored: bool = False) -> Judgement:
    """Judge whether a ratio is 1 within a factor `margin`, above 1.

    Where one side is only a bound (`censored`), nothing can be said of equality.
    """
    return _undecided(effect, CENSORED) if censored else _within(effect, 1 / margin, margin)


def power_law(
    exponent: Estimate, claimed: float, tolerance: float, *, censored: bool = False
) -> Judgement:
    """Judge whether an exponent is the claimed one within a tolerance.

    Where some points are only bounds (`censored`), the slope can be anything.
    """
    if censored:
        return _undecided(exponent, CENSORED)
    return _within(exponent, claimed - tolerance, claimed + tolerance)


def stalls(falls: Estimate, goes_on: Estimate, least: float) -> Judgement:
    """Judge whether something decreases at first, by at least a factor, and no longer afterwards.

    Given are what it was at the beginning, and what it is at the end, over what it is at the turn.
    """
    first = greater(falls, least)
    ends = _ends(goes_on)
    if ends is None:
        return _undecided(goes_on, ONE)
    verdict = _verdict(
        supported=first.verdict == "supported" and ends[0] > 1 / least,
        contradicted=first.verdict == "contradicted" or ends[1] < 1 / least,
    )
    reason = f"the interval leaves open whether it goes on; {MORE}"
    return _judgement(goes_on, verdict, ends, reason)


def _within(effect: Estimate, low_limit: float, high_limit: float) -> Judgement:
    """Judge whether a value lies between two limits."""
    ends = _ends(effect)
    if ends is None:
        return _undecided(effect, ONE)
    low, high = ends
    inside = [low_limit <= one <= high_limit for one in effect.each]
    verdict = _verdict(
        supported=low >= low_limit and high <= high_limit,
        contradicted=low > high_limit or high < low_limit,
    )
    reason = f"the interval lies partly within the margin and partly outside; {MORE}"
    unanimous = all(inside) or not any(inside)
    return _judgement(effect, verdict, ends, reason, unanimous=unanimous)


def _verdict(*, supported: bool, contradicted: bool) -> Outcome:
    if supported:
        return "supported"
    return "contradicted" if contradicted else "inconclusive"


def _judgement(
    effect: Estimate, verdict: Outcome, ends: _Ends, reason: str, *, unanimous: bool = True
) -> Judgement:
    why = reason if verdict == "inconclusive" else ""
    return Judgement(verdict, effect.value, *ends, why, unanimous)


def _undecided(effect: Estimate, reason: str) -> Judgement:
    return _judgement(effect, "inconclusive", (None, None), reason)


def _ends(effect: Estimate) -> tuple[float, float] | None:
    """Return the ends of an interval over replicates; samples of a single one do not count."""
    if effect.basis != "replicates" or effect.low is None or effect.high is None:
        return None
    return effect.low, effect.high
