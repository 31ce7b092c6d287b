"""What a `matmul` experiment measured: seconds of one product."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from report.analysis.quantities import FLOP_PER_S, SECONDS, Quantity, highest, of_kind, of_series
from report.experiments.matmul.measure import PRINTED_FLOPS
from report.text.numerals import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Highest
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


STRATEGIES = {"full-out": "full, memory kept"}
"""What those are called that do not go by their name."""


def name_series(labels: Labels, names: Sequence[str]) -> str:
    """Name a series by those of its labels that tell it from the others."""
    parts = []
    for name in names:
        value = labels.get(name)
        if name == "tf32" and value is not None:
            parts.append("TF32" if value else "no TF32")
        elif name == "strategy":
            parts.append(STRATEGIES.get(str(value), str(value)))
        elif name == "block_width" and value is not None:
            parts.append(f"of {value}")
        elif name == "size":
            parts.append(f"n = {value:,}")
        elif name == "threads":
            parts.append(count(int(str(value)), "thread"))
        elif value is not None and name != "tf32":
            parts.append(str(value))
    return ", ".join(parts).replace("block, of", "block of")


def calls(quantity: Quantity) -> int:
    """Return how many dot products a product element by element takes: one for each element."""
    return int(str(quantity.labels["size"])) ** 2


def number_format(quantity: Quantity) -> str:
    """Return the dtype; TF32 counts as one of its own."""
    return "TF32" if quantity.labels.get("tf32") else str(quantity.labels["dtype"])


def peaks(result: Result) -> dict[str, Highest]:
    """Return the fastest product of each number format in any experiment, the fastest first."""
    by_format: dict[str, list[Quantity]] = {}
    for quantity in of_result(result):
        by_format.setdefault(number_format(quantity), []).append(quantity)
    best = {name: highest(series, "flop_per_s") for name, series in by_format.items()}
    return dict(sorted(best.items(), key=lambda item: -item[1].estimate.value))


def as_printed(records: Sequence[Record], run: str) -> dict[str, Estimate]:
    """Return the operations per second that the chapter would print, by strategy.

    Each process gives one cold run, which is one print of the chapter; the interval is over
    processes, and none is left out.
    """
    groups: dict[str, list[list[float]]] = {}
    for record in records:
        for printed in record.outcome.as_printed if record.outcome else ():
            if printed.elapsed_s > 0:
                groups.setdefault(printed.strategy, []).append([printed.elapsed_s])
    return {
        strategy: _printed(records[0], strategy, group, run).rate()
        for strategy, group in groups.items()
    }


def _printed(record: Record, strategy: str, groups: list[list[float]], run: str) -> Quantity:
    return Quantity(
        experiment=record.experiment,
        kind=record.kind,
        backend=record.backend,
        labels={"strategy": strategy, "timed": "as printed"},
        groups=groups,
        flops=int(PRINTED_FLOPS),
        run=run,
    )


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
