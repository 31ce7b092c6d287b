"""Numbers and units as a reader wants them: three digits, SI prefixes, plain words."""

from __future__ import annotations

import math
from decimal import Decimal

GIGA, MEGA, KILO = 1e9, 1e6, 1e3
MILLI, MICRO, NANO = 1e-3, 1e-6, 1e-9
PERCENT = 0.01

ITEM_BYTES = {"float32": 4, "TF32": 4, "float64": 8, "bfloat16": 2, "float16": 2}
"""Of one number; TF32 rounds inside the unit, its operands are stored as float32."""

_PREFIXES = {-9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P"}

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    *("nineteen", "twenty"),
)

NONE = "\N{EN DASH}"
"""Stands where there is no number."""


def digits(value: float | None, significant: int = 3) -> str:
    """Write a number with so many significant digits, without an exponent; None gives a dash."""
    if value is None or not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    rounded = _rounded(value, significant)
    # Rounding can carry: 999.6 has four digits before the point once it is 1000.
    places = max(0, significant - 1 - _magnitude(rounded))
    return f"{rounded:,.{places}f}"


def stable(value: float, significant: int = 12) -> float:
    """Round a derived number to the significant digits that files hold of it.

    A float has 16, and logarithms and powers leave the last of them to the processor.
    """
    return float(f"{value:.{significant}g}")


def _magnitude(value: float) -> int:
    """Return the power of ten of the first digit that a float is written with."""
    return Decimal(repr(value)).adjusted()


def _rounded(value: float, significant: int) -> float:
    # Twice, so that what lies halfway but for the last digit of a float is rounded like halfway.
    value = stable(value)
    return round(value, significant - 1 - _magnitude(value)) if value else value


def scaled(value: float | None, unit: str, significant: int = 3) -> str:
    """Write a quantity with the SI prefix that leaves one to three digits before the point.

    The value is in the unit without prefix, whose symbol is "s", "FLOPS", "B/s": "32.1 µs",
    "1.36 TFLOPS".
    """
    if value is None or not math.isfinite(value):
        return NONE
    # Rounded before it is divided: a value halfway could fall to the other side afterwards.
    rounded = _rounded(value, significant)
    exponent = prefix_exponent(rounded, significant)
    return f"{digits(rounded / 10.0**exponent, significant)} {_PREFIXES[exponent]}{unit}"


def prefix_exponent(value: float, significant: int = 3) -> int:
    """Return the power of ten, a multiple of three, whose prefix suits a value."""
    if value == 0:
        return 0
    # Of the value as it is shown, so that 999.6 becomes 1.00 k and not 1,000.
    exponent = 3 * (_magnitude(_rounded(value, significant)) // 3)
    return min(max(exponent, min(_PREFIXES)), max(_PREFIXES))


def percent(fraction: float | None) -> str:
    """Write a fraction in percent: "0.4 %", "12 %", "97 %"."""
    if fraction is None or not math.isfinite(fraction):
        return NONE
    value = stable(100 * fraction)
    decimals = 0 if abs(value) >= 9.95 else 1
    return f"{value:z,.{decimals}f} %".replace("-", "\N{MINUS SIGN}")


def times(ratio: float) -> str:
    """Write a ratio as a factor: "1.04", "9.3", "1,200"."""
    return digits(ratio, 2 if 2 <= ratio < 100 else 3)


def scientific(value: float) -> str:
    """Write a very small or large number with its power of ten: "5.4 x 10^-8", set properly."""
    if value == 0 or not math.isfinite(value):
        return digits(value)
    rounded = _rounded(value, 2)
    exponent = _magnitude(rounded)
    factor = digits(rounded / 10.0**exponent, 2)
    return f"{factor} \N{MULTIPLICATION SIGN} 10{str(exponent).translate(_SUPERSCRIPTS)}"


HUGE = 1e5
"""Losses of diverged runs beyond this are written with a power of ten."""

MINUTE = 1e-6
"""What lies above the lowest loss by less is, too: few readers count seven zeros."""

ROUNDING = 3e-8
"""By less than this no two losses differ in float32."""


def loss(value: float) -> str:
    """Write a loss with the four decimals in which runs differ."""
    return f"{value:.4f}" if value < HUGE else scientific(value)


def small(value: float) -> str:
    """Write what may be many powers of ten below 1, in two digits."""
    return digits(value, 2) if MINUTE <= value < HUGE else scientific(value)


def excess(value: float) -> str:
    """Write how far a loss lies above the lowest one."""
    return "less than rounding" if value < ROUNDING else small(value)


def signed(value: float, decimals: int = 3) -> str:
    """Write a number that may be negative, with a proper minus."""
    return f"{value:z.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def sentence(words: str) -> str:
    """Return words that begin a sentence: the first letter is a capital one."""
    return words[:1].upper() + words[1:]


def duration(seconds: float) -> str:
    """Say how long something takes: "8 s", "1 min 20 s", "2 h 5 min"."""
    whole = max(0, round(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    if minutes:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{rest} s"


def clock(seconds: float) -> str:
    """Write how long something took, in little room: "0:41", "12:05"."""
    return f"{round(seconds) // 60}:{round(seconds) % 60:02}"


def spelled(number: int) -> str:
    """Write a small number in words, others in digits: "four", "1,500"."""
    return _WORDS[number] if 0 <= number < len(_WORDS) else f"{number:,}"


def count(number: int, noun: str) -> str:
    """Write a count with its noun: "1 process", "1,500 examples", "no seeds"."""
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{f'{number:,}' if number else 'no'} {noun if number == 1 else plural}"
