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

from report.analysis.estimate import Estimate
from report.figures import plotting
from report.figures.draw import drawing
from report.figures.shapes import (
    YARDSTICK,
    Axis,
    Curves,
    Dots,
    Guide,
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

ODD_LABELS = [
    "$x$",
    "$\\frac{$",
    "_hidden",
    "<b>&amp;",
    'id="x"',
    "url(#x)",
    "#c0ffe1",
    "#1a2b3c",
    "font: 9px 'a'",
    "]]>",
    "%s {x}",
]


def estimate(value: float) -> Estimate:
    """Return a value with an interval of 10 % on either side."""
    return Estimate(
        value=value, low=value / 1.1, high=value * 1.1, replicates=3, samples=9, basis="replicates"
    )


X = (64, 128, 256)


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


def texts(svg: str) -> list[str]:
    """Return what is written in a drawing."""
    return [unescape(text) for text in re.findall(r"<text [^>]*>([^<]*)</text>", svg)]


def parsed(svg: str) -> Element:
    """Parse a drawing as XML, which is stricter than HTML."""
    return ET.fromstring(svg)  # noqa: S314 (it was made here)


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
    colours = set(re.findall(r"(?:fill|stroke): (?!none)([^;\"]+)", svg))
    assert colours
    assert all(re.fullmatch(r"var\(--(series-\d|ink|muted|rule|paper)\)", each) for each in colours)


@pytest.mark.parametrize("svg", both(curves(["a", "b"])))
def test_text_is_text_of_a_legible_size(svg: str) -> None:
    """Letters are letters, not outlines, of at least 11 pixels in the layout's own size."""
    assert {"a", "b", "n", "64", "256"} <= set(texts(svg))
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", svg)]
    assert len(sizes) == svg.count("<text")
    assert min(sizes) >= 11


def test_layouts_are_as_wide_as_they_say() -> None:
    """A text of 12 pixels is 12 pixels only where the drawing is not scaled."""
    drawn = curves(["a", "b"])
    assert f'viewBox="0 0 {plotting.WIDE} ' in drawn.wide
    assert f'viewBox="0 0 {plotting.NARROW} ' in drawn.narrow


def test_ids_of_two_layouts_and_two_figures_differ() -> None:
    """All drawings of a page share its names."""

    def draw(axes: Axes, *, narrow: bool) -> None:
        axes.plot([1, 2], [3, 4] if narrow else [3, 5])

    drawn = [*both(plotting.drawing("one", "a", draw)), *both(plotting.drawing("two", "a", draw))]
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in drawn]
    assert len(set.union(*ids)) == sum(len(each) for each in ids)
    for svg, mine in zip(drawn, ids, strict=True):
        assert set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', svg))
        assert {a or b for a, b in re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', svg)} <= mine


def test_ids_come_from_names_and_counters_whatever_the_geometry() -> None:
    """The last digit of a coordinate, which a processor decides, reaches no id."""

    def ids(height: int) -> list[str]:
        drawn = plotting.drawing(
            "a-1", "b", lambda axes, **_: axes.plot([1, 2], "o-"), height=height
        )
        return re.findall(r'(?:id="|url\(#|href="#)([^)"]+)', "".join(both(drawn)))

    assert ids(380) == ids(381)
    assert all(re.fullmatch(r"a-1_[wn]_(\d+|legend_1|[xy]tick_\d+)", one) for one in ids(380))


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


@pytest.mark.parametrize("label", ODD_LABELS)
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
            _, axes, *_ = re.findall(r'<path d="M ([\d.]+) [\d.]+ \nL ([\d.]+) ', svg)
            assert float(axes[1]) - float(axes[0]) > 0.35 * width
            legend = svg.partition("legend_1")[2]
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
    """They are about 15 pixels apart in the finished drawing, in the order of the lines.

    Naming the lines takes a little of their height, and so a fraction of a pixel of the distance;
    14 are still more than the letters' 12.
    """
    labels = [f"line {k}" for k, _ in enumerate(ends)]
    wide = curves(labels, ends).wide
    written = {
        label: float(y)
        for y, label in re.findall(r'<text [^>]*\by="([\d.]+)"[^>]*>(line \d)</text>', wide)
    }
    assert set(written) == set(labels)
    heights = [written[label] for label in labels]
    downwards = sorted(heights)
    assert all(b - a >= 14 for a, b in itertools.pairwise(downwards))
    pairs = itertools.product(zip(ends, heights, strict=True), repeat=2)
    assert not any(a < b and low < high for (a, low), (b, high) in pairs)


def test_names_are_moved_no_further_than_they_must() -> None:
    """Two lines that nearly meet have names at 15 pixels, and a third stays at its line's end."""
    wide = curves(["low", "near", "top"], [100, 101, 900]).wide
    low, near, top = (
        float(re.findall(rf'<text [^>]*\by="([\d.]+)"[^>]*>{name}</text>', wide)[0])
        for name in ("low", "near", "top")
    )
    assert low - near == pytest.approx(15, abs=0.1)
    assert near - top > 60


def test_lines_that_end_apart_are_named_above() -> None:
    """Where curves end at different places, a name at one end would be read as the other's."""
    shape = Curves(
        x=Axis(label="x"),
        y=Axis(label="y"),
        lines=(
            line("long", 0, (1, 2, 4), [estimate(v) for v in (1, 2, 3)]),
            line("short", 1, (1, 2), [estimate(v) for v in (1, 2)]),
        ),
    )
    for svg in both(drawing("a", "b", shape)):
        assert "legend_1" in svg
        assert {"long", "short"} <= set(texts(svg))
    assert "legend_1" not in curves(["a", "b"]).wide
    assert "legend_1" in curves(["a", "b"]).narrow


def test_single_line_needs_no_name() -> None:
    """The axes say it all."""
    assert "only" not in texts(curves(["only"]).wide) + texts(curves(["only"]).narrow)


def test_many_series_stay_within_their_row() -> None:
    """Dots of ten machines lie around their own row, and reach no other."""
    svg = dot_plot(["first", "second"], [f"machine {k}" for k in range(10)]).wide
    ys = [
        float(y) for y in re.findall(r'<use [^>]*y="([\d.]+)"[^>]*style="fill: var\(--series', svg)
    ]
    rows = {
        label: float(y)
        for y, label in re.findall(r'<text [^>]*\by="([\d.]+)"[^>]*>(first|second)</text>', svg)
    }
    height = rows["second"] - rows["first"]
    within = [sum(abs(y - at) < 0.5 * height for y in ys) for at in rows.values()]
    # A dot and two ends of its whisker for each machine.
    assert within == [30, 30]


# Shapes


def one_line(*marks: Mark, y: Axis | None = None, **look: Any) -> Drawing:
    """Draw a single line from 2 to 4 ms, and marks."""
    shape = Curves(
        x=Axis(label="x"),
        y=y or Axis(label="time, ms", unit=1e-3),
        lines=(replace(line("only", 2, (1, 10), [estimate(2e-3), estimate(4e-3)]), **look),),
        marks=marks,
    )
    return drawing("a", "b", shape)


def bands(svg: str) -> int:
    """Count areas that are filled lightly."""
    return len(re.findall(r"(?:fill-)?opacity: 0\.18", svg))


def marks_of(svg: str, index: int) -> list[tuple[str, str]]:
    """Return fill and edge of every mark in the colour of a series."""
    edge = re.escape(f"var(--series-{index + 1})")
    return re.findall(rf'<use [^>]*style="fill: ([^;"]+); stroke: ({edge})', svg)


def test_intervals_are_bands_and_whiskers_and_absent_where_there_are_none() -> None:
    """A line has a band, a dot whiskers; an estimate without an interval has neither."""
    lone = replace(estimate(2.0), low=None, high=None)
    assert bands(curves(["a", "b"]).wide) == 2
    assert bands(one_line(low=(), high=()).wide) == 0
    for part in (0, 1):
        ends = [None, None]
        ends[part] = 1e-3  # type: ignore[call-overload]
        # A band of a single point has no width, but is there.
        assert bands(one_line(low=tuple(ends), high=(3e-3, 5e-3)).wide) == 1
    for estimates, caps in (([estimate(2.0), lone], 2), ([lone, lone], 0), ([lone, None], 0)):
        shape = Dots(labels=("a", "b"), x=Axis(label="t"), rows=(row("", 0, estimates),))
        known = sum(each is not None for each in estimates)
        assert len(marks_of(drawing("a", "b", shape).wide, 0)) == known + caps


def test_a_colour_is_that_of_what_it_is_wherever_it_stands() -> None:
    """By the index and not by the place; the yardstick is in ink."""
    only = one_line().wide
    assert "var(--series-3)" in only
    assert "var(--series-1)" not in only
    assert "var(--series-" not in one_line(index=YARDSTICK).wide


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
    shape = Curves(
        x=Axis(label="x"),
        y=Axis(label="y"),
        lines=(line("a", 0, (1, 8), [estimate(1e-3), estimate(5e-3)]),),
        marks=(mark,),
        names="above",
    )
    for svg in both(drawing("a", "b", shape)):
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
    assert {"peak 3 ms", "L2", "in proportion", "best"} <= set(texts(inside.wide))
    assert {"peak", "L2", "in proportion", "best"} <= set(texts(inside.narrow))
    assert "peak 3 ms" not in texts(inside.narrow)
    assert "far away" not in texts(inside.wide)


def test_a_label_along_a_guide_has_its_slope_on_the_page() -> None:
    """The line rises, and so does the label, by the angle that it has when all is laid out."""
    guide = Guide(x=(1, 10), y=(2e-3, 4e-3), label="along", at=(2.0, 2.4e-3), along=True)
    for svg in both(one_line(guide)):
        (turned,) = re.findall(r'<text [^>]*transform="rotate\((-[\d.]+)[^>]*>along<', svg)
        assert 10 < -float(turned) < 80


def test_axes_have_a_shorter_label_on_a_phone() -> None:
    """Where there is one; and dot plots leave out what a logarithmic axis shows itself."""
    drawn = curves(["a", "b"])
    assert "rate, GFLOPS" in texts(drawn.wide)
    assert "rate" in texts(drawn.narrow)
    assert "rate, GFLOPS" not in texts(drawn.narrow)
    dots = dot_plot(["a"], ["b"])
    assert "milliseconds per epoch (logarithmic)" in texts(dots.wide)
    assert "milliseconds per epoch" in texts(dots.narrow)


@pytest.mark.parametrize(
    ("names", "wide", "narrow"), [("ends", False, True), ("above", True, True), ("none", 0, 0)]
)
def test_lines_are_named_where_the_shape_says(names: str, wide: bool, narrow: bool) -> None:  # noqa: FBT001
    """At their ends on a desk, above the axes on a phone; always above; or not at all."""
    drawn = curves(["first", "second"], names=names)
    assert ("legend_1" in drawn.wide) == wide
    assert ("legend_1" in drawn.narrow) == narrow
    assert ("first" in texts(drawn.wide)) == (names != "none")


def test_zero_or_log_begins_at_zero_unless_values_span_a_decade() -> None:
    """Bars of a factor of two are read against zero, of a factor of a hundred by decades."""

    def ticks_of(low: float, high: float) -> set[str]:
        estimates = [estimate(low), estimate(high)]
        y = Axis(label="y", scale="zero-or-log")
        lines = (line("", 0, (1, 10), estimates),)
        return set(texts(drawing("a", "b", Curves(x=Axis(label="x"), y=y, lines=lines)).wide))

    assert ticks_of(20, 90) & {"0", "0.0"}
    assert not ticks_of(2, 900) & {"0", "0.0"}
    assert {"10", "100"} <= ticks_of(2, 900)


def test_sizes_on_an_axis_of_bytes_are_the_first_and_the_last_and_do_not_meet() -> None:
    """Powers of two as one says them; those between only where there is room."""
    sizes = tuple(2**k for k in range(12, 27))
    shape = Curves(
        x=Axis(label="working set", scale="bytes", ticks=sizes),
        y=Axis(label="y"),
        lines=(line("", 0, sizes, [estimate(k + 1.0) for k, _ in enumerate(sizes)]),),
    )
    drawn = drawing("a", "b", shape)
    for svg, most in ((drawn.wide, 10), (drawn.narrow, 5)):
        shown = [text for text in texts(svg) if text.endswith("iB")]
        assert (shown[0], shown[-1]) == ("4 KiB", "64 MiB")
        assert 3 <= len(shown) <= most


# Numbers


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (0.00002, "0.00002"),
        (0.001, "0.001"),
        (0.25, "0.25"),
        (0.5, "0.5"),
        (1, "1"),
        (2.5, "2.5"),
        (20, "20"),
        (1000, "1,000"),
        (2_000_000, "2,000,000"),
        (1e8, f"1 {TIMES} 10⁸"),
        (5e30, f"5 {TIMES} 10³⁰"),
        (1e-9, f"1 {TIMES} 10⁻⁹"),
    ],
)
def test_ticks_are_plain_numbers(value: float, written: str) -> None:
    """As one writes them; powers of ten only where nobody would count the zeros."""
    assert plotting.tick(value) == written


