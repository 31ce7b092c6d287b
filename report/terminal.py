"""What the commands print: tables, and what a person sees while measuring."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from report.environments import variables, venvs
from report.errors import ReportError
from report.experiments.catalogue import headline
from report.machine.accelerators import read_boards
from report.machine.machine import describe, facts
from report.registry import BACKENDS
from report.run.jobs import Forecast, Job, planned
from report.run.runner import Observer
from report.text.names import size
from report.text.numerals import clock, count, duration

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from contextlib import AbstractContextManager

    from report.config.plan import Plan
    from report.results.result import Record, Result
    from report.results.store import LeftOut, Saved
    from report.run.host import Host


def show(shown: Sequence[RenderableType] | dict[str, Any]) -> None:
    """Print to the terminal, or wherever standard output leads instead; data as JSON."""
    if isinstance(shown, dict):
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=1000)  # nothing is wrapped there
    console.print(*shown, sep="\n")


def columns(*names: str, right: bool = False) -> list[Column]:
    """Return columns that wrap rather than cut what does not fit."""
    return [Column(name, overflow="fold", justify="right" if right else "left") for name in names]


def forecast(plan: Plan, only: Sequence[str], lacking: Collection[str]) -> dict[str, float]:
    """Return about how many seconds each experiment will take, its workers' starts included."""
    # No framework is asked: a board that is there is taken to be used.
    board = bool(read_boards()[0])
    jobs = planned(plan.only(only), plan.backends(), lacking, accelerator=board)
    return Forecast(jobs).by_experiment(jobs)


def plan(plan: Plan, only: Sequence[str], lacking: Collection[str] = ()) -> list[RenderableType]:
    """Return the plan, or `only` some of it, with time estimates; `lacking` will be skipped."""
    each_s = forecast(plan, only, lacking)
    table = Table(
        *columns("experiment", "kind", "device"),
        *columns("frameworks", "processes", "estimate", right=True),
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
            duration(each_s[experiment.name]),
        )
    used = {backend for experiment in plan.only(only) for backend in experiment.backends}
    missing = [BACKENDS[name] for name in lacking if name in used]
    said = [f"{one.title} is not installed and will be skipped: {one.install}" for one in missing]
    total = duration(sum(each_s.values()))
    about = f"About {total} with profile {plan.profile}, including start-up."
    return [table, *map(escape, said), about]


def plan_data(plan: Plan, only: Sequence[str], lacking: Collection[str] = ()) -> dict[str, Any]:
    """Return the same for a program: settings as in a result file, and estimates in seconds."""
    each_s = forecast(plan, only, lacking)
    return {
        "profile": plan.profile,
        "estimate_s": sum(each_s.values()),
        "lacking": sorted(lacking),
        "experiments": {
            e.name: {**e.stored(), "estimate_s": each_s[e.name]} for e in plan.only(only)
        },
    }


def host(host: Host) -> list[RenderableType]:
    """Return the facts of a machine, each with its source, and its frameworks."""
    title = escape(describe(host.machine))
    hardware = Table(*columns("fact", "value", "source"), title=title)
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


def holdings(saved: Sequence[Saved], left_out: Sequence[LeftOut]) -> list[RenderableType]:
    """Return what a results folder holds: each run, then the files that are no results."""
    rows = [_held(one) for one in sorted(saved, key=lambda one: one.head.machine.id)]
    table = Table(*columns(*(name.replace("_", " ") for name in rows[0])), title="Results")
    for row in rows:
        words = row | {"frameworks": ", ".join(row["frameworks"]), "size": size(row["size"])}
        table.add_row(*map(escape, words.values()))
    machines = count(len({row["machine"] for row in rows}), "machine")
    total = f"{machines}, {count(len(rows), 'run')}, {size(sum(row['size'] for row in rows))}."
    return [table, total, *(escape(f"No result: {one.name} {one.reason}") for one in left_out)]


def holdings_data(saved: Sequence[Saved], left_out: Sequence[LeftOut]) -> dict[str, Any]:
    """Return the same for a program; sizes are in bytes."""
    results = [{**_held(one), "installation": one.head.installation} for one in saved]
    return {"results": results, "left_out": [*map(vars, left_out)]}


