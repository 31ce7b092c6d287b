"""What is printed: two results side by side, and time while measuring.

`test_cli.py` has the rest, with whole runs.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from click.testing import CliRunner
from rich.console import Console

from factories import small_results
from report.cli import _exit_code, main
from report.results import store
from report.run.jobs import Job
from report.terminal import NORMAL, QUIET, VERBOSE, Watcher, dropped_variables, faults
from results_factory import only

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from conftest import FakeWorker
    from report.results.result import Record, Result


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


def rows_of(output: str) -> list[list[str]]:
    """Return the rows of the table of times, without its head and the common factor."""
    nine = [row for row in cells(output) if len(row) == 9]
    return [row for row in nine if row[0] not in {"experiment", "all rows"}]


def test_machines_are_compared_by_id(results: Path) -> None:
    """Every quantity that both have: times, ratio and interval, verdict, noise, what it shows."""
    output = compared("slow-one", "quick-one", "--results", results)
    rows = rows_of(output)
    assert len(rows) > 50
    for _, _, _, _, speedup, detects, verdict, _, noise in rows:
        value, low, high = map(float, re.findall(r"[\d.]+", speedup))
        assert value == pytest.approx(2, rel=0.08)
        assert low < value < high
        assert 1 < float(detects) < 2
        assert (verdict, noise) == ("faster", "quiet")
    factor = next(row for row in cells(output) if row[:2] == ["all rows", "common factor"])
    assert float(factor[4].split()[0]) == pytest.approx(2, rel=0.03)
    assert "Nothing that is recorded differs." in output


def test_files_are_compared_as_machines_are(results: Path) -> None:
    """A path says the same as the id of the machine whose newest result it is."""
    by_id = compared("slow-one", "quick-one", "--results", results)
    slow, quick = (next((results / name).glob("*.json.gz")) for name in ("slow-one", "quick-one"))
    assert compared(slow, quick) == by_id
    assert compared(slow, "quick-one", "--results", results) == by_id


def test_several_are_compared_with_the_first(
    results: Path, make_result: Callable[..., Result]
) -> None:
    """The baseline stands on the left of each table."""
    store.save(make_result("third-one", 0.5), results)
    output = compared("slow-one", "quick-one", "third-one", "--results", results)
    heads = [row[2:4] for row in cells(output) if len(row) == 9 and row[0] == "experiment"]
    assert heads == [["slow-one", "quick-one"], ["slow-one", "third-one"]]
    assert {row[6] for row in rows_of(output)} == {"faster", "slower"}


def test_what_differs_is_printed_before_any_number(
    results: Path, make_result: Callable[..., Result]
) -> None:
    """The answer first; then hardware, versions and settings that are not the same; then times."""
    other = make_result("other-one")
    machine = replace(other.machine, memory_bytes=64 * 2**30)
    store.save(replace(other, machine=machine), results)
    output = compared("slow-one", "other-one", "--results", results)
    assert ["Memory", "24 GiB", "64 GiB"] in cells(output)
    assert output.startswith("Can these be compared?")
    assert output.index("What differs") < output.index("Memory") < output.index("Times")
    assert "Processor" not in output


def test_other_code_is_refused_with_the_way_round_it(
    results: Path, make_result: Callable[..., Result]
) -> None:
    """No ratio without --across-versions, and a sentence on it; with it all rows."""
    other = replace(make_result("other-one", 2.0), method=2)
    store.save(other, results)
    arguments = ("slow-one", "other-one", "--results", results)
    refused = compared(*arguments)
    assert refused.startswith("Can these be compared? no")
    assert "--across-versions" in refused
    assert {row[4] for row in rows_of(refused)} == {""}
    assert {row[6] for row in rows_of(compared(*arguments, "--across-versions"))} == {"faster"}


@pytest.mark.parametrize(
    ("order", "share", "status"),
    [
        (("quick-one", "slow-one"), "5%", 3),
        (("quick-one", "slow-one"), "0.05", 3),
        (("quick-one", "slow-one"), "90%", 0),  # it is slower by 100 %, give or take a quarter
        (("slow-one", "quick-one"), "5%", 0),
        (("slow-one", "slow-one"), "5%", 0),
        (("slow-one", "quick-one"), "5", 2),
        (("slow-one", "quick-one"), "much", 2),
    ],
)
def test_a_slower_second_fails_on_request_and_nothing_else_does(
    results: Path, order: tuple[str, str], share: str, status: int
) -> None:
    """Exit status 3 is for that alone; a mistake of the person's is 2."""
    arguments = ["compare", *order, "--results", str(results), "--fail-on", share]
    outcome = CliRunner().invoke(main, arguments)
    assert outcome.exit_code == status, outcome.output
    assert ("slower: " in outcome.stderr) == (status == 3)


