"""What is printed: two results side by side, and time while measuring.

`test_cli.py` has the rest, with whole runs.
"""

from __future__ import annotations

import io
import os
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from rich.console import Console

from factories import small_results
from report.cli import _exit_code, main
from report.results import store
from report.run.runner import Job
from report.terminal import QUIET, VERBOSE, Watcher, dropped_variables, faults
from results_factory import only

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import FakeWorker
    from report.results.result import Result


@pytest.fixture
def results(make_result: Callable[..., Result], tmp_path: Path) -> Path:
    """Return a results folder with two machines, of which `quick-one` is twice as fast."""
    store.save(make_result("slow-one"), tmp_path / "results")
    store.save(make_result("quick-one", 2.0), tmp_path / "results")
    return tmp_path / "results"


def compared(*arguments: str | Path) -> str:
    """Return what `report compare` prints; it must succeed."""
    outcome = CliRunner().invoke(main, ["compare", *map(str, arguments)])
    assert outcome.exit_code == 0, outcome.output
    return outcome.output


def cells(output: str) -> list[list[str]]:
    """Return the cells of all rows that are printed."""
    return [
        [cell.strip() for cell in re.split("[│┃]", line)[1:-1]]
        for line in output.splitlines()
        if line[:1] in {"│", "┃"}
    ]


def test_machines_are_compared_by_id(results: Path) -> None:
    """Every quantity that both have: both times and their ratio, each with its interval."""
    output = compared("slow-one", "quick-one", "--results", results)
    rows = [row for row in cells(output) if len(row) == 6 and row[0] != "experiment"]
    assert len(rows) > 50
    for _, _, left, right, speedup, verdict in rows:
        for cell in (left, right, speedup):
            assert re.fullmatch(r"[\d,.]+ \([\d,.]+\N{EN DASH}[\d,.]+\)", cell)
        assert float(speedup.split()[0]) == pytest.approx(2, rel=0.08)
        assert verdict == "the second is faster"
    assert "Speed-up: time of the first divided by time of the second." in output
    assert ["experiment", "what", "slow-one", "quick-one", "speed-up", ""] in cells(output)


def test_files_are_compared_as_machines_are(results: Path) -> None:
    """A path says the same as the id of the machine whose newest result it is."""
    by_id = compared("slow-one", "quick-one", "--results", results)
    slow, quick = (next((results / name).glob("*.json.gz")) for name in ("slow-one", "quick-one"))
    assert compared(slow, quick) == by_id
    assert compared(slow, "quick-one", "--results", results) == by_id


def test_newest_result_of_a_machine_is_compared(
    results: Path, make_result: Callable[..., Result]
) -> None:
    """An id means the machine's newest run."""
    newer = make_result("slow-one", 2.0, started_at="2026-05-06T07:08:09Z")
    store.save(newer, results)
    output = compared("slow-one", "quick-one", "--results", results)
    ratios = [row[4] for row in cells(output) if len(row) == 6 and row[0] != "experiment"]
    assert all(float(ratio.split()[0]) == pytest.approx(1, rel=0.08) for ratio in ratios)


def test_what_differs_is_printed_first(results: Path, make_result: Callable[..., Result]) -> None:
    """Hardware, versions and settings that are not the same, above the times."""
    other = make_result("other-one")
    machine = replace(other.machine, memory_bytes=64 * 2**30)
    store.save(replace(other, machine=machine), results)
    output = compared("slow-one", "other-one", "--results", results)
    assert ["Memory", "24 GiB", "64 GiB"] in cells(output)
    assert output.index("What differs") < output.index("Memory") < output.index("Times")
    assert "Processor" not in output


def test_machines_with_nothing_in_common_are_said_to(
    results: Path, make_result: Callable[..., Result]
) -> None:
    """No empty table, but a sentence."""
    store.save(only(make_result("left"), "threads"), results)
    store.save(only(make_result("right"), "loader"), results)
    output = compared("left", "right", "--results", results)
    assert output.rstrip().endswith("They have no measurement in common.")
    assert "Speed-up" not in output


def test_unknown_machine_is_named_with_those_that_there_are(results: Path) -> None:
    """One line on what can be compared."""
    arguments = ["compare", "slow-one", "no-such", "--results", str(results)]
    outcome = CliRunner().invoke(main, arguments)
    assert (outcome.exit_code, outcome.output.count("\n")) == (2, 1)
    assert "'no-such' is neither a result file nor a machine in" in outcome.output
    assert "Machines: quick-one, slow-one." in outcome.output


