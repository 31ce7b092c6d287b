"""The noise of minibatch gradients over processes, and what theory says of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.analysis import leastsquares, quantities, seeds
from report.analysis.estimate import Estimate, product
from report.analysis.quantities import Metric, Quantity, Question

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from report.results.result import Moments, Record, Result
    from report.worker.records import GradientNoise

METRICS = {
    "std": Metric(unit="", timed=False, words="standard deviation of the minibatch gradient"),
    "mean_deviation": Metric(
        unit="", timed=False, words="distance from the full gradient of the mean over all draws"
    ),
    "mean_deviation_expected": Metric(
        unit="", timed=False, words="the same, as chance makes it of an unbiased gradient"
    ),
}

ROUNDING = 1e-6
"""A share of the noise of one example below which there is nothing but rounding: float64 leaves
1e-15 of it, float32 1e-7."""

THEORY = -0.5
"""The power of the batch size with which the noise of independent draws falls."""

LEAST_POINTS = 3


@dataclass(frozen=True, kw_only=True)
class Noise:
    """How far minibatch gradients lie from the full one, at one point and batch size."""

    point: str
    batch_size: int
    sampling: str
    # The root of the mean square distance in each process; one that found exactly 0 has no
    # logarithm and does not count.
    quantity: Quantity
    examples: int
    draws: int
    population: float  # mean over all examples of |g_i - g|^2
    gradient: float  # |g|, the length of the gradient over all examples
    # How far the mean over the draws lies from the full gradient, and how far chance would put it,
    # by metric; without values where that was not recorded.
    means: dict[str, Quantity]

    @property
    def whole(self) -> bool:
        """Whether each batch holds all examples; its gradient then has no noise at all."""
        return self.sampling == "permutation" and self.batch_size >= self.examples

    def std(self) -> Estimate | None:
        """Return the standard deviation; None if every process found exactly 0."""
        return self.quantity.estimate() if any(self.quantity.groups) else None

    def biased(self) -> Estimate | None:
        """Return how far the mean over the draws is off, over how far chance puts it: about 1."""
        off, expected = self.means["mean_deviation"], self.means["mean_deviation_expected"]
        return quantities.ratio(off, expected) if any(off.groups) else None

    def expected(self) -> float:
        """Return the standard deviation that theory says."""
        return self.correction() * math.sqrt(self.population / self.batch_size)

    def correction(self) -> float:
        """Return the factor by which drawing without replacement lessens the noise."""
        if self.sampling == "replacement":
            return 1.0
        return correction(self.batch_size, self.examples)

    def even_batch(self) -> float | None:
        """Return the batch size at which the noise is as long as the gradient.

        With replacement it solves population / b = |g|^2. Smaller batches point mostly at random,
        larger ones mostly the right way.

        Returns:
            The size, which need not be whole; None where the gradient is zero but for rounding.

        Source: S. McCandlish et al., "An Empirical Model of Large-Batch Training", 2018, where it
        is the simple noise scale.
        """
        if self.gradient <= ROUNDING * math.sqrt(self.population):
            return None
        square, n = self.gradient**2, self.examples
        if self.sampling == "replacement":
            return self.population / square
        # The same with the correction: population / b * (n - b) / (n - 1) = |g|^2.
        return n * self.population / ((n - 1) * square + self.population)


@dataclass(frozen=True, kw_only=True)
class Lessened:
    """What drawing without replacement makes of the noise, at one batch size."""

    batch_size: int
    expected: float  # the ratio that theory says
    # Noise without replacement over noise with it, the geometric mean over the points; None where a
    # batch holds all examples.
    ratio: Estimate | None
    rest: float = 0.0  # there, the largest ratio that any process found at any point


def lessened(noises: Sequence[Noise]) -> list[Lessened]:
    """Return the ratio of both ways of sampling, by batch size, where both are known."""
    by_size: dict[int, list[tuple[Noise, Noise]]] = {}
    replaced = {(n.point, n.batch_size): n for n in noises if n.sampling == "replacement"}
    for noise in noises:
        other = replaced.get((noise.point, noise.batch_size))
        if noise.sampling == "permutation" and other is not None:
            by_size.setdefault(noise.batch_size, []).append((noise, other))
    return [made for _, pairs in sorted(by_size.items()) if (made := _lessened(pairs)) is not None]


def _lessened(pairs: Sequence[tuple[Noise, Noise]]) -> Lessened | None:
    first = pairs[0][0]
    size, expected = first.batch_size, first.correction()
    if first.whole:
        sides = (
            one[0] / other[0]
            for pair in pairs
            for one, other in zip(*(noise.quantity.groups for noise in pair), strict=True)
            if one and other
        )
        rest = max(sides, default=0.0)
        return Lessened(batch_size=size, expected=expected, ratio=None, rest=rest)
    factors = [
        each.quantity.factor(weight=weight / len(pairs))
        for pair in pairs
        for each, weight in zip(pair, (1, -1), strict=True)
    ]
    if not all(any(factor.groups) for factor in factors):
        return None
    key = " x ".join(f"{f.key}^{f.weight:.3g}" for f in factors)
    return Lessened(batch_size=size, expected=expected, ratio=product(factors, key))


def correction(batch_size: float, examples: int) -> float:
    """Return the finite-population factor sqrt((n - b) / (n - 1)) of a standard deviation.

    Source: W. G. Cochran, "Sampling Techniques", 3rd edition 1977, section 2.6.
    """
    return math.sqrt(max(0, examples - batch_size) / max(1, examples - 1))


def exponent(noises: Iterable[Noise]) -> Estimate | None:
    """Return the power of the batch size with which noise, of one way of sampling, falls.

    Points have lines of their own, and the mean of their slopes counts; there must be one with
    three batch sizes. What drawing without replacement takes off the noise is put back first,
    since it bends the line.
    """
    points: dict[str, list[Noise]] = {}
    for noise in sorted(noises, key=lambda noise: noise.batch_size):
        if noise.correction() and any(noise.quantity.groups):
            points.setdefault(noise.point, []).append(noise)
    lines = [line for line in points.values() if len(line) >= LEAST_POINTS]
    if not lines:
        return None
    return quantities.power_law(
        [([n.batch_size for n in line], [n.quantity for n in line]) for line in lines],
        [[1 / noise.correction() for noise in line] for line in lines],
    )


def noises(records: Sequence[Record], examples: int, run: str = "") -> list[Noise]:
    """Return the noise of every series of one experiment on one backend, as it was measured."""
    drawn: dict[str, dict[int, GradientNoise]] = {}
    for index, record in enumerate(records):
        for each in record.outcome.noise if record.outcome else ():
            drawn.setdefault(repr(each.labels), {})[index] = each
    return [_noise(records, by_process, examples, run) for by_process in drawn.values()]


def _noise(
    records: Sequence[Record], drawn: dict[int, GradientNoise], examples: int, run: str
) -> Noise:
    """Return the noise of one series; what does not depend on the process is the last one's."""
    last = drawn[max(drawn)]
    labels = {name: last.labels[name] for name in ("point", "batch_size", "sampling")}
    squares: dict[str, list[float]] = {metric: [0.0] * len(records) for metric in METRICS}
    for k, one in drawn.items():
        squares["std"][k] = one.mean_square
        if one.mean_deviation is not None:
            squares["mean_deviation"][k] = one.mean_deviation
            # The mean of n draws scatters 1/n as much as one of them, squared.
            squares["mean_deviation_expected"][k] = one.mean_square / one.draws
    means = {
        metric: quantities.quantity(
            records,
            metric=metric,
            labels=labels,
            groups=[[math.sqrt(square)] if square else [] for square in mine],
            unit="",
            run=run,
        )
        for metric, mine in squares.items()
    }
    return Noise(
        point=str(labels["point"]),
        batch_size=int(str(labels["batch_size"])),
        sampling=str(labels["sampling"]),
        quantity=means.pop("std"),
        means=means,
        examples=examples,
        draws=sum(each.draws for each in drawn.values()),
        population=last.population,
        gradient=last.gradient,
    )


def observed(result: Result, records: Sequence[Record], question: Question) -> list[Quantity]:
    """Return a metric of every series of one experiment on one backend.

    Batches that hold all examples are left out: they have no noise, and what is measured of it is
    rounding, of which no ratio or power means anything.
    """
    found = noises(records, result.config["examples"], result.run)
    return [one.means.get(question.metric, one.quantity) for one in found if not one.whole]


HALFWAY_STEPS = 2
"""Full-batch steps to the point halfway. On the chapter's data the gradient's length falls from
0.59 to 0.11 in them, while the noise is already what it is at the optimum, within 2 %."""


def points_of_seed(moments: Moments, seed: int) -> dict[str, list[float]]:
    """Return the parameters at each point of a run by its name, the bias last.

    Training starts at the weights of the first seed of a configuration's seed, and a bias of 0.
    """
    problem = leastsquares.problem_from_moments(moments)
    start = [*seeds.initial_weights(seed, 0, len(problem.hessian) - 1), 0.0]
    path = problem.path(start, problem.best_fixed_lr(), HALFWAY_STEPS)
    return {"start": path[0], "halfway": path[-1], "optimum": problem.optimum()[0]}
