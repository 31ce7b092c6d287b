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
import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

# These alone: scipy.stats would take longer to import than a page to render.
from scipy.special import betainc, stdtrit

from report.analysis import between
from report.text import numerals
from report.worker.timing import median, median_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from report.analysis.between import Group

LEVEL = 0.95

DIGITS = 10
"""Significant digits of an estimate: logarithms leave a few of sixteen to the processor."""

FARTHEST = 700.0
"""Of a logarithm; floating point ends at 709, and two replicates may well reach beyond."""

Basis = Literal["replicates", "samples", "nothing"]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its 95 % interval, whose ends are None where nothing tells."""

    value: float
    """The geometric mean of the replicates' medians; or an exponent."""
    low: float | None
    high: float | None
    replicates: int
    """The fewest processes, or seeds, that any part of it stands on."""
    samples: int
    """How many there were in all of them."""
    basis: Basis
    """What the interval stands on: several replicates, or the samples of a single one."""
    each: tuple[float, ...] = ()
    """The same for each replicate alone, where all parts were measured together."""
    key: str = ""
    """What it is of, if it has a name; estimates with the same key are the same number."""
    highest_of: int = 0
    """Of how many quantities it is the highest, where it was picked; 0 if it was not."""
    error: float = 0.0
    """Standard error: of the logarithm, or of an exponent or a mean."""
    freedom: float = math.inf
    """Degrees of freedom of that."""
    runs: int = 0
    """The fewest runs of a machine that it stands on; 0 where no clock has a part in it."""

    def at(self, level: float, *, without: float = 0.0) -> Estimate:
        """Return a product's interval at another level than 95 %.

        `without` is a variance that its logarithm would not have, were something known.
        """
        if self.basis != "replicates":
            return dataclasses.replace(self, low=None, high=None, basis="nothing")
        half = _quantile(self.freedom, level) * math.sqrt(max(0.0, self.error**2 - without))
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


@dataclass(frozen=True, kw_only=True)
class Factor:
    """One quantity in a product of powers."""

    groups: Sequence[Sequence[float]]
    """For each replicate its samples, all positive; empty where it has none."""
    weight: float = 1.0
    """The power: 1 for a numerator, -1 for a denominator."""
    family: str = ""
    """What was measured together, in the same replicates; these are paired."""
    source: str = ""
    """Whose state has a part in it: a machine, in some runs."""
    runs: Sequence[str] = ()
    """For each replicate when its run began, ISO 8601; may be empty if there is one run."""
    group: Group | None = None
    """What limits it, if it is a time."""
    constant: float = 1.0
    """A number without error by which the whole product is multiplied."""
    key: str = ""
    below: bool = False
    """It is a denominator, for the product's key."""

    def inverse(self) -> Factor:
        """Return one divided by this."""
        return dataclasses.replace(
            self, weight=-self.weight, constant=1 / self.constant, below=not self.below
        )


def estimate(groups: Sequence[Sequence[float]], key: str = "") -> Estimate:
    """Estimate a positive quantity from the samples of each replicate; empty ones do not count.

    Raises:
        ValueError: There are no samples.
    """
    return product([Factor(groups=groups)], key)


def product(factors: Sequence[Factor], key: str = "") -> Estimate:
    """Estimate a product of powers of measured quantities; its key is else that of its factors.

    Raises:
        ValueError: There are no factors, or one has no samples.
    """
    parts = _parts(factors)
    return _of_parts(factors, parts, _interval(parts), _exp, key or _key(factors))


def exponent(curves: Sequence[tuple[Sequence[float], Sequence[Factor]]], key: str = "") -> Estimate:
    """Estimate e in y = c x^e by least squares on logarithms.

    The error has two parts: that of the measured values, and that of the straight lines, from the
    residuals; where the law holds, the second is small. A curve is x, at least three values that
    are positive and differ, and y at each, measured together. Each has a c of its own, and the mean
    of their exponents counts.

    Raises:
        ValueError: A curve has fewer than three points, or one has no samples.
    """
    weighted = [
        dataclasses.replace(f, weight=f.weight * power, constant=f.constant**power)
        for x, factors in curves
        for f, power in zip(factors, [p / len(curves) for p in _powers(x)], strict=True)
    ]
    # Of the same replicates as the slope: one that lacks a point would bend the line.
    shared = _shared(weighted)
    scatter = [_scatter(x, factors, shared) for x, factors in curves]
    parts = _parts(weighted)
    # The lines' own error is one more part, whose freedom is that of their residuals.
    lines = _Part(
        centre=0.0,
        variance=math.fsum(scatter) / len(curves) ** 2,
        replicates=1 + sum(len(x) - 2 for x, _ in curves),
    )
    interval = _interval([*parts, lines])
    if interval.basis != "replicates":  # a single replicate does not tell how much slopes differ
        interval = _Interval(ends=None, basis="nothing")
    return _of_parts(weighted, parts, interval, stable, key)


