"""Drawings: the same bytes each time, in the page's colours and letters, with legible labels."""

from __future__ import annotations

import itertools
import re
import warnings
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.font_manager import FontProperties

from pages import marks
from report.analysis.estimate import Estimate
from report.figures import plotting
from report.figures.draw import drawing
from report.figures.shapes import (
    YARDSTICK,
    Axis,
    Curves,
    Dots,
    Guide,
    Line,
    Points,
    Reference,
    Upright,
    line,
    points,
    row,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    from matplotlib.axes import Axes

    from report.figures.shapes import Mark
    from report.figures.svg import Drawing

TIMES = "\N{MULTIPLICATION SIGN}"

FORMULAS = ["$x$", "$\\frac{$", "_hidden", "%s {x}"]
SVGS_OWN = ["<b>&amp;", 'id="x"', "url(#x)", "#c0ffe1", "font: 9px 'a'", "]]>"]

X = (64, 128, 256)


def estimate(value: float) -> Estimate:
    """Return a value with an interval of 20 % below and 10 % above it."""
    return Estimate(
        value=value, low=value / 1.2, high=value * 1.1, replicates=3, samples=9, basis="replicates"
    )


def curves(labels: Sequence[str], ends: Sequence[float] | None = None, **more: Any) -> Drawing:
    """Draw a curve for each label, all over the same values, named at its end."""
    tops = ends or [10.0**k for k, _ in enumerate(labels)]
    shape = Curves(
        x=Axis(label="n", scale="log2", ticks=X),
        y=Axis(label="rate, GFLOPS", narrow="rate"),
        lines=tuple(
            line(label, k, X, [estimate(top * part) for part in (0.5, 0.9, 1)])
            for k, (label, top) in enumerate(zip(labels, tops, strict=True))
        ),
        **more,
    )
    return drawing("some-figure", "What it shows", shape)


def dot_plot(labels: Sequence[str], series: Sequence[str], **more: Any) -> Drawing:
    """Draw a row for each label, with a dot for each series."""
    shape = Dots(
        labels=tuple(labels),
        x=Axis(label="milliseconds per epoch"),
        rows=tuple(
            row(name, k, [estimate(10.0 ** (k + 1)) for _ in labels], **more)
            for k, name in enumerate(series)
        ),
    )
    return drawing("some-figure", "What it shows", shape)


def plot(*lines: Line, x: Axis | None = None, y: Axis | None = None, **more: Any) -> Drawing:
    """Draw lines over plain axes, or these."""
    shape = Curves(x=x or Axis(label="x"), y=y or Axis(label="y"), lines=lines, **more)
    return drawing("a", "b", shape)


def through(name: str, x: Sequence[float], y: Sequence[float]) -> Line:
    """Return the line of these values."""
    return line(name, 0, x, [estimate(value) for value in y])


def texts(svg: str) -> list[str]:
    """Return what is written in a drawing."""
    return [unescape(text) for text in re.findall(r"<text [^>]*>([^<]*)</text>", svg)]


def heights(svg: str) -> dict[str, float]:
    """Return where each text stands: pixels from the top."""
    found = re.findall(r'<text [^>]*\by="([\d.]+)"[^>]*>([^<]*)</text>', svg)
    return {text: float(y) for y, text in found}


def ids(svg: str) -> list[str]:
    """Return the ids in a drawing, repeated ones too."""
    return re.findall(r'\bid="([^"]+)"', svg)


def referred(svg: str) -> set[str]:
    """Return the ids that a drawing refers to."""
    return set(re.findall(r'(?:url\(#|href="#)([^)"]+)', svg))


def parsed(svg: str) -> Element:
    """Parse a drawing as XML, which is stricter than HTML."""
    return ET.fromstring(svg)  # noqa: S314 (it was made here)


def _has_legend(svg: str) -> bool:
    return 'class="legend"' in svg


def ticks(svg: str, axis: str) -> str:
    """Return the part of a drawing that is the ticks of an axis."""
    return "".join(re.findall(rf'<g class="{axis}">(.*?)</g>', svg, re.DOTALL))


def both(drawing: Drawing) -> list[str]:
    """Return both layouts."""
    return [drawing.wide, drawing.narrow]


# What a drawing is made of


def test_drawing_is_the_same_each_time() -> None:
    """No date, no random id, nothing that is left of a drawing before it."""
    first = curves(["a", "b"])
    dot_plot(["a longer label"], ["b", "c"])
    assert curves(["a", "b"]) == first


@pytest.mark.parametrize("svg", both(curves(["a", "b"])) + both(dot_plot(["a"], ["b", "c"])))
def test_drawing_is_part_of_a_page(svg: str) -> None:
    """Well-formed, a picture with a name, no stand-in colour, no date, no maker, no address."""
    root = parsed(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == "What it shows"
    assert not re.search(r"#[0-9a-f]{6}|#[0-9a-f]{3}\b", svg)
    assert not re.search(r"<metadata|dc:|(?i:matplotlib)|xlink|<\?xml|DejaVu", svg)
    assert set(re.findall(r"https?://[^\"<]*", svg)) == {"http://www.w3.org/2000/svg"}
    colours = set(re.findall(r"(?:fill|stroke)=\"(?!none)([^\"]+)", svg))
    assert colours
    # A strict page allows no style but its own sheet's.
    assert not re.search(r" style=|<style", svg)
    assert all(re.fullmatch(r"var\(--(series-\d|ink|muted|rule|paper)\)", each) for each in colours)


@pytest.mark.parametrize(
    ("layout", "width"), [("wide", plotting.WIDE), ("narrow", plotting.NARROW)]
)
def test_text_is_text_of_a_legible_size(layout: str, width: int) -> None:
    """Letters and not outlines, of at least 11 pixels in the layout's own size, which it has."""
    svg = getattr(curves(["a", "b"]), layout)
    assert f'viewBox="0 0 {width} ' in svg
    assert {"a", "b", "n", "64", "256"} <= set(texts(svg))
    sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)px"', svg)]
    assert min(sizes) >= 11
    # What a text does not say, it has of the drawing.
    assert "font-size" in parsed(svg).attrib


def test_ids_of_two_layouts_and_two_figures_differ() -> None:
    """All drawings of a page share its names."""

    def draw(axes: Axes, *, narrow: bool) -> None:
        axes.plot([1, 2], [3, 4] if narrow else [3, 5])

    drawn = [svg for name in ("one", "two") for svg in both(plotting.drawing(name, "a", draw))]
    every = [name for svg in drawn for name in ids(svg)]
    assert len(set(every)) == len(every)
    for svg in drawn:
        assert set() < referred(svg) <= set(ids(svg))


def test_ids_come_from_names_and_counters_whatever_the_geometry() -> None:
    """The last digit of a coordinate, which a processor decides, reaches no id."""

    def draw(axes: Axes, **_: bool) -> None:
        axes.plot([1, 2], "o-")

    one, other = (
        "".join(both(plotting.drawing("a-1", "b", draw, height=height))) for height in (380, 381)
    )
    assert (ids(one), referred(one)) == (ids(other), referred(other))
    assert all(re.fullmatch(r"g[a-z2-7]{6}-\d+", each) for each in ids(one))


def test_description_is_escaped() -> None:
    """A machine's or a run's name may hold anything."""
    drawn = plotting.drawing("a", "say \"<x>\" & 'y'", lambda axes, **_: axes.plot([1], [1]))
    assert parsed(drawn.wide).get("aria-label") == "say \"<x>\" & 'y'"


# Labels


def test_a_text_is_as_large_as_its_font_makes_it() -> None:
    """What it measures is remembered, but not for another size or weight."""
    measure = plotting._Canvas.get_renderer().get_text_width_height_descent
    fonts = [FontProperties(size=size, weight=w) for size in (11, 20) for w in ("normal", "bold")]
    for _ in range(2):
        assert len({measure("text", font, ismath=False) for font in fonts}) == 4


@pytest.mark.parametrize("label", FORMULAS + SVGS_OWN)
def test_labels_are_shown_as_they_are(label: str) -> None:
    """No formula is set, no underscore hides, and what looks like SVG's own words stays."""
    for svg in [*both(curves([label, "other"])), *both(dot_plot([label], [label, "other"]))]:
        parsed(svg)
        shown = [text.replace("\N{ZERO WIDTH SPACE}", "") for text in texts(svg)]
        assert label in shown


LONG = "a-machine-with-a-very-long-name-that-somebody-gave-it-0123456789"


@pytest.mark.parametrize("count", [1, 2, 5])
def test_long_names_fit_and_leave_the_axes_their_room(count: int) -> None:
    """Legend and rows are broken into lines; a layout that finds no room would warn."""
    names = [f"{k} {LONG}" for k in range(count)]
    for drawn in (curves(names), dot_plot(names, names)):
        for svg in both(drawn):
            width = float(re.findall(r'viewBox="0 0 (\d+)', svg)[0])
            (axes,) = re.findall(r'<clipPath id="[^"]+">\n<rect [^>]*width="([\d.]+)"', svg)
            assert float(axes) > 0.35 * width
            legend = svg.partition('class="legend"')[2]
            for x, text in re.findall(r'<text [^>]*\bx="([\d.]+)"[^>]*>([^<]*)</text>', legend):
                # The narrowest letters of these names are 4 pixels wide, most are 7.
                assert float(x) + 5.5 * len(text) <= width


@given(st.text(), st.integers(1, 60))
def test_wrapped_labels_have_at_most_three_lines(label: str, letters: int) -> None:
    """What does not fit ends with an ellipsis; what fits loses nothing but spaces."""
    lines = plotting._wrapped(label, letters).split("\n")
    assert len(lines) <= 3
    assert all(len(line) <= letters for line in lines)
    if not lines[-1].endswith("\N{HORIZONTAL ELLIPSIS}"):
        assert "".join("".join(lines).split()) == "".join(label.split())


# Places


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=12).map(sorted), st.floats(0.1, 100))
def test_positions_are_moved_apart_and_no_further(positions: list[float], least: float) -> None:
    """In the same order, at least so far apart, their middle kept; unchanged if far enough."""
    moved = plotting._apart(positions, least)
    gaps = [b - a for a, b in itertools.pairwise(moved)]
    assert len(moved) == len(positions)
    assert all(gap >= least - 1e-6 for gap in gaps)
    assert sum(moved) == pytest.approx(sum(positions), abs=1e-6)
    if all(b - a > least + 1e-6 for a, b in itertools.pairwise(positions)):
        assert moved == pytest.approx(positions)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.floats(1, 1000), min_size=2, max_size=6))
