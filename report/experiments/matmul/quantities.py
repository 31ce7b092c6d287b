"""What a `matmul` experiment measured: seconds of one product."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from report.analysis.quantities import FLOP_PER_S, SECONDS, Quantity, of_kind, of_series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record, Result
    from report.worker.records import Labels


METRICS = {"seconds": SECONDS, "flop_per_s": FLOP_PER_S}


def of_records(records: Sequence[Record], run: str = "") -> list[Quantity]:
    """Return one quantity for each series; without a count of operations there is no rate.

    Where some elements, drawn at random, stood for all, the seconds are scaled to all of them.
    """
    return [
        _whole(q) for q in of_series(records, run=run, wanted=lambda series: bool(series.flops))
    ]


def of_result(result: Result) -> list[Quantity]:
    """Return the same of all experiments of this kind, on every backend."""
    return of_kind(result, "matmul", of_records)


def elements(labels: Labels, flops: int) -> tuple[int, int]:
    """Return how many elements of a product were computed, and how many there are.

    Args:
        labels: Of the series.
        flops: That were counted for one call: 2 n for each element.
    """
    size = int(str(labels["size"]))
    return flops // (2 * size), size**2


def sampled(records: Sequence[Record]) -> list[tuple[int, int]]:
    """Return of how many elements some were computed that stand for all, for each product.

    Args:
        records: Of one experiment on one backend.

    Returns:
        How many were computed, and how many there are.
    """
    counted = dict.fromkeys(
        elements(series.labels, series.flops)
        for record in records
        for series in (record.outcome.series if record.outcome else ())
        if series.labels["strategy"] == "element" and series.flops
    )
    return [(computed, every) for computed, every in counted if computed < every]


def _whole(quantity: Quantity) -> Quantity:
    computed, every = elements(quantity.labels, quantity.flops or 0)
    if quantity.labels["strategy"] != "element" or not 0 < computed < every:
        return quantity
    factor = every / computed
    groups = [[seconds * factor for seconds in group] for group in quantity.groups]
    return dataclasses.replace(quantity, groups=groups, flops=2 * int(every**1.5))
