"""The same work in every framework, and in compiled loops without one: the floor beneath them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.experiments.catalogue import KINDS
from report.experiments.subject import Overlay, Subject
from report.experiments.training import overlay as training
from report.figures import prose
from report.sections.frameworks import startup
from report.sections.frameworks.startup import TEMPLATE
from report.sections.frameworks.ways import FLOOR, index_of, measured, records_of
from report.text.names import title

if TYPE_CHECKING:
    from report.figures.figure import Figure
    from report.results.result import Result

TITLE = "Frameworks side by side, and the floor beneath them"


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


def overlay_of(result: Result, experiment: str) -> list[Figure]:
    """Put an experiment of several frameworks on the same axes."""
    overlay = KINDS[result.config["experiments"][experiment]["kind"]].overlay
    over = over_frameworks(result, experiment)
    return overlay(over) if overlay is not None and len(over.subjects) > 1 else []


PARTS = {
    "matmul": overlay_of,
    "training": overlay_of,
    "overhead": overlay_of,
    "bandwidth": overlay_of,
}
"""What is drawn of an experiment that several frameworks measured, by its kind."""


def figures(result: Result) -> list[Figure]:
    """Draw what several frameworks measured: products, epochs, losses, calls, and start-up."""
    shared = measured(result)
    drawn = [
        figure
        for kind, part in PARTS.items()
        for name in shared
        if result.config["experiments"][name]["kind"] == kind
        for figure in part(result, name)
    ]
    return [*drawn, *startup.figures(result)] if drawn else []


def experiments(result: Result) -> list[str]:
    """Return the names of the experiments that several frameworks measured."""
    return measured(result)


def sentences(result: Result) -> list[str]:
    """Say what an epoch of the smallest batches is above the floor."""
    return [each for over in _trained(result) for each in training.sentences(over)][:1]


def _trained(result: Result) -> list[Overlay]:
    """Return the training experiments that several frameworks measured."""
    kinds = result.config["experiments"]
    names = [name for name in measured(result) if kinds[name]["kind"] == "training"]
    return [over_frameworks(result, name) for name in names]


def method(result: Result) -> list[str]:
    """Describe how frameworks are compared, and what each of them computes with."""
    backends = dict.fromkeys(b for name in measured(result) for b in records_of(result, name))
    described = prose.sentences(
        TEMPLATE,
        "method",
        floor=FLOOR if FLOOR in backends else None,
        environments={backend: result.environments.get(backend) for backend in backends},
    )
    return [*described, *(each for over in _trained(result) for each in training.method(over))]
