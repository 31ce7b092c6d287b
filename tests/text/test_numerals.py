"""Numbers in words: how each is rounded, prefixed and named, at the edges above all."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from report.text.numerals import (
    NONE,
    count,
    digits,
    duration,
    percent,
    prefix_exponent,
    scaled,
    scientific,
    sentence,
    spelled,
    stable,
    times,
)

NOTHING = [None, math.inf, -math.inf, math.nan]


# --- digits


DIGITS = [
    (0, 3, "0"),
    (0.0, 3, "0"),
    (1, 3, "1.00"),
    (1.005e0, 3, "1.00"),  # in binary a little less than it says
    (12.34, 3, "12.3"),
    (123.4, 3, "123"),
    (1234.0, 3, "1,230"),
    (1234567, 3, "1,230,000"),
    (0.5, 3, "0.500"),
    (0.00123456, 3, "0.00123"),
    (-12.34, 3, "-12.3"),
    (-0.00123456, 3, "-0.00123"),
    # Three stay three where rounding carries: 9.996 has one before the point, and 10.0 two.
    (9.996, 3, "10.0"),
    (99.96, 3, "100"),
    (999.6, 3, "1,000"),
    (-999.6, 3, "-1,000"),
    (0.9996, 3, "1.00"),
    (0.0009996, 3, "0.00100"),
    (999.4, 3, "999"),
    (math.pi, 5, "3.1416"),
    (math.pi, 1, "3"),
    (96.0, 1, "100"),
    (999.96, 4, "1,000"),
    (999.94, 4, "999.9"),
]


@pytest.mark.parametrize(("value", "significant", "written"), DIGITS)
def test_digits_writes_significant_ones_without_an_exponent(
    value: float, significant: int, written: str
) -> None:
    """Zeros fill what lies before them or between them and the point."""
    assert digits(value, significant) == written


def test_digits_are_three_unless_said() -> None:
    """As much as a reader takes in."""
    assert digits(1234.5) == digits(1234.5, 3)
    assert scaled(1234.5, "s") == scaled(1234.5, "s", 3)


def test_the_last_bit_of_a_float_decides_no_digit() -> None:
    """What another processor computes as 1.125, give or take a bit, is written like 1.125."""
    for value in (math.nextafter(1.125, 0), 1.125, math.nextafter(1.125, 2)):
        assert digits(value) == "1.12"
        assert scaled(value / 1000, "s") == "1.12 ms"
        assert percent(value / 10) == "11 %"
        assert stable(value) == 1.125
    assert percent(math.nextafter(0.125, 0)) == percent(math.nextafter(0.125, 1)) == "12 %"
    assert stable(-2 / 3e9) == -6.66666666667e-10


@pytest.mark.parametrize("value", NOTHING)
def test_what_is_no_number_is_a_dash(value: float | None) -> None:
    """In each way of writing that a missing number can reach."""
    assert digits(value) == NONE
    assert scaled(value, "s") == NONE
    assert percent(value) == NONE


@settings(deadline=None)
@given(st.floats(1e-12, 1e15), st.integers(1, 6))
def test_digits_reads_back_as_the_number_rounded(value: float, significant: int) -> None:
    """Off by no more than half a unit of the last digit that counts."""
    read = float(digits(value, significant).replace(",", ""))
    assert abs(read - value) <= 0.5000001 * 10 ** (math.floor(math.log10(value)) - significant + 1)


@settings(deadline=None)
@given(st.floats(1e-12, 1e15))
def test_digits_of_a_negative_number_are_those_of_the_positive_one(value: float) -> None:
    """Only the sign differs."""
    assert digits(-value) == "-" + digits(value)


# --- prefixes


SCALED = [
    (0, 3, "0 s"),
    (1.0, 3, "1.00 s"),
    (32.1e-6, 3, "32.1 µs"),
    (-32.1e-6, 3, "-32.1 µs"),
    (4.567e-9, 3, "4.57 ns"),
    (0.25, 3, "250 ms"),
    (1500, 3, "1.50 ks"),
    (1.36e12, 3, "1.36 Ts"),
    (2e15, 3, "2.00 Ps"),
    # What would be written as 1,000 is 1 of the next, for any number of digits.
    (999.4, 3, "999 s"),
    (999.5, 3, "1.00 ks"),
    (999.6, 3, "1.00 ks"),
    (-999.6, 3, "-1.00 ks"),
    (999.6e-6, 3, "1.00 ms"),
    (999.6, 4, "999.6 s"),
    (999.96, 4, "1.000 ks"),
    (996.0, 2, "1.0 ks"),
    (994.0, 2, "990 s"),
    # Below nano and beyond peta there are more zeros instead.
    (1.5e-11, 3, "0.0150 ns"),
    (3e18, 3, "3,000 Ps"),
]


@pytest.mark.parametrize(("value", "significant", "written"), SCALED)
def test_scaled_chooses_the_prefix(value: float, significant: int, written: str) -> None:
    """The one that leaves one to three digits before the point, also where rounding carries."""
    assert scaled(value, "s", significant) == written


@pytest.mark.parametrize("exponent", range(-9, 13))
@pytest.mark.parametrize("nines", ["9.5", "99.5", "999.5", "9999.5", "99999.5"])
def test_scaled_carries_consistently_at_the_very_half(nines: str, exponent: int) -> None:
    """Whether a half rounds up is binary's to say, but never to 1,000 and never below 1."""
    value, significant = float(f"{nines}e{exponent}"), len(nines) - 2
    whole = scaled(value, "s", significant).partition(" ")[0].partition(".")[0]
    assert whole.isdigit()
    assert 1 <= int(whole) <= 999


