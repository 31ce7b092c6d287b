"""What a `bandwidth` experiment timed, and what each of the processor's caches delivers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from report.analysis import quantities
from report.analysis.quantities import Highest, Metric, Quantity, Question, highest
from report.experiments.bandwidth.measure import INDEX_BYTES, ITEM_BYTES
from report.text import names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.analysis.estimate import Estimate
    from report.results.machine import Cpu
    from report.results.result import Record, Result

METRICS = {
    "seconds": quantities.SECONDS,
    "bytes_per_s": quantities.BYTES_PER_S,
    "seconds_per_element": Metric(
        unit="s", timed=True, words="seconds of one element of a strided read, a gather or a chase"
    ),
}

STREAMS = ("read", "copy", "triad")
"""Operations that go through a working set from its beginning to its end."""


def of_records(records: Sequence[Record], run: str = "") -> list[Quantity]:
    """Return one quantity for each series; without a count of bytes there is no bandwidth."""
    return quantities.of_series(records, run=run, wanted=lambda series: bool(series.bytes_moved))


def of_result(result: Result) -> list[Quantity]:
    """Return the same of all experiments of this kind, on every backend."""
    return quantities.of_kind(result, "bandwidth", of_records)


def _number(label: str) -> Callable[[Quantity], int]:
    return lambda quantity: quantity.number(label)


working_set = _number("working_set_bytes")
"""The bytes that an operation goes through again and again."""

threads = _number("threads")
"""How many it could use."""

stride = _number("stride")
"""How many elements lie from one that is read to the next."""


def with_most_threads(series: Sequence[Quantity]) -> list[Quantity]:
    """Return those that could use the most threads."""
    most = max(map(threads, series), default=0)
    return [q for q in series if threads(q) == most]


def item_bytes(quantity: Quantity) -> int:
    """Return the bytes of an element."""
    return ITEM_BYTES[str(quantity.labels["dtype"])]


def elements(quantity: Quantity) -> int:
    """Return how many elements one call of a strided read, a gather or a chase reads."""
    item = item_bytes(quantity)
    moved = INDEX_BYTES + 2 * item if quantity.labels["operation"] == "gather" else item
    return max(1, (quantity.bytes_moved or 0) // moved)


def each(quantity: Quantity) -> Estimate:
    """Return the seconds of one element of a strided read, a gather or a chase."""
    return quantity.time().scaled(1 / elements(quantity), f"element of {quantity.name()}")


MEMORY = "memory"
"""What lies behind the last cache, as a place of working sets."""

WELL_INSIDE = 0.7
"""A working set of this share of a cache still fits beside what else lies there."""

WELL_BEYOND = 1.5
"""Of a working set of so many times the last cache, hardly anything stays there for a round."""

Roofs = dict[str, Highest]
"""The most bytes per second of each cache, the nearest first ("L1", ...), and of memory, last."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """The caches of one level ("L1", "L2", ...) that some threads use: `copies` of one size."""

    name: str
    size_bytes: int
    copies: int

    @property
    def reach_bytes(self) -> int:
        """Return what they hold together, where each thread keeps to its own part."""
        return self.copies * self.size_bytes

    @property
    def words(self) -> str:
        """Return it for a figure: "L1 2 x 48 KiB", "L3 480 MiB"."""
        copies = f"{self.copies} \N{MULTIPLICATION SIGN} " if self.copies > 1 else ""
        return f"{self.name} {copies}{names.size(self.size_bytes)}"


def levels(cpu: Cpu, threads: int) -> list[Level]:
    """Return the caches for data, the nearest first.

    Threads are taken to run on cores of their own that lie side by side; where it is not known who
    shares a cache, it counts once. How many hardware threads a core has is read from its own first
    cache: of processors whose cores are not alike, the cores' mean says it of none.
    """
    data = sorted((c for c in cpu.caches if c.type != "instruction"), key=lambda c: c.level)
    siblings = next((c.shared_by for c in data if c.level == 1 and c.shared_by), None)
    if siblings is None:
        siblings = (cpu.logical_cores or 1) // (cpu.physical_cores or cpu.logical_cores or 1) or 1
    cores = [threads if c.shared_by is None else max(1, c.shared_by // siblings) for c in data]
    return [
        Level(name=f"L{cache.level}", size_bytes=cache.size_bytes, copies=-(-threads // sharing))
        for cache, sharing in zip(data, cores, strict=True)
    ]


def levels_of(result: Result, records: Sequence[Record], threads: int) -> list[Level]:
    """Return the caches that an experiment used; of an accelerator only the second is known."""
    devices = {record.device for record in records} - {"none"}
    if devices <= {"cpu"}:
        return levels(result.machine.cpu, threads)
    return [
        Level(name="L2", size_bytes=one.l2_bytes, copies=1)
        for one in result.machine.accelerators
        if devices == {one.device} and one.l2_bytes
    ]


def place(size: int, known: Sequence[Level], largest: int) -> str | None:
    """Return the cache that a working set fits well, or memory; None for one in between.

    Sizes are in bytes, and caches are given the nearest first. Where none is known, only the
    largest working set has a place, which is memory.
    """
    nearer = 0
    for level in known:
        if nearer < size <= WELL_INSIDE * level.reach_bytes:
            return level.name
        nearer = max(nearer, level.reach_bytes)
    least = WELL_BEYOND * nearer if known else largest
    return MEMORY if size >= least else None


def with_levels(result: Result, records: Sequence[Record], question: Question) -> list[Quantity]:
    """Return what was timed, each with the cache that holds its working set, or memory."""
    series = of_records(records, result.run)
    largest = max(map(working_set, series), default=0)
    known = {count: levels_of(result, records, count) for count in set(map(threads, series))}
    found = [
        replace(q, also={"level": place(working_set(q), known[threads(q)], largest)})
        for q in series
    ]
    if question.metric != "seconds_per_element":
        return found
    return [_each(q) for q in found if q.labels["operation"] not in STREAMS]


def _each(quantity: Quantity) -> Quantity:
    count = elements(quantity)
    groups = [[seconds / count for seconds in group] for group in quantity.groups]
    return replace(quantity, metric="seconds_per_element", groups=groups)


def by_place(known: Sequence[Level], series: Sequence[Quantity]) -> dict[str, list[Quantity]]:
    """Return the series of some threads that stand for each cache and for memory, in this order."""
    largest = max(map(working_set, series), default=0)
    placed: dict[str, list[Quantity]] = {name: [] for name in (*(k.name for k in known), MEMORY)}
    for q in series:
        if at := place(working_set(q), known, largest):
            placed[at].append(q)
    return {name: mine for name, mine in placed.items() if mine}


def roofs_of(known: Sequence[Level], series: Sequence[Quantity]) -> Roofs:
    """Return the roofs of some streams with one number of threads.

    A cache's is the highest bandwidth among working sets well inside it that the next nearer one
    cannot hold; there are none where no working set lies beyond the last cache.
    """
    placed = by_place(known, series)
    if MEMORY not in placed:
        return {}
    return {name: highest(mine, "bytes_per_s") for name, mine in placed.items()}


def roofs(result: Result, backend: str) -> Roofs:
    """Return the roofs of a backend, from all its streams with the most threads."""
    mine = [q for q in of_result(result) if q.backend == backend]
    series = with_most_threads([q for q in mine if q.labels["operation"] in STREAMS])
    if not series:
        return {}
    used = {q.experiment for q in series}
    records = [r for r in result.records if r.backend == backend and r.experiment in used]
    return roofs_of(levels_of(result, records, threads(series[0])), series)
