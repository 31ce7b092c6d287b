"""The estimator, against values worked out by hand, against SciPy, and against chance."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from report.analysis.estimate import Estimate, average, estimate, exponent, product, spread
from report.analysis.factors import Factor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T1, T2, T3 = 12.7062, 4.30265, 3.18245
"""Student's t for 97.5 % and one, two and three degrees of freedom, from printed tables."""

Groups = list[list[float]]

positive = st.floats(1e-9, 1e6)
several = st.lists(st.lists(positive, min_size=1, max_size=9), min_size=2, max_size=6)
any_number = st.lists(st.lists(positive, min_size=1, max_size=9), min_size=1, max_size=6)

SKEWED = [3.0, 1.0, 2.0, 100.0, 90.0, 5.0, 4.0, 8.0, 7.0, 6.0]
"""Ten samples: median 5.5, mean 22.6. The second and the ninth bracket the median with 1 - 22/1024
= 97.9 %."""


def processes(
    rng: random.Random, count: int, between: float, within: float = 0.01, size: int = 11
) -> Groups:
    """Draw log-normal samples around log-normal processes, whose typical value is 1."""
    centres = [rng.gauss(0, between) for _ in range(count)]
    return [[math.exp(c + rng.gauss(0, within)) for _ in range(size)] for c in centres]


def log_medians(groups: Groups) -> list[float]:
    """Return the logarithm of each process's median."""
    return [math.log(float(np.median(group))) for group in groups]


def ratio(above: Sequence[Sequence[float]], below: Sequence[Sequence[float]]) -> Estimate:
    """Estimate a ratio of two series of the same processes."""
    return product([Factor(groups=above), Factor(groups=below, weight=-1)])


def unpaired(above: Sequence[Sequence[float]], below: Sequence[Sequence[float]]) -> Estimate:
    """Estimate a ratio of series that have nothing in common."""
    return product([Factor(groups=above, family="a"), Factor(groups=below, weight=-1, family="b")])


WELCH = partial(stats.ttest_ind, equal_var=False)

EQUAL = [(n, n) for n in (2, 3, 4, 8, 20)]


def numbers(found: Estimate) -> tuple[float | None, float, float | None]:
    """Return an interval with its value."""
    return found.low, found.value, found.high


def ends(found: Estimate) -> tuple[float, float]:
    """Return the ends of an interval that there must be."""
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


def half_log(found: Estimate) -> float:
    """Return half of the width of an interval, on logarithms."""
    low, high = ends(found)
    return math.log(high / low) / 2


# --- one quantity


def test_estimate_of_two_processes_is_the_one_worked_out_by_hand() -> None:
    """Medians 1 (whose mean is 1.027) and e^0.2: logarithms 0 and 0.2, whose mean is 0.1.

    Variance (0.1^2 + 0.1^2) / 1 = 0.02; error sqrt(0.02 / 2) = 0.1; half-width 12.7062 * 0.1.
    """
    found = estimate([[1.0, 0.99, 1.09], [math.exp(0.2)]], "key")
    expected = (math.exp(0.1 - 0.1 * T1), math.exp(0.1), math.exp(0.1 + 0.1 * T1))
    assert numbers(found) == pytest.approx(expected, rel=1e-5)
    assert found.each == pytest.approx((1.0, math.exp(0.2)))
    assert (found.replicates, found.samples, found.basis) == (2, 4, "replicates")
    assert (found.key, found.highest_of) == ("key", 0)


@pytest.mark.parametrize(
    ("compared", "scipys", "sizes"),
    [
        *((lambda a, _: estimate(a), lambda a, _: stats.ttest_1samp(a, 0.0), n) for n in EQUAL),
        *((ratio, stats.ttest_rel, n) for n in EQUAL),
        *((unpaired, WELCH, n) for n in [(2, 2), (2, 8), (4, 3), (8, 8), (3, 20)]),
    ],
)
def test_intervals_are_scipys_of_the_log_medians(
    compared: Callable[[Groups, Groups], Estimate],
    scipys: Callable[[list[float], list[float]], Any],
    sizes: tuple[int, int],
) -> None:
    """Student's of one series and of pairs, and Welch's, for any number of processes."""
    rng = random.Random(sum(sizes))
    a, b = processes(rng, sizes[0], 0.05), processes(rng, sizes[1], 0.4)
    low, high = scipys(log_medians(a), log_medians(b)).confidence_interval(0.95)
    found = compared(a, b)
    expected = [math.exp(x) for x in (low, (low + high) / 2, high)]
    assert numbers(found) == pytest.approx(expected, rel=1e-9)
    assert found.replicates == min(sizes)