def test_names_at_the_lines_ends_are_legible(ends: list[float]) -> None:
    """About 15 pixels apart when all is laid out (letters have 12), in the order of the lines."""
    labels = [f"line {k}" for k, _ in enumerate(ends)]
    written = heights(curves(labels, ends).wide)
    places = [written[label] for label in labels]
    assert all(b - a >= 14 for a, b in itertools.pairwise(sorted(places)))
    pairs = itertools.product(zip(ends, places, strict=True), repeat=2)
    assert not any(a < b and low < high for (a, low), (b, high) in pairs)


def test_names_are_moved_no_further_than_they_must() -> None:
    """Two lines that nearly meet have names at 15 pixels, and a third stays at its line's end."""
    at = heights(curves(["low", "near", "top"], [100, 101, 900]).wide)
    assert at["low"] - at["near"] == pytest.approx(15, abs=0.1)
    assert at["near"] - at["top"] > 60


def test_lines_that_end_apart_are_named_above() -> None:
    """Where curves end at different places, a name at one end would be read as the other's."""
    for svg in both(plot(through("long", (1, 2, 4), (1, 2, 3)), through("short", (1, 2), (1, 2)))):
        assert _has_legend(svg)
        assert {"long", "short"} <= set(texts(svg))


def test_single_line_needs_no_name() -> None:
    """The axes say it all."""
    assert "only" not in texts(curves(["only"]).wide) + texts(curves(["only"]).narrow)


