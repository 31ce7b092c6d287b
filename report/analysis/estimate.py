"""The one estimator: what samples say of a quantity, a ratio, or any product of powers. Pure.

Times are positive and their errors multiply (a slower clock stretches all of them), so that
everything is computed on logarithms. There a ratio, a ratio of ratios and the slope of a power law
are all weighted sums of what each replicate measured, and one procedure serves them.

The replicate is the process, or the seed where no clock has a part: layout and start-up differ
between processes, so that many samples of one tell precisely about that one alone. Each replicate
counts with the median of its samples, their centre is the geometric mean, and Student's t over the
replicates gives the interval. Factors that were measured in the same replicates are paired: what
makes a replicate slow cancels.

Medians of replicates differ because replicates do, and because each has a few samples only. Their
variance s^2 holds both, so that the noise within must not be added to it. But where replicates
agree better than their own samples allow, that is luck: with v the mean variance of their medians,
the variance is max(s^2, v).

With a single replicate there is the interval of its own median, from order statistics, and the
estimate says that it stands on samples: claims are not judged by such a one.

Processes share the state of the run that they belong to. What speaks of the machine, and is no
ratio within a run, has the variance between runs in its interval as well: from `analysis.between`
while there are few runs, else from the runs themselves, each of which then counts with its mean.

Source: T. Kalibera and R. Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013 (the
variation at the highest level decides); J. S. Maritz and R. G. Jarrett, "A Note on Estimating the
Variance of the Sample Median", JASA 73, 1978 (for an odd number of samples it is the bootstrap's
own, without resampling); S. R. Searle, G. Casella and C. E. McCulloch, "Variance Components", 1992
(components cannot be negative); F. E. Satterthwaite, "An Approximate Distribution of Estimates of
Variance Components", Biometrics 2, 1946, and B. L. Welch, Biometrika 34, 1947 (degrees of freedom
of a sum of variances).
"""

from __future__ import annotations

import dataclasses
import functools
import math
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Literal

# This alone: scipy.stats would take longer to import than a page to render.
from scipy.special import stdtrit

from report.analysis.factors import Factor, Part, parts_of, runs_of, shared_by, variance_of
from report.text import numerals
from report.worker.timing import median

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


LEVEL = 0.95

DIGITS = 10
"""Significant digits of an estimate: logarithms leave a few of sixteen to the processor."""

FARTHEST = 700.0
"""Of a logarithm; floating point ends at 709, and two replicates may well reach beyond."""

