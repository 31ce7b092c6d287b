"""What figures of training runs share: curves of losses, dots of seconds, tables and sheets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from report.experiments.training.runs import Reached, Run, median_times, ratio, typical
from report.figures import figure, identity, prose
from report.figures.figure import Columns, Figure, Number, Sheet, Table, number, table
from report.figures.shapes import Axis, Curves, Dots, Line, Reference, Shape, row
from report.text import numerals
from report.text.numerals import MILLI, digits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.experiments.training.quantities import Case
    from report.figures.figure import Cell
    from report.results.result import Result

Pair = tuple["Run", "Run"]

TEMPLATE = "experiments/training.html"

EPOCHS = Axis(label="epochs", scale="whole")
LOG_EPOCHS = Axis(label="epochs")
TIME = Axis(label="time of training", scale="seconds", room=1.6)
BATCH_SIZE = Axis(label="batch size")
SECONDS = Axis(label="milliseconds per epoch", unit=MILLI)

NOT_ALL = "at least: not all seeds get there"

GEOMETRIC = (
    f"{Table.caption}; means over seeds are geometric, so that the mean of what is left above the "
    "optimum is not the mean loss less the optimum"
)

MOST_POINTS = 2_000  # about as many as a drawing has pixels; of more, every so many-th is drawn

BANDS = 4
"""The bands of more lines than this would cover each other."""

LOWEST = 1e-8
"""A loss above the optimum is drawn down to this: further is float32's rounding."""

HIGHEST = 30
"""A loss above the optimum is drawn up to so many times the untrained one: further is diverged."""


def answer(  # noqa: PLR0913 (what a figure is made of)
    case: Case,
    question: str,
    shape: Shape,
    numbers: Table | Columns,
    *,
    sheet: Sheet | None = None,
    code: list[str] | None = None,
    **facts: Any,
) -> Figure:
    """Return the figure that answers a question of a case, as the template names it.

    Numbers are a table, or the columns of one that has a row for each run. Where nothing is said,
    the sheet holds every seed's curve, and the code is what trained the runs. The template names
    `facts` beside the case and the best of its runs.
    """
    if not isinstance(numbers, Table):
        both = case.lowest is not None and case.seeds > 1 and "loss at the end" in numbers
        caption = GEOMETRIC if both else Table.caption
        numbers = table("run", [run.name for run in case.runs], numbers, caption)
    return prose.figure(
        TEMPLATE,
        f"{case.name}-{question}",
        question,
        shape,
        table=numbers,
        sheet=sheet or curve_sheet(case, case.runs),
        code=code or _functions(case.runs),
        **{"case": case, "first": case.soonest, "nearest": case.nearest, **facts},
    )


def announced(drawn: Figure, results: Mapping[str, Result]) -> Figure:
    """Say under a figure whether the data it was made from are made up: results by machine."""
    made_up = [name for name, result in results.items() if result.surrogate]
    note = prose.block(TEMPLATE, "made_up", machines=made_up, several=len(results) > 1)
    caption = Markup(" ").join(filter(None, [drawn.words.caption, note]))
    return replace(drawn, words=replace(drawn.words, caption=caption))


def _functions(runs: Sequence[Run]) -> list[str]:
    """Return the names of the functions that trained some runs, as backends call them."""
    ways = {run.spec.implementation for run in runs}
    own = dict.fromkeys(run.spec.optimizer for run in runs)
    found = ["linreg", "squared_loss", *own, "train_scratch"] if "scratch" in ways else []
    return found + (["train_concise"] if "concise" in ways else [])


# --- shapes


