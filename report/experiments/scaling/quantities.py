"""What a `scaling` experiment measured: seconds of all processes together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities
from report.analysis.quantities import ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.results.result import Record

    ByWorld = dict[int, Quantity]

METRICS = {
    "seconds": quantities.SECONDS,
    "examples_per_s": quantities.EXAMPLES_PER_S,
    "bytes_per_s": quantities.BYTES_PER_S,
}


def of_records(records: Sequence[Record], run: str = "") -> list[Quantity]:
    """Return one quantity for each series."""
    return quantities.of_series(records, run=run, examples=lambda series: series.examples)


def by_world(series: Sequence[Quantity], operation: str) -> dict[int, ByWorld]:
    """Return an operation's series by message or batch size, and then by processes, ascending."""
    label = "message_bytes" if operation == "all-reduce" else "batch_size"
    found: dict[int, ByWorld] = {}
    mine = [q for q in series if q.labels["operation"] == operation]
    for q in sorted(mine, key=lambda q: (q.number(label), q.number("world"))):
        found.setdefault(q.number(label), {})[q.number("world")] = q
    return found


def efficiency(mine: ByWorld, world: int) -> Estimate | None:
    """Return the speed-up over one process, divided by the processes; None without that one."""
    alone = mine.get(1)
    if alone is None or world == 1:
        return None
    speedup = ratio(alone, mine[world])
    return speedup.scaled(1 / world, f"parallel efficiency {speedup.key}")


def bus_bandwidth(quantity: Quantity) -> Estimate:
    """Return what each process's link carries in an all-reduce: 2 (p - 1) / p times the message.

    Source: NVIDIA, nccl-tests, "Performance reported by NCCL tests": algorithm and bus bandwidth.
    """
    world, rate = quantity.number("world"), quantity.bandwidth()
    return rate.scaled(2 * (world - 1) / world, f"bus bandwidth {rate.key}")
