"""What a figure tells the page's script: the values of its series, in the units of its axes."""

from __future__ import annotations

import json
import math
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar

from report.figures.shapes import Axis, Curves, Dots, Line, Points, Row, Series, Shape
from report.text.numerals import stable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


AnySeries = TypeVar("AnySeries", bound=Series)


def attribute(shape: Shape | None) -> str:
    """Return the value of `data-values`, quoted for HTML; empty for a shape without series.

    It is JSON: `x` and `y` have the label and scale of an axis, and `s` for each series its number
    in the drawing, its name, its places along x, values, lower and upper ends. Places are 0 where
    they are those of the series before. Of a dot plot, `rows` are the labels, places are rows, and
    a last number says how much lower the dots stand than their row.
    """
    if isinstance(shape, Curves):
        axes = {"x": _axis(shape.x), "y": _axis(shape.y)}
        found = [_of_curve(k, name, one, shape) for k, name, one in named(series(shape))]
    elif isinstance(shape, Dots):
        axes = {"x": _axis(shape.x), "rows": list(shape.labels)}
        found = [
            [*_of_row(k, name, one, shape.x.unit), shape.lower(k)]
            for k, name, one in named(shape.rows)
        ]
    else:
        return ""
    found = [one for one in found if one[3]]
    before = None
    for one in found:
        before, one[2] = one[2], 0 if one[2] == before else one[2]
    text = json.dumps({**axes, "s": found}, ensure_ascii=False, separators=(",", ":"))
    return escape(text, quote=False).replace("'", "&#39;")


def series(shape: Curves) -> list[Line | Points]:
    """Return the series of curves in the order of their numbers: lines, then markers."""
    return [*shape.lines, *(mark for mark in shape.marks if isinstance(mark, Points))]


def named(every: Sequence[AnySeries]) -> Iterator[tuple[int, str, AnySeries]]:
    """Return what can be pointed at, with its number and its name.

    A series without one has that of the one before with its colour; where there is none, it is left
    out if others have names. Thin lines of theory are no measurement.
    """
    names: dict[int, str] = {}
    some = any(one.name for one in every)
    for k, one in enumerate(every):
        if one.name:
            names[one.index] = one.name
        theory = isinstance(one, Line) and one.marked is False and not one.low
        if not theory and (one.index in names or not some):
            yield k, names.get(one.index, ""), one


def _axis(axis: Axis) -> list[str]:
    return [axis.label, axis.scale]


def _of_curve(number: int, name: str, one: Line | Points, shape: Curves) -> list[Any]:
    x, y = shape.x.unit, shape.y.unit
    # The sizes and counts along an axis are exact.
    places = [int(v) if (v := at / x).is_integer() else _short(v) for at in one.x]
    return [number, name, places, *_numbers(one.y, one, y)]


def _of_row(number: int, name: str, row: Row, unit: float) -> list[Any]:
    known = [k for k, value in enumerate(row.values) if value is not None]
    values, low, high = _numbers(row.values, row, unit)
    return [number, name, known, *([one[k] for k in known if one] for one in (values, low, high))]


def _numbers(values: Sequence[float | None], one: Series, unit: float) -> list[list[Any]]:
    """Return values, and their lower and upper ends where there are any."""
    low, high = (ends if any(v is not None for v in ends) else () for ends in (one.low, one.high))
    return [[None if v is None else _short(v / unit) for v in some] for some in (values, low, high)]


def _short(value: float) -> float | int | None:
    """Return a number in three digits, rounded twice as `numerals.digits` does; else None."""
    if not math.isfinite(value):
        return None
    short = stable(stable(value), 3)
    return int(short) if short.is_integer() else short
