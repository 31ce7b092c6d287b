"""Figures and tables of a `bandwidth` experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.bandwidth import caches, latency, words
from report.experiments.bandwidth.axes import THIN, byte_axis, draw_caches, upright
from report.experiments.bandwidth.lines import Lines, each, group, of_operations, stride_of
from report.experiments.bandwidth.measure import ITEM_BYTES
from report.experiments.bandwidth.quantities import of_records
from report.experiments.bandwidth.roofs import STREAMS, threads, working_set
from report.figures import plotting, ticks
from report.figures.figure import Figure, Number, Sheet, Table, absent, cells, columns, number
from report.figures.svg import MUTED
from report.text import names
from report.text.numerals import scaled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

    from report.analysis.quantities import Quantity
    from report.experiments.bandwidth.caches import Level
    from report.results.result import Result
    from report.worker.records import Scalar

GIGA, NANO = 1e9, 1e-9


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw an experiment of one machine: by working set, by order, by stride."""
    drawn = []
    for backend, records in quantities.by_backend(result.of(experiment)).items():
        found = of_records(records, result.run)
        cpu = result.machine.cpu if caches.on_processor(records) else None
        name = f"{experiment}-{backend}"
        streams = of_operations(found, STREAMS)
        gathers = of_operations(found, ("gather",))
        strided = of_operations(found, ("strided",))
        chases = sorted(of_operations(found, ("chase",)), key=working_set)
        if streams:
            known = caches.levels(cpu, max(map(threads, streams))) if cpu else []
            drawn.append(_working_sets(f"{name}-working-set", streams, known))
        if gathers:
            # Each look-up may go anywhere: what a thread's own caches hold does not add up.
            known = caches.levels(cpu, 1) if cpu else []
            drawn.append(_orders(f"{name}-order", gathers, known))
        if strided:
            drawn.append(_strides(f"{name}-stride", strided))
        if chases:
            known = caches.levels(cpu, 1) if cpu else []
            drawn.append(_latency(f"{name}-latency", chases, known))
    return drawn


def _working_sets(name: str, found: Sequence[Quantity], known: Sequence[Level]) -> Figure:
    """Draw bytes per second against working set, a line for each operation."""
    lines = group(found, "operation", working_set)
    call = words.shortest_call(found)

    def draw(axes: Axes, *, narrow: bool) -> None:
        sizes = _sizes(axes, found, narrow=narrow)
        ticks.log_axis(axes.yaxis)
        drawn = []
        for index, (label, line) in enumerate(lines.items()):
            at = [working_set(q) for q in line]
            rates = [q.bandwidth().scaled(1 / GIGA) for q in line]
            drawn.append(plotting.line(axes, at, rates, index, label=label))
        low, high = axes.get_ylim()
        if call is not None:
            _draw_call(axes, sizes, call.time().value, high)
        # Room for the caches' names below the lines.
        axes.set_ylim(low / 2, high)
        draw_caches(axes, known)
        axes.set_xlabel("working set")
        axes.set_ylabel("bandwidth, GB/s")
        plotting.name_lines(axes, drawn, narrow=narrow)

    said = words.working_sets(lines, known, call)
    return Figure(
        name=name,
        question="working_set",
        words=said,
        drawing=plotting.drawing(name, said.alt, draw, height=420),
        table=_table("working set", lines, working_set, _gigabytes, names.size),
        sheet=sheet(found),
        code=sorted({str(q.labels["operation"]) for q in found}),
    )


def _draw_call(axes: Axes, sizes: Sequence[int], call_s: float, high: float) -> None:
    """Draw what a call can move at most that takes as long as the shortest one."""
    ends = [sizes[0], min(sizes[-1], high * GIGA * call_s)]
    axes.plot(ends, [end / call_s / GIGA for end in ends], color=MUTED, linewidth=1, linestyle=THIN)
    axes.annotate(
        f"one call: {scaled(call_s, 's', 2)}",
        (ends[-1], ends[-1] / call_s / GIGA),
        xytext=(4, -2),
        textcoords="offset points",
        color=MUTED,
        fontsize=11.5,
        va="bottom",
    )


def _orders(name: str, found: Sequence[Quantity], known: Sequence[Level]) -> Figure:
    """Draw seconds per look-up against the table's size, in order and at random."""
    lines = group(found, "order", working_set)

    def draw(axes: Axes, *, narrow: bool) -> None:
        _sizes(axes, found, narrow=narrow)
        ticks.log_axis(axes.yaxis)
        drawn = []
        for index, (label, line) in enumerate(lines.items()):
            at = [working_set(q) for q in line]
            times = [each(q).scaled(1 / NANO) for q in line]
            drawn.append(plotting.line(axes, at, times, index, label=label))
        low, high = axes.get_ylim()
        axes.set_ylim(low / 4, high)
        draw_caches(axes, known)
        axes.set_xlabel("table of values")
        axes.set_ylabel("time of one look-up, ns")
        plotting.name_lines(axes, drawn, narrow=narrow)

    said = words.orders(lines)
    return Figure(
        name=name,
        question="order",
        words=said,
        drawing=plotting.drawing(name, said.alt, draw),
        table=_table("table of values", lines, working_set, _nanoseconds, names.size),
        sheet=sheet(found),
        code=["gather"],
    )


