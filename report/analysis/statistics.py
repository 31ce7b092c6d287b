"""What samples say: estimates and ratios, each with its 95 % interval. Pure.

Times are positive and their errors multiply (a slower clock stretches all of them), so that
everything is computed on logarithms and the intervals are never below zero.

The replicate is the process: layout and start-up differ between processes, so that many samples
of one process tell precisely about that process alone. Each process therefore counts with its
median, and Student's t over the processes gives the interval.

Source: T. Kalibera and R. Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013: the
variation at the highest level decides. For ratios of independent machines: B. L. Welch, "The
generalization of 'Student's' problem", Biometrika 34, 1947.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

# The quantile alone: scipy.stats would take longer to import than a page to render.
from scipy.special import stdtrit

from report.worker.timing import median, median_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL = 0.95

Basis = Literal["processes", "samples", "nothing"]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number and how far it can be trusted.

    Attributes:
        value: Typical value: the geometric mean of the processes' medians.
        low: Lower end of its 95 % interval; None where nothing tells.
        high: Upper end.
        processes: How many there were.
        samples: How many there were in all of them.
        basis: What the interval stands on: several processes, or the samples of the only one.
    """

    value: float
    low: float | None
    high: float | None
    processes: int
    samples: int
    basis: Basis

    def reciprocal(self, numerator: float = 1.0) -> Estimate:
        """Return `numerator` divided by this; a time becomes a rate."""
        return Estimate(
            value=numerator / self.value,
            low=None if self.high is None else numerator / self.high,
            high=None if self.low is None else numerator / self.low,
            processes=self.processes,
            samples=self.samples,
            basis=self.basis,
        )

    def scaled(self, factor: float) -> Estimate:
        """Return this times a positive factor."""
        return self.reciprocal().reciprocal(factor)

    def excludes(self, value: float) -> bool:
        """Return whether a value lies outside the interval."""
        return self.low is not None and self.high is not None and not self.low <= value <= self.high


def estimate(groups: Sequence[Sequence[float]]) -> Estimate:
    """Estimate a positive quantity.

    Args:
        groups: The samples of each process; empty ones do not count.

    Raises:
        ValueError: There are no samples.
    """
    filled = [group for group in groups if len(group)]
    if not filled:
        raise ValueError("no samples")
    samples = sum(len(group) for group in filled)
    if len(filled) == 1:
        low, high = median_interval(list(filled[0])) or (None, None)
        return Estimate(
            value=median(filled[0]),
            low=low,
            high=high,
            processes=1,
            samples=samples,
            basis="nothing" if low is None else "samples",
        )
    logs = [math.log(median(group)) for group in filled]
    centre, error = _mean_and_error(logs)
    half = _quantile(len(logs) - 1) * error
    return Estimate(
        value=math.exp(centre),
        low=math.exp(centre - half),
        high=math.exp(centre + half),
        processes=len(filled),
        samples=samples,
        basis="processes",
    )


def paired_ratio(
    numerators: Sequence[Sequence[float]], denominators: Sequence[Sequence[float]]
) -> Estimate:
    """Estimate a ratio of two quantities measured side by side in the same processes.

    What makes one process slower than another makes both quantities slower there, and cancels.

    Args:
        numerators: Samples of each process.
        denominators: Samples of the same processes, in the same order.
    """
    sides = [(a, b) for a, b in zip(numerators, denominators, strict=True) if len(a) and len(b)]
    if len(sides) < 2:
        return independent_ratio(numerators, denominators)
    combined = estimate([[median(a) / median(b)] for a, b in sides])
    return dataclasses.replace(combined, samples=sum(len(a) + len(b) for a, b in sides))


def independent_ratio(
    numerators: Sequence[Sequence[float]], denominators: Sequence[Sequence[float]]
) -> Estimate:
    """Estimate a ratio of two quantities measured apart, on two machines for example.

    With one process on a side the interval is the widest that the two sides' own allow.
    """
    above, below = estimate(numerators), estimate(denominators)
    value = above.value / below.value
    samples = above.samples + below.samples
    processes = min(above.processes, below.processes)
    if processes > 1:
        half = _welch([g for g in numerators if len(g)], [g for g in denominators if len(g)])
        low, high = value * math.exp(-half), value * math.exp(half)
        basis: Basis = "processes"
    elif above.low and above.high and below.low and below.high:
        low, high = above.low / below.high, above.high / below.low
        basis = "samples"
    else:
        return Estimate(
            value=value, low=None, high=None, processes=processes, samples=samples, basis="nothing"
        )
    return Estimate(
        value=value, low=low, high=high, processes=processes, samples=samples, basis=basis
    )


def spread(groups: Sequence[Sequence[float]]) -> float | None:
    """Return by how much the slowest process's median exceeds the fastest's, as a fraction."""
    medians = [median(group) for group in groups if len(group)]
    if len(medians) < 2:
        return None
    return max(medians) / min(medians) - 1


def _mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and its standard error."""
    count = len(values)
    mean = math.fsum(values) / count
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    return mean, math.sqrt(variance / count)


def _welch(a: Sequence[Sequence[float]], b: Sequence[Sequence[float]]) -> float:
    """Return the half-width of the interval of the difference of two means of log medians."""
    errors = [_mean_and_error([math.log(median(group)) for group in side])[1] for side in (a, b)]
    total = sum(error**2 for error in errors)
    if total == 0:
        return 0.0
    freedom = total**2 / sum(
        error**4 / (len(side) - 1) for error, side in zip(errors, (a, b), strict=True)
    )
    return _quantile(freedom) * math.sqrt(total)


@functools.cache
def _quantile(freedom: float) -> float:
    return float(stdtrit(freedom, (1 + LEVEL) / 2))
