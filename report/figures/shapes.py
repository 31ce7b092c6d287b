"""What figures are made of: a few shapes, as data. Nothing is drawn here.

A kind says which lines or dots there are, in SI units, and what the axes are called;
`report.figures.draw` draws it, twice. As data a shape can be told from another by its content,
handed to another process, and looked at by a test. What is none of these shapes (a heat map) is a
dataclass of its own with a method `draw`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes as Canvas

    from report.analysis.estimate import Estimate

Scale = Literal["linear", "log", "log2", "bytes", "seconds", "whole", "zero-or-log"]

Dash = str | tuple[float, tuple[float, ...]]

YARDSTICK = -1
"""Index of a series that others are held against: drawn in ink, and last in a row of dots."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """An axis of a figure."""

    label: str  # the quantity, with its unit
    narrow: str = ""  # a shorter label for a phone; else the same
    # linear; log, with plain numbers; log2, with ticks at `ticks`; bytes, the same as sizes ("4
    # KiB"); seconds, logarithmic, with times ("10 ms"); whole, with ticks at whole numbers;
    # zero-or-log, from zero where the values span less than a decade.
    scale: Scale = "log"
    unit: float = 1.0  # what one of its units is in SI: 1e9 for GFLOPS, 1e-3 for ms
    ticks: tuple[int, ...] = ()  # where ticks stand, for log2 and bytes
    # What stands at 1, 2, ... of a whole scale in place of these numbers.
    names: tuple[str, ...] = ()
    low: float | None = None  # its lower end, in its own units; else as the values need
    high: float | None = None
    # The lower end, or that of the values, is divided by this, for labels that stand there.
    room: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Series:
    """What has a name, a colour, and intervals; all places and values are in SI units."""

    name: str  # in the legend, or at a line's end; empty for none
    # The place of its colour, marker and dash: what it is decides it, not where it stands; see
    # `figures.identity`.
    index: int
    twin: int = 0  # which of those that share a colour it is; marker and dash tell them apart
    # Lower ends of a line's band, or of whiskers; None where there is none.
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    hollow: bool = False  # its markers are drawn open: what was not measured soundly


@dataclass(frozen=True, kw_only=True)
class Line(Series):
    """A line with a band; dashes, width and markers are the usual ones where nothing is said."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    dash: Dash | None = None
    width: float | None = None
    marked: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Points(Series):
    """Markers without a line."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    marker: str = ""  # another marker: "^" for what is known to lie further up, and so on
    size: float | None = None  # in pixels, where not the usual one
    label: str = ""  # beside the first of them; may be empty


@dataclass(frozen=True, kw_only=True)
class Row(Series):
    """One series of dots, a dot for each row of a dot plot; None leaves a row empty."""

    values: tuple[float | None, ...]
    marker: str = ""


def line(
    name: str, index: int, x: Iterable[float], estimates: Sequence[Estimate], **look: Any
) -> Line:
    """Return estimates as a line, with their intervals as its band."""
    y = tuple(estimate.value for estimate in estimates)
    return Line(name=name, index=index, x=tuple(x), y=y, **_intervals(estimates), **look)


def points(
    name: str, index: int, dots: Iterable[tuple[float, Estimate | None]], **look: Any
) -> Points:
    """Return estimates as markers with their intervals as whiskers; None leaves a place empty."""
    known = [(x, estimate) for x, estimate in dots if estimate is not None]
    x, y = tuple(x for x, _ in known), tuple(estimate.value for _, estimate in known)
    ends = _intervals([estimate for _, estimate in known])
    return Points(name=name, index=index, x=x, y=y, **ends, **look)


def row(name: str, index: int, estimates: Sequence[Estimate | None], **look: Any) -> Row:
    """Return estimates as dots, with their intervals as whiskers."""
    values = tuple(None if e is None else e.value for e in estimates)
    return Row(name=name, index=index, values=values, **_intervals(estimates), **look)


BOOKS_WAY = "timed the book\N{RIGHT SINGLE QUOTATION MARK}s way"
"""Here, by the book's listing: once, cold, by its own timer."""

BOOKS = "what the book prints"
"""In its published executions, on machines that are not named."""


