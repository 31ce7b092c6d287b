"""Draws shapes: each figure twice, for a desk and for a phone."""

from __future__ import annotations

import itertools
import logging
import math
import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator, ScalarFormatter
from matplotlib.transforms import Affine2D, Bbox

from report.figures import plotting
from report.figures.shapes import YARDSTICK, Curves, Dots, Guide, Line, Points, Reference, Upright
from report.figures.svg import MUTED, PAPER, Drawing, series_id
from report.figures.values import series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis as Spine
    from matplotlib.lines import Line2D

    from report.figures.shapes import Axis, Mark, Row, Shape

Reach = tuple[float, float] | None
"""How far whiskers reach to either side of a dot; None where it has none."""

THIN = (0, (2, 2))

MOST_MARKERS, FEW_MARKERS = 14, 5
"""Of a line of the first many points or more, about the second many markers are drawn: all would
hide it."""

MANY_BANDS = 3
"""So many bands or more are drawn fainter: where they lie on each other they would be a blot."""


def drawing(name: str, alt: str, shape: Shape) -> Drawing:
    """Make both layouts of a shape; `plotting.drawing` says what name and alternative text are."""

    def draw(axes: Axes, *, narrow: bool) -> None:
        if isinstance(shape, Curves):
            _curves(axes, shape, narrow=narrow)
        elif isinstance(shape, Dots):
            _dots(axes, shape, narrow=narrow)
        else:
            shape.draw(axes, narrow=narrow)

    # Neither glyphs that a person's own labels lack nor numbers that an axis cannot hold are news
    # for the terminal.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        return plotting.drawing(name, alt, draw, height=shape.height)


def _curves(axes: Axes, shape: Curves, *, narrow: bool) -> None:
    _scale(axes, axes.xaxis, shape.x, narrow=narrow)
    _scale(axes, axes.yaxis, shape.y, narrow=narrow)
    drawn: list[Line2D] = []
    for number, one in enumerate(series(shape)):
        if isinstance(one, Line):
            drawn.append(_line(axes, one, number, shape))
        else:
            _points(axes, one, number, shape)
    _limits(axes, shape)
    for mark in shape.marks:
        _mark(axes, mark, shape, narrow=narrow)
    axes.set_xlabel((narrow and shape.x.narrow) or shape.x.label)
    axes.set_ylabel((narrow and shape.y.narrow) or shape.y.label)
    if shape.names == "ends":
        plotting.name_lines(axes, drawn, narrow=narrow)
    elif shape.names == "above":
        plotting.legend_above(axes, narrow=narrow)


def _scale(axes: Axes, spine: Spine, axis: Axis, *, narrow: bool) -> None:
    match axis.scale:
        case "log":
            # On a phone the longest of these labels would meet.
            plotting.log_axis(spine, most=5 if narrow and spine is axes.xaxis else 12)
        case "log2":
            plotting.log2_axis(axes, axis.ticks)
        case "bytes":
            plotting.byte_axis(axes, sorted(set(axis.ticks)), narrow=narrow)
        case "seconds":
            plotting.time_axis(spine, narrow=narrow)
        case "whole" if axis.names:
            plotting.named_axis(axes, axis.names, narrow=narrow)
        case "whole":
            spine.set_major_locator(MaxNLocator(8, integer=True))
            spine.set_major_formatter(_Grouped())
        case _:
            spine.set_major_formatter(_Grouped())


