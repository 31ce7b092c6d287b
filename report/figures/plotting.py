"""The one style of all figures: deterministic SVG with real text that follows the page's theme.

Every figure is laid out twice, for a desk and for a phone, because text in a
scaled picture would become too small to read.
"""

from __future__ import annotations

import functools
import io
import math
import textwrap
from typing import TYPE_CHECKING, Any, ClassVar

import matplotlib as mpl
import numpy as np
from matplotlib.axis import Axis, XAxis
from matplotlib.backend_bases import FigureCanvasBase, RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.offsetbox import DrawingArea
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from report.figures.shapes import YARDSTICK
from report.figures.svg import INK, MUTED, RULE, SERIES, Drawing, for_page
from report.text.names import size
from report.text.numerals import digits, scaled, scientific, stable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*"]
DASHES = ["-", "--", "-.", (0, (1, 1.2)), (0, (5, 1, 1, 1)), (0, (3, 1)), "-", "--"]

SMALL = 11.5
"""Size in pixels of what is written beside lines, and of all text on a phone."""

SIZES = {"P": 7.0, "X": 7.0, "*": 9.0}
"""Of markers that cover little of their square; the others have 5 pixels."""

_RC: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "minibatch-report",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 4,
    "ytick.major.size": 0,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "legend.frameon": False,
}

# matplotlib writes the date and its own address otherwise; neither belongs on a page.
_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}

WIDE, NARROW = 700, 340
"""Widths in CSS pixels for which the two layouts are made."""

_BELOW_AXES = 50
"""Pixels that ticks and the label of a horizontal axis take."""

_LETTER, _SAMPLE = 7, 45
"""Pixels that a letter takes, and the sample of a line in a legend."""


def drawing(name: str, alt: str, draw: Callable[..., Any], *, height: int = 380) -> Drawing:
    """Make both layouts of a figure; `draw` is told in which of the two it draws into axes.

    The name is unique on its page and prefixes all ids inside. The height is in CSS pixels; on a
    phone, where names take more lines, it is at least 300.
    """
    wide, wide_axes = _svg(draw, (WIDE, height), narrow=False)
    narrow, narrow_axes = _svg(draw, (NARROW, max(300, height)), narrow=True)
    return Drawing(
        wide=for_page(wide, f"{name}_w", alt, wide_axes),
        narrow=for_page(narrow, f"{name}_n", alt, narrow_axes),
    )


class _Remembering(RendererBase):
    """Remembers how large texts are; matplotlib would measure them again for each drawing."""

    extents: ClassVar[dict[Any, tuple[float, float, float]]] = {}

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: Any
    ) -> tuple[float, float, float]:
        key = type(self), s, prop
        if key not in self.extents:
            self.extents[key] = super().get_text_width_height_descent(s, prop, ismath)
        return self.extents[key]

    def _get_font_height_metrics(self, prop: FontProperties) -> tuple[float, float, float]:
        """Do for each font what matplotlib, which asks for this, would do for each text."""
        return _font_heights(prop.get_weight(), prop.get_size_in_points())


@functools.cache
def _font_heights(weight: str | int, points: float) -> tuple[float, float, float]:
    """Return ascent, descent and line gap in pixels."""
    font = get_font(findfont(FontProperties(weight=weight)))
    table: Any = font.get_sfnt_table("OS/2")
    scale = points / font.units_per_EM
    return (
        table["sTypoAscender"] * scale,
        -table["sTypoDescender"] * scale,
        table["sTypoLineGap"] * scale,
    )


class _LayoutRenderer(_Remembering, RendererAgg):
    """Measures, and draws nothing: one serves the layouts of all drawings."""


class _PageRenderer(_Remembering, RendererSVG):
    """Draws."""


class _Canvas(FigureCanvasBase):
    @staticmethod
    @functools.cache
    def get_renderer() -> _LayoutRenderer:
        return _LayoutRenderer(1, 1, 72)  # type: ignore[no-untyped-call]


def _svg(draw: Callable[..., Any], size: tuple[int, int], *, narrow: bool) -> tuple[str, str]:
    """Return a drawing as matplotlib's file, and where its axes lie."""
    with mpl.rc_context(_RC | {"font.size": SMALL if narrow else 12}):
        # At 72 dots an inch a point is a pixel, so that sizes mean what they say on the page.
        figure = Canvas(figsize=(size[0] / 72, size[1] / 72), dpi=72)
        _Canvas(figure)
        axes = figure.add_subplot()
        draw(axes, narrow=narrow)
        # Once, and drawn below without `savefig`, which draws everything twice.
        ConstrainedLayoutEngine().execute(figure)
        file = io.StringIO()
        renderer: Any = _PageRenderer(*size, file, image_dpi=72, metadata=_METADATA)  # type: ignore[no-untyped-call]
        figure.draw(renderer)
        renderer.finalize()
    return file.getvalue(), _places(axes, *size)