def ranges(name: str, printed: Sequence[Sequence[float]]) -> Row:
    """Return what others printed as dots: the first of each, with the range of all as whiskers."""
    return Row(
        name=name,
        index=YARDSTICK,
        marker="D",
        values=tuple(each[0] if each else None for each in printed),
        low=tuple(min(each) if len(each) > 1 else None for each in printed),
        high=tuple(max(each) if len(each) > 1 else None for each in printed),
    )


def _intervals(estimates: Sequence[Estimate | None]) -> dict[str, Any]:
    return {
        "low": tuple(None if e is None else e.low for e in estimates),
        "high": tuple(None if e is None else e.high for e in estimates),
    }


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A thin line across at y, in SI units: a peak, an optimum, a limit."""

    y: float
    label: str
    narrow: str = ""  # its label on a phone
    below: bool = False  # where its label stands


@dataclass(frozen=True, kw_only=True)
class Upright:
    """A thin line upright at x, in SI units: the reach of a cache; left out if outside the axis."""

    x: float
    label: str
    top: bool = False  # where its label stands; else that runs along its foot


@dataclass(frozen=True, kw_only=True)
class Guide:
    """A thin line that is no measurement: what proportion would bring; places in SI units."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    label: str = ""
    narrow: str = ""
    at: tuple[float, float] = (0.0, 0.0)  # the point where the label stands
    along: bool = False  # the label runs along the line
    offset: tuple[float, float] = (0.0, 0.0)  # of a label that does not, in pixels
    ha: Literal["left", "center", "right"] = "left"
    va: Literal["top", "center", "bottom", "baseline"] = "baseline"
    colour: int | None = None  # the place of a series' colour; None for the muted ink and dashes


Mark = Reference | Upright | Guide | Points


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Curves over x, and marks."""

    x: Axis
    y: Axis
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...] = ()
    # Where lines are named: at their ends where they fit there, or above; none where there is
    # nothing to tell apart.
    names: Literal["ends", "above", "none"] = "ends"
    height: int = 380

    @property
    def alt(self) -> str:
        """Return what a person would say of the drawing on the phone."""
        plain = {"linear", "whole", "zero-or-log"}
        logs = [axis.scale not in plain for axis in (self.x, self.y)]
        how = ", both axes logarithmic" if all(logs) else ""
        what = "Curve" if len(self.lines) == 1 else "Curves"
        return f"{what} of {self.y.label} against {self.x.label}{how}."


@dataclass(frozen=True, kw_only=True)
class Dots:
    """Dots with whiskers: a row for each label, from the top, on a logarithmic axis."""

    labels: tuple[str, ...]
    x: Axis
    rows: tuple[Row, ...]  # the series, each a bit lower than the one before
    # How many series share a row evenly; else all of them where they are more than three.
    of: int | None = None

    @property
    def evenly(self) -> int | None:
        """Return how many series share a row; None for each a bit closer than the one before."""
        return self.of or (len(self.rows) if len(self.rows) > 3 else None)

    def lower(self, place: int) -> float:
        """Return how much lower than its label the dots of a series stand, in rows."""
        if self.evenly is not None:
            return round(0.76 * ((place % self.evenly + 0.5) / self.evenly - 0.5), 3)
        # Closer and closer, so that any number of series stays within its row.
        return round(0.8 * (1 - 0.8**place), 3)

    @property
    def height(self) -> int:
        """Return the figure's height in CSS pixels."""
        named = any(row.name for row in self.rows)
        return (130 if named else 90) + max(44, 13 * (self.evenly or 0)) * len(self.labels)

    @property
    def alt(self) -> str:
        """Return what a person would say of the drawing on the phone."""
        return f"Dot plot of {self.x.label} on a logarithmic axis."


class Drawn(Protocol):
    """A drawing of another kind: a dataclass; it depends on its fields alone."""

    @property
    def height(self) -> int:
        """Return the figure's height in CSS pixels."""

    @property
    def alt(self) -> str:
        """Return what a person would say of the drawing on the phone."""

    def draw(self, axes: Canvas, *, narrow: bool) -> None:
        """Draw it; `narrow` says for which of the two layouts."""


Shape = Curves | Dots | Drawn
