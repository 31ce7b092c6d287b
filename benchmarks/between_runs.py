"""What runs of a machine differ by: the numbers of `report.analysis.between`, from result files.

Runs of the same plan, code and machine are taken together where they began a quarter of an hour
apart. The logarithm of a time is that of the machine, plus a part c that all times of a run share,
plus a part of the quantity's own, plus the noise of its processes. c is the mean over the groups
of quantities, so that an experiment with many series does not count for more. Each part's variance
is that between runs less what the part below would give by itself.

With --pairs every pair of runs is put to `report compare`, judged by the shipped table and by one
that is made from the other runs alone.

Run: .venv/bin/python benchmarks/between_runs.py [--pairs] [results/*/*.json.gz]
"""

from __future__ import annotations

import contextlib
import itertools
import math
import statistics
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scipy import stats

from report.analysis import between
from report.analysis.between import Group, group
from report.comparing.comparison import compare
from report.experiments import catalogue
from report.experiments.catalogue import LABELS
from report.results import store
from report.worker.timing import median

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from report.analysis.quantities import Key
    from report.results.result import Result

LEVEL = 0.99
POWER = 0.8


@dataclass(frozen=True)
class Time:
    """A quantity in a run: the mean of its processes' logarithms, and that mean's variance."""

    log: float
    variance: float


Run = dict["Key", Time]
"""What a run timed in at least three processes."""

Groups = dict["Key", Group]


@dataclass(frozen=True)
class Parts:
    """Variances between runs, with their degrees of freedom."""

    common: float
    own: dict[Group, float]
    freedom: int


def times(result: Result, groups: Groups) -> Run:
    """Return what a run timed, and add to the groups which group each quantity is of."""
    found: Run = {}
    for quantity in catalogue.of_result(result):
        logs = [math.log(median(samples)) for samples in quantity.groups if samples]
        kind = group(quantity.kind, quantity.labels, quantity.flops)
        if kind and len(logs) > 2:
            groups[quantity.key] = kind
            variance = statistics.variance(logs) / len(logs)
            found[quantity.key] = Time(statistics.fmean(logs), variance)
    return found


def parts(every: Sequence[Run], groups: Groups) -> Parts:
    """Estimate the variances between at least two runs, from what all of them timed."""
    keys = [key for key in every[0] if all(key in run for run in every)]
    middle = {key: statistics.fmean(run[key].log for run in every) for key in keys}
    of: dict[Group, list[Key]] = defaultdict(list)
    for key in keys:
        of[groups[key]].append(key)
    shared = [
        statistics.fmean(
            statistics.fmean(run[key].log - middle[key] for key in mine) for mine in of.values()
        )
        for run in every
    ]
    own: dict[Group, float] = {}
    for name, mine in of.items():
        rest = [
            statistics.variance(
                [run[key].log - middle[key] - c for run, c in zip(every, shared, strict=True)]
            )
            for key in mine
        ]
        noise = statistics.fmean(run[key].variance for run in every for key in mine)
        own[name] = max(0.0, statistics.fmean(rest) - noise)
    # Of the mean over groups there is left what they have of their own.
    left = sum(own[name] / len(mine) for name, mine in of.items()) / len(of) ** 2
    return Parts(max(0.0, statistics.variance(shared) - left), own, len(every) - 1)


def pooled(found: Sequence[Parts]) -> Parts:
    """Return the mean of several machines' variances, by their degrees of freedom."""
    freedom = sum(one.freedom for one in found)
    own = {
        name: sum(one.own[name] * one.freedom for one in having)
        / sum(one.freedom for one in having)
        for name in dict.fromkeys(name for one in found for name in one.own)
        for having in [[one for one in found if name in one.own]]
    }
    return Parts(sum(one.common * one.freedom for one in found) / freedom, own, freedom)