def test_each_process_counts_once_with_its_median() -> None:
    """Medians 4, 1 and 2 of one, five and even many samples: mean 2, as of 4, 1 and 2 alone.

    The t interval of logarithms 2l, 0 and l with l = ln 2 has the half-width 4.30265 l / sqrt(3).
    """
    found = estimate([[4.0], [1.0, 1.0, 1.0, 1.1, 1.1], [], [1.9, 1.9, 2.1, 2.5]])
    log = math.log(2)
    assert found.value == pytest.approx(2.0)
    assert half_log(found) == pytest.approx(T2 * log / math.sqrt(3), rel=1e-5)
    assert (found.replicates, found.samples) == (3, 10)


@pytest.mark.parametrize(
    ("samples", "expected", "basis"),
    [(SKEWED, (2.0, 5.5, 90.0), "samples"), (SKEWED[:5], (None, 3.0, None), "nothing")],
    ids=["order statistics", "too few samples"],
)
def test_one_process_falls_back_on_its_samples(
    samples: list[float], expected: tuple[float | None, ...], basis: str
) -> None:
    """It says what it stands on; five samples have no interval at 95 %, and exclude nothing."""
    found = estimate([[], samples])
    assert (numbers(found), found.basis) == (expected, basis)
    assert (found.replicates, found.samples) == (1, len(samples))
    assert found.excludes(1e9) == (basis == "samples")


@pytest.mark.parametrize(
    "nothing", [lambda: estimate([]), lambda: estimate([[], []]), lambda: average([])]
)
def test_no_samples_are_an_error(nothing: Callable[[], Estimate]) -> None:
    """There is no estimate of nothing."""
    with pytest.raises(ValueError, match=r"no samples|at least one"):
        nothing()


def test_processes_that_agree_exactly_leave_no_doubt() -> None:
    """No variance, neither between nor within: the interval is the value."""
    assert numbers(estimate([[2.0] * 5] * 3)) == (2.0, 2.0, 2.0)
    assert numbers(ratio([[3.0]] * 4, [[2.0]] * 4)) == (1.5, 1.5, 1.5)
    assert numbers(unpaired([[6.0]] * 2, [[2.0]] * 3)) == (3.0, 3.0, 3.0)


def test_an_interval_of_wild_replicates_stays_within_what_files_hold() -> None:
    """One of two diverged to 1e300: the interval would end far beyond 1e308."""
    low, high = ends(estimate([[1.0], [1e300]]))
    assert 0 < low < high < math.inf


def test_values_are_rounded_to_ten_digits() -> None:
    """Libraries differ in the last bits; what is written must not."""
    found = estimate([[1 / 3], [1 / 3]])
    assert numbers(found) == (0.3333333333,) * 3
    moved = estimate([[3.0]] * 2).reciprocal()
    assert (moved.value, *moved.each) == (0.3333333333,) * 3
    slope = exponent([([1.0, 2.0, 4.0], [Factor(groups=[[x ** (1 / 3)]] * 2) for x in (1, 2, 4)])])
    assert (slope.value, *slope.each) == (0.3333333333,) * 3
    assert average([0.1, 0.2, 0.7]).value == 0.3333333333


# --- the noise within replicates


def test_agreement_by_luck_does_not_narrow_the_interval() -> None:
    """Five skewed samples, twice: the variance is that of the medians of all 3125 resamples."""
    samples = [1.0, 1.1, 1.15, 1.6, 3.0]
    resampled = [math.log(sorted(each)[2]) for each in itertools.product(samples, repeat=5)]
    assert half_log(estimate([samples, samples])) == pytest.approx(
        T1 * math.sqrt(np.var(resampled) / 2), rel=1e-5
    )


@pytest.mark.parametrize("weight", [-0.5, 2.0, 3.0])
def test_the_noise_within_grows_with_the_square_of_the_power(weight: float) -> None:
    """As all of a power's errors do: the logarithm of x^w is w log x."""
    samples = [1.0, 1.1, 1.15, 1.6, 3.0]
    single = half_log(estimate([samples] * 3))
    power = product([Factor(groups=[samples] * 3, weight=weight)])
    assert half_log(power) == pytest.approx(abs(weight) * single, rel=1e-8)
    assert power.value == pytest.approx(1.15**weight)


# --- products of factors that were measured together


