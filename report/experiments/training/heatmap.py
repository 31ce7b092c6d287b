"""The heat map of training runs by batch size and learning rate.

Whoever draws it loads this module, and nothing that computes.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.figures.svg import INK, MUTED, SERIES
from report.text.numerals import MILLI, digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

SHADES = (0.55, 0.41, 0.29, 0.18, 0.08)
"""Opacities of the one hue, the lowest losses first; ink is legible on each in both themes."""

DIVERGED = "\N{MULTIPLICATION SIGN}"
"""Stands in the cell of a pair with which a seed diverged."""


@dataclass(frozen=True, kw_only=True)
class HeatMap:
    """Where each pair of a batch size and a learning rate ends."""

    sizes: tuple[int, ...]  # batch sizes, ascending: the rows
    rates: tuple[float, ...]  # learning rates, ascending: the columns
    # For each row, the loss above the optimum in each column; None where it diverged.
    heights: tuple[tuple[float | None, ...], ...]
    what: str
    limit: float | None  # the largest stable rate of full batches, if it is known

    @property
    def height(self) -> int:
        """Return the figure's height in CSS pixels."""
        return 120 + 42 * len(self.sizes)

    @property
    def alt(self) -> str:
        """Return what a person would say of the drawing on the phone."""
        return f"Heat map of the {self.what} by batch size and learning rate."

    def edges(self) -> list[float]:
        """Return the heights between the shades: equal factors from the lowest to the highest."""
        logs = [math.log(height) for row in self.heights for height in row if height is not None]
        low, high, steps = min(logs, default=0.0), max(logs, default=0.0), len(SHADES)
        return [math.exp(low + (high - low) * k / steps) for k in range(1, steps)]

    def draw(self, axes: Axes, *, narrow: bool) -> None:
        """Draw a cell for each pair, and the limit."""
        _cells(axes, self, narrow=narrow)
        if self.limit is not None:
            _limit(axes, self, self.limit, narrow=narrow)
        # Above the words at the limit.
        title = f"{self.what}, thousandths" + ("\n" if narrow else "; ") + f"{DIVERGED}: diverged"
        axes.set_title(title, loc="left", fontsize=11.5, pad=22)
        axes.set_xlabel("learning rate")
        axes.set_ylabel("batch size")


def shade(height: float, edges: Sequence[float]) -> float:
    """Return the opacity of a height: that of the first shade with an upper edge above it."""
    return SHADES[sum(height > edge for edge in edges)]


def _cells(axes: Axes, of: HeatMap, *, narrow: bool) -> None:
    from matplotlib.patches import Rectangle  # noqa: PLC0415 (only where it is drawn)

    edges = of.edges()
    least = min((h for row in of.heights for h in row if h is not None), default=None)
    for row, column in itertools.product(range(len(of.sizes)), range(len(of.rates))):
        height = of.heights[row][column]
        if height is not None:
            corner, alpha = (column - 0.48, row - 0.47), shade(height, edges)
            axes.add_patch(
                Rectangle(corner, 0.96, 0.94, facecolor=SERIES[0], alpha=alpha, linewidth=0)
            )
        axes.text(
            column,
            row,
            DIVERGED if height is None else _thousandths(height),
            ha="center",
            va="center",
            color=MUTED if height is None else INK,
            fontsize=11.5 if narrow else 12,
            fontweight="bold" if height is not None and height == least else "normal",
        )
    axes.grid(visible=False)
    axes.set_xticks(range(len(of.rates)), [f"{rate:g}" for rate in of.rates])
    axes.set_yticks(range(len(of.sizes)), [f"{size:,}" for size in of.sizes])
    axes.set_xlim(-0.55, len(of.rates) - 0.45)
    axes.set_ylim(len(of.sizes) - 0.5, -0.5)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)


def _thousandths(height: float) -> str:
    """Write a height in thousandths in few letters; a cell on a phone has room for four."""
    value = height / MILLI
    if value >= 9999.5:
        return "\N{GREATER-THAN SIGN}9999"
    return digits(value, 2).replace(",", "") if value >= 0.01 else "0.00"


def _limit(axes: Axes, of: HeatMap, limit: float, *, narrow: bool) -> None:
    at = sum(rate <= limit for rate in of.rates) - 0.5
    axes.plot([at, at], [-0.5, len(of.sizes) - 0.5], color=INK, linewidth=1.6)
    right = at > (len(of.rates) - 1) / 2
    label = f"2/\N{GREEK SMALL LETTER LAMDA} = {digits(limit)}"
    axes.annotate(
        label if narrow else f"stability limit of full batches, {label}",
        (at, -0.5),
        xytext=(-3 if right else 3, 3),
        textcoords="offset points",
        ha="right" if right else "left",
        va="bottom",
        color=INK,
        fontsize=11.5,
        annotation_clip=False,
    )
