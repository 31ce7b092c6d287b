"""What a `matmul` experiment measured: seconds of one product."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from report.analysis import quantities
from report.analysis.quantities import Highest, Metric, Quantity, Question, highest, quantity
from report.experiments.matmul.measure import BATCH, PRINTED_FLOPS
from report.text.names import WORDED
from report.text.numerals import ITEM_BYTES, count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.analysis.estimate import Estimate
    from report.results.result import Record, Result
    from report.worker.records import Labels


METRICS = {
    "seconds": quantities.SECONDS,
    "flop_per_s": quantities.FLOP_PER_S,
    "bytes_per_s": quantities.BYTES_PER_S,
    "device_seconds": quantities.DEVICE_SECONDS,
    "cold_seconds": quantities.COLD_SECONDS,
    "joules": quantities.JOULES,
    "moved_bytes": Metric(
        unit="B",
        timed=False,
        words="bytes that a product's calls must read and write, counted",
        known=True,
    ),
}


def of_records(records: Sequence[Record], run: str = "", metric: str = "seconds") -> list[Quantity]:
    """Return one quantity for each series; without a count of operations there is no rate.

    Where some elements, drawn at random, stood for all, the values are scaled to all of them.
    """
    series = quantities.of_series(
        records, run=run, metric=metric, wanted=lambda series: bool(series.flops)
    )
    return [_whole(q) for q in series]


def of_result(result: Result) -> list[Quantity]:
    """Return the same of all experiments of this kind, on every backend."""
    return quantities.of_kind(result, "matmul", of_records)


WORDS: dict[str, Callable[[Any], str]] = WORDED | {
    "strategy": lambda name: "full, memory kept" if name == "full-out" else str(name),
    "block_width": lambda width: f"of {width}",
    "threads": lambda threads: count(int(str(threads)), "thread"),
}
"""What values of labels are called that do not go by themselves."""


def name_series(labels: Labels, names: Sequence[str]) -> str:
    """Name a series by those of its labels that tell it from the others."""
    known = {name: value for name in names if (value := labels.get(name)) is not None}
    parts = [WORDS.get(name, str)(value) for name, value in known.items()]
    return ", ".join(parts).replace("block, of", "block of")


def call_time(quantity: Quantity) -> Estimate:
    """Return the seconds of one dot product of a product element by element."""
    each = 1 / product_calls(*product(quantity))
    return quantity.time().scaled(each, f"call of {quantity.name()}")


def number_format(quantity: Quantity) -> str:
    """Return the dtype; TF32 counts as one of its own."""
    if quantity.labels.get("tf32"):
        return "TF32"
    # Updates and additions have no such label: they are made of float32 only.
    return str(quantity.labels.get("dtype", "float32"))


def product_calls(strategy: str, size: int, block_width: int | None) -> int:
    """Count the calls that compute a product of two n x n matrices piece by piece, `size` n."""
    if strategy == "element":
        return size * size
    if strategy in {"column", "row"}:
        return size
    return -(-size // (block_width or size)) if strategy == "block" else 1


def product_bytes(strategy: str, size: int, block_width: int | None, item_bytes: int) -> int:
    """Count the bytes that all calls of a product must read and write.

    A dot product reads 2 n numbers and writes 1, and there are n^2 of them: n^2 (2 n + 1). A call
    that makes w columns (or a row, w = 1) reads the whole other matrix, n^2, and n w numbers, and
    writes n w. The widths of all calls add up to n, so that k calls move k n^2 + 2 n^2 numbers: 3
    n^2 in one go, n^3 + 2 n^2 by columns.
    """
    calls = product_calls(strategy, size, block_width)
    if strategy == "element":
        return calls * (2 * size + 1) * item_bytes
    if strategy == "batched":
        return 3 * size**2 * BATCH * item_bytes
    return (calls + 2) * size**2 * item_bytes


def product(quantity: Quantity) -> tuple[str, int, int | None]:
    """Return the strategy, the size and the width of a block, if there is one."""
    width = quantity.number("block_width") if quantity.labels["block_width"] else None
    return str(quantity.labels["strategy"]), quantity.number("size"), width


def with_bytes(quantity: Quantity) -> Quantity:
    """Return the same with the bytes that its calls must move."""
    moved = product_bytes(*product(quantity), ITEM_BYTES[number_format(quantity)])
    return dataclasses.replace(quantity, bytes_moved=moved)


def observed(result: Result, records: Sequence[Record], question: Question) -> list[Quantity]:
    """Return what was timed, with the bytes that must move; these alone where they are asked."""
    if question.metric in {*quantities.CLOCKS, "joules"}:
        return of_records(records, result.run, question.metric)
    series = [
        dataclasses.replace(
            with_bytes(q),
            also={
                "where": "cpu" if q.device == "cpu" else "accelerator",
                "format": number_format(q),
            },
        )
        for q in of_records(records, result.run)
    ]
    if question.metric != "moved_bytes":
        return series
    return [
        dataclasses.replace(
            q,
            metric="moved_bytes",
            groups=[[float(q.bytes_moved or 0)] if group else [] for group in q.groups],
            unit="B",
        )
        for q in series
    ]


def peaks(result: Result) -> dict[str, Highest]:
    """Return the fastest product of each number format in any experiment, the fastest first."""
    by_format: dict[str, list[Quantity]] = {}
    for q in of_result(result):
        by_format.setdefault(number_format(q), []).append(q)
    best = {name: highest(series, "flop_per_s") for name, series in by_format.items()}
    return dict(sorted(best.items(), key=lambda item: -item[1].estimate.value))


def as_printed(records: Sequence[Record], run: str) -> dict[str, Estimate]:
    """Return the FLOP/s that the chapter would print, by strategy: a cold run of each process."""
    return {
        strategy: quantity(
            records,
            labels={"strategy": strategy, "timed": "as printed"},
            groups=moved,
            flops=int(PRINTED_FLOPS),
            run=run,
        ).rate()
        for strategy, printed_s in _prints(records).items()
        if (moved := [[seconds] for seconds in printed_s if seconds > 0])
    }


def blank_prints(records: Sequence[Record]) -> dict[str, tuple[int, int]]:
    """Return how many of a strategy's prints show 0 s, as no clock moved, and of how many."""
    return {
        strategy: (blank, len(printed_s))
        for strategy, printed_s in _prints(records).items()
        if (blank := sum(seconds <= 0 for seconds in printed_s))
    }


