"""Figures and tables of a `training` experiment.

Which questions an experiment answers is seen from what its runs differ in, never from its name,
since people write their own. Each question is a module of `questions`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from report.experiments.training import labels
from report.experiments.training.case import cases
from report.experiments.training.questions import (
    batchsizes,
    copies,
    epochs,
    grid,
    listed,
    optimizers,
    sampling,
    schedules,
    stability,
    times,
    ways,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.experiments.training.case import Case
    from report.figures.figure import Figure
    from report.results.result import Result
    from report.worker.records import Labels


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw an experiment of one machine."""
    drawn = [figure for case in cases(result, experiment) for figure in _of(case)]
    return [announced(figure, [result]) for figure in drawn]


def announced(figure: Figure, results: Sequence[Result]) -> Figure:
    """Say under a figure whether the data it was made from are made up."""
    made_up = [r.machine.id for r in results if r.dataset and r.dataset.source == "surrogate"]
    if not made_up:
        return figure
    where = f" on {' and '.join(made_up)}" if len(results) > 1 else ""
    caption = (
        f"{figure.words.caption} Surrogate data{where}: made up, with the real data's moments."
    )
    return dataclasses.replace(figure, words=dataclasses.replace(figure.words, caption=caption))


def _of(case: Case) -> list[Figure]:
    """Ask of an experiment what its runs differ in; the first that applies, decides."""
    for applies, ask in QUESTIONS:
        if applies(case) and (drawn := ask(case)):
            return drawn
    return _chapter(case)


def _chapter(case: Case) -> list[Figure]:
    return [epochs.figure(case), times.loss(case), *times.excess(case), times.seconds(case)]


def _implementations(case: Case) -> list[Figure]:
    both = ways.figures(case, "implementation")
    return [epochs.figure(case), *both] if both else listed.figures(case)


def _varies(name: str) -> Callable[[Case], bool]:
    return lambda case: name in case.varying


def _settings(suits: Callable[[Sequence[Labels]], bool]) -> Callable[[Case], bool]:
    return lambda case: suits([line.run.labels for line in case.lines])


QUESTIONS: list[tuple[Callable[[Case], bool], Callable[[Case], list[Figure]]]] = [
    (_varies("loader"), lambda case: ways.figures(case, "loader")),
    (_varies("implementation"), _implementations),
    (stability.applies, stability.figures),
    (_varies("optimizer"), optimizers.figures),
    (_varies("schedule"), schedules.figures),
    (_varies("sampling"), sampling.figures),
    (_varies("copies"), copies.figures),
    (_settings(labels.is_grid), grid.figures),
    (_settings(labels.sweeps_sizes), batchsizes.figures),
]
"""Whether a question suits an experiment, and what answers it."""
