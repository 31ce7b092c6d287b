"""Draws shapes: each figure twice, for a desk and for a phone."""

from __future__ import annotations

import functools
import importlib.metadata
import inspect
import math
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.ticker import MaxNLocator

from report.figures import plotting
from report.figures.plotting import Drawing
from report.figures.shapes import Curves, Dots, Guide, Points, Reference, Upright
from report.figures.svg import MUTED, PAPER
from report.results.cache import key
from report.text.names import size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis as Spine
    from matplotlib.lines import Line2D

    from report.figures.figure import Figure
    from report.figures.shapes import Axis, Line, Mark, Row, Shape
    from report.results.cache import Cache

THIN = (0, (2, 2))
DECADE = 10


FEW = 4
"""So many drawings are made sooner than another process has started."""


def drawings(figures: Sequence[Figure], cache: Cache) -> dict[str, Drawing]:
    """Make the drawings of figures, each only where nobody made it before.

    Args:
        figures: In any number; those without a shape have none.
        cache: Of earlier drawings.

    Returns:
        By the figure's fingerprint.
    """
    wanted = {f.fingerprint: f for f in figures if f.shape is not None}
    keys = {name: key(name, _code(figure.shape)) for name, figure in wanted.items()}
    made: dict[str, Drawing] = {}
    for name, kept in keys.items():
        content = cache.get(kept)
        if content is not None:
            wide, _, narrow = content.decode().partition("\0")
            made[name] = Drawing(wide=wide, narrow=narrow)
    for name, one in _drawn({n: f for n, f in wanted.items() if n not in made}):
        cache.put(keys[name], f"{one.wide}\0{one.narrow}".encode())
        made[name] = one
    return made


def _drawn(figures: Mapping[str, Figure]) -> Iterator[tuple[str, Drawing]]:
    """Draw, in as many processes as there are cores; each figure is on its own."""
    jobs = [(f.name, f.words.alt, f.shape) for f in figures.values() if f.shape is not None]
    if len(jobs) <= FEW:
        yield from zip(figures, (drawing(*job) for job in jobs), strict=True)
        return
    # Fresh processes: one that is forked may hang in a library's threads.
    context = multiprocessing.get_context("spawn")
    workers = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1, 8)
    with ProcessPoolExecutor(max(1, workers), mp_context=context) as pool:
        yield from zip(figures, pool.map(drawing, *zip(*jobs, strict=True)), strict=True)


@functools.cache
def _code_of(*sources: Path) -> str:
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("matplotlib", "numpy")]
    return key(*versions, *(source.read_bytes() for source in sources))


def _code(shape: Shape | None) -> str:
    """Return a hash of the code that draws a shape, and of its libraries' versions."""
    here = sorted(Path(__file__).parent.glob("*.py"))
    return _code_of(*here, Path(inspect.getfile(type(shape))))


def drawing(name: str, alt: str, shape: Shape) -> Drawing:
    """Make both layouts of a shape.

    Args:
        name: Unique on its page; prefixes all ids inside.
        alt: What a person would say about it on the phone.
        shape: What to draw.
    """

    def draw(axes: Axes, *, narrow: bool) -> None:
        if isinstance(shape, Curves):
            _curves(axes, shape, narrow=narrow)
        elif isinstance(shape, Dots):
            _dots(axes, shape, narrow=narrow)
        else:
            shape.draw(axes, narrow=narrow)

    with plotting.warnings_are_ours():
        return plotting.drawing(name, alt, draw, height=shape.height)


def _curves(axes: Axes, shape: Curves, *, narrow: bool) -> None:
    _scale(axes, axes.xaxis, shape.x, narrow=narrow)
    _scale(axes, axes.yaxis, shape.y, narrow=narrow)
    drawn = [_line(axes, line, shape) for line in shape.lines]
    for mark in shape.marks:
        if isinstance(mark, Points):
            _points(axes, mark, shape)
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
            plotting.log_axis(spine, most=6 if narrow and spine is axes.xaxis else 12)
        case "log2":
            plotting.log2_axis(axes, axis.ticks)
        case "bytes":
            _byte_axis(axes, sorted(set(axis.ticks)), narrow=narrow)
        case "seconds":
            plotting.time_axis(spine, narrow=narrow)
        case "whole":
            spine.set_major_locator(MaxNLocator(8, integer=True))


