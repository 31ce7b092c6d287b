"""Drawings: the same bytes each time, in the page's colours and letters, with legible labels."""

from __future__ import annotations

import itertools
import re
from html import unescape
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from report.analysis.estimate import Estimate
from report.figures import plotting, ticks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    from matplotlib.axes import Axes

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


def curves(labels: Sequence[str], ends: Sequence[float] | None = None) -> plotting.Drawing:
    """Draw a curve for each label, all over the same values, named at its end."""
    tops = ends or [10.0**k for k, _ in enumerate(labels)]

    def draw(axes: Axes, *, narrow: bool) -> None:
        ticks.log2_axis(axes, [64, 128, 256])
        ticks.log_axis(axes.yaxis)
        drawn = [
            plotting.line(
                axes,
                [64, 128, 256],
                [estimate(top * part) for part in (0.5, 0.9, 1)],
                k,
                label=label,
            )
            for k, (label, top) in enumerate(zip(labels, tops, strict=True))
        ]
        axes.set_xlabel("n")
        axes.set_ylabel("rate, GFLOPS")
        plotting.name_lines(axes, drawn, narrow=narrow)

    return plotting.drawing("some-figure", "What it shows", draw)


def dot_plot(labels: Sequence[str], series: Sequence[str]) -> plotting.Drawing:
    """Draw a row for each label, with a dot for each series."""

    def draw(axes: Axes, *, narrow: bool) -> None:
        plotting.dot_axes(axes, labels, "milliseconds per epoch", narrow=narrow)
        for k, name in enumerate(series):
            plotting.dots(axes, [estimate(10.0 ** (k + 1)) for _ in labels], k, label=name)
        plotting.legend_above(axes, narrow=narrow)

    return plotting.drawing("some-figure", "What it shows", draw)


def texts(svg: str) -> list[str]:
    """Return what is written in a drawing."""
    return [unescape(text) for text in re.findall(r"<text [^>]*>([^<]*)</text>", svg)]


def parsed(svg: str) -> Element:
    """Parse a drawing as XML, which is stricter than HTML."""
    return ET.fromstring(svg)  # noqa: S314 (it was made here)


def both(drawing: plotting.Drawing) -> list[str]:
    """Return both layouts."""
    return [drawing.wide, drawing.narrow]


# What a drawing is made of


def test_drawing_is_the_same_each_time() -> None:
    """No date, no random id."""
    assert curves(["a", "b"]) == curves(["a", "b"])