def test_a_comparison_that_judges_nothing_does_not_pass(
    results: Path, make_result: Callable[..., Result]
) -> None:
    """With --fail-on the status is 5: whoever relies on it would else take it for no change."""
    store.save(replace(make_result("other-one", 2.0), method=2), results)
    arguments = ["compare", "slow-one", "other-one", "--results", str(results)]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    assert CliRunner().invoke(main, [*arguments, "--fail-on", "5%"]).exit_code == 5


def test_other_formats_say_the_same(results: Path) -> None:
    """As many rows in each; JSON and CSV with the same numbers, in SI units; one of all rows."""
    arguments = ("slow-one", "quick-one", "--results", results, "--format")
    (shown,) = json.loads(compared(*arguments, "json"))
    common, *lines = csv.DictReader(io.StringIO(compared(*arguments, "csv")))
    markdown = compared(*arguments, "markdown")
    count = len(rows_of(compared(*arguments[:-1])))
    assert len(shown["rows"]) == len(lines) == count
    assert markdown.count("| faster | ") == count + 1
    assert markdown.count("| quiet |") == count
    assert shown["comparable"] in markdown
    for one, other in zip(shown["rows"], lines, strict=True):
        assert one["verdict"] == other["verdict"] == "faster"
        for name in ("first_s", "speedup", "speedup_low99", "detects"):
            assert one[name] == pytest.approx(float(other[name]))
    assert shown["common"]["value"] == pytest.approx(2, rel=0.03)
    assert float(common["speedup"]) == shown["common"]["value"]
    assert common["verdict"] == shown["common_verdict"] == "faster"


def test_one_result_is_no_comparison(results: Path) -> None:
    """A line that says what to do."""
    outcome = CliRunner().invoke(main, ["compare", "slow-one", "--results", str(results)])
    assert (outcome.exit_code, outcome.output.count("\n")) == (2, 1)


def test_machines_with_nothing_in_common_are_said_to(
    results: Path, make_result: Callable[..., Result]
) -> None:
    """No empty table, but a sentence, and what each lacks."""
    store.save(only(make_result("left"), "threads"), results)
    store.save(only(make_result("right"), "loader"), results)
    output = compared("left", "right", "--results", results)
    assert output.startswith("Can these be compared? no")
    assert output.rstrip().endswith("They share no measurement.")
    assert rows_of(output) == []
    assert ["Threads, PyTorch", "2", "right", "not measured"] in cells(output)


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
    assert [f"{text}, PyTorch", "scratch"] in [row[:2] for row in rows]


