"""The rules of the verdicts, on estimates whose intervals are known exactly."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from report.analysis.estimate import Estimate, estimate, stable
from report.claims import judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.claims.judge import Judgement


def between(low: float, value: float, high: float, each: tuple[float, ...] = ()) -> Estimate:
    """Return an estimate of four replicates with this interval."""
    return Estimate(
        value=value, low=low, high=high, replicates=4, samples=9, basis="replicates", each=each
    )


def around(value: float, half: float, each: tuple[float, ...] = ()) -> Estimate:
    """Return an estimate whose interval goes from value * e^-half to value * e^half."""
    return between(value * math.exp(-half), value, value * math.exp(half), each)


SINGLE = replace(between(1.2, 1.3, 1.4), replicates=1, basis="samples")
"""Of a single replicate: its interval stands on its samples."""

NOTHING = replace(SINGLE, low=None, high=None, basis="nothing")
"""Of a single replicate with too few samples."""


def ends(judged: Judgement) -> tuple[float | None, float | None]:
    """Return the interval of a judgement."""
    return judged.low, judged.high


GREATER = {
    # low = 1.05 e^-0.03 = 1.019 > 1, and 1.05 >= 1.02
    "clearly above": (1.05, 0.03, 1.02, "supported"),
    # low = 2 e^-0.1 = 1.81; the value is the least effect itself
    "as large as the least": (2.0, 0.1, 2.0, "supported"),
    # low = 1.05 e^-0.06 = 0.989: it may be 1
    "one is inside": (1.05, 0.06, 1.02, "inconclusive"),
    # low = 1.010 > 1, and high = 1.0201 reaches 1.02
    "above one, perhaps too small": (1.015, 0.005, 1.02, "supported"),
    # low = 1.005 > 1, but high = 1.0151 < 1.02: there is a difference, and it does not matter
    "above one, surely too small": (1.01, 0.005, 1.02, "too small to matter"),
    # high = e^0.01 = 1.0101 < 1.02, and low = 0.990: which is the larger is open
    "no difference that matters": (1.0, 0.01, 1.02, "inconclusive"),
    # high = 0.9 e^0.05 = 0.946
    "the other way round": (0.9, 0.05, 1.02, "contradicted"),
    # high = e^0.03 = 1.0305 >= 1.02
    "no difference that was seen": (1.0, 0.03, 1.02, "inconclusive"),
    # low = 1.5 e^-0.2 = 1.23 > 1, and high = 1.83 < 2
    "half of what is claimed": (1.5, 0.2, 2.0, "too small to matter"),
    # any difference counts: low = 1.001 e^-0.0005 = 1.0005
    "any difference": (1.001, 0.0005, 1.0, "supported"),
    # No part of it lies above 1.
    "nothing at all": (1.0, 0.0, 1.0, "contradicted"),
}

A_BIT = 1e-9
LIMITS = {
    # low must lie above 1
    "low at 1": (between(1.0, 1.5, 2.0), "inconclusive"),
    "low just above 1": (between(1 + A_BIT, 1.5, 2.0), "supported"),
    # high must reach the least effect
    "high at the least": (between(1.01, 1.1, 1.2), "supported"),
    "high just below the least": (between(1.01, 1.1, 1.2 - A_BIT), "too small to matter"),
    # high must not lie above 1
    "high at 1": (between(0.8, 0.9, 1.0), "contradicted"),
    "high just above 1": (between(0.8, 0.9, 1 + A_BIT), "inconclusive"),
}


@pytest.mark.parametrize(("effect", "expected"), LIMITS.values(), ids=LIMITS)
def test_each_limit_of_greater_has_two_sides(effect: Estimate, expected: str) -> None:
    """With 1.2 as the least effect that matters."""
    assert judge.greater(effect, 1.2).verdict == expected


@pytest.mark.parametrize(("low", "marginal"), [(1.2, False), (1.2 - A_BIT, True), (0.9, False)])
@pytest.mark.parametrize("rule", [judge.greater, judge.less])
def test_what_is_supported_is_marginal_unless_all_of_the_interval_matters(
    rule: Callable[..., Judgement], low: float, *, marginal: bool
) -> None:
    """The point may lie above the least effect of 1.2, and the interval begin below it."""
    effect = between(low, 1.5, 2.0)
    judged = rule(effect if rule is judge.greater else effect.reciprocal(), 1.2)
    assert judged.marginal is marginal
    assert (judged.verdict == "supported") is (low > 1)


@pytest.mark.parametrize("rule", [judge.greater, judge.less])
@pytest.mark.parametrize(("value", "half", "least", "expected"), GREATER.values(), ids=GREATER)
def test_greater_reads_the_interval_and_less_is_greater_upside_down(
    rule: Callable[..., Judgement], value: float, half: float, least: float, expected: str
) -> None:
    """Supported above 1, contradicted below, else open; above 1 and below what matters, small."""
    ratio = value if rule is judge.greater else 1 / value
    judged = rule(around(ratio, half), least)
    assert judged.verdict == expected
    assert judged.value == pytest.approx(ratio)
    assert ends(judged) == pytest.approx((ratio * math.exp(-half), ratio * math.exp(half)))
    assert bool(judged.reason) == (expected == "inconclusive")


BOUNDS = {
    # At least 1.5 e^-0.1 = 1.36: whatever it is, it is above 1.02.
    "at least 1.5": (1.5, 0.1, {"above": True}, "supported"),
    # At least 0.9: it can be anything above.
    "at least 0.9": (0.9, 0.01, {"above": True}, "inconclusive"),
    # At most 0.9 e^0.05 = 0.946 < 1.02.
    "at most 0.9": (0.9, 0.05, {"below": True}, "contradicted"),
    # At most 1.015 e^0.001 = 1.016 < 1.02: not by what matters, but perhaps not at all.
    "at most 1.015": (1.015, 0.001, {"below": True}, "inconclusive"),
    # At most 1.5: it can be anything below.
    "at most 1.5": (1.5, 0.01, {"below": True}, "inconclusive"),
    # Both sides of the ratio are bounds the same way, so that it can be anything.
    "two bounds, high": (9.0, 0.01, {"above": True, "below": True}, "inconclusive"),
    "two bounds, low": (0.1, 0.01, {"above": True, "below": True}, "inconclusive"),
}


@pytest.mark.parametrize(("value", "half", "bound", "expected"), BOUNDS.values(), ids=BOUNDS)
def test_a_bound_decides_one_way_only(
    value: float, half: float, bound: dict[str, bool], expected: str
) -> None:
    """A ratio that is only known to be at least so much can be greater, and never not greater."""
    judged = judge.greater(around(value, half), 1.02, **bound)
    assert judged.verdict == expected
    assert (judged.low is None) == bound.get("below", False)
    assert (judged.high is None) == bound.get("above", False)
    assert judged.reason == (judge.CENSORED if expected == "inconclusive" else "")


def test_a_lower_bound_of_a_ratio_contradicts_that_it_is_less() -> None:
    """At least 1.5 e^-0.1 = 1.36 is not less than 1; at most 0.9 e^0.05 = 0.95 is."""
    least = judge.less(around(1.5, 0.1), 1.02, above=True)
    assert (least.verdict, least.high) == ("contradicted", None)
    assert least.low == pytest.approx(1.5 * math.exp(-0.1))
    most = judge.less(around(0.9, 0.05), 1.02, below=True)
    assert (most.verdict, most.low) == ("supported", None)
    assert most.high == pytest.approx(0.9 * math.exp(0.05))


EQUIVALENT = {
    # the margin 1.1 has the logarithm 0.0953
    "inside": (1.0, 0.05, "supported"),
    # high = 1.08 e^0.01 = 1.0909 < 1.1
    "just inside": (1.08, 0.01, "supported"),
    # high = 1.09 e^0.02 = 1.112
    "across the upper limit": (1.09, 0.02, "inconclusive"),
    # low = 0.92 e^-0.02 = 0.9018 < 1 / 1.1 = 0.9091
    "across the lower limit": (0.92, 0.02, "inconclusive"),
    "as wide as both": (1.0, 0.2, "inconclusive"),
    # low = 1.2 e^-0.05 = 1.1415 > 1.1
    "above": (1.2, 0.05, "contradicted"),
    # high = 0.8 e^0.05 = 0.841 < 0.909
    "below": (0.8, 0.05, "contradicted"),
}

WITHIN = {
    "as wide as the margin": (between(1 / 1.1, 1.0, 1.1), "supported"),
    "a bit too low": (between(1 / 1.1 - A_BIT, 1.0, 1.1), "inconclusive"),
    "a bit too high": (between(1 / 1.1, 1.0, 1.1 + A_BIT), "inconclusive"),
    "from the margin upwards": (between(1.1, 1.2, 1.3), "inconclusive"),
    "just beyond the margin": (between(1.1 + A_BIT, 1.2, 1.3), "contradicted"),
    "up to the margin": (between(0.8, 0.85, 1 / 1.1), "inconclusive"),
    "just below the margin": (between(0.8, 0.85, 1 / 1.1 - A_BIT), "contradicted"),
}


@pytest.mark.parametrize(("effect", "expected"), WITHIN.values(), ids=WITHIN)
def test_each_limit_of_equivalence_has_two_sides(effect: Estimate, expected: str) -> None:
    """The limits belong to the margin."""
    assert judge.equivalent(effect, 1.1).verdict == expected


@pytest.mark.parametrize(("value", "half", "expected"), EQUIVALENT.values(), ids=EQUIVALENT)
def test_equivalent_asks_whether_the_interval_lies_within_the_margin(
    value: float, half: float, expected: str
) -> None:
    """Wholly within is supported, wholly outside contradicted, across a limit open."""
    judged = judge.equivalent(around(value, half), 1.1)
    assert judged.verdict == expected
    assert judged.value == pytest.approx(value)
    assert ends(judged) == pytest.approx((value * math.exp(-half), value * math.exp(half)))


def test_equivalence_is_two_one_sided_tests_at_two_and_a_half_percent() -> None:
    """As `scipy.stats.ttest_1samp` tests against either limit, on 200 sets of five replicates."""
    # Single samples: then nothing is known of the variance within, and the error is s / sqrt(5).
    rng = random.Random(3)
    limit = math.log(1.1)
    seen = set()
    for _ in range(200):
        logs = [rng.gauss(rng.choice([0, 0.05, 0.09]), 0.03) for _ in range(5)]
        above = stats.ttest_1samp(logs, -limit, alternative="greater").pvalue
        below = stats.ttest_1samp(logs, limit, alternative="less").pvalue
        judged = judge.equivalent(estimate([[math.exp(log)] for log in logs]), 1.1)
        assert (judged.verdict == "supported") == (max(above, below) <= 0.025)
        seen.add(judged.verdict)
    assert seen >= {"supported", "inconclusive"}


def test_bounds_say_nothing_of_equality() -> None:
    """What is at least 1 within a hair can be anything."""
    judged = judge.equivalent(around(1.0, 0.001), 1.1, censored=True)
    assert (judged.verdict, judged.reason) == ("inconclusive", judge.CENSORED)
    assert ends(judged) == (None, None)


EXPONENTS = {
    # -0.52 +- 0.02 lies in -0.55 ... -0.45
    "inside": (-0.52, 0.02, "supported"),
    # -0.54 + 0.02 = -0.52, but -0.54 - 0.02 = -0.56
    "across": (-0.54, 0.02, "inconclusive"),
    # -0.60 + 0.02 = -0.58 < -0.55
    "steeper": (-0.60, 0.02, "contradicted"),
    # -0.40 - 0.02 = -0.42 > -0.45
    "flatter": (-0.40, 0.02, "contradicted"),
}


@pytest.mark.parametrize(("value", "half", "expected"), EXPONENTS.values(), ids=EXPONENTS)
def test_an_exponent_lies_within_its_tolerance(value: float, half: float, expected: str) -> None:
    """The claim is -0.5 with a tolerance of 0.05; nothing is taken to a power."""
    judged = judge.within(between(value - half, value, value + half), -0.55, -0.45)
    assert (judged.verdict, judged.value) == (expected, value)
    assert ends(judged) == pytest.approx((value - half, value + half))


def test_a_power_law_through_bounds_is_open() -> None:
    """A point that may lie anywhere above leaves the slope open."""
    judged = judge.within(between(-0.501, -0.5, -0.499), -0.55, -0.45, censored=True)
    assert (judged.verdict, judged.reason) == ("inconclusive", judge.CENSORED)


STALLS = {
    # falls by 3; goes on to 0.99 e^-0.005 = 0.985 > 1 / 1.02 = 0.980 of the turn
    "falls and stays": (3.0, 0.1, 0.99, 0.005, "supported"),
    "falls and rises again": (3.0, 0.1, 1.5, 0.1, "supported"),
    # goes on to at most 0.9 e^0.05 = 0.946 < 0.980
    "falls and goes on": (3.0, 0.1, 0.9, 0.05, "contradicted"),
    # 0.98 e^-0.05 = 0.932 and 0.98 e^0.05 = 1.03 lie on either side of 0.980
    "falls, and may go on": (3.0, 0.1, 0.98, 0.05, "inconclusive"),
    # high = 0.98 e^0.01 = 0.990 < 1: it did not fall in the first place
    "never falls": (0.98, 0.01, 1.0, 0.005, "contradicted"),
    # 1.01 e^-0.005 = 1.005 and 1.01 e^0.005 = 1.015 lie between 1 and 1.02
    "falls by too little to matter": (1.01, 0.005, 1.0, 0.005, "too small to matter"),
    "falls by too little to matter, and may go on": (1.01, 0.005, 0.98, 0.05, "inconclusive"),
    "rises, and then falls": (0.9, 0.05, 0.5, 0.05, "contradicted"),
    # low = 1.05 e^-0.1 = 0.95: it may not have fallen
    "may have fallen": (1.05, 0.1, 1.0, 0.005, "inconclusive"),
    # exactly 1 / 1.02 leaves it open
    "goes on by just as much": (3.0, 0.1, 1 / 1.02, 0.0, "inconclusive"),
}


@pytest.mark.parametrize(
    ("falls", "half", "then", "half_then", "expected"), STALLS.values(), ids=STALLS
)
def test_stalling_is_falling_and_then_not(
    falls: float, half: float, then: float, half_then: float, expected: str
) -> None:
    """It must fall by what matters first; going on by what matters contradicts it."""
    judged = judge.stalls(around(falls, half), around(then, half_then), 1.02)
    assert judged.verdict == expected
    assert judged.value == pytest.approx(then)
    assert ends(judged) == pytest.approx((then * math.exp(-half_then), then * math.exp(half_then)))


@pytest.mark.parametrize("effect", [SINGLE, NOTHING], ids=["samples", "nothing"])
@pytest.mark.parametrize(
    "rule",
    [
        lambda effect: judge.greater(effect, 1.02),
        lambda effect: judge.less(effect, 1.02),
        lambda effect: judge.equivalent(effect, 9.0),
        lambda effect: judge.within(effect, 0.8, 1.8),
        lambda effect: judge.stalls(around(3.0, 0.1), effect, 1.02),
    ],
    ids=["greater", "less", "equivalent", "power-law", "stalls"],
)
def test_a_single_replicate_decides_nothing(
    rule: Callable[[Estimate], Judgement], effect: Estimate
) -> None:
    """However narrow the interval of its samples: there is a value, and the remedy."""
    judged = rule(effect)
    assert (judged.verdict, judged.reason, judged.value) == ("inconclusive", judge.ONE, 1.3)
    assert ends(judged) == (None, None)


UNANIMOUS = {
    "all above one": ((1.1, 1.2, 1.3), 1.02, True),
    "all below one": ((0.9, 0.8, 0.7), 1.02, True),
    "on both sides": ((1.2, 0.9, 1.3), 1.02, False),
    # all say that it is not twice as large, though not on which side of 1 it is
    "all too small for the claim": ((1.2, 0.8, 1.1), 2.0, True),
    # above 1 all of them, though not all by a factor of 2
    "all above one, some by enough": ((1.6, 2.5, 2.2), 2.0, True),
    "one at 1": ((1.0, 2.5), 2.0, False),
    "one at the least": ((0.9, 2.0), 2.0, False),
}


@pytest.mark.parametrize(("each", "least", "expected"), UNANIMOUS.values(), ids=UNANIMOUS)
def test_replicates_agree_if_each_gives_the_same_answer(
    each: tuple[float, ...], least: float, *, expected: bool
) -> None:
    """What one replicate says: above 1, or too small for the claim."""
    assert judge.greater(around(1.0, 0.1, each), least).unanimous is expected


def test_replicates_agree_on_equality_if_all_lie_inside_or_none() -> None:
    """The margin is 1.1."""
    assert judge.equivalent(around(1.0, 0.1, (1.05, 0.92)), 1.1).unanimous
    assert judge.equivalent(around(1.0, 0.1, (1.15, 1.2)), 1.1).unanimous
    assert not judge.equivalent(around(1.0, 0.1, (1.05, 1.2)), 1.1).unanimous


def rounded(value: float, half: float) -> Estimate:
    """Return the same with ends of as many digits as estimates have."""
    low, high = (stable(value * math.exp(way * half)) for way in (-1, 1))
    return between(low, value, high)


effects = st.builds(rounded, st.floats(0.1, 10), st.floats(0, 1))


@given(effect=effects, least=st.floats(1, 2), wider=st.floats(1, 10))
def test_more_doubt_never_turns_a_verdict_round(
    effect: Estimate, least: float, wider: float
) -> None:
    """With the same value and a wider interval a verdict stays or becomes more doubtful."""
    assert effect.low is not None
    assert effect.high is not None
    doubtful = between(effect.low / wider, effect.value, effect.high * wider)
    for rule in (judge.greater, judge.less):
        before, after = rule(effect, least), rule(doubtful, least)
        # What is too small may turn out to be supported, and then possibly by too little to matter.
        small = before.verdict == "too small to matter" and after.marginal
        assert after.verdict in {before.verdict, "inconclusive"} or small
        assert after.marginal or not before.marginal or after.verdict == "inconclusive"
    known = judge.equivalent(effect, least + 0.01).verdict
    assert judge.equivalent(doubtful, least + 0.01).verdict in {known, "inconclusive"}


@given(effect=effects, least=st.floats(1, 2))
def test_of_greater_and_less_one_contradicts_the_other(effect: Estimate, least: float) -> None:
    """What holds one way, by however little, is contradicted the other way."""
    # An end that lies on a limit, to ten digits, may lie beside its reciprocal.
    ends, limits = (effect.low, effect.high), (1, least, 1 / least)
    assume(not any(math.isclose(end or 0, limit) for end in ends for limit in limits))
    up, down = judge.greater(effect, least).verdict, judge.less(effect, least).verdict
    for one, other in ((up, down), (down, up)):
        if one in {"supported", "too small to matter"}:
            assert other == "contradicted"
    assert (up == "inconclusive") == (down == "inconclusive")


@given(effect=effects, least=st.floats(1, 2), more=st.floats(0, 1))
def test_asking_for_more_never_makes_a_claim_stronger(
    effect: Estimate, least: float, more: float
) -> None:
    """A larger least effect leaves what is contradicted and what is open as it is."""
    order = ["supported", "too small to matter", "contradicted", "inconclusive"]
    before, after = (judge.greater(effect, one).verdict for one in (least, least + more))
    assert order.index(after) >= order.index(before)
    if before not in order[:2]:
        assert after == before


@given(effect=effects, least=st.floats(1, 2), margin=st.floats(1.01, 2))
def test_verdict_is_what_every_value_of_the_interval_allows(
    effect: Estimate, least: float, margin: float
) -> None:
    """An independent statement of the rules: by both ends of the interval, each by itself."""

    def region(value: float | None) -> str:
        assert value is not None
        return "no" if value <= 1 else "small" if value < least else "yes"

    by_ends = {
        ("yes", "yes"): "supported",
        ("small", "yes"): "supported",
        ("small", "small"): "too small to matter",
        ("no", "no"): "contradicted",
    }
    judged = judge.greater(effect, least)
    ends_in = (region(effect.low), region(effect.high))
    assert judged.verdict == by_ends.get(ends_in, "inconclusive")
    assert judged.marginal == (ends_in == ("small", "yes"))
    # What a margin allows is the same: there, nothing is too small to matter.
    assert judge.equivalent(effect, margin).verdict != "too small to matter"
