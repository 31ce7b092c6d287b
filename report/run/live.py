"""Two ways of running one framework, alternately in one run.

A process of one side and its partner of the other run one right after the other, in turns first
(ABBA), so that both see the machine in the same state. Their results share an id, by which ratios
pair them (`Result.pair`), and what slows both cancels.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from report.errors import UsageError
from report.results import store
from report.run.host import survey
from report.run.jobs import Job
from report.run.runner import Observer, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from report.config.plan import Plan, PlannedExperiment
    from report.results.result import Record, Result

PAIRS = 66
"""With processes that differ by 4 %, a fifth of them 10 % slower, so many find 5 % in 95 of 100
rows (`benchmarks/comparing.py`)."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """How one side runs its framework: another Python, variables, or a number of threads."""

    python: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    threads: int | None = None


def side(said: Sequence[str]) -> Side:
    """Read what a person typed: `python=PATH`, `threads=N`, `env:NAME=VALUE`.

    Raises:
        UsageError: It is something else.
    """
    found = Side()
    for one in said:
        name, _, value = one.partition("=")
        if name == "python" and value:
            found = replace(found, python=value)
        elif name == "threads" and value.isdecimal() and int(value):
            found = replace(found, threads=int(value))
        elif name.startswith("env:") and "=" in one and name != "env:":
            found = replace(found, variables={**found.variables, name[4:]: value})
        else:
            raise UsageError(
                f"{one!r} is not a way to run a framework: use python=PATH, threads=N or "
                "env:NAME=VALUE."
            )
    return found


@dataclass(frozen=True, kw_only=True)
class Live(Observer):
    """A plan, already narrowed by `paired`, to be measured by both sides in turns."""

    plan: Plan
    backend: str
    results: Path
    checkout: Path
    say: Callable[[str], None]

    def measure(self, sides: tuple[Side, Side]) -> tuple[Result, Result]:
        """Measure both sides; what fails is told.

        Raises:
            UsageError: A side's interpreter is not there, or its framework does not start.
        """
        first = self._run(sides[0])
        store.save(first.result, self.results)  # the other's file must have another name
        second = self._run(sides[1], first.host.machine.id)
        first.result.pair = second.result.pair = str(uuid.uuid4())
        pairs = max(experiment.processes for experiment in self.plan.experiments)
        for process in range(pairs):
            self.say(f"pair {process + 1} of {pairs}")
            for run in (first, second) if process % 2 == 0 else (second, first):
                planned = run.plan.experiments
                run.do([Job(each, self.backend, process) for each in planned], self)
        return first.result, second.result

    def finish(self, job: Job, record: Record) -> None:
        """Tell what has failed."""
        if record.status != "ok":
            self.say(f"{record.status} {job.experiment.name}: {record.reason}")

    def _run(self, side: Side, machine: str | None = None) -> Run:
        own_python = {self.backend: side.python} if side.python else {}
        variables = {**self.plan.environment.get(self.backend, {}), **side.variables}
        host = survey(
            [self.backend],
            name=machine,
            interpreters=self.plan.interpreters | own_python,
            variables={self.backend: variables},
            base=self.checkout,
        )
        environment = host.environments[self.backend]
        if environment.status != "ok":
            raise UsageError(f"{self.backend} does not start: {environment.reason}")
        own = [_threaded(experiment, side.threads) for experiment in self.plan.experiments]
        return Run(
            plan=replace(self.plan, experiments=own),
            host=host,
            results=self.results,
            start="fresh",
            checkout=self.checkout,
        )


def paired(plan: Plan, backend: str, only: Sequence[str], pairs: int) -> Plan:
    """Return what of a plan a framework measures, in so many processes of the planned length.

    Raises:
        UsageError: There is nothing.
    """
    wanted = [each for each in plan.only(only) if backend in each.backends]
    if not wanted:
        raise UsageError(f"None of the experiments asked for uses {backend!r}.")
    experiments = [
        replace(
            each,
            backends=[backend],
            processes=pairs,
            budget_s=each.budget_s / each.processes * pairs,
            # Cold runs need processes of their own, and are no matter of ratios.
            settings={**each.settings, **({"as_printed": False} if each.cold(backend) else {})},
        )
        for each in wanted
    ]
    return replace(plan, experiments=experiments, claims={})


def _threaded(experiment: PlannedExperiment, threads: int | None) -> PlannedExperiment:
    planned = experiment.settings.get("threads")
    if threads is None or planned is None:
        return experiment
    chosen = [threads] if isinstance(planned, list) else threads
    return replace(experiment, settings={**experiment.settings, "threads": chosen})