def _places(axes: Axes, width: int, height: int) -> str:
    """Return of each axis its scale, the pixels where it starts and ends, and its limits."""
    box = axes.get_position()
    across: Any = (axes.get_xscale(), width * box.x0, width * box.x1, *axes.get_xlim())
    up: Any = (axes.get_yscale(), height * (1 - box.y0), height * (1 - box.y1), *axes.get_ylim())
    return ",".join(
        "{},{:.1f},{:.1f},{:.5g},{:.5g}".format(scale, *map(stable, numbers))
        for scale, *numbers in (across, up)
    )


def colour(index: int) -> str:
    """Return the colour of a series' index; grey, from the ninth on, has only marker and dashes."""
    if index == YARDSTICK:
        return INK
    return SERIES[index] if index < len(SERIES) else MUTED


def marker(index: int) -> str:
    """Return the marker of the series of an index; with its dashes it repeats what colour says."""
    return MARKERS[index % len(MARKERS)]


def dash(index: int) -> Any:
    """Return the dashes of the series of an index."""
    return DASHES[index % len(DASHES)]


def dot_axes(axes: Axes, labels: Sequence[str], quantity: str, *, narrow: bool) -> None:
    """Lay out a dot plot: a row for each label, a logarithmic axis for the quantity."""
    log_axis(axes.xaxis, most=FEW_LABELS if narrow else 12)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    letters = 22 if narrow else 36
    axes.set_yticks(range(len(labels)), [_wrapped(safe(label), letters) for label in labels])
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.margins(x=0.08)
    axes.set_xlabel(quantity if narrow else f"{quantity} (logarithmic)")


def name_lines(axes: Axes, lines: Sequence[Line2D], *, narrow: bool) -> None:
    """Say which line is which: at the lines' ends on a desk, above the axes on a phone."""
    if len(lines) < 2:
        return
    # Beside the axes a long name would take the width that the lines need.
    if narrow or max(len(str(one.get_label())) for one in lines) > 24:
        legend_above(axes, lines, narrow=narrow)
        return
    # As far apart as the lines end, in pixels of axes that leave room for their own labels.
    to_axes = axes.transScale + axes.transLimits
    height = axes.get_figure(root=True).get_figheight() * 72 - _BELOW_AXES  # type: ignore[union-attr]
    ends = []
    for one in lines:
        x, y = map(float, np.asarray(one.get_xydata())[-1])
        ends.append((float(to_axes.transform((x, y))[1]) * height, x, y, one))
    ends.sort(key=lambda end: end[0])
    if any(abs(x - ends[0][1]) > 1e-9 * abs(x) for _, x, _, _ in ends):
        legend_above(axes, lines, narrow=narrow)
        return
    placed = _apart([end[0] for end in ends], 15)
    for (was, x, y, one), now in zip(ends, placed, strict=True):
        axes.annotate(
            str(one.get_label()),
            (x, y),
            xytext=(8, now - was),
            textcoords="offset points",
            color=one.get_color(),
            va="center",
            gid=one.get_gid(),
        )


