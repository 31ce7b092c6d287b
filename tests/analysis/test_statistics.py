"""Estimates and ratios, against values worked out by hand, against SciPy, and against chance."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from report.analysis.statistics import Estimate, estimate, independent_ratio, paired_ratio, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Ratio = Callable[[Sequence[Sequence[float]], Sequence[Sequence[float]]], Estimate]

T1 = 12.7062
"""Student's t for 97.5 % and one degree of freedom, from printed tables."""

T2 = 4.30265
"""The same for two."""

Groups = list[list[float]]

positive = st.floats(1e-9, 1e6)
several = st.lists(st.lists(positive, min_size=1, max_size=9), min_size=2, max_size=6)
any_number = st.lists(st.lists(positive, min_size=1, max_size=9), min_size=1, max_size=6)


def processes(rng: random.Random, count: int, between: float, within: float = 0.01) -> Groups:
    """Draw the samples of processes: log-normal within each, and log-normal between them."""
    centres = [math.exp(rng.gauss(0, between)) for _ in range(count)]
    return [[c * math.exp(rng.gauss(0, within)) for _ in range(11)] for c in centres]


def medians(groups: Groups) -> list[float]:
    """Return the logarithm of each process's median."""
    return [math.log(float(np.median(group))) for group in groups]


# --- one quantity


def test_estimate_of_two_processes_is_the_one_worked_out_by_hand() -> None:
    """Medians 1 and e^0.2 have logarithms 0 and 0.2.

    Mean 0.1; variance (0.1^2 + 0.1^2) / 1 = 0.02; standard error sqrt(0.02 / 2) = 0.1; half-width
    12.7062 * 0.1 = 1.27062.
    """
    found = estimate([[1.0, 0.9, 5.0], [math.exp(0.2)]])
    assert found.value == pytest.approx(math.exp(0.1))
    assert found.low == pytest.approx(math.exp(0.1 - 0.1 * T1), rel=1e-5)
    assert found.high == pytest.approx(math.exp(0.1 + 0.1 * T1), rel=1e-5)
    assert (found.processes, found.samples, found.basis) == (2, 4, "processes")


def test_estimate_of_three_processes_is_the_one_worked_out_by_hand() -> None:
    """Medians 1, 2 and 4 have the logarithms 0, l and 2l with l = ln 2.

    Mean l; variance (l^2 + 0 + l^2) / 2 = l^2; standard error l / sqrt(3), which t multiplies.
    """
    found = estimate([[1.0], [4.0], [2.0]])
    half = T2 / math.sqrt(3)
    assert found.value == pytest.approx(2.0)
    assert (found.low, found.high) == pytest.approx((2 * 2**-half, 2 * 2**half), rel=1e-5)


@pytest.mark.parametrize("count", [2, 3, 4, 8, 20])
def test_estimate_has_scipys_t_interval_of_the_log_medians(count: int) -> None:
    """As `scipy.stats.ttest_1samp` computes it, for any number of processes."""
    groups = processes(random.Random(count), count, between=0.3)
    interval = stats.ttest_1samp(medians(groups), 0.0).confidence_interval(0.95)
    found = estimate(groups)
    expected = math.exp(float(interval.low)), math.exp(float(interval.high))
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-9)
    assert found.value == pytest.approx(math.exp(np.mean(medians(groups))), rel=1e-12)


def test_one_process_falls_back_on_its_samples() -> None:
    """Of ten samples the second and the ninth bracket the median (1 - 22/1024 = 97.9 %)."""
    found = estimate([[float(n) for n in (3, 1, 2, 10, 9, 5, 4, 8, 7, 6)]])
    assert found == Estimate(value=5.5, low=2.0, high=9.0, processes=1, samples=10, basis="samples")


def test_one_process_with_few_samples_tells_nothing_but_the_value() -> None:
    """Five samples have no interval at 95 %."""
    found = estimate([[], [3.0, 1.0, 2.0, 5.0, 4.0], []])
    assert found == Estimate(
        value=3.0, low=None, high=None, processes=1, samples=5, basis="nothing"
    )
    assert not found.excludes(1e9)


def test_processes_without_samples_do_not_count() -> None:
    """A failed process is none, and is not a process of zero seconds either."""
    assert estimate([[1.0], [], [2.0]]) == estimate([[1.0], [2.0]])


