"""The kinds of experiment themselves, for whoever goes through all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from report.analysis.quantities import Quantity, by_backend
from report.experiments.bandwidth.kind import BANDWIDTH
from report.experiments.gradient.kind import GRADIENT
from report.experiments.matmul.kind import MATMUL
from report.experiments.overhead.kind import OVERHEAD
from report.experiments.python.kind import PYTHON
from report.experiments.scaling.kind import SCALING
from report.experiments.training.kind import TRAINING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.experiments.kind import Kind
    from report.figures.figure import Card
    from report.registry import KindName
    from report.results.result import Record, Result

KINDS: dict[KindName, Kind] = {
    kind.name: kind for kind in (MATMUL, BANDWIDTH, OVERHEAD, GRADIENT, TRAINING, SCALING, PYTHON)
}

LABELS = {name: kind.labels for name, kind in KINDS.items()}
"""What tells the series of a kind apart: result files are held to it when they are read."""


def headline(result: Result, experiment: str, backend: str) -> Card | None:
    """Return the number that says how an experiment went on a backend, as its pages have it."""
    planned = result.config["experiments"][experiment]
    alone = replace(
        result,
        records=[record for record in result.of(experiment) if record.backend == backend],
        config={**result.config, "experiments": {experiment: planned}},
    )
    kind = KINDS[planned["kind"]]
    return next(iter((kind.headlines or kind.cards)(alone)), None)


def of_records(records: Sequence[Record], run: str) -> list[Quantity]:
    """Return what was timed in one experiment on one backend."""
    return KINDS[records[0].kind].quantities(records, run) if records else []


def of_result(result: Result) -> list[Quantity]:
    """Return all that a result timed, in the order of its configuration."""
    return [
        quantity
        for experiment in result.config["experiments"]
        for records in by_backend(result.of(experiment)).values()
        for quantity in of_records(records, result.run)
    ]