def of_run(case: Case, run: Run, index: int, x: Axis, *, band: bool = True, **look: Any) -> Line:
    """Return a run's loss above the optimum: the geometric mean over its seeds.

    A band goes from the lowest to the highest of the seeds. The untrained point has no place on a
    logarithmic axis, which all but EPOCHS are. `look` is what of the line is its own.
    """
    at = range(x.scale != "whole", run.points, max(1, run.points // MOST_POINTS))
    points = [run.at(k, case.base) for k in at]
    seeds = [[value for group in q.groups for value in group] for q in points]
    epochs = case.epochs(run)
    line = Line(
        name=run.name,
        index=index,
        x=tuple(run.elapsed(k).estimate().value if x is TIME else epochs[k] for k in at),
        y=tuple(q.estimate().value for q in points),
        low=tuple(map(min, seeds)) if band else (),
        high=tuple(map(max, seeds)) if band else (),
    )
    return replace(line, **look)


def of_lines(case: Case, lines: Sequence[Line], x: Axis, target: float | None = None) -> Curves:
    """Return curves; what is rounding or diverged has no room, and a loss to reach has a line."""
    shown = tuple(line for line in lines if line.x)
    least = min((value for line in shown for value in line.y), default=1.0)
    most = max((v for line in shown for v in (*line.y, *line.high) if v is not None), default=0.0)
    top = HIGHEST * max(run.at(0, case.base).estimate().value for run in case.runs)
    optimum = f" of {digits(case.lowest, 4)}" if case.lowest else ""
    marks = [] if target is None else [Reference(y=target - case.base, label=f"loss {target:g}")]
    return Curves(
        x=x,
        y=Axis(
            label=case.height + optimum,
            low=LOWEST if least < LOWEST else None,
            high=top if most > top else None,
        ),
        lines=shown,
        marks=tuple(marks),
        names="above" if shown else "none",
    )


TELLING = ("batch_size", "optimizer", "schedule", "sampling", "implementation", "lr", "loader")
"""What a run is known by: the first of these in which the runs of an experiment differ."""


def looks(case: Case) -> dict[Run, tuple[int, int]]:
    """Return the place of each run's colour, and which of those with that colour it is."""
    sort = next((name for name in TELLING if name in case.varying), "run")
    whole = {run: sort == "batch_size" and run.full_batch(case.examples) for run in case.runs}
    things = [identity.WHOLE if whole[run] else run.labels[sort] for run in case.runs]
    hues = identity.places(sort, things)
    twins = [hues[:k].count(hue) for k, hue in enumerate(hues)]
    return dict(zip(case.runs, zip(hues, twins, strict=True), strict=True))


def of_case(case: Case, x: Axis, target: float | None = None) -> Curves:
    """Return the curves of all runs of an experiment."""
    band = len(case.runs) <= BANDS
    lines = [
        of_run(case, run, hue, x, band=band, twin=twin) for run, (hue, twin) in looks(case).items()
    ]
    return of_lines(case, lines, x, target)


def to_target(target: float) -> Axis:
    """Return the axis of the time to a loss."""
    return Axis(label=f"milliseconds to a loss of {target:g}", unit=MILLI)


def dots(
    labels: Sequence[str],
    series: Mapping[str, Sequence[Quantity | None]],
    places: Sequence[int] = (0, 1),
) -> Dots:
    """Return dots of seconds per epoch: series, in the colours of their places, by label."""
    rows = [
        row(name, place, [typical(q) for q in each])
        for place, (name, each) in zip(places, series.items(), strict=False)
    ]
    return Dots(labels=tuple(labels), x=SECONDS, rows=tuple(rows))


def both_ways(
    pairs: Mapping[str, Pair], names: tuple[str, str]
) -> tuple[Dots, Columns, dict[str, Estimate]]:
    """Return dots and columns of seconds per epoch in two ways, and the second over the first."""
    series = {name: [pair[k].seconds for pair in pairs.values()] for k, name in enumerate(names)}
    ratios = {n: one for n, (a, b) in pairs.items() if (one := ratio(b.seconds, a.seconds))}
    columns: Columns = {
        f"{name}, ms per epoch": [number(typical(q), MILLI) for q in each]
        for name, each in series.items()
    }
    columns[f"{names[1]} / {names[0]}"] = [number(one) for one in ratios.values()]
    return dots([*pairs], series), columns, ratios


# --- tables


def milliseconds(quantities: Sequence[Quantity | None]) -> list[Number]:
    """Return a column of times, the shortest marked."""
    times = [typical(q) for q in quantities]
    least = min((time.value for time in times if time), default=None)
    return [number(t, MILLI, best=t is not None and t.value == least) for t in times]


def ends(case: Case) -> Columns:
    """Return columns that say where runs end."""
    runs = case.runs
    first = [typical(run.loss_of_all(1)) for run in runs]
    columns: Columns = {
        "epochs": [f"{case.epochs(run)[-1]:.0f}" for run in runs],
        "loss after one epoch": [number(loss, write=numerals.loss) for loss in first],
        "loss at the end": [loss_at_the_end(run) for run in runs],
    }
    if case.lowest is not None:
        columns["above the optimum"] = heights(case)
    columns["diverged"] = [f"{run.diverged} of {len(run.seeds)}" for run in runs]
    return columns


def loss_at_the_end(run: Run) -> Number:
    """Return the loss at the end of a run; of one that diverged, only that it did."""
    if not run.complete:
        return Number(text="diverged") if run.diverged else number(None)
    return number(typical(run.loss()), write=numerals.loss)


def heights(case: Case) -> list[Number]:
    """Return a column of the loss above the optimum at the end, the lowest marked."""
    nearest = case.nearest and case.nearest.run
    return [excess(end, best=run is nearest) for run, end in case.ends.items()]


def excess(estimate: Estimate | None, *, best: bool = False) -> Number:
    """Return a loss above the optimum; what is rounding has no digits."""
    if estimate is None or estimate.value >= numerals.ROUNDING:
        return number(estimate, best=best, write=numerals.small)
    return Number(text=numerals.excess(estimate.value), best=best, estimate=estimate)


def way_to(case: Case) -> Columns:
    """Return columns that say how runs fared towards the target; none without a target."""
    if case.target is None:
        return {}
    least = min((one.time.value for one in case.fared if one.time), default=None)
    reached = [f"{one.seeds} of {len(one.run.seeds)}" for one in case.fared]
    return {
        f"seeds that reach {case.target:g}": reached,
        "milliseconds until then": [
            until(one, best=one.time is not None and one.time.value == least) for one in case.fared
        ],
        "examples until then": [
            # In the digits that points so far apart allow.
            number(one.examples, write=lambda value: digits(value, 2))
            for one in case.fared
        ],
    }


def until(fared: Reached, *, best: bool = False) -> Number:
    """Return milliseconds to a loss; where not all seeds got there, that it takes longer."""
    cell = number(fared.time or fared.at_least, MILLI, best=best)
    sign = "\N{LESS-THAN OR EQUAL TO} " if fared.at_most else ""
    if fared.at_least:
        sign = "\N{GREATER-THAN OR EQUAL TO} "
    return replace(cell, text=sign + cell.text)


# --- sheets


def seconds_sheet(quantities: Sequence[Quantity]) -> Sheet:
    """Return seconds per epoch, and examples per second."""
    rates = {"epoch_s": None, "examples_per_s": "examples_per_s"}
    return figure.quantity_sheet(quantities, rates, {"examples": "examples"})


def way_sheet(runs: Sequence[Run], target: float) -> Sheet:
    """Return seconds and examples to a loss; where seeds are censored, these are bounds."""
    seconds = [run.seconds_to(target) for run in runs]
    bounds = {"what": "metric", "censored": "censored"}
    examples = figure.quantity_sheet([run.examples_to(target) for run in runs], {"examples": None})
    return beside(figure.quantity_sheet(seconds, {"elapsed_s": None}, bounds), examples)


def ends_sheet(case: Case, runs: Sequence[Run]) -> Sheet:
    """Return where each run ends, and what its epochs take."""
    seeds: list[list[Cell]] = [[len(run.seeds), run.diverged] for run in runs]
    sheet = figure.quantity_sheet([run.loss() for run in runs], {"loss_at_the_end": None})
    if case.lowest is not None:
        heights = [case.excess(run) for run in runs]
        sheet = beside(sheet, figure.quantity_sheet(heights, {"loss_above_optimum": None}))
    seconds = seconds_sheet([r.seconds or r.blank for r in runs])
    return beside(beside(sheet, seconds), Sheet(header=["seeds", "diverged"], rows=seeds))


def beside(left: Sheet, right: Sheet) -> Sheet:
    """Add to each row of a sheet the columns of another that it lacks."""
    more = [k for k, name in enumerate(right.header) if name not in left.header]
    both = zip(left.rows, right.rows, strict=True)
    return Sheet(
        header=[*left.header, *(right.header[k] for k in more)],
        rows=[[*mine, *(other[k] for k in more)] for mine, other in both],
    )


def curve_sheet(case: Case, runs: Sequence[Run]) -> Sheet:
    """Return every seed's curve; epochs and loss are those of its points, and no settings."""
    names = [name for name in runs[0].labels if name not in {"epochs", "loss"}]
    header = [*names, "seed", "examples", "epochs", "updates", "loss", "loss_above_optimum"]
    rows: list[list[Cell]] = []
    for run in runs:
        settings = [run.labels[name] for name in names]
        epochs, updates = case.epochs(run), case.updates(run)
        for seed in run.seeds:
            points = zip(seed.examples, seed.loss, median_times(seed), strict=True)
            for k, (examples, loss, seconds) in enumerate(points):
                above = None if case.lowest is None else loss - case.lowest
                at = (epochs[k], updates[k]) if k < len(epochs) else (None, None)
                rows.append([*settings, seed.seed, examples, *at, loss, above, seconds])
    return Sheet(header=[*header, "elapsed_s"], rows=rows)
