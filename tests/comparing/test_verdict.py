"""From the interval of a ratio to a verdict, and the smallest difference that a row shows."""

from __future__ import annotations

import math
import random

import pytest
from scipy.stats import nct

from report.analysis.estimate import Estimate
from report.comparing.verdict import judge, smallest


def ratio(value: float, error: float, freedom: float = 20.0) -> Estimate:
    """Return a ratio with the interval by which it is judged."""
    known = Estimate(
        value=value,
        low=None,
        high=None,
        replicates=4,
        samples=40,
        basis="replicates",
        error=error,
        freedom=freedom,
    )
    return known.at(0.99)


@pytest.mark.parametrize(
    ("value", "error", "word", "beyond"),
    [
        (1.5, 0.02, "faster", True),
        (1.1, 0.02, "faster", False),  # 1.04 to 1.16: above 1, and perhaps by less than 5 %
        (1 / 1.5, 0.02, "slower", True),
        (1 / 1.1, 0.02, "slower", False),
        (1.0, 0.01, "the same", False),
        (1.03, 0.005, "the same", False),  # it differs, and not by what matters
        (1.0, 0.05, "undecided", False),
        (1.1, 0.05, "undecided", False),
    ],
)
def test_a_verdict_reads_the_whole_interval(
    value: float, error: float, word: str, *, beyond: bool
) -> None:
    """Against the least effect of 5 %: each of the four, and upside down alike."""
    verdict = judge(ratio(value, error))
    assert verdict is not None
    assert (verdict.word, verdict.beyond) == (word, beyond)
    assert ("possibly by less than 5 %" in str(verdict)) == (
        word in {"faster", "slower"} and not beyond
    )


def test_a_smaller_least_effect_makes_the_same_of_less() -> None:
    """What is the same within 5 % need not be within 1 %; a difference then reaches beyond it."""
    told = ratio(1.03, 0.005)
    assert str(judge(told, 0.05)) == "the same within 5 %"
    verdict = judge(told, 0.01)
    assert verdict is not None
    assert (verdict.word, verdict.beyond) == ("faster", True)


def test_a_single_process_gives_no_verdict() -> None:
    """Its samples tell of itself only, however far apart two of them are."""
    alone = Estimate(value=3.0, low=2.9, high=3.1, replicates=1, samples=30, basis="samples")
    assert judge(alone.at(0.99)) is None
    assert smallest(alone) is None


@pytest.mark.parametrize(("error", "freedom"), [(0.05, 6.0), (0.07, 20.0), (0.02, 3.0)])
def test_the_promised_difference_is_shown_in_four_of_five_cases(
    error: float, freedom: float
) -> None:
    """By the noncentral t, which the sum of two quantiles stands for: 80 % within a few."""
    promised = smallest(ratio(1.0, error, freedom)) or 0.0
    reach = math.log(ratio(1.0, error, freedom).high or 0) / error
    power = 1 - nct.cdf(reach, freedom, math.log(promised) / error)
    assert power == pytest.approx(0.8, abs=0.07)


def test_a_precise_row_promises_what_lies_beyond_the_least_effect() -> None:
    """With an error of 0.3 %, differences below 5 % are called the same, so none is promised."""
    rng, error = random.Random(1), 0.003
    promised = smallest(ratio(1.0, error, 1e9)) or 0.0
    assert 1.04 < promised < 1.06  # most of its interval lies beyond
    seen = [judge(ratio(promised * math.exp(rng.gauss(0, error)), error, 1e9)) for _ in range(2000)]
    found = sum(verdict is not None and verdict.word == "faster" for verdict in seen)
    assert found / len(seen) == pytest.approx(0.8, abs=0.04)
