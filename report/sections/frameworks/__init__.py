"""The same work in every framework, and in compiled loops without one: the floor beneath them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis.quantities import ratio
from report.experiments.catalogue import KINDS
from report.experiments.subject import Overlay, Subject
from report.figures import prose
from report.sections.frameworks import epochs, losses, memory, startup
from report.sections.frameworks.startup import TEMPLATE
from report.sections.frameworks.ways import FLOOR, index_of, measured, records_of
from report.text.names import title

if TYPE_CHECKING:
    from report.figures.figure import Figure
    from report.results.result import Result

TITLE = "Frameworks side by side, and the floor beneath them"


def overlay_of(result: Result, experiment: str) -> list[Figure]:
    """Put an experiment of several frameworks on the same axes."""
    overlay = KINDS[result.config["experiments"][experiment]["kind"]].overlay
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
    if overlay is None or len(subjects) < 2:
        return []
    return overlay(Overlay(noun="framework", experiment=experiment, subjects=subjects))


PARTS = {
    "matmul": overlay_of,
    "training": epochs.figures,
    "overhead": overlay_of,
    "bandwidth": memory.figures,
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
    for name in _trained(result):
        found = epochs.epochs_of(result, name)
        floor = epochs.floor_of(found)
        lead = found[0]
        small = next((s for s in lead.by_size if floor and s in floor.by_size), None)
        if floor is None or small is None or lead is floor:
            continue
        epoch = lead.by_size[small]
        return prose.sentences(
            TEMPLATE,
            "mail",
            size=small,
            epoch=epoch,
            backend=lead.way.backend,
            above=ratio(epoch, floor.by_size[small]),
        )
    return []


def method(result: Result) -> list[str]:
    """Describe how frameworks are compared, and what each of them computes with."""
    backends = dict.fromkeys(b for name in measured(result) for b in records_of(result, name))
    gaps = {name: losses.apart(losses.paths(result, name)) for name in _trained(result)}
    return prose.sentences(
        TEMPLATE,
        "method",
        floor=FLOOR if FLOOR in backends else None,
        environments={backend: result.environments.get(backend) for backend in backends},
        gaps=[
            (result.config["experiments"][name]["title"], gap)
            for name, gap in gaps.items()
            if gap is not None
        ],
    )


def _trained(result: Result) -> list[str]:
    experiments = result.config["experiments"]
    return [name for name in measured(result) if experiments[name]["kind"] == "training"]
