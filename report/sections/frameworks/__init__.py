"""The same work in every framework, and in compiled loops without one: the floor beneath them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.experiments.catalogue import KINDS
from report.experiments.subject import Overlay, Subject
from report.sections.frameworks import calls, epochs, losses, startup
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
    "overhead": calls.figures,
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
    experiments = result.config["experiments"]
    names = [n for n in measured(result) if experiments[n]["kind"] == "training"]
    said = (epochs.sentence_of(epochs.epochs_of(result, name)) for name in names)
    return [sentence for sentence in said if sentence][:1]


def method(result: Result) -> list[str]:
    """Describe how frameworks are compared, and what each of them computes with."""
    backends = dict.fromkeys(b for name in measured(result) for b in records_of(result, name))
    sentences = [
        (
            "Each framework runs in an interpreter of its own; a process of one is a replicate, "
            "and the replicates of all take turns in shuffled order, one at a time. All get the "
            "same data, initial weights and permutations, made once and handed over."
        ),
    ]
    if FLOOR in backends:
        sentences.append(
            "Ratios to the floor are of frameworks that share no process, so that their intervals "
            "hold the spread of both (Welch)."
        )
    sentences += [f"{title(backend)}: {_made_of(result, backend)}." for backend in backends]
    return [*sentences, *losses.method(result)]


def _made_of(result: Result, backend: str) -> str:
    """Say which versions and library a framework computes with."""
    environment = result.environments.get(backend)
    if environment is None:
        return "not described"
    parts = [", ".join(f"{name} {version}" for name, version in environment.versions.items())]
    if backend == FLOOR:
        parts.append("no library is called")
    else:
        parts.append(f"products by {environment.blas or 'a library that it does not name'}")
    if environment.simd:
        parts.append(environment.simd)
    return "; ".join(part for part in parts if part)
