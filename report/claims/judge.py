"""From an effect and its interval to a verdict. Pure.

Every rule reads the 95 % interval alone. For a claim that something is larger, `least` is the
smallest factor that matters:

    supported             the whole interval lies above 1, and not all of it below `least`; where
                          a part does, possibly by too little to matter (marginal)
    too small to matter   the whole interval lies above 1 and below `least`
    contradicted          no part of the interval lies above 1
    inconclusive          1 lies inside: it is open which of the two is larger

Smaller is larger upside down.

Equivalence within a factor `margin` is two one-sided tests at 2.5 % each, which is the same as
asking whether the 95 % interval lies between 1 / margin and margin: supported if it does,
contradicted if it lies wholly outside, else inconclusive. What the margin allows is too small to
matter by definition, so that there is no verdict of that name. For an exponent the same with a
tolerance.

To stall is to fall at first and then no further: the fall is judged as a claim that the start is
larger, and of what comes after, at most 1 / `least` may be shown to be left. It takes both:
contradicted if either is, else inconclusive if either is, else as the fall is.

Source: D. J. Schuirmann, "A Comparison of the Two One-Sided Tests Procedure and the Power Approach
for Assessing the Equivalence of Average Bioavailability", J. Pharmacokinetics and
Biopharmaceutics 15, 1987; J. K. Kruschke, "Rejecting or Accepting Parameter Values in Bayesian
Estimation", Advances in Methods and Practices in Psychological Science 1, 2018 (an interval
against a region of effects too small to matter).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from report.analysis.estimate import Estimate

    _Ends = tuple[float | None, float | None]

Outcome = Literal["supported", "too small to matter", "contradicted", "inconclusive"]


@dataclass(frozen=True)
class Judgement:
    """A verdict with the interval that it stands on."""

    verdict: Outcome
    value: float  # the effect: a ratio, or an exponent
    low: float | None  # lower end of its 95 % interval; None where there is none
    high: float | None  # upper end; None where there is none, or where only a lower bound is known
    reason: str = ""  # why nothing is decided, and what to do; empty otherwise
    unanimous: bool = True  # every replicate by itself points the same way
    marginal: bool = False  # it is supported, but possibly by too little to matter


MORE = "more replicates (processes, or seeds if nothing is timed) would narrow it"
ONE = "a single replicate does not show how much they differ; measure in more processes"
CENSORED = "some seeds end before they reach the loss; let them train for more epochs"


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
    verdict: Outcome = "inconclusive"
    if low > 1:
        verdict = "supported" if high >= least else "too small to matter"
    elif high <= 1:
        verdict = "contradicted"
    matters = ", though by too little to matter if it does" if high < least else ""
    reason = f"the interval leaves open whether it holds{matters}; {MORE}"
    reason = CENSORED if above or below else reason
    shown = (None if below else low, None if above else high)
    # All say that it holds, or none that it does by what matters.
    unanimous = all(one > 1 for one in effect.each) or all(one < least for one in effect.each)
    marginal = verdict == "supported" and low < least
    return _judgement(effect, verdict, shown, reason, unanimous=unanimous, marginal=marginal)


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
    return within(effect, 1 / margin, margin, censored=censored)


def stalls(falls: Estimate, goes_on: Estimate, least: float) -> Judgement:
    """Judge whether something decreases at first, by at least a factor, and no longer afterwards.

    Given are what it was at the beginning, and what it is at the end, over what it is at the turn.
    """
    first = greater(falls, least)
    ends = _ends(goes_on)
    if ends is None:
        return _undecided(goes_on, ONE)
    verdict = first.verdict
    if ends[1] < 1 / least:
        verdict = "contradicted"
    elif ends[0] <= 1 / least and verdict != "contradicted":
        verdict = "inconclusive"
    reason = f"the interval leaves open whether it goes on; {MORE}"
    if ends[0] > 1 / least:
        reason = f"the interval leaves open whether it falls at first; {MORE}"
    marginal = verdict == "supported" and first.marginal
    return _judgement(goes_on, verdict, ends, reason, marginal=marginal)


def within(
    effect: Estimate, low_limit: float, high_limit: float, *, censored: bool = False
) -> Judgement:
    """Judge whether a ratio, or an exponent, lies between two limits.

    Where it is only a bound, or the slope of some (`censored`), it can be anything.
    """
    ends = _ends(effect)
    if ends is None or censored:
        return _undecided(effect, CENSORED if censored else ONE)
    low, high = ends
    inside = {low_limit <= one <= high_limit for one in effect.each}
    verdict: Outcome = "inconclusive"
    if low >= low_limit and high <= high_limit:
        verdict = "supported"
    elif low > high_limit or high < low_limit:
        verdict = "contradicted"
    reason = f"the interval lies partly within the margin and partly outside; {MORE}"
    return _judgement(effect, verdict, ends, reason, unanimous=len(inside) < 2)


def _judgement(
    effect: Estimate, verdict: Outcome, ends: _Ends, reason: str, **more: bool
) -> Judgement:
    why = reason if verdict == "inconclusive" else ""
    return Judgement(verdict, effect.value, *ends, why, **more)


def _undecided(effect: Estimate, reason: str) -> Judgement:
    return _judgement(effect, "inconclusive", (None, None), reason)


def _ends(effect: Estimate) -> tuple[float, float] | None:
    """Return the ends of an interval over replicates; samples of a single one do not count."""
    if effect.basis != "replicates" or effect.low is None or effect.high is None:
        return None
    return effect.low, effect.high
