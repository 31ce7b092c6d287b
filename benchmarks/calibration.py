"""How often verdicts are wrong: on simulated samples, and on the halves of measured ones.

Aims: on two halves of identical data at most 5 % false differences; with a true effect of 5 % at
the default budget at least 90 % found, under typical noise; intervals cover the truth in 95 %.
Run: .venv/bin/python benchmarks/calibration.py [experiments]      (500 simulated ones a row)
     .venv/bin/python benchmarks/calibration.py results/*/*.json.gz   (samples of real machines)
"""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from report.analysis.estimate import Factor, exponent, product
from report.claims import judge
from report.experiments import catalogue
from report.experiments.catalogue import LABELS
from report.results import store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity

    Split = Callable[[list[float], random.Random], tuple[list[float], list[float]]]

Groups = list[list[float]]

BUDGETS = {"quick": (4, 30), "full": (8, 30)}
"""Processes, and the most samples of each, as the default profiles have them."""

COMMON = 0.04
"""How far processes differ in what slows all of their series alike; it cancels."""

NOISE = [(0.0, 0.03), (0.01, 0.03), (0.005, 0.03), (0.02, 0.03), (0.03, 0.03), (0.01, 0.1)]
"""How far processes differ in one series alone, and samples within a process; second: typical."""

LEAST, EFFECT, MARGIN = 1.02, 1.05, 1.1
POINTS = 6
"""Of a simulated power law, each with twice the x of the one before."""

SPLITS = 10
"""How often measured samples are split at random."""

TITLES = ("budget", "own", "within", "false on halves", "false apart", "power", "by t alone")
WIDTHS = (7, 6, 7, 16, 14, 14, 28)


class Simulated:
    """Draws what processes measure: log-normal between them and within."""

    def __init__(self, budget: str, own: float, within: float, seed: int = 1) -> None:
        """Fix the noise; the same noise and seed draw the same samples.

        Each noise draws others: rows of one stream would all err the same way by chance.
        """
        row = (*BUDGETS[budget], round(own * 1e6), round(within * 1e6))
        self._rng = np.random.default_rng([seed, *row])
        self._processes, self._samples = BUDGETS[budget]
        self._own, self._within = own, within

    def series(self, *values: float, own: float | None = None) -> list[Groups]:
        """Return series of the same processes with these true values."""
        rng, shape = self._rng, (len(values), self._processes, 1)
        centres = np.log(np.array(values)).reshape(-1, 1, 1)
        common = rng.normal(0, COMMON, (1, self._processes, 1))
        alone = rng.normal(0, self._own if own is None else own, shape)
        within = rng.normal(0, self._within, (len(values), self._processes, self._samples))
        drawn: list[Groups] = np.exp(centres + common + alone + within).tolist()
        return drawn

    def bends(self, points: int) -> list[float]:
        """Return how far points lie off a straight line, in logarithms: 5 % or so."""
        drawn: list[float] = self._rng.normal(0, 0.05, points).tolist()
        return drawn


def effect(series: Sequence[Groups], weights: Sequence[int]) -> Estimate:
    """Return a product of powers of series of the same processes."""
    return product(
        [Factor(groups=g, weight=weight) for g, weight in zip(series, weights, strict=True)]
    )


def plain(series: Sequence[Groups], weights: Sequence[int]) -> Estimate:
    """Return the same by Student's t alone: the noise within processes counts for nothing."""
    medians = [[[float(np.median(group))] for group in groups] for groups in series]
    return effect(medians, weights)


def power(x: Sequence[float], series: Sequence[Groups]) -> Estimate:
    """Return the power with which series of the same processes go."""
    return exponent([(x, [Factor(groups=groups) for groups in series])])


def supported(found: Estimate) -> bool:
    """Return whether a claim with the default least effect is supported."""
    return judge.greater(found, LEAST).verdict == "supported"


def percent(hits: Sequence[bool]) -> str:
    """Write a share with two standard errors."""
    share = sum(hits) / len(hits)
    return f"{100 * share:.1f} +- {200 * math.sqrt(share * (1 - share) / len(hits)):.1f}"