@pytest.mark.parametrize("groups", [[], [[]], [[], []]])
def test_no_samples_are_an_error(groups: Groups) -> None:
    """There is no estimate of nothing."""
    with pytest.raises(ValueError, match="no samples"):
        estimate(groups)


def test_processes_that_agree_exactly_leave_no_doubt() -> None:
    """The interval is the value, and no division by zero comes of it."""
    found = estimate([[2.0], [2.0], [2.0]])
    assert (found.low, found.value, found.high) == pytest.approx((2.0, 2.0, 2.0))


@pytest.mark.parametrize("between", [0.02, 0.5])
def test_intervals_of_four_processes_cover_the_truth_as_often_as_they_say(between: float) -> None:
    """400 times four processes whose true typical value is 1.

    95 % of 400 is 380, with a standard deviation of 4.4: from 93 to 97.5 % is two of them.
    """
    rng = random.Random(7)
    found = [estimate(processes(rng, 4, between)) for _ in range(400)]
    missed = sum(one.excludes(1.0) for one in found)
    assert 0.93 <= 1 - missed / 400 <= 0.975


def test_many_samples_of_few_processes_do_not_narrow_the_interval() -> None:
    """What differs between processes stays in doubt however often each is sampled.

    An interval from all samples together would be 100 times too narrow here.
    """
    rng = random.Random(5)
    few = [[c] * 3 for c in (1.0, 1.1, 1.2, 1.3)]
    many = [[c * math.exp(rng.gauss(0, 1e-6)) for _ in range(1000)] for c in (1.0, 1.1, 1.2, 1.3)]
    a, b = estimate(few), estimate(many)
    assert (a.low, a.high) == pytest.approx((b.low, b.high), rel=1e-5)


# --- what is made of an estimate


def test_reciprocal_turns_the_interval_round() -> None:
    """The longest time is the lowest rate: 1000 operations in 2, 4 and 5 s."""
    time = Estimate(value=4.0, low=2.0, high=5.0, processes=3, samples=9, basis="processes")
    rate = time.reciprocal(1000.0)
    assert (rate.value, rate.low, rate.high) == pytest.approx((250.0, 200.0, 500.0))
    assert (rate.processes, rate.samples, rate.basis) == (3, 9, "processes")


def test_scaled_multiplies_the_interval() -> None:
    """Seconds to milliseconds."""
    time = Estimate(value=4.0, low=2.0, high=5.0, processes=3, samples=9, basis="processes")
    scaled = time.scaled(1000.0)
    assert (scaled.value, scaled.low, scaled.high) == pytest.approx((4000.0, 2000.0, 5000.0))


def test_reciprocal_and_scaled_keep_a_missing_interval_missing() -> None:
    """No number is made of none."""
    time = Estimate(value=4.0, low=None, high=None, processes=1, samples=2, basis="nothing")
    for made in (time.reciprocal(8.0), time.scaled(0.5)):
        assert (made.value, made.low, made.high, made.basis) == (2.0, None, None, "nothing")


def test_an_interval_excludes_what_lies_outside_it() -> None:
    """Its ends belong to it."""
    found = Estimate(value=4.0, low=2.0, high=5.0, processes=3, samples=9, basis="processes")
    values = [1.9, 2.0, 4.0, 5.0, 5.1]
    assert [found.excludes(value) for value in values] == [True, False, False, False, True]


# --- ratios within the same processes


def test_paired_ratio_of_two_processes_is_the_one_worked_out_by_hand() -> None:
    """Ratios 2 and 2 e^0.2: logarithms ln 2 and ln 2 + 0.2, half-width 12.7062 * 0.1 as above.

    That the second process is a hundred times slower cancels.
    """
    found = paired_ratio([[2.0], [200.0 * math.exp(0.2)]], [[1.0, 1.0], [100.0]])
    assert found.value == pytest.approx(2 * math.exp(0.1))
    assert found.low == pytest.approx(2 * math.exp(0.1 - 0.1 * T1), rel=1e-5)
    assert found.high == pytest.approx(2 * math.exp(0.1 + 0.1 * T1), rel=1e-5)
    assert (found.processes, found.samples, found.basis) == (2, 5, "processes")


@pytest.mark.parametrize("count", [2, 3, 4, 8])
def test_paired_ratio_has_scipys_paired_t_interval(count: int) -> None:
    """As `scipy.stats.ttest_rel` computes it on the log medians."""
    rng = random.Random(count)
    a, b = processes(rng, count, 0.3), processes(rng, count, 0.3)
    interval = stats.ttest_rel(medians(a), medians(b)).confidence_interval(0.95)
    found = paired_ratio(a, b)
    expected = math.exp(float(interval.low)), math.exp(float(interval.high))
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-9)