def test_paired_ratio_of_two_processes_is_the_one_worked_out_by_hand() -> None:
    """Ratios 2 and 2 e^0.2, though the second is a hundred times slower; the third lacks a half."""
    found = ratio([[2.0], [200.0 * math.exp(0.2)], [99.0]], [[1.0, 1.0], [100.0], []])
    expected = [2 * math.exp(x) for x in (0.1 - 0.1 * T1, 0.1, 0.1 + 0.1 * T1)]
    assert numbers(found) == pytest.approx(expected, rel=1e-5)
    assert found.each == pytest.approx((2.0, 2 * math.exp(0.2)))
    assert (found.replicates, found.basis) == (2, "replicates")


def test_pairing_cancels_what_slows_a_process() -> None:
    """1, 2, 5 and 9 times as slow: 1.25 in each; unpaired, an interval of several factors."""
    slow = (1.0, 2.0, 5.0, 9.0)
    above, below = [[1.25 * s] for s in slow], [[s] for s in slow]
    assert numbers(ratio(above, below)) == pytest.approx((1.25, 1.25, 1.25))
    apart = unpaired(above, below)
    assert half_log(apart) > math.log(9) / 2
    assert apart.each == ()


def test_a_ratio_of_ratios_is_paired_through_all_its_parts() -> None:
    """(6 / 2) / (3 / 2) = 2 in every process, however slow it is."""
    found = product(
        [
            Factor(groups=[[value * slow] for slow in (1.0, 3.0, 7.0)], weight=weight)
            for value, weight in ((6, 1), (2, -1), (3, -1), (2, 1))
        ]
    )
    assert numbers(found) == pytest.approx((2.0, 2.0, 2.0))
    assert found.replicates == 3


def test_constants_multiply_the_product_and_widen_nothing() -> None:
    """1000 operations divided by seconds are a rate; turned round, seconds for each operation."""
    factor = Factor(groups=[[2.0], [2.2]], weight=-1, constant=1000.0)
    rate, time = product([factor]), product([factor.inverse()])
    assert rate.each == pytest.approx((500.0, 1000 / 2.2))
    assert numbers(rate) == pytest.approx(numbers(time.reciprocal()))
    assert half_log(rate) == pytest.approx(half_log(estimate([[2.0], [2.2]])))


# --- products of what was measured apart


def test_series_without_two_common_replicates_are_taken_apart() -> None:
    """Means 0.1 and 1.1 with the error 0.1 each: 1 with sqrt(0.02), two degrees, and no pairs."""
    low, high = [[1.0], [math.exp(0.2)], [], []], [[], [], [math.exp(1.0)], [math.exp(1.2)]]
    found = ratio(high, low)
    half = T2 * math.sqrt(0.02)
    assert numbers(found) == pytest.approx([math.exp(1 + x) for x in (-half, 0, half)], rel=1e-5)
    assert (found.replicates, found.each) == (2, ())


@pytest.mark.parametrize(
    ("above", "below", "interval", "basis"),
    [
        ([SKEWED], [[1.0], [1.0]], (2.0, 90.0), "samples"),
        ([SKEWED], [SKEWED], (2 / 90, 90 / 2), "samples"),
        ([[5.0, 6.0]], [[2.0], [2.0]], (None, None), "nothing"),
    ],
    ids=["against several", "against another", "too few samples"],
)
def test_one_process_on_a_side_takes_the_widest_interval(
    above: Groups, below: Groups, interval: tuple[float | None, ...], basis: str
) -> None:
    """All that both intervals allow; one side without an interval leaves the ratio without one."""
    found = unpaired(above, below)
    assert (found.low, found.high) == pytest.approx(interval)
    assert (found.replicates, found.basis) == (1, basis)


# --- exponents


def law(x: Sequence[float], e: float, speeds: Sequence[float] = (1.0, 1.3, 0.8)) -> list[Factor]:
    """Return 5 x^e for every x, in processes of these speeds."""
    return [Factor(groups=[[5 * value**e * speed] for speed in speeds]) for value in x]


@pytest.mark.parametrize("e", [-0.5, 0.0, 1.0, 3.0])
def test_exponent_of_an_exact_power_law_is_exact(e: float) -> None:
    """Whatever the processes' speeds; unequal steps of x change nothing."""
    x = [1, 2, 5, 10, 100, 1500]
    found = exponent([(x, law(x, e))])
    assert (*numbers(found), *found.each) == pytest.approx((e,) * 6, abs=1e-9)
    assert (found.replicates, found.basis) == (3, "replicates")


