"""Axes of working sets, and the caches drawn into them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from report.figures import ticks
from report.figures.svg import MUTED
from report.text import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes

    from report.experiments.bandwidth.caches import Level

THIN = (0, (2, 2))


def byte_axis(axes: Axes, sizes: Sequence[int], *, narrow: bool) -> None:
    """Lay out a horizontal axis of powers of two, labelled as sizes: 4 KiB, 1 MiB."""
    ticks.log2_axis(axes, sizes)
    # As far apart as labels need to be, always with the first and the last.
    least = math.log2(sizes[-1] / sizes[0]) / (3.5 if narrow else 9.5)
    shown = [sizes[0]]
    for size in sizes[1:-1]:
        if min(math.log2(size / shown[-1]), math.log2(sizes[-1] / size)) >= least:
            shown.append(size)
    shown = list(dict.fromkeys([*shown, sizes[-1]]))
    axes.set_xticks(shown, [names.size(size) for size in shown])


def draw_caches(axes: Axes, known: Iterable[Level]) -> None:
    """Draw the caches' reach as labelled thin lines, where they lie within the axes."""
    left, right = axes.get_xlim()
    for level in known:
        if left < level.reach_bytes < right:
            upright(axes, level.reach_bytes, level.words)


def upright(axes: Axes, x: float, label: str) -> None:
    """Draw a thin vertical line, its label along its lower end on the side with more room."""
    left, right = axes.get_xlim()
    late = x**10 > left * right**9  # in the last tenth of a logarithmic axis
    axes.axvline(x, color=MUTED, linewidth=1, linestyle=THIN)
    axes.annotate(
        label,
        (x, 0),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if late else 3, 5),
        textcoords="offset points",
        color=MUTED,
        fontsize=11.5,
        rotation=90,
        ha="right" if late else "left",
        va="bottom",
    )