@given(st.sampled_from([1, 2, 5]), st.integers(-12, 40))
def test_ticks_tell_the_truth(digit: int, exponent: int) -> None:
    """What is written is the value."""
    written = plotting.tick(digit * 10.0**exponent).replace(",", "")
    superscripts = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    number, _, power = written.translate(superscripts).partition(f" {TIMES} 10")
    assert float(number) * 10.0 ** int(power or 0) == pytest.approx(digit * 10.0**exponent)


@pytest.mark.parametrize(("low", "high"), [(0.2, 3), (3, 40), (0.01, 5000), (1e-3, 1e12)])
def test_logarithmic_axes_have_ticks_that_do_not_collide(low: float, high: float) -> None:
    """Two to twelve plain numbers, with 2 and 5 between the powers where there is room."""

    def draw(axes: Axes, **_: bool) -> None:
        plotting.log_axis(axes.yaxis)
        axes.plot([1, 2], [low, high])

    for svg in both(plotting.drawing("a", "b", draw)):
        found = re.findall(r'id="a_._ytick_\d+">.*?<text [^>]*\by="([\d.]+)"[^>]*>', svg, re.DOTALL)
        heights = sorted(float(y) for y in found)
        assert 2 <= len(heights) <= 12
        assert min(b - a for a, b in itertools.pairwise(heights)) > 12


