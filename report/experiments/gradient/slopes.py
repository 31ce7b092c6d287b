"""The power of the batch size with which noise falls, with its interval. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.analysis import statistics

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from report.experiments.gradient.noise import Noise

THEORY = -0.5
"""The exponent of independent draws."""


@dataclass(frozen=True, kw_only=True)
class Exponent:
    """The power of the batch size, over processes.

    Attributes:
        value: Mean over the processes.
        low: Lower end of its 95 % interval; None with a single process.
        high: Upper end.
    """

    value: float
    low: float | None
    high: float | None

    def holds(self, value: float) -> bool:
        """Return whether a value lies within the interval."""
        return self.low is not None and self.high is not None and self.low <= value <= self.high


def slope(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return the slope of a straight line through logarithms, by least squares.

    Args:
        sizes: Positive; at least two different ones.
        values: Positive, one for each size.
    """
    x, y = [math.log(size) for size in sizes], [math.log(value) for value in values]
    centre = math.fsum(x) / len(x)
    from_centre = [each - centre for each in x]
    rise = math.fsum(a * b for a, b in zip(from_centre, y, strict=True))
    return rise / math.fsum(a * a for a in from_centre)


def exponent(noises: Iterable[Noise]) -> Exponent | None:
    """Return the power of the batch size with which noise falls.

    Each process has its own slope at each point, and counts with their mean over the points;
    Student's t over the processes gives the interval. What drawing without replacement takes off
    the noise is put back first, since it bends the line.

    Args:
        noises: Of any points, but of one way of sampling.

    Returns:
        The exponent; None if there is no point with two batch sizes.
    """
    points: dict[str, list[Noise]] = {}
    for noise in noises:
        if noise.correction():
            points.setdefault(noise.point, []).append(noise)
    by_point = [
        slopes
        for series in points.values()
        if (slopes := _by_process(series)) and any(s is not None for s in slopes)
    ]
    means = []
    for at in zip(*by_point, strict=True):
        known = [each for each in at if each is not None]
        # A process that lacks a point would weigh the points otherwise than the others do.
        if len(known) == len(at):
            means.append(math.fsum(known) / len(known))
    if not means:
        return None
    # The estimate is made on logarithms, so that the slopes themselves are what it averages.
    found = statistics.estimate([[math.exp(mean)] for mean in means])
    return Exponent(
        value=math.log(found.value),
        low=None if found.low is None else math.log(found.low),
        high=None if found.high is None else math.log(found.high),
    )


def _by_process(series: Sequence[Noise]) -> list[float | None]:
    """Return the slope of one point in each process; None where fewer than two sizes are known."""
    slopes: list[float | None] = []
    for process in range(len(series[0].by_process)):
        pairs = [
            (noise.batch_size, std / noise.correction())
            for noise in series
            if (std := noise.by_process[process])
        ]
        several = len({size for size, _ in pairs}) > 1
        slopes.append(slope(*zip(*pairs, strict=True)) if several else None)
    return slopes
