"""The same work in every framework, and in compiled loops without one: the floor beneath them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.experiments.catalogue import KINDS
from report.experiments.training import overlay as training
from report.figures import prose
from report.sections.frameworks import startup
from report.sections.frameworks.startup import TEMPLATE
from report.sections.frameworks.subjects import FLOOR, measured, over_frameworks, records_of

if TYPE_CHECKING:
    from report.experiments.kind import Overlay
    from report.figures.figure import Figure
    from report.results.result import Result

TITLE = "Frameworks side by side, and the floor beneath them"


def overlay_of(result: Result, experiment: str) -> list[Figure]:
    """Put an experiment of several frameworks on the same axes."""
    over = over_frameworks(result, experiment)
    return KINDS[result.config["experiments"][experiment]["kind"]].overlay(over)


ORDER = ("matmul", "training", "overhead", "bandwidth", "gradient")
"""Of the kinds, as the section tells of them."""


def figures(result: Result) -> list[Figure]:
    """Draw what several frameworks measured: products, epochs, losses, calls, and start-up."""
    planned = result.config["experiments"]
    shared = sorted(measured(result), key=lambda name: ORDER.index(planned[name]["kind"]))
    drawn = [figure for name in shared for figure in overlay_of(result, name)]
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