def test_exponent_and_its_error_are_those_of_a_straight_line() -> None:
    """As SciPy has them where replicates are alike: five points leave three degrees of freedom."""
    x, y = [1.0, 2.0, 4.0, 8.0, 16.0], [1.0, 1.9, 4.3, 7.5, 17.0]
    factors = [Factor(groups=[[value]] * 3) for value in y]
    factors[1] = Factor(groups=[[1.9] * 30 + [100.0]] * 3)  # an outlier moves no median
    found = exponent([(x, factors)])
    fitted = stats.linregress(np.log(x), np.log(y))
    assert found.value == pytest.approx(fitted.slope)
    assert found.high == pytest.approx(fitted.slope + T3 * fitted.stderr, rel=1e-5)


def test_replicates_with_different_exponents_widen_the_interval() -> None:
    """Slopes 0.9, 1 and 1.1: mean 1, and error 0.1 / sqrt(3), while the mean is a line."""
    x = [1.0, 2.0, 4.0, 8.0]
    slopes = (0.9, 1.0, 1.1)
    found = exponent([(x, [Factor(groups=[[value**e] for e in slopes]) for value in x])])
    half = T2 * 0.1 / math.sqrt(3)
    assert numbers(found) == pytest.approx((1 - half, 1.0, 1 + half), rel=1e-5)
    assert found.each == pytest.approx(slopes)


def test_several_curves_have_heights_of_their_own_and_the_mean_of_their_exponents() -> None:
    """100 x^1 and x^2 in the same processes: 1.5; one process does not tell how slopes differ."""
    x = [1.0, 2.0, 4.0]
    steep = law(x, 2.0)
    flat = [replace(factor, constant=100.0) for factor in law(x, 1.0)]
    assert numbers(exponent([(x, steep), (x, flat)])) == pytest.approx((1.5, 1.5, 1.5))
    single = exponent([(x, law(x, 2.0, speeds=(1.0,)))])
    assert (*numbers(single), single.basis) == (None, 2.0, None, "nothing")


@pytest.mark.parametrize("weight", [1.0, -1.0, 2.0])
def test_constants_bend_the_line_as_they_multiply(weight: float) -> None:
    """x^2 times a constant x^-1.5 at each x goes as x^0.5; so does (x^2)^w times x^(0.5 - 2 w)."""
    x = [1.0, 2.0, 4.0, 8.0]
    factors = [
        replace(factor, weight=weight, constant=value ** (0.5 - 2 * weight))
        for factor, value in zip(law(x, 2.0), x, strict=True)
    ]
    found = exponent([(x, factors)])
    assert (*numbers(found), *found.each) == pytest.approx((0.5,) * 6, abs=1e-9)


def test_a_replicate_that_lacks_a_point_does_not_bend_the_line() -> None:
    """The slow third process has no second point; the law holds exactly in all processes."""
    x = [1.0, 2.0, 4.0, 8.0]
    factors = law(x, 1.0, speeds=(1.0, 1.0, 9.0))
    factors[1] = replace(factors[1], groups=[*factors[1].groups[:2], []])
    found = exponent([(x, factors)])
    assert numbers(found) == pytest.approx((1.0, 1.0, 1.0))
    assert found.replicates == 2


def test_two_points_make_no_power_law() -> None:
    """Any two points lie on one."""
    with pytest.raises(ValueError, match="three points"):
        exponent([([1.0, 2.0], law([1.0, 2.0], 1.0))])


# --- means of what need not be positive


def test_average_is_students_t_interval() -> None:
    """-1, 0 and 4: mean 1, variance (4 + 1 + 9) / 2 = 7, error sqrt(7 / 3)."""
    found = average([-1.0, 0.0, 4.0], "key")
    error = T2 * math.sqrt(7 / 3)
    assert numbers(found) == pytest.approx((1 - error, 1.0, 1 + error), rel=1e-5)
    assert (found.each, found.basis, found.key) == ((-1.0, 0.0, 4.0), "replicates", "key")
    single = average([2.0])
    assert (numbers(single), single.basis) == ((None, 2.0, None), "nothing")


# --- what is made of an estimate


OF = {"replicates": 3, "samples": 9, "highest_of": 2}
FOUR = Estimate(value=4.0, low=2.0, high=5.0, basis="replicates", each=(4, 5), key="time", **OF)


