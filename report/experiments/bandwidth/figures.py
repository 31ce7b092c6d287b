"""Figures of a `bandwidth` experiment: of one machine, and of several on the same axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from report.analysis.quantities import Quantity, by_backend, highest, ratio, varying
from report.experiments.bandwidth import quantities
from report.experiments.bandwidth.measure import LINE_BYTES
from report.experiments.bandwidth.quantities import Level, each, stride, threads, working_set
from report.experiments.kind import Overlay, ranking
from report.figures import identity, prose
from report.figures.figure import Figure, Number, Sheet, Table, number, quantity_sheet, together
from report.figures.shapes import Axis, Curves, Dash, Guide, Mark, Upright, line
from report.text import names
from report.text.numerals import GIGA, NANO, count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.analysis.estimate import Estimate
    from report.results.result import Record, Result

TEMPLATE = "experiments/bandwidth.html"

SHOWN = ["read", "copy", "triad", "sequential", "random"]
"""Always in this order, as far as they are there: each keeps its colour."""

BANDWIDTH = Axis(label="bandwidth, GB/s", unit=GIGA, room=2)

Lines = dict[str, list[Quantity]]
"""Series by the name of their line, each line sorted along the horizontal axis."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What is drawn of some operations, a figure each."""

    operations: tuple[str, ...]
    label: str  # that tells lines apart; a dtype is named only where it varies
    # Where on the horizontal axis a series lies; `axis` says what that is called.
    x: Callable[[Quantity], int] = working_set
    axis: str = "working set"
    y: Axis
    value: Callable[[Quantity], Estimate] = each
    # (lines, caches) -> what the sentences name.
    facts: Callable[[Lines, Sequence[Level]], dict[str, Any]]


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw an experiment of one machine."""
    drawn = []
    for backend, records in by_backend(result.of(experiment)).items():
        series = quantities.of_records(records, result.run)
        for question, sweep in SWEEPS.items():
            mine = [q for q in series if q.labels["operation"] in sweep.operations]
            if mine:
                # What goes anywhere finds no more than what one thread's caches hold.
                several = max(map(threads, mine)) if question == "working_set" else 1
                known = quantities.levels_of(result, records, several)
                drawn.append(_figure(f"{experiment}-{backend}", question, mine, known))
    return drawn


def _sheet(series: Sequence[Quantity]) -> Sheet:
    metrics = {"elapsed_s": None, "bytes_per_s": "bytes_per_s"}
    return quantity_sheet(series, metrics, {"bytes": "bytes_moved"})


def _sizes(series: Sequence[Quantity], label: str = "working set") -> Axis:
    return Axis(label=label, scale="bytes", ticks=tuple(sorted(set(map(working_set, series)))))


def _figure(name: str, question: str, series: Sequence[Quantity], known: Sequence[Level]) -> Figure:
    sweep = SWEEPS[question]
    lines = _group(series, sweep)
    x = _sizes(series, sweep.axis)
    marks: list[Mark] = [Upright(x=level.reach_bytes, label=level.words) for level in known]
    if question == "stride":
        x = Axis(label=sweep.axis, scale="log2", ticks=tuple(sorted(set(map(stride, series)))))
        items = set(map(quantities.item_bytes, series))
        label = f"{LINE_BYTES} bytes, a common cache line"
        marks = [Upright(x=LINE_BYTES // item, label=label) for item in items if len(items) == 1]
    if question == "working_set" and (shortest := _shortest_call(series)):
        marks.append(_call(shortest.time().value, series))
    things = [mine[0].labels[sweep.label] for mine in lines.values()]
    alone = len(set(things)) == len(things)  # dtypes and threads do not tell lines apart as well
    hues = identity.places(sweep.label, things if alone else lines)
    shape = Curves(
        x=x,
        y=sweep.y,
        lines=tuple(
            line(label, hue, [sweep.x(q) for q in mine], [sweep.value(q) for q in mine])
            for hue, (label, mine) in zip(hues, lines.items(), strict=True)
        ),
        marks=tuple(marks),
        height=420 if question == "working_set" else 380,
    )
    return prose.figure(
        TEMPLATE,
        f"{name}-{question.replace('_', '-')}",
        question,
        shape,
        table=_table(lines, sweep),
        sheet=_sheet(series),
        code=sorted({str(q.labels["operation"]) for q in series}),
        line_bytes=LINE_BYTES,
        lines=lines,
        each=each,
        **sweep.facts(lines, known),
    )


def _group(series: Sequence[Quantity], sweep: Sweep) -> Lines:
    """Group series by the sweep's label, and by whatever of dtype and threads varies as well."""
    differing = varying([q.labels for q in series])
    known = dict.fromkeys([sweep.label, "dtype", "threads"])
    named = [n for n in known if n in differing or n == sweep.label != "dtype"]
    # Labels that are not listed keep their order.
    place = {name: index for index, name in enumerate(SHOWN)}
    lines: Lines = {}
    for q in sorted(series, key=lambda q: place.get(str(q.labels[sweep.label]), 0)):
        parts = [count(threads(q), "thread") if n == "threads" else str(q.labels[n]) for n in named]
        lines.setdefault(", ".join(parts), []).append(q)
    return {label: sorted(mine, key=sweep.x) for label, mine in lines.items()}


