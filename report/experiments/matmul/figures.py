"""Figures and tables of a `matmul` experiment of one machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from report.analysis.quantities import Highest, Quantity, by_backend, highest, ratio, varying
from report.experiments import book
from report.experiments.matmul import quantities
from report.experiments.matmul.measure import BATCH
from report.figures import figure, identity, prose, shapes
from report.figures.figure import Columns, Figure, Number, Table, columns, number, table, together
from report.figures.shapes import BOOKS, BOOKS_WAY, line, row
from report.registry import BACKENDS
from report.text.numerals import GIGA, MICRO, PERCENT, digits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.analysis.estimate import Estimate
    from report.results.result import Record, Result

TEMPLATE = "experiments/matmul.html"

LEAST_FOR_A_LINE = 3

AXES = {"block_width": "columns of a block", "size": "n, rows and columns", "threads": "threads"}
"""The labels that can be a horizontal axis, the most telling first, in words."""

RATE = shapes.Axis(label="rate, GFLOPS", unit=GIGA)

Lines = dict[str, list[Quantity]]


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw an experiment of one machine: one figure for each backend."""
    drawn = []
    for backend, records in by_backend(result.of(experiment)).items():
        if series := quantities.of_records(records, result.run):
            name, axis = f"{experiment}-{backend}", choose_axis(series)
            drawn.append(
                _curves(name, axis, series) if axis else _strategies(name, series, records)
            )
            if axis == "size":
                drawn += _clocks(f"{name}-clocks", records, result.run)
    return drawn


def _clocks(name: str, records: Sequence[Record], run: str) -> list[Figure]:
    """Draw how long a float32 product keeps an accelerator busy, beside what its caller waits."""
    named = {"the caller waits": "seconds", "the device works": "device_seconds"}
    named |= {"with its cache emptied": "cold_seconds"}
    lines: Lines = {}
    for label, metric in named.items():
        every = quantities.of_records(records, run, metric)
        mine = [q for q in every if quantities.number_format(q) == "float32"]
        if mine:
            strategy = mine[0].labels["strategy"]
            mine = [q for q in mine if q.labels["strategy"] == strategy]
            lines[label] = sorted(mine, key=lambda q: q.number("size"))
    if len(lines) < len(named):
        return []
    waits, works, cold = lines.values()
    shape = shapes.Curves(
        x=axis_of("size", waits),
        y=shapes.Axis(label="time of a product, µs", unit=MICRO),
        lines=tuple(
            line(label, k, [q.number("size") for q in mine], [q.time() for q in mine])
            for k, (label, mine) in enumerate(lines.items())
        ),
    )
    sizes = [q.number("size") for q in waits]
    columns: Columns = {
        f"{label}, µs": [
            number(q.time() if q else None, MICRO)
            for q in map({q.number("size"): q for q in mine}.get, sizes)
        ]
        for label, mine in lines.items()
    }
    slower = [ratio(a, b) for a, b in zip(cold, works, strict=False)]
    figure = prose.figure(
        TEMPLATE,
        name,
        "clocks",
        shape,
        table=table("n", [f"{size:,}" for size in sizes], columns),
        sheet=together(((label, sheet(mine)) for label, mine in lines.items()), "clock"),
        code=_code(waits),
        first=(waits[0], works[0], ratio(waits[0], works[0])),
        last=(waits[-1], works[-1], ratio(waits[-1], works[-1])),
        cold=max(zip(slower, works, strict=False), key=lambda pair: pair[0].value, default=None),
    )
    return [figure]


def choose_axis(series: Sequence[Quantity]) -> str | None:
    """Return the label to draw against, or None where nothing is swept far enough."""
    values = {label: {q.labels[label] for q in series} - {None} for label in AXES}
    return next((label for label in AXES if len(values[label]) >= LEAST_FOR_A_LINE), None)


def sheet(series: Sequence[Quantity]) -> figure.Sheet:
    """Return all series with their labels, in SI units."""
    metrics = {"elapsed_s": None, "flop_per_s": "flop_per_s"}
    return figure.quantity_sheet(series, metrics, {"flop": "flops"})


