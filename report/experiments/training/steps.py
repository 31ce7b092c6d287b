"""How are steps taken? Figures of rates up to the limit, of optimizers and of schedules."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from report.analysis.quantities import difference
from report.experiments.training import theory
from report.experiments.training.curves import (
    EPOCHS,
    Columns,
    answer,
    beside,
    curves_of,
    ends,
    ends_sheet,
    heights,
    loss_at_the_end,
    way_dots,
    way_sheet,
    way_to,
)
from report.experiments.training.quantities import ratio, soonest, towards, update, updates
from report.figures.figure import number
from report.text.numerals import digits
from report.text.units import MICRO
from report.worker import schedules

if TYPE_CHECKING:
    from report.experiments.training.quantities import Case
    from report.experiments.training.runs import Run
    from report.figures.figure import Figure


def full_batches(case: Case) -> bool:
    """Return whether runs are full batches, some of them plain ones that differ in their rate."""
    rates = {run.step for run in case.runs if run.plain}
    return len(rates) > 1 and all(run.full_batch(case.examples) for run in case.runs)


def stability(case: Case) -> list[Figure]:
    """Draw the loss above the optimum against epochs, each of which is one step."""
    solved = theory.problem(case.result)
    decays = [theory.decay(solved, run) for run in case.runs] if solved else []
    columns: Columns = {"learning rate": [digits(run.step) for run in case.runs]}
    if decays:
        columns |= {
            "limit": [digits(one.limit) for one in decays],
            "factor a step, theory": [digits(one.factor) for one in decays],
            f"measured over the last {theory.LAST}": [number(one.measured) for one in decays],
        }
    known = [one for one in decays if one.limit is not None]
    figure = answer(
        case,
        "stability",
        curves_of(case, replace(EPOCHS, label="epochs, each of them one step")),
        {**columns, **ends(case)},
        solved=solved,
        decays=[(one, case.turn(one.run)) for one in known],
        over=[one.run for one in known if one.run.plain and one.run.step > (one.limit or 0)],
        nearest=case.nearest(),
        last=theory.LAST,
    )
    return [figure]


def optimizers(case: Case) -> list[Figure]:
    """Draw the time to the target, where there is one; else the loss against epochs."""
    plain = next((run for run in case.runs if run.labels["optimizer"] == "sgd"), None)
    others = [r for r in case.runs if plain and r is not plain and r.batch_size == plain.batch_size]
    costs = {
        run: (one, difference(a, b, 1 / updates(b), f"bookkeeping of {a.name()}"))
        for run in others
        if plain and (a := run.seconds) and (b := plain.seconds) and (one := ratio(a, b))
    }
    columns: Columns = {
        "learning rate": [digits(run.lr) for run in case.runs],
        **way_to(case),
        "microseconds an update": [
            number(update(run.seconds) if run.seconds else None, MICRO) for run in case.runs
        ],
        "over sgd's": [number(costs[run][0] if run in costs else None) for run in case.runs],
        **ends(case),
    }
    figure = answer(
        case,
        "optimizer",
        way_dots(case, case.target) if case.target else curves_of(case, EPOCHS),
        columns,
        sheet=beside(way_sheet(case.runs, case.target), ends_sheet(case, case.runs))
        if case.target
        else None,
        fared=[towards(run, case.target) for run in case.runs] if case.target else [],
        first=soonest(case.runs, case.target),
        plain=plain,
        update=update(plain.seconds) if plain and plain.seconds else None,
        more=[(run, *both) for run, both in costs.items() if both[0].excludes(1)],
        alike=[run.name for run, both in costs.items() if not both[0].excludes(1)],
        nearest=case.nearest(),
    )
    return [figure]


def decays(case: Case) -> list[Figure]:
    """Draw the loss above the optimum against epochs, a curve for each schedule."""
    constant, tenth = (
        next((run for run in case.runs if run.labels["schedule"] == name), None)
        for name in ("constant", "tenth")
    )
    nearest = case.nearest()
    against = {run: case.above(run, constant) for run in case.runs}
    columns: Columns = {
        "schedule": [str(run.labels["schedule"]) for run in case.runs],
        "first rate": [f"{run.lr:g}" for run in case.runs],
        "loss at the end": [loss_at_the_end(run) for run in case.runs],
        case.height: heights(case),
        "over the constant rate's": [number(one) for one in against.values()],
    }
    figure = answer(
        case,
        "schedule",
        curves_of(case, EPOCHS),
        columns,
        constant=constant,
        nearest=nearest,
        gained=nearest and against[nearest.run],
        against=[(run, one) for run, one in against.items() if one],
        tenth=tenth,
        travelled=tenth and _travelled(tenth),
        left=tenth and tenth.complete and ratio(case.excess(tenth), case.excess(tenth, 2)),
        farther=tenth and nearest and case.above(tenth, nearest.run),
    )
    return [figure]


def _travelled(tenth: Run) -> float:
    """Return how many epochs at the first rate all epochs of a run are worth."""
    return sum(schedules.factor("tenth", epoch, tenth.epochs) for epoch in range(tenth.epochs))
