"""The roofline itself: roofs, balance, and every kernel below them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from matplotlib.lines import Line2D

from report.figures import plotting, ticks
from report.figures.svg import INK, MUTED, PAPER
from report.sections.roofline.kernels import FAMILIES
from report.text.numerals import digits, scaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.experiments.bandwidth.roofs import Roof
    from report.figures.plotting import Draw
    from report.sections.roofline.ceilings import Ceilings
    from report.sections.roofline.kernels import Kernel

GIGA = 1e9
HEIGHT = 520

SIZES = {"P": 8, "X": 8, "*": 10}
"""Of marks that cover little of their square."""

_APART = 15
"""Pixels that a label needs."""

_LETTER = 6.6
"""Pixels that a letter of a label takes."""

_ASCENT = 9
"""Pixels that a label's letters rise above its baseline."""


def draw(kernels: Sequence[Kernel], ceilings: Ceilings, theoretical: float | None) -> Draw:
    """Return a function that draws a roofline.

    Args:
        kernels: Of one number format.
        ceilings: Their roofs.
        theoretical: The peak in FLOP/s that the hardware's numbers promise, if they do.
    """
    estimate = ceilings.balance()
    balance = estimate.value
    xs = [*(kernel.intensity for kernel in kernels), balance]
    # The left part is for the roofs' names: no kernel lies there, and no slope has ended.
    first_ridge = ceilings.peak.value / ceilings.highest.bandwidth.value
    left, right = min(min(xs) / 12, first_ridge / 8), max(xs) * 3
    lowest = min(kernel.quantity.rate().value for kernel in kernels)
    highest = max(ceilings.peak.value, theoretical or 0)

    def drawing(axes: Axes, *, narrow: bool) -> None:
        ticks.log_axis(axes.xaxis)
        ticks.log_axis(axes.yaxis)
        slopes = [roof.bandwidth.value for roof in ceilings.roofs]
        bottom = min(lowest, left * min(slopes)) / 2.5
        axes.set_xlim(left, right)
        axes.set_ylim(bottom / GIGA, highest / GIGA * 4)
        for roof in ceilings.roofs:
            _slope(axes, left, roof, ceilings.peak.value)
        _flat(axes, ceilings, right, theoretical, narrow=narrow)
        if estimate.low is not None and estimate.high is not None:
            axes.axvspan(estimate.low, estimate.high, color=MUTED, alpha=0.12, linewidth=0)
        axes.axvline(balance, color=MUTED, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
        handles = [
            _family(axes, index, [k for k in kernels if k.family == family])
            for index, family in enumerate(FAMILIES)
            if any(k.family == family for k in kernels)
        ]
        axes.set_xlabel("arithmetic intensity, FLOP/byte")
        axes.set_ylabel("rate, GFLOPS")
        plotting.legend_above(axes, handles, narrow=narrow)
        axes.annotate(
            f"balance {digits(balance)}",
            (balance, bottom / GIGA),
            xytext=(-3, 5),
            textcoords="offset points",
            color=MUTED,
            fontsize=11.5,
            rotation=90,
            ha="right",
            va="bottom",
        )
        _name_roofs(axes, ceilings.roofs, left, narrow=narrow)

    return drawing


def _slope(axes: Axes, left: float, roof: Roof, peak: float) -> None:
    """Draw a bandwidth up to where it meets the peak."""
    bandwidth = roof.bandwidth.value
    ridge = max(peak / bandwidth, left)
    axes.plot(
        [left, ridge],
        [left * bandwidth / GIGA, ridge * bandwidth / GIGA],
        color=INK if roof.name == "memory" else MUTED,
        linewidth=1.6 if roof.name == "memory" else 1,
        zorder=1.5,
    )


def _flat(
    axes: Axes, ceilings: Ceilings, right: float, theoretical: float | None, *, narrow: bool
) -> None:
    """Draw the peaks, the measured one from where the first roof meets it."""
    peak = ceilings.peak.value
    start = peak / ceilings.highest.bandwidth.value
    axes.plot([start, right], [peak / GIGA] * 2, color=INK, linewidth=1.6, zorder=1.5)
    above = [(peak, "measured", INK)]
    if theoretical is not None:
        axes.plot(
            [start, right],
            [theoretical / GIGA] * 2,
            color=MUTED,
            linewidth=1,
            linestyle=(0, (2, 2)),
            zorder=1.5,
        )
        above.append((theoretical, "hardware, at most", MUTED))
    pixels = _decade(axes)
    for value, what, colour in above:
        # Two peaks close to each other: the measured one's name goes below its line.
        close = theoretical is not None and math.log10(theoretical / peak) * pixels < _APART
        below = close and value == peak
        axes.annotate(
            f"{what} {scaled(value, 'FLOPS')}" if not narrow else scaled(value, "FLOPS"),
            (right, value / GIGA),
            xytext=(-3, -3 if below else 3),
            textcoords="offset points",
            ha="right",
            va="top" if below else "bottom",
            color=colour,
            fontsize=11.5,
        )


def _decade(axes: Axes) -> float:
    """Return how many pixels high a factor of ten is, roughly: before the layout."""
    low, high = axes.get_ylim()
    return 0.75 * HEIGHT / math.log10(high / low)


def _family(axes: Axes, index: int, kernels: Sequence[Kernel]) -> Line2D:
    """Draw a family's kernels: a thin line through those that differ in one size only."""
    look = plotting.style(index, 1)
    colour, marker = look["color"], look["marker"]
    lines: dict[str, list[Kernel]] = {}
    for kernel in kernels:
        lines.setdefault(kernel.line, []).append(kernel)
    for line in lines.values():
        x = [kernel.intensity for kernel in line]
        rates = [kernel.quantity.rate().scaled(1 / GIGA) for kernel in line]
        axes.plot(x, [rate.value for rate in rates], color=colour, linewidth=0.8, zorder=2)
        for at, rate in zip(x, rates, strict=True):
            if rate.low is not None and rate.high is not None:
                axes.plot([at, at], [rate.low, rate.high], color=colour, linewidth=1.4, zorder=2.5)
        axes.plot(
            x,
            [rate.value for rate in rates],
            color=colour,
            marker=marker,
            linestyle="none",
            markersize=SIZES.get(marker, 6.5),
            markeredgecolor=PAPER,
            markeredgewidth=0.4,
            zorder=3,
        )
    return Line2D(
        [],
        [],
        color=colour,
        marker=marker,
        linestyle="none",
        markersize=SIZES.get(marker, 6.5),
        label=kernels[0].family,
    )


def _name_roofs(axes: Axes, roofs: Sequence[Roof], left: float, *, narrow: bool) -> None:
    """Write each roof's name along its line, at the left, where no kernel is.

    The lowest roof's goes below its line, where there is room. Where two others are too close for
    two names, the second name starts after the first.
    """
    canvas = axes.get_figure(root=True)
    if canvas is not None:
        canvas.draw_without_rendering()
    lowest = min(roofs, key=lambda one: one.bandwidth.value)
    previous: tuple[float, float] | None = None
    for roof in sorted(roofs, key=lambda one: -one.bandwidth.value):
        words = roof.name if narrow else f"{roof.name} {scaled(roof.bandwidth.value, 'B/s')}"
        slope = roof.bandwidth.value / GIGA
        (x0, y0), (x1, y1) = axes.transData.transform(
            [(left, left * slope), (10 * left, 10 * left * slope)]
        )
        angle = math.atan2(y1 - y0, x1 - x0)
        height = y0 * math.cos(angle)
        # Above a steep line the first letter leans over the axis, unless it starts further on.
        away, start = 3.0, (3 + (3 + _ASCENT) * math.sin(angle)) / math.cos(angle)
        if roof is lowest:
            away, start = -3.0, 8.0
        elif previous is not None and previous[0] - height < _APART:
            start = max(start, previous[1] + 10)
        previous = (height, start + _LETTER * len(words))
        axes.annotate(
            words,
            (left, left * slope),
            xytext=(
                start * math.cos(angle) - away * math.sin(angle),
                start * math.sin(angle) + away * math.cos(angle),
            ),
            textcoords="offset points",
            rotation=math.degrees(angle),
            rotation_mode="anchor",
            va="top" if roof is lowest else "baseline",
            color=INK if roof.name == "memory" else MUTED,
            fontsize=11.5,
        )
