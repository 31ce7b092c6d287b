"""All numbers of some results in one table: a row for each estimate, or for each sample.

The estimates are those of the pages, and the samples are those that they stand on: processes that
were disturbed are left out. Runs of a machine that are alike stand together. Every label of a
series is a column, empty where a kind of experiment has no such label. A row has the key that pages
write with the same number, as `data-key`.
"""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from report.analysis.quantities import Metric, Quantity, Question, by_backend, surroundings
from report.errors import UsageError
from report.experiments.catalogue import KINDS, LABELS
from report.figures.figure import Cell, Sheet, cells, columns
from report.figures.prose import digest
from report.results import runs, store
from report.text.numerals import NANO, stable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from report.analysis.estimate import Estimate
    from report.results.result import Result
    from report.results.store import LeftOut

    Machines = Sequence[tuple[Result, bool]]
    """The runs of each machine together, and whether they were imported."""

Level = Literal["estimates", "samples"]

NAMES = tuple(dict.fromkeys(name for labels in LABELS.values() for name in labels.__annotations__))
"""Of all labels of all kinds."""

SHARED = (
    *("machine", "imported", "began", "experiment", "kind", "backend", "device"),
    *("metric", "unit", "grade"),
)
"""`began` is when the newest of the runs did, or the run of a sample."""

OWN: dict[Level, tuple[str, ...]] = {
    "estimates": (*columns("value"), "replicate", "runs", "censored"),
    "samples": ("process", "seed", "index", "value"),
}
"""`replicate` is what is counted: processes or seeds. Of the `replicates`, `censored` are only
lower bounds: runs that ended before they came to a loss."""

DTYPES = {bool: "boolean", int: "Int64", str: "string"}
"""By the type of a column's values, what keeps it beside empty cells in pandas; else float64."""


class Asked(NamedTuple):
    """A metric of a series; `rate` is its name where it is a rate."""

    quantity: Quantity
    name: str
    metric: Metric
    rate: str | None
    grade: str | None

    def estimate(self) -> Estimate | None:
        """Return the one estimate of it; a value of zero has no logarithm, and so none."""
        positive = all(value > 0 for group in self.quantity.groups for value in group)
        return self.quantity.estimate(self.rate) if positive else None


def machines(path: Path) -> tuple[Machines, list[LeftOut]]:
    """Return what the pages of a results folder, or of a single file, are about.

    Raises:
        ResultError: There are no results.
    """
    saved, left_out = store.read_all(path, LABELS)
    every = [
        (runs.together([one.result for one in same]), same[0].imported is not None)
        for same in store.by_machine(saved)
    ]
    return every, left_out


def sheet(every: Machines, level: Level = "estimates") -> Sheet:
    """Return the table of some machines, in SI units."""
    rows: list[list[Cell]] = []
    for result, imported in every:
        machine: list[Cell] = [result.machine.id, imported]
        for asked in _asked(result):
            q = asked.quantity
            what: list[Cell] = [q.experiment, q.kind, q.backend, q.device]
            what += [asked.name, asked.metric.unit or None, asked.grade]
            series = [*(q.labels.get(name) for name in NAMES), digest(q.name(asked.rate))]
            every_own = _own(result, asked, level)
            rows += ([*machine, began, *what, *own, *series] for began, own in every_own)
    return Sheet(header=[*SHARED, *OWN[level], *NAMES, "key"], rows=rows)


def _asked(result: Result) -> Iterator[Asked]:
    """Yield each metric of each series that was measured, in the order of the configuration."""
    for experiment, planned in result.config["experiments"].items():
        kind = KINDS[planned["kind"]]
        metrics = {name: metric for name, metric in kind.metrics.items() if not metric.known}
        for records in by_backend(result.of(experiment)).values():
            grade = surroundings(records).level
            for name, metric in metrics.items():
                rate, seen = name if metric.amount else None, grade if metric.timed else None
                for q in kind.observe(result, records, Question(metric=name)):
                    if any(q.groups):
                        yield Asked(q, name, metric, rate, seen)


def _own(result: Result, asked: Asked, level: Level) -> Iterator[tuple[str, list[Cell]]]:
    """Yield the rows of a metric of a series: when its run began, and the cells of the level."""
    q = asked.quantity
    if level == "estimates":
        count = [q.replicate, len(runs.starts(result)), q.censored]
        yield result.started_at, [*cells(asked.estimate()), *count]
    elif not asked.rate:  # which follows from the seconds
        for k, group in enumerate(q.groups):
            place = (k, None) if q.replicate == "process" else (None, k)
            began = q.runs[k] if q.runs and q.replicate == "process" else result.started_at
            yield from ((began, [*place, index, value]) for index, value in enumerate(group))


def load(path: Path, level: Level = "estimates") -> Any:
    """Return the table of a results folder or file as `frame` does; warn of what is no result."""
    every, left_out = machines(path)
    for one in left_out:
        warnings.warn(f"Left out: {one.name} {one.reason}", stacklevel=3)
    return frame(sheet(every, level))


def frame(table: Sheet) -> Any:
    """Return a table as a pandas DataFrame; where there is no pandas, as a dict of columns."""
    columns = zip(*table.rows, strict=True) if table.rows else ((),) * len(table.header)
    named = {name: list(column) for name, column in zip(table.header, columns, strict=True)}
    try:
        import pandas as pd  # noqa: PLC0415 (heavy, and an extra)
    except ImportError:
        return named
    return pd.DataFrame({name: pd.array(one, dtype=_dtype(one)) for name, one in named.items()})


def _dtype(column: Sequence[Cell]) -> str:
    types = {type(cell) for cell in column if cell is not None}
    return DTYPES.get(types.pop(), "float64") if len(types) == 1 else "float64"


def written(every: Machines, form: str, level: Level = "estimates") -> bytes:
    """Return the table as a file: csv, parquet, json (an object for each row), or bmf (`bencher`).

    Raises:
        UsageError: It takes pandas and pyarrow, and these are not installed.
    """
    if form == "bmf":
        return json.dumps(bencher(result for result, _ in every), indent=1).encode()
    table = sheet(every, level)
    if form == "csv":
        return table.csv()
    if form == "json":
        named = (zip(table.header, row, strict=True) for row in table.rows)
        rows = [{name: cell for name, cell in row if cell is not None} for row in named]
        return json.dumps(rows, ensure_ascii=False, indent=0).encode()
    try:
        packed: bytes = frame(table).to_parquet(index=False)
    except (AttributeError, ImportError):  # it is a dict, or there is no pyarrow
        raise UsageError("Parquet needs: pip install pandas pyarrow") from None
    return packed


def bencher(every: Iterable[Result]) -> dict[str, dict[str, dict[str, float]]]:
    """Return all times and rates as Bencher Metric Format, in which machines are not told apart.

    Seconds are its measure of latency, in nanoseconds; all others are in SI units.

    Source:
        bencher.dev/docs/reference/bencher-metric-format, schema v0.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for asked in (asked for result in every for asked in _asked(result)):
        estimate = asked.estimate()
        if estimate is None or asked.quantity.censored or not asked.metric.timed:
            continue
        experiment, backend, _, labels = asked.quantity.key
        series = "&".join(f"{name}={value}" for name, value in labels if value is not None)
        latency = asked.name == "seconds"
        measure, unit = ("latency", NANO) if latency else (asked.name.replace("_", "-"), 1.0)
        ends = {"value": estimate.value, "lower_value": estimate.low, "upper_value": estimate.high}
        found.setdefault(f"{experiment}/{backend}?{series}", {})[measure] = {
            name: stable(end / unit) for name, end in ends.items() if end is not None
        }
    return found
