"""Which quantities of two results are the same, and what one of them lacks. Pure."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.text.names import title

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.analysis.quantities import Key, Quantity
    from report.results.result import Result
    from report.worker.records import Labels

ALL = "all"
"""Of the threads that a process could use; a machine with more cores does the same work with more.
"""

NOT_MEASURED = "not measured"


@dataclass(frozen=True, kw_only=True)
class Lacking:
    """What one side measured of an experiment with a framework and the other did not, and why."""

    experiment: str
    framework: str
    count: int
    side: int
    """Which side lacks it: 0 or 1."""
    reason: str


def paired(
    sides: tuple[Sequence[Quantity], Sequence[Quantity]], results: tuple[Result, Result]
) -> list[tuple[Quantity, Quantity]]:
    """Return what both timed, in the order of the first.

    It has the same labels; or these differ only in that each used all of its threads, or that one
    knows no TF32 and the other did without.
    """
    found = {q.key: q for q in sides[1]}
    same = {q.key: found.pop(q.key) for q in sides[0] if q.key in found}
    first, second = (_threads(result) for result in results)
    loose = {_loose(q, second): q for q in found.values()}
    for q in sides[0]:
        if q.key not in same and (other := loose.pop(_loose(q, first), None)) is not None:
            same[q.key] = other
    return [(q, same[q.key]) for q in sides[0] if q.key in same]


def lacking(
    sides: tuple[Sequence[Quantity], Sequence[Quantity]],
    results: tuple[Result, Result],
    pairs: Sequence[tuple[Quantity, Quantity]],
) -> list[Lacking]:
    """Return what only one side timed, by experiment, framework and reason."""
    counted: Counter[tuple[str, str, int, str]] = Counter()
    for mine, other in ((0, 1), (1, 0)):
        there = {pair[mine].key for pair in pairs}
        planned = results[mine].config["experiments"]
        for q in sides[mine]:
            if q.key not in there:
                reason = why_missing(results[other], q.experiment, q.backend, q.labels)
                counted[planned[q.experiment]["title"], title(q.backend), other, reason] += 1
    return [
        Lacking(experiment=experiment, framework=framework, side=side, reason=reason, count=number)
        for (experiment, framework, side, reason), number in counted.items()
    ]


def why_missing(result: Result, experiment: str, backend: str, labels: Labels | None = None) -> str:
    """Say why a result lacks a series, or a framework's part of an experiment."""
    environment = result.environments.get(backend)
    if environment is None or environment.status != "ok":
        reason = environment.reason if environment else None
        return f"{title(backend)} is not available" + (f": {reason}" if reason else "")
    for record in result.of(experiment):
        if record.backend != backend:
            continue
        if record.outcome is None:
            return f"{record.status}: {record.reason or 'no reason was given'}"
        for series in record.outcome.series:
            if series.labels == labels and series.status != "ok":
                return f"{series.status}: {series.reason or 'no reason was given'}"
    return NOT_MEASURED


def _threads(result: Result) -> dict[tuple[str, str], int]:
    return {(record.experiment, record.backend): record.threads for record in result.records}


def _loose(quantity: Quantity, threads: Mapping[tuple[str, str], int]) -> Key:
    labels = dict(quantity.labels)
    if labels.get("threads") == threads[quantity.experiment, quantity.backend]:
        labels["threads"] = ALL
    if "tf32" in labels:
        labels["tf32"] = bool(labels["tf32"])
    return dataclasses.replace(quantity, labels=labels).key
