"""What an `overhead` experiment measured: seconds of one call or of one update."""

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
            if series.timing is None:
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
            examples=_examples(series),
        )
        for key, series in found.items()
    ]


def _examples(series: Series) -> int | None:
    size = series.labels["size"]
    return size if series.labels["operation"] == "update" and isinstance(size, int) else None