def test_many_series_stay_within_their_row() -> None:
    """Dots of eight machines lie around their own row, and reach no other."""
    svg = dot_plot(["first", "second"], [f"machine {k}" for k in range(8)]).wide
    ys = [float(mark["y"]) for mark in marks(svg) if mark["fill"].startswith("var(--series")]
    rows = [heights(svg)[name] for name in ("first", "second")]
    height = rows[1] - rows[0]
    # A dot and two ends of its whisker for each machine.
    assert [sum(abs(y - at) < 0.5 * height for y in ys) for at in rows] == [24, 24]


# Shapes


def one_line(*marks: Mark, **look: Any) -> Drawing:
    """Draw a single line from 2 to 4 ms, and marks."""
    only = replace(through("only", (1, 10), (2e-3, 4e-3)), **{"index": 2, **look})
    return plot(only, y=Axis(label="time, ms", unit=1e-3), marks=marks)


def bands(svg: str) -> int:
    """Count areas that are filled lightly."""
    return len(re.findall(r'(?:fill-)?opacity="0\.18"', svg))


def marks_of(svg: str, index: int) -> list[tuple[str, str]]:
    """Return fill and edge of every mark in the colour of a series."""
    edge = f"var(--series-{index + 1})"
    every = [(mark["fill"], mark["stroke"]) for mark in marks(svg) if "stroke" in mark]
    return [each for each in every if each[1] == edge]


