"""What is said of time while measuring; `tests/test_cli.py` has the rest, with whole runs."""

from __future__ import annotations

import io
import re
import time
from typing import TYPE_CHECKING

from rich.console import Console

from report.results.result import Record
from report.run.runner import Job
from report.terminal.progress import VERBOSE, Watcher

if TYPE_CHECKING:
    import pytest

    from conftest import FakeWorker


def test_time_left_is_learned_from_the_time_that_passed(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three processes share 30 s; the first takes 15 s, not 10, and so will those that remain.

    In the end the time of all of them is told.
    """
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
        record = Record(
            experiment="first",
            kind="matmul",
            backend="pytorch",
            process=job.process,
            device="cpu",
            threads=1,
            status="ok",
            started_at="2026-01-02T03:04:05Z",
            elapsed_s=elapsed_s,
        )
        watcher.finish(job, record)
    left = re.findall(r"(\d) of 3, about ([\d.]+) s left", printed.getvalue())
    # 30 s with a fifth for start-up; then 20 s of budget at 15 for 10; then 10 s at 35 for 20.
    assert left == [("1", "36"), ("2", "30"), ("3", "18")]
    assert printed.getvalue().endswith("measured first in 3 processes, 1 min\n")
