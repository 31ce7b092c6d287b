"""The noise of minibatch gradients over processes, and what theory says of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.analysis import statistics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.statistics import Estimate
    from report.results.result import Record

ROUNDING = 1e-6
"""A share of the noise of one example below which there is nothing but rounding: float64 leaves
1e-15 of it, float32 1e-7."""


@dataclass(frozen=True, kw_only=True)
class Noise:
    """How far minibatch gradients lie from the full one, at one point and batch size.

    Attributes:
        point: Where.
        batch_size: Examples of a batch.
        sampling: replacement or permutation.
        examples: How many there are to draw from.
        by_process: For each process the root of the mean square distance; None where it has none.
        draws: Minibatches of all processes.
        population: Mean over all examples of |g_i - g|^2.
        gradient: |g|, the length of the gradient over all examples.
    """

    point: str
    batch_size: int
    sampling: str
    examples: int
    by_process: list[float | None]
    draws: int
    population: float
    gradient: float

    @property
    def whole(self) -> bool:
        """Whether each batch holds all examples, so that its gradient has no noise at all."""
        return self.sampling == "permutation" and self.batch_size >= self.examples

    def std(self) -> Estimate | None:
        """Return the standard deviation; None if every process found exactly 0."""
        groups = self.groups()
        return statistics.estimate(groups) if any(groups) else None

    def groups(self) -> list[list[float]]:
        """Return what each process found, for estimates on logarithms: an empty list for 0."""
        return [[std] if std else [] for std in self.by_process]

    def expected(self) -> float:
        """Return the standard deviation that theory says."""
        return self.correction() * math.sqrt(self.population / self.batch_size)

    def correction(self) -> float:
        """Return the factor by which drawing without replacement lessens the noise."""
        replaced = self.sampling == "replacement"
        return 1.0 if replaced else correction(self.batch_size, self.examples)

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
    """What drawing without replacement makes of the noise, at one batch size.

    Attributes:
        batch_size: Examples of a batch.
        examples: How many there are to draw from.
        ratio: Noise without replacement over noise with it, the geometric mean over the points;
            None where a batch holds all examples.
        rest: There, the largest ratio that any process found at any point.
    """

    batch_size: int
    examples: int
    ratio: Estimate | None
    rest: float = 0.0

    def expected(self) -> float:
        """Return the ratio that theory says."""
        return correction(self.batch_size, self.examples)


def lessened(noises: Sequence[Noise]) -> list[Lessened]:
    """Return the ratio of both ways of sampling, by batch size, where both are known."""
    by_size: dict[int, list[tuple[Noise, Noise]]] = {}
    replaced = {(n.point, n.batch_size): n for n in noises if n.sampling == "replacement"}
    for noise in noises:
        other = replaced.get((noise.point, noise.batch_size))
        if noise.sampling == "permutation" and other is not None:
            by_size.setdefault(noise.batch_size, []).append((noise, other))
    found = []
    for size, pairs in sorted(by_size.items()):
        examples = pairs[0][0].examples
        if pairs[0][0].whole:
            rest = max((ratio for sides in _sides(pairs) for ratio in sides), default=0.0)
            found.append(Lessened(batch_size=size, examples=examples, ratio=None, rest=rest))
            continue
        ratio = _ratio(pairs)
        if ratio is not None:
            found.append(Lessened(batch_size=size, examples=examples, ratio=ratio))
    return found


def _ratio(pairs: Sequence[tuple[Noise, Noise]]) -> Estimate | None:
    # A process that lacks a point would weigh the points otherwise than the others do.
    by_process = [
        [math.exp(math.fsum(map(math.log, sides)) / len(sides))] if len(sides) == len(pairs) else []
        for sides in _sides(pairs)
        if all(sides)
    ]
    return statistics.estimate(by_process) if any(by_process) else None


def _sides(pairs: Sequence[tuple[Noise, Noise]]) -> list[list[float]]:
    """Return for each process the ratios at the points where both sides are known."""
    columns = [zip(one.by_process, other.by_process, strict=True) for one, other in pairs]
    return [
        [above / below for above, below in sides if above is not None and below]
        for sides in zip(*columns, strict=True)
    ]


def correction(batch_size: float, examples: int) -> float:
    """Return the finite-population factor sqrt((n - b) / (n - 1)) of a standard deviation.

    Source: W. G. Cochran, "Sampling Techniques", 3rd edition 1977, section 2.6.
    """
    return math.sqrt(max(0, examples - batch_size) / max(1, examples - 1))


def noises(records: Sequence[Record], examples: int) -> list[Noise]:
    """Return the noise of every series of one experiment on one backend.

    Args:
        records: Of its processes.
        examples: How many the data has.

    Returns:
        In the order of measuring.
    """
    found: dict[tuple[str, str, int], Noise] = {}
    for index, record in enumerate(records):
        for each in record.outcome.noise if record.outcome else ():
            point, sampling = str(each.labels["point"]), str(each.labels["sampling"])
            size = int(str(each.labels["batch_size"]))
            known = found.get((point, sampling, size))
            values: list[float | None] = [None] * len(records)
            if known:
                values = list(known.by_process)
            values[index] = math.sqrt(each.mean_square)
            found[point, sampling, size] = Noise(
                point=point,
                batch_size=size,
                sampling=sampling,
                examples=examples,
                by_process=values,
                draws=each.draws + (known.draws if known else 0),
                population=each.population,
                gradient=each.gradient,
            )
    return list(found.values())
