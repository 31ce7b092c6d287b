"""Should the learning rate decay? Schedules beside a constant rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from report.experiments.training import axes as shared
from report.experiments.training import curves, labels, tables, words
from report.figures import plotting
from report.figures.figure import Figure, Number, Table, Words
from report.text.numerals import count, digits, percent, sentence, times
from report.worker import schedules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.analysis.estimate import Estimate
    from report.experiments.training.case import Case
    from report.experiments.training.curves import Line


STILL = 0.5
"""A run that has more than this left of what it had after two epochs, has all but stopped."""


def figures(case: Case) -> list[Figure]:
    """Draw the loss above the optimum against epochs, a curve for each schedule."""
    lines = case.lines
    said = _words(case)

    def draw(axes: Axes, *, narrow: bool) -> None:
        drawn = shared.height_curves(axes, case, lines)
        shared.epochs_axis(axes)
        plotting.legend_above(axes, drawn, narrow=narrow)

    name = f"{case.name}-schedule"
    return [
        Figure(
            name=name,
            question="schedule",
            words=said,
            drawing=plotting.drawing(name, said.alt, draw),
            table=_table(case),
            sheet=tables.curve_sheet(lines, case.lowest),
            code=tables.functions(lines),
        )
    ]


def schedule(line: Line) -> str:
    """Return the name of a run's schedule."""
    return str(line.run.labels["schedule"])


def constant(lines: Sequence[Line]) -> Line | None:
    """Return the first run with a constant rate, which the others are compared with."""
    return next((line for line in lines if schedule(line) == "constant"), None)


def end(case: Case, line: Line) -> Estimate | None:
    """Return where a run ends above the optimum, over seeds; None if no seed came to its end."""
    return curves.typical(curves.above(line.run, case.base))


def against(case: Case, line: Line, other: Line) -> Estimate | None:
    """Return where a run ends, over where another does, paired by seed."""
    return curves.ratio(curves.above(line.run, case.base), curves.above(other.run, case.base))


def _words(case: Case) -> Words:
    ends = {line.name: end(case, line) for line in case.lines}
    known = {name: one for name, one in ends.items() if one is not None}
    caption = (
        f"{words.centres(case.lines)} {sentence(case.height)} at the end of each run, over seeds: "
        + "; ".join(f"{name}: {words.small(one)}" for name, one in known.items())
        + "."
    )
    if not known:
        title = f"None of {len(case.lines)} runs comes to its end"
        return Words(title=title, caption=f"{title}.", alt=f"Curves against epochs. {title}.")
    best = min(case.lines, key=lambda line: one.value if (one := ends[line.name]) else 1e300)
    title = _title(case, best, known[best.name])
    alt = f"Curves of {case.height} against epochs, logarithmic. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=_explanation(case, best), alt=alt)


def _title(case: Case, best: Line, lowest: Estimate) -> str:
    base = constant(case.lines)
    ended = f"{words.tiny(lowest.value)} {'' if case.lowest is None else 'above the optimum'}"
    plain = f"{sentence(best.name)} ends at {ended}".strip()
    if base is None:
        return plain
    if base is best:
        return f"No schedule ends lower than the constant rate: {ended}".strip()
    ratio = against(case, best, base)
    if ratio is None:
        return f"{plain}; the constant rate does not come to its end"
    if ratio.excludes(1):
        return (
            f"{sentence(best.name)} ends at {percent(ratio.value)} of the {case.height} that a "
            "constant rate leaves"
        )
    seeds = count(len(best.run.seeds), "seed")
    return f"{seeds} do not show that a schedule ends lower than a constant rate: {plain.lower()}"


def _explanation(case: Case, best: Line) -> str:
    said = []
    base = constant(case.lines)
    if base is not None:
        parts = [
            f"{line.name} {words.factor(ratio)}"
            for line in case.lines
            if line is not base and (ratio := against(case, line, base)) is not None
        ]
        if parts:
            said.append(f"Over what {base.name} leaves: {'; '.join(parts)}.")
        said.append(
            "With a constant rate small batches keep wandering about the optimum, at a distance "
            "that grows with the rate; a smaller rate later brings them nearer, if it has not "
            "become too small to get there."
        )
    said += [_tenth(case, line, best) for line in case.lines if schedule(line) == "tenth"]
    return " ".join(each for each in said if each)


def _tenth(case: Case, line: Line, best: Line) -> str:
    """Say what a tenth after each epoch does: it soon stands still, near the optimum or not."""
    epochs = labels.whole(line.run.labels, "epochs")
    last = curves.above(line.run, case.base)
    third = curves.ratio(last, curves.above(line.run, case.base, epoch=2)) if epochs > 2 else None
    if third is None:
        return ""
    travelled = math.fsum(schedules.factor("tenth", epoch, epochs) for epoch in range(epochs))
    said = (
        f"A tenth after each epoch makes all {epochs} epochs as much as {digits(travelled)} at the "
        f"first rate. What {line.name} has left after its second epoch it still has "
        f"{percent(third.value)} of at the end ({words.ends(third)})."
    )
    if best is line:
        return f"{said} Here no other schedule ends lower."
    ratio = against(case, line, best)
    if ratio is None or not ratio.excludes(1):
        return f"{said} The intervals do not tell where it ends from where {best.name} does."
    halted = " It comes to a halt before it is there." if third.value > STILL else ""
    farther = f"It ends {times(ratio.value)} times as far above the optimum as {best.name}."
    return f"{said} {farther}{halted}"


def _table(case: Case) -> Table:
    base = constant(case.lines)
    ends = [one.value for line in case.lines if (one := end(case, line)) is not None]
    rows: list[list[str | Number]] = []
    for line in case.lines:
        one = end(case, line)
        ratio = None if base is None or line is base else against(case, line, base)
        rows.append(
            [
                line.name,
                str(schedule(line)),
                Number(text=f"{line.run.labels['lr']:g}"),
                tables.loss_at(line, -1),
                tables.small(one, best=one is not None and one.value == min(ends)),
                tables.factor(ratio),
            ]
        )
    header = ["run", "schedule", "first rate", "loss at the end", f"{case.height} at the end"]
    return Table(
        header=[*header, "over the constant rate's"],
        rows=rows,
        caption="Beside a loss the lowest and the highest of the seeds; else 95 % intervals over "
        "seeds, ratios paired by seed",
    )
