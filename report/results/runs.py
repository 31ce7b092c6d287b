"""Which runs of a machine are alike, and all of them together as one result. Pure.

Runs are alike where the same plan was measured by the same code with the same frameworks on the
same hardware and data. Together they tell of the machine what a single one cannot: how much it
changes from one hour or day to the next.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from report.results.machine import Machine
    from report.results.result import Record, Result

APART = timedelta(minutes=15)
"""Runs that begin nearer to each other share the machine's state, and count as one."""


def alike(one: Result, other: Result) -> bool:
    """Return whether two results are runs of one thing, and differ only by chance.

    A package that only one of them has beside a framework makes no difference: whoever installs a
    linter measures the same. One that both have must be of the same version.
    """
    if _what(one) != _what(other):
        return False
    sides = [{n: each.packages or {} for n, each in r.environments.items()} for r in (one, other)]
    return all(
        mine[package] == theirs[package]
        for mine, theirs in ((sides[0][name], sides[1][name]) for name in sides[0])
        for package in mine.keys() & theirs.keys()
    )


def hardware(machine: Machine) -> tuple[object, ...]:
    """Return what of a machine matters to a run: not its clock at the moment, nor how it is known.

    Its name is part of it, but two machines may have been given one.
    """
    devices = [(each.device, each.name) for each in machine.accelerators]
    # A kernel keeps some megabytes for itself, not at each boot as many.
    cpu, memory = replace(machine.cpu, frequency_hz=None), round(machine.memory_bytes / 2**30)
    return (machine.id, cpu, memory, devices, machine.virtualization)


def apart(results: Sequence[Result], folders: Sequence[str]) -> list[Result]:
    """Return results, oldest first, in which no two machines have the same name.

    Runs are of one machine if they lie in one folder and its hardware is the same. The first
    machine keeps a name that several go by; "-2", "-3", ... tell the others.
    """
    taken = {result.machine.id for result in results}
    names: dict[tuple[str, str, str], str] = {}
    made = []
    for result, folder in zip(results, folders, strict=True):
        own = result.machine.id
        key = (own, folder, repr(hardware(result.machine)))
        if key not in names:
            free = (name for k in itertools.count(2) if (name := f"{own}-{k}") not in taken)
            names[key] = next(free) if any(other[0] == own for other in names) else own
            taken.add(names[key])
        machine = replace(result.machine, id=names[key])
        made.append(result if names[key] == own else replace(result, machine=machine))
    return made


def _what(result: Result) -> tuple[object, ...]:
    data = result.dataset and (result.dataset.source, result.dataset.sha1)
    return (
        hardware(result.machine),
        result.config_hash,
        result.code_hash,
        {name: replace(each, packages={}) for name, each in result.environments.items()},
        result.pair,
        data,
    )


def by_machine(results: Iterable[Result]) -> list[list[Result]]:
    """Return the runs that each machine's page is about, oldest first, in the order of their ids.

    These are all finished runs that are like the newest one. A run that was cut short stands for
    its machine only where no other does.
    """
    machines: dict[str, dict[str, Result]] = {}
    for result in sorted(results, key=lambda result: result.order):
        # A copy of a run is no further run.
        machines.setdefault(result.machine.id, {})[result.run_id] = result
    return [_newest([*machines[machine].values()]) for machine in sorted(machines)]


def _newest(every: Sequence[Result]) -> list[Result]:
    newest = max(every, key=lambda result: (bool(result.records), result.order))
    same = [result for result in every if alike(result, newest)]
    finished = [result for result in same if result.finished_at]
    return finished or [newest]


def together(runs: Sequence[Result]) -> Result:
    """Return runs that are alike, oldest first, as one result: the newest, with all records.

    Each record says when its run began, and processes are numbered on from run to run. Verdicts are
    those of a single run, and so left out.
    """
    if len(runs) == 1:
        return runs[0]
    records: list[Record] = []
    began = runs[0].started_at
    for result in runs:
        if not _near(began, result):
            began = result.started_at
        offset = max((record.process + 1 for record in records), default=0)
        records += [
            replace(record, run=began, process=offset + record.process) for record in result.records
        ]
    return replace(runs[-1], records=records, verdicts=[])


def separate(results: Iterable[Result]) -> list[list[Result]]:
    """Return the finished runs of a machine, oldest first, each with those that count as one."""
    every = {one.run_id: one for one in sorted(results, key=lambda one: one.order)}
    found: list[list[Result]] = []
    for result in (one for one in every.values() if one.finished_at):
        if found and alike(found[-1][0], result) and _near(found[-1][0].started_at, result):
            found[-1].append(result)
        else:
            found.append([result])
    return found


def _near(began: str, result: Result) -> bool:
    since = datetime.fromisoformat(result.started_at) - datetime.fromisoformat(began)
    return abs(since) < APART


def starts(result: Result) -> list[str]:
    """Return when the runs began that a result holds and that count as several, oldest first."""
    return sorted({record.run or result.started_at for record in result.records}) or [
        result.started_at  # it has only begun
    ]