Basis = Literal["replicates", "samples", "nothing"]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its 95 % interval; its ends are None if they are not known."""

    value: float  # the geometric mean of the replicates' medians; or an exponent
    low: float | None
    high: float | None
    replicates: int  # the fewest processes, or seeds, that any part of it stands on
    samples: int  # how many there were in all of them
    basis: Basis  # what the interval stands on: several replicates, or the samples of a single one
    # The same for each replicate alone, where all parts were measured together.
    each: tuple[float, ...] = ()
    # What it is of, if it has a name; estimates with the same key are the same number.
    key: str = ""
    # Of how many quantities it is the highest, where it was picked; 0 if it was not.
    highest_of: int = 0
    error: float = 0.0  # standard error: of the logarithm, or of an exponent or a mean
    freedom: float = math.inf  # degrees of freedom of that
    # The fewest runs of a machine that it stands on; 0 where no clock has a part in it.
    runs: int = 0

    def at(self, level: float) -> Estimate:
        """Return a product with its interval at another level than 95 %."""
        if self.basis != "replicates":
            return dataclasses.replace(self, low=None, high=None, basis="nothing")
        half = _quantile(self.freedom, level) * self.error
        middle = math.log(self.value)
        return dataclasses.replace(self, low=_exp(middle - half), high=_exp(middle + half))

    def scaled(self, factor: float, key: str = "") -> Estimate:
        """Return this times a positive factor; without a key of its own it has none."""
        return self._moved(lambda x: stable(x * factor), key)

    def reciprocal(self, numerator: float = 1.0, key: str = "") -> Estimate:
        """Return `numerator` divided by this; a time becomes a rate."""
        return self._moved(lambda x: stable(numerator / x), key)

    def power(self, exponent: float, key: str = "") -> Estimate:
        """Return this to a power."""
        moved = self._moved(lambda x: stable(x**exponent), key)
        return dataclasses.replace(moved, error=stable(abs(exponent) * self.error))

    def complement(self, key: str = "") -> Estimate:
        """Return what is missing of 1; of a share, the rest."""
        return self._moved(lambda x: stable(1 - x), key)

    def _moved(self, move: Callable[[float], float], key: str) -> Estimate:
        """Return this with all its numbers moved by a monotonic function."""
        ends = [move(end) for end in (self.low, self.high) if end is not None]
        return dataclasses.replace(
            self,
            value=move(self.value),
            low=min(ends, default=None),
            high=max(ends, default=None),
            each=tuple(map(move, self.each)),
            key=key,
        )

    def excludes(self, value: float) -> bool:
        """Return whether a value lies outside the interval."""
        return self.low is not None and self.high is not None and not self.low <= value <= self.high


def estimate(groups: Sequence[Sequence[float]], key: str = "") -> Estimate:
    """Estimate a positive quantity from the samples of each replicate; empty ones do not count."""
    return product([Factor(groups=groups)], key)


def product(factors: Sequence[Factor], key: str = "") -> Estimate:
    """Estimate a product of powers of measured quantities; its key is else that of its factors.

    Raises:
        ValueError: There are no factors, or one has no samples.
    """
    return _of_parts(factors, parts_of(factors), _exp, key or _key(factors))


def exponent(curves: Sequence[tuple[Sequence[float], Sequence[Factor]]]) -> Estimate:
    """Estimate e in y = c x^e by least squares on logarithms.

    The error has two parts: that of the measured values, and that of the straight lines, from the
    residuals; where the law holds, the second is small. A curve is x, at least three values that
    are positive and differ, and y at each, measured together. Each has a c of its own, and the mean
    of their exponents counts.

    Raises:
        ValueError: A curve has fewer than three points, or one has no samples.
    """
    weighted = [
        dataclasses.replace(f, weight=f.weight * power, constant=f.constant**power, coarse=0.0)
        for x, factors in curves
        for f, power in zip(factors, [p / len(curves) for p in _powers(x)], strict=True)
    ]
    # Of the same replicates as the slope: one that lacks a point would bend the line.
    shared = shared_by(weighted)
    scatter = [_scatter(x, factors, shared) for x, factors in curves]
    # The lines' own error is one more part, whose freedom is that of their residuals.
    lines = Part(
        centre=0.0,
        variance=math.fsum(scatter) / len(curves) ** 2,
        replicates=0,
        freedom=sum(len(x) - 2 for x, _ in curves),
    )
    parts = [*parts_of(weighted), lines]
    keys = [f"exponent of {line[0].key} to {line[-1].key} ({len(line)})" for _, line in curves]
    # A single replicate does not tell how much slopes differ.
    return _of_parts(weighted, parts, stable, ", ".join(keys), alone=False)


def average(values: Sequence[float], key: str = "") -> Estimate:
    """Estimate a mean of what need not be positive, by Student's t: shares, differences.

    Raises:
        ValueError: There are no values; each replicate has one.
    """
    middle, count = fmean(values), len(values)
    part = Part(
        centre=middle,
        variance=variance_of(values) / count,
        replicates=count,
        freedom=count - 1,
        each=tuple(values),
    )
    counted = Factor(groups=[[one] for one in values])  # whose logarithms nobody takes
    return _of_parts([counted], [part], stable, key)


def over_replicates(values: Sequence[float], key: str = "") -> Estimate:
    """Estimate from one value a replicate; where one is zero, which has no logarithm, a mean."""
    return estimate([[v] for v in values], key) if min(values) > 0 else average(values, key)


def spread(groups: Sequence[Sequence[float]]) -> float | None:
    """Return by how much the slowest replicate's median exceeds the fastest's, as a fraction."""
    medians = [median(group) for group in groups if len(group)]
    return max(medians) / min(medians) - 1 if len(medians) > 1 else None


def _of_parts(
    factors: Sequence[Factor],
    parts: Sequence[Part],
    read: Callable[[float], float],
    key: str,
    *,
    alone: bool = True,
) -> Estimate:
    """Return the sum of parts as `read` has it; `alone`: a single replicate's samples tell."""
    shift = math.fsum(math.log(factor.constant) for factor in factors)
    middle = math.fsum([shift, *(part.centre for part in parts)])
    measured = [part for part in parts if part.replicates]
    several = [(part.variance, part.freedom) for part in parts if part.replicates != 1]
    total = math.fsum(variance for variance, _ in several)
    # Satterthwaite's degrees of freedom of the sum.
    shares = math.fsum(variance**2 / freedom for variance, freedom in several)
    freedom = total**2 / shares if shares else math.inf
    half = _quantile(freedom, LEVEL) * math.sqrt(total)
    single = [part.own for part in measured if part.replicates == 1]
    own = [ends for ends in single if ends is not None]
    # The widest that the parts' own intervals allow, and what may lie between points of a grid.
    coarse = [f.weight * math.log1p(-f.coarse) for f in factors if f.coarse]
    low = math.fsum(low for low, _ in own) - half + math.fsum(min(0.0, one) for one in coarse)
    high = math.fsum(high for _, high in own) + half + math.fsum(max(0.0, one) for one in coarse)
    known = len(own) == len(single) and (alone or not single)
    return Estimate(
        value=read(middle),
        low=read(middle + low) if known else None,
        high=read(middle + high) if known else None,
        replicates=min(part.replicates for part in measured),
        samples=sum(len(group) for factor in factors for group in factor.groups),
        basis="nothing" if not known else "samples" if single else "replicates",
        each=tuple(read(one + shift) for one in measured[0].each) if len(measured) == 1 else (),
        key=key,
        error=stable(math.sqrt(total)) if known else 0.0,
        freedom=stable(freedom) if known else math.inf,
        runs=min((len(runs_of(f)) for f in factors if f.group), default=0),
    )


