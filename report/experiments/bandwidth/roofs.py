"""The bandwidth of each cache and of memory, as far as an experiment reached it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from report.experiments.bandwidth import caches
from report.experiments.bandwidth.quantities import of_records, of_result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity, Question
    from report.experiments.bandwidth.caches import Level
    from report.results.result import Record, Result

STREAMS = ("read", "copy", "triad")
"""Operations that go through a working set from its beginning to its end."""

MEMORY = "memory"
"""What lies behind the last cache, as a place of working sets."""

WELL_INSIDE = 0.7
"""A working set of this share of a cache still fits beside what else lies there."""

WELL_BEYOND = 1.5
"""Of a working set of so many times the last cache, hardly anything stays there for a round."""


@dataclass(frozen=True, kw_only=True)
class Roof:
    """The most bytes per second that a cache or memory delivered.

    Attributes:
        name: "L1", "L2", ... or "memory".
        bandwidth: Bytes per second.
        quantity: The series that reached it.
    """

    name: str
    bandwidth: Estimate
    quantity: Quantity


def roofs(result: Result, backend: str) -> list[Roof]:
    """Return the roofs of a backend, the nearest cache first, memory last.

    A cache's is the highest bandwidth among working sets well inside it that the next nearer one
    cannot hold. Only series with the most threads count.

    Args:
        result: The run.
        backend: Which framework.

    Returns:
        The roofs; none where no working set lies beyond the last cache, so that memory's is not
        known. Caches that no working set fits are left out.
    """
    found = [
        q for q in of_result(result) if q.backend == backend and q.labels["operation"] in STREAMS
    ]
    if not found:
        return []
    most = max(threads(q) for q in found)
    found = [q for q in found if threads(q) == most]
    records = [r for q in found for r in result.of(q.experiment) if r.backend == backend]
    known = caches.levels(result.machine.cpu, most) if caches.on_processor(records) else []
    return of_levels(known, found)


def of_levels(known: Sequence[Level], found: Sequence[Quantity]) -> list[Roof]:
    """Return the roofs of some series.

    Args:
        known: The caches, the nearest first; none where they are not known, and then only the
            largest working set counts, as memory.
        found: Series of streams with one number of threads.
    """
    largest = max((working_set(q) for q in found), default=0)
    by_name: dict[str, list[Quantity]] = {level.name: [] for level in known}
    for quantity in found:
        name = place(working_set(quantity), known, largest)
        if name is not None:
            by_name.setdefault(name, []).append(quantity)
    made = [_highest(name, inside) for name, inside in by_name.items() if inside]
    return made if MEMORY in by_name else []


def place(size: int, known: Sequence[Level], largest: int) -> str | None:
    """Return the cache that a working set fits well, or memory; None for one in between.

    Args:
        size: Of the working set, in bytes.
        known: The caches, the nearest first; if there are none, only the largest working set
            has a place, which is memory.
        largest: Size of the largest working set.
    """
    nearer = 0
    for level in known:
        if nearer < size <= WELL_INSIDE * level.reach_bytes:
            return level.name
        nearer = max(nearer, level.reach_bytes)
    least = WELL_BEYOND * nearer if known else largest
    return MEMORY if size >= least else None


def with_levels(result: Result, records: Sequence[Record], _: Question) -> list[Quantity]:
    """Return what was timed, each with the cache that holds its working set, or memory."""
    series = of_records(records, result.run)
    on_processor = caches.on_processor(records)
    largest = max(map(working_set, series), default=0)
    levelled = []
    for one in series:
        known = caches.levels(result.machine.cpu, threads(one)) if on_processor else []
        levelled.append(replace(one, also={"level": place(working_set(one), known, largest)}))
    return levelled


def working_set(quantity: Quantity) -> int:
    """Return the bytes that an operation goes through again and again."""
    return int(str(quantity.labels["working_set_bytes"]))


def threads(quantity: Quantity) -> int:
    """Return how many threads it could use."""
    return int(str(quantity.labels["threads"]))


def _highest(name: str, found: Sequence[Quantity]) -> Roof:
    best = max(found, key=lambda q: q.bandwidth().value)
    return Roof(name=name, bandwidth=best.bandwidth(), quantity=best)
