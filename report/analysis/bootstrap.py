"""The uncertainty of any product of measured quantities: a hierarchical bootstrap. Pure.

What is compared is seldom one quantity: a ratio of two, a ratio of ratios, the slope of a power
law. On logarithms all of them are weighted sums of what each replicate measured, so that one
procedure serves all. It resamples replicates (processes, or seeds where the process does not
matter), and within each of them its samples; factors that were measured in the same replicates
are resampled together, so that what makes a replicate slow cancels.

With four to ten replicates the percentiles of a bootstrap are too narrow: resampling n things
has (n - 1) / n of their variance, and cannot reach beyond the most extreme of them. Therefore only
the standard error is taken from it, corrected by n / (n - 1), and Student's t gives the interval.
At the level of replicates that variance is known without drawing: for the mean of n values it is
s^2 / n, s being their standard deviation.

The two levels must not simply be added. Medians of replicates differ because replicates do, but
also because each has a few samples only, so that s^2 holds the noise within already; resampling
within on top of it would count that twice. What is left of s^2 for replicates, max(0, s^2 - v)
with v the variance within, and v itself add up to max(s^2, v). It matters where the replicates
agree better than their own samples allow: that is luck, and v keeps the interval from taking
advantage of it. `benchmarks/calibration.py` shows what follows.

Source: A. C. Davison and D. V. Hinkley, "Bootstrap Methods and their Application", 1997, section
3.8 (hierarchical data; resampling at both levels overstates the variance); S. R. Searle,
G. Casella and C. E. McCulloch, "Variance Components", 1992 (components cannot be negative);
T. C. Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician 69,
2015 (t intervals with bootstrap standard errors, and why small samples need the correction);
F. E. Satterthwaite, "An Approximate Distribution of Estimates of Variance Components",
Biometrics 2, 1946 (degrees of freedom of a sum).
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from report.worker.timing import median

if TYPE_CHECKING:
    from collections.abc import Sequence

Ranks = npt.NDArray[np.uint32]

RESAMPLES = 1000
"""Of the samples of each replicate; their standard error is then known to about 2 %."""


@dataclass(frozen=True, kw_only=True)
class Factor:
    """One quantity in a product of powers.

    Attributes:
        groups: For each replicate its samples, all positive; empty where it has none.
        weight: The power: 1 for a numerator, -1 for a denominator.
        family: What was measured together, in the same replicates; these are paired.
    """

    groups: Sequence[Sequence[float]]
    weight: float
    family: str


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A logarithm with its standard error.

    Attributes:
        log: Natural logarithm of the product of powers.
        error: Its standard error.
        freedom: Degrees of freedom of the error; 0 where a single replicate cannot tell.
        replicates: The fewest replicates that any part of it stands on.
        each: The same for each replicate alone, where all factors were measured together.
    """

    log: float
    error: float
    freedom: float
    replicates: int
    each: tuple[float, ...] = ()

    def ends(self, level: float = 0.95) -> tuple[float, float] | None:
        """Return the ends of the interval on the logarithm, or None with a single replicate."""
        if self.freedom <= 0:
            return None
        half = quantile(self.freedom, level) * self.error
        return self.log - half, self.log + half

    def over(self, constant: float) -> Effect:
        """Return this divided by a positive number without error."""
        shift = math.log(constant)
        each = tuple(one - shift for one in self.each)
        return dataclasses.replace(self, log=self.log - shift, each=each)

    def inverse(self) -> Effect:
        """Return one divided by this."""
        each = tuple(-one for one in self.each)
        return dataclasses.replace(self, log=-self.log, each=each)


def quantile(freedom: float, level: float = 0.95) -> float:
    """Return Student's t for a two-sided interval of a level."""
    return float(stdtrit(freedom, (1 + level) / 2))


def effect(factors: Sequence[Factor], seed: str) -> Effect:
    """Estimate a product of powers of measured quantities.

    Args:
        factors: At least one.
        seed: Decides the resamples: the same words give the same interval.

    Raises:
        ValueError: A factor has no samples.
    """
    rng = _Draws(seed)
    parts = [part for family in _families(factors) for part in _parts(family, rng)]
    variance = math.fsum(part.variance for part in parts)
    return Effect(
        log=math.fsum(part.centre for part in parts),
        error=math.sqrt(variance),
        freedom=_satterthwaite([(part.variance, part.replicates - 1) for part in parts]),
        replicates=min(part.replicates for part in parts),
        each=parts[0].each if len(parts) == 1 else (),
    )