@settings(deadline=None)
@given(st.floats(1e-9, 9e17), st.integers(1, 5))
def test_scaled_has_one_to_three_digits_before_the_point(value: float, significant: int) -> None:
    """And no zero stands there alone."""
    whole = scaled(value, "B/s", significant).partition(" ")[0].partition(".")[0]
    assert whole.isdigit()
    assert 1 <= int(whole) <= 999


def test_prefix_exponent_is_that_of_the_prefix() -> None:
    """A multiple of three, and zero for zero."""
    values = [0, 1, 999.4, 999.6, 1e3, 2.5e-5, -7e9, 1e30, 1e-30]
    assert [prefix_exponent(value) for value in values] == [0, 0, 0, 3, 3, -6, 9, 15, -9]


# --- fractions, factors, powers


@pytest.mark.parametrize(
    ("fraction", "written"),
    [
        (0.0, "0.0 %"),
        (0.004, "0.4 %"),
        (0.0994, "9.9 %"),
        (0.0996, "10 %"),
        (0.123, "12 %"),
        (0.97, "97 %"),
        (1.0, "100 %"),
        (12.5, "1,250 %"),
        (-0.031, "\N{MINUS SIGN}3.1 %"),
        (-0.25, "\N{MINUS SIGN}25 %"),
        (-0.0001, "0.0 %"),
        (-0.0, "0.0 %"),
    ],
)
def test_percent_has_a_decimal_below_ten(fraction: float, written: str) -> None:
    """What rounds to nothing has no sign."""
    assert percent(fraction) == written


@pytest.mark.parametrize(
    ("ratio", "written"),
    [
        (1.04, "1.04"),
        (1.996, "2.00"),
        (9.34, "9.3"),
        (9.96, "10"),
        (42.4, "42"),
        (99.6, "100"),
        (123.4, "123"),
        (1234.0, "1,230"),
        (0.333, "0.333"),
        (0.0, "0"),
    ],
)
def test_times_is_exact_to_what_a_reader_takes_in(ratio: float, written: str) -> None:
    """Two digits for a factor from 2 to 100, three where it is close to 1, or large, or small."""
    assert times(ratio) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (5.4e-8, "5.4 x 10⁻⁸"),
        (1.23e12, "1.2 x 10¹²"),
        (-5.4e-8, "-5.4 x 10⁻⁸"),
        (9.96e-8, "1.0 x 10⁻⁷"),
        (9.94e-8, "9.9 x 10⁻⁸"),
        (3.0, "3.0 x 10⁰"),
        (0.0, "0"),
        (math.inf, NONE),
    ],
)
def test_scientific_has_one_digit_before_the_point(value: float, written: str) -> None:
    """Also where rounding carries."""
    assert scientific(value) == written.replace("x", "\N{MULTIPLICATION SIGN}")


# --- words


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (7.6, "8 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (80, "1 min 20 s"),
        (120, "2 min"),
        (3599.6, "1 h 0 min"),
        (7500, "2 h 5 min"),
        (90_000, "25 h 0 min"),
        (-3, "0 s"),
    ],
)
def test_duration_says_the_two_largest_units(seconds: float, written: str) -> None:
    """Rounded to the second first, so that there are never 60 of them."""
    assert duration(seconds) == written


@pytest.mark.parametrize(
    ("number", "noun", "written"),
    [
        (0, "seed", "no seeds"),
        (1, "seed", "1 seed"),
        (2, "seed", "2 seeds"),
        (1, "process", "1 process"),
        (3, "process", "3 processes"),
        (0, "process", "no processes"),
    ],
)
def test_count_puts_the_noun_into_the_right_number(number: int, noun: str, written: str) -> None:
    """None of them is said in words."""
    assert count(number, noun) == written


def test_small_numbers_are_spelled_and_others_are_not() -> None:
    """As a sentence has them: up to twenty."""
    assert [spelled(n) for n in (0, 1, 12, 20, 21, 1500)] == [
        *("zero", "one", "twelve", "twenty", "21", "1,500")
    ]


def test_sentence_begins_with_a_capital_and_changes_nothing_else() -> None:
    """Names inside keep theirs, and nothing stays nothing."""
    assert sentence("batch 10 and SGD") == "Batch 10 and SGD"
    assert sentence("") == ""