def _prints(records: Sequence[Record]) -> dict[str, list[float]]:
    """Return the seconds of each strategy that the chapter's timer shows, by process."""
    printed_s: dict[str, list[float]] = {}
    for record in records:
        for printed in record.outcome.as_printed if record.outcome else ():
            printed_s.setdefault(printed.strategy, []).append(printed.elapsed_s)
    return printed_s


def _elements(labels: Labels, flops: int) -> tuple[int, int]:
    """Return how many elements were computed, at 2 n operations each, and how many there are."""
    size = int(str(labels["size"]))
    return flops // (2 * size), size**2


def sampled(records: Sequence[Record]) -> list[tuple[int, int]]:
    """Return how many elements were computed, and of how many, for products done in part."""
    counted = dict.fromkeys(
        _elements(series.labels, series.flops)
        for record in records
        for series in (record.outcome.series if record.outcome else ())
        if series.labels["strategy"] == "element" and series.flops
    )
    return [(computed, every) for computed, every in counted if computed < every]


def _whole(quantity: Quantity) -> Quantity:
    computed, every = _elements(quantity.labels, quantity.flops or 0)
    if quantity.labels["strategy"] != "element" or not 0 < computed < every:
        return quantity
    factor = every / computed
    groups = [[seconds * factor for seconds in group] for group in quantity.groups]
    return dataclasses.replace(quantity, groups=groups, flops=2 * int(every**1.5))
