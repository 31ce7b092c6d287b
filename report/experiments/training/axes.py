"""What figures of training runs share: curves, their axes, and marks for what has no end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.ticker import MaxNLocator

from report.experiments.training.quantities import LEAST_EXCESS, median_times
from report.experiments.training.words import BANDS
from report.figures import plotting, ticks
from report.figures.svg import PAPER
from report.text.numerals import digits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from report.experiments.training.case import Case
    from report.experiments.training.curves import Line

    Along = Callable[[Line], Sequence[float]]

LOWEST = 1e-8
"""A loss above the optimum is drawn down to this: further is float32's rounding."""

HIGHEST = 30
"""A loss above the optimum is drawn up to so many times the untrained one: further is diverged."""


def by_epochs(line: Line) -> Sequence[float]:
    """Return the horizontal positions of a curve against epochs."""
    return line.epochs


def by_updates(line: Line) -> Sequence[float]:
    """Return the horizontal positions of a curve against updates."""
    return line.updates


def height_curves(  # noqa: PLR0913 (what differs between figures is named)
    axes: Axes,
    case: Case,
    lines: Sequence[Line],
    along: Along = by_epochs,
    *,
    looks: Sequence[Mapping[str, Any]] | None = None,
    first: int = 0,
) -> list[Line2D]:
    """Draw the loss above the optimum, logarithmic.

    A few lines get bands that span their seeds.

    Args:
        axes: Where to.
        case: What they belong to.
        lines: Runs.
        along: Gives their horizontal positions.
        looks: For each run, what of its look is not by its place in `lines`.
        first: 1 leaves out the untrained point, which a logarithmic axis has no place for.
    """
    ticks.log_axis(axes.yaxis)
    drawn, bands = [], len(lines) <= BANDS
    for index, line in enumerate(lines):
        x = along(line)[first:]
        own = dict((looks or [{}] * len(lines))[index])
        look = plotting.style(index, len(x)) | own
        low, middle, high = (
            each[first:]
            for each in (
                [max(loss - case.base, LEAST_EXCESS) for loss in line.lowest],
                line.above(case.base),
                [max(loss - case.base, LEAST_EXCESS) for loss in line.highest],
            )
        )
        (curve,) = axes.plot(x, middle, **look, label=plotting.safe(line.name))
        if bands:
            axes.fill_between(x, low, high, color=look["color"], alpha=0.18, linewidth=0)
        drawn.append(curve)
    start = max((line.loss[0] - case.base for line in lines), default=0.0)
    if start > 0 and axes.get_ylim()[1] > HIGHEST * start:
        axes.set_ylim(top=HIGHEST * start)
    if axes.get_ylim()[0] < LOWEST:
        axes.set_ylim(bottom=LOWEST)
    axes.set_ylabel(case.height)
    return drawn


def time_curves(axes: Axes, lines: Mapping[str, Line], lowest: float) -> list[Line2D]:
    """Draw each seed as a thin line under the mean of all; the untrained point has no place."""
    drawn = []
    for index, (name, line) in enumerate(lines.items()):
        for seed in (seed for runs in line.run.by_process for seed in runs):
            seconds = median_times(seed)
            axes.plot(
                seconds[1:],
                [loss - lowest for loss in seed.loss[1:]],
                color=plotting.colour(index),
                linewidth=0.6,
                alpha=0.45,
            )
        (curve,) = axes.plot(
            line.elapsed_s[1:],
            line.above(lowest)[1:],
            **plotting.style(index, len(line.loss)),
            label=plotting.safe(name),
        )
        drawn.append(curve)
    return drawn


def loss_axis(axes: Axes, lines: Sequence[Line], lowest: float | None) -> None:
    """Lay out the axis of losses, with the optimum drawn in."""
    axes.set_ylabel("loss")
    highest = max((line.highest[1] for line in lines if len(line.highest) > 1), default=None)
    if lowest is None or highest is None:
        return
    # From the optimum to the first points: the untrained loss would press all else together.
    top = lowest + 1.25 * max(min(highest, 2 * lowest) - lowest, 0.02 * lowest)
    axes.set_ylim(lowest - 0.12 * (top - lowest), top)
    plotting.reference(axes, lowest, f"lowest possible: {digits(lowest, 4)}", below=True)


def bounds(
    axes: Axes, x: Sequence[float], y: Sequence[float], *, marker: str, index: int = 0
) -> None:
    """Mark what is known to lie further in the direction that the marker points to."""
    if x:
        axes.plot(
            x,
            y,
            linestyle="none",
            marker=marker,
            markersize=8,
            color=plotting.colour(index),
            markerfacecolor=PAPER,
            markeredgewidth=1.4,
            label="at least: not all seeds came there",
        )


def epochs_axis(axes: Axes, words: str = "epochs") -> None:
    """Lay out a horizontal axis of epochs with ticks at whole ones."""
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.set_xlabel(words)
