"""Steps in series of runs: found where they are, and not where chance makes them."""

from __future__ import annotations

import math
import random

from report.analysis.changes import FALSE, Series, Step, steps


def drawn(seed: int, count: int = 12) -> list[Series]:
    """Return six series of one machine, whose state moves all of them, on days of their own."""
    chance = random.Random(seed)
    shared = [chance.gauss(0, 0.03) for _ in range(count)]
    return [
        Series(runs=(*range(count),), logs=tuple(x + chance.gauss(0, 0.03) for x in shared))
        for _ in range(6)
    ]


def planted(one: Series, at: int, by: float) -> Series:
    """Return a series that is so many times as large from a run on."""
    logs = (log + (math.log(by) if k >= at else 0) for k, log in enumerate(one.logs))
    return Series(runs=one.runs, logs=tuple(logs))


def found(series: list[Series], days: list[str] | None = None) -> list[Step]:
    """Return the steps of runs that began on a day each, or on these."""
    return steps(series, days or [str(k) for k in range(len(series[0].runs))])


def test_a_planted_step_is_found_at_its_run_with_its_size() -> None:
    """Alone, in its own series, and its interval holds what was planted."""
    first, *others = drawn(1)
    (step,) = found([planted(first, 7, 1.3), *others])
    assert (step.of, step.at) == (0, 7)
    assert step.ratio.low is not None
    assert step.ratio.high is not None
    assert step.ratio.low < 1.3 < step.ratio.high


def test_two_steps_of_one_series_are_found() -> None:
    """Each speaks of the runs up to the other."""
    first, *others = drawn(2, 30)
    both = planted(planted(first, 10, 1.3), 20, 1 / 1.3)
    assert [(s.start, s.at, s.stop) for s in found([both, *others])] == [(0, 10, 20), (10, 20, 30)]


def test_machines_that_never_change_have_few_steps() -> None:
    """Of forty pages no more than chance allows where one in twenty has any."""
    assert sum(bool(found(drawn(seed))) for seed in range(100, 140)) <= 3 * FALSE * 40


def test_what_differs_between_two_days_is_no_step() -> None:
    """Runs of a day are alike for that reason alone; on days of their own it would be one."""
    first, *others = drawn(3, 10)
    two_days = ["1"] * 5 + ["2"] * 5
    assert found([planted(first, 5, 1.5), *others], two_days) == []
    assert found([planted(first, 5, 1.5), *others]) != []


def test_few_runs_tell_nothing() -> None:
    """Seven may well lie so by chance."""
    first, *others = drawn(4, 7)
    assert found([planted(first, 4, 2.0), *others]) == []


def test_runs_that_agree_better_than_their_processes_allow_are_lucky() -> None:
    """The interval of a step is as wide as the processes of its runs make it."""
    even = Series(runs=(*range(12),), logs=(0.0,) * 6 + (0.02,) * 6)
    (narrow,), (wide,) = found([even]), found([even._replace(variance=0.05**2)])
    assert narrow.ratio.excludes(1)
    assert not wide.ratio.excludes(1)
