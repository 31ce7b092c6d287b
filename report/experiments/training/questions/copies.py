"""What changes when every example occurs twice? The same runs on the data and on its copies."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from report.analysis import quantities
from report.experiments.training import axes as shared
from report.experiments.training import curves, labels, tables, words
from report.experiments.training.quantities import LEAST_EXCESS
from report.figures import plotting, ticks
from report.figures.figure import Figure, Number, Table, Words
from report.figures.svg import PAPER
from report.text.numerals import count, digits, percent, scientific, sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.analysis.estimate import Estimate
    from report.experiments.training.case import Case
    from report.experiments.training.curves import Line
    from report.worker.records import TrainingRun

    Pair = tuple[Line, Line]


ONCE: dict[str, Any] = {"linestyle": "-"}
COPIED: dict[str, Any] = {"linestyle": (0, (3, 2)), "markerfacecolor": PAPER, "markersize": 8}
"""Dashed and hollow, so that both of a pair are seen where they coincide."""

ROUNDING = 0.01
"""Ratios nearer to 1 than this are rounding's: full batches take the same steps, up to that."""


def figures(case: Case) -> list[Figure]:
    """Draw the loss above the optimum against epochs, and again against updates."""
    pairs = _pairs(case)
    lines = [line for pair in pairs for line in pair] or case.lines
    return [
        _figure(case, lines, "copies", _by_epoch(case, pairs), _table(case, pairs)),
        _figure(case, lines, "updates", _by_update(case, pairs), _table(case, pairs)),
    ]


def _figure(case: Case, lines: Sequence[Line], question: str, said: Words, table: Table) -> Figure:
    by_updates = question == "updates"

    def draw(axes: Axes, *, narrow: bool) -> None:
        ticks.log_axis(axes.xaxis)
        along = shared.by_updates if by_updates else shared.by_epochs
        looks = _looks(case, lines)
        drawn = shared.height_curves(axes, case, lines, along, looks=looks, first=1)
        quantity = "updates" if by_updates else "epochs, of all copies"
        axes.set_xlabel(quantity if narrow else f"{quantity} (logarithmic)")
        plotting.legend_above(axes, drawn, narrow=narrow)

    name = f"{case.name}-{question}"
    return Figure(
        name=name,
        question=question,
        words=said,
        drawing=plotting.drawing(name, said.alt, draw),
        table=table,
        sheet=tables.curve_sheet(lines, case.lowest),
        code=tables.functions(lines),
    )


