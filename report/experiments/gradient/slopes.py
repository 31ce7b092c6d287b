"""The power of the batch size with which noise falls, with its interval. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities

if TYPE_CHECKING:
    from collections.abc import Iterable

    from report.analysis.estimate import Estimate
    from report.experiments.gradient.noise import Noise

THEORY = -0.5
"""The exponent of independent draws."""

LEAST_POINTS = 3
"""Fewer batch sizes than this make no power law."""


def exponent(noises: Iterable[Noise]) -> Estimate | None:
    """Return the power of the batch size with which noise falls.

    Points have lines of their own, and the mean of their slopes counts. What drawing without
    replacement takes off the noise is put back first, since it bends the line.

    Args:
        noises: Of any points, but of one way of sampling.

    Returns:
        The exponent; None if there is no point with three batch sizes.
    """
    points: dict[str, list[Noise]] = {}
    for noise in noises:
        if noise.correction() and any(noise.quantity.groups):
            points.setdefault(noise.point, []).append(noise)
    shown = [
        sorted(series, key=lambda noise: noise.batch_size)
        for series in points.values()
        if len({noise.batch_size for noise in series}) >= LEAST_POINTS
    ]
    if not shown:
        return None
    return quantities.power_law(
        [([n.batch_size for n in series], [n.quantity for n in series]) for series in shown],
        [[1 / noise.correction() for noise in series] for series in shown],
    )
