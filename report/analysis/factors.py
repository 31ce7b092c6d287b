"""What a product of powers of measured quantities is made of: parts with independent errors. Pure.

On logarithms a product is a sum. Factors that were measured in the same replicates are taken
together, replicate by replicate, so that what makes a replicate slow cancels; what the replicates
share, the state of their machine in their run, is a part of its own. `report.analysis.estimate` has
the sources.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import sys
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

# This alone: scipy.stats would take longer to import than a page to render.
from scipy.special import betainc

from report.analysis import between
from report.worker.timing import median, median_interval

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class Factor:
    """One quantity in a product of powers."""

    # For each replicate its samples, all positive; empty where it has none.
    groups: Sequence[Sequence[float]]
    weight: float = 1.0  # the power: 1 for a numerator, -1 for a denominator
    family: str = ""  # what was measured together, in the same replicates; these are paired
    source: str = ""  # whose state has a part in it: a machine, in some runs
    # For each replicate when its run began, ISO 8601; may be empty if there is one run.
    runs: Sequence[str] = ()
    group: between.Group | None = None  # what limits it, if it is a time
    constant: float = 1.0  # a number without error by which the whole product is multiplied
    # By which share of it the true value may be smaller, since it was read off a coarse grid.
    coarse: float = 0.0
    key: str = ""
    below: bool = False  # it is a denominator, for the product's key

    def inverse(self) -> Factor:
        """Return one divided by this."""
        return dataclasses.replace(
            self, weight=-self.weight, constant=1 / self.constant, below=not self.below
        )


@dataclass(frozen=True, kw_only=True)
class Part:
    """A mean over replicates: on logarithms, of paired factors or of one; else of plain values."""

    centre: float
    variance: float  # of the centre, which is a mean over the replicates
    # None of what no replicate shows: the state of a machine, or how straight a line is.
    replicates: int
    freedom: float  # degrees of freedom of the variance
    each: tuple[float, ...] = ()
    # The ends of the interval of a single replicate's own median, less the centre.
    own: tuple[float, float] | None = None


def shared_by(family: Sequence[Factor]) -> list[int] | None:
    """Return the replicates that have all factors; None where that is no way to pair them."""
    if len({len(factor.groups) for factor in family}) > 1:
        return None
    shared = [
        index
        for index, groups in enumerate(zip(*(f.groups for f in family), strict=True))
        if all(len(group) for group in groups)
    ]
    return shared if len(shared) > 1 or len(family) == 1 else None


def parts_of(factors: Sequence[Factor]) -> list[Part]:
    """Return the parts of a product's logarithm whose errors are independent.

    A family is taken together where its factors share at least two replicates, else apart; where a
    machine has enough runs, all that it measured is taken together, by run.
    """
    sources: dict[str, dict[str, list[Factor]]] = {}
    for factor in factors:
        sources.setdefault(factor.source, {}).setdefault(factor.family, []).append(factor)
    parts = []
    for families in sources.values():
        mine = [part for family in families.values() for part in _of_family(family)]
        parts += _with_runs([f for family in families.values() for f in family], mine)
    return parts


def _of_family(family: Sequence[Factor]) -> list[Part]:
    shared = shared_by(family)
    if shared is not None:
        return [_part(family, shared)]
    return [_part([f], [i for i, g in enumerate(f.groups) if len(g)]) for f in family]


def _with_runs(factors: Sequence[Factor], parts: list[Part]) -> list[Part]:
    """Return what one machine measured with the variance between its runs."""
    timed = [factor for factor in factors if factor.group]
    if not timed:
        return parts
    runs = [run for run in runs_of(timed[0]) if all(run in runs_of(factor) for factor in timed)]
    state = between.State(
        weights=tuple((factor.weight, factor.group) for factor in timed if factor.group),
        runs=tuple(runs) or ("",),
    )
    if len(runs) < between.ENOUGH or len(timed) < len(factors):
        return [*parts, _of_state(state.of_mean())]
    each = [math.fsum(f.weight * fmean(_logs(f, run)) for f in timed) for run in runs]
    within = math.fsum(part.variance for part in parts)
    whole = Part(
        centre=fmean(each),
        variance=max(variance_of(each) / len(runs), within),
        replicates=min(part.replicates for part in parts),
        each=parts[0].each if len(parts) == 1 else (),
        freedom=len(runs) - 1,
    )
    return [whole, _of_state(state.of_days())]


def _of_state(variance: float) -> Part:
    return Part(centre=0.0, variance=variance, replicates=0, freedom=between.FREEDOM)


def runs_of(factor: Factor) -> list[str]:
    """Return the runs in which a factor was measured."""
    runs = factor.runs or [""] * len(factor.groups)
    return list(dict.fromkeys(run for run, g in zip(runs, factor.groups, strict=True) if len(g)))


def _logs(factor: Factor, wanted: str) -> list[float]:
    pairs = zip(factor.runs, factor.groups, strict=True)
    return [_log(median(group)) for run, group in pairs if run == wanted and len(group)]


def _log(value: float) -> float:
    """Return the logarithm; what has none, in a stranger's file, counts as the least of a float."""
    return math.log(max(value, sys.float_info.min))


def _part(family: Sequence[Factor], replicates: Sequence[int]) -> Part:
    if not replicates:
        raise ValueError("no samples")
    each = [
        math.fsum(factor.weight * _log(median(factor.groups[index])) for factor in family)
        for index in replicates
    ]
    within = [
        math.fsum(f.weight**2 * _variance_of_median(tuple(f.groups[index])) for f in family)
        for index in replicates
    ]
    middle, count = fmean(each), len(replicates)
    return Part(
        centre=middle,
        variance=max(variance_of(each), fmean(within)) / count,
        replicates=count,
        freedom=count - 1,
        each=tuple(each),
        own=_own_interval(family[0], replicates[0]) if count == 1 else None,
    )


def _own_interval(factor: Factor, replicate: int) -> tuple[float, float] | None:
    """Return the interval of a single replicate's power, less its logarithm."""
    group = factor.groups[replicate]
    ends = median_interval(group)
    if ends is None:
        return None
    middle = math.log(median(group))
    low, high = sorted(factor.weight * (math.log(end) - middle) for end in ends)
    return low, high


@functools.lru_cache(maxsize=2**14)
def _variance_of_median(samples: tuple[float, ...]) -> float:
    """Return the variance of the logarithm of a median, by Maritz and Jarrett."""
    if len(samples) == 1:
        return 0.0
    logs = [math.log(sample) for sample in sorted(samples)]
    # About the middle, so that two large numbers do not cancel.
    shifted = [value - logs[len(logs) // 2] for value in logs]
    weights = _median_weights(len(logs))
    first = math.fsum(w * x for w, x in zip(weights, shifted, strict=True))
    second = math.fsum(w * x * x for w, x in zip(weights, shifted, strict=True))
    return max(0.0, second - first**2)


@functools.cache
def _median_weights(count: int) -> tuple[float, ...]:
    """Return how likely each order statistic is to be the median of a resample."""
    shape = (count + 1) / 2
    steps = [float(betainc(shape, shape, k / count)) for k in range(count + 1)]
    return tuple(b - a for a, b in itertools.pairwise(steps))


def variance_of(values: Sequence[float]) -> float:
    """Return the variance of values; of a single one, 0."""
    middle = fmean(values)
    return math.fsum((one - middle) ** 2 for one in values) / max(1, len(values) - 1)
