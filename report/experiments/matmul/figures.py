"""Figures and tables of a `matmul` experiment."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.matmul import printed
from report.experiments.matmul.quantities import of_records, of_result
from report.experiments.matmul.words import TITLES, name_series
from report.figures import plotting, ticks
from report.figures.figure import Figure, Number, Sheet, Table, absent, cells, columns, number
from report.figures.svg import MUTED
from report.text.numerals import digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.results.result import Result
    from report.worker.records import Scalar

GIGA = 1e9
LEAST_FOR_A_LINE = 3
"""Fewer points than this are no curve."""

AXES = {"block_width": "columns of a block", "size": "n, rows and columns", "threads": "threads"}
"""The labels that can be a horizontal axis, the most telling first, in words."""


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw an experiment of one machine: one figure for each backend."""
    drawn = []
    for backend, records in quantities.by_backend(result.of(experiment)).items():
        found = of_records(records, result.run)
        if not found:
            continue
        name = f"{experiment}-{backend}"
        axis = choose_axis(found)
        if axis is None:
            drawn.append(_strategies(name, found, printed.of(records)))
        else:
            drawn.append(_curves(name, axis, found))
    return drawn


def peaks(result: Result) -> dict[str, Quantity]:
    """Return the fastest product of each number format in any experiment, the fastest first."""
    best: dict[str, Quantity] = {}
    for quantity in of_result(result):
        if quantity.kind != "matmul":
            continue
        dtype = number_format(quantity)
        if dtype not in best or quantity.rate().value > best[dtype].rate().value:
            best[dtype] = quantity
    return dict(sorted(best.items(), key=lambda item: -item[1].rate().value))


def number_format(quantity: Quantity) -> str:
    """Return the dtype; TF32 counts as one of its own."""
    return "TF32" if quantity.labels.get("tf32") else str(quantity.labels["dtype"])


def choose_axis(found: Sequence[Quantity]) -> str | None:
    """Return the label to draw against, or None where nothing is swept far enough."""
    for label in AXES:
        values = {q.labels[label] for q in found if q.labels[label] is not None}
        enough = 2 if label == "threads" else LEAST_FOR_A_LINE
        if len(values) >= enough:
            return label
    return None


def _curves(name: str, axis: str, found: Sequence[Quantity]) -> Figure:
    """Draw rates against size, block width or threads, a line for each other combination."""
    lines = group_lines(axis, found)
    best = max((q for line in lines.values() for q in line), key=lambda q: q.rate().value)
    highest = max(q.rate().value for q in found) / GIGA

    def draw(axes: Axes, *, narrow: bool) -> None:
        every = sorted({x_of(q, axis) for line in lines.values() for q in line})
        ticks.log2_axis(axes, every)
        if axis != "threads":
            ticks.log_axis(axes.yaxis)
        drawn = []
        for index, (label, line) in enumerate(lines.items()):
            rates = [q.rate().scaled(1 / GIGA) for q in line]
            drawn.append(
                plotting.line(axes, [x_of(q, axis) for q in line], rates, index, label=label)
            )
        if axis == "threads":
            _draw_ideal(axes, every, next(iter(lines.values())))
        else:
            plotting.reference(axes, highest, f"highest measured: {digits(highest)}")
        axes.set_xlabel(AXES[axis])
        axes.set_ylabel("rate, GFLOPS")
        plotting.name_lines(axes, drawn, narrow=narrow)

    words = TITLES[axis](lines, best)
    return Figure(
        name=name,
        question=axis,
        words=words,
        drawing=plotting.drawing(name, words.alt, draw),
        table=curve_table(axis, lines, found),
        sheet=sheet(found),
        code=sorted({_function(str(q.labels["strategy"])) for q in found}),
    )


def _draw_ideal(axes: Axes, threads: Sequence[int], line: Sequence[Quantity]) -> None:
    """Draw what each thread would bring if it brought as much as the first ones."""
    first = line[0].rate().value / GIGA / x_of(line[0], "threads")
    axes.plot(
        threads,
        [first * count for count in threads],
        color=MUTED,
        linewidth=1,
        linestyle=(0, (2, 2)),
    )
    axes.annotate(
        "each thread at full speed",
        (threads[-1], first * threads[-1]),
        xytext=(-8, 8),
        textcoords="offset points",
        ha="right",
        color=MUTED,
        fontsize=11.5,
    )
    axes.set_ylim(bottom=0, top=1.18 * first * threads[-1])


def group_lines(axis: str, found: Sequence[Quantity]) -> dict[str, list[Quantity]]:
    """Group quantities into lines by all that varies beside the axis, each sorted along it."""
    names = [n for n in quantities.varying([q.labels for q in found]) if n != axis]
    if axis == "block_width" and "strategy" in names:
        found = [q for q in found if q.labels["block_width"] is not None]
        names.remove("strategy")
    lines: dict[str, list[Quantity]] = {}
    for quantity in found:
        if quantity.labels[axis] is not None:
            lines.setdefault(name_series(quantity.labels, names), []).append(quantity)
    return {label: sorted(line, key=lambda q: x_of(q, axis)) for label, line in lines.items()}


def x_of(quantity: Quantity, axis: str) -> int:
    """Return where on the axis a quantity lies."""
    return int(str(quantity.labels[axis]))