@pytest.fixture(name="clock")
def clock_by_hand(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a clock that shows the number in it."""
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    return clock


def watched(
    worker: FakeWorker, records: Sequence[Record], verbosity: int = NORMAL, clock: Any = None
) -> list[str]:
    """Return the lines on a run of `first` in as many processes, each with one of the records."""
    plan = worker.plan({"first": "answer"}, processes=len(records), budget_s=30.0)
    jobs = [Job(plan.experiments[0], "pytorch", record.process) for record in records]
    result = replace(worker.run(plan).result, records=list(records))
    printed = io.StringIO()
    watcher = Watcher(Console(file=printed, width=1000), verbosity)
    watcher.begin(jobs, result)
    for job, record in zip(jobs, records, strict=True):
        watcher.start(job)
        if clock is not None:
            clock[0] += record.elapsed_s
        watcher.finish(job, record)
    watcher.total()
    return printed.getvalue().splitlines()


def test_time_left_is_learned_from_the_time_that_passed(
    fake_worker: FakeWorker, clock: list[float]
) -> None:
    """Three processes share 30 s; the first takes 15 s, not 10, and so will those that remain."""
    # In the end the time of all of them is told, beside the estimate.
    took = enumerate((15.0, 20.0, 25.0))
    records = [small_results.record("first", k, kind="matmul", elapsed_s=s) for k, s in took]
    lines = watched(fake_worker, records, VERBOSE, clock)
    left = [re.search(r"(\d) of 3, about (\d+) s left", line) for line in lines]
    first, second, third = [int(match[2]) for match in left if match]
    assert 30 <= first <= 36
    assert 30 <= second <= 34
    assert 17 <= third <= 20
    assert any(re.search(rf"in 1 min; .* {first} s", line) for line in lines)


def test_each_experiment_has_one_line_with_its_number(fake_worker: FakeWorker) -> None:
    """A first look after the first process; in the end the interval and the time."""
    series = [small_results.series("full", [2e-6, 2.1e-6, 2.2e-6], flops=8) for _ in range(3)]
    records = [small_results.record("first", k, one, kind="matmul") for k, one in enumerate(series)]
    mine = [line for line in watched(fake_worker, records) if line.startswith("first ")]
    assert len(mine) == 2
    assert re.search(r"full product, n = 256 3\.81 MFLOPS .*first look$", mine[0])
    assert re.search(r"full product, n = 256 3\.81 MFLOPS \(3\.47.4\.18\) +0:03$", mine[1])
    assert max(map(len, mine)) <= 80
    assert watched(fake_worker, records, QUIET) == []


@pytest.mark.parametrize("lost", [1, 2])
def test_processes_that_measured_are_counted(fake_worker: FakeWorker, lost: int) -> None:
    """One of three that was killed is named at once, and is not among those that measured."""
    records = [small_results.record("first", process, kind="matmul") for process in range(3)]
    records[lost] = replace(records[lost], status="failed", reason="killed", outcome=None)
    lines = watched(fake_worker, records)
    assert "failed first: killed" in lines
    assert any(re.match("first .*2 of 3 processes", line) for line in lines)


def test_what_was_measured_again_is_told_again(fake_worker: FakeWorker) -> None:
    """A record that takes the place of a noisy one changes the number of the page."""
    records = [small_results.record("first", process, kind="matmul") for process in range(2)]
    plan = fake_worker.plan({"first": "answer"}, processes=2)
    jobs = [Job(plan.experiments[0], "pytorch", record.process) for record in records]
    printed = io.StringIO()
    watcher = Watcher(Console(file=printed, width=1000))
    for again in (jobs, jobs[:1]):
        watcher.begin(again, replace(fake_worker.run(plan).result, records=records))
        for job in again:
            watcher.finish(job, records[job.process])
    assert "again" in printed.getvalue().splitlines()[-1]


MANY = dict.fromkeys(("first", "second", "third", "fourth", "fifth", "sixth"), "answer")


@pytest.mark.parametrize("fails", [False, True])
def test_run_is_rendered_once_between_workers_and_goes_on(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    """Once each experiment has something to show; a failure there is told, and costs nothing."""
    monkeypatch.setattr("report.terminal.SOON_S", 0.0)
    seen: list[set[int]] = []

    def look() -> str:
        assert not any(psutil.pid_exists(job["pid"]) for job in fake_worker.jobs())
        seen.append({job["size"] for job in fake_worker.jobs()})
        if fails:
            raise RuntimeError("no page")
        return "file:///here"

    printed = io.StringIO()
    plan = fake_worker.plan(MANY, processes=3)
    result = fake_worker.run(plan).execute(Watcher(Console(file=printed), look=look))
    assert [record.status for record in result.records] == ["ok"] * 18
    assert [len(sizes) for sizes in seen] == [6]
    assert ("failed to render" in printed.getvalue()) == fails
    assert ("no page" if fails else "file:///here") in printed.getvalue()


def test_experiments_of_one_process_count_among_what_there_is_to_read(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are done early, and wait for the others all the more."""
    monkeypatch.setattr("report.terminal.SOON_S", 0.0)
    plan = fake_worker.plan(MANY, processes=3)
    few = [replace(one, processes=1) for one in plan.experiments[:2]]
    plan = replace(plan, experiments=[*few, *plan.experiments[2:]])
    printed = io.StringIO()
    fake_worker.run(plan).execute(Watcher(Console(file=printed), look=lambda: "file:///here"))
    assert printed.getvalue().count("file:///here") == 1


def test_interrupt_that_rendering_swallows_ends_the_run(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library may catch whatever comes while it is loaded; the person meant the run."""
    monkeypatch.setattr("report.terminal.SOON_S", 0.0)

    def look() -> str:
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        return "file:///here"

    run = fake_worker.run(fake_worker.plan(MANY, processes=3))
    with pytest.raises(KeyboardInterrupt):
        run.execute(Watcher(Console(file=io.StringIO()), look=look))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert {record.process for record in run.result.records} == {0}


@pytest.mark.parametrize(("processes", "budget_s"), [(1, 300.0), (3, 1.0)])
def test_run_that_is_soon_over_is_rendered_in_the_end(
    fake_worker: FakeWorker, processes: int, budget_s: float
) -> None:
    """Nothing is gained by pages that are out of date in seconds, or before anything is there."""
    plan = fake_worker.plan(MANY, processes=processes, budget_s=budget_s)
    watcher = Watcher(Console(file=io.StringIO()), look=lambda: pytest.fail("rendered"))
    fake_worker.run(plan).execute(watcher)


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
    watcher.begin(jobs, result)
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