def legend_above(axes: Axes, lines: Sequence[Artist] | None = None, *, narrow: bool) -> None:
    """Put a legend above the axes: of these lines, or of all that carry a label."""
    handles = list(lines) if lines is not None else axes.get_legend_handles_labels()[0]
    # In as many columns as fit: machines' names are long.
    room = NARROW if narrow else WIDE
    labels = [_wrapped(str(one.get_label()), (room - _SAMPLE) // _LETTER) for one in handles]
    widest = max(len(line) for label in labels for line in label.split("\n"))
    fitting = room // (widest * _LETTER + _SAMPLE)
    # The figure's and not the axes' legend: the layout may then use the whole width for it.
    legend = axes.figure.legend(
        handles=handles,
        labels=labels,
        loc="outside upper left",
        ncols=max(1, min(2 if narrow else 4, len(handles), fitting)),
        borderaxespad=0.2,
        handlelength=2.2,
        columnspacing=1.2,
        labelcolor=INK,
        fontsize=SMALL,
    )
    for handle, area, text in zip(
        handles, legend.findobj(DrawingArea), legend.get_texts(), strict=True
    ):
        # Markers with whiskers are a container of artists.
        gid = (handle[0] if isinstance(handle, tuple) else handle).get_gid()
        for each in (*area.get_children(), text):
            each.set_gid(gid)


def _wrapped(label: str, letters: int) -> str:
    """Break a label into lines, and end it where three of them do not hold it."""
    return "\n".join(
        textwrap.wrap(label, letters, max_lines=3, placeholder="\N{HORIZONTAL ELLIPSIS}")
    )


def _apart(positions: Sequence[float], least: float) -> list[float]:
    """Move sorted positions apart until neighbours have a distance, their middle kept."""
    groups: list[list[float]] = []  # of positions that would touch

    def start(group: list[float]) -> float:
        return math.fsum(group) / len(group) - (len(group) - 1) * least / 2

    for position in positions:
        groups.append([position])
        while groups[1:] and start(groups[-2]) + len(groups[-2]) * least > start(groups[-1]):
            last = groups.pop()
            groups[-1] += last
    return [start(group) + k * least for group in groups for k, _ in enumerate(group)]


def room(label: str, height: float, *, narrow: bool) -> tuple[float, float]:
    """Return about what share of the axes a small label takes, to the right and up."""
    return len(label) * _LETTER / (0.85 * (NARROW if narrow else WIDE)), 20 / (0.8 * height)


def safe(label: str) -> str:
    """Return a label that matplotlib shows: it hides those that begin with an underscore."""
    return f"\N{ZERO WIDTH SPACE}{label}" if label.startswith("_") else label


FEW_LABELS = 4
"""So many labels have room beside the names of a dot plot's rows on a phone."""


LEAST_TICKS = 3
"""With fewer, nobody sees how far apart values are."""


class _PlainLogLocator(LogLocator):
    """Ticks at powers of ten, and between them where few of those are in view: three at least."""

    few = 150.0
    """Times the lowest value: so far reach few powers of ten."""

    def tick_values(self, vmin: float, vmax: float) -> Any:
        few = vmax / max(vmin, 1e-30) < self.few
        for subs in ((1.0, 2.0, 5.0),) if few else ((1.0,), (1.0, 3.0)):
            self.set_params(subs=subs)
            ticks: Any = super().tick_values(vmin, vmax)
            # Those beyond the view would be made and placed, and not drawn.
            ticks = ticks[(ticks > 0.999 * vmin) & (ticks < 1.001 * vmax)]
            if len(ticks) >= LEAST_TICKS:
                return ticks
        # So short an axis is nearly even.
        ticks = MaxNLocator(4).tick_values(vmin, vmax)
        return ticks[(ticks >= vmin) & (ticks <= vmax)]


def log_axis(axis: Axis, *, most: int = 12) -> None:
    """Make an axis logarithmic, labelled with plain numbers: 1, 10, 100; at most so many."""
    set_scale = axis.axes.set_xscale if isinstance(axis, XAxis) else axis.axes.set_yscale
    set_scale("log")
    locator = _PlainLogLocator(base=10, numticks=most)
    # Seven labels in two decades would meet where there is little room.
    locator.few = 150.0 if most > FEW_LABELS else 15.0
    axis.set_major_locator(locator)
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def time_axis(axis: Axis, *, narrow: bool) -> None:
    """Make an axis of seconds logarithmic, labelled as times: 1 µs, 10 ms, 2 s."""
    log_axis(axis, most=5 if narrow else 12)  # the longest of these labels would meet
    axis.set_major_formatter(FuncFormatter(lambda value, _: scaled(value, "s", 1)))


def tick(value: float) -> str:
    """Write a tick's number plainly: 0.001, 0.5, 20, 1,000; only extreme ones as 5 x 10^30."""
    if not 1e-6 < abs(value) < 1e9:
        return scientific(value).replace(".0 ", " ")
    if value >= 1:
        return f"{value:,.0f}" if value == int(value) else digits(value, 2)
    return f"{value:.10f}".rstrip("0").rstrip(".")


def log2_axis(axes: Axes, values: Sequence[int]) -> None:
    """Lay out a horizontal axis of powers of two (sizes, widths, threads), labelled as such."""
    axes.set_xscale("log", base=2)
    shown = sorted(set(values))
    # At most eight labels, always with the last.
    step = -(-len(shown) // 8)
    shown = shown[::-1][::step][::-1]
    axes.set_xticks(shown, [f"{value:,}" for value in shown])
    axes.xaxis.set_minor_locator(NullLocator())


def named_axis(axes: Axes, names: Sequence[str], *, narrow: bool) -> None:
    """Lay out a horizontal axis of whole numbers that have names; as many as fit, with the last."""
    step = -(-len(names) // (4 if narrow else 9))
    shown = range(len(names), 0, -step)
    axes.set_xticks(shown, [names[k - 1] for k in shown])
    axes.set_xlim(0.5, len(names) + 0.5)


def byte_axis(axes: Axes, sizes: Sequence[int], *, narrow: bool) -> None:
    """Lay out a horizontal axis of powers of two, labelled as sizes: 4 KiB, 1 MiB."""
    log2_axis(axes, sizes)
    # As far apart as labels need to be, always with the first and the last.
    least = math.log2(sizes[-1] / sizes[0]) / (3.5 if narrow else 9.5)
    shown = [sizes[0]]
    for each in sizes[1:-1]:
        if min(math.log2(each / shown[-1]), math.log2(sizes[-1] / each)) >= least:
            shown.append(each)
    shown = list(dict.fromkeys([*shown, sizes[-1]]))
    axes.set_xticks(shown, [size(each) for each in shown])
