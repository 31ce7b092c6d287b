"""Effects and exponents, against values worked out by hand, and against plain t intervals."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from report.analysis import statistics
from report.analysis.bootstrap import Effect, Factor, effect, exponent, quantile, typical

if TYPE_CHECKING:
    from collections.abc import Sequence

T1 = 12.7062
"""Student's t for 97.5 % and one degree of freedom, from printed tables."""

T3 = 3.18245
"""The same for three."""

Groups = list[list[float]]

positive = st.floats(1e-9, 1e6)
several = st.lists(st.lists(positive, min_size=1, max_size=9), min_size=2, max_size=6)


def ratio(above: Sequence[Sequence[float]], below: Sequence[Sequence[float]]) -> Effect:
    """Return the effect of a ratio of two series of the same processes."""
    return effect(
        [Factor(groups=above, weight=1, family="f"), Factor(groups=below, weight=-1, family="f")],
        "a seed",
    )


def processes(rng: random.Random, count: int, size: int, between: float, within: float) -> Groups:
    """Draw log-normal samples around log-normal processes, whose typical value is 1."""
    centres = [rng.gauss(0, between) for _ in range(count)]
    return [[math.exp(c + rng.gauss(0, within)) for _ in range(size)] for c in centres]


def interval(found: Effect) -> tuple[float, float]:
    """Return the ends of an interval that there must be."""
    ends = found.ends()
    assert ends is not None
    return ends


# --- ratios


def test_equal_series_have_the_ratio_one() -> None:
    """A series over itself: each process's median over itself is 1, whatever it is."""
    groups = processes(random.Random(1), 4, 30, 0.1, 0.03)
    found = ratio(groups, groups)
    assert found.log == pytest.approx(0, abs=1e-15)
    assert found.each == pytest.approx((0, 0, 0, 0), abs=1e-15)
    low, high = interval(found)
    assert low <= 0 <= high


def test_single_samples_give_the_interval_worked_out_by_hand() -> None:
    """Logarithms 0 and 0.2: mean 0.1, standard error 0.1 as in `statistics`, t of one degree."""
    found = effect([Factor(groups=[[1.0], [math.exp(0.2)]], weight=1, family="f")], "s")
    assert (found.log, found.error, found.freedom) == pytest.approx((0.1, 0.1, 1))
    assert interval(found) == pytest.approx((0.1 - 0.1 * T1, 0.1 + 0.1 * T1), rel=1e-5)


@pytest.mark.parametrize("weight", [1.0, -1.0, 2.0, -0.5])
def test_a_power_multiplies_value_and_error(weight: float) -> None:
    """The logarithm of x^w is w log x: from 0.1 +- 0.1 to w 0.1 +- |w| 0.1."""
    found = effect([Factor(groups=[[1.0], [math.exp(0.2)]], weight=weight, family="f")], "s")
    assert (found.log, found.error) == pytest.approx((0.1 * weight, 0.1 * abs(weight)))


def test_replicates_that_agree_exactly_leave_no_doubt() -> None:
    """No variance, neither between nor within: the interval is the value."""
    found = ratio([[3.0] * 5] * 4, [[2.0] * 5] * 4)
    assert found.log == pytest.approx(math.log(1.5))
    assert interval(found) == pytest.approx((math.log(1.5), math.log(1.5)))


def test_what_slows_a_process_cancels() -> None:
    """Both series are 1, 2, 5 and 9 times as slow in the four processes; the ratio is 1.25 in each.

    Unpaired, the logarithms of 1 to 9 would make an interval of several factors.
    """
    slow = (1.0, 2.0, 5.0, 9.0)
    above, below = [[1.25 * s] for s in slow], [[s] for s in slow]
    assert interval(ratio(above, below)) == pytest.approx((math.log(1.25), math.log(1.25)))
    apart = effect(
        [Factor(groups=above, weight=1, family="f"), Factor(groups=below, weight=-1, family="g")],
        "s",
    )
    low, high = interval(apart)
    assert high - low > math.log(9)
    assert apart.each == ()


def test_a_ratio_of_ratios_is_paired_through_all_its_parts() -> None:
    """(6 / 2) / (3 / 2) = 2 in every process, however slow it is."""
    factors = [
        Factor(groups=[[value * slow] for slow in (1.0, 3.0, 7.0)], weight=weight, family="f")
        for value, weight in ((6, 1), (2, -1), (3, -1), (2, 1))
    ]
    found = effect(factors, "s")
    assert interval(found) == pytest.approx((math.log(2), math.log(2)))
    assert found.replicates == 3