def _with_printed(measured: figure.Sheet, printed: Sequence[Estimate | None]) -> figure.Sheet:
    """Add the rates as the chapter's own timing gives them, to the rows that have one."""
    name = "as_printed_flop_per_s"
    return figure.Sheet(
        header=[*measured.header, *columns(name)[:3], f"{name}_key"],
        rows=[
            [*row, *figure.cells(cold)[:3], cold.key if cold else None]
            for row, cold in zip(measured.rows, printed, strict=True)
        ],
    )


def _curves(name: str, axis: str, series: Sequence[Quantity]) -> Figure:
    """Draw rates against size, block width or threads, a line for each other combination."""
    lines = _group(axis, series)
    every = [q for mine in lines.values() for q in mine]
    best = highest(every, "flop_per_s")
    top = best.estimate.value
    highest_rate = shapes.Reference(y=top, label=f"highest: {digits(top / GIGA)}")
    shape = shapes.Curves(
        x=axis_of(axis, every),
        y=rate_axis(axis),
        lines=tuple(
            curve(label, hue, axis, mine)
            for hue, (label, mine) in zip(_hues(lines), lines.items(), strict=True)
        ),
        marks=(_full_speed(next(iter(lines.values()))) if axis == "threads" else highest_rate,),
    )
    batched = _batched(lines) if axis == "size" else {}
    return prose.figure(
        TEMPLATE,
        name,
        "batched" if batched else axis,
        shape,
        table=_table(axis, lines, series),
        sheet=sheet(series),
        code=_code(series),
        best=best,
        **(batched or _facts(axis, lines, best)),
    )


def _batched(lines: Lines) -> dict[str, Any]:
    """Return what many products in one call bring at either end; nothing of anything else."""
    found = {mine[0].labels["strategy"]: (label, mine) for label, mine in lines.items()}
    if len(lines) != len(found) or found.keys() != {"full-out", "batched"}:
        return {}
    (label, alone), (_, many) = found["full-out"], found["batched"]
    sizes = {q.labels["size"]: q for q in many}
    both = [(q, sizes[q.labels["size"]]) for q in alone if q.labels["size"] in sizes]
    if not both:
        return {}
    small, large = both[0], both[-1]
    gain = ratio(small[1], small[0], "flop_per_s")
    return {"small": small, "large": large, "gain": gain, "alone": label, "batch": BATCH}


def _hues(lines: Lines) -> list[int]:
    """Return the place of each line's colour, by what tells the lines apart."""
    firsts = [mine[0] for mine in lines.values()]
    names = {*varying([q.labels for q in firsts])} - {"block_width"}
    if names <= {"dtype", "tf32"}:
        return identity.places("dtype", map(quantities.number_format, firsts))
    sort = next((name for name in ("strategy", "size") if names == {name}), "")
    return identity.places(sort, [q.labels[sort] for q in firsts] if sort else lines)


def _facts(axis: str, lines: Lines, best: Highest) -> dict[str, Any]:
    main = next(mine for mine in lines.values() if best.quantity in mine)
    if axis == "size":
        tops = {label: highest(mine, "flop_per_s") for label, mine in lines.items()}
        first, top = next(iter(lines.values())), next(iter(tops.values())).quantity
        by_format = {quantities.number_format(one.quantity): one.quantity for one in tops.values()}
        base = by_format.get("float32")
        return {
            "tops": tops,
            "enough": enough(first, top),
            "top": top,
            "smallest": first[0],
            "share": ratio(first[0], top, "flop_per_s"),
            "beside_float32": {
                name: ratio(one, base, "flop_per_s")
                for name, one in by_format.items()
                if base is not None and one is not base
            },
        }
    if axis == "block_width":
        chapter = next((q for q in main if q.labels[axis] == CHAPTERS_WIDTH), None)
        return {
            "enough": enough(main, best.quantity),
            "gains": [
                (mine[0], mine[-1], ratio(mine[-1], mine[0], "flop_per_s"))
                for mine in lines.values()
            ],
            "chapters": chapter if chapter is not main[-1] else None,
            "chapters_share": chapter and ratio(chapter, main[-1], "flop_per_s"),
        }
    return {
        "first": main[0],
        "last": main[-1],
        "speedup": ratio(main[0], main[-1]),
        "efficiency": _efficiency(main[0], main[-1]),
    }


