"""Steps in a machine's numbers over its runs: where, how large, and whether by chance. Pure.

The logarithms of a number that several runs measured in the same way are cut where the runs from
one on, or a stretch of them, differ most from the others in units of their scatter: a maximally
selected t statistic. The same is computed for many orders of the runs, all numbers of a page alike,
since they share the state of the machine. A step is told where fewer than one order in twenty has
any as clear in any number, whatever the noise is like. Runs of one day share part of their state,
so days are shuffled whole, and runs within their day. Between cuts it is searched again.

Source: P. H. Westfall and S. S. Young, "Resampling-Based Multiple Testing", 1993 (one shuffle for
all tests, by their maximum); A. B. Olshen et al., "Circular Binary Segmentation for the Analysis
of Array-Based DNA Copy Number Data", Biostatistics 5, 2004; docs/decisions/0027.
"""

from __future__ import annotations

import functools
import itertools
import math
import random
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from report.analysis.estimate import LEVEL, Estimate, stable
from report.analysis.factors import variance_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEAST = 8
"""With so many runs 2 orders in 70 are as clear as any step in the middle; with fewer, too many."""

SIDE = 2
"""Runs before and after a step, at least: a single one may be out of line for a moment."""

BACK = 4
"""Runs before, within and after a step that was taken back, of at least four times as many: chance
makes so many shorter ones that others are not found."""

FALSE = 0.05
"""How often a page of a machine that never changed tells of a step, at most."""

ORDERS = 1000
"""The one in which the runs were measured, and others."""


class Series(NamedTuple):
    """The logarithms of a number in the runs that measured it in the same way, oldest first."""

    runs: tuple[int, ...]  # their places among all runs
    logs: tuple[float, ...]
    variance: float = 0.0  # of a run's logarithm, by its processes: less than this is luck


class Step(NamedTuple):
    """Where a number changed, and after over before."""

    of: int  # the place of its series; those of runs, in the series, follow
    start: int
    at: int  # the first run after the step; it speaks of those from `start` to `stop`
    stop: int
    ratio: Estimate


def steps(series: Sequence[Series], days: Sequence[str]) -> list[Step]:
    """Return the steps in some series, oldest first; `days` has the day of each run."""
    ends = [{0, len(one.runs)} for one in series]
    pieces = [(k, 0, len(one.runs)) for k, one in enumerate(series)]
    while pieces := [(k, start, stop) for k, start, stop in pieces if stop - start >= LEAST]:
        orders = _orders(tuple(days))
        clear = [_clearness(series[k], start, stop, orders) for k, start, stop in pieces]
        highest = np.max([each.max(axis=1) for each in clear], axis=0)
        left = []
        for (k, start, stop), each in zip(pieces, clear, strict=True):
            # An order with the same runs on either side differs by rounding only.
            as_clear = np.count_nonzero(highest >= each[0].max() * (1 - 1e-9))
            if as_clear <= FALSE * len(orders):
                cuts = {start + int(at[each[0].argmax()]) for at in _stretches(stop - start)}
                ends[k] |= cuts
                left += [(k, *pair) for pair in itertools.pairwise(sorted({start, stop} | cuts))]
        pieces = left
    found = [
        Step(k, start, at, stop, _ratio(series[k], start, at, stop))
        for k, mine in enumerate(map(sorted, ends))
        for start, at, stop in zip(mine, mine[1:], mine[2:], strict=False)
    ]
    return sorted(found, key=lambda step: series[step.of].runs[step.at])


@functools.lru_cache(maxsize=8)
def _orders(days: tuple[str, ...]) -> NDArray[np.int64]:
    """Return, for each order, the place that each run has in it; first that of measuring."""
    chance = random.Random(0)
    of_day = [[*each] for _, each in itertools.groupby(range(len(days)), key=days.__getitem__)]
    places = [[*range(len(days))]]
    for _ in range(ORDERS - 1):
        chance.shuffle(of_day)
        order = [run for day in of_day for run in chance.sample(day, len(day))]
        places.append(sorted(places[0], key=order.__getitem__))
    return np.array(places)


def _stretches(count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where stretches of runs begin and end; all others stand against them."""
    found = [(start, count) for start in range(SIDE, count - SIDE + 1)]
    if count >= 4 * BACK:
        ends = range(BACK, count - BACK + 1)
        found += [(start, stop) for start in ends for stop in ends if stop - start >= BACK]
    begins, stops = np.array(found).T
    return begins, stops


def _clearness(one: Series, start: int, stop: int, orders: NDArray[np.int64]) -> NDArray[Any]:
    """Return t squared of each stretch, for each order; no sum depends on the processor."""
    middle, count = fmean(one.logs[start:stop]), stop - start
    kept = np.array([log - middle for log in one.logs[start:stop]])
    logs = kept[orders[:, one.runs[start:stop]].argsort(axis=1)]
    begins, ends = _stretches(count)
    sums, squares = logs.cumsum(axis=1), (logs**2).cumsum(axis=1)[:, -1:]
    inside, size = sums[:, ends - 1] - sums[:, begins - 1], ends - begins
    outside = sums[:, -1:] - inside
    rest = squares - inside**2 / size - outside**2 / (count - size)
    scatter = np.maximum(rest / (count - 2), max(one.variance, 1e-12))
    apart = inside / size - outside / (count - size)
    squared: NDArray[Any] = apart**2 / scatter / (1 / size + 1 / (count - size))
    return squared


def _ratio(one: Series, start: int, at: int, stop: int) -> Estimate:
    sides, freedom = (one.logs[start:at], one.logs[at:stop]), stop - start - 2
    rest = math.fsum(variance_of(side) * (len(side) - 1) for side in sides)
    scatter = max(rest / freedom, one.variance)
    return Estimate(
        value=stable(math.exp(fmean(sides[1]) - fmean(sides[0]))),
        low=None,
        high=None,
        replicates=min(map(len, sides)),
        samples=stop - start,
        basis="replicates",
        error=stable(math.sqrt(scatter * math.fsum(1 / len(side) for side in sides))),
        freedom=freedom,
    ).at(LEVEL)
