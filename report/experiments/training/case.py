"""One training experiment on one backend of one machine, as its figures need it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.training import curves
from report.experiments.training.quantities import of_records

if TYPE_CHECKING:
    from report.analysis.quantities import Quantity
    from report.experiments.training.curves import Line
    from report.results.result import Result


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a question is asked of.

    Attributes:
        name: What the names of its figures begin with.
        result: The machine's.
        lines: The curve of each run.
        epochs: Seconds per epoch of each run that ended one, in the same order.
    """

    name: str
    result: Result
    lines: list[Line]
    epochs: list[Quantity]

    @property
    def examples(self) -> int:
        """Return how many examples the data have."""
        return self.result.config["examples"]

    @cached_property
    def lowest(self) -> float | None:
        """Return the lowest loss that any parameters have."""
        return curves.optimum(self.result)

    @property
    def base(self) -> float:
        """Return what losses are shown above: the optimum, or 0 where it is not known."""
        return self.lowest or 0.0

    @property
    def height(self) -> str:
        """Return what a loss above `base` is called."""
        return "loss" if self.lowest is None else "loss above the optimum"

    @property
    def varying(self) -> list[str]:
        """Return the settings in which runs differ."""
        return quantities.varying([line.run.labels for line in self.lines])

    def seconds(self, line: Line) -> Quantity | None:
        """Return the seconds per epoch of a run; None if it never ended one."""
        return next((q for q in self.epochs if q.labels == line.run.labels), None)


def cases(result: Result, experiment: str) -> list[Case]:
    """Return an experiment's cases, one for each backend that trained something."""
    found = []
    for backend, records in quantities.by_backend(result.of(experiment)).items():
        epochs = of_records(records, result.run)
        lines = curves.lines(result, experiment, backend)
        if epochs and lines:
            name = f"{experiment}-{backend}"
            found.append(Case(name=name, result=result, lines=lines, epochs=epochs))
    return found