def show(found: Parts) -> None:
    """Print standard deviations, and what one run against one, and three, would find."""
    print(f"{found.freedom} degrees of freedom")
    print(f"{'common':>16} {100 * math.sqrt(found.common):5.1f} %")
    reach = float(stats.t.ppf((1 + LEVEL) / 2, found.freedom) + stats.t.ppf(POWER, found.freedom))
    for name, variance in found.own.items():
        each, beside = math.sqrt(2 * (variance + found.common)), math.sqrt(2 * variance)
        found_at = [
            100 * math.expm1(reach * deviation / math.sqrt(count))
            for deviation in (each, beside)
            for count in (1, 3)
        ]
        print(
            f"{name:>16} {100 * math.sqrt(variance):5.1f} %   found in {POWER:.0%} at {LEVEL:.0%}: "
            f"{found_at[0]:.0f} % (3 runs {found_at[1]:.0f} %); "
            f"beside the common factor {found_at[2]:.0f} % ({found_at[3]:.0f} %)"
        )


def pairs(results: Sequence[Result], found: dict[str, Run], groups: Groups) -> None:
    """Print how many rows of each pair `report compare` tells apart, by the shipped table.

    And by one that is made from the other runs alone, where there are at least two.
    """
    every = [0, 0, 0]
    for one, other in itertools.combinations(results, 2):
        rest = [
            run for began, run in found.items() if began not in (one.started_at, other.started_at)
        ]
        told, beside, judged, why = compared(one, other)
        line = (
            f"{told} of {judged} rows differ, {beside} beside the common factor" if judged else why
        )
        if judged and len(rest) > 1:
            with table(parts(rest, groups)):
                line += "; by the table of the other runs {} and {}".format(*compared(one, other))
        print(f"{one.started_at} {other.started_at}: {outside(one, other):.1%} outside; {line}")
        every = [a + b for a, b in zip(every, (told, beside, judged), strict=True)]
    print("in all {} and {} of {}".format(*every))


def outside(one: Result, other: Result) -> float:
    """Return for which share of the times the 95 % interval of the difference leaves out 0.

    Whatever the probes say: an interval on a page speaks of the machine in any state.
    """
    sides = [{q.key: q.estimate() for q in catalogue.of_result(each)} for each in (one, other)]
    both = [(a, sides[1][key]) for key, a in sides[0].items() if key in sides[1]]
    beyond = [
        abs(math.log(a.value / b.value)) / math.hypot(a.error, b.error)
        > stats.t.ppf(0.975, min(a.freedom, b.freedom))
        for a, b in both
        if a.runs and a.basis == b.basis == "replicates"
    ]
    return sum(beyond) / len(beyond)


def compared(one: Result, other: Result) -> tuple[int, int, int, str]:
    """Return how many rows are told apart, how many beside the factor, of how many, or why none."""
    found = compare(one, other)
    apart = [
        sum(said is not None and said.word in {"faster", "slower"} for said in column)
        for column in ([r.verdict for r in found.rows], [r.relative for r in found.rows])
    ]
    judged = sum(row.verdict is not None for row in found.rows)
    return apart[0], apart[1], judged, "; ".join(found.gate.because)


@contextlib.contextmanager
def table(found: Parts) -> Iterator[None]:
    """Judge by these variances in place of the shipped ones."""
    own = between.OWN | {name: math.sqrt(variance) for name, variance in found.own.items()}
    shipped = between.COMMON, between.OWN, between.FREEDOM
    between.COMMON, between.OWN = math.sqrt(found.common), own
    between.FREEDOM = float(found.freedom)
    try:
        yield
    finally:
        between.COMMON, between.OWN, between.FREEDOM = shipped


def main() -> None:
    """Read result files and print what their runs differ by."""
    committed = Path(__file__).parents[1].glob("results/*/*.json.gz")
    named = [Path(name) for name in sys.argv[1:] if name != "--pairs"] or sorted(committed)
    alike: dict[tuple[str, str, str], dict[str, Run]] = defaultdict(dict)
    results: dict[tuple[str, str, str], list[Result]] = defaultdict(list)
    groups: Groups = {}
    for path in named:
        result = store.load(path, LABELS)
        if result.finished_at:
            what = (result.machine.id, result.config_hash, result.code_hash)
            alike[what][result.started_at] = times(result, groups)
            results[what].append(result)
    several = {what: found for what, found in alike.items() if len(found) > 1}
    every = []
    for what, found in several.items():
        print(f"{what[0]}: {len(found)} runs, {min(found)} to {max(found)}")
        every.append(parts(list(found.values()), groups))
        show(every[-1])
        if "--pairs" in sys.argv:
            pairs(results[what], found, groups)
    if len(every) > 1:
        print("together:")
        show(pooled(every))


if __name__ == "__main__":
    main()
