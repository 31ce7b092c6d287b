"""Time that is left after the first processes goes to what they leave open, and is not exceeded."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from factories.small_results import claim, planned, products, result, series
from report.run import allocation
from report.run.allocation import FIRST, MOST, allocate, processes_for, ready, student

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record, Result

QUICK = [1.0, 1.002, 0.998]
"""Processes that agree."""

WIDE = [1.0, 1.1, 0.92]
"""Processes that differ by more than the claims below care for."""

PLAIN = claim(
    left={"experiment": "products", "series": {"strategy": "element"}},
    right={"series": {"strategy": "full"}},
    least=1.5,
)
OPEN = claim(
    left={"experiment": "other", "series": {"strategy": "column"}},
    right={"series": {"strategy": "row"}},
    least=1.1,
)


def measured(
    experiment: str, seconds_of: dict[str, Sequence[float]], measured_s: float = 1.0
) -> list[Record]:
    """Return a record a process, in which each strategy has ten samples that hardly differ.

    They take milliseconds, of the seconds that a process takes.
    """
    samples = {
        name: [[each * (1e-3 + 1e-6 * k) for k in range(10)] for each in seconds]
        for name, seconds in seconds_of.items()
    }
    return [
        replace(one, measured_s=measured_s, elapsed_s=measured_s + (0.5 if one.process else 0.7))
        for one in products(experiment, **samples)
    ]


def first_processes(
    wide: Sequence[float] = WIDE,
    *,
    processes: int = 6,
    plain_s: float = 1.0,
    cost_s: float = 1.0,
    budget_s: float = 1_000.0,
) -> Result:
    """Return a result in which one claim is plain, and one is as open as its processes differ."""
    records = [
        *measured(
            "products", {"element": [100 * x for x in QUICK], "full": [1.0] * FIRST}, plain_s
        ),
        *measured("other", {"column": wide, "row": [1.0] * FIRST}, cost_s),
    ]
    experiments = {
        name: planned(name, "matmul", processes=processes, repeats=30, budget_s=budget_s)
        for name in ("products", "other")
    }
    return result(records, {"plain": PLAIN, "open": OPEN}, experiments=experiments)


def dealt(of: Result) -> dict[str, int]:
    """Return what each experiment gets."""
    return {one.experiment: one.processes for one in allocate(of, list(of.config["experiments"]))}


def test_time_goes_from_what_is_decided_to_what_is_open() -> None:
    """The one gets fewer than planned, the other what that saves, and it is said for what."""
    of = first_processes()
    plain, doubtful = allocate(of, list(of.config["experiments"]))
    assert FIRST <= plain.processes < 6 < doubtful.processes
    assert plain.open == []
    assert "open" in doubtful.open


@pytest.mark.parametrize("cost_s", [0.3, 1.0, 4.0])
def test_the_whole_takes_no_longer_than_planned(cost_s: float) -> None:
    """By what the first processes took: where one costs four times another, it gets fewer."""
    of = first_processes(cost_s=cost_s)
    shares = dealt(of)
    # Workers are shared: a sweep beyond the plan costs a start, of 0.6 s or so.
    start_s = (0.7 + 0.5 + 0.5) / 3
    spent = shares["products"] + cost_s * shares["other"] + start_s * max(shares.values())
    assert spent <= 6 + cost_s * 6 + start_s * 6 + 1e-9
    assert shares["other"] >= 6


@pytest.mark.parametrize(("budget_s", "most"), [(3.0, 7), (5.0, 11)])
def test_what_takes_longer_than_its_budget_gets_no_more_than_the_first(
    budget_s: float, most: int
) -> None:
    """A profile takes its time; starts of workers that are not needed leave room for one more."""
    shares = dealt(first_processes(processes=6, budget_s=budget_s))
    assert 2 * FIRST <= sum(shares.values()) <= most
    assert shares["other"] >= shares["products"]


def test_plan_stands_where_nothing_is_open() -> None:
    """What would be saved is of no use to anybody, and narrows the intervals of all."""
    assert dealt(first_processes([x * 3 for x in QUICK])) == {"products": 6, "other": 6}


def test_nothing_gets_more_than_three_times_its_plan() -> None:
    """However open it is and however much there is to have."""
    of = first_processes([1.0, 2.0, 0.5], processes=4, plain_s=20.0)
    assert dealt(of)["other"] == 4 * MOST


def test_same_records_give_the_same_shares() -> None:
    """In whatever order they stand, so that a run that was interrupted goes on as it would have."""
    of = first_processes()
    mixed = random.Random(1).sample(of.records, len(of.records))
    names = list(of.config["experiments"])
    assert allocate(of, names) == allocate(replace(of, records=mixed), names)


def test_failed_or_short_experiments_keep_their_plan() -> None:
    """Of these nothing is known that could be dealt by."""
    of = first_processes()
    of.records[4] = replace(of.records[4], status="failed", outcome=None)
    assert "other" not in dealt(of)
    assert dealt(first_processes(processes=2)) == {}


def test_seeds_that_are_dealt_out_to_processes_are_all_trained() -> None:
    """An experiment with more seeds than first processes gets at least its plan."""
    of = first_processes()
    for name, seeds in (("few", 3), ("many", 8)):
        of.config["experiments"][name] = planned(name, "training", processes=6, seeds=seeds)
        of.records += [
            replace(one, experiment=name, kind="training")
            for one in measured("products", {"full": QUICK})
        ]
    shares = allocation._shares(of, ["few", "many"])
    assert {name: share.least for (name, _), share in shares.items()} == {"few": 3, "many": 6}


def test_it_happens_once_after_the_first_processes() -> None:
    """Not before they have all run, and not any more once others have."""
    of = first_processes()
    names = list(of.config["experiments"])
    assert ready(of, names)
    assert not ready(replace(of, records=of.records[:-1]), names)
    further = replace(of.records[-1], process=FIRST)
    assert not ready(replace(of, records=[*of.records, further]), names)


def repetitions(within: float, between: float, before_s: float) -> int | None:
    """Return the samples of a further process; ten of a second each were taken in the first."""
    rng = np.random.default_rng(1)
    records = []
    for process, centre in enumerate(rng.normal(0, between, 3)):
        samples = np.exp(centre + rng.normal(0, within, 10)).tolist()
        record = products(full=[samples])[0]
        records.append(replace(record, process=process, measured_s=10 + before_s))
    return allocation._repetitions(records, 10 + before_s, 30)[0]


def test_samples_of_a_process_follow_its_cost_and_its_noise() -> None:
    """Kalibera and Jones: sqrt(cost of the process / of a sample * variance within / between)."""
    few = repetitions(0.01, 0.1, 1.0)
    more = repetitions(0.1, 0.3, 200.0)
    assert few == allocation.FEWEST_SAMPLES
    assert more is not None
    assert few < more < 30
    # Processes that differ by nothing but their samples: as many as planned.
    assert repetitions(0.1, 0.0, 2000.0) is None


def simulated(effect: float, deviation: float, least: float, runs: int = 1500) -> list[float]:
    """Return how often intervals lie above 1, below `least`, and hold the truth, by the rule.

    Beside each effect are five others of its kind, as in a run.
    """
    rng = np.random.default_rng([7, round(1e6 * effect), round(1e6 * deviation)])
    width, hits = least / 2, np.zeros(3)
    for _ in range(runs):
        x = rng.normal(effect, deviation, 12)
        others = rng.normal(0, deviation, (5, FIRST)).var(axis=1, ddof=1)
        usual = math.sqrt(np.median([*others, x[:FIRST].var(ddof=1)]) / math.log(2))
        used = max(usual, float(x[:FIRST].std(ddof=1)))
        one = allocation._Effect(
            "", "", frozenset(), float(x[:FIRST].mean()), used, FIRST, (0.0, least), width
        )
        count = max(4, min(12, one.needed(used) or 0)) if one.needed(used) else FIRST
        mine = x[:count]
        half = student(count - 1) * mine.std(ddof=1) / math.sqrt(count)
        low, high = mine.mean() - half, mine.mean() + half
        hits += low > 0, high < least, low <= effect <= high
    shares: list[float] = (hits / runs).tolist()
    return shares


@pytest.mark.parametrize("deviation", [0.02, 0.04, 0.1])
def test_stopping_early_does_not_make_verdicts_wrong(deviation: float) -> None:
    """At the edge of a claim an interval errs in 2.5 % by itself, by the rule in less than 4 %.

    Looking after every process until it says something errs in 9 %.
    """
    least = math.log(1.1)
    assert simulated(0.0, deviation, least)[0] < 0.04
    assert simulated(least, deviation, least)[1] < 0.04
    for effect in (least, 3 * least):
        assert simulated(effect, deviation, least)[2] > 0.925


def test_what_is_decided_is_so_beyond_a_verdicts_own_doubt() -> None:
    """Two standard errors decide a verdict; three may be luck, and five are none."""
    error = 0.05 / math.sqrt(FIRST)
    assert not allocation.decided(3 * error, 0.05, FIRST)
    assert allocation.decided(5 * error, 0.05, FIRST)


def test_processes_for_a_width_are_the_fewest() -> None:
    """One fewer leaves the interval too wide."""
    count = processes_for(0.05, 0.04)
    widths = [student(n - 1) * 0.04 / math.sqrt(n) for n in (count - 1, count)]
    assert widths[0] > 0.05 >= widths[1]


def test_series_that_were_skipped_are_no_obstacle() -> None:
    """A strategy that the framework lacks says nothing of the others."""
    of = first_processes()
    for one in of.records[:FIRST]:
        assert one.outcome is not None
        one.outcome.series.append(series("row", "not offered"))
    assert dealt(of) == dealt(first_processes())
