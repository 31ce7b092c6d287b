"""Does it matter that every example is seen once an epoch? Drawing with replacement beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.experiments.training import axes as shared
from report.experiments.training import curves, labels, tables, words
from report.figures import plotting
from report.figures.figure import Figure, Number, Table, Words
from report.text.numerals import count, percent, sentence, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.analysis.estimate import Estimate
    from report.experiments.training.case import Case
    from report.experiments.training.curves import Line

    Pair = tuple[Line, Line]


def figures(case: Case) -> list[Figure]:
    """Draw the loss above the optimum against epochs."""
    lines = case.lines
    pairs = curves.twins(lines, "sampling", "permutation", "replacement")
    said = _words(case, pairs)

    def draw(axes: Axes, *, narrow: bool) -> None:
        drawn = shared.height_curves(axes, case, lines)
        shared.epochs_axis(axes)
        plotting.legend_above(axes, drawn, narrow=narrow)

    name = f"{case.name}-sampling"
    return [
        Figure(
            name=name,
            question="sampling",
            words=said,
            drawing=plotting.drawing(name, said.alt, draw),
            table=_table(case, pairs),
            sheet=tables.curve_sheet(lines, case.lowest),
            code=tables.functions(lines),
        )
    ]


def ratio(case: Case, pair: Pair, epoch: int) -> Estimate | None:
    """Return the height with replacement over that without, after an epoch, paired by seed."""
    once, again = (curves.above(line.run, case.base, epoch=epoch) for line in pair)
    return curves.ratio(again, once)


def _epochs(pair: Pair) -> int:
    """Return how many epochs both of a pair were to have."""
    return min(labels.whole(line.run.labels, "epochs") for line in pair)


def _words(case: Case, pairs: Sequence[Pair]) -> Words:
    ends = {
        line.name: one
        for line in case.lines
        if (one := curves.typical(curves.above(line.run, case.base))) is not None
    }
    caption = f"{words.centres(case.lines)} {sentence(case.height)} at the end of each run: " + (
        "; ".join(f"{name}: {words.small(one)}" for name, one in ends.items()) + "."
    )
    title = f"The {len(case.lines)} runs differ in more than how examples are drawn"
    found = [(pair, one) for pair in pairs if (one := ratio(case, pair, _epochs(pair)))]
    if found:
        pair, one = found[0]
        title = _title(case, pair, one)
    explanation = (
        f"Drawn with replacement, {case.examples:,} draws miss {percent(_missed(case.examples))} "
        "of the examples on average, and see others twice or more often; each once, the errors of "
        "an epoch's gradients cancel in part, since together they are the full gradient's."
    )
    if found:
        parts = "; ".join(
            f"{pair[1].name} over {pair[0].name} {words.factor(one)}" for pair, one in found
        )
        explanation += f" At the end, paired by seed: {parts}."
    alt = f"Curves of {case.height} against epochs, logarithmic. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def _missed(examples: int) -> float:
    """Return the share of examples that as many draws with replacement miss, on average."""
    return float((1 - 1 / examples) ** examples)


def _title(case: Case, pair: Pair, one: Estimate) -> str:
    epochs = count(_epochs(pair), "epoch")
    if one.excludes(1):
        return (
            f"After {epochs}, drawing with replacement leaves {times(one.value)} times the "
            f"{case.height} that each example once leaves"
        )
    seeds = count(len(pair[0].run.seeds), "seed")
    return (
        f"After {epochs}, {seeds} do not tell drawing with replacement from each once: ratio "
        f"{times(one.value)}"
    )


def _table(case: Case, pairs: Sequence[Pair]) -> Table:
    if not pairs:
        return tables.final_table(case.lines, case.lowest)
    rows: list[list[str | Number]] = []
    for pair in pairs:
        for epoch in range(1, _epochs(pair) + 1):
            heights = [curves.above(line.run, case.base, epoch=epoch) for line in pair]
            rows.append(
                [
                    f"{epoch}" if len(pairs) == 1 else f"{pair[1].name}, {epoch}",
                    *(tables.small(curves.typical(each)) for each in heights),
                    tables.factor(ratio(case, pair, epoch)),
                ]
            )
    header = ["after epoch", f"{case.height}, each once", "with replacement", "ratio by seed"]
    return Table(header=header, rows=rows, caption="With 95 % intervals over seeds")