def _byte_axis(axes: Axes, sizes: Sequence[int], *, narrow: bool) -> None:
    """Lay out a horizontal axis of powers of two, labelled as sizes: 4 KiB, 1 MiB."""
    plotting.log2_axis(axes, sizes)
    # As far apart as labels need to be, always with the first and the last.
    least = math.log2(sizes[-1] / sizes[0]) / (3.5 if narrow else 9.5)
    shown = [sizes[0]]
    for each in sizes[1:-1]:
        if min(math.log2(each / shown[-1]), math.log2(sizes[-1] / each)) >= least:
            shown.append(each)
    shown = list(dict.fromkeys([*shown, sizes[-1]]))
    axes.set_xticks(shown, [size(each) for each in shown])


def _line(axes: Axes, line: Line, shape: Curves) -> Line2D:
    x = [value / shape.x.unit for value in line.x]
    colour = line.index if line.colour is None else line.colour
    look = plotting.style(line.index, len(x)) | {"color": plotting.colour(colour)}
    if line.dash is not None:
        look["linestyle"] = line.dash
    if line.width is not None:
        look["linewidth"] = line.width
    if line.marked is not None:
        own = plotting.MARKERS[line.index % len(plotting.MARKERS)]
        look["marker"] = own if line.marked else None
    if line.hollow:
        look |= {"markerfacecolor": PAPER, "markersize": 8}
    y = [value / shape.y.unit for value in line.y]
    (drawn,) = axes.plot(x, y, **look, label=plotting.safe(line.name))
    band = [
        (at, low / shape.y.unit, high / shape.y.unit)
        for at, low, high in zip(x, line.low, line.high, strict=False)
        if low is not None and high is not None
    ]
    if band:
        at, low, high = zip(*band, strict=True)
        axes.fill_between(at, low, high, color=look["color"], alpha=0.18, linewidth=0)
    return drawn


def _limits(axes: Axes, shape: Curves) -> None:
    if shape.y.scale == "zero-or-log":
        low, high = axes.dataLim.y0, axes.dataLim.y1
        if high < DECADE * low:
            axes.set_ylim(0, 1.12 * high)
        else:
            plotting.log_axis(axes.yaxis)
    # As lines and points need, and not what is drawn beside them.
    for axis, get, put in (
        (shape.x, axes.get_xlim, axes.set_xlim),
        (shape.y, axes.get_ylim, axes.set_ylim),
    ):
        low, high = get()
        low = low if axis.low is None else axis.low
        put(low / axis.room, high if axis.high is None else axis.high)


def _mark(axes: Axes, mark: Mark, shape: Curves, *, narrow: bool) -> None:
    match mark:
        case Reference():
            label = (narrow and mark.narrow) or mark.label
            plotting.reference(axes, mark.y / shape.y.unit, label, below=mark.below)
        case Upright():
            left, right = axes.get_xlim()
            if left < mark.x / shape.x.unit < right:
                _upright(axes, mark.x / shape.x.unit, mark.label, top=mark.top)
        case Guide():
            _guide(axes, mark, shape, narrow=narrow)


def _upright(axes: Axes, x: float, label: str, *, top: bool) -> None:
    """Draw a thin vertical line, its label on the side with more room."""
    left, right = axes.get_xlim()
    axes.axvline(x, color=MUTED, linewidth=1, linestyle=THIN)
    if axes.get_xscale() == "log":
        share = math.log(x / left) / math.log(right / left)
    else:
        share = (x - left) / (right - left)
    # At its foot the label runs along the line, and needs room only in the last tenth.
    late = share > (0.5 if top else 0.9)
    side = -1 if late else 1
    axes.annotate(
        label,
        (x, 1 if top else 0),
        xycoords=("data", "axes fraction"),
        xytext=(5 * side, -4) if top else (3 * side, 5),
        textcoords="offset points",
        color=MUTED,
        fontsize=11.5,
        rotation=0 if top else 90,
        ha="right" if late else "left",
        va="top" if top else "bottom",
    )


