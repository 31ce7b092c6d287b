"""What was skipped or failed, with its reason: each reason once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from report.analysis import quantities
from report.text import names
from report.text.numerals import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from report.results.result import Record, Result
    from report.worker.records import Environment, Labels, Series

LISTED = 3
"""More values of a label than this are told by their first and last, where they are numbers."""


@dataclass(frozen=True, kw_only=True)
class Problem:
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
    return [*_absent(result), *_all_problems(result)]


def why(what: Record | Series | Environment) -> str:
    """Return the reason of what was skipped or failed."""
    return what.reason or "no reason was given"


def _absent(result: Result) -> list[Problem]:
    found = []
    for backend, environment in result.environments.items():
        if environment.status == "ok":
            continue
        missed = dict.fromkeys(r.experiment for r in result.records if r.backend == backend)
        what = f"{names.title(backend)} ({count(len(missed), 'experiment')})"
        found.append(Problem(status=environment.status, what=what, reason=why(environment)))
    return found


def _all_problems(result: Result) -> list[Problem]:
    there = {name for name, one in result.environments.items() if one.status == "ok"}
    several = len(there) > 1
    return [
        problem
        for name, planned in result.config["experiments"].items()
        for backend, records in quantities.by_backend(result.of(name)).items()
        if backend in there
        for problem in _problems(
            planned["title"] + (f", {names.title(backend)}" if several else ""), records
        )
    ]


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
        Problem(
            status=one.status,
            what=f"{title}{_which([one, *others])}",
            reason=one.reason,
            detail=one.detail,
        )
        for one, *others in found.values()
    ]


def _cases(records: Sequence[Record]) -> Iterator[_Case]:
    for record in records:
        for series in record.outcome.series if record.outcome else ():
            if series.status != "ok":
                yield _Case(series.status, why(series), "", series.labels, record.process)
        if record.status != "ok":
            yield _Case(record.status, why(record), record.stderr_tail or "", None, record.process)


def _which(same: Sequence[_Case]) -> str:
    """Say which series have a reason in common, and in how many processes."""
    labels = [case.labels for case in same if case.labels is not None]
    names = list(labels[0]) if labels else []
    if "run" in names:
        names = ["run", "implementation", "variant"]  # its label stands for the rest
    said = ", ".join(
        f"{name} {_span(values)}" for name in names if (values := _values(labels, name))
    )
    processes = len({case.process for case in same})
    often = f" (in {count(processes, 'process')})" if processes > 1 else ""
    return f": {said}{often}" if said else often


def _values(labels: Sequence[Labels], name: str) -> list[object]:
    return list(dict.fromkeys(v for each in labels if (v := each.get(name)) is not None))


def _span(values: Sequence[object]) -> str:
    """Write the values of a label: "64", "bfloat16, float16", "64 to 4096"."""
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(values) > LISTED and len(numbers) == len(values):
        return f"{min(numbers)} to {max(numbers)}"
    return ", ".join(str(value) for value in values)