def curve_table(
    axis: str, lines: dict[str, list[Quantity]], found: Sequence[Quantity] = ()
) -> Table:
    """Return rates by the axis's values, a column for each line.

    Args:
        axis: The label that varies along the rows.
        lines: Each sorted along it.
        found: All quantities; below blocks stands the whole product, which has no block width.
    """
    every = sorted({x_of(q, axis) for line in lines.values() for q in line})
    best = {
        label: max(line, key=lambda q: q.rate().value).labels[axis] for label, line in lines.items()
    }
    rows: list[list[str | Number]] = []
    for value in every:
        row: list[str | Number] = [f"{value:,}"]
        for label, line in lines.items():
            at = next((q for q in line if q.labels[axis] == value), None)
            row.append(
                absent() if at is None else number(at.rate(), GIGA, best=best[label] == value)
            )
            if axis == "threads":
                row.append(absent() if at is None else _efficiency(line[0], at))
        rows.append(row)
    rows += _whole_row(axis, lines, found)
    header = [AXES[axis]]
    for label in lines:
        header.append(f"{label}, GFLOPS" if label else "GFLOPS")
        if axis == "threads":
            header.append("parallel efficiency, %")
    return Table(header=header, rows=rows)


def _whole_row(
    axis: str, lines: dict[str, list[Quantity]], found: Sequence[Quantity]
) -> list[list[str | Number]]:
    """Return the rates of the whole products that belong to lines of blocks."""
    whole = [q for q in found if axis == "block_width" and q.labels["strategy"] == "full"]
    if not whole:
        return []
    row: list[str | Number] = ["all at once"]
    for line in lines.values():
        same = [q for q in whole if _beside(q, line[0])]
        row.append(number(same[0].rate(), GIGA) if same else absent())
    return [row]


def _beside(one: Quantity, other: Quantity) -> bool:
    """Return whether two products differ in nothing but their strategy."""
    names = one.labels.keys() - {"strategy", "block_width"}
    return all(one.labels[name] == other.labels[name] for name in names)


def _efficiency(one: Quantity, many: Quantity) -> Number:
    """Return the speed-up over the first point, divided by the factor of threads, in percent."""
    factor = x_of(many, "threads") / x_of(one, "threads")
    speedup = quantities.ratio(one, many)
    return number(speedup.scaled(1 / factor), 0.01)


def _strategies(name: str, found: Sequence[Quantity], cold: dict[str, Estimate]) -> Figure:
    """Draw one dot for each series on a logarithmic axis, with the chapter's own way beside it."""
    names = quantities.varying([q.labels for q in found]) or ["strategy"]
    labels = [name_series(q.labels, names) for q in found]
    rates = [q.rate() for q in found]
    as_printed = [cold.get(str(q.labels["strategy"])) for q in found]

    def draw(axes: Axes, *, narrow: bool) -> None:
        plotting.dot_axes(axes, labels, "rate, GFLOPS", narrow=narrow)
        plotting.dots(axes, [rate.scaled(1 / GIGA) for rate in rates], 0, label="measured")
        if cold:
            hollow = [rate and rate.scaled(1 / GIGA) for rate in as_printed]
            plotting.dots(axes, hollow, 1, label="as printed", hollow=True)
            plotting.legend_above(axes)

    words = TITLES["strategy"]({"": list(found)}, max(found, key=lambda q: q.rate().value))
    return Figure(
        name=name,
        question="strategy" if "strategy" in names and len(found) > 1 else "",
        words=dataclasses.replace(
            words,
            caption=words.caption + printed.caption(found, cold),
            explanation=words.explanation + printed.explanation(found, cold),
        ),
        drawing=plotting.drawing(name, words.alt, draw, height=110 + 44 * len(labels)),
        table=_strategy_table(labels, found, as_printed),
        sheet=sheet(found, cold),
        code=sorted({_function(str(q.labels["strategy"])) for q in found}),
    )


def _strategy_table(
    labels: Sequence[str], found: Sequence[Quantity], as_printed: Sequence[Estimate | None]
) -> Table:
    fastest = max(found, key=lambda q: q.rate().value)
    header = ["strategy", "GFLOPS", "time, µs", "times as long as the fastest"]
    rows: list[list[str | Number]] = []
    for label, quantity, printed_rate in zip(labels, found, as_printed, strict=True):
        slower = quantities.ratio(quantity, fastest)
        row: list[str | Number] = [
            label,
            number(quantity.rate(), GIGA, best=quantity is fastest),
            number(quantity.time(), 1e-6),
            Number(text="1") if quantity is fastest else number(slower),
        ]
        if any(as_printed):
            row.append(absent() if printed_rate is None else number(printed_rate, GIGA))
        rows.append(row)
    if any(as_printed):
        header.append("as printed, GFLOPS")
    return Table(header=header, rows=rows)


def sheet(found: Sequence[Quantity], cold: dict[str, Estimate] | None = None) -> Sheet:
    """Return all series with their labels, in SI units."""
    names = list(found[0].labels)
    header = [*names, "flop", *columns("elapsed_s"), *columns("flop_per_s")[:3]]
    rows: list[list[Scalar]] = [
        [q.labels[n] for n in names] + [q.flops] + cells(q.time()) + cells(q.rate())[:3]
        for q in found
    ]
    if cold:
        header.append("as_printed_flop_per_s")
        for row, quantity in zip(rows, found, strict=True):
            rate = cold.get(str(quantity.labels["strategy"]))
            row.append(None if rate is None else rate.value)
    return Sheet(header=header, rows=rows)


def _function(strategy: str) -> str:
    return "Products." + strategy.replace("-", "_")