def test_many_replicates_recover_what_the_samples_were_drawn_from() -> None:
    """200 processes around 3 and around 2, 4 % apart: the error is at most 0.04 sqrt(2 / 200).

    With the noise of medians of 30 samples of 3 %, 1.2533 * 0.03 / sqrt(30) = 0.0069 a side, the
    error is sqrt(2 (0.04^2 + 0.0069^2) / 200) = 0.0041; four of them are 0.016.
    """
    rng = random.Random(2)
    above = [[3 * v for v in group] for group in processes(rng, 200, 30, 0.04, 0.03)]
    below = [[2 * v for v in group] for group in processes(rng, 200, 30, 0.04, 0.03)]
    found = ratio(above, below)
    assert found.log == pytest.approx(math.log(1.5), abs=0.016)
    assert found.error == pytest.approx(0.0041, rel=0.2)


def test_the_noise_within_is_counted_once() -> None:
    """Of 400 processes that differ only by their samples' noise, the error is that of a median.

    A median of 31 normal samples varies by 1.2533 / sqrt(31) = 0.225 of their deviation, so that
    the mean of 400 varies by 0.225 / 20 = 0.01126. Resampled at both levels it would be 1.41 times
    that. The deviation of 400 values is itself known to 1 / sqrt(800) = 3.5 %.
    """
    found = effect(
        [Factor(groups=processes(random.Random(3), 400, 31, 0, 1.0), weight=1, family="f")], "s"
    )
    assert found.error == pytest.approx(0.01126, rel=0.12)


def test_agreement_by_luck_does_not_narrow_the_interval() -> None:
    """Four processes with one and the same median, whose own samples scatter by 10 %.

    The variance within is that of a median of 9 such samples: the error is that of each median
    (by the bootstrap of these nine values) divided by sqrt(4), and not zero.
    """
    samples = [math.exp(0.1 * z) for z in (-1.5, -1.0, -0.5, -0.2, 0.0, 0.2, 0.5, 1.0, 1.5)]
    rng = np.random.default_rng(1)
    medians = np.median(np.log(rng.choice(samples, (20_000, 9))), axis=1)
    found = effect([Factor(groups=[samples] * 4, weight=1, family="f")], "s")
    assert found.error == pytest.approx(medians.std() / 2, rel=0.1)
    assert interval(found)[1] == pytest.approx(T3 * found.error, rel=1e-5)


@given(above=several, below=several)
@settings(max_examples=60, deadline=None)
def test_interval_is_the_paired_t_interval_or_wider(above: Groups, below: Groups) -> None:
    """Luck apart, processes' medians decide alone, as in `statistics.paired_ratio`."""
    count = min(len(above), len(below))
    found = ratio(above[:count], below[:count])
    paired = statistics.paired_ratio(above[:count], below[:count])
    assert paired.low is not None
    assert paired.high is not None
    assert found.log == pytest.approx(math.log(paired.value), rel=1e-9, abs=1e-9)
    low, high = interval(found)
    assert low <= math.log(paired.low) + 1e-6
    assert high >= math.log(paired.high) - 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_typical_data_give_the_interval_of_the_paired_ratio(seed: int) -> None:
    """Eight processes that differ by 4 %, samples by 3 %: then luck has no part in it.

    The medians' noise is 0.69 %, a thirtieth of the processes' variance, and the two intervals
    are equal but for rounding.
    """
    rng = random.Random(seed)
    above, below = (processes(rng, 8, 30, 0.04, 0.03) for _ in range(2))
    paired = statistics.paired_ratio(above, below)
    low, high = interval(ratio(above, below))
    assert (math.exp(low), math.exp(high)) == pytest.approx((paired.low, paired.high), rel=1e-9)


# --- replicates that are missing, and seeds


def test_replicates_that_lack_a_part_do_not_count_in_a_pair() -> None:
    """The third process has no denominator; the ratios of the others are 2 and 2 e^0.2."""
    above = [[2.0], [2 * math.exp(0.2)], [100.0]]
    found = ratio(above, [[1.0], [1.0], []])
    assert found.replicates == 2
    assert found.each == pytest.approx((math.log(2), math.log(2) + 0.2))
    assert found.log == pytest.approx(math.log(2) + 0.1)