def test_pairing_cancels_what_slows_a_whole_process() -> None:
    """Processes differ by e, and still the ratio is known to a percent; unpaired it is not."""
    rng = random.Random(3)
    slowness = [1.0, math.e, 1.0, math.e]
    numerators = [[2 * s * math.exp(rng.gauss(0, 0.002))] for s in slowness]
    denominators = [[s] for s in slowness]
    paired = paired_ratio(numerators, denominators)
    apart = independent_ratio(numerators, denominators)
    assert paired.excludes(1.98)
    assert paired.excludes(2.02)
    assert not apart.excludes(1.0)


def test_pairs_with_a_missing_half_do_not_count() -> None:
    """The process in which one side failed tells nothing of the ratio."""
    whole = paired_ratio([[2.0], [2.1], [2.2]], [[1.0], [1.0], [1.0]])
    holed = paired_ratio([[2.0], [9.9], [2.1], [], [2.2]], [[1.0], [], [1.0], [5.0], [1.0]])
    assert (holed.value, holed.low, holed.high) == pytest.approx(
        (whole.value, whole.low, whole.high)
    )
    assert holed.processes == 3


def test_paired_ratio_refuses_sides_of_different_length() -> None:
    """Processes that cannot be matched must not be matched by chance."""
    with pytest.raises(ValueError, match="shorter"):
        paired_ratio([[1.0], [2.0]], [[1.0]])


def test_paired_ratio_of_one_process_falls_back_on_its_samples() -> None:
    """Medians 4 and 2; the widest that both intervals allow: 3/3 to 5/1.

    Of eight samples the extremes bracket the median.
    """
    above = [[3.0, 3.5, 4.0, 4.0, 4.0, 4.0, 4.5, 5.0]]
    below = [[1.0, 1.5, 2.0, 2.0, 2.0, 2.0, 2.5, 3.0]]
    assert paired_ratio(above, below) == Estimate(
        value=2.0, low=1.0, high=5.0, processes=1, samples=16, basis="samples"
    )


# --- ratios of what was measured apart


def test_independent_ratio_is_the_one_worked_out_by_hand() -> None:
    """Two processes on each side: logarithms 0 and 0.2 above, 1 and 1.2 below.

    Standard errors 0.1 and 0.1, so that the difference -1 has sqrt(0.02) = 0.141421. Welch's
    freedom is (0.01 + 0.01)^2 / (0.01^2 / 1 + 0.01^2 / 1) = 2, and t(2) = 4.30265.
    """
    found = independent_ratio([[1.0], [math.exp(0.2)]], [[math.exp(1.0)], [math.exp(1.2)]])
    half = T2 * math.sqrt(0.02)
    assert found.value == pytest.approx(math.exp(-1))
    assert (found.low, found.high) == pytest.approx(
        (math.exp(-1 - half), math.exp(-1 + half)), rel=1e-5
    )
    assert (found.processes, found.samples, found.basis) == (2, 4, "processes")


@pytest.mark.parametrize("sizes", [(2, 2), (2, 8), (4, 3), (8, 8), (3, 20)])
def test_independent_ratio_has_scipys_welch_interval(sizes: tuple[int, int]) -> None:
    """As `scipy.stats.ttest_ind(equal_var=False)` computes it on the log medians."""
    rng = random.Random(sum(sizes))
    a, b = processes(rng, sizes[0], 0.05), processes(rng, sizes[1], 0.4)
    test = stats.ttest_ind(medians(a), medians(b), equal_var=False)
    interval = test.confidence_interval(0.95)
    found = independent_ratio(a, b)
    expected = math.exp(float(interval.low)), math.exp(float(interval.high))
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-9)
    assert found.processes == min(sizes)


def test_independent_ratio_of_sides_without_spread_has_no_doubt() -> None:
    """All processes agree on each side: 3, exactly."""
    found = independent_ratio([[6.0], [6.0]], [[2.0], [2.0], [2.0]])
    assert (found.low, found.value, found.high) == pytest.approx((3.0, 3.0, 3.0))