def _call(call_s: float, series: Sequence[Quantity]) -> Guide:
    """Draw what a call can move at most that takes as long as the shortest one."""
    sizes = [working_set(q) for q in series]
    top = max(q.bandwidth().value for q in series)
    ends = (float(min(sizes)), min(max(sizes), top * call_s))
    return Guide(x=ends, y=tuple(end / call_s for end in ends))


def _table(lines: Lines, sweep: Sweep) -> Table:
    """Return the lines' values, a column for each, and what the last of two is to the first."""
    unit = sweep.y.label.rpartition(", ")[2]
    pair = {*lines} == {"sequential", "random"}
    rows: list[list[str | Number]] = []
    for x in sorted({sweep.x(q) for mine in lines.values() for q in mine}):
        at = [next((q for q in mine if sweep.x(q) == x), None) for mine in lines.values()]
        row: list[str | Number] = [names.size(x) if sweep.x is working_set else f"{x:,}"]
        row += [number(None if q is None else sweep.value(q), sweep.y.unit) for q in at]
        if pair:
            first, second = at
            row.append(number(ratio(second, first) if first and second else None))
        rows.append(row)
    header = [sweep.axis, *(f"{label}, {unit}" if label else unit for label in lines)]
    return Table(header=[*header, "times as long"] if pair else header, rows=rows)


def _of_streams(lines: Lines, known: Sequence[Level]) -> dict[str, Any]:
    every = [q for mine in lines.values() for q in mine]
    first = next(iter(lines.values()))
    tops = {label: highest(mine, "bytes_per_s") for label, mine in lines.items()}
    top, last = next(iter(tops.values())).quantity, first[-1]
    return {
        "top": top,
        "last": last,
        # Bytes for bytes: a call over a large working set moves more of them.
        "gain": ratio(top, last, "bytes_per_s") if top is not last else None,
        "tops": tops,
        "known": known,
        # Of the highest rate, whether no cache and not memory either can be said to give it.
        "between": not quantities.place(working_set(top), known, max(map(working_set, every))),
        "reached": quantities.roofs_of(known, quantities.with_most_threads(every)) if known else {},
        "call": _shortest_call(every),
    }


def _shortest_call(series: Sequence[Quantity]) -> Quantity | None:
    """Return the copy or triad that takes the shortest time, where the call is most of it.

    A read goes through a small working set many times in one call, and so hides what a call costs.
    """
    once = [q for q in series if q.labels["operation"] in {"copy", "triad"}]
    if not once:
        return None
    shortest = min(once, key=lambda q: q.time().value)
    fastest = max(q.bandwidth().value for q in once)
    return shortest if shortest.bandwidth().value < fastest / 2 else None


def _of_orders(lines: Lines, _: Sequence[Level]) -> dict[str, Any]:
    """Compare look-ups in order and at random that differ in nothing else."""
    every = [q for mine in lines.values() for q in mine]
    either = {"order": None, "working_set_bytes": None}
    alike = [q for q in every if q.labels | either == every[0].labels | either]
    at = {(q.labels["order"], working_set(q)): q for q in alike}
    both = sorted(n for order, n in at if order == "random" and ("sequential", n) in at)
    factors = [(n, ratio(at["random", n], at["sequential", n])) for n in both]
    return {"near": factors[:1], "far": factors[-1:], "device": every[0].device}


def _of_strides(lines: Lines, _: Sequence[Level]) -> dict[str, Any]:
    mine = next(iter(lines.values()))
    first, last, item = mine[0], mine[-1], quantities.item_bytes(mine[0])
    whole = next((q for q in mine if stride(q) * item >= LINE_BYTES), last)
    of_lines = each(whole).reciprocal(LINE_BYTES, f"lines of {whole.name('bytes_per_s')}")
    return {
        "first": first,
        "whole": whole if whole is not first else None,
        "last": last if last is not whole else None,
        "item": item,
        "apart": stride(whole) * item,
        "times_whole": ratio(whole, first),
        "times_last": ratio(last, whole),
        "of_lines": of_lines if stride(whole) * item >= LINE_BYTES else None,
    }


def _of_chases(lines: Lines, known: Sequence[Level]) -> dict[str, Any]:
    mine = next(iter(lines.values()))
    return {
        "first": mine[0],
        "last": mine[-1],
        "slower": ratio(mine[-1], mine[0]),
        "levels": {name: _ends(held) for name, held in quantities.by_place(known, mine).items()},
    }


