"""The model beside what groups of processes were measured to take on this machine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.analysis.quantities import by_backend
from report.experiments.overhead.quantities import parts_of
from report.experiments.scaling import quantities
from report.sections.data_parallel.model import FLOAT_BYTES, PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.results.result import Result

OFF = 0.25
"""Relative deviation from which on the page says by how much the model is off, and why."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """An update of a group, measured and as the model has it."""

    experiment: str
    batch: int
    world: int
    update: Estimate  # measured seconds
    model_s: float
    exchange: Quantity | None  # the all-reduce that the model was fed with

    @property
    def off(self) -> Estimate:
        """Return the measured over the model's."""
        return self.update.scaled(1 / self.model_s, f"measured over model {self.update.key}")


def points(result: Result) -> dict[str, list[Point]]:
    """Return what can be put beside the model, by backend: that of a group is of its own machine.

    T(b, p) = fixed + per_example ceil(b / p) + the measured all-reduce of the gradient.
    """
    return {
        backend: found
        for name, planned in result.config["experiments"].items()
        if planned["kind"] == "scaling"
        for backend, records in by_backend(result.of(name)).items()
        if (found := list(_points(result, backend, quantities.of_records(records, result.run))))
    }


def _points(result: Result, backend: str, series: list[Quantity]) -> Iterator[Point]:
    parts = parts_of(result, backend)
    if parts is None:
        return
    messages = quantities.by_world(series, "all-reduce")
    gradient = next((m for m in messages if m >= PARAMETERS * FLOAT_BYTES), None)
    exchanges = messages[gradient] if gradient else {}
    for batch, mine in quantities.by_world(series, "epoch").items():
        for world, q in mine.items():
            exchange = exchanges.get(world) if world > 1 else None
            if world > 1 and exchange is None:
                continue
            updates = math.ceil((q.examples or 1) / batch)
            model_s = parts.line.time_s(math.ceil(batch / world))
            yield Point(
                experiment=q.experiment,
                batch=batch,
                world=world,
                update=q.time().scaled(1 / updates, f"update of {q.name()}"),
                model_s=model_s + (exchange.time().value if exchange else 0.0),
                exchange=exchange,
            )
