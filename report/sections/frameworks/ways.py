"""A way to do the same work: a framework, and how what was written is carried out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from report.analysis import quantities
from report.figures import plotting
from report.registry import BACKENDS
from report.text.names import title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from report.analysis.estimate import Estimate
    from report.results.result import Record, Result

FLOOR = "numba"
"""The backend that calls no framework and no library: what the arithmetic itself takes."""

VARIANTS = {"eager": "", "compiled": "compiled update", "epoch": "compiled epoch"}

DASHES: dict[str, Any] = {"eager": "-", "compiled": "--", "epoch": (0, (1, 1.2))}


@dataclass(frozen=True)
class Way:
    """A framework, and how what was written is carried out.

    Attributes:
        backend: Name in the registry.
        variant: eager, compiled or epoch.
        further: What else tells it from the framework's others: a loader, an implementation.
        several: The framework has others, from which the name must tell it.
    """

    backend: str
    variant: str = "eager"
    further: str = ""
    several: bool = False

    @property
    def name(self) -> str:
        """Return what it is called: "TensorFlow, compiled update"."""
        words = [title(self.backend)]
        if self.backend == FLOOR:
            words = [f"{title(FLOOR)} (the floor)"]
        elif self.several:
            words += [VARIANTS.get(self.variant, self.variant), self.further]
        return ", ".join(word for word in words if word)

    @property
    def dash(self) -> Any:
        """Return its line: dashes say what is one program, or that no loader takes part."""
        if self.further.startswith("sliced"):
            return DASHES["compiled"]
        return DASHES.get(self.variant, "-")

    @property
    def index(self) -> int:
        """Return the place of its framework's colour and marker, the same on every page."""
        return index_of(self.backend)


def index_of(backend: str) -> int:
    """Return the place of a framework's colour and marker; the floor is what all are held to."""
    if backend == FLOOR:
        return plotting.YARDSTICK
    known = list(BACKENDS)
    return known.index(backend) if backend in known else len(known)


def measured(result: Result) -> list[str]:
    """Return the names of the experiments that more than one framework measured."""
    return [
        name
        for name in result.config["experiments"]
        if len({r.backend for r in result.of(name) if r.outcome is not None}) > 1
    ]


def records_of(result: Result, experiment: str) -> dict[str, list[Record]]:
    """Return what each framework measured of an experiment, in the order of the plan.

    Their processes ran in shuffled order, which says nothing.
    """
    found = quantities.by_backend(r for r in result.of(experiment) if r.outcome is not None)
    planned = result.config["experiments"][experiment]["backends"]
    return {backend: found[backend] for backend in [*planned, *found] if backend in found}


def draw_line(axes: Axes, x: Sequence[float], estimates: Sequence[Estimate], way: Way) -> Line2D:
    """Draw a way's estimates: colour and marker say the framework, dashes the variant."""
    drawn = plotting.line(axes, x, estimates, way.index, label=way.name)
    drawn.set_linestyle(way.dash)
    if way.backend == FLOOR:
        drawn.set_linewidth(2.4)
    return drawn