def test_independent_ratio_with_one_process_on_a_side_takes_the_widest_interval() -> None:
    """Above: one process, interval 2 to 9. Below: 1 and 1, no doubt. The ratio: 2 to 9."""
    above = [[3.0, 1.0, 2.0, 10.0, 9.0, 5.0, 4.0, 8.0, 7.0, 6.0]]
    found = independent_ratio(above, [[1.0], [1.0]])
    assert found.value == pytest.approx(5.5)
    assert (found.low, found.high) == pytest.approx((2.0, 9.0))
    assert (found.processes, found.basis) == (1, "samples")


def test_independent_ratio_of_too_few_samples_tells_only_the_value() -> None:
    """One side without an interval leaves the ratio without one."""
    found = independent_ratio([[6.0, 6.0]], [[2.0], [2.0]])
    assert (found.value, found.low, found.high, found.basis) == (3.0, None, None, "nothing")


# --- false alarms


@pytest.mark.parametrize("ratio", [paired_ratio, independent_ratio])
def test_identical_things_are_seldom_found_different(ratio: Ratio) -> None:
    """Of 400 comparisons of a machine with itself about 5 % exclude the ratio 1.

    At most 7.2 %: two standard deviations more. Four processes on each side.
    """
    rng = random.Random(11)
    alarms = sum(
        ratio(processes(rng, 4, 0.1), processes(rng, 4, 0.1)).excludes(1.0) for _ in range(400)
    )
    assert alarms / 400 <= 0.072


@pytest.mark.parametrize("ratio", [paired_ratio, independent_ratio])
def test_different_things_are_found_different(ratio: Ratio) -> None:
    """A factor of 1.5 against processes that differ by 2 % never goes unnoticed."""
    rng = random.Random(12)
    for _ in range(100):
        slow = [[1.5 * x for x in group] for group in processes(rng, 4, 0.02)]
        found = ratio(slow, processes(rng, 4, 0.02))
        assert found.excludes(1.0)
        assert found.value == pytest.approx(1.5, rel=0.1)


# --- laws


@settings(deadline=None)
@given(any_number)
def test_an_interval_holds_its_value(groups: Groups) -> None:
    """For any samples, with one process as with several."""
    found = estimate(groups)
    assert found.value > 0
    if found.low is not None and found.high is not None:
        assert 0 <= found.low <= found.value * (1 + 1e-12)
        assert found.high >= found.value * (1 - 1e-12)


@settings(deadline=None)
@given(several, st.integers(-20, 20))
def test_estimates_scale_with_their_samples(groups: Groups, power: int) -> None:
    """In other units everything is the same: a power of two is exact in binary."""
    factor = 2.0**power
    found = estimate([[factor * x for x in group] for group in groups])
    expected = estimate(groups).scaled(factor)
    assume(expected.high is not None and expected.high < 1e300)
    assume(expected.low is not None and expected.low > 1e-300)
    assert (found.value, found.low, found.high) == pytest.approx(
        (expected.value, expected.low, expected.high), rel=1e-9
    )


@settings(deadline=None)
@given(several, several)
def test_a_ratio_turned_round_is_its_reciprocal(a: Groups, b: Groups) -> None:
    """Who is compared with whom changes no verdict."""
    length = min(len(a), len(b))
    for there, back in (
        (independent_ratio(a, b), independent_ratio(b, a)),
        (paired_ratio(a[:length], b[:length]), paired_ratio(b[:length], a[:length])),
    ):
        assume(there.high is not None and there.high < 1e300)
        assume(there.low is not None and there.low > 1e-300)
        turned = back.reciprocal()
        assert (there.value, there.low, there.high) == pytest.approx(
            (turned.value, turned.low, turned.high), rel=1e-9
        )


@settings(deadline=None)
@given(several)
def test_a_quantity_is_once_itself(groups: Groups) -> None:
    """Compared with itself in the same processes it has the ratio 1, without doubt."""
    found = paired_ratio(groups, groups)
    assert (found.low, found.value, found.high) == (1.0, 1.0, 1.0)


# --- spread


def test_spread_is_by_how_much_the_slowest_process_exceeds_the_fastest() -> None:
    """Of the medians: 1.5 against 1.2 is a quarter more."""
    assert spread([[1.2, 9.0, 1.1], [], [1.5], [1.3]]) == pytest.approx(0.25)


@pytest.mark.parametrize("groups", [[], [[1.0, 2.0]], [[], [1.0]]])
def test_one_process_has_no_spread(groups: Groups) -> None:
    """There is nothing to differ from."""
    assert spread(groups) is None