@pytest.mark.parametrize(
    ("made", "expected", "each"),
    [
        (FOUR.scaled(1000.0), (2000.0, 4000.0, 5000.0), (4000.0, 5000.0)),
        (FOUR.reciprocal(1000.0), (200.0, 250.0, 500.0), (250.0, 200.0)),
        (FOUR.power(2), (4.0, 16.0, 25.0), (16.0, 25.0)),
        (FOUR.power(-1), (0.2, 0.25, 0.5), (0.25, 0.2)),
        (FOUR.scaled(0.1).complement(), (0.5, 0.6, 0.8), (0.6, 0.5)),
    ],
    ids=["scaled", "reciprocal", "power", "negative power", "complement"],
)
def test_what_is_made_of_an_estimate_moves_all_its_numbers(
    made: Estimate, expected: tuple[float, ...], each: tuple[float, ...]
) -> None:
    """The ends stay in order, the rest stays what it is, and the name is another number's."""
    assert numbers(made) == pytest.approx(expected)
    assert made.each == pytest.approx(each)
    assert (made.replicates, made.samples, made.basis, made.highest_of) == (3, 9, "replicates", 2)
    assert made.key == ""
    assert FOUR.scaled(2.0, "twice").key == "twice"


def test_a_missing_interval_stays_missing() -> None:
    """No number is made of none."""
    bare = replace(FOUR, low=None, high=None, basis="nothing")
    for made in (bare.reciprocal(8.0), bare.scaled(0.5), bare.power(0.5)):
        assert (numbers(made), made.basis) == ((None, 2.0, None), "nothing")


def test_an_interval_excludes_what_lies_outside_it() -> None:
    """Its ends belong to it."""
    values = [1.9, 2.0, 4.0, 5.0, 5.1]
    assert [FOUR.excludes(value) for value in values] == [True, False, False, False, True]


# --- keys


def test_keys_say_what_was_divided_by_what() -> None:
    """Whatever order the factors come in; one divided by a quotient turns it round."""
    a, b, c = (Factor(groups=[[1.0]], key=name) for name in "abc")
    assert product([a]).key == "a"
    assert product([a, b, c.inverse()]).key == "a * b / c"
    assert product([c.inverse(), a, b]).key == "a * b / c"
    assert product([a, b.inverse(), c.inverse().inverse()]).key == "a * c / b"
    assert product([a, b], "own").key == "own"


# --- laws


def within_range(found: Estimate) -> bool:
    """Return whether no end of an interval was moved to where numbers end."""
    low, high = ends(found)
    return low > 1e-290 and high < 1e290


@settings(deadline=None)
@given(any_number)
def test_an_interval_holds_its_value(groups: Groups) -> None:
    """For any samples, with one process as with several; it is never narrower than plain t's."""
    found = estimate(groups)
    assert 0 < (found.low or found.value) <= found.value <= (found.high or found.value)
    if len(groups) > 1:
        plain = estimate([[float(np.median(group))] for group in groups])
        assert half_log(found) >= half_log(plain) * (1 - 1e-6) - 1e-9


@settings(deadline=None)
@given(several, st.integers(-20, 20))
def test_estimates_scale_with_their_samples(groups: Groups, power: int) -> None:
    """In other units everything is the same: a power of two is exact in binary."""
    factor = 2.0**power
    found = estimate([[factor * x for x in group] for group in groups])
    expected = estimate(groups).scaled(factor)
    assume(within_range(expected))
    assert numbers(found) == pytest.approx(numbers(expected), rel=1e-8)


@settings(deadline=None)
@given(several, several)
def test_a_ratio_turned_round_is_its_reciprocal(a: Groups, b: Groups) -> None:
    """Who is compared with whom changes no verdict, and with itself everything is once as large."""
    length = min(len(a), len(b))
    a, b = a[:length], b[:length]
    for compared in (ratio, unpaired):
        there, back = compared(a, b), compared(b, a)
        assume(within_range(there))
        assert numbers(there) == pytest.approx(numbers(back.reciprocal()), rel=1e-8)
    assert ratio(a, a).value == 1.0
    assert not ratio(a, a).excludes(1.0)


# --- spread


@pytest.mark.parametrize(
    ("groups", "expected"),
    [([[1.2, 9.0, 1.1], [], [1.5], [1.3]], 0.25), ([], None), ([[], [1.0, 2.0]], None)],
    ids=["several", "none", "one"],
)
def test_spread_is_by_how_much_the_slowest_median_exceeds_the_fastest(
    groups: Groups, expected: float | None
) -> None:
    """1.5 against 1.2 is a quarter more; a single process has nothing to differ from."""
    assert spread(groups) == pytest.approx(expected)