def average(values: Sequence[float], key: str = "") -> Estimate:
    """Estimate a mean of what need not be positive, by Student's t: shares, differences.

    Raises:
        ValueError: There are no values; each replicate has one.
    """
    middle, count = _mean(values), len(values)
    variance = _variance(values) / count
    part = _Part(centre=middle, variance=variance, replicates=count, each=tuple(values))
    counted = Factor(groups=[[one] for one in values])  # whose logarithms nobody takes
    return _of_parts([counted], [part], _interval([part]), stable, key)


def over_replicates(values: Sequence[float], key: str = "") -> Estimate:
    """Estimate from one value a replicate; where one is zero, which has no logarithm, a mean."""
    return estimate([[v] for v in values], key) if min(values) > 0 else average(values, key)


def centre(values: Iterable[float]) -> float:
    """Return the geometric mean of positive values: the centre of replicates, everywhere."""
    return _exp(_mean([math.log(value) for value in values]))


def spread(groups: Sequence[Sequence[float]]) -> float | None:
    """Return by how much the slowest replicate's median exceeds the fastest's, as a fraction."""
    medians = [median(group) for group in groups if len(group)]
    return max(medians) / min(medians) - 1 if len(medians) > 1 else None


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A mean over replicates: on logarithms, of paired factors or of one; else of plain values."""

    centre: float
    variance: float
    """Of the centre, which is a mean over the replicates."""
    replicates: int
    each: tuple[float, ...] = ()
    own: tuple[float, float] | None = None
    """The ends of the interval of a single replicate's own median, less the centre."""
    degrees: float | None = None
    """Degrees of freedom of the variance, where they are not one less than the replicates."""

    @property
    def freedom(self) -> float:
        return self.replicates - 1 if self.degrees is None else self.degrees


@dataclass(frozen=True, kw_only=True)
class _Interval:
    """The ends of an interval, less its centre, and what they stand on."""

    ends: tuple[float, float] | None
    basis: Basis
    error: float = 0.0
    freedom: float = math.inf


def _of_parts(
    factors: Sequence[Factor],
    parts: Sequence[_Part],
    interval: _Interval,
    read: Callable[[float], float],
    key: str,
) -> Estimate:
    ends = interval.ends
    shift = math.fsum(math.log(factor.constant) for factor in factors)
    middle = math.fsum([shift, *(part.centre for part in parts)])
    measured = [part for part in parts if part.replicates]
    alone = len(measured) == 1
    return Estimate(
        value=read(middle),
        low=None if ends is None else read(middle + ends[0]),
        high=None if ends is None else read(middle + ends[1]),
        replicates=min(part.replicates for part in measured),
        samples=sum(len(group) for factor in factors for group in factor.groups),
        basis=interval.basis,
        each=tuple(read(one + shift) for one in parts[0].each) if alone else (),
        key=key,
        error=stable(interval.error),
        freedom=stable(interval.freedom) if interval.freedom < math.inf else math.inf,
        runs=min((len(_runs(f)) for f in factors if f.group), default=0),
    )


def _powers(x: Sequence[float]) -> list[float]:
    """Return the powers of y of which the logarithm of their product is the slope."""
    if len(x) < 3:
        raise ValueError("a power law needs three points")
    logs = [math.log(value) for value in x]
    middle = _mean(logs)
    square = math.fsum((log - middle) ** 2 for log in logs)
    return [(log - middle) / square for log in logs]


def _scatter(x: Sequence[float], factors: Sequence[Factor], shared: list[int] | None) -> float:
    """Return the variance of a slope by the residuals of its straight line."""
    powers = _powers(x)
    square = 1 / math.fsum(power**2 for power in powers)
    heights = [
        math.log(f.constant) + f.weight * _mean([math.log(median(g)) for g in groups if len(g)])
        for f in factors
        for groups in [f.groups if shared is None else [f.groups[i] for i in shared]]
    ]
    middle = _mean(heights)
    slope = math.fsum(y * power for y, power in zip(heights, powers, strict=True))
    residuals = (
        y - middle - slope * power * square for y, power in zip(heights, powers, strict=True)
    )
    return math.fsum(value**2 for value in residuals) / (len(x) - 2) / square