def exponent(
    x: Sequence[float], series: Sequence[Sequence[Sequence[float]]], family: str, seed: str
) -> Effect:
    """Estimate e in y = c x^e by least squares on logarithms.

    The error has two parts: that of the measured values, from the bootstrap, and that of the
    straight line, from the residuals; where the law holds, the second is small.

    Args:
        x: At least three values, positive and different.
        series: For each of them the groups of y.
        family: What was measured together.
        seed: Decides the resamples.

    Returns:
        The exponent in the place of the logarithm.

    Raises:
        ValueError: There are fewer than three points, or one has no samples.
    """
    if len(x) < 3:
        raise ValueError("a power law needs three points")
    log_x = np.log(np.asarray(x, dtype=np.float64))
    centred = log_x - log_x.mean()
    weights = centred / (centred @ centred)
    factors = [
        Factor(groups=groups, weight=float(weight), family=family)
        for groups, weight in zip(series, weights, strict=True)
    ]
    measured = effect(factors, seed)
    # Of the same replicates as the slope: one that lacks a point would bend the line.
    shared = _shared(factors)
    log_y = np.array(
        [
            np.mean(_log_medians(groups if shared is None else [groups[i] for i in shared]))
            for groups in series
        ]
    )
    residuals = log_y - log_y.mean() - measured.log * centred
    scatter = float(residuals @ residuals) / (len(x) - 2) / float(centred @ centred)
    variance = measured.error**2 + scatter
    return Effect(
        log=measured.log,
        error=math.sqrt(variance),
        freedom=_satterthwaite([(measured.error**2, measured.freedom), (scatter, len(x) - 2)]),
        replicates=measured.replicates,
        each=measured.each,
    )


def typical(groups: Sequence[Sequence[float]]) -> float:
    """Return the geometric mean of the replicates' medians.

    Raises:
        ValueError: There are no samples.
    """
    logs = _log_medians(groups)
    if not logs:
        raise ValueError("no samples")
    return math.exp(math.fsum(logs) / len(logs))


@dataclass(frozen=True, kw_only=True)
class _Part:
    """Factors that are resampled together: their sum of logarithms, and its variance."""

    centre: float
    variance: float
    replicates: int
    each: tuple[float, ...]


class _Draws:
    """Resamples, drawn from PCG64's raw stream, which NumPy promises never to change (NEP 19)."""

    def __init__(self, seed: str) -> None:
        digest = hashlib.sha256(seed.encode()).digest()
        self._bits = np.random.PCG64(int.from_bytes(digest[:16], "big"))
        self._middles: dict[int, tuple[Ranks, Ranks]] = {}

    def variance(self, samples: Sequence[float]) -> float:
        """Return the variance of the logarithm of the median over resamples."""
        if len(samples) == 1:
            return 0.0
        logs = np.log(np.sort(np.asarray(samples, dtype=np.float64)))
        lower, upper = self._middle(len(samples))
        return float(((logs[lower] + logs[upper]) / 2).var())

    def _middle(self, count: int) -> tuple[Ranks, Ranks]:
        """Return the ranks of the two samples (often one) in the middle of each resample.

        Ranks do not depend on the values, so that one set serves all groups of a size.
        """
        if count not in self._middles:
            raw = self._bits.random_raw(RESAMPLES * count).reshape(RESAMPLES, count)
            # The bias of a remainder of 64 bits is far below anything that matters here.
            ranks = np.sort((raw % np.uint64(count)).astype(np.uint32), axis=1)
            self._middles[count] = (ranks[:, (count - 1) // 2], ranks[:, count // 2])
        return self._middles[count]


def _families(factors: Sequence[Factor]) -> list[list[Factor]]:
    found: dict[str, list[Factor]] = {}
    for factor in factors:
        found.setdefault(factor.family, []).append(factor)
    return list(found.values())


def _shared(family: Sequence[Factor]) -> list[int] | None:
    """Return the replicates that have all factors; None where that is no way to pair them."""
    if len({len(factor.groups) for factor in family}) > 1:
        return None
    shared = [
        index
        for index, groups in enumerate(zip(*(f.groups for f in family), strict=True))
        if all(len(group) for group in groups)
    ]
    return shared if len(shared) > 1 or len(family) == 1 else None


def _parts(family: Sequence[Factor], rng: _Draws) -> list[_Part]:
    """Resample a family together where its factors share at least two replicates, else apart."""
    shared = _shared(family)
    if shared is not None:
        return [_resampled(family, shared, rng)]
    return [
        _resampled([factor], [i for i, group in enumerate(factor.groups) if len(group)], rng)
        for factor in family
    ]


def _resampled(family: Sequence[Factor], replicates: Sequence[int], rng: _Draws) -> _Part:
    count = len(replicates)
    if count == 0:
        raise ValueError("no samples")
    each = np.zeros(count)
    within = np.zeros(count)
    for factor in family:
        groups = [factor.groups[index] for index in replicates]
        each += factor.weight * np.array([math.log(median(group)) for group in groups])
        within += factor.weight**2 * np.array([rng.variance(group) for group in groups])
    between = float(each.var(ddof=1)) if count > 1 else 0.0
    return _Part(
        centre=float(each.mean()),
        variance=max(between, float(within.mean())) / count,
        replicates=count,
        each=tuple(float(value) for value in each),
    )


def _log_medians(groups: Sequence[Sequence[float]]) -> list[float]:
    return [math.log(median(group)) for group in groups if len(group)]


def _satterthwaite(parts: Sequence[tuple[float, float]]) -> float:
    """Return the degrees of freedom of a sum of variances, each with its own.

    Without any variance every freedom gives the same interval; with a part of a single replicate
    there is none.
    """
    if any(freedom <= 0 for _, freedom in parts):
        return 0.0
    total = math.fsum(variance for variance, _ in parts)
    if total == 0:
        return min(freedom for _, freedom in parts)
    return total**2 / math.fsum(variance**2 / freedom for variance, freedom in parts)