def _looks(case: Case, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Give both of a pair one colour; solid is the data itself, dashed its copies."""
    sizes = list(dict.fromkeys(_size(case, line) for line in lines))
    return [
        plotting.style(sizes.index(_size(case, line)), len(line.epochs))
        | (ONCE if labels.whole(line.run.labels, "copies") == 1 else COPIED)
        for line in lines
    ]


def _size(case: Case, line: Line) -> int:
    """Return a run's batch size; 0 for full batches, which grow with the data."""
    return 0 if labels.full_batch(line.run.labels, case.examples) else line.batch_size


def _pairs(case: Case) -> list[Pair]:
    """Return the runs that differ in how often the data are there, and the full batch with it."""
    once = [line for line in case.lines if labels.whole(line.run.labels, "copies") == 1]
    more = [line for line in case.lines if labels.whole(line.run.labels, "copies") > 1]

    def rest(line: Line) -> object:
        return _size(case, line), labels.without(
            line.run.labels, "run", "copies", "batch_size", "epochs"
        )

    return [(one, other) for one in once for other in more if rest(one) == rest(other)]


def per_epoch(case: Case, pair: Pair) -> Estimate | None:
    """Return the height on copies over that on the data, after as many epochs, by seed."""
    epoch = min(labels.whole(line.run.labels, "epochs") for line in pair)
    once, more = (curves.above(line.run, case.base, epoch=epoch) for line in pair)
    return curves.ratio(more, once)


def per_update(case: Case, pair: Pair) -> Estimate | None:
    """Return the same after as many updates: the most at which both were evaluated."""
    once, more = pair
    common = set(once.updates[1:]) & set(more.updates[1:])
    if not common:
        return None
    last = max(common)
    heights = [
        line.run.of_seeds(
            f"excess after {last} updates",
            functools.partial(_height, case, line.updates.index(last)),
        )
        for line in (more, once)
    ]
    return curves.ratio(*heights)


def _height(case: Case, at: int, seed: TrainingRun) -> float:
    return max(seed.loss[at] - case.base, LEAST_EXCESS)


def _seconds(case: Case, pair: Pair) -> Estimate | None:
    """Return the seconds of an epoch on copies over those on the data."""
    once, more = (case.seconds(line) for line in pair)
    if once is None or more is None:
        return None
    return quantities.ratio(more, once)


def _differs(one: Estimate) -> bool:
    """Return whether a ratio shows a difference, and not one of rounding."""
    return one.excludes(1) and abs(one.value - 1) > ROUNDING


def _known(case: Case, pairs: Sequence[Pair], *, updates: bool) -> dict[str, Estimate]:
    ratio = per_update if updates else per_epoch
    return {pair[0].name: one for pair in pairs if (one := ratio(case, pair)) is not None}


def _said(case: Case, known: dict[str, Estimate], after: str) -> tuple[str, str]:
    """Return title and caption: how far each run is on copies, beside the same on the data."""
    if not known:
        title = f"No run of {len(case.lines)} is there with and without copies"
        return title, f"{title}."
    differ = [name for name, one in known.items() if _differs(one)]
    alike = [name for name in known if name not in differ]
    seeds = count(len(case.lines[0].run.seeds), "seed")
    if differ:
        left = [f"{name} is at {percent(known[name].value)}" for name in differ]
        title = f"After {after} on copies, {words.listing(left)} of its {case.height}"
        title += f"; no difference shown for {words.listing(alike)}" if alike else ""
    else:
        ends = [pick(one.value for one in known.values()) for pick in (min, max)]
        ratios = " to ".join(dict.fromkeys(digits(each) for each in ends))
        title = f"After {after}, {seeds} do not tell copies from the data: ratios {ratios}"
    parts = "; ".join(f"{name}: {words.factor(one)}" for name, one in known.items())
    caption = (
        f"{sentence(case.height)} on copied data over that on the data itself, after {after}, "
        f"over {seeds}: {parts}. Dashed and hollow: copied."
    )
    return title, caption


def _by_epoch(case: Case, pairs: Sequence[Pair]) -> Words:
    title, caption = _said(case, _known(case, pairs, updates=False), "as many epochs")
    said = [
        "Copies change neither the optimum nor the gradient over all examples, which is a mean."
    ]
    for pair in pairs:
        once, more = pair
        copies = labels.whole(more.run.labels, "copies")
        seconds = _seconds(case, pair)
        longer = "" if seconds is None else f" in {words.factor(seconds)} times the time"
        if _size(case, once) == 0:
            said.append(
                f"{sentence(once.name)} takes one step an epoch as before{longer}{_gap(pair)}."
            )
        else:
            many = "twice" if copies == 2 else f"{copies} times"
            said.append(f"{sentence(once.name)} takes {many} as many steps an epoch{longer}.")
    alt = f"Curves of {case.height} against epochs, both logarithmic. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=" ".join(said), alt=alt)


def _gap(pair: Pair) -> str:
    """Say how far the losses of two runs differ at any epoch's end."""
    gaps = [
        abs(one.loss[a] - other.loss[b])
        for one, other in zip(pair[0].run.seeds, pair[1].run.seeds, strict=False)
        for a, b in zip(one.epoch_ends, other.epoch_ends, strict=False)
    ]
    if not gaps:
        return ""
    return f", and its losses differ by at most {scientific(max(gaps))}"


def _by_update(case: Case, pairs: Sequence[Pair]) -> Words:
    known = _known(case, pairs, updates=True)
    title, caption = _said(case, known, "as many updates")
    differ = [name for name, one in known.items() if _differs(one)]
    alike = [name for name in known if name not in differ]
    drawn = "Update for update, examples are drawn from the same ones, whether copied or not."
    said = [drawn]
    if alike:
        said.append(f"For {words.listing(alike)} the seeds tell no difference.")
    if differ:
        said.append(
            f"For {words.listing(differ)} they do: with copies an example may be drawn again "
            "before all others were, and the last steps are those of other examples."
        )
    alt = f"Curves of {case.height} against updates, both logarithmic. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=" ".join(said), alt=alt)


def _table(case: Case, pairs: Sequence[Pair]) -> Table:
    if not pairs:
        return tables.final_table(case.lines, case.lowest)
    rows: list[list[str | Number]] = []
    for pair in pairs:
        ends = [curves.typical(curves.above(line.run, case.base)) for line in pair]
        rows.append(
            [
                pair[0].name,
                *(tables.small(one) for one in ends),
                tables.factor(per_epoch(case, pair)),
                tables.factor(per_update(case, pair)),
                tables.factor(_seconds(case, pair)),
            ]
        )
    header = ["run", f"{case.height} at the end, once", "with copies"]
    header += ["ratio after as many epochs", "after as many updates", "seconds per epoch, ratio"]
    return Table(
        header=header,
        rows=rows,
        caption="With 95 % intervals: of losses over seeds, of seconds over processes",
    )
