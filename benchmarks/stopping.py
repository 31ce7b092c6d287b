"""How often verdicts are wrong when processes stop at what was seen: rules beside each other.

Aims: at the edge of a claim at most 3.5 % of intervals lie on the wrong side (2.5 % do by
themselves), and 93 % cover the truth wherever it lies.
Run: .venv/bin/python benchmarks/stopping.py [effects a row, 20000]
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from report.run.allocation import FAR, FIRST, NEAR, student

if TYPE_CHECKING:
    from collections.abc import Callable

    Floats = npt.NDArray[np.float64]
    Rule = Callable[["Draw"], npt.NDArray[np.int64]]

MOST, PLANNED = 12, 4
NOISE = (0.02, 0.04, 0.1)
LEASTS = (1.05, 1.1, 1.25, 2.0)
PLACES = (0.0, 0.5, 1.0, 1.5, 2.0, 4.0, 10.0)
"""Where the truth lies, in units of the logarithm of the least effect."""

QUANTILES = np.array([math.nan, math.nan] + [student(n - 1) for n in range(2, MOST + 1)])


class Draw:
    """Effects of `MOST` processes each, and five further effects of their kind."""

    def __init__(self, rng: np.random.Generator, count: int, truth: float, noise: float) -> None:
        """Draw; the others' noise is within a factor of 1.5 or so of this."""
        drawn = rng.normal(truth, noise, (count, MOST))
        self._sums, self._squares = drawn.cumsum(axis=1), (drawn**2).cumsum(axis=1)
        scales = noise * np.exp(rng.normal(0, 0.4, (count, 5)))
        self._others = scales**2 * rng.chisquare(FIRST - 1, (count, 5)) / (FIRST - 1)

    def at(self, counts: npt.NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
        """Return mean, standard deviation and half-width of the first so many processes."""
        rows = np.arange(len(counts))
        mean = self._sums[rows, counts - 1] / counts
        variance = (self._squares[rows, counts - 1] - counts * mean**2) / (counts - 1)
        deviation = np.sqrt(np.maximum(variance, 0))
        return mean, deviation, QUANTILES[counts] * deviation / np.sqrt(counts)

    def all(self, count: int) -> npt.NDArray[np.int64]:
        """Return the same number for each."""
        return np.full(len(self._sums), count)

    def usual(self) -> Floats:
        """Return the deviation that the rule goes by: its own, or that of its kind."""
        own = self.at(self.all(FIRST))[1]
        every = np.column_stack([self._others, own**2])
        return np.maximum(own, np.sqrt(np.median(every, axis=1) / math.log(2)))


def needed(widths: Floats, deviations: Floats) -> npt.NDArray[np.int64]:
    """Return the processes for these half-widths, of those that there can be."""
    counts = np.arange(PLANNED, MOST + 1)
    fits = QUANTILES[counts] * deviations[:, None] <= widths[:, None] * np.sqrt(counts)
    return np.where(fits.any(axis=1), counts[fits.argmax(axis=1)], MOST)


def distance(mean: Floats, least: float) -> Floats:
    """Return how far effects lie from what decides the claim."""
    return np.minimum(abs(mean), abs(mean - least))


def rules(least: float) -> dict[str, Rule]:
    """Return the rules, each of which says how many processes an effect gets."""

    def looks(draw: Draw) -> npt.NDArray[np.int64]:
        counts = draw.all(MOST)
        for count in range(MOST - 1, FIRST - 1, -1):
            mean, _, half = draw.at(draw.all(count))
            counts[distance(mean, least) > half] = count
        return counts

    def clear(draw: Draw) -> npt.NDArray[np.int64]:
        mean, _, half = draw.at(draw.all(FIRST))
        return np.where(distance(mean, least) > half, FIRST, MOST)

    def stein(draw: Draw) -> npt.NDArray[np.int64]:
        deviation = draw.at(draw.all(FIRST))[1]
        counts = np.ceil((QUANTILES[FIRST] * deviation / (least / 2)) ** 2)
        clipped: npt.NDArray[np.int64] = np.clip(counts, FIRST, MOST).astype(np.int64)
        return clipped

    def chosen(draw: Draw) -> npt.NDArray[np.int64]:
        mean, deviation = draw.at(draw.all(FIRST))[0], draw.usual()
        far = distance(mean, least)
        counts = needed(np.maximum(least / 2, NEAR * far), deviation)
        return np.where(far > FAR * deviation / math.sqrt(FIRST), FIRST, counts)

    return {
        "as planned": lambda draw: draw.all(PLANNED),
        "a look after each process": looks,
        "two looks": clear,
        "Stein, each by its own variance": stein,
        "chosen": chosen,
    }


def main() -> None:
    """Print a row for each rule: the worst over noises, least effects and places."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    for name in rules(1.0):
        false, covered, spent = [], [], []
        for noise in NOISE:
            for least in map(math.log, LEASTS):
                rng = np.random.default_rng([1, round(1e6 * noise), round(1e6 * least)])
                for place in PLACES:
                    draw = Draw(rng, count, place * least, noise)
                    counts = rules(least)[name](draw)
                    mean, _, half = draw.at(counts)
                    low, high = mean - half, mean + half
                    covered.append(float(((low <= place * least) & (place * least <= high)).mean()))
                    if place in {0.0, 1.0}:
                        wrong = low > 0 if place == 0 else high < least
                        false.append(float(wrong.mean()))
                        spent.append(float(counts.mean()))
        shares = f"{100 * min(false):.1f} to {100 * max(false):.1f} | {100 * min(covered):.1f}"
        print(f"| {name} | {shares} | {min(spent):.1f} to {max(spent):.1f} |")


if __name__ == "__main__":
    main()