def verdicts(count: int) -> None:
    """Print how often equal series differ, and how often an effect of 5 % is found."""
    print("".join(title.rjust(width + 2) for title, width in zip(TITLES, WIDTHS, strict=True)))
    for budget in BUDGETS:
        for own, within in NOISE:
            draw = Simulated(budget, own, within)
            halves, apart, found, plain_false, plain_found = ([] for _ in range(5))
            for _ in range(count):
                halves.append(effect(draw.series(1, 1, own=0), (1, -1)).excludes(1))
                one, other, slower = draw.series(1, 1, EFFECT)
                apart.append(effect((one, other), (1, -1)).excludes(1))
                found.append(supported(effect((slower, other), (1, -1))))
                plain_false.append(plain((one, other), (1, -1)).excludes(1))
                plain_found.append(supported(plain((slower, other), (1, -1))))
            cells = (
                budget,
                f"{100 * own:g} %",
                f"{100 * within:g} %",
                percent(halves),
                percent(apart),
                percent(found),
                f"{percent(plain_false)}, {percent(plain_found)}",
            )
            print("".join(c.rjust(width + 2) for c, width in zip(cells, WIDTHS, strict=True)))


def coverage(count: int) -> None:
    """Print how often intervals hold the truth, and how often equivalence is claimed wrongly."""
    names = ("ratio", "ratio of ratios", "exponent", "exponent, bent line", "false equivalent")
    x = [2.0**k for k in range(POINTS)]
    print(f"\n{'coverage':>9}{'own':>8}{'within':>9}" + "".join(name.rjust(22) for name in names))
    for budget in BUDGETS:
        for own, within in NOISE:
            draw = Simulated(budget, own, within)
            hits: list[list[bool]] = [[] for _ in names]
            for _ in range(count):
                a, b, c, d, edge = draw.series(6, 2, 3, 2, 2 * MARGIN)
                hits[0].append(not effect((a, b), (1, -1)).excludes(3))
                hits[1].append(not effect((a, b, c, d), (1, -1, -1, 1)).excludes(2))
                law = draw.series(*(value**0.5 for value in x))
                hits[2].append(not power(x, law).excludes(0.5))
                bent = np.exp(draw.bends(POINTS))
                law = draw.series(*(v**0.5 * bend for v, bend in zip(x, bent, strict=True)))
                hits[3].append(not power(x, law).excludes(0.5))
                equal = judge.equivalent(effect((edge, b), (1, -1)), MARGIN)
                hits[4].append(equal.verdict == "supported")
            shares = "".join(percent(hit).rjust(22) for hit in hits)
            print(f"{budget:>9}{100 * own:>6g} %{100 * within:>7g} %{shares}")


def odd_and_even(group: list[float], _: random.Random) -> tuple[list[float], list[float]]:
    """Split samples in turn, so that what drifts drifts in both halves alike."""
    return group[0::2], group[1::2]


def at_random(group: list[float], rng: random.Random) -> tuple[list[float], list[float]]:
    """Split samples so that nothing but chance can make the halves differ."""
    mixed = rng.sample(group, len(group))
    return odd_and_even(mixed, rng)


def halves(path: Path) -> None:
    """Print how often the halves of each process's samples differ, over all series of a result.

    Odd and even samples of a training run are mostly its first and second epochs, which do differ;
    its samples are only split at random.
    """
    result = store.load(path, LABELS)
    measured = [
        quantity
        for quantity in catalogue.of_result(result)
        if sum(len(group) > 1 for group in quantity.groups) > 1
    ]
    calls = [quantity for quantity in measured if quantity.kind != "training"]
    print(f"{path.name} ({result.profile}): {len(measured)} series")
    for name, split, series, splits in (
        ("odd and even, no training", odd_and_even, calls, 1),
        ("at random", at_random, measured, SPLITS),
    ):
        _halves(name, split, series * splits)


def _halves(name: str, split: Split, series: Sequence[Quantity]) -> None:
    differ, found, plain_differ, plain_found, wide = ([] for _ in range(5))
    rng = random.Random(1)
    for quantity in series:
        pairs = [split(group, rng) for group in quantity.groups if len(group) > 1]
        odd, even = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        slower = [[EFFECT * sample for sample in group] for group in odd]
        one = effect((odd, even), (1, -1))
        differ.append(one.excludes(1))
        found.append(supported(effect((slower, even), (1, -1))))
        wide.append(math.log((one.high or 1) / (one.low or 1)) / 2)
        plain_differ.append(plain((odd, even), (1, -1)).excludes(1))
        plain_found.append(supported(plain((slower, even), (1, -1))))
    if differ:
        print(f"  {name}: {len(differ)} pairs of halves")
        print(f"    differ: {percent(differ)} %; by t alone {percent(plain_differ)} %")
        print(f"    5 % is found: {percent(found)} %; by t alone {percent(plain_found)} %")
        print(f"    half-width of the interval: median {100 * float(np.median(wide)):.2f} %")


def main() -> None:
    """Simulate, or take the result files that are named."""
    given = sys.argv[1:]
    if given and not given[0].isdecimal():
        for name in given:
            halves(Path(name))
        return
    count = int(given[0]) if given else 500
    verdicts(count)
    coverage(count)


if __name__ == "__main__":
    main()
