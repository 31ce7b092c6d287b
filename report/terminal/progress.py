"""What a person sees while measuring: bars in a terminal, plain lines elsewhere.

The bars are redrawn once a second only: drawing costs CPU time, and the measurement runs on the
same machine.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from report.registry import BACKENDS
from report.text.numerals import duration

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from rich.console import Console

    from report.results.result import Record
    from report.run.runner import Job

QUIET, NORMAL, VERBOSE = -1, 0, 1
"""Failures only; each experiment as well; every process."""


class Watcher:
    """An observer of runs that tells a person about them."""

    def __init__(self, console: Console, verbosity: int = NORMAL) -> None:
        """Write to a console, with bars only if it is a terminal."""
        self._console = console
        self._verbosity = verbosity
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            refresh_per_second=1,
        )
        self._done, self._planned_s = 0, 0.0
        self._seconds: dict[str, float] = {}
        self._told: set[tuple[str, str | None]] = set()

    def shown(self) -> AbstractContextManager[object]:
        """Show bars inside the block, in a terminal that was not asked to be quiet."""
        bars = self._console.is_terminal and self._verbosity > QUIET
        return self._bars if bars else contextlib.nullcontext()

    def begin(self, jobs: Sequence[Job]) -> None:
        """Prepare for these jobs."""
        self._waiting, self._begun = list(jobs), time.monotonic()
        self._task = self._bars.add_task("", total=max(len(jobs), 1), note="")
        if not jobs:
            self.say("Everything is measured already; --fresh measures again.")

    def start(self, job: Job) -> None:
        """Name the job under way and the time that remains."""
        total = self._done + len(self._waiting)
        note = f"{self._done + 1} of {total}, about {duration(self._remaining_s())} left"
        name = f"{job.experiment.title}{_of(job)} (process {job.process + 1})"
        self._bars.update(self._task, description=escape(name), note=note)
        if self._verbosity >= VERBOSE:
            self.say(f"{name}, {note}")

    def finish(self, job: Job, record: Record) -> None:
        """Report a failure at once, and an experiment when its last process has run."""
        self._done += 1
        self._planned_s += job.budget_s
        self._waiting.remove(job)
        self._bars.advance(self._task)
        name = job.experiment.name + _of(job)
        self._seconds[name] = self._seconds.get(name, 0.0) + record.elapsed_s
        if record.elapsed_s == 0:  # it was not even begun, for the same reason in every process
            if job.idle:
                name = f"all with {BACKENDS[job.backend].title}"
            if (name, record.reason) in self._told:
                return
            self._told.add((name, record.reason))
        if record.status == "failed":
            words = f"[red]failed[/] {escape(name)}: {escape(str(record.reason))}"
            self._console.print(words, highlight=False, soft_wrap=True)
            if record.stderr_tail and self._verbosity >= VERBOSE:
                self._console.print(escape(record.stderr_tail), style="dim", soft_wrap=True)
        elif record.status == "skipped":
            self.say(f"skipped {name}: {record.reason}")
        elif job.process == job.experiment.processes - 1:
            spent = duration(self._seconds[name])
            self.say(f"measured {name} in {job.experiment.processes} processes, {spent}")

    def say(self, message: str) -> None:
        """Print a line unless asked to be quiet."""
        if self._verbosity > QUIET:
            self._console.print(escape(message), highlight=False, soft_wrap=True)

    def _remaining_s(self) -> float:
        planned_s = sum(job.budget_s for job in self._waiting)
        spent_s = time.monotonic() - self._begun
        # Jobs take longer than their budgets by start-up and set-up; by how much, the past tells.
        return planned_s * (spent_s / self._planned_s if self._planned_s else 1.2)


def _of(job: Job) -> str:
    """Name a job's framework where its experiment has several."""
    return f" with {BACKENDS[job.backend].title}" if len(job.experiment.backends) > 1 else ""
