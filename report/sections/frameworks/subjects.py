"""Which frameworks measured an experiment, and the floor that they are held to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.kind import Overlay, Subject
from report.figures.shapes import YARDSTICK
from report.registry import BACKENDS
from report.text.names import title

if TYPE_CHECKING:
    from report.results.result import Record, Result

FLOOR = "numba"
"""The backend that calls no framework and no library: what the arithmetic itself takes."""


def index_of(backend: str) -> int:
    """Return the place of a framework's colour and marker; the floor is what all are held to."""
    if backend == FLOOR:
        return YARDSTICK
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


def over_frameworks(result: Result, experiment: str) -> Overlay:
    """Return the frameworks that measured an experiment, side by side."""
    subjects = [
        Subject(
            name=f"{title(FLOOR)} (the floor)" if backend == FLOOR else title(backend),
            index=index_of(backend),
            result=result,
            backend=backend,
            floor=backend == FLOOR,
        )
        for backend in records_of(result, experiment)
    ]
    return Overlay(noun="framework", experiment=experiment, subjects=subjects)