def _held(one: Saved) -> dict[str, Any]:
    result = one.head if one.head.finished_at else one.result
    lacking = f"{len(result.records)} of {result.wanted} processes"
    return {
        "machine": result.machine.id,
        "began": result.started_at,
        "profile": result.profile,
        "frameworks": [n for n, found in result.environments.items() if found.status == "ok"],
        "state": "finished" if result.finished_at else lacking,
        "imported_from": one.imported.address if one.imported else "",
        "size": one.size,
        "file": one.place,
    }


def environments() -> list[RenderableType]:
    """Return the environments that frameworks can have, and which of them are installed."""
    table = Table(*columns("framework", "environment", "needs Python"), title="Environments")
    words = {
        "none": "none; `report env create {}` creates it",
        "outdated": "installed, but outdated; `report env create {}` renews it",
        "there": "installed",
    }
    for name in venvs.names():
        table.add_row(name, words[venvs.state(name)].format(name), BACKENDS[name].pythons())
    return [table, f"In {escape(str(venvs.root()))}"]


def environments_data() -> dict[str, Any]:
    """Return the same for a program."""
    found = {
        name: {"state": venvs.state(name), "python": BACKENDS[name].pythons()}
        for name in venvs.names()
    }
    return {"folder": str(venvs.root()), "environments": found}


def host_data(host: Host) -> dict[str, Any]:
    """Return the machine and its frameworks as a result file holds them, which has no paths."""
    shown = dataclasses.asdict(host)
    return {name: shown[name] for name in ("machine", "environments")}


# --- while measuring

QUIET, NORMAL, VERBOSE = -1, 0, 1  # failures only; each experiment as well; every process


FEW = 5  # so many experiments, or all, are something to read once each was measured in one process
SOON_S = 20.0  # what is rendered in the end comes soon enough if no more than this is left

WIDTH = 80


