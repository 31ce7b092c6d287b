"""How often intervals and verdicts are wrong, at the noise of measured results.

The noise is that of the results that are given: for each experiment and framework the variance that
its processes share, that of each series beside it, and that of samples within a process; simulated
are the median of these and what nine of ten stay below. Between runs it is that of
`report.analysis.between`. Aims: of two equal series at most 5 % differ; 95 % intervals hold the
truth in 93 to 97 %, in more with fewer than five runs. Told is how often a true 5 % is found.

Run: .venv/bin/python benchmarks/calibration.py [--count 500] [results/*/*.json.gz]
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from report.analysis import between
from report.analysis.estimate import Estimate, exponent, product
from report.analysis.factors import Factor
from report.claims import judge
from report.experiments import catalogue
from report.experiments.catalogue import LABELS
from report.results import store
from report.worker.timing import median

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.analysis.quantities import Quantity
    from report.results.result import Result

    Split = Callable[[list[float], random.Random], tuple[list[float], list[float]]]

Groups = list[list[float]]

BUDGETS = {"quick": (4, 30), "full": (8, 30)}
"""Processes, and the most samples of each, as the default profiles have them."""

LEAST, EFFECT, MARGIN = 1.02, 1.05, 1.1
POINTS = 6
"""Of a simulated power law, each with twice the x of the one before."""

SLOW, BY = 0.2, 0.1
"""Of bimodal processes so many are slower by so much: their memory lies badly."""

SPLITS = 10
"""How often measured samples are split at random."""


@dataclass(frozen=True)
class Noise:
    """Standard deviations of logarithms.

    Attributes:
        common: Between processes, of what slows all series of an experiment alike; it cancels.
        own: Between processes, of a series beside that.
        within: Of samples in a process.
    """

    name: str
    common: float
    own: float
    within: float

    def __str__(self) -> str:
        """Write them in percent."""
        sizes = ", ".join(f"{100 * x:.1f} %" for x in (self.common, self.own, self.within))
        return f"{self.name} ({sizes})"


def noises(results: Sequence[Result]) -> list[Noise]:
    """Return the typical noise of measured results, and that of their worst tenth."""
    found = [
        one
        for result in results
        for family in _families(catalogue.of_result(result))
        if (one := _noise(family)) is not None
    ]
    print(f"noise of {len(found)} experiments by framework: common, own, within processes")
    return [
        Noise(name, *(float(np.quantile([each[k] for each in found], share)) for k in range(3)))
        for name, share in (("typical", 0.5), ("worst tenth", 0.9))
    ]


def _families(every: Sequence[Quantity]) -> list[list[Quantity]]:
    families: dict[tuple[str, str], list[Quantity]] = defaultdict(list)
    for quantity in every:
        families[quantity.experiment, quantity.backend].append(quantity)
    return list(families.values())


def _noise(family: Sequence[Quantity]) -> tuple[float, float, float] | None:
    """Split the differences between processes of one experiment into shared and own ones."""
    whole = [q.groups for q in family if q.groups and all(q.groups)]
    if len(whole) < 2 or len(whole[0]) < 3:
        return None
    logs = np.log([[median(group) for group in groups] for groups in whole])
    centred = logs - logs.mean(axis=1, keepdims=True)
    shared = centred.mean(axis=0)
    series, processes = logs.shape
    own = float(((centred - shared) ** 2).sum() / (series - 1) / (processes - 1))
    common = float((shared**2).sum() / (processes - 1)) - own / series
    samples = [statistics.stdev(map(math.log, g)) for groups in whole for g in groups if len(g) > 2]
    return math.sqrt(max(0.0, common)), math.sqrt(own), statistics.median(samples or [0.0])


class Simulated:
    """Draws what processes measure: log-normal between them and within."""

    def __init__(self, budget: str, noise: Noise, seed: int = 1) -> None:
        """Fix the noise; the same noise and seed draw the same samples.

        Each noise draws others: rows of one stream would all err the same way by chance.
        """
        self.processes, self._samples = BUDGETS[budget]
        row = (self.processes, *(round(x * 1e6) for x in (noise.common, noise.own, noise.within)))
        self._rng, self._noise = np.random.default_rng([seed, *row]), noise

    def series(self, *values: float, own: float | None = None) -> list[Groups]:
        """Return series of the same processes with these true values."""
        rng, noise, shape = self._rng, self._noise, (len(values), self.processes, 1)
        centres = np.log(np.array(values)).reshape(-1, 1, 1)
        common = rng.normal(0, noise.common, (1, self.processes, 1))
        alone = rng.normal(0, noise.own if own is None else own, shape)
        within = rng.normal(0, noise.within, (len(values), self.processes, self._samples))
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


def power(x: Sequence[float], series: Sequence[Groups]) -> Estimate:
    """Return the power with which series of the same processes go."""
    return exponent([(x, [Factor(groups=groups) for groups in series])])


def percent(hits: Sequence[bool]) -> str:
    """Write a share with two standard errors."""
    share = sum(hits) / len(hits)
    return f"{100 * share:.1f} +- {200 * math.sqrt(share * (1 - share) / len(hits)):.1f}"


def verdicts(count: int, noise: Noise) -> None:
    """Print how often equal series differ, and how often an effect of 5 % is found."""
    for budget in BUDGETS:
        draw = Simulated(budget, noise)
        halves, apart, found, plain = ([] for _ in range(4))
        for _ in range(count):
            halves.append(effect(draw.series(1, 1, own=0), (1, -1)).excludes(1))
            one, other, slower = draw.series(1, 1, EFFECT)
            apart.append(effect((one, other), (1, -1)).excludes(1))
            ratio = effect((slower, other), (1, -1))
            found.append(judge.greater(ratio, LEAST).verdict == "supported")
            plain.append(ratio.low is not None and ratio.low > 1)
        print(
            f"{budget:>6}: false on halves {percent(halves)}, false on processes {percent(apart)}, "
            f"a true 5 %: told from 1 in {percent(plain)}, supported in {percent(found)}"
        )


def coverage(count: int, noise: Noise) -> None:
    """Print how often intervals hold the truth, and how often equivalence is claimed wrongly."""
    x = [2.0**k for k in range(POINTS)]
    for budget in BUDGETS:
        draw = Simulated(budget, noise)
        hits: dict[str, list[bool]] = defaultdict(list)
        for _ in range(count):
            a, b, c, d, edge = draw.series(6, 2, 3, 2, 2 * MARGIN)
            hits["ratio"].append(not effect((a, b), (1, -1)).excludes(3))
            hits["ratio of ratios"].append(not effect((a, b, c, d), (1, -1, -1, 1)).excludes(2))
            law = draw.series(*(value**0.5 for value in x))
            hits["exponent"].append(not power(x, law).excludes(0.5))
            bent = np.exp(draw.bends(POINTS))
            law = draw.series(*(v**0.5 * bend for v, bend in zip(x, bent, strict=True)))
            hits["exponent, bent"].append(not power(x, law).excludes(0.5))
            equal = judge.equivalent(effect((edge, b), (1, -1)), MARGIN)
            hits["false equivalent"].append(equal.verdict == "supported")
        shares = ", ".join(f"{name} {percent(mine)}" for name, mine in hits.items())
        print(f"{budget:>6}: {shares}")


def of_runs(count: int, noise: Noise, *, bimodal: bool) -> None:
    """Print how often the interval of a machine's own time holds it, by runs and processes.

    Each day and each run has a state, of the size that `between` says; runs are of one day, or each
    of another.
    """
    rng = random.Random(1)
    processes, sizes = math.hypot(noise.common, noise.own), (3, 4, 6, 10)
    print("bimodal processes" if bimodal else f"processes that differ by {100 * processes:.1f} %")
    for days in (1, 0):
        for number in (1, 2, 3, 4, 5, 6):
            began = [f"2026-01-{2 + (0 if days else k):02}T{k:02}:00:00Z" for k in range(number)]
            shares = []
            for size in sizes:
                hits = [_covers(rng, began, size, processes, bimodal=bimodal) for _ in range(count)]
                shares.append(f"{size} processes {percent(hits)}")
            print(
                f"  {number} runs of {'one day' if days else 'as many days'}: {', '.join(shares)}"
            )


def _covers(
    rng: random.Random, began: Sequence[str], size: int, spread: float, *, bimodal: bool
) -> bool:
    """Draw a machine's runs of a large product, and ask whether the interval holds its true time.

    That is the geometric mean over processes, runs and days.
    """
    group: between.Group = "large products"
    deviation = math.hypot(between.COMMON, between.OWN[group])
    same = math.sqrt(between.SAME_DAY)
    states = {day: rng.gauss(0, deviation * same) for day in {run[:10] for run in began}}
    groups: Groups = []
    for run in began:
        state = states[run[:10]] + rng.gauss(0, deviation * math.sqrt(1 - between.SAME_DAY))
        for _ in range(size):
            mode = BY * ((rng.random() < SLOW) - SLOW) if bimodal else 0.0
            groups.append([math.exp(state + mode + rng.gauss(0, spread))])
    runs = [run for run in began for _ in range(size)]
    found = product([Factor(groups=groups, source="machine", runs=runs, group=group)])
    return not found.excludes(1)


def odd_and_even(group: list[float], _: random.Random) -> tuple[list[float], list[float]]:
    """Split samples in turn, so that what drifts drifts in both halves alike."""
    return group[0::2], group[1::2]


def at_random(group: list[float], rng: random.Random) -> tuple[list[float], list[float]]:
    """Split samples so that nothing but chance can make the halves differ."""
    mixed = rng.sample(group, len(group))
    return odd_and_even(mixed, rng)


def halves(result: Result) -> None:
    """Print how often the halves of each process's samples differ, over all series of a result.

    Odd and even samples of a training run are mostly its first and second epochs, which do differ;
    its samples are only split at random.
    """
    measured = [
        quantity
        for quantity in catalogue.of_result(result)
        if sum(len(group) > 1 for group in quantity.groups) > 1
    ]
    calls = [quantity for quantity in measured if quantity.kind != "training"]
    print(f"\n{result.run} ({result.profile}): {len(measured)} series")
    for name, split, series, splits in (
        ("odd and even, no training", odd_and_even, calls, 1),
        ("at random", at_random, measured, SPLITS),
    ):
        _halves(name, split, series * splits)


def _halves(name: str, split: Split, series: Sequence[Quantity]) -> None:
    differ, wide = [], []
    rng = random.Random(1)
    for quantity in series:
        pairs = [split(group, rng) for group in quantity.groups if len(group) > 1]
        odd, even = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        one = effect((odd, even), (1, -1))
        differ.append(one.excludes(1))
        wide.append(math.log((one.high or 1) / (one.low or 1)) / 2)
    if differ:
        print(f"  {name}: of {len(differ)} pairs of halves differ {percent(differ)} %; ", end="")
        print(f"half-width of the interval: median {100 * float(np.median(wide)):.2f} %")


def main() -> None:
    """Simulate at the noise of the result files that are named, and split their samples."""
    parser = argparse.ArgumentParser(description=__doc__)
    committed = sorted(Path(__file__).parents[1].glob("results/*/*.json.gz"))
    parser.add_argument("results", nargs="*", type=Path, default=committed)
    parser.add_argument("--count", type=int, default=500)
    given = parser.parse_args()
    results = [store.load(path, LABELS) for path in given.results]
    for noise in noises(results):
        print(f"\n{noise}")
        verdicts(given.count, noise)
        coverage(given.count, noise)
        of_runs(given.count, noise, bimodal=False)
        of_runs(given.count, noise, bimodal=True)
    for result in results:
        halves(result)


if __name__ == "__main__":
    main()
