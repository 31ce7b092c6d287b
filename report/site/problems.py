"""What was skipped or failed, with its reason: each reason once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from report.analysis import quantities
from report.text import names
from report.text.numerals import count

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from report.results.result import Record, Result
    from report.worker.records import Environment, Labels, Scalar, Series

    _Values = tuple[Scalar, ...]

LISTED = 3
"""More values of a label than this are told by their first and last, where they are numbers."""


class Problem(NamedTuple):
    """Something that was skipped or failed, with its reason."""

    status: str
    what: str
    reason: str
    detail: str = ""


class _Case(NamedTuple):
    """One series, or one whole process, that was skipped or failed."""

    status: str
    reason: str
    detail: str
    labels: Labels | None
    process: int


def of_result(result: Result) -> list[Problem]:
    """Return what was skipped or failed: frameworks that are not there, then all else."""
    found = []
    for backend, environment in result.environments.items():
        if environment.status != "ok":
            missed = {r.experiment for r in result.records if r.backend == backend}
            what = f"{names.title(backend)} ({count(len(missed), 'experiment')})"
            found.append(Problem(environment.status, what, why(environment)))
    there = [name for name, one in result.environments.items() if one.status == "ok"]
    for name, planned in result.config["experiments"].items():
        for backend, records in quantities.by_backend(result.of(name)).items():
            framework = f", {names.title(backend)}" if len(there) > 1 else ""
            if backend in there:
                found += _problems(planned["title"] + framework, records)
    return found


def why(what: Record | Series | Environment) -> str:
    """Return the reason of what was skipped or failed."""
    return what.reason or "no reason was given"


def _problems(title: str, records: Sequence[Record]) -> list[Problem]:
    """Return what went wrong in an experiment, each reason once, with all that it applies to.

    Reasons that differ in their numbers only are one reason; the first is shown.
    """
    found: dict[tuple[object, ...], list[_Case]] = {}
    for case in _cases(records):
        reason = re.sub(r"\d[\d.,]*", "#", case.reason)
        key = case.status, reason, case.detail, case.labels is None
        found.setdefault(key, []).append(case)
    return [
        Problem(same[0].status, title + _which(same, records), same[0].reason, same[0].detail)
        for same in found.values()
    ]


def _cases(records: Sequence[Record]) -> Iterator[_Case]:
    for record in records:
        for series in record.outcome.series if record.outcome else ():
            if series.status != "ok":
                yield _Case(series.status, why(series), "", series.labels, record.process)
        if record.status != "ok":
            yield _Case(record.status, why(record), record.stderr_tail or "", None, record.process)


def _which(same: Sequence[_Case], records: Sequence[Record]) -> str:
    """Say which series have a reason in common, and in how many processes.

    What was measured must not read as skipped: labels are joined where all their combinations are
    meant, and else listed apart.
    """
    known = [series.labels for r in records if r.outcome for series in r.outcome.series]
    names = list(next((case.labels for case in same if case.labels), {}))
    if "run" in names:
        names = ["run", "implementation", "variant"]  # its label stands for the rest
    processes: dict[_Values, set[int]] = {}
    for case in same:
        key = tuple((case.labels or {}).get(name) for name in names)
        processes.setdefault(key, set()).add(case.process)
    alike: dict[frozenset[int], list[_Values]] = {}
    for key, mine in processes.items():
        alike.setdefault(frozenset(mine), []).append(key)
    every = {name: {labels.get(name) for labels in known} for name in names}
    parts = []
    for where, keys in alike.items():
        blocks = [
            ", ".join(
                f"{name} {_span(values, every[name])}"
                for name, values in zip(names, block, strict=True)
                if values != (None,)
            )
            for block in _blocks(keys)
        ]
        parts.append("; ".join(filter(None, blocks)) + _often(len(where), len(records)))
    said = "; ".join(parts)
    return f": {said}" if said and not said.startswith(" (") else said


def _often(processes: int, planned: int) -> str:
    """Say in how many processes, where one might think of all or of one."""
    if processes == planned:
        return f" (in {count(processes, 'process')})" if processes > 1 else ""
    return f" (in {processes} of {count(planned, 'process')})"


def _blocks(keys: Sequence[_Values]) -> list[tuple[_Values, ...]]:
    """Write a list of combinations as blocks: for each label its values, of which all pairs exist.

    Together the blocks have every combination once and no other.
    """
    if not keys or not keys[0]:
        return [()] if keys else []
    by_rest: dict[_Values, list[Scalar]] = {}
    for *rest, last in keys:
        by_rest.setdefault(tuple(rest), []).append(last)
    by_last: dict[_Values, list[_Values]] = {}
    for key, values in by_rest.items():
        by_last.setdefault(tuple(values), []).append(key)
    return [(*block, last) for last, rests in by_last.items() for block in _blocks(rests)]


def _span(values: _Values, every: Collection[Scalar]) -> str:
    """Write the values of a label: "64", "bfloat16, float16", "64 to 4096" if none is left out."""
    shown = [value for value in values if value is not None]
    numbers = [v for v in shown if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(shown) > LISTED and len(numbers) == len(shown):
        low, high = min(numbers), max(numbers)
        between = {v for v in every if isinstance(v, int | float) and low <= v <= high}
        if between <= set(numbers):
            return f"{low} to {high}"
    return ", ".join(str(value) for value in shown)
