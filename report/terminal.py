"""What the commands print: tables, and what a person sees while measuring."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import os
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from report.environments import variables, venvs
from report.machine.machine import describe, facts
from report.registry import BACKENDS
from report.text.numerals import count, duration

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from contextlib import AbstractContextManager

    from rich.console import RenderableType

    from report.config.plan import Plan
    from report.results.result import Record
    from report.run.host import Host
    from report.run.runner import Job


def show(renderables: Sequence[RenderableType]) -> None:
    """Print to the terminal, or wherever standard output leads instead."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=1000)  # nothing is wrapped there
    console.print(*renderables, sep="\n")


def columns(*names: str, right: bool = False) -> list[Column]:
    """Return columns that wrap rather than cut what does not fit."""
    return [Column(name, overflow="fold", justify="right" if right else "left") for name in names]


def plan(plan: Plan, only: Sequence[str], lacking: Collection[str] = ()) -> list[RenderableType]:
    """Return the plan, or `only` some of it, with time estimates; `lacking` will be skipped."""
    table = Table(
        *columns("experiment", "kind", "device"),
        *columns("backends", "processes", "at most", right=True),
        title=escape(plan.title),
        title_justify="left",
    )
    for experiment in plan.only(only):
        table.add_row(
            experiment.name,
            experiment.kind,
            experiment.device,
            ", ".join(experiment.backends),
            str(experiment.processes),
            duration(experiment.estimate_s(lacking)),
        )
    used = {backend for experiment in plan.only(only) for backend in experiment.backends}
    missing = [BACKENDS[name] for name in lacking if name in used]
    said = [f"{one.title} is not installed and will be skipped: {one.install}" for one in missing]
    total = duration(plan.estimate_s(only, lacking))
    about = f"About {total} in profile {plan.profile}, including the start of the workers."
    return [table, *map(escape, said), about]


def plan_json(plan: Plan, only: Sequence[str], lacking: Collection[str] = ()) -> str:
    """Return the same for a program: estimates in seconds, and the frameworks that are not there.

    Settings are those that a result file keeps.
    """
    experiments = {
        each.name: {**each.stored(), "estimate_s": each.estimate_s(lacking)}
        for each in plan.only(only)
    }
    shown = {
        "profile": plan.profile,
        "estimate_s": plan.estimate_s(only, lacking),
        "lacking": sorted(lacking),
        "experiments": experiments,
    }
    return json.dumps(shown, indent=2, ensure_ascii=False)


def host(host: Host) -> list[RenderableType]:
    """Return the facts of a machine, each with its source, and its frameworks."""
    title = escape(describe(host.machine))
    hardware = Table(*columns("fact", "value", "how it is known"), title=title)
    for row in facts(host.machine):
        hardware.add_row(*map(escape, row))
    heads = columns("framework", "versions", "BLAS", "threads", "devices")
    frameworks = Table(*heads, title="Frameworks")
    for name, environment in host.environments.items():
        versions = ", ".join(f"{key} {value}" for key, value in environment.versions.items())
        devices = ", ".join(f"{d} ({', '.join(t)})" for d, t in environment.dtypes.items())
        frameworks.add_row(
            name,
            escape(versions or str(environment.reason)),
            environment.blas or "unknown",
            str(environment.threads or ""),
            devices,
        )
    asked = [frameworks] if host.environments else []
    return [f"Machine id: {host.machine.id}", hardware, *asked]


def environments() -> list[RenderableType]:
    """Return the environments that frameworks can have, and which of them are there."""
    table = Table(*columns("framework", "environment", "Python for it"), title="Environments")
    words = {
        "none": "none; `report env create {}` makes it",
        "outdated": "there, of an older version; `report env create {}` renews it",
        "there": "there",
    }
    for name in venvs.names():
        table.add_row(name, words[venvs.state(name)].format(name), BACKENDS[name].pythons())
    return [table, f"In {escape(str(venvs.root()))}"]


def environments_json() -> str:
    """Return the same for a program."""
    found = {
        name: {"state": venvs.state(name), "python": BACKENDS[name].pythons()}
        for name in venvs.names()
    }
    return json.dumps({"folder": str(venvs.root()), "environments": found}, indent=2)