CHAPTERS_WIDTH = 64


def _efficiency(first: Quantity, last: Quantity) -> Estimate:
    """Return the speed-up over the first point, divided by the factor of threads."""
    factor, speedup = last.number("threads") / first.number("threads"), ratio(first, last)
    return speedup.scaled(1 / factor, f"efficiency {speedup.key}")


def enough(mine: Sequence[Quantity], top: Quantity) -> Quantity:
    """Return the first point of a line that reaches nine tenths of a rate."""
    return next(q for q in mine if q.rate().value >= 0.9 * top.rate().value)


def rate_axis(axis: str) -> shapes.Axis:
    """Return the vertical axis: where threads are swept it begins at 0."""
    return replace(RATE, scale="linear", low=0) if axis == "threads" else RATE


def curve(label: str, index: int, axis: str, mine: Sequence[Quantity]) -> shapes.Line:
    """Return rates along an axis."""
    return line(label, index, [q.number(axis) for q in mine], [q.rate() for q in mine])


def axis_of(axis: str, series: Sequence[Quantity]) -> shapes.Axis:
    """Return the horizontal axis of a label, with ticks where some series lie."""
    values = {q.number(axis) for q in series if q.labels[axis] is not None}
    return shapes.Axis(label=AXES[axis], scale="log2", ticks=tuple(sorted(values)))


def _full_speed(mine: Sequence[Quantity]) -> shapes.Guide:
    """Draw what each thread would bring if it brought as much as the first ones."""
    ends = mine[0].number("threads"), mine[-1].number("threads")
    each = mine[0].rate().value / ends[0]
    return shapes.Guide(
        x=ends,
        y=tuple(each * count for count in ends),
        label="each thread at full speed",
        at=(ends[-1], each * ends[-1]),
        offset=(-8, 8),
        ha="right",
    )


def _group(axis: str, series: Sequence[Quantity]) -> Lines:
    """Group quantities into lines by all that varies beside the axis, each sorted along it."""
    names = [n for n in varying([q.labels for q in series]) if n != axis]
    if axis == "block_width" and "strategy" in names:
        series = [q for q in series if q.labels["block_width"] is not None]
        names.remove("strategy")
    lines: Lines = {}
    for quantity in series:
        if quantity.labels[axis] is not None:
            lines.setdefault(quantities.name_series(quantity.labels, names), []).append(quantity)
    return {label: sorted(mine, key=lambda q: q.number(axis)) for label, mine in lines.items()}


def _table(axis: str, lines: Lines, series: Sequence[Quantity]) -> Table:
    """Return rates by the axis's values, a column for each line; the whole product comes last."""
    values = sorted({q.number(axis) for mine in lines.values() for q in mine})
    rows: list[list[str | Number]] = [[f"{value:,}"] for value in values]
    header = [AXES[axis]]
    for label, mine in lines.items():
        header.append(f"{label}, GFLOPS" if label else "GFLOPS")
        if axis == "threads":
            header.append("parallel efficiency, %")
        best = highest(mine, "flop_per_s").quantity
        at = {q.number(axis): q for q in mine}
        for q, shown in zip(map(at.get, values), rows, strict=True):
            shown.append(number(q.rate() if q else None, GIGA, best=q is best))
            if axis == "threads":
                shown.append(number(_efficiency(mine[0], q) if q else None, PERCENT))
    whole = [q for q in series if axis == "block_width" and q.labels["strategy"] == "full"]
    if whole:
        # Two products that differ in nothing but their strategy.
        either = {"strategy": None, "block_width": None}
        rest = [mine[0].labels | either for mine in lines.values()]
        same = (next((q for q in whole if q.labels | either == labels), None) for labels in rest)
        rows.append(["all at once", *(number(q.rate() if q else None, GIGA) for q in same)])
    return Table(header=header, rows=rows)