@pytest.mark.parametrize("text", ["[red]x[/red]", "[/]", "[link=http://a.b]", "%s $x$", "\\[b]"])
def test_strangers_text_is_printed_and_never_obeyed(
    make_result: Callable[..., Result], tmp_path: Path, text: str
) -> None:
    """Titles and labels of a stranger's file may look like the terminal's own markup."""
    left, right = (only(make_result(name), "concise") for name in ("left", "right"))
    for result in (left, right):
        experiments = result.config["experiments"]
        experiments["concise"] = {**experiments["concise"], "title": text}
        for record in result.records:
            for run in record.outcome.runs if record.outcome else ():
                run.labels["run"] = text
        store.save(result, tmp_path)
    rows = cells(compared("left", "right", "--results", tmp_path))
    assert [text, "scratch, ms"] in [row[:2] for row in rows]


def test_time_left_is_learned_from_the_time_that_passed(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three processes share 30 s; the first takes 15 s, not 10, and so will those that remain."""
    # In the end the time of all of them is told.
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    plan = fake_worker.plan({"first": "answer"}, processes=3, budget_s=30.0)
    jobs = [Job(plan.experiments[0], "pytorch", process) for process in range(3)]
    printed = io.StringIO()
    watcher = Watcher(Console(file=printed, width=1000), VERBOSE)
    watcher.begin(jobs)
    for job, elapsed_s in zip(jobs, (15.0, 20.0, 25.0), strict=True):
        watcher.start(job)
        clock[0] += elapsed_s
        record = small_results.record("first", job.process, kind="matmul", elapsed_s=elapsed_s)
        watcher.finish(job, record)
    left = re.findall(r"(\d) of 3, about ([\d.]+) s left", printed.getvalue())
    # 30 s with a fifth for start-up; then 20 s of budget at 15 for 10; then 10 s at 35 for 20.
    assert left == [("1", "36"), ("2", "30"), ("3", "18")]
    assert printed.getvalue().endswith("measured first in 3 processes, 1 min\n")


@pytest.mark.parametrize("lost", [1, 2])
def test_processes_that_measured_are_counted(fake_worker: FakeWorker, lost: int) -> None:
    """One of three that was killed is named at once, and is not among those that measured."""
    plan = fake_worker.plan({"first": "answer"}, processes=3)
    jobs = [Job(plan.experiments[0], "pytorch", process) for process in range(3)]
    printed = io.StringIO()
    watcher = Watcher(Console(file=printed, width=1000), QUIET + 1)
    watcher.begin(jobs)
    for job in jobs:
        watcher.start(job)
        record = small_results.record("first", job.process, kind="matmul")
        if job.process == lost:
            record = replace(record, status="failed", reason="killed", outcome=None)
        watcher.finish(job, record)
    assert "failed first: killed" in printed.getvalue()
    assert "measured first in 2 of 3 processes" in printed.getvalue()


def test_series_that_failed_is_told_and_counts(
    fake_worker: FakeWorker,
) -> None:
    """Although the rest of its process was measured: once for each reason, also if quiet."""
    plan = fake_worker.plan({"products": "answer"})
    result = fake_worker.run(plan).execute(Watcher(Console(file=io.StringIO())))
    (record,) = result.records
    assert record.outcome is not None
    wrong = replace(record.outcome.series[0], status="failed", reason="wrong result", timing=None)
    failed = replace(record, outcome=replace(record.outcome, series=[wrong, wrong]))
    written = io.StringIO()
    watcher = Watcher(Console(file=written), QUIET)
    (experiment,) = plan.experiments
    jobs = [Job(experiment, "pytorch", 0)] * 2
    watcher.begin(jobs)
    for job in jobs:
        watcher.finish(job, failed)
    assert written.getvalue().count("wrong result") == 1
    assert faults(failed) == ["wrong result"]
    assert _exit_code(result) == 0
    result.records = [failed]
    assert _exit_code(result) == 1


def test_variables_that_stay_out_are_named(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless every framework is given a value of its own; nothing is said where there are none."""
    plan = fake_worker.plan({"products": "answer"})
    monkeypatch.setattr(os, "environ", {"HOME": "/", "MKL_CBWR": "AVX2", "OMP_NUM_THREADS": "1"})
    line = dropped_variables(plan)
    assert "MKL_CBWR, OMP_NUM_THREADS" in line
    assert "environment:" in line
    own = replace(plan, environment={"pytorch": {"MKL_CBWR": "COMPATIBLE"}})
    assert "MKL_CBWR" not in dropped_variables(own)
    monkeypatch.setattr(os, "environ", {"HOME": "/"})
    assert dropped_variables(plan) == ""