def _guide(axes: Axes, guide: Guide, shape: Curves, *, narrow: bool) -> None:
    plain = guide.colour is None
    x = [value / shape.x.unit for value in guide.x]
    y = [value / shape.y.unit for value in guide.y]
    axes.plot(
        x,
        y,
        color=MUTED if guide.colour is None else plotting.colour(guide.colour),
        linewidth=1,
        linestyle=THIN if plain else "-",
    )
    label = (narrow and guide.narrow) or guide.label
    at = (guide.at[0] / shape.x.unit, guide.at[1] / shape.y.unit)
    look: Any = {"ha": guide.ha, "va": guide.va, "color": MUTED, "fontsize": 11.5}
    if guide.along:
        angle = math.degrees(math.atan2(y[-1] - y[0], x[-1] - x[0]))
        # Turned once the layout is known, by the angle that the line then has.
        look |= {"rotation_mode": "anchor", "transform_rotates_text": True}
        axes.text(*at, label, rotation=angle, **look)
    elif label:
        axes.annotate(label, at, xytext=guide.offset, textcoords="offset points", **look)


def _points(axes: Axes, points: Points, shape: Curves) -> None:
    marker = points.marker or plotting.MARKERS[points.index % len(plotting.MARKERS)]
    colour = plotting.colour(points.index)
    for k, (x, y) in enumerate(zip(points.x, points.y, strict=True)):
        low = points.low[k] if points.low else None
        high = points.high[k] if points.high else None
        ends = None
        if low is not None and high is not None:
            ends = [[(y - low) / shape.y.unit], [(high - y) / shape.y.unit]]
        axes.errorbar(
            [x / shape.x.unit],
            [y / shape.y.unit],
            yerr=ends,
            fmt=marker,
            color=colour,
            markersize=points.size or (8 if points.marker else 5),
            markerfacecolor=PAPER if points.hollow else colour,
            markeredgewidth=1.4 if points.hollow else 1,
            elinewidth=1.4,
            capsize=3,
            label=plotting.safe(points.name) if points.name and not k else "_",
        )
    if points.label and points.x:
        axes.annotate(
            points.label,
            (points.x[0] / shape.x.unit, points.y[0] / shape.y.unit),
            xytext=(0, -11),
            textcoords="offset points",
            ha="center",
            va="top",
            color=plotting.colour(plotting.YARDSTICK),
        )


def _dots(axes: Axes, shape: Dots, *, narrow: bool) -> None:
    plotting.dot_axes(axes, shape.labels, shape.x.label, narrow=narrow)
    if shape.x.scale == "seconds":
        plotting.time_axis(axes.xaxis, narrow=narrow)
    for index, row in enumerate(shape.rows):
        _row(axes, row, index, shape)
    if shape.x.low is not None or shape.x.high is not None:
        axes.set_xlim(shape.x.low, shape.x.high)
    if any(row.name for row in shape.rows):
        plotting.legend_above(axes, narrow=narrow)


def _row(axes: Axes, row: Row, place: int, shape: Dots) -> None:
    # Closer and closer, so that any number of series stays within its row; or evenly, if known.
    lower = 0.8 * (1 - 0.8**place)
    if shape.of is not None:
        lower = 0.76 * ((place % shape.of + 0.5) / shape.of - 0.5)
    colour = plotting.colour(row.index)
    label = plotting.safe(row.name) if row.name else None
    for at, (value, low, high) in enumerate(zip(row.values, row.low, row.high, strict=True)):
        if value is None:
            continue
        ends = None
        if low is not None and high is not None:
            ends = [[(value - low) / shape.x.unit], [(high - value) / shape.x.unit]]
        axes.errorbar(
            [value / shape.x.unit],
            [at + lower],
            xerr=ends,
            fmt=row.marker or plotting.MARKERS[row.index % len(plotting.MARKERS)],
            color=colour,
            markerfacecolor=PAPER if row.hollow or row.marker else colour,
            markersize=8 if row.marker else 6.5,
            elinewidth=1.4,
            capsize=3,
            label=label,
        )
        label = None  # one entry in the legend is enough