class _Grouped(ScalarFormatter):
    """Writes the thousands of a linear axis as all other numbers have them: 1,000."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        text: str = super().__call__(x, pos)
        return re.sub(r"(?<![.\d])\d{4,}", lambda found: f"{int(found[0]):,}", text)


def _line(axes: Axes, line: Line, number: int, shape: Curves) -> Line2D:
    x = [value / shape.x.unit for value in line.x]
    y = [value / shape.y.unit for value in line.y]
    colour = plotting.colour(line.index)
    marker = plotting.marker(line.index + line.twin)
    marked = line.marked is not False
    # Staggered, so that lines that lie on each other can be told apart.
    every = 1 if line.marked or len(x) < MOST_MARKERS else -(-len(x) // FEW_MARKERS)
    (drawn,) = axes.plot(
        x,
        y,
        color=colour,
        linestyle=line.dash or plotting.dash(line.index + line.twin),
        linewidth=line.width,
        marker=marker if marked else None,
        markevery=(number * every // FEW_MARKERS % every, every),
        markersize=8 if line.hollow else plotting.SIZES.get(marker, 5.0),
        markerfacecolor=PAPER if line.hollow else colour,
        label=plotting.safe(line.name),
        gid=series_id(number),
    )
    band = [
        (at, low / shape.y.unit, high / shape.y.unit)
        for at, low, high in zip(x, line.low, line.high, strict=False)
        if low is not None and high is not None
    ]
    if band:
        several = sum(bool(one.low) for one in shape.lines) >= MANY_BANDS
        at, low, high = zip(*band, strict=True)
        axes.fill_between(
            at,
            low,
            high,
            color=colour,
            alpha=0.09 if several else 0.18,
            linewidth=0,
            gid=series_id(number),
        )
    return drawn


def _points(axes: Axes, points: Points, number: int, shape: Curves) -> None:
    x_unit, y_unit = shape.x.unit, shape.y.unit
    look = {
        "markersize": points.size or (8 if points.marker else 5),
        "markerfacecolor": PAPER if points.hollow else plotting.colour(points.index),
        "markeredgewidth": 1.4 if points.hollow else 1,
    }
    ends = itertools.zip_longest(points.x, points.y, points.low, points.high)
    dots = [(x / x_unit, y / y_unit, _reach(y, low, high, y_unit)) for x, y, low, high in ends]
    for each in _markers(axes, points, dots, "yerr", look):
        each.set_gid(series_id(number))
    if points.label and points.x:
        axes.annotate(
            points.label,
            (points.x[0] / x_unit, points.y[0] / y_unit),
            xytext=(0, -11),
            textcoords="offset points",
            ha="center",
            va="top",
            color=plotting.colour(YARDSTICK),
        )


def _reach(value: float, low: float | None, high: float | None, unit: float) -> Reach:
    if low is None or high is None:
        return None
    # Of two processes that hardly agree, an interval can have no end that an axis has room for.
    return ((value - low) / unit, (min(high, abs(value) * 1e100) - value) / unit)


def _markers(
    axes: Axes,
    series: Points | Row,
    dots: Sequence[tuple[float, float, Reach]],
    along: str,
    look: Any,
) -> list[Artist]:
    """Draw the dots of a series, those with whiskers in one go and those without in another."""
    label = plotting.safe(series.name) if series.name else None
    drawn: list[Artist] = []
    for known in (True, False):
        mine = [dot for dot in dots if (dot[2] is not None) == known]
        if mine:
            x, y, ends = zip(*mine, strict=True)
            whiskers: Any = {along: [*zip(*ends, strict=True)]} if known else {}
            bars = axes.errorbar(
                x,
                y,
                fmt=series.marker or plotting.marker(series.index + series.twin),
                color=plotting.colour(series.index),
                elinewidth=1.4,
                capsize=3,
                label=label,
                **look,
                **whiskers,
            )
            drawn += bars.get_children()
            label = None  # one entry in the legend is enough
    return drawn


def _limits(axes: Axes, shape: Curves) -> None:
    if shape.y.scale == "zero-or-log":
        low, high = axes.dataLim.y0, axes.dataLim.y1
        if high < 10 * low:
            axes.set_ylim(0, 1.12 * high)
        else:
            plotting.log_axis(axes.yaxis)
    # As lines and points need, and not what is drawn beside them.
    axes.set_xlim(*_ends(shape.x, *axes.get_xlim()))
    axes.set_ylim(*_ends(shape.y, *axes.get_ylim()))


def _ends(axis: Axis, low: float, high: float) -> tuple[float, float]:
    low = low if axis.low is None else axis.low
    return low / axis.room, high if axis.high is None else axis.high


def _mark(axes: Axes, mark: Mark, shape: Curves, *, narrow: bool) -> None:
    match mark:
        case Reference():
            _reference(axes, mark, shape, narrow=narrow)
        case Upright():
            left, right = axes.get_xlim()
            if left < mark.x / shape.x.unit < right:
                _upright(axes, mark.x / shape.x.unit, mark)
        case Guide():
            _guide(axes, mark, shape, narrow=narrow)


def _reference(axes: Axes, mark: Reference, shape: Curves, *, narrow: bool) -> None:
    """Draw a thin horizontal line, its label where it covers least of the series' lines."""
    y, ends = mark.y / shape.y.unit, 1.0
    label = (narrow and mark.narrow) or mark.label
    to_axes = axes.transScale + axes.transLimits
    paths = [
        to_axes.transform(np.column_stack([one.x, one.y]) / (shape.x.unit, shape.y.unit))
        for one in shape.lines
    ]
    if shape.names == "ends" and not narrow and len(paths) > 1:
        ends = max(float(path[-1][0]) for path in paths)  # the names of lines stand further on
    axes.axhline(y, xmax=ends, color=MUTED, linewidth=1, linestyle=THIN)
    width, height = plotting.room(label, shape.height, narrow=narrow)
    level = float(to_axes.transform((axes.get_xlim()[0], y))[1])
    paths += [
        to_axes.transform([(mark.x / shape.x.unit, end) for end in axes.get_ylim()])
        for mark in shape.marks
        if isinstance(mark, Upright)
    ]

    def covered(place: tuple[float, bool]) -> int:
        start, below = place
        box = Bbox.from_bounds(start, level - below * height, width, height)
        inside = sum(bool(Path(path).intersects_bbox(box, filled=False)) for path in paths)
        return inside + (len(paths) if box.y0 < 0 or box.y1 > 1 else 0)

    starts = [share * max(0.0, ends - width) for share in (0.0, 1.0, 0.5, 0.25, 0.75)]
    sides = (mark.below, not mark.below)
    start, below = min(itertools.product(starts, sides), key=covered)
    va = "top" if below else "bottom"
    offset = (4, -3 if below else 3)
    _note(axes, label, (start, y), offset, xycoords=("axes fraction", "data"), va=va)