def test_intervals_are_bands_and_whiskers_and_absent_where_there_are_none() -> None:
    """A line has a band, a dot whiskers; an estimate without an interval has neither."""
    lone = replace(estimate(2.0), low=None, high=None)
    assert bands(curves(["a", "b"]).wide) == 2
    assert bands(one_line(low=(), high=()).wide) == 0
    for low in ((1e-3, None), (None, 1e-3)):
        # A band of a single point has no width, but is there.
        assert bands(one_line(low=low, high=(3e-3, 5e-3)).wide) == 1
    for estimates, caps in (([estimate(2.0), lone], 2), ([lone, lone], 0), ([lone, None], 0)):
        shape = Dots(labels=("a", "b"), x=Axis(label="t"), rows=(row("", 0, estimates),))
        known = sum(each is not None for each in estimates)
        assert len(marks_of(drawing("a", "b", shape).wide, 0)) == known + caps


def test_interval_that_nearly_has_no_end_is_drawn() -> None:
    """Two processes that hardly agree give one; an axis has no room for 1e304."""
    wide = replace(estimate(2.0), low=1e-296, high=1e304)
    shape = Dots(labels=("a",), x=Axis(label="t", scale="log"), rows=(row("", 0, [wide]),))
    assert len(marks_of(drawing("a", "b", shape).wide, 0)) > 1


def test_a_colour_is_that_of_what_it_is_wherever_it_stands() -> None:
    """By the index and not by the place; the yardstick is in ink."""
    for look, colours in (({}, {"3"}), ({"index": YARDSTICK}, set())):
        assert set(re.findall(r"var\(--series-(\d)", one_line(**look).wide)) == colours