class Watcher(Observer):
    """An observer of runs that tells a person about them."""

    def __init__(
        self, console: Console, verbosity: int = NORMAL, look: Callable[[], str] | None = None
    ) -> None:
        """Write to a console, with bars only if it is a terminal.

        Once, when there is something to see, `look` renders it, and returns its address.
        """
        self._console = console
        self._verbosity = verbosity
        self._look = look
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            refresh_per_second=1,
        )
        self._done: dict[str, list[Record]] = collections.defaultdict(list)
        self._waiting: list[Job] = []
        self._experiments: set[str] = set()
        self._open: dict[str, Job] = {}
        self._task = self._bars.add_task("preparing", note="")
        self._told: set[tuple[str, str | None]] = set()
        self._expected_s = 0.0

    @property
    def _count(self) -> int:
        return sum(map(len, self._done.values()))

    def shown(self) -> AbstractContextManager[object]:
        """Show bars inside the block, in a terminal that was not asked to be quiet."""
        bars = self._console.is_terminal and self._verbosity > QUIET
        return self._bars if bars else contextlib.nullcontext()

    def begin(self, jobs: Sequence[Job], result: Result) -> None:
        """Prepare for these jobs; for a second time, where others than at first are left."""
        self._waiting = list(jobs)
        names = {_name(job) for job in jobs}
        self._bars.update(self._task, total=max(self._count + len(jobs), 1))
        for name in [name for name in self._open if name not in names]:
            self._end(name)
        if not self._done:
            self._result, self._forecast, self._begun = result, Forecast(jobs), time.monotonic()
            self._column = max(map(len, names), default=0)
            self._experiments = {job.experiment.name for job in jobs}
            self._expected_s = self._forecast.seconds(jobs)
            if used := {job.backend for job in jobs if not job.idle}:
                titles = ", ".join(one.title for name, one in BACKENDS.items() if name in used)
                experiments = count(len(self._experiments), "experiment")
                self.say(
                    f"Measuring {experiments} with {titles}: about {duration(self._expected_s)}.\n"
                    "Each line has one of its numbers, the 95 % interval, and the time it took:"
                )

    def pause(self) -> None:
        """Render what there is, once; if that fails, it is told and measuring goes on."""
        left_s = self._forecast.seconds(self._waiting)
        known = {record.experiment for records in self._done.values() for record in records}
        few = len(known) < min(FEW, len(self._experiments))
        if self._look is None or few or left_s < SOON_S:
            return
        look, self._look = self._look, None
        begun = time.monotonic()
        self._bars.update(self._task, description="rendering what there is")
        with _heard():
            try:
                self.say(f"The report so far, to be rendered again at the end: {look()}")
            except ReportError as error:
                self._fail("to render what there is", error.format_message())
            except Exception as error:  # noqa: BLE001 (no page is worth a run)
                self._fail("to render what there is", repr(error))
        self._begun += time.monotonic() - begun

    def start(self, job: Job) -> None:
        """Name the job under way and the time that remains."""
        left = duration(self._forecast.seconds(self._waiting))
        total = self._count + len(self._waiting)
        note = f"{self._count + 1} of {total}, about {left} left"
        name = _name(job)
        self._bars.update(self._task, description=escape(name), note=note)
        if self._verbosity >= VERBOSE:
            self.say(f"{name}, process {job.process + 1}, {note}")

    def finish(self, job: Job, record: Record) -> None:
        """Report a failure at once, and an experiment when its last process has run."""
        self._forecast.learn(job, record)
        self._waiting.remove(job)
        self._bars.advance(self._task)
        name = _name(job)
        self._open[name] = job
        self._done[name].append(record)
        self._tell(job, record)
        if name not in map(_name, self._waiting):
            self._end(name)
        elif len(self._done[name]) == 1 and record.status == "ok":
            self._number(job, "first look", "dim")

    def _tell(self, job: Job, record: Record) -> None:
        """Tell of a job, or a part of it, that failed or was skipped."""
        name = shown = _name(job)
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

    def total(self) -> None:
        """Say how long it took, if anything was measured."""
        if self._expected_s:
            took, about = (duration(s) for s in (time.monotonic() - self._begun, self._expected_s))
            self.say(f"Measured in {took}; the estimate was {about}.\n")

    def _end(self, name: str) -> None:
        job = self._open.pop(name)
        spent = clock(sum(record.elapsed_s for record in self._done[name]))
        planned = job.process + 1
        measured = planned - sum(record.status != "ok" for record in self._done[name])
        if not self._first_time(name, "measured"):  # the machine had been noisy
            self._number(job, f"again, {spent}")
        elif measured:
            lost = "" if measured == planned else f"{measured} of {planned} processes, "
            self._number(job, lost + spent)

    def _number(self, job: Job, right: str, style: str = "") -> None:
        """Print an experiment's number as its pages have it, with a word at the right."""
        card = headline(self._result, *job.pair)
        words = f"{card.label} {card.value} {card.unit}".strip() if card else "measured"
        ends = f" ({card.interval})" if card and card.interval else ""
        left = f"{_name(job):{self._column}}  {words}{ends}  "
        self.say(left + right.rjust(WIDTH - len(left)), style)

    def _first_time(self, name: str, reason: str | None) -> bool:
        first = (name, reason) not in self._told
        self._told.add((name, reason))
        return first

    def _fail(self, what: str, reason: str | None) -> None:
        words = f"[red]failed[/] {escape(what)}: {escape(str(reason))}"
        self._console.print(words, highlight=False, soft_wrap=True)

    def say(self, message: str, style: str = "") -> None:
        """Print a line unless asked to be quiet."""
        if self._verbosity > QUIET:
            self._console.print(escape(message), highlight=False, soft_wrap=True, style=style)


@contextlib.contextmanager
def _heard() -> Iterator[None]:
    """Raise at the end of the block the interrupt that a library inside it has swallowed.

    Of a dozen interrupts while the drawing library was being loaded, one was (seen here).
    """
    before, heard = signal.getsignal(signal.SIGINT), []

    def interrupt(number: int, _: object) -> None:
        heard.append(number)
        raise KeyboardInterrupt

    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        if before is signal.default_int_handler:
            signal.signal(signal.SIGINT, before)
    if heard:
        raise KeyboardInterrupt


def _name(job: Job) -> str:
    """Name a job's experiment, with the framework where it has several."""
    several = len(job.experiment.backends) > 1
    return job.experiment.name + (f", {BACKENDS[job.backend].title}" if several else "")


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
        f"Not passed on, because they affect libraries: {', '.join(found)}. "
        "To measure with them, set them under environment: in the configuration."
    )