def test_series_without_two_common_replicates_are_taken_apart() -> None:
    """Means 0.1 and 1.1 with the error 0.1 each: 1 with sqrt(0.02), and no pairs.

    Freedom of equal variances with one degree each: (2 v)^2 / (2 v^2) = 2.
    """
    low = [[1.0], [math.exp(0.2)], [], []]
    high = [[], [], [math.exp(1.0)], [math.exp(1.2)]]
    found = ratio(high, low)
    assert found.log == pytest.approx(1.0)
    assert found.error == pytest.approx(math.sqrt(0.02))
    assert found.freedom == pytest.approx(2.0)
    assert found.replicates == 2
    assert found.each == ()


def test_families_of_unequal_size_have_welchs_interval() -> None:
    """As `scipy.stats.ttest_ind` has it for the logarithms, of three and of seven processes."""
    rng = random.Random(9)
    above = [[math.exp(rng.gauss(1, 0.2))] for _ in range(3)]
    below = [[math.exp(rng.gauss(0, 0.1))] for _ in range(7)]
    found = effect(
        [Factor(groups=above, weight=1, family="f"), Factor(groups=below, weight=-1, family="g")],
        "s",
    )
    logs = [[math.log(value) for (value,) in groups] for groups in (above, below)]
    welch = stats.ttest_ind(*logs, equal_var=False).confidence_interval(0.95)
    assert interval(found) == pytest.approx((float(welch.low), float(welch.high)), rel=1e-9)
    assert found.replicates == 3


@pytest.mark.parametrize("other", [1, 4])
def test_a_single_replicate_has_no_interval(other: int) -> None:
    """Neither alone nor against four does one process tell how far processes differ."""
    one = Factor(groups=[[1.0, 1.1, 1.2]], weight=1, family="f")
    many = Factor(groups=[[1.0 + 0.1 * k] for k in range(other)], weight=-1, family="g")
    for found in (effect([one], "s"), effect([one, many], "s")):
        assert found.ends() is None
        assert found.freedom == 0
    assert effect([one], "s").log == pytest.approx(math.log(1.1))


def test_groups_of_unequal_length_are_fine() -> None:
    """Each process counts once, with its median, whether it has one sample or five."""
    found = effect([Factor(groups=[[4.0], [1, 1, 1, 9, 9]], weight=1, family="f")], "s")
    assert found.log == pytest.approx(math.log(4) / 2)


@pytest.mark.parametrize("groups", [[], [[]], [[], []]])
def test_no_samples_are_an_error(groups: Groups) -> None:
    """There is no effect of nothing."""
    with pytest.raises(ValueError, match="no samples"):
        effect([Factor(groups=groups, weight=1, family="f")], "s")
    with pytest.raises(ValueError, match="no samples"):
        typical(groups)


# --- reproducible


def test_the_same_words_give_the_same_bits_and_others_do_not() -> None:
    """Judging a file again on the same machine changes no digit; the seed is what decides."""
    # Their medians agree, so that the interval stands on the resamples.
    factors = [Factor(groups=[[1.0, 1.1, 1.3, 1.2, 0.9]] * 3, weight=1, family="f")]
    assert effect(factors, "one") == effect(factors, "one")
    assert effect(factors, "one").error != effect(factors, "two").error
    assert effect(factors, "one").error == pytest.approx(effect(factors, "two").error, rel=0.2)


def test_the_noise_of_a_median_is_that_over_all_possible_resamples() -> None:
    """Five samples e^0 to e^0.4 in two equal processes; the 3125 resamples can be counted.

    The median is the k-th with P = 0.05792, 0.25952, 0.36512 and the same mirrored, so that its
    logarithm has the variance 0.01 * (2 * 4 * 0.05792 + 2 * 0.25952) = 0.009824. The error of two
    processes is sqrt(0.009824 / 2) = 0.0701; 400 draws know it to about 5 %.
    """
    samples = [math.exp(0.1 * k) for k in range(5)]
    found = effect([Factor(groups=[samples, samples], weight=1, family="f")], "seed")
    assert found.error == pytest.approx(math.sqrt(0.009824 / 2), rel=0.1)


# --- exponents


def law(x: Sequence[float], e: float, slow: Sequence[float] = (1.0, 1.3, 0.8)) -> list[Groups]:
    """Return 5 x^e for every x, in processes of these speeds."""
    return [[[5 * value**e * each] for each in slow] for value in x]


