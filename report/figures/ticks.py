"""Logarithmic axes and the numbers on them: 0.001, 10, 1,000; 4,096; 10 ms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.axis import XAxis
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from report.text.numerals import digits, scaled, scientific

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis


class _PlainLogLocator(LogLocator):
    """Ticks at powers of ten; at 2 and 5 as well where there are few of those in view."""

    def tick_values(self, vmin: float, vmax: float) -> Any:
        few = vmax / max(vmin, 1e-30) < 150
        self.set_params(subs=(1.0, 2.0, 5.0) if few else (1.0,))
        return super().tick_values(vmin, vmax)


def log_axis(axis: Axis, *, most: int = 12) -> None:
    """Make an axis logarithmic, labelled with plain numbers: 1, 10, 100; at most so many."""
    if isinstance(axis, XAxis):
        axis.axes.set_xscale("log")
    else:
        axis.axes.set_yscale("log")
    axis.set_major_locator(_PlainLogLocator(base=10, numticks=most))
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def time_axis(axis: Axis, *, narrow: bool) -> None:
    """Make an axis of seconds logarithmic, labelled as times: 1 µs, 10 ms, 2 s."""
    log_axis(axis)
    if narrow:  # the longest of these labels would meet
        axis.set_major_locator(_PlainLogLocator(base=10, numticks=5))
    axis.set_major_formatter(FuncFormatter(lambda value, _: scaled(value, "s", 1)))


def tick(value: float) -> str:
    """Write a tick's number plainly: 0.001, 0.5, 20, 1,000; only extreme ones as 5 x 10^30."""
    if not 1e-6 < abs(value) < 1e7:
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
