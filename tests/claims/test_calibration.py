"""Verdicts on samples whose truth is known, as often as chance wants: how often they are wrong.

Processes differ by 4 % in what slows all of their series alike, by `own` in one series alone, and
samples within a process by `within`; 1 % and 3 % are typical of the machines that were measured.
`benchmarks/calibration.py` does the same at more noises, and on measured samples.

Of n experiments each of which goes wrong with probability p, n p do, with a standard deviation of
sqrt(n p (1 - p)); a bound of three of those is broken by one seed in 700. The seeds are fixed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from report.analysis.estimate import exponent, product
from report.analysis.factors import Factor
from report.claims import judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate

Groups = list[list[float]]

budgets = pytest.mark.parametrize(
    ("budget", "count"),
    [pytest.param((4, 30), 1000, id="quick"), pytest.param((8, 30), 400, id="full")],
)
"""Processes, samples of each, and how many experiments are simulated."""


def draw(
    rng: np.random.Generator, budget: tuple[int, int], values: Sequence[float], own: float
) -> list[Groups]:
    """Draw series with these true values, all of them measured in the same processes."""
    processes, samples = budget
    centres = np.log(np.array(values)).reshape(-1, 1, 1)
    common = rng.normal(0, 0.04, (1, processes, 1))
    alone = rng.normal(0, own, (len(values), processes, 1))
    within = rng.normal(0, 0.03, (len(values), processes, samples))
    drawn: list[Groups] = np.exp(centres + common + alone + within).tolist()
    return drawn


def effect(series: Sequence[Groups], weights: Sequence[float]) -> Estimate:
    """Return a product of powers of series of the same processes."""
    return product(
        [Factor(groups=g, weight=weight) for g, weight in zip(series, weights, strict=True)]
    )


def power(x: Sequence[float], series: Sequence[Groups]) -> Estimate:
    """Return the power with which series of the same processes go."""
    return exponent([(x, [Factor(groups=groups) for groups in series])])


def ratios(budget: tuple[int, int], truth: float, own: float, count: int) -> list[Estimate]:
    """Simulate experiments that compare two series."""
    rng = np.random.default_rng(1)
    return [effect(draw(rng, budget, (truth, 1), own), (1, -1)) for _ in range(count)]


def excluding(found: Sequence[Estimate], truth: float) -> int:
    """Count the intervals that do not hold the truth."""
    return sum(one.excludes(truth) for one in found)


@budgets
def test_halves_of_identical_data_differ_in_at_most_five_percent(
    budget: tuple[int, int], count: int
) -> None:
    """The same processes, and samples from the same distribution: nothing but chance is there."""
    # Without a margin: chance alone makes fewer, since the noise within is never taken for less.
    effects = ratios(budget, 1.0, 0.0, count)
    assert excluding(effects, 1.0) <= 0.05 * count
    for rule in (judge.greater, judge.less):
        assert sum(rule(one, 1.02).verdict == "supported" for one in effects) <= 0.025 * count


@budgets
@pytest.mark.parametrize("own", [0.01, 0.03])
def test_equal_series_differ_in_five_percent_whatever_the_noise(
    budget: tuple[int, int], count: int, own: float
) -> None:
    """Each process treats either series a little differently, by chance: 5 % and no more."""
    wrong = excluding(ratios(budget, 1.0, own, count), 1.0)
    assert wrong <= 0.05 * count + 3 * math.sqrt(0.05 * 0.95 * count)


@budgets
def test_a_true_effect_of_five_percent_is_found_nine_times_in_ten(
    budget: tuple[int, int], count: int
) -> None:
    """Under typical noise, at the default budgets, with the default least effect that matters."""
    effects = ratios(budget, 1.05, 0.01, count)
    found = [judge.greater(one, 1.02).verdict for one in effects]
    assert found.count("supported") >= 0.9 * count
    # Of 0.05 / 2 of all intervals that lie too high or too low, those that lie too low.
    assert found.count("contradicted") <= 0.025 * count
    turned = [judge.less(one.reciprocal(), 1.02).verdict for one in effects]
    assert turned == found


@budgets
def test_intervals_hold_the_truth_as_often_as_they_say(budget: tuple[int, int], count: int) -> None:
    """Where the processes decide (3 %), 95 % of the intervals of a ratio hold it; not many more."""
    # Five percent of `count` miss it, with three standard deviations either way; a ratio of ratios
    # and an exponent may be more cautious, and not less.
    rng = np.random.default_rng(2)
    x = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    single, double, powers = [], [], []
    for number in range(count):
        four = draw(rng, budget, (6, 2, 3, 2), 0.03)
        single.append(effect(four[:2], (1, -1)))
        double.append(effect(four, (1, -1, -1, 1)))
        law = draw(rng, budget, [value**-0.5 for value in x], 0.03)
        if number < count // 4:
            powers.append(power(x, law))
    slack = 3 * math.sqrt(0.05 * 0.95 * count)
    assert abs(excluding(single, 3) - 0.05 * count) <= slack
    assert excluding(double, 2) <= 0.05 * count + slack
    few = len(powers)
    assert excluding(powers, -0.5) <= 0.05 * few + 3 * math.sqrt(0.05 * 0.95 * few)


def test_an_exponent_through_points_off_the_line_is_as_doubtful_as_it_says() -> None:
    """Points that lie 5 % off by chance, the same way in all processes: the residuals tell."""
    # 400 lines of six points; without the residuals' part nearly all intervals would miss.
    rng = np.random.default_rng(3)
    x = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    found = []
    for _ in range(400):
        bent = x**-0.5 * np.exp(rng.normal(0, 0.05, len(x)))
        law = draw(rng, (4, 10), bent.tolist(), 0.01)
        found.append(power(x.tolist(), law))
    assert excluding(found, -0.5) <= 0.05 * 400 + 3 * math.sqrt(0.05 * 0.95 * 400)


@budgets
@pytest.mark.parametrize("own", [0.01, 0.03])
def test_what_is_just_not_equivalent_is_called_so_in_at_most_five_percent(
    budget: tuple[int, int], count: int, own: float
) -> None:
    """A true ratio just beyond the margin: each of the two tests errs in 2.5 %, one of them here.

    In truth it is less, and so there is room for chance below the 5 % that are promised.
    """
    effects = ratios(budget, 1.101, own, count)
    called = [judge.equivalent(one, 1.1).verdict for one in effects]
    assert called.count("supported") <= 0.05 * count
    inverse = [judge.equivalent(one.reciprocal(), 1.1).verdict for one in effects]
    assert inverse == called


@budgets
def test_what_is_the_same_is_called_equivalent_nine_times_in_ten(
    budget: tuple[int, int], count: int
) -> None:
    """Within a tenth, under typical noise: the budgets are large enough for that claim too."""
    effects = ratios(budget, 1.0, 0.01, count)
    called = [judge.equivalent(one, 1.1).verdict for one in effects]
    assert called.count("supported") >= 0.9 * count
    assert called.count("contradicted") == 0