def _ends(held: Sequence[Quantity]) -> list[Estimate]:
    """Return the shortest and the longest time of an element, or the one that there is."""
    times = sorted(map(each, held), key=lambda time: time.value)
    return times[:1] + times[1:][-1:]


SWEEPS = {
    "working_set": Sweep(
        operations=quantities.STREAMS,
        label="operation",
        y=BANDWIDTH,
        value=Quantity.bandwidth,
        facts=_of_streams,
    ),
    "order": Sweep(
        operations=("gather",),
        label="order",
        axis="table of values",
        y=Axis(label="time of one look-up, ns", unit=NANO, room=4),
        facts=_of_orders,
    ),
    "stride": Sweep(
        operations=("strided",),
        label="dtype",
        x=stride,
        axis="stride, elements",
        y=Axis(label="time of one element, ns", unit=NANO),
        facts=_of_strides,
    ),
    "latency": Sweep(
        operations=("chase",),
        label="dtype",
        y=Axis(label="time of one access, ns", unit=NANO, room=4),
        facts=_of_chases,
    ),
}


OPERATIONS = ("triad", "read", "copy")
"""The first that all have are drawn: one of machines, two of frameworks, which are fewer."""

DASHES: dict[str, Dash] = {"read": "-", "triad": "--", "copy": (0, (1, 1.2))}

CODE = ["read", "triad", "total", "triad_part"]


def overlay(over: Overlay) -> list[Figure]:
    """Draw bandwidth against working set for several machines, or frameworks.

    All show the same operations in the same number format, each with the most threads that it was
    measured with, which need not be as many on each.
    """
    series = over.series(_streams)
    if len(series) < 2:
        return []
    shared = set.intersection(*({_what(q) for q in mine} for mine in series.values()))
    first = next(iter(series.values()))
    dtype = next((_what(q)[1] for q in first if _what(q) in shared), "")
    common = [operation for operation in OPERATIONS if (operation, dtype) in shared]
    shown = common[: 2 if over.noun == "framework" else 1]
    lines = {
        (name, what): sorted((q for q in mine if _what(q) == (what, dtype)), key=working_set)
        for name, mine in series.items()
        for what in quantities.STREAMS
        if what in shown
    }
    return [_compared(over, lines, dtype)] if lines else []


def _streams(records: Sequence[Record], run: str) -> list[Quantity]:
    series = quantities.with_most_threads(quantities.of_records(records, run))
    return [q for q in series if q.labels["operation"] in quantities.STREAMS]


def _what(quantity: Quantity) -> tuple[str, str]:
    return str(quantity.labels["operation"]), str(quantity.labels["dtype"])


def _compared(over: Overlay, lines: dict[tuple[str, str], list[Quantity]], dtype: str) -> Figure:
    index = {subject.name: subject.index for subject in over.subjects}
    operations = list(dict.fromkeys(operation for _, operation in lines))
    several = len(operations) > 1
    named = {", ".join(key) if several else key[0]: mine for key, mine in lines.items()}
    shape = Curves(
        x=_sizes([q for mine in lines.values() for q in mine]),
        y=Axis(label=BANDWIDTH.label, unit=GIGA),
        lines=tuple(
            line(
                label,
                index[name],
                [working_set(q) for q in mine],
                [q.bandwidth() for q in mine],
                dash=DASHES[operation] if several else None,
            )
            for label, ((name, operation), mine) in zip(named, lines.items(), strict=True)
        ),
        names="above",
    )
    return prose.figure(
        TEMPLATE,
        over.name,
        "memory" if over.backends else "compare",
        shape,
        blocks="compared",
        table=_table(named, SWEEPS["working_set"]),
        sheet=together(((name, _sheet(mine)) for (name, _), mine in lines.items()), over.noun),
        code=CODE if over.backends else (),
        backends=over.backends,
        noun=over.noun,
        operations=operations,
        dtype=dtype,
        users={
            name: count(threads(mine[0]), "thread") if mine[0].device == "cpu" else mine[0].device
            for (name, _), mine in lines.items()
        },
        **_furthest(over, {name for name, _ in lines}),
    )


def _furthest(over: Overlay, shown: set[str]) -> dict[str, Any]:
    """Return what each delivers from the places that all reach, and the gap furthest away."""
    found = {
        s.name: quantities.roofs(s.result, s.backend) for s in over.subjects if s.name in shown
    }
    first = next(iter(found.values()))
    places = [place for place in first if all(place in mine for mine in found.values())]
    if not places:
        return {"place": None}
    ranked = ranking({name: mine[places[-1]] for name, mine in found.items()}, "bytes_per_s")
    return {"place": places[-1], "places": places, "roofs": found, **ranked}