@pytest.mark.parametrize("count", [1, 3, 8, 9, 30])
def test_axis_of_powers_of_two_shows_at_most_eight_and_the_last(count: int) -> None:
    """Sizes, widths and threads: the largest is always named."""
    values = [2**k for k in range(count)]

    def draw(axes: Axes, **_: bool) -> None:
        plotting.log2_axis(axes, values)
        axes.plot(values, values)

    svg = plotting.drawing("a", "b", draw).wide
    assert f"{values[-1]:,}" in texts(svg)
    assert 1 <= len(re.findall(r"xtick_\d+", svg)) <= 8


def test_missing_letters_do_not_reach_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """The page's font has them, only the one that measures has not."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = curves(["\N{HEBREW LETTER ALEF}", "\N{PILE OF POO}"])
    for svg in both(drawn):
        assert {"\N{HEBREW LETTER ALEF}", "\N{PILE OF POO}"} <= set(texts(svg))
    assert capfd.readouterr() == ("", "")


def test_drawing_holds_no_group_and_no_name_without_a_purpose() -> None:
    """A page has a hundred drawings, and each element costs its reader: every id is referred to.

    Legends and ticks can be found by theirs.
    """
    for svg in both(curves(["a", "b"])):
        assert "<g>" not in svg
        names = re.findall(r'\bid="([^"]+)"', svg)
        referred = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', svg))
        assert referred <= set(names)
        spare = [name for name in names if name not in referred]
        assert all(re.search(r"_(legend|[xy]tick)_\d+$", name) for name in spare), spare
        assert svg.count("<g ") == svg.count("</g>")