@pytest.mark.parametrize("svg", both(curves(["a", "b"])) + both(dot_plot(["a"], ["b", "c"])))
def test_drawing_is_part_of_a_page(svg: str) -> None:
    """Well-formed, a picture with a name, no stand-in colour, no date, no maker, no address."""
    root = parsed(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == "What it shows"
    assert not re.search(r"#[0-9a-f]{6}|#[0-9a-f]{3}\b", svg)
    for unwanted in (
        "<metadata",
        "dc:",
        "Matplotlib",
        "matplotlib.org",
        "xlink",
        "<?xml",
        "DejaVu",
    ):
        assert unwanted not in svg
    assert set(re.findall(r"https?://[^\"<]*", svg)) == {"http://www.w3.org/2000/svg"}
    colours = set(re.findall(r"(?:fill|stroke): (?!none)([^;\"]+)", svg))
    assert colours
    assert all(re.fullmatch(r"var\(--(series-\d|ink|muted|rule|paper)\)", each) for each in colours)


@pytest.mark.parametrize("svg", both(curves(["a", "b"])))
def test_text_is_text_of_a_legible_size(svg: str) -> None:
    """Letters are letters, not outlines, of at least 11 pixels in the layout's own size."""
    assert {"a", "b", "n", "rate, GFLOPS", "64", "256"} <= set(texts(svg))
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", svg)]
    assert len(sizes) == svg.count("<text")
    assert min(sizes) >= 11


def test_layouts_are_as_wide_as_they_say() -> None:
    """A text of 12 pixels is 12 pixels only where the drawing is not scaled."""
    drawing = curves(["a", "b"])
    assert f'viewBox="0 0 {plotting.WIDE} ' in drawing.wide
    assert f'viewBox="0 0 {plotting.NARROW} ' in drawing.narrow


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
        drawing = plotting.drawing(
            "a-1", "b", lambda axes, **_: axes.plot([1, 2], "o-"), height=height
        )
        return re.findall(r'(?:id="|url\(#|href="#)([^)"]+)', "".join(both(drawing)))

    assert ids(380) == ids(381)
    assert all(re.fullmatch(r"a-1_[wn]_(\d+|legend_1|[xy]tick_\d+)", one) for one in ids(380))


def test_description_is_escaped() -> None:
    """A machine's or a run's name may hold anything."""
    drawn = plotting.drawing("a", "say \"<x>\" & 'y'", lambda axes, **_: axes.plot([1], [1]))
    assert parsed(drawn.wide).get("aria-label") == "say \"<x>\" & 'y'"


# Labels


@pytest.mark.parametrize("label", ODD_LABELS)
def test_labels_are_shown_as_they_are(label: str) -> None:
    """No formula is set, no underscore hides, and what looks like SVG's own words stays."""
    for svg in [*both(curves([label, "other"])), *both(dot_plot([label], [label, "other"]))]:
        parsed(svg)
        shown = [text.replace("\N{ZERO WIDTH SPACE}", "") for text in texts(svg)]
        assert label in shown


def test_label_that_matplotlib_would_hide_is_made_visible() -> None:
    """Those with an underscore in front; others stay the same string."""
    assert plotting.safe("_a") == "\N{ZERO WIDTH SPACE}_a"
    assert plotting.safe("a_") == "a_"


LONG = "a-machine-with-a-very-long-name-that-somebody-gave-it-0123456789"


@pytest.mark.parametrize("count", [1, 2, 5])
def test_long_names_fit_and_leave_the_axes_their_room(count: int) -> None:
    """Legend and rows are broken into lines; a layout that finds no room would warn."""
    names = [f"{k} {LONG}" for k in range(count)]
    for drawing in (curves(names), dot_plot(names, names)):
        for svg in both(drawing):
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
    for a, low in zip(ends, heights, strict=True):
        for b, high in zip(ends, heights, strict=True):
            assert not (a < b and low < high)


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

    def draw(axes: Axes, *, narrow: bool) -> None:
        lines = [
            plotting.line(axes, [1, 2, 4], [estimate(v) for v in (1, 2, 3)], 0, label="long"),
            plotting.line(axes, [1, 2], [estimate(v) for v in (1, 2)], 1, label="short"),
        ]
        plotting.name_lines(axes, lines, narrow=narrow)

    drawing = plotting.drawing("a", "b", draw)
    for svg in both(drawing):
        assert "legend_1" in svg
        assert {"long", "short"} <= set(texts(svg))
    assert "legend_1" not in curves(["a", "b"]).wide
    assert "legend_1" in curves(["a", "b"]).narrow


def test_single_line_needs_no_name() -> None:
    """The axes say it all."""
    assert "only" not in texts(curves(["only"]).wide) + texts(curves(["only"]).narrow)


def test_many_series_stay_within_their_row() -> None:
    """Dots of ten machines lie in the order of the machines, above those of the next row."""
    svg = dot_plot(["first", "second"], [f"machine {k}" for k in range(10)]).wide
    ys = [
        float(y) for y in re.findall(r'<use [^>]*y="([\d.]+)"[^>]*style="fill: var\(--series', svg)
    ]
    rows = {
        label: float(y)
        for y, label in re.findall(r'<text [^>]*\by="([\d.]+)"[^>]*>(first|second)</text>', svg)
    }
    height = rows["second"] - rows["first"]
    in_first = [y for y in ys if rows["first"] - 10 < y < rows["first"] + 0.85 * height]
    in_second = [y for y in ys if rows["second"] - 10 < y < rows["second"] + 0.85 * height]
    # A dot and two ends of its whisker for each machine.
    assert (len(in_first), len(in_second)) == (30, 30)


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
    assert ticks.tick(value) == written


@given(st.sampled_from([1, 2, 5]), st.integers(-12, 40))
def test_ticks_tell_the_truth(digit: int, exponent: int) -> None:
    """What is written is the value."""
    written = ticks.tick(digit * 10.0**exponent).replace(",", "")
    superscripts = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    number, _, power = written.translate(superscripts).partition(f" {TIMES} 10")
    assert float(number) * 10.0 ** int(power or 0) == pytest.approx(digit * 10.0**exponent)


@pytest.mark.parametrize(("low", "high"), [(0.2, 3), (3, 40), (0.01, 5000), (1e-3, 1e12)])
def test_logarithmic_axes_have_ticks_that_do_not_collide(low: float, high: float) -> None:
    """Two to twelve plain numbers, with 2 and 5 between the powers where there is room."""

    def draw(axes: Axes, *, narrow: bool) -> None:
        del narrow
        ticks.log_axis(axes.yaxis)
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

    def draw(axes: Axes, *, narrow: bool) -> None:
        del narrow
        ticks.log2_axis(axes, values)
        axes.plot(values, values)

    shown = set(texts(plotting.drawing("a", "b", draw).wide))
    ours = {f"{value:,}" for value in values} & shown
    assert f"{values[-1]:,}" in shown
    assert 1 <= len(re.findall(r"xtick_\d+", plotting.drawing("a", "b", draw).wide)) <= 8
    assert ours


def test_missing_letters_do_not_reach_the_terminal() -> None:
    """The page's font has them, only the one that measures has not."""
    with plotting.warnings_are_ours():
        drawing = curves(["\N{HEBREW LETTER ALEF}", "\N{PILE OF POO}"])
    for svg in both(drawing):
        assert {"\N{HEBREW LETTER ALEF}", "\N{PILE OF POO}"} <= set(texts(svg))


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
