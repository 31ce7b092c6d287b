"""What a `bandwidth` experiment timed: seconds of one call, and the bytes that it moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.quantities import Quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results import Record
    from report.worker.records import Series


def quantities(records: Sequence[Record]) -> list[Quantity]:
    """Return one quantity for each series that any process measured."""
    groups: dict[str, list[list[float]]] = {}
    found: dict[str, Series] = {}
    for index, record in enumerate(records):
        for series in record.outcome.series if record.outcome else ():
            # Without a count of bytes there is no bandwidth to draw.
            if series.timing is None or not series.bytes_moved:
                continue
            key = repr(series.labels)
            found.setdefault(key, series)
            # A place for each process, so that ratios can pair what one process measured.
            mine = groups.setdefault(key, [[] for _ in records])
            loops = series.timing.inner_loops
            mine[index] = [elapsed / loops for elapsed in series.timing.elapsed_s]
    return [
        Quantity(
            experiment=records[0].experiment,
            kind=records[0].kind,
            backend=records[0].backend,
            metric="call",
            labels=series.labels,
            groups=groups[key],
            flops=series.flops,
            bytes_moved=series.bytes_moved,
        )
        for key, series in found.items()
    ]
