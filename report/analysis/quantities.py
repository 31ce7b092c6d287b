"""What a result measured, as quantities that can be estimated, compared and drawn.

A quantity is one series of an experiment on one backend, with its samples grouped by process.
It is what comparisons between machines match on.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from report.analysis import statistics
from report.text import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from report.analysis.statistics import Estimate
    from report.results.result import Record, Result
    from report.worker.records import Labels, Scalar, Series

Key = tuple[str, str, str, tuple[tuple[str, "Scalar"], ...]]


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """Samples of one thing, in seconds, by process.

    Attributes:
        experiment: Name in the configuration.
        kind: Kind of experiment.
        backend: Name in the registry.
        metric: What the seconds are: "call" (one product) or "epoch".
        labels: What tells it from others of the experiment.
        groups: For each process its samples, in seconds.
        flops: Floating point operations in those seconds, if they are counted.
        bytes_moved: Bytes read and written in those seconds, if they are counted.
        examples: Training examples processed in those seconds, if they are counted.
    """

    experiment: str
    kind: str
    backend: str
    metric: str
    labels: Labels
    groups: list[list[float]]
    flops: int | None = None
    bytes_moved: int | None = None
    examples: int | None = None

    @property
    def key(self) -> Key:
        """Return what the same quantity has in common on all machines."""
        return (self.experiment, self.backend, self.metric, tuple(sorted(self.labels.items())))

    def time(self) -> Estimate:
        """Return the seconds."""
        return statistics.estimate(self.groups)

    def rate(self) -> Estimate:
        """Return the floating point operations per second.

        Raises:
            ValueError: They are not counted.
        """
        if self.flops is None:
            raise ValueError("operations are not counted here")
        return self.time().reciprocal(self.flops)

    def bandwidth(self) -> Estimate:
        """Return the bytes moved per second.

        Raises:
            ValueError: They are not counted.
        """
        if self.bytes_moved is None:
            raise ValueError("bytes are not counted here")
        return self.time().reciprocal(self.bytes_moved)


class QuantityModule(Protocol):
    """What a kind's `quantities.py` offers."""

    def quantities(self, records: Sequence[Record]) -> list[Quantity]:
        """Return the quantities of one experiment on one backend."""


def of_records(records: Sequence[Record]) -> list[Quantity]:
    """Return the quantities of one experiment on one backend."""
    if not records:
        return []
    module = importlib.import_module(f"report.experiments.{records[0].kind}.quantities")
    return cast("QuantityModule", module).quantities(records)


def of_result(result: Result) -> list[Quantity]:
    """Return all quantities of a result, in the order of its configuration."""
    return [
        quantity
        for experiment in result.config["experiments"]
        for records in by_backend(result.of(experiment)).values()
        for quantity in of_records(records)
    ]


def of_series(
    records: Sequence[Record],
    *,
    wanted: Callable[[Series], bool] = lambda _: True,
    examples: Callable[[Series], int | None] = lambda _: None,
) -> list[Quantity]:
    """Return one quantity for each series that any process timed: the seconds of one call.

    Args:
        records: Of one experiment on one backend, a process each.
        wanted: Which series to return.
        examples: How many training examples a call of a series processes.
    """
    groups: dict[str, list[list[float]]] = {}
    found: dict[str, Series] = {}
    for index, record in enumerate(records):
        for series in record.outcome.series if record.outcome else ():
            if series.timing is None or not wanted(series):
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
            examples=examples(series),
        )
        for key, series in found.items()
    ]


def by_backend(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Group records by backend, each group in the order of its processes."""
    groups: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda record: record.process):
        groups.setdefault(record.backend, []).append(record)
    return groups


def series_name(labels: Labels, names: Sequence[str]) -> str:
    """Name a series by some of its labels: those that tell it from others of its experiment."""
    if "run" in names:
        # A run's label stands for its batch size, learning rate and epochs.
        names = [name for name in ("run", "loader", "implementation", "variant") if name in names]
    worded = {"size": "n = {:,}", "block_width": "width {:,}", "threads": "threads {:,}"}
    return ", ".join(
        wording.size(int(str(labels[name])))
        if name == "working_set_bytes"
        else worded.get(name, "{}").format(labels[name])
        for name in names
        if labels[name] is not None
    )


def varying(labels: Sequence[Labels]) -> list[str]:
    """Return the labels that differ among these, in the order in which they are stored."""
    return [
        name
        for name in (labels[0] if labels else ())
        if len({repr(each.get(name)) for each in labels}) > 1
    ]