def _strides(name: str, found: Sequence[Quantity]) -> Figure:
    """Draw seconds per element against the distance from one to the next."""
    lines = group(found, "dtype", stride_of)
    items = {ITEM_BYTES[str(q.labels["dtype"])] for q in found}
    line_at = words.LINE_BYTES // min(items) if len(items) == 1 else None

    def draw(axes: Axes, *, narrow: bool) -> None:
        strides = sorted({stride_of(q) for q in found})
        ticks.log2_axis(axes, strides)
        ticks.log_axis(axes.yaxis)
        drawn = []
        for index, (label, line) in enumerate(lines.items()):
            at = [stride_of(q) for q in line]
            times = [each(q).scaled(1 / NANO) for q in line]
            drawn.append(plotting.line(axes, at, times, index, label=label))
        if line_at is not None and strides[0] < line_at <= strides[-1]:
            upright(axes, line_at, f"{words.LINE_BYTES} bytes, a common cache line")
        axes.set_xlabel("stride, elements")
        axes.set_ylabel("time of one element, ns")
        plotting.name_lines(axes, drawn, narrow=narrow)

    said = words.strides(lines)
    return Figure(
        name=name,
        question="stride",
        words=said,
        drawing=plotting.drawing(name, said.alt, draw),
        table=_table("stride, elements", lines, stride_of, _nanoseconds, lambda n: f"{n:,}"),
        sheet=sheet(found),
        code=["strided"],
    )


def _latency(name: str, found: Sequence[Quantity], known: Sequence[Level]) -> Figure:
    """Draw seconds per access against working set, where each access must wait for the last."""

    def draw(axes: Axes, *, narrow: bool) -> None:
        _sizes(axes, found, narrow=narrow)
        ticks.log_axis(axes.yaxis)
        times = [each(q).scaled(1 / NANO) for q in found]
        plotting.line(axes, [working_set(q) for q in found], times, 0, label="")
        draw_caches(axes, known)
        axes.set_xlabel("working set")
        axes.set_ylabel("time of one access, ns")

    said = latency.words(found, known)
    return Figure(
        name=name,
        question="latency",
        words=said,
        drawing=plotting.drawing(name, said.alt, draw),
        table=latency.table(found),
        sheet=sheet(found),
        code=["chase"],
    )


def _sizes(axes: Axes, found: Sequence[Quantity], *, narrow: bool) -> list[int]:
    """Lay out a horizontal axis of working sets, and return them."""
    sizes = sorted({working_set(q) for q in found})
    byte_axis(axes, sizes, narrow=narrow)
    return sizes


def _gigabytes(quantity: Quantity) -> Number:
    return number(quantity.bandwidth(), GIGA)


def _nanoseconds(quantity: Quantity) -> Number:
    return number(each(quantity), NANO)


def _table(
    axis: str,
    lines: Lines,
    x_of: Callable[[Quantity], int],
    shown: Callable[[Quantity], Number],
    name: Callable[[int], str],
) -> Table:
    """Return the lines' values, a column for each, and what the last of two is to the first."""
    unit = "GB/s" if shown is _gigabytes else "ns"
    rows: list[list[str | Number]] = []
    pair = [*lines.values()] if {*lines} == {"sequential", "random"} else []
    for x in sorted({x_of(q) for line in lines.values() for q in line}):
        at = [next((q for q in line if x_of(q) == x), None) for line in lines.values()]
        row: list[str | Number] = [name(x), *(absent() if q is None else shown(q) for q in at)]
        if pair:
            row.append(_slower(*at))
        rows.append(row)
    header = [axis, *(f"{label}, {unit}" if label else unit for label in lines)]
    return Table(header=[*header, "times as long"] if pair else header, rows=rows)


def _slower(first: Quantity | None, second: Quantity | None) -> Number:
    if first is None or second is None:
        return absent()
    return number(quantities.ratio(second, first))


def sheet(found: Sequence[Quantity]) -> Sheet:
    """Return all series with their labels, in SI units."""
    names = list(found[0].labels)
    header = [*names, "bytes", *columns("elapsed_s"), *columns("bytes_per_s")[:3]]
    rows: list[list[Scalar]] = [
        [q.labels[n] for n in names] + [q.bytes_moved] + cells(q.time()) + cells(q.bandwidth())[:3]
        for q in found
    ]
    return Sheet(header=header, rows=rows)
