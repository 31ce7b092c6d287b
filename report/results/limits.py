"""What a result file may hold at most: one set of limits for who writes it and who reads it.

A file comes from anywhere, and a small one can ask for much: a megabyte of empty objects takes
hundreds of megabytes once it is parsed. So the text is counted before it is parsed, and what was
parsed is looked over before it is taken for a result.
"""

from __future__ import annotations

import json
import re
from typing import Any

from report.text.plain import REPLACEMENT, showable

MOST_BYTES = 20_000_000  # of JSON: four times what a full profile with all frameworks takes

MOST_PACKED_BYTES = 10_000_000
"""Results are packed to a quarter; one that is packed less holds something else."""

MOST_VALUES = 1_500_000
MOST_PARTS = 200_000
"""Objects and lists. A full profile has a fifth of either."""

MOST_RECORDS = 1_500  # that a plan may ask for: of a full profile, each takes 13 kB (measured here)
MOST_KEYS = 2_000  # of one object: an interpreter can have some hundred packages

MOST_ITEMS = 100_000
"""Of one list: a curve of a thousand epochs has 7,500 points, on ten copies of the data 75,000."""

MOST_CHARACTERS = 20_000
"""Of one string: a claim's text has some hundred, the end of a worker's output 1,500."""

MOST_ESCAPES = 200_000
"""Of characters in strings, such as the ends of lines in what a worker printed."""

LARGEST = 2**63 - 1

_ESCAPE = re.compile(
    r"\\u[dD][89abAB]..\\u[dD][c-fC-F].."  # a character beyond the first 65,536
    r"|\\u(?P<code>[0-9a-fA-F]{4})|\\."
)
_HIDDEN = {r"\b", r"\f", r"\r"}


# Numbers that are never negative: a name carries its unit.
_COUNTS = re.compile(
    r"\w+_(s|bytes|hz|w|cores|fraction|loops|moved|events|per_s)|cores|threads|process(es)?|flops"
    r"|samples|warmups|repeats|attempts|seeds?|examples|features|draws|turn|replicates|level"
)


class Refused(ValueError):  # noqa: N818 (it completes a sentence about a file)
    """It is no file that this program writes; the message says why, as the end of a sentence."""


def parsed(content: bytes) -> tuple[str, Any]:
    """Return a file's text, in which what nobody can show is replaced, and what it holds.

    Raises:
        Refused: It is no JSON in UTF-8, or holds more than any result.
    """
    parts = content.count(b"{") + content.count(b"[")
    values, escapes = content.count(b","), content.count(b"\\")
    if parts > MOST_PARTS or values > MOST_VALUES or escapes > MOST_ESCAPES:
        raise Refused("holds more than any result")
    try:
        # Backslashes stand in strings only.
        text = showable(_ESCAPE.sub(_shown, content.decode().replace("\r\n", "\n")))
    except UnicodeDecodeError:
        raise Refused("is not in UTF-8") from None
    try:
        held = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_finite,
            parse_constant=_no_number,
        )
    except RecursionError:
        raise Refused("is nested too deeply") from None
    return text, held


def _shown(escape: re.Match[str]) -> str:
    """Return an escape of JSON's, or another in its place if nobody can show what it stands for."""
    code = escape["code"]
    hidden = escape[0] in _HIDDEN if code is None else showable(chr(int(code, 16))) == REPLACEMENT
    return r"\ufffd" if hidden else escape[0]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise Refused("has a key twice in one object")
    if len(made) > MOST_KEYS:
        raise Refused(f"has an object of more than {MOST_KEYS:,} keys")
    for key, value in pairs:
        _look_over(key)
        _look_over(value)
        if isinstance(value, int | float) and value < 0 and _COUNTS.fullmatch(key):
            raise Refused(f"has a negative {key}")
    return made


def _look_over(value: object) -> None:
    if isinstance(value, str) and len(value) > MOST_CHARACTERS:
        raise Refused(f"has a text of more than {MOST_CHARACTERS:,} characters")
    if isinstance(value, list):
        if len(value) > MOST_ITEMS:
            raise Refused(f"has a list of more than {MOST_ITEMS:,} items")
        for each in value:
            if not isinstance(each, float):
                _look_over(each)


def _integer(digits: str) -> int:
    if len(digits) > 20 or abs(number := int(digits)) > LARGEST:
        raise Refused("has an integer of more than 64 bits")
    return number


def _finite(digits: str) -> float:
    number = float(digits)
    if number - number != 0:
        return _no_number(digits)
    return number


def _no_number(digits: str) -> float:
    raise Refused(f"has an invalid number: {digits[:20]}")