def _powers(x: Sequence[float]) -> list[float]:
    """Return the powers of y that make the logarithm of their product the slope."""
    if len(x) < 3:
        raise ValueError("a power law needs three points")
    logs = [math.log(value) for value in x]
    middle = fmean(logs)
    square = math.fsum((log - middle) ** 2 for log in logs)
    return [(log - middle) / square for log in logs]


def _scatter(x: Sequence[float], factors: Sequence[Factor], shared: list[int] | None) -> float:
    """Return the variance of a slope by the residuals of its straight line."""
    powers = _powers(x)
    square = 1 / math.fsum(power**2 for power in powers)
    heights = [
        math.log(f.constant) + f.weight * fmean([math.log(median(g)) for g in groups if len(g)])
        for f in factors
        for groups in [f.groups if shared is None else [f.groups[i] for i in shared]]
    ]
    middle = fmean(heights)
    slope = math.fsum(y * power for y, power in zip(heights, powers, strict=True))
    residuals = (
        y - middle - slope * power * square for y, power in zip(heights, powers, strict=True)
    )
    return math.fsum(value**2 for value in residuals) / (len(x) - 2) / square


@functools.cache
def _quantile(freedom: float, level: float) -> float:
    return float(stdtrit(min(freedom, 1e9), (1 + level) / 2))


def _key(factors: Sequence[Factor]) -> str:
    above = " * ".join(factor.key for factor in factors if not factor.below)
    return " / ".join([above, *(factor.key for factor in factors if factor.below)])


def stable(value: float) -> float:
    """Round to what no processor's last bits reach."""
    return numerals.stable(value, DIGITS)


def _exp(log: float) -> float:
    return stable(math.exp(max(-FARTHEST, min(FARTHEST, log))))
