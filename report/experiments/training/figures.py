"""Figures of a `training` experiment of one machine.

Which questions an experiment answers is seen from what its runs differ in, never from its name,
since people write their own.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from report.analysis.quantities import difference, varying
from report.experiments.training import examples, grid, steps, theory
from report.experiments.training.curves import (
    LOG_EPOCHS,
    TIME,
    Columns,
    answer,
    both_ways,
    curves_of,
    dots,
    ends,
    ends_sheet,
    heights,
    loss_at_the_end,
    milliseconds,
    seconds_sheet,
    table,
    way_to,
)
from report.experiments.training.quantities import (
    cases,
    lowest,
    of_all,
    per_example,
    soonest,
    towards,
    typical,
)
from report.experiments.training.runs import apart, is_grid, sweeps_sizes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from report.analysis.estimate import Estimate
    from report.experiments.training.quantities import Case
    from report.experiments.training.runs import Run
    from report.figures.figure import Figure
    from report.results.result import Result


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
    return [_epochs(case), _time(case), _seconds(case)]


# --- the chapter's runs


def _epochs(case: Case) -> Figure:
    """Draw loss against passes over the data: what is an example worth?"""
    solved = theory.problem(case.result)
    limit = solved.stability_limit() if solved else 0.0
    plain = [run for run in case.runs if run.plain and run.full_batch(case.examples)]
    beyond = [run for run in plain if solved and run.step > limit and run.points > 2]
    return answer(
        case,
        "epochs",
        curves_of(case, LOG_EPOCHS, case.target),
        ends(case),
        first=lowest(case.runs, lambda run: run.loss(1) if of_all(run, run.loss(1)) else None),
        gap=theory.deviation(case.result, case.runs),
        limit=limit,
        beyond=[(run, case.turn(run)) for run in beyond],
    )


def _time(case: Case) -> Figure:
    """Draw the same by the clock, which is the chapter's own comparison."""
    target, nearest = case.target, case.nearest()
    return answer(
        case,
        "time",
        curves_of(case, TIME, target),
        {**way_to(case), case.height: heights(case)},
        fared=[towards(run, target) for run in case.runs] if target else [],
        first=soonest(case.runs, target),
        nearest=nearest,
        after=nearest and nearest.run.elapsed(nearest.run.points - 1).estimate(),
    )


def _seconds(case: Case) -> Figure:
    """Draw seconds per epoch: a dot for each run."""
    seconds = [run.seconds for run in case.runs]
    found = lowest(case.runs, lambda run: run.seconds)
    ends = [found.last, found.run] if found else []
    return answer(
        case,
        "seconds",
        dots([run.name for run in case.runs], {"": seconds}),
        {
            "batch size": [f"{run.batch_size:,}" for run in case.runs],
            "milliseconds per epoch": milliseconds(seconds),
        },
        sheet=seconds_sheet(case.seconds),
        code=["loaded", "train_scratch"],
        found=found,
        each=[(run, typical(run.seconds)) for run in case.runs],
        examples=[(run, per_example(run.seconds)) for run in ends if run.seconds],
    )


# --- the same runs, done in two ways


def _ways(case: Case, way: str) -> list[Figure]:
    """Draw seconds per epoch of two ways to do the same runs, if any run was done in both."""
    names = ("dataloader", "sliced") if way == "loader" else ("scratch", "concise")
    by_run: dict[str, dict[str, Run]] = {}
    for run in case.runs:
        if run.seconds is not None:
            by_run.setdefault(str(run.labels["run"]), {})[str(run.labels[way])] = run
    pairs = {n: (p[names[0]], p[names[1]]) for n, p in by_run.items() if set(names) <= p.keys()}
    if not pairs:
        return []
    shape, columns, ratios = both_ways(pairs, names)
    if way == "implementation":
        for k, name in enumerate(names):
            columns[f"loss at the end, {name}"] = [loss_at_the_end(p[k]) for p in pairs.values()]
    figure = answer(
        case,
        way,
        shape,
        table("run", [*pairs], columns),
        sheet=ends_sheet(case, case.runs),
        code=["loaded", "sliced"] if way == "loader" else ["train_scratch", "train_concise"],
        names=names,
        pairs=pairs,
        ratios=ratios,
        slowest=max(ratios.items(), key=lambda each: each[1].value),
        gaps={name: apart(*pair) for name, pair in pairs.items()},
        **(_loaders(case, pairs, ratios) if way == "loader" else {}),
    )
    return [figure]


def _loaders(
    case: Case, pairs: Mapping[str, tuple[Run, Run]], ratios: Mapping[str, Estimate]
) -> dict[str, Any]:
    """Return what of an epoch is the loader's: what is not left once batches are cut."""
    shares = {n: one.complement(f"share of the loader: {one.key}") for n, one in ratios.items()}
    costs = {
        name: difference(a, b, 1 / case.examples, f"loader of {a.name()}")
        for name, (one, other) in pairs.items()
        if (a := one.seconds) and (b := other.seconds)
    }
    fastest = [lowest([pair[k] for pair in pairs.values()], lambda r: r.seconds) for k in (0, 1)]
    return {
        "shares": sorted(shares.items(), key=lambda each: -each[1].value),
        "costs": sorted(costs.items(), key=lambda each: each[1].value),
        "fastest": [one.run.labels["run"] for one in fastest if one],
    }


def _implementations(case: Case) -> list[Figure]:
    return _ways(case, "implementation") or [_listed(case)]


def _listed(case: Case) -> Figure:
    """Draw the losses of two implementations that are not told the same."""
    runs = case.runs
    same = [(a, b) for k, a in enumerate(runs) for b in runs[k + 1 :] if _same_steps(a, b)]
    halved = {"half_squared": "1/2", "mse": "1"}
    columns: Columns = {
        "implementation": [str(run.labels["implementation"]) for run in runs],
        "factor of the loss": [halved[str(run.labels["loss"])] for run in runs],
        "learning rate": [f"{run.lr:g}" for run in runs],
        "step for the loss with 1/2": [f"{run.step:g}" for run in runs],
        "batch size": [f"{run.batch_size:,}" for run in runs],
    }
    return answer(
        case,
        "listed",
        curves_of(case, LOG_EPOCHS),
        {**columns, **ends(case)},
        same=[(one, other, apart(one, other)) for one, other in same],
    )


def _same_steps(one: Run, other: Run) -> bool:
    """Return whether two runs take the same steps, in two implementations."""
    left, right = (
        run.settings("run", "lr", "loss", "implementation", "epochs") for run in (one, other)
    )
    ways = {run.labels["implementation"] for run in (one, other)}
    # As printed: 2 * 0.025 and 0.05 need not be the same bits.
    return left == right and len(ways) == 2 and f"{one.step:.9g}" == f"{other.step:.9g}"


def _varies(name: str) -> Callable[[Case], bool]:
    return lambda case: name in varying(case.labels)


QUESTIONS: list[tuple[Callable[[Case], bool], Callable[[Case], list[Figure]]]] = [
    (_varies("loader"), lambda case: _ways(case, "loader")),
    (_varies("implementation"), _implementations),
    (steps.full_batches, steps.stability),
    (_varies("optimizer"), steps.optimizers),
    (_varies("schedule"), steps.decays),
    (_varies("sampling"), examples.sampling),
    (_varies("copies"), examples.copies),
    (lambda case: is_grid(case.labels), grid.figures),
    (lambda case: sweeps_sizes(case.labels), examples.batch_sizes),
]
"""Whether a question suits an experiment, and what answers it."""