@pytest.mark.parametrize("hollow", [True, False])
def test_hollow_marks_are_filled_with_paper(hollow: bool) -> None:  # noqa: FBT001
    """What was not measured soundly is drawn open, in its colour: as line, dot and point."""
    paper = "var(--paper)"
    dots = dot_plot(["a"], ["b"], hollow=hollow).wide
    by_itself = one_line(points("c", 4, [(2.0, estimate(3e-3)), (3.0, None)], hollow=hollow)).wide
    for svg, index in ((dots, 0), (by_itself, 4), (one_line(hollow=hollow).wide, 2)):
        assert (paper in {fill for fill, _ in marks_of(svg, index)}) == hollow


def test_points_without_a_value_are_left_out_and_named_once() -> None:
    """A place stays empty; a legend has one entry for all of them."""
    mark = points("c", 4, [(2.0, estimate(3e-3)), (3.0, None), (4.0, estimate(3e-3))])
    assert mark.x == (2.0, 4.0)
    for svg in both(plot(through("a", (1, 8), (1e-3, 5e-3)), marks=(mark,), names="above")):
        assert texts(svg).count("c") == 1


def test_marks_are_drawn_with_their_labels_and_left_out_where_there_is_no_axis() -> None:
    """References, uprights, guides and points, in SI units whatever the axis's unit."""
    inside = one_line(
        Reference(y=3e-3, label="peak 3 ms", narrow="peak"),
        Upright(x=5.0, label="L2"),
        Upright(x=1e6, label="far away"),
        Guide(x=(1, 10), y=(2e-3, 4e-3), label="in proportion", at=(2.0, 2e-3)),
        Points(name="", index=4, x=(3.0,), y=(3e-3,), label="best"),
    )
    labels = {"peak 3 ms", "peak", "L2", "in proportion", "best", "far away"}
    assert labels & set(texts(inside.wide)) == labels - {"peak", "far away"}
    assert labels & set(texts(inside.narrow)) == labels - {"peak 3 ms", "far away"}


def test_a_label_along_a_guide_has_its_slope_on_the_page() -> None:
    """The line rises, and so does the label, by the angle that it has when all is laid out."""
    guide = Guide(x=(1, 10), y=(2e-3, 4e-3), label="along", at=(2.0, 2.4e-3), along=True)
    for svg in both(one_line(guide)):
        (turned,) = re.findall(r'<text [^>]*transform="rotate\((-[\d.]+)[^>]*>along<', svg)
        assert 10 < -float(turned) < 80


def test_axes_have_a_shorter_label_on_a_phone() -> None:
    """Where there is one; and dot plots leave out what a logarithmic axis shows itself."""
    for drawn, label, shorter in (
        (curves(["a", "b"]), "rate, GFLOPS", "rate"),
        (dot_plot(["a"], ["b"]), "milliseconds per epoch (logarithmic)", "milliseconds per epoch"),
    ):
        either = {label, shorter}
        assert [either & set(texts(svg)) for svg in both(drawn)] == [{label}, {shorter}]


@pytest.mark.parametrize(
    ("names", "legends"), [("ends", [False, True]), ("above", [True, True]), ("none", [False] * 2)]
)
def test_lines_are_named_where_the_shape_says(names: str, legends: list[bool]) -> None:
    """At their ends on a desk, above the axes on a phone; always above; or not at all."""
    drawn = both(curves(["first", "second"], names=names))
    assert [_has_legend(svg) for svg in drawn] == legends
    assert ["first" in texts(svg) for svg in drawn] == [names != "none"] * 2


def test_zero_or_log_begins_at_zero_unless_values_span_a_decade() -> None:
    """Bars of a factor of two are read against zero, of a factor of a hundred by decades."""

    def ticks_of(low: float, high: float) -> set[str]:
        y = Axis(label="y", scale="zero-or-log")
        return set(texts(plot(through("", (1, 10), (low, high)), y=y).wide))

    assert ticks_of(20, 90) & {"0", "0.0"}
    assert not ticks_of(2, 900) & {"0", "0.0"}
    assert {"10", "100"} <= ticks_of(2, 900)


