"""Two ways of running one framework, in turns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from report.environments import process
from report.errors import UsageError
from report.experiments.catalogue import LABELS
from report.results import store
from report.run.live import Live, Side, paired, side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conftest import FakeWorker


def live(worker: FakeWorker, pairs: int = 3) -> Live:
    """Return two experiments that the fake worker does, in so many pairs."""
    plan = worker.plan({"first": "answer", "second": "answer"}, processes=2, budget_s=1.0)
    threaded = [
        replace(each, settings={**each.settings, "threads": "auto"}) for each in plan.experiments
    ]
    plan = paired(replace(plan, experiments=threaded), "pytorch", [], pairs)
    return Live(
        plan=plan, backend="pytorch", results=worker.results, checkout=worker.folder, say=print
    )


def test_what_a_person_types_says_how_a_side_runs() -> None:
    """Another Python, threads, and variables whose values may hold any sign."""
    said = side(["python=/a/b=c", "threads=2", "env:X=1", "env:Y=a=b"])
    assert said == Side(python="/a/b=c", threads=2, variables={"X": "1", "Y": "a=b"})


@pytest.mark.parametrize("wrong", ["python", "python=", "threads=0", "threads=x", "env:X", "X=1"])
def test_anything_else_is_refused_with_what_there_is(wrong: str) -> None:
    """One line that names the three ways."""
    with pytest.raises(UsageError, match=r"python=PATH, threads=N or env:NAME=VALUE"):
        side([wrong])


def test_both_sides_do_each_pair_in_turns(fake_worker: FakeWorker) -> None:
    """First A then B, then B then A: what drifts does so for both; two files share an id."""
    both = live(fake_worker).measure((Side(threads=1), Side(threads=2)))
    order = [job["settings"]["threads"] for job in fake_worker.jobs() if job["size"] == 8]
    assert order == [1, 2, 2, 1, 1, 2]
    saved = [store.load(path, LABELS) for path in sorted(fake_worker.results.rglob("*.gz"))]
    assert [one.records for one in saved] == [one.records for one in both]
    assert saved[0].pair == saved[1].pair is not None
    assert saved[0].run == saved[1].run
    assert saved[0].run_id != saved[1].run_id
    assert all(one.finished_at and len(one.records) == 6 for one in saved)


def test_each_process_gets_the_time_that_the_plan_gave_it(fake_worker: FakeWorker) -> None:
    """More processes make a run longer, and none of them shorter."""
    plan = fake_worker.plan({"first": "answer"}, processes=2, budget_s=1.0)
    (experiment,) = paired(plan, "pytorch", [], 30).experiments
    assert experiment.budget_s / experiment.processes == pytest.approx(0.5)


def test_a_framework_that_is_not_in_the_plan_is_refused(fake_worker: FakeWorker) -> None:
    """One line, before anything is measured."""
    with pytest.raises(UsageError, match="numpy"):
        paired(fake_worker.plan({"first": "answer"}), "numpy", [], 3)


def test_variables_reach_their_side_alone(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers of the other side start without them."""
    started: list[Mapping[str, str] | None] = []
    begin = process.Worker.__init__

    def noted(
        self: process.Worker, argv: Sequence[str], configured: Mapping[str, str] | None = None
    ) -> None:
        started.append(configured)
        begin(self, argv, configured)

    monkeypatch.setattr(process.Worker, "__init__", noted)
    live(fake_worker, 2).measure((Side(), Side(variables={"TUNE": "3"})))
    tuned = [each for each in started if each == {"TUNE": "3"}]
    assert len(tuned) == len(started) / 2
