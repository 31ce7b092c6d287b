"""Figures of a `matmul` experiment with several machines on the same axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.matmul.figures import AXES, GIGA, choose_axis, curve_table, sheet, x_of
from report.experiments.matmul.quantities import of_result
from report.experiments.matmul.words import name_series
from report.figures import plotting, ticks
from report.figures.figure import Figure, Number, Sheet, Table, Words, in_words, number, together
from report.text.numerals import sentence, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.analysis.quantities import Quantity
    from report.results.result import Result
    from report.worker.records import Scalar


def comparisons(results: Sequence[Result], experiment: str) -> list[Figure]:
    """Draw an experiment of several machines on the same axes, a line or dot for each machine.

    Each machine shows the backend and, where several things vary, the one combination that all
    have in common and that is fastest on the first machine.
    """
    found = {
        result.machine.id: [q for q in of_result(result) if q.experiment == experiment and q.flops]
        for result in results
    }
    found = {machine: series for machine, series in found.items() if series}
    if len(found) < 2:
        return []
    common = set.intersection(*({q.key for q in series} for series in found.values()))
    shared = {m: [q for q in series if q.key in common] for m, series in found.items()}
    first = next(iter(shared.values()))
    if not first:
        return []
    axis = choose_axis(first)
    name = f"compare-{experiment}"
    if axis is None:
        return [_compared_strategies(name, shared)]
    wanted = _fastest_line(axis, first)
    lines = {
        machine: sorted(
            (q for q in series if _rest(q, axis) == wanted), key=lambda q: x_of(q, axis)
        )
        for machine, series in shared.items()
    }
    return [_compared_curves(name, axis, lines)]


def _rest(quantity: Quantity, axis: str) -> tuple[tuple[str, Scalar], ...]:
    labels = {**quantity.labels, "backend": quantity.backend}
    return tuple(sorted((k, v) for k, v in labels.items() if k != axis))


def _fastest_line(axis: str, found: Sequence[Quantity]) -> tuple[tuple[str, Scalar], ...]:
    """Return the labels of the line to compare: the first dtype's, at the fastest point."""
    dtype = found[0].labels["dtype"]
    same = [q for q in found if q.labels["dtype"] == dtype and q.labels[axis] is not None]
    return _rest(max(same, key=lambda q: q.rate().value), axis)


def _compared_curves(name: str, axis: str, lines: dict[str, list[Quantity]]) -> Figure:
    def draw(axes: Axes, *, narrow: bool) -> None:
        every = sorted({x_of(q, axis) for line in lines.values() for q in line})
        ticks.log2_axis(axes, every)
        if axis != "threads":
            ticks.log_axis(axes.yaxis)
        drawn = [
            plotting.line(
                axes,
                [x_of(q, axis) for q in line],
                [q.rate().scaled(1 / GIGA) for q in line],
                index,
                label=machine,
            )
            for index, (machine, line) in enumerate(lines.items())
        ]
        if axis == "threads":
            axes.set_ylim(bottom=0)
        axes.set_xlabel(AXES[axis])
        axes.set_ylabel("rate, GFLOPS")
        plotting.legend_above(axes, drawn, narrow=narrow)

    top = {m: max(line, key=lambda q: q.rate().value) for m, line in lines.items()}
    fastest = max(top, key=lambda machine: top[machine].rate().value)
    slowest = min(top, key=lambda machine: top[machine].rate().value)
    rate_ratio = quantities.ratio(top[fastest], top[slowest], "flop_per_s")
    title = (
        f"At its best, {fastest} multiplies {times(rate_ratio.value)} times as fast as {slowest}"
        if rate_ratio.excludes(1)
        else "These runs show no difference between the machines' highest rates"
    )
    caption = (
        f"{_conditions(top[fastest], axis)}; highest rates: "
        + "; ".join(f"{m}: {in_words(q.rate(), GIGA, 'GFLOPS')}" for m, q in top.items())
        + "."
    )
    alt = f"{title}. {caption}"
    return Figure(
        name=name,
        question="compare",
        words=Words(title=title, caption=caption, alt=alt),
        drawing=plotting.drawing(name, alt, draw),
        table=curve_table(axis, lines),
        sheet=_compared_sheet(lines),
    )


def _compared_strategies(name: str, shared: dict[str, list[Quantity]]) -> Figure:
    first = next(iter(shared.values()))
    names = quantities.varying([q.labels for q in first]) or ["strategy"]
    labels = {q.key: name_series(q.labels, names) for q in first}

    def draw(axes: Axes, *, narrow: bool) -> None:
        plotting.dot_axes(axes, list(labels.values()), "rate, GFLOPS", narrow=narrow)
        for index, (machine, series) in enumerate(shared.items()):
            rates = {q.key: q.rate().scaled(1 / GIGA) for q in series}
            plotting.dots(axes, [rates.get(key) for key in labels], index, label=machine)
        plotting.legend_above(axes, narrow=narrow)

    best = {m: max(series, key=lambda q: q.rate().value) for m, series in shared.items()}
    same = {labels[q.key] for q in best.values()}
    title = (
        f"The fastest way is the same on all machines: {same.pop()}"
        if len(same) == 1
        else "The fastest way is not the same on all machines"
    )
    caption = (
        f"{_conditions(first[0], 'strategy')}; fastest: "
        + "; ".join(
            f"{m}: {labels[q.key]} at {in_words(q.rate(), GIGA, 'GFLOPS')}" for m, q in best.items()
        )
        + "."
    )
    rows: list[list[str | Number]] = [
        [label]
        + [
            number(next(q for q in series if q.key == key).rate(), GIGA)
            for series in shared.values()
        ]
        for key, label in labels.items()
    ]
    alt = f"{title}. {caption}"
    return Figure(
        name=name,
        question="compare",
        words=Words(title=title, caption=caption, alt=alt),
        drawing=plotting.drawing(name, alt, draw, height=130 + 44 * len(labels)),
        table=Table(header=["strategy", *(f"{m}, GFLOPS" for m in shared)], rows=rows),
        sheet=_compared_sheet(shared),
    )


def _conditions(quantity: Quantity, axis: str) -> str:
    """Say what all that is drawn has in common: "Float32, n = 1,024"."""
    common = ["dtype"] if axis == "size" else ["dtype", "size"]
    return sentence(name_series(quantity.labels, common))


def _compared_sheet(lines: dict[str, list[Quantity]]) -> Sheet:
    return together((machine, sheet(series)) for machine, series in lines.items() if series)
