"""A machine over its runs: its page, what it says changed, and where numbers stepped."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import pytest

from pages import Page, gather
from report.analysis import changes
from report.comparing import asked
from report.experiments.catalogue import LABELS
from report.results import store
from report.site import history
from results_factory import each_outcome, only

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.results.result import Record, Result
    from report.worker.records import Outcome

    Made = Callable[..., Result]

RESULTS = Path(__file__).parents[2] / "results"

PATH = "machines/fixed-machine/history.html"
SPEEDS = (1.0, 1.02, 0.99, 1.01, 0.98, 1.0, 1.03, 0.99, 1.01, 0.97)
"""How the machine's state moves from run to run."""


def slowed(outcome: Outcome, _: Record, by: float) -> Outcome:
    """Return an outcome in which everything took longer."""
    longer = [
        replace(one, timing=replace(one.timing, elapsed_s=[by * s for s in one.timing.elapsed_s]))
        if one.timing
        else one
        for one in outcome.series
    ]
    return replace(outcome, series=longer)


@pytest.fixture(name="runs", scope="module")
def runs_of_a_machine(make_result: Made) -> list[Result]:
    """Return ten runs, a month apart, of calls and one matrix product."""
    return [
        only(make_result(speed=speed, started_at=f"2026-{month:02}-03T09:00:00Z"), "overhead")
        for month, speed in enumerate(SPEEDS, start=1)
    ]


def stepped(runs: list[Result], at: int, by: float) -> list[Result]:
    """Return runs of which those from a place on take longer."""
    return [
        each_outcome(one, partial(slowed, by=by)) if k >= at else one for k, one in enumerate(runs)
    ]


def updated(result: Result) -> Result:
    """Return a run with a newer framework."""
    newer = {
        name: replace(one, versions={"torch": "2.14.0+cpu"})
        for name, one in result.environments.items()
    }
    return replace(result, environments=newer)


def page_of(results: list[Result]) -> Page:
    """Return the page of history of a site."""
    return Page(PATH, gather(results)[PATH])


def told(runs: list[Result]) -> history.History:
    """Return the history of results that were never written to a folder."""
    found = history.of_machine("fixed-machine", [store.saved(one, b"") for one in runs])
    assert found is not None
    return found


def test_a_step_is_told_with_its_run_and_what_changed(runs: list[Result]) -> None:
    """By how much, between which runs, and that the framework was another; and from its figure."""
    late = [updated(one) if k >= 6 else one for k, one in enumerate(stepped(runs, 6, 1.25))]
    page = page_of(late)
    said = page.words("steps")
    assert "3 Jun 2026" in said
    assert "3 Jul 2026" in said
    assert "one call became 2" in said
    assert "slower" in said
    assert "2.13.0+cpu \N{RIGHTWARDS ARROW} 2.14.0+cpu" in said
    assert "slower" in page.figures()["history-one-call"].title
    ((same, changed),) = told(late).steps
    assert [*changed] == ["software"]
    for one in same:
        assert one.share.low is not None
        assert one.share.high is not None
        assert one.share.low < 0.25 < one.share.high


def test_a_step_for_no_reason_that_is_recorded_says_so(runs: list[Result]) -> None:
    """Then the reader looks elsewhere, and not at the environment."""
    assert "Nothing that is recorded changed" in page_of(stepped(runs, 5, 1.25)).words("steps")


def test_a_rate_that_rises_is_faster(runs: list[Result], make_result: Made) -> None:
    """As a time that falls is."""
    quick = [
        only(make_result(speed=v * (1.3 if k > 4 else 1), started_at=one.started_at), "memory")
        for k, (v, one) in enumerate(zip(SPEEDS, runs, strict=True))
    ]
    for results in (quick, stepped(runs, 5, 0.8)):
        words = {one.word for same, _ in told(results).steps for one in same}
        assert words == {"faster"}


def test_runs_without_a_step_have_none(runs: list[Result]) -> None:
    """Though each differs from the next, and though their environment changed."""
    later = [*runs[:5], *map(updated, runs[5:])]
    page = page_of(later)
    assert told(later).steps == []
    assert "No sudden change found" in page.words("steps")
    assert "2.14.0" in page.words("runs")
    assert "software" in page.figures()["history-one-call"].drawings[0]


def test_committed_runs_have_no_step() -> None:
    """Neither as they are, nor all together, each as far from the others of its plan as it is."""
    saved, _ = store.read_all(RESULTS, LABELS)
    for machine in {one.head.machine.id for one in saved}:
        mine = [one for one in saved if one.head.machine.id == machine]
        page = history.of_machine(machine, saved)
        assert page is None or page.steps == []
        numbers = [asked.numbers(one.result) for one in mine]
        series = []
        for label in numbers[0]:
            logs: list[float] = []
            for _, alike in groupby(
                zip(mine, numbers, strict=True), lambda each: each[0].head.config_hash
            ):
                plan = [math.log(found[label].estimate.value) for _, found in alike]
                logs += [log - fmean(plan) for log in plan]
            series.append(changes.Series(runs=(*range(len(mine)),), logs=tuple(logs)))
        assert changes.steps(series, [str(k) for k in range(len(mine))]) == []


def test_too_few_runs_say_how_many_are_needed(runs: list[Result]) -> None:
    """And show what they measured all the same."""
    page = page_of(stepped(runs, 1, 2.0)[:2])
    assert f"in {changes.LEAST} or more runs" in page.words("steps")
    assert "history-one-call" in page.figures()


def test_runs_of_other_work_are_no_step(runs: list[Result]) -> None:
    """Another method times in another way; it is told, and nothing is held against it."""
    other = [
        replace(one, method=2) if k > 4 else one for k, one in enumerate(stepped(runs, 5, 1.5))
    ]
    found = told(other)
    assert (found.steps, found.most) == ([], 5)
    assert [*found.runs[5].changed] == ["code or data"]


def test_a_single_run_has_no_history(runs: list[Result]) -> None:
    """Nor have two that count as one; nothing leads to a page that is not there."""
    near = replace(runs[0], started_at="2026-01-03T09:05:00Z", run_id=runs[1].run_id)
    for results in (runs[:1], [runs[0], near]):
        site = gather(results)
        assert PATH not in site
        assert b"history.html" not in site["index.html"]


def test_history_is_linked_and_its_data_can_be_downloaded(runs: list[Result]) -> None:
    """From the machine's page; each figure's data have a row for each run."""
    site = gather(runs[:3])
    assert PATH in Page("index.html", site["index.html"]).links()
    page = Page(PATH, site[PATH])
    assert {f"data/{store.name_of(one)}" for one in runs[:3]} <= page.links()
    (path,) = [link for link in page.links() if link.endswith("history-one-call.csv")]
    rows = [*csv.DictReader(io.StringIO(site[path].decode()))]
    assert [row["run"][:10] for row in rows] == [one.started_at[:10] for one in runs[:3]]