def _note(
    axes: Axes, text: str, at: tuple[float, float], offset: tuple[float, float], **look: Any
) -> None:
    look |= {"textcoords": "offset points", "color": MUTED, "fontsize": plotting.SMALL}
    axes.annotate(text, at, xytext=offset, **look)


def _upright(axes: Axes, x: float, mark: Upright) -> None:
    """Draw a thin vertical line, its label on the side with more room."""
    axes.axvline(x, color=MUTED, linewidth=1, linestyle=THIN)
    share, _ = (axes.transScale + axes.transLimits).transform((x, axes.get_ylim()[0]))
    # At its foot the label runs along the line, and needs room only in the last tenth.
    late = share > (0.5 if mark.top else 0.9)
    side = -1 if late else 1
    _note(
        axes,
        mark.label,
        (x, 1 if mark.top else 0),
        (5 * side, -4) if mark.top else (3 * side, 5),
        xycoords=("data", "axes fraction"),
        rotation=0 if mark.top else 90,
        ha="right" if late else "left",
        va="top" if mark.top else "bottom",
    )


def _guide(axes: Axes, guide: Guide, shape: Curves, *, narrow: bool) -> None:
    x = [value / shape.x.unit for value in guide.x]
    y = [value / shape.y.unit for value in guide.y]
    look: Any = {"color": MUTED, "linestyle": THIN}
    if guide.colour is not None:
        look = {"color": plotting.colour(guide.colour), "linestyle": "-"}
    axes.plot(x, y, linewidth=1, **look)
    label = (narrow and guide.narrow) or guide.label
    at = (guide.at[0] / shape.x.unit, guide.at[1] / shape.y.unit)
    place: Any = {"ha": guide.ha, "va": guide.va}
    if guide.along:
        angle = math.degrees(math.atan2(y[-1] - y[0], x[-1] - x[0]))
        # Turned once the layout is known, by the angle that the line then has.
        place |= {"rotation_mode": "anchor", "transform_rotates_text": True}
        # Off the line that it runs along.
        off = axes.transData + Affine2D().translate(0, -3 if guide.va == "top" else 3)
        place |= {"color": MUTED, "fontsize": plotting.SMALL, "transform": off}
        axes.text(*at, label, rotation=angle, **place)
    elif label:
        _note(axes, label, at, guide.offset, **place)


def _dots(axes: Axes, shape: Dots, *, narrow: bool) -> None:
    plotting.dot_axes(axes, shape.labels, shape.x.label, narrow=narrow)
    if shape.x.scale == "seconds":
        plotting.time_axis(axes.xaxis, narrow=narrow)
    for place, row in enumerate(shape.rows):
        _row(axes, row, place, shape)
    if shape.x.low is not None or shape.x.high is not None:
        axes.set_xlim(shape.x.low, shape.x.high)
    if any(row.name for row in shape.rows):
        plotting.legend_above(axes, narrow=narrow)


def _row(axes: Axes, row: Row, number: int, shape: Dots) -> None:
    look = {
        "markersize": 8 if row.marker else 6.5,
        "markerfacecolor": PAPER if row.hollow or row.marker else plotting.colour(row.index),
    }
    rows = enumerate(zip(row.values, row.low, row.high, strict=True))
    lower, unit = shape.lower(number), shape.x.unit
    dots = [
        (value / unit, at + lower, _reach(value, low, high, unit))
        for at, (value, low, high) in rows
        if value is not None
    ]
    for each in _markers(axes, row, dots, "xerr", look):
        each.set_gid(series_id(number))