@pytest.mark.parametrize("e", [-0.5, 0.0, 1.0, 3.0])
def test_exponent_of_an_exact_power_law_is_exact(e: float) -> None:
    """Whatever the processes' speeds, and to rounding; unequal steps of x change nothing."""
    x = [1, 2, 5, 10, 100, 1500]
    found = exponent(x, law(x, e), "f", "s")
    assert found.log == pytest.approx(e, abs=1e-12)
    low, high = interval(found)
    assert high - low < 1e-12
    assert found.each == pytest.approx((e, e, e), abs=1e-12)


def test_exponent_and_its_error_are_those_of_a_straight_line() -> None:
    """As `scipy.stats.linregress` has them where all replicates are alike.

    Then the points' distance from the line is all the doubt that there is.
    """
    x = [1.0, 2.0, 4.0, 8.0, 16.0]
    y = [1.0, 1.9, 4.3, 7.5, 17.0]
    found = exponent(x, [[[value]] * 3 for value in y], "f", "s")
    fitted = stats.linregress(np.log(x), np.log(y))
    assert found.log == pytest.approx(fitted.slope)
    assert found.error == pytest.approx(fitted.stderr)
    assert found.freedom == pytest.approx(3)


def test_replicates_with_different_exponents_widen_the_interval() -> None:
    """Slopes 0.9, 1 and 1.1: mean 1, and error 0.1 / sqrt(3), while the mean is a line."""
    x = [1.0, 2.0, 4.0, 8.0]
    found = exponent(x, [[[value**e] for e in (0.9, 1.0, 1.1)] for value in x], "f", "s")
    assert (found.log, found.error) == pytest.approx((1.0, 0.1 / math.sqrt(3)))
    assert found.each == pytest.approx((0.9, 1.0, 1.1))
    assert found.freedom == pytest.approx(2)


def test_a_curve_that_is_no_power_law_widens_the_interval() -> None:
    """From flat to straight, as 1 + x / 100 goes: exact values, and yet no certain exponent."""
    x = [1, 10, 100, 1000, 10_000]
    bent = exponent(x, [[[1 + value / 100]] * 3 for value in x], "f", "s")
    low, high = interval(bent)
    assert high - low > 0.3
    assert low < bent.log < high


def test_a_replicate_that_lacks_a_point_does_not_bend_the_line() -> None:
    """The slow third process has no second point; the law holds exactly in all processes."""
    x = [1.0, 2.0, 4.0, 8.0]
    series = law(x, 1.0, slow=(1.0, 1.0, 9.0))
    series[1][2] = []
    found = exponent(x, series, "f", "s")
    low, high = interval(found)
    assert found.log == pytest.approx(1.0)
    assert high - low < 1e-12
    assert found.replicates == 2


def test_two_points_make_no_power_law() -> None:
    """Any two points lie on one."""
    with pytest.raises(ValueError, match="three points"):
        exponent([1.0, 2.0], law([1.0, 2.0], 1.0), "f", "s")


# --- what is made of an effect


def test_dividing_by_a_constant_moves_everything_and_widens_nothing() -> None:
    """6 over 3 is 2; the error and the replicates stay."""
    found = effect([Factor(groups=[[6.0], [6.6]], weight=1, family="f")], "s")
    moved = found.over(3.0)
    assert moved.log == pytest.approx(found.log - math.log(3))
    assert moved.each == pytest.approx((math.log(2), math.log(2.2)))
    assert (moved.error, moved.freedom) == (found.error, found.freedom)


def test_inverse_turns_value_and_replicates_round() -> None:
    """One over 2 is 1/2, with the same error."""
    found = effect([Factor(groups=[[2.0], [2.2]], weight=1, family="f")], "s")
    assert found.inverse().log == -found.log
    assert found.inverse().each == tuple(-one for one in found.each)
    assert found.inverse().inverse() == found


def test_quantile_is_students_t() -> None:
    """Printed tables: 12.7062 and 3.18245 for one and three degrees of freedom at 95 %."""
    assert quantile(1) == pytest.approx(T1, rel=1e-5)
    assert quantile(3) == pytest.approx(T3, rel=1e-5)
    assert quantile(3, 0.9) == pytest.approx(2.35336, rel=1e-5)


def test_typical_is_the_geometric_mean_of_the_medians() -> None:
    """Medians 1 and 4 have the geometric mean 2; an empty process does not count."""
    assert typical([[1.0, 1.0, 7.0], [], [4.0]]) == pytest.approx(2.0)