def _strategies(name: str, series: Sequence[Quantity], records: Sequence[Record]) -> Figure:
    """Draw one dot for each series, with the chapter's own way of timing beside it."""
    names = varying([q.labels for q in series]) or ["strategy"]
    labels = {q.name(): quantities.name_series(q.labels, names) for q in series}
    cold = quantities.as_printed(records, series[0].run)
    printed = [cold.get(str(q.labels["strategy"])) for q in series]
    rows = [row("measured" if cold else "", 0, [q.rate() for q in series])]
    if cold:
        rows.append(row(BOOKS_WAY, 0, printed, hollow=True, twin=1))
    prints = _book(records[0].backend, series) if cold else []
    if any(prints):
        rows.append(shapes.ranges(BOOKS, prints))
    shape = shapes.Dots(labels=tuple(labels.values()), x=RATE, rows=tuple(rows))
    best = highest(series, "flop_per_s")
    by_rate = sorted(series, key=lambda q: q.rate().value)
    backend = BACKENDS.get(records[0].backend)
    listing = (backend and backend.listing) or ()
    question = "strategy" if "strategy" in names and len(series) > 1 else "products"
    facts = _ways({str(q.labels["strategy"]): q for q in series}, best.quantity)
    if names == ["threads"]:  # too few for a curve
        question, by_threads = "threads", sorted(series, key=lambda q: q.number("threads"))
        facts |= _facts("threads", {"": by_threads}, best)
    return prose.figure(
        TEMPLATE,
        name,
        question,
        shape,
        table=_strategy_table(labels, series, printed, prints),
        sheet=_with_printed(sheet(series), printed) if cold else sheet(series),
        code=_code(series),
        best=best,
        slowest=by_rate[0],
        names=labels,
        series=by_rate,
        factor=ratio(best.quantity, by_rate[0], "flop_per_s"),
        cold=cold,
        book=book.BOOK[records[0].backend] if any(prints) else None,
        # Whether a listing that waits for some of its products does not wait for this one.
        block_unwaited=bool(listing) and "block" not in listing,
        blank=quantities.blank_prints(records),
        **facts,
    )


def _book(backend: str, series: Sequence[Quantity]) -> list[list[float]]:
    """Return what the book prints of each series, in FLOP/s; nothing of what it does not time."""
    prints = book.BOOK.get(backend)
    return [
        prints.rates(str(q.labels["strategy"]))
        if prints and (q.labels["size"], q.labels["dtype"]) == (book.SIZE, "float32")
        else []
        for q in series
    ]


def _ways(named: Mapping[str, Quantity], best: Quantity) -> dict[str, Any]:
    """Return what explains the rates of several ways to compute one product."""
    element = named.get("element")
    column, row, block, full = map(named.get, ("column", "row", "block", "full"))
    return {
        "named": named,
        "element": element
        and {
            "calls": quantities.product_calls(*quantities.product(element)),
            "call": quantities.call_time(element),
            "arithmetic": ratio(element, best, "flop_per_s"),
        },
        # By rates, as everything here is ranked: the two need not be of one size.
        "rows": row and column and ratio(row, column, "flop_per_s"),
        "block": block and full and ratio(block, full, "flop_per_s"),
    }


def _strategy_table(
    labels: Mapping[str, str],
    series: Sequence[Quantity],
    printed: Sequence[Estimate | None],
    prints: Sequence[Sequence[float]],
) -> Table:
    fastest = highest(series, "flop_per_s").quantity
    columns: Columns = {
        "GFLOPS": [number(q.rate(), GIGA, best=q is fastest) for q in series],
        "time, µs": [number(q.time(), MICRO) for q in series],
        "times as long as the fastest": [
            Number(text="1") if q is fastest else number(ratio(fastest, q, "flop_per_s"))
            for q in series
        ],
    }
    if any(printed):
        columns[f"{BOOKS_WAY}, GFLOPS"] = [number(cold, GIGA) for cold in printed]
    if any(prints):
        columns[f"{BOOKS}, GFLOPS"] = [figure.spread(each, GIGA) for each in prints]
    return table("strategy", [labels[q.name()] for q in series], columns)


def _code(series: Sequence[Quantity]) -> list[str]:
    strategies = {str(q.labels["strategy"]).replace("-", "_") for q in series}
    return sorted(f"Products.{strategy}" for strategy in strategies)
