"""The `bandwidth` kind: going through memory, timed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict  # pydantic needs this one below Python 3.12

from report.experiments.bandwidth import figures, measure, quantities
from report.experiments.kind import Kind, timing_facts
from report.experiments.settings import OneOrMany, Settings, Threads
from report.figures import prose
from report.figures.figure import Card, card

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record, Result

Operation = Literal["read", "copy", "triad", "strided", "gather", "chase"]
Order = Literal["sequential", "random"]
Dtype = Literal["float32", "float64", "bfloat16", "float16"]
WorkingSet = Annotated[int, Field(ge=1024, le=2**36)]
Stride = Annotated[int, Field(ge=1, le=65_536)]


class Labels(TypedDict):
    """What tells one series of an experiment from the others, as result files hold it."""

    operation: Operation
    working_set_bytes: WorkingSet
    stride: Stride | None
    order: Order | None
    dtype: Dtype | Literal["uint64"]
    threads: int


class BandwidthSettings(Settings):
    """Memory: bytes per second by working set, and the price of reading out of order."""

    operation: OneOrMany[Operation] = Field(
        ["read", "copy", "triad", "strided", "gather"],
        description="read sums numbers, copy copies them, triad computes a = b + s c; strided "
        "reads numbers of the largest working set at a distance, gather looks numbers up by index; "
        "chase reads each position from where the last one lies; only numba can do that.",
    )
    working_set: OneOrMany[WorkingSet | Literal["auto"]] = Field(
        ["auto"],
        description="Bytes that an operation goes through again and again; auto: powers of two "
        "from 4 KiB to far beyond the last cache, a quarter of the free memory at most.",
    )
    step: int = Field(
        1, ge=1, le=8, description="For auto: powers of two from one working set to the next."
    )
    beyond: int = Field(
        4,
        ge=1,
        le=64,
        description="For auto: the largest working set is at least this many times the last cache.",
    )
    stride: OneOrMany[Stride] = Field(
        [1, 2, 4, 8, 16, 32, 64],
        description="For strided: elements from one that is read to the next.",
    )
    order: OneOrMany[Order] = Field(
        ["sequential", "random"], description="For gather: the order of the indices."
    )
    dtype: OneOrMany[Dtype] = Field(
        ["float32"], description="Formats that a device lacks are skipped, with the reason."
    )
    threads: OneOrMany[Threads] = Field(
        ["auto"],
        description="CPU threads: auto (all usable cores), each (1, 2, 4 ... all), or numbers.",
    )


def _cards(result: Result) -> list[Card]:
    """Return the bandwidth of memory on the first backend that reached it."""
    backends = dict.fromkeys(q.backend for q in quantities.of_result(result))
    found = filter(None, (quantities.roofs(result, name) for name in backends))
    if not (roofs := next(found, None)):
        return []
    top = roofs[quantities.MEMORY]
    note = prose.block(figures.TEMPLATE, "memory_note", top=top)
    return [card("memory bandwidth", top.estimate, "B/s", note)]


def _headlines(result: Result) -> list[Card]:
    """Return the bandwidth of memory, else the longest access that nothing foresees."""
    chased = [q for q in quantities.of_result(result) if q.labels["operation"] == "chase"]
    if not chased:
        return _cards(result)
    far = max(chased, key=quantities.working_set)
    return [card("access to memory", quantities.each(far), "s", "")]


def _method(records: Sequence[Record]) -> list[str]:
    if not (timing := timing_facts(records)):
        return []
    operations = {str(q.labels["operation"]) for q in quantities.of_records(records)}
    facts = {"timing": timing, "operations": operations, "measure": measure}
    return prose.sentences(figures.TEMPLATE, "method", **facts)


BANDWIDTH = Kind(
    name="bandwidth",
    page="memory",
    settings=BandwidthSettings,
    labels=Labels,
    metrics=quantities.METRICS,
    quantities=quantities.of_records,
    observed=quantities.with_levels,
    # Sizes of caches differ between machines, so that a claim cannot name working sets.
    claim_labels=("level",),
    figures=figures.figures,
    method=_method,
    overlay=figures.overlay,
    cards=_cards,
    headlines=_headlines,
    memory_bytes=lambda s, _: max((n for n in s["working_set"] if n != "auto"), default=0),
)
