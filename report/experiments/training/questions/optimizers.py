"""What do other optimizers bring? Time to a loss, and what their bookkeeping costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.training import axes as shared
from report.experiments.training import curves, labels, tables, words
from report.figures import plotting
from report.figures.figure import Figure, Number, Table, Words, absent, number
from report.text.numerals import digits, scaled, sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.experiments.training.case import Case
    from report.experiments.training.curves import Line

MILLI = 1e-3


def figures(case: Case) -> list[Figure]:
    """Draw the time to the target, where there is one, and the loss against epochs."""
    target = curves.target(case.result)
    return [*([] if target is None else [_target(case, target)]), _curves(case)]


def optimizer(line: Line) -> str:
    """Return the name of a run's optimizer."""
    return str(line.run.labels["optimizer"])


def update(quantity: Quantity) -> Estimate:
    """Return the seconds of an update, on average over an epoch."""
    size = labels.whole(quantity.labels, "batch_size")
    return quantity.time().scaled(1 / math.ceil((quantity.examples or 1) / size))


def cost(case: Case, line: Line, plain: Line) -> Estimate | None:
    """Return the seconds of an update over those of a plain one with the same batch size."""
    one, other = case.seconds(line), case.seconds(plain)
    if one is None or other is None or line.batch_size != plain.batch_size:
        return None
    return quantities.ratio(one, other)


def _plain(case: Case) -> Line | None:
    return next((line for line in case.lines if optimizer(line) == "sgd"), None)


def _target(case: Case, target: float) -> Figure:
    lines = case.lines
    fared = [curves.towards(line.run, target) for line in lines]
    said = _target_words(case, target)

    def draw(axes: Axes, *, narrow: bool) -> None:
        quantity = f"milliseconds to a loss of {target:g}"
        plotting.dot_axes(axes, [line.name for line in lines], quantity, narrow=narrow)
        spent = [None if one.time is None else one.time.scaled(1 / MILLI) for one in fared]
        plotting.dots(axes, spent, 0, label="all seeds came there")
        missed = [(row, one.at_least) for row, one in enumerate(fared)]
        known = [(row, bound.value / MILLI) for row, bound in missed if bound is not None]
        shared.bounds(axes, [x for _, x in known], [row for row, _ in known], marker=">", index=1)
        if known:
            plotting.legend_above(axes, narrow=narrow)

    name = f"{case.name}-optimizer"
    return Figure(
        name=name,
        question="optimizer",
        words=said,
        drawing=plotting.drawing(name, said.alt, draw, height=110 + 40 * len(lines)),
        table=_table(case, target),
        sheet=tables.target_sheet(lines, target),
        code=tables.functions(lines),
    )


def _target_words(case: Case, target: float) -> Words:
    fared = {line.name: curves.towards(line.run, target) for line in case.lines}
    parts = "; ".join(f"{name} {words.fared(one)}" for name, one in fared.items())
    caption = f"A loss of {target:g} is reached by: {parts}."
    found = curves.soonest(case.lines, target)
    if found is None:
        title = f"No optimizer comes to a loss of {target:g} with all its seeds"
    else:
        title = (
            f"Of {len(fared)} optimizers, {found.line.name} is first at a loss of {target:g}, "
            f"after {words.short(found.time)}{words.level(len(found.level))}"
        )
        level = words.listing([line.name for line in found.level])
        if level:
            caption += f" The intervals do not tell {found.line.name} from {level}."
    alt = f"Dot plot of milliseconds to a loss, logarithmic. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=_bookkeeping(case), alt=alt)


def _bookkeeping(case: Case) -> str:
    """Say what an update costs with each optimizer."""
    plain = _plain(case)
    seconds = None if plain is None else case.seconds(plain)
    if plain is None or seconds is None:
        return ""
    base = update(seconds)
    said = [f"An update of {plain.batch_size:,} takes {scaled(base.value, 's')} with {plain.name}."]
    dearer, level = [], []
    for line in case.lines:
        ratio = None if line is plain else cost(case, line, plain)
        if ratio is not None and ratio.excludes(1):
            more = scaled(abs(ratio.value - 1) * base.value, "s")
            which = "more" if ratio.value > 1 else "less"
            dearer.append(f"{line.name} {more} {which}, {words.factor(ratio)} times as long")
        elif ratio is not None:
            level.append(line.name)
    if dearer:
        said.append(f"What the others keep of past gradients costs: {'; '.join(dearer)}.")
    if level:
        said.append(f"The intervals do not tell {words.listing(level)} from it.")
    said.append(
        "Each optimizer has the learning rate that the configuration gives it; which is first "
        "depends on that as well."
    )
    return " ".join(said)


def _curves(case: Case) -> Figure:
    lines = case.lines
    ends = [(one, line) for line in lines if (one := _end(case, line)) is not None]
    caption = f"{words.centres(lines)} {sentence(case.height)} at the end: " + (
        "; ".join(f"{line.name}: {words.small(one)}" for one, line in ends) + "."
    )
    title = f"None of {len(lines)} runs comes to its end"
    if ends:
        one, line = min(ends, key=lambda pair: pair[0].value)
        level = [other.name for _, other in ends if other is not line and _same(case, line, other)]
        title = (
            f"By examples, {line.name} ends lowest, at a {case.height} of "
            f"{words.tiny(one.value)}{words.level(len(level))}"
        )
        if level:
            caption += f" The seeds do not tell {line.name} from {words.listing(level)}."
    alt = f"Curves of {case.height} against epochs, logarithmic. {title}. {caption}"

    def draw(axes: Axes, *, narrow: bool) -> None:
        drawn = shared.height_curves(axes, case, lines)
        shared.epochs_axis(axes)
        plotting.legend_above(axes, drawn, narrow=narrow)

    name = f"{case.name}-descent"
    return Figure(
        name=name,
        question="descent",
        words=Words(title=title, caption=caption, alt=alt),
        drawing=plotting.drawing(name, alt, draw),
        table=tables.final_table(lines, case.lowest),
        sheet=tables.curve_sheet(lines, case.lowest),
        code=tables.functions(lines),
    )


def _end(case: Case, line: Line) -> Estimate | None:
    return curves.typical(curves.above(line.run, case.base))


def _same(case: Case, one: Line, other: Line) -> bool:
    heights = [curves.above(line.run, case.base) for line in (one, other)]
    ratio = curves.ratio(*heights)
    return ratio is None or not ratio.excludes(1)


def _table(case: Case, target: float) -> Table:
    plain = _plain(case)
    fared = {line.name: curves.towards(line.run, target) for line in case.lines}
    spent = [one.time.value for one in fared.values() if one.time is not None]
    rows: list[list[str | Number]] = []
    for line in case.lines:
        one, seconds = fared[line.name], case.seconds(line)
        best = one.time is not None and one.time.value == min(spent)
        ratio = None if plain is None or line is plain else cost(case, line, plain)
        per_update = absent() if seconds is None else number(update(seconds), 1e-6)
        rows.append(
            [
                line.name,
                Number(text=digits(float(str(line.run.labels["lr"])))),
                Number(text=f"{one.reached} of {one.seeds}"),
                tables.until(one, best=best),
                absent() if one.examples is None else number(one.examples),
                per_update,
                tables.factor(ratio),
            ]
        )
    header = ["optimizer", "learning rate", f"seeds that reach {target:g}"]
    header += ["milliseconds until then", "examples until then", "microseconds an update"]
    return Table(header=[*header, "over sgd's"], rows=rows)