def test_sizes_on_an_axis_of_bytes_are_the_first_and_the_last_and_do_not_meet() -> None:
    """Powers of two as one says them; those between only where there is room."""
    sizes = tuple(2**k for k in range(12, 27))
    x = Axis(label="working set", scale="bytes", ticks=sizes)
    drawn = plot(through("", sizes, range(1, len(sizes) + 1)), x=x)
    for svg, most in ((drawn.wide, 10), (drawn.narrow, 5)):
        shown = [text for text in texts(svg) if text.endswith("iB")]
        assert (shown[0], shown[-1]) == ("4 KiB", "64 MiB")
        assert 3 <= len(shown) <= most


# Numbers


def value_of(written: str) -> float:
    """Read a number as a person does."""
    plain = written.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789", ","))
    number, _, power = plain.partition(f" {TIMES} 10")
    return float(number) * 10.0 ** int(power or 0)


PLAIN = [
    "0",
    "0.00002",
    "0.001",
    "0.25",
    "0.5",
    "1",
    "2.5",
    "20",
    "1,000",
    "2,000,000",
    "100,000,000",
]
POWERS = [f"1 {TIMES} 10⁹", f"5 {TIMES} 10³⁰", f"1 {TIMES} 10⁻⁹"]


@pytest.mark.parametrize("written", PLAIN + POWERS)
def test_ticks_are_plain_numbers(written: str) -> None:
    """As one writes them; powers of ten only where nobody would count the zeros."""
    assert plotting.tick(value_of(written)) == written


@given(st.sampled_from([1, 2, 5]), st.integers(-12, 40))
def test_ticks_tell_the_truth(digit: int, exponent: int) -> None:
    """What is written is the value."""
    value = digit * 10.0**exponent
    assert value_of(plotting.tick(value)) == pytest.approx(value)


@pytest.mark.parametrize(("low", "high"), [(0.2, 3), (3, 40), (0.01, 5000), (1e-3, 1e12)])
def test_logarithmic_axes_have_ticks_that_do_not_collide(low: float, high: float) -> None:
    """Two to twelve plain numbers, with 2 and 5 between the powers where there is room."""

    def draw(axes: Axes, **_: bool) -> None:
        plotting.log_axis(axes.yaxis)
        axes.plot([1, 2], [low, high])

    for svg in both(plotting.drawing("a", "b", draw)):
        found = sorted(heights(ticks(svg, "ytick")).values())
        assert 2 <= len(found) <= 12
        assert min(b - a for a, b in itertools.pairwise(found)) > 12


@pytest.mark.parametrize("count", [1, 3, 8, 9, 30])
def test_axis_of_powers_of_two_shows_at_most_eight_and_the_last(count: int) -> None:
    """Sizes, widths and threads: the largest is always named."""
    values = [2**k for k in range(count)]

    def draw(axes: Axes, **_: bool) -> None:
        plotting.log2_axis(axes, values)
        axes.plot(values, values)

    svg = plotting.drawing("a", "b", draw).wide
    assert f"{values[-1]:,}" in texts(svg)
    assert 1 <= len(texts(ticks(svg, "xtick"))) <= 8


def test_missing_letters_do_not_reach_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """The page's font has them, only the one that measures has not."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = curves(["\N{HEBREW LETTER ALEF}", "\N{PILE OF POO}"])
    for svg in both(drawn):
        assert {"\N{HEBREW LETTER ALEF}", "\N{PILE OF POO}"} <= set(texts(svg))
    assert capfd.readouterr() == ("", "")


def test_drawing_holds_no_group_and_no_name_without_a_purpose() -> None:
    """Each element costs a reader: all ids are referred to, or are a legend's or a tick's."""
    for svg in both(curves(["a", "b"])):
        assert "<g>" not in svg
        spare = set(ids(svg)) - referred(svg)
        assert all(re.search(r"_(legend|[xy]tick)_\d+$", name) for name in spare), spare
        assert svg.count("<g ") == svg.count("</g>")