def host_json(host: Host) -> str:
    """Return the machine and its frameworks as a result file holds them."""
    shown = dataclasses.asdict(host)
    del shown["interpreters"], shown["variables"]  # a result file holds no paths
    return json.dumps(shown, indent=2, ensure_ascii=False)


# --- while measuring

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
        self._done = 0
        self._seconds: dict[str, float] = collections.defaultdict(float)
        self._open: dict[str, int] = {}
        self._task = self._bars.add_task("", note="")
        self._told: set[tuple[str, str | None]] = set()
        self._lost: collections.Counter[str] = collections.Counter()

    def shown(self) -> AbstractContextManager[object]:
        """Show bars inside the block, in a terminal that was not asked to be quiet."""
        bars = self._console.is_terminal and self._verbosity > QUIET
        return self._bars if bars else contextlib.nullcontext()

    def begin(self, jobs: Sequence[Job]) -> None:
        """Prepare for these jobs; for a second time, where others than at first are left."""
        self._waiting = list(jobs)
        self._begun, self._planned_s = time.monotonic(), 0.0
        self._bars.update(self._task, total=max(self._done + len(jobs), 1))
        names = {_name(job) for job in jobs}
        for name in [name for name in self._open if name not in names]:
            self._end(name)

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
        name = shown = _name(job)
        self._open[name] = job.process + 1
        self._seconds[name] += record.elapsed_s
        self._lost[name] += record.status != "ok"
        if record.elapsed_s == 0:  # it was not even begun, for the same reason in every process
            if job.idle:
                shown = f"all with {BACKENDS[job.backend].title}"
            if not self._first_time(shown, record.reason):
                return
        if record.status == "failed":
            self._fail(shown, record.reason)
            if record.stderr_tail and self._verbosity >= VERBOSE:
                self._console.print(escape(record.stderr_tail), style="dim", soft_wrap=True)
        elif record.status == "skipped":
            self.say(f"skipped {shown}: {record.reason}")
        for reason in faults(record):
            if self._first_time(name, reason):
                self._fail(f"in {name}", reason)
        if name not in map(_name, self._waiting):
            self._end(name)

    def _end(self, name: str) -> None:
        planned, spent = self._open.pop(name), duration(self._seconds[name])
        measured = planned - self._lost[name]
        of = "" if measured == planned else f"{measured} of "
        if measured and self._first_time(name, "measured"):
            self.say(f"measured {name} in {of}{count(planned, 'process')}, {spent}")

    def _first_time(self, name: str, reason: str | None) -> bool:
        first = (name, reason) not in self._told
        self._told.add((name, reason))
        return first

    def _fail(self, what: str, reason: str | None) -> None:
        words = f"[red]failed[/] {escape(what)}: {escape(str(reason))}"
        self._console.print(words, highlight=False, soft_wrap=True)

    def say(self, message: str) -> None:
        """Print a line unless asked to be quiet."""
        if self._verbosity > QUIET:
            self._console.print(escape(message), highlight=False, soft_wrap=True)

    def _remaining_s(self) -> float:
        planned_s = sum(job.budget_s for job in self._waiting)
        spent_s = time.monotonic() - self._begun
        # Jobs take longer than their budgets by start-up and set-up; by how much, the past tells.
        return planned_s * (spent_s / self._planned_s if self._planned_s else 1.2)


def _name(job: Job) -> str:
    return job.experiment.name + _of(job)


def faults(record: Record) -> list[str]:
    """Return why series of a record failed although the rest was measured, each reason once."""
    series = record.outcome.series if record.outcome else []
    failed = (one.reason or "no reason was given" for one in series if one.status == "failed")
    return list(dict.fromkeys(failed))


def dropped_variables(plan: Plan) -> str:
    """Say which of the shell's variables would tune a library and reach no worker; "" if none."""
    own = [plan.environment.get(backend, {}) for backend in plan.backends()]
    everywhere = set.intersection(*map(set, own)) if own else set()
    found = variables.dropped(os.environ, everywhere)
    if not found:
        return ""
    return (
        f"Not passed on, because they tune libraries: {', '.join(found)}. "
        "To measure with them, set them under environment: in the configuration."
    )


def _of(job: Job) -> str:
    """Name a job's framework where its experiment has several."""
    return f" with {BACKENDS[job.backend].title}" if len(job.experiment.backends) > 1 else ""
