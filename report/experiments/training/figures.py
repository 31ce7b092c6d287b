"""Figures of a `training` experiment of one machine.

Which questions an experiment answers is seen from what its runs differ in, never from its name,
since people write their own.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from report.analysis.quantities import difference
from report.experiments.training import curves, printed, sizes
from report.experiments.training.quantities import LAST, cases, decay, per_example, update, updates
from report.experiments.training.runs import Run, apart, lowest, ratio, typical
from report.figures.figure import Columns, Figure, number, table
from report.figures.shapes import Dots, row
from report.text.numerals import MICRO, ROUNDING, digits
from report.worker import schedules
from report.worker.curve import EVERY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from report.analysis.estimate import Estimate
    from report.experiments.training.quantities import Case
    from report.results.result import Result


SAME = 0.01
"""Ratios nearer to 1 than this are rounding's: full batches take the same steps, up to that."""


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw an experiment of one machine: the first question that applies to it, decides."""
    drawn: list[Figure] = []
    for case in cases(result, experiment):
        answers = (
            [figure for ask in asked if (figure := ask(case))]
            for applies, *asked in QUESTIONS
            if applies(case)
        )
        drawn += next(filter(None, answers), [])
    return [curves.announced(figure, {result.machine.id: result}) for figure in drawn]


# --- the chapter's runs


def _epochs(case: Case) -> Figure:
    limit = case.solved.stability_limit() if case.solved else 0.0
    plain = [run for run in case.runs if run.plain and run.full_batch(case.examples)]
    beyond = [run for run in plain if case.solved and run.step > limit and run.points > 2]
    return curves.answer(
        case,
        "epochs",
        curves.of_case(case, curves.LOG_EPOCHS, case.target),
        curves.ends(case),
        first=lowest(case.runs, lambda run: run.loss_of_all(1)),
        gap=case.deviation(),
        limit=limit,
        beyond=[(run, case.turn(run)) for run in beyond],
        plots=[made for run in plain if (made := _plotted(case, run))],
    )


def _plotted(case: Case, run: Run) -> dict[str, Any] | None:
    """Return what the chapter's plot shows of a run's epochs, if that is some but not all."""
    shown = [k for k in range(1, run.spec.epochs + 1) if k * case.examples % EVERY == 0]
    if not shown or shown[0] == 1 or not run.complete or not case.lowest:
        return None
    left = ratio(case.excess(run, shown[0]), case.excess(run, 0))
    ends = [run.loss(epoch).estimate() for epoch in (0, shown[0], shown[-1])]
    return {"run": run, "first": shown[0], "losses": ends, "left": left}


def _time(case: Case) -> Figure:
    last = case.nearest and case.nearest.run
    return curves.answer(
        case,
        "time",
        curves.of_case(case, curves.TIME, case.target),
        {**curves.way_to(case), case.height: curves.heights(case)},
        after=last and last.elapsed(last.points - 1).estimate(),
        counted=[
            (one, per_example(one.run.seconds))
            for one in case.fared
            if one.time and one.examples and one.run.seconds
        ],
    )


def _seconds(case: Case) -> Figure:
    seconds = [run.seconds for run in case.runs]
    ends = [case.fastest.last, case.fastest.run] if case.fastest else []
    return curves.answer(
        case,
        "seconds",
        curves.dots([run.name for run in case.runs], {"": seconds}),
        {
            "batch size": [f"{run.spec.batch_size:,}" for run in case.runs],
            "milliseconds per epoch": curves.milliseconds(seconds),
        },
        sheet=curves.seconds_sheet(case.seconds),
        code=["loaded", "train_scratch"],
        found=case.fastest,
        each=[(run, typical(run.seconds)) for run in case.runs],
        examples=[(run, per_example(run.seconds)) for run in ends if run.seconds],
    )


# --- the same runs, done in two ways


def _pairs(case: Case, way: str, names: tuple[str, str]) -> dict[str, curves.Pair]:
    """Return the runs that were done in both of two ways, by their labels."""
    ended = [run for run in case.runs if run.seconds is not None]
    return {
        one.spec.run: (one, other)
        for one, other in itertools.permutations(ended, 2)
        if one.spec.run == other.spec.run and (one.labels[way], other.labels[way]) == names
    }


def _loader(case: Case) -> Figure | None:
    names = "dataloader", "sliced"
    pairs = _pairs(case, "loader", names)
    if not pairs:
        return None
    shape, columns, ratios = curves.both_ways(pairs, names)
    shares = {n: one.complement(f"share of the loader: {one.key}") for n, one in ratios.items()}
    costs = {
        name: difference(a, b, 1 / case.examples, f"loader of {a.name()}")
        for name, (one, other) in pairs.items()
        if (a := one.seconds) and (b := other.seconds)
    }
    fastest = [lowest(runs, lambda run: run.seconds) for runs in zip(*pairs.values(), strict=True)]
    return curves.answer(
        case,
        "loader",
        shape,
        table("run", [*pairs], columns),
        sheet=curves.ends_sheet(case, case.runs),
        code=["loaded", "sliced"],
        pairs=pairs,
        shares=sorted(shares.items(), key=lambda each: -each[1].value),
        costs=sorted(costs.items(), key=lambda each: each[1].value),
        fastest=[one.run.spec.run for one in fastest if one],
    )


def _implementation(case: Case) -> Figure | None:
    names = "scratch", "concise"
    pairs = _pairs(case, "implementation", names)
    if not pairs:
        return None
    shape, columns, ratios = curves.both_ways(pairs, names)
    for name, runs in zip(names, zip(*pairs.values(), strict=True), strict=True):
        columns[f"loss at the end, {name}"] = [curves.loss_at_the_end(run) for run in runs]
    return curves.answer(
        case,
        "implementation",
        shape,
        table("run", [*pairs], columns),
        sheet=curves.ends_sheet(case, case.runs),
        code=["train_scratch", "train_concise"],
        names=names,
        pairs=pairs,
        ratios=ratios,
        slowest=max(ratios.items(), key=lambda each: each[1].value),
        gaps={name: apart(*pair) for name, pair in pairs.items()},
    )


def _listed(case: Case) -> Figure:
    runs = case.runs
    same = [
        (one, other)
        for one, other in itertools.combinations(runs, 2)
        if _steps(one) == _steps(other) and one.spec.implementation != other.spec.implementation
    ]
    halved = {"half_squared": "1/2", "mse": "1"}
    return curves.answer(
        case,
        "listed",
        curves.of_case(case, curves.LOG_EPOCHS),
        {
            "implementation": [run.spec.implementation for run in runs],
            "factor of the loss": [halved[run.spec.loss] for run in runs],
            "learning rate": [f"{run.spec.lr:g}" for run in runs],
            "step for the loss with 1/2": [f"{run.step:g}" for run in runs],
            "batch size": [f"{run.spec.batch_size:,}" for run in runs],
            **curves.ends(case),
        },
        same=[(*pair, apart(*pair)) for pair in same],
    )


def _steps(run: Run) -> object:
    """Return what runs share that take the same steps, be it in two implementations."""
    # As printed: 2 * 0.025 and 0.05 need not be the same bits.
    return run.settings("run", "lr", "loss", "implementation", "epochs"), f"{run.step:.9g}"


# --- how steps are taken


def _full_batches(case: Case) -> bool:
    """Return whether runs are full batches, some of them plain ones that differ in their rate."""
    rates = {run.step for run in case.runs if run.plain}
    return len(rates) > 1 and all(run.full_batch(case.examples) for run in case.runs)


def _stability(case: Case) -> Figure:
    decays = [decay(case.solved, run) for run in case.runs] if case.solved else []
    theory: Columns = {
        "limit": [digits(one.limit) for one in decays],
        "factor a step, theory": [digits(one.factor) for one in decays],
        f"measured over the last {LAST}": [number(one.measured) for one in decays],
    }
    known = [one for one in decays if one.limit is not None]
    return curves.answer(
        case,
        "stability",
        curves.of_case(case, replace(curves.EPOCHS, label="epochs, each of them one step")),
        {
            "learning rate": [digits(run.step) for run in case.runs],
            **(theory if decays else {}),
            **curves.ends(case),
        },
        decays=[(one, case.turn(one.run)) for one in known],
        rounding=ROUNDING,
        over=[one.run for one in known if one.run.plain and one.run.step > (one.limit or 0)],
        last=LAST,
    )


def _optimizer(case: Case) -> Figure:
    plain = next((run for run in case.runs if run.spec.optimizer == "sgd"), None)
    costs = {
        run: (one, difference(a, b, 1 / updates(b), f"bookkeeping of {a.name()}"))
        for run in case.runs
        if plain and run is not plain and run.spec.batch_size == plain.spec.batch_size
        if (a := run.seconds) and (b := plain.seconds) and (one := ratio(a, b))
    }
    seconds = [update(run.seconds) if run.seconds else None for run in case.runs]
    ends = curves.ends_sheet(case, case.runs)
    sheet = curves.beside(curves.way_sheet(case.runs, case.target), ends) if case.target else None
    return curves.answer(
        case,
        "optimizer",
        _way_dots(case, case.target) if case.target else curves.of_case(case, curves.EPOCHS),
        {
            "learning rate": [digits(run.spec.lr) for run in case.runs],
            **curves.way_to(case),
            "microseconds an update": [number(one, MICRO) for one in seconds],
            "times sgd's": [number(costs[run][0] if run in costs else None) for run in case.runs],
            **curves.ends(case),
        },
        sheet=sheet,
        plain=plain,
        update=plain and plain.seconds and update(plain.seconds),
        more=[(run, *both) for run, both in costs.items() if both[0].excludes(1)],
        alike=[run.name for run, both in costs.items() if not both[0].excludes(1)],
    )


def _way_dots(case: Case, target: float) -> Dots:
    """Return dots of the time to a loss; where not all seeds got there, marks that point on."""
    late = any(one.at_least for one in case.fared)
    rows = [row("all seeds get there" if late else "", 0, [one.time for one in case.fared])]
    if late:
        bounds = row(curves.NOT_ALL, 1, [one.at_least for one in case.fared])
        none = (None,) * len(case.fared)
        rows.append(replace(bounds, low=none, high=none, marker=">"))
    labels = tuple(run.name for run in case.runs)
    return Dots(labels=labels, x=curves.to_target(target), rows=tuple(rows))


def _schedule(case: Case) -> Figure:
    constant, tenth = (
        next((run for run in case.runs if run.spec.schedule == name), None)
        for name in ("constant", "tenth")
    )
    epochs = tenth.spec.epochs if tenth else 0
    nearest = case.nearest and case.nearest.run
    against = {run: case.above(run, constant) for run in case.runs}
    return curves.answer(
        case,
        "schedule",
        curves.of_case(case, curves.EPOCHS),
        {
            "schedule": [run.spec.schedule for run in case.runs],
            "first rate": [f"{run.spec.lr:g}" for run in case.runs],
            "loss at the end": [curves.loss_at_the_end(run) for run in case.runs],
            case.height: curves.heights(case),
            "times the constant rate's": [number(one) for one in against.values()],
        },
        constant=constant,
        gained=nearest and against[nearest],
        against=[(run, one) for run, one in against.items() if one],
        tenth=tenth,
        # In epochs at the first rate.
        travelled=sum(schedules.factor("tenth", epoch, epochs) for epoch in range(epochs)),
        left=tenth and tenth.complete and ratio(case.excess(tenth), case.excess(tenth, 2)),
        farther=tenth and nearest and case.above(tenth, nearest),
    )


# --- which examples are seen


def _sampling(case: Case) -> Figure:
    pairs = [
        (once, again)
        for once, again in itertools.permutations(case.runs, 2)
        if (once.spec.sampling, again.spec.sampling) == ("permutation", "replacement")
        if once.settings("run", "sampling") == again.settings("run", "sampling")
    ]
    at = [(pair, k) for pair in pairs for k in range(1, min(r.spec.epochs for r in pair) + 1)]
    columns = {
        f"{case.height}, each once": [curves.excess(typical(case.excess(p[0], k))) for p, k in at],
        "with replacement": [curves.excess(typical(case.excess(p[1], k))) for p, k in at],
        "ratio by seed": [number(case.after(*pair, k)) for pair, k in at],
    }
    rows = [f"{k}" if len(pairs) == 1 else f"{pair[1].name}, {k}" for pair, k in at]
    return curves.answer(
        case,
        "sampling",
        curves.of_case(case, curves.EPOCHS),
        table("after epoch", rows, columns) if pairs else curves.ends(case),
        pairs=[(pair, one) for pair in pairs if (one := case.after(*pair))],
        missed=(1 - 1 / case.examples) ** case.examples,
    )


def _copies(case: Case) -> Figure:
    pairs = pairs_of_copies(case)
    runs = [run for pair in pairs for run in pair] or case.runs
    looks = curves.looks(case)
    lines = []
    for run in runs:
        more, (place, _) = run.spec.copies > 1, looks[run]
        # Dashed and hollow, so that both of a pair are seen.
        look: dict[str, Any] = {"dash": (0, (3, 2)) if more else "-", "hollow": more}
        lines.append(curves.of_run(case, run, place, curves.LOG_EPOCHS, band=False, **look))
    by_epoch = {pair[0]: case.after(*pair) for pair in pairs}
    by_update = {pair[0]: case.after_updates(*pair) for pair in pairs}
    seconds = {once: ratio(more.seconds, once.seconds) for once, more in pairs}
    columns: Columns = {
        f"{case.height} at the end, once": [curves.excess(case.ends[once]) for once, _ in pairs],
        "with copies": [curves.excess(case.ends[more]) for _, more in pairs],
        "ratio after as many epochs": [number(one) for one in by_epoch.values()],
        "after as many updates": [number(one) for one in by_update.values()],
        "seconds per epoch, ratio": [number(one) for one in seconds.values()],
    }
    return curves.answer(
        case,
        "copies",
        curves.of_lines(case, lines, curves.LOG_EPOCHS),
        table("run", [once.name for once, _ in pairs], columns) if pairs else curves.ends(case),
        sheet=curves.curve_sheet(case, runs),
        pairs=pairs,
        by_epoch={run: one for run, one in by_epoch.items() if one},
        by_update={run: one for run, one in by_update.items() if one},
        seconds=seconds,
        gaps={once: apart(once, more) for once, more in pairs},
        differ=differ,
    )


def pairs_of_copies(case: Case) -> list[curves.Pair]:
    """Return the runs that differ in how often the data are there, each with the other."""
    return [
        (once, more)
        for once, more in itertools.permutations(case.runs, 2)
        if once.spec.copies == 1 < more.spec.copies
        if _but_copies(case, once) == _but_copies(case, more)
    ]


def _but_copies(case: Case, run: Run) -> object:
    """Return what runs share that differ in copies alone; full batches grow with the data."""
    size = 0 if run.full_batch(case.examples) else run.spec.batch_size
    return size, run.settings("run", "copies", "batch_size", "epochs")


def differ(ratios: Mapping[Run, Estimate]) -> tuple[list[Run], list[Run]]:
    """Split runs: those with a ratio that shows a difference beyond rounding, and the others."""
    found = [run for run, one in ratios.items() if one.excludes(1) and abs(one.value - 1) > SAME]
    return found, [run for run in ratios if run not in found]


# --- which question is asked


def _varies(name: str) -> Callable[[Case], bool]:
    return lambda case: name in case.varying


QUESTIONS = (
    (_varies("loader"), _loader),
    (_varies("implementation"), _implementation),
    (_varies("implementation"), _listed),
    (_full_batches, _stability),
    (_varies("optimizer"), _optimizer),
    (_varies("schedule"), _schedule),
    (_varies("sampling"), _sampling),
    (_varies("copies"), _copies),
    (lambda case: case.is_grid, sizes.grid),
    (lambda case: case.is_sweep, sizes.rates, sizes.target),
    (lambda _: True, _epochs, _time, _seconds, printed.figure),
)