def _interval(parts: Sequence[_Part]) -> _Interval:
    several = [(part.variance, part.freedom) for part in parts if part.replicates != 1]
    total = math.fsum(variance for variance, _ in several)
    # Satterthwaite's degrees of freedom of the sum.
    shares = math.fsum(variance**2 / freedom for variance, freedom in several)
    freedom = total**2 / shares if shares else math.inf
    half = _quantile(freedom, LEVEL) * math.sqrt(total)
    single = [part.own for part in parts if part.replicates == 1]
    own = [ends for ends in single if ends is not None]
    if len(own) < len(single):
        return _Interval(ends=None, basis="nothing")
    # The widest that the parts' own intervals allow.
    low = math.fsum(low for low, _ in own) - half
    high = math.fsum(high for _, high in own) + half
    basis: Basis = "samples" if single else "replicates"
    return _Interval(ends=(low, high), basis=basis, error=math.sqrt(total), freedom=freedom)


@functools.cache
def _quantile(freedom: float, level: float) -> float:
    return float(stdtrit(min(freedom, 1e9), (1 + level) / 2))


def _key(factors: Sequence[Factor]) -> str:
    above = " * ".join(factor.key for factor in factors if not factor.below)
    return " / ".join([above, *(factor.key for factor in factors if factor.below)])


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


def _parts(factors: Sequence[Factor]) -> list[_Part]:
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


def _of_family(family: Sequence[Factor]) -> list[_Part]:
    shared = _shared(family)
    if shared is not None:
        return [_part(family, shared)]
    return [_part([f], [i for i, g in enumerate(f.groups) if len(g)]) for f in family]


def _with_runs(factors: Sequence[Factor], parts: list[_Part]) -> list[_Part]:
    """Return what one machine measured with the variance between its runs."""
    timed = [factor for factor in factors if factor.group]
    if not timed:
        return parts
    runs = [run for run in _runs(timed[0]) if all(run in _runs(factor) for factor in timed)]
    state = between.State(
        weights=tuple((factor.weight, factor.group) for factor in timed if factor.group),
        runs=tuple(runs) or ("",),
    )
    if len(runs) < between.ENOUGH or len(timed) < len(factors):
        variance = state.of_mean()
        return [*parts, _Part(centre=0.0, variance=variance, replicates=0, degrees=state.freedom)]
    each = [
        math.fsum(factor.weight * _mean(_logs(factor, run)) for factor in timed) for run in runs
    ]
    within = math.fsum(part.variance for part in parts)
    return [
        _Part(
            centre=_mean(each),
            variance=max(_variance(each) / len(runs) + state.of_days(), within),
            replicates=min(part.replicates for part in parts),
            each=parts[0].each if len(parts) == 1 else (),
            degrees=len(runs) - 1,
        )
    ]


def _runs(factor: Factor) -> list[str]:
    """Return the runs in which a factor was measured."""
    runs = factor.runs or [""] * len(factor.groups)
    return list(dict.fromkeys(run for run, g in zip(runs, factor.groups, strict=True) if len(g)))


def _logs(factor: Factor, wanted: str) -> list[float]:
    """Return the logarithms of what a run's replicates measured."""
    pairs = zip(factor.runs, factor.groups, strict=True)
    return [math.log(median(group)) for run, group in pairs if run == wanted and len(group)]


def _part(family: Sequence[Factor], replicates: Sequence[int]) -> _Part:
    if not replicates:
        raise ValueError("no samples")
    each = [
        math.fsum(factor.weight * math.log(median(factor.groups[index])) for factor in family)
        for index in replicates
    ]
    within = [
        math.fsum(f.weight**2 * _variance_of_median(tuple(f.groups[index])) for f in family)
        for index in replicates
    ]
    middle, count = _mean(each), len(replicates)
    return _Part(
        centre=middle,
        variance=max(_variance(each), _mean(within)) / count,
        replicates=count,
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


def _variance(values: Sequence[float]) -> float:
    """Return the variance of values; of a single one, 0."""
    middle = _mean(values)
    return math.fsum((one - middle) ** 2 for one in values) / max(1, len(values) - 1)


def _mean(values: Sequence[float]) -> float:
    if not values:
        raise ValueError("no samples")
    return math.fsum(values) / len(values)


def stable(value: float) -> float:
    """Round to what no processor's last bits reach."""
    return numerals.stable(value, DIGITS)


def _exp(log: float) -> float:
    return stable(math.exp(max(-FARTHEST, min(FARTHEST, log))))
