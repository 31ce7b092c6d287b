"""The same work in every framework, and in compiled loops without one: the floor beneath them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report import quantities
from report.models.frameworks import calls, epochs, losses, products, startup
from report.models.frameworks.ways import measured, title

if TYPE_CHECKING:
    from report.figures import Figure
    from report.results import Result

TITLE = "Frameworks side by side, and the floor beneath them"

PARTS = {"matmul": products, "training": epochs, "overhead": calls}
"""What is drawn of an experiment that several frameworks measured, by its kind."""


def figures(result: Result) -> list[Figure]:
    """Draw what several frameworks measured: products, epochs, losses, calls, and start-up."""
    shared = measured(result)
    drawn = [
        figure
        for kind, part in PARTS.items()
        for name in shared
        if result.config["experiments"][name]["kind"] == kind
        for figure in part.figures(result, name)
    ]
    return [*drawn, *startup.figures(result)] if drawn else []


def experiments(result: Result) -> list[str]:
    """Return the names of the experiments that several frameworks measured."""
    return measured(result)


def method(result: Result) -> list[str]:
    """Describe how frameworks are compared, and what each of them computes with."""
    backends = dict.fromkeys(
        backend
        for name in measured(result)
        for backend in quantities.by_backend(result.of(name))
        if result.environments[backend].status == "ok"
    )
    sentences = [
        (
            "Each framework runs in an interpreter of its own; a process of one is a replicate, "
            "and the replicates of all take turns in shuffled order, one at a time. All get the "
            "same data, initial weights and permutations, made once and handed over."
        ),
        (
            "Ratios to the floor are of frameworks that share no process, so that their intervals "
            "hold the spread of both (Welch)."
        ),
    ]
    sentences += [f"{title(backend)}: {_made_of(result, backend)}." for backend in backends]
    return [*sentences, *losses.method(result)]


def _made_of(result: Result, backend: str) -> str:
    """Say which versions, library and threads a framework computes with."""
    environment = result.environments[backend]
    parts = [", ".join(f"{name} {version}" for name, version in environment.versions.items())]
    parts.append(f"products by {environment.blas}" if environment.blas else "no BLAS is called")
    if environment.simd:
        parts.append(environment.simd)
    if environment.threads:
        parts.append(f"{environment.threads} threads")
    return "; ".join(part for part in parts if part)
