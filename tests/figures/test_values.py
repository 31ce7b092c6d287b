"""What figures tell the page's script: the values of their series, in the units of their axes."""

from __future__ import annotations

import json
from html import unescape
from typing import Any

import pytest

from report.analysis.estimate import Estimate
from report.figures import values
from report.figures.draw import drawing
from report.figures.shapes import YARDSTICK, Axis, Curves, Dots, Line, Points, line, row


def estimate(value: float) -> Estimate:
    """Return a value with an interval of a tenth either way."""
    low, high = 0.9 * value, 1.1 * value
    return Estimate(value=value, low=low, high=high, replicates=3, samples=9, basis="replicates")


def told(shape: Any) -> Any:
    """Return what a script reads of the attribute."""
    return json.loads(unescape(values.attribute(shape)))


def curves(*lines: Line, marks: tuple[Points, ...] = ()) -> Curves:
    """Return curves of milliseconds against a size."""
    x, y = Axis(label="n", scale="bytes", ticks=(1, 2, 4)), Axis(label="time, ms", unit=1e-3)
    return Curves(x=x, y=y, lines=lines, marks=marks)


def test_values_are_in_the_units_of_the_axis_and_places_exact() -> None:
    """Three digits of a value and its interval; every digit of a size."""
    ours = line("ours", 0, (65536.0, 131072.0), [estimate(1.23456e-3), estimate(98765e-3)])
    made = told(curves(ours))
    assert (made["x"], made["y"]) == (["n", "bytes"], ["time, ms", "log"])
    assert made["s"] == [
        [0, "ours", [65536, 131072], [1.23, 98800], [1.11, 88900], [1.36, 109000]],
    ]


def test_places_are_said_once_where_series_share_them() -> None:
    """A tenth of the bytes; a series without intervals has none."""
    bare = Line(name="b", index=1, x=(1.0, 2.0), y=(3e-3, 4e-3))
    first, second = told(curves(line("a", 0, (1, 2), [estimate(1), estimate(2)]), bare))["s"]
    assert (first[2], second[2:]) == ([1, 2], [0, [3, 4], [], []])


def test_series_without_a_name_goes_by_that_of_its_colour() -> None:
    """Parts of one series are one; a ring around a point and a line of theory are none."""
    part = Line(name="", index=2, x=(3.0,), y=(1e-3,))
    theory = Line(name="", index=2, x=(1.0, 9.0), y=(1e-3, 1e-3), marked=False)
    ring = Points(name="", index=YARDSTICK, x=(3.0,), y=(1e-3,))
    named = Line(name="block", index=2, x=(2.0,), y=(1e-3,))
    made = told(curves(theory, named, part, marks=(ring,)))
    assert [one[:2] for one in made["s"]] == [[1, "block"], [2, "block"]]


def test_dots_tell_their_rows_and_how_much_lower_they_stand() -> None:
    """An empty row has no dot; rows are named once."""
    one = row("measured", 0, [estimate(2e-3), None])
    other = row("as printed", 1, [estimate(4e-3), estimate(5e-3)])
    shape = Dots(labels=("GD", "SGD"), x=Axis(label="time, ms", unit=1e-3), rows=(one, other))
    made = told(shape)
    assert made["rows"] == ["GD", "SGD"]
    assert [each[2:4] for each in made["s"]] == [[[0], [2]], [[0, 1], [4, 5]]]
    assert [each[-1] for each in made["s"]] == [shape.lower(0), shape.lower(1)]


@pytest.mark.parametrize("name", ["'><script>", "&quot;", '"', "\\"])
def test_name_of_somebodys_is_data(name: str) -> None:
    """Whatever it holds, it neither ends the attribute nor reads as another name."""
    shape = curves(Line(name=name, index=0, x=(1.0,), y=(1e-3,)))
    assert not set("'<>") & set(values.attribute(shape))
    assert told(shape)["s"][0][1] == name


def test_values_that_are_no_numbers_have_no_place() -> None:
    """JSON knows no infinity; a seed that diverged has one."""
    shape = curves(Line(name="a", index=0, x=(1.0,), y=(1e-3,), low=(1e-3,), high=(float("inf"),)))
    assert told(shape)["s"][0][4:] == [[1], [None]]


def test_drawing_says_which_part_is_of_which_series_and_where_its_axes_lie() -> None:
    """Line, band and name of a series have its number; pixels and limits are the layout's."""
    lines = [line(name, k, (1, 2, 4), [estimate(10.0**k)] * 3) for k, name in enumerate("ab")]
    drawn = drawing("a", "b", curves(*lines))
    # On a phone names stand in a legend, with samples of the lines.
    for svg, width in ((drawn.wide, 700), (drawn.narrow, 340)):
        assert [svg.count(f'data-s="{k}"') for k in range(3)] == [3, 3, 0]
        across, up = svg.partition('data-axes="')[2].partition('"')[0].rsplit(",log,", 1)
        start, end, low, high = map(float, across.split(",")[1:])
        assert 0 < start < end <= width
        assert low < lines[0].x[0]
        assert lines[0].x[-1] < high
        bottom, top, least, most = map(float, up.split(","))
        assert 0 <= top < bottom
        assert least < min(lines[0].y) / 1e-3
        assert max(lines[1].y) / 1e-3 < most
