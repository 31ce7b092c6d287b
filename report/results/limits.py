"""What a result file may hold at most: one set of limits for who writes it and who reads it.

A file comes from anywhere, and a small one can ask for much: a megabyte of empty objects takes
hundreds of megabytes once it is parsed. So the text is counted before it is parsed, and what was
parsed is looked over before it is taken for a result.
"""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any

from pydantic_core import SchemaValidator

from report.text.plain import REPLACEMENT, showable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import TypeAdapter

    from report.results.result import Record
    from report.worker.records import Labels

MOST_BYTES = 20_000_000  # of JSON: four times what a full profile with all frameworks takes

MOST_PACKED_BYTES = 10_000_000
"""Results are packed to a quarter; one that is packed less holds something else."""

MOST_VALUES = 1_200_000
MOST_PARTS = 130_000
"""Objects and lists. The largest full profile here has a third of the values, and 56,000 parts."""

MOST_RECORDS = 1_500  # that a plan may ask for: of a full profile, each takes 13 kB (measured here)

MOST_OF = {
    # What is open gets up to three times the processes that were planned.
    "records": 3 * MOST_RECORDS,
    "experiments": 100,
    "claims": 500,
    "verdicts": 3_000,
    "numbers": 50,
    "series": 2_000,
    "runs": 5_000,
    "title": 120,
    "label": 1_000,
}
"""By name, of what has a place on pages: characters of a text, items of a list, keys of an object.
A `label` is the value of any."""

MOST_SERIES = 3_000
"""Of all experiments and frameworks together: a full profile of six frameworks has 760. Pages have
a row for each, and a line for each training run, which takes 35 ms (measured here)."""

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
_WIDE = re.compile(rb"[\xf0-\xf4]")  # begins a character beyond the first 65,536, in UTF-8
_HIDDEN = {r"\b", r"\f", r"\r"}

# What a person names: arguments of own code, and the labels by which a claim asks for a series.
_OPEN = {"arguments", "series"}

# Numbers that are never negative, by name, which carries the unit; with the least above 0 and the
# most that they can be. Pages loop over epochs and seeds, and divide by seconds.
_RANGES = (
    (r"epochs|runs\[\]\.seed", (0, 1e3)),
    (r"process(?:es)?", (0, 200)),  # a plan has 50, and what is open gets up to three times as many
    (r"(?:\w+_)?(?:cores|nodes)|threads|repeats|level|shared_by", (0, 1e6)),
    (r"\w+(?<!_per)_s|seconds|joules", (1e-15, 1e15)),
    (r"\w+_(?:bytes|hz|w|fraction|loops|moved|events|per_s)|examples|features|flops", (0, 1e19)),
    (r"samples|warmups|attempts|seeds?|calls|draws|turn|replicates", (0, 1e19)),
)
_NUMBERS, _SIZED = (int, float), (str, list, dict)  # what is looked up more often than made
_NAMED = re.compile("|".join(f"({names})" for names, _ in _RANGES))


class Refused(ValueError):  # noqa: N818 (it completes a sentence about a file)
    """It is no file that this program writes; the message says why, as the end of a sentence."""


def count(content: bytes) -> None:
    """Count what a file holds, before it is parsed.

    Raises:
        Refused: It is more than any result holds.
    """
    parts = content.count(b"{") + content.count(b"[")
    values, escapes = content.count(b","), content.count(b"\\")
    # A text with one such character takes four bytes for each of its others.
    wide = len(content) > MOST_BYTES // 2 and _WIDE.search(content)
    if parts > MOST_PARTS or values > MOST_VALUES or escapes > MOST_ESCAPES or wide:
        raise Refused("holds more than any result")


def parsed(content: bytes) -> tuple[str, Any]:
    """Return a file's text, in which what nobody can show is replaced, and what it holds.

    Raises:
        Refused: It is no JSON in UTF-8, or holds more than any result.
    """
    count(content)
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
        _look_over("", held)
    except RecursionError:
        raise Refused("is nested too deeply") from None
    return text, held


def too_many(records: Iterable[Record]) -> bool:
    """Return whether more different things were measured than pages can show."""
    different = {(r.experiment, r.backend, repr(one)) for r in records for one in labels_of(r)}
    return len(different) > MOST_SERIES


def labels_of(record: Record) -> Iterator[Labels]:
    """Yield the labels of all that a record has measured."""
    if record.outcome is not None:
        yield from (one.labels for one in record.outcome.series)
        yield from (one.labels for one in record.outcome.runs)
        yield from (one.labels for one in record.outcome.noise)


def _shown(escape: re.Match[str]) -> str:
    """Return an escape of JSON's, or another in its place if nobody can show what it stands for."""
    code = escape["code"]
    hidden = escape[0] in _HIDDEN if code is None else showable(chr(int(code, 16))) == REPLACEMENT
    return r"\ufffd" if hidden else escape[0]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise Refused("has a key twice in one object")
    for key, value in pairs:
        if len(key) > MOST_CHARACTERS:
            raise Refused(f"has a key of more than {MOST_CHARACTERS:,} characters")
        if isinstance(value, _SIZED):
            _look_over(key, value)
    return made


def _look_over(name: str, value: object) -> None:
    """Refuse what is larger than anything of its name, and numbers out of their range."""
    if isinstance(value, str):
        if len(value) > (most := MOST_OF.get(name, MOST_CHARACTERS)):
            raise Refused(f"has a text of more than {most:,} characters")
    elif isinstance(value, list):
        if len(value) > (most := MOST_OF.get(name, MOST_ITEMS)):
            raise Refused(f"has a list of more than {most:,} items")
        inner = f"{name}[]"
        for each in value:
            if not isinstance(each, float):
                _look_over(inner, each)
    elif isinstance(value, dict):
        if len(value) > (most := MOST_OF.get(name, MOST_KEYS)):
            raise Refused(f"has an object of more than {most:,} keys")
        _look_into(name, value)


def _look_into(name: str, fields: dict[str, Any]) -> None:
    if name == "labels":
        for one in fields.values():
            _look_over("label", one)
    # Labels that have a case are those of own code.
    if name not in _OPEN and "case" not in fields:
        for key, one in fields.items():
            # Most numbers are in any range.
            if isinstance(one, _NUMBERS) and 1e-15 <= one <= 200:
                continue
            if known := _range(name, key):
                _check(key, one, *known)


@functools.lru_cache(maxsize=4096)
def _range(name: str, key: str) -> tuple[float, float] | None:
    """Return the range of a number in an object of a name; None if it is none of `_RANGES`."""
    found = _NAMED.fullmatch(f"{name}.{key}") or _NAMED.fullmatch(key)
    return _RANGES[found.lastindex - 1][1] if found and found.lastindex else None


def _check(key: str, value: object, least: float, most: float) -> None:
    if isinstance(value, list):
        for each in value:
            _check(key, each, least, most)
    elif isinstance(value, _NUMBERS) and value and not least <= value <= most:
        raise Refused(f"has a negative {key}" if value < 0 else f"has a {key} of {value:g}")


def validator(adapter: TypeAdapter[Any]) -> SchemaValidator:
    """Return a validator of what was parsed: nothing is converted, a first fault ends a list.

    Pydantic would else keep every fault of a list or an object, which takes many times the bytes at
    fault; and of text, each fault has a copy of what it is in.
    """
    return SchemaValidator(_strictly(adapter.core_schema))


def _strictly(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strictly(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    own = {"fail_fast": True} if kind in ("list", "dict") else {}
    if kind in ("list", "dict", "str", "int", "float", "bool"):
        own["strict"] = True
    return {key: _strictly(value) for key, value in schema.items()} | own


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
