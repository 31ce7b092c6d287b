"""Figures of an `overhead` experiment: of one machine, and of several side by side."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from report.analysis.quantities import Quantity, by_backend, highest, ratio
from report.experiments.matmul.quantities import peaks
from report.experiments.overhead import quantities
from report.figures import prose
from report.figures.figure import Figure, Number, Table, number, quantity_sheet, table, together
from report.figures.shapes import Axis, Curves, Dots, Mark, Reference, Upright, line, row
from report.text.numerals import KILO, MEGA, MICRO, PERCENT, digits, scaled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.analysis.estimate import Estimate
    from report.experiments.kind import Overlay, Subject
    from report.experiments.overhead.quantities import BySize, Parts
    from report.figures.figure import Columns, Sheet
    from report.results.result import Result

    BySubject = dict[str, Quantity]
    Lines = Mapping[str, BySize]

TEMPLATE = "experiments/overhead.html"

STEP = ["Update.step", "mean_loss", "linreg", "squared_loss", "sgd"]

UPDATES = quantities.CALLS[1:]
"""Ways to make an update; the place of each is that of its colour."""

NAMES = {"cpu": "eager, on the CPU"}

ROUGH = 0.25
"""From this relative deviation on, a line is said to describe the times badly."""


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw an experiment of one machine: additions by size, updates by batch."""
    drawn = []
    for backend, records in by_backend(result.of(experiment)).items():
        lines = quantities.calls(quantities.of_records(records, result.run))
        adds = lines.pop("add", None)
        if adds:
            drawn.append(_additions(f"{experiment}-{backend}-dispatch", adds))
        if lines:
            shortest = next(iter(adds.values())) if adds else None
            best = peaks(result).get("float32")
            peak = best.quantity if best and best.quantity.backend == backend else None
            drawn.append(_updates(f"{experiment}-{backend}-update", lines, shortest, peak))
    return drawn


def _sheet(series: Sequence[Quantity], rate: str = "flop_per_s") -> Sheet:
    counts = {"flop": "flops", "bytes_moved": "bytes_moved"}
    return quantity_sheet(series, {"elapsed_s": None, rate: rate}, counts)


def _additions(name: str, adds: BySize) -> Figure:
    """Draw seconds per addition against elements, with the shortest vector's as a reference."""
    sizes, series = list(adds), list(adds.values())
    first, last, twice = series[0], series[-1], quantities.doubled(adds)
    cost = first.time().value
    marks: list[Mark] = [
        Reference(
            y=cost,
            label=f"{quantities.name_call(first)}: {scaled(cost, 's')}",
            narrow=scaled(cost, "s"),
            below=True,
        )
    ]
    if twice is not None:
        marks.append(Upright(x=twice.value, label=f"twice that: {digits(twice.value)}", top=True))
    shape = Curves(
        x=Axis(label="elements"),
        # Room for the reference's label below the line.
        y=Axis(label="time of one call, µs", unit=MICRO, room=1.5),
        lines=(line("add", 0, sizes, [q.time() for q in series]),),
        marks=tuple(marks),
    )
    several = len(adds) > 1
    columns: Columns = {
        "time, µs": [number(q.time(), MICRO) for q in series],
        "times the shortest": [Number(text="1"), *(number(ratio(q, first)) for q in series[1:])],
        "million additions a second": [number(q.rate(), MEGA) for q in series],
    }
    return prose.figure(
        TEMPLATE,
        name,
        "dispatch",
        shape,
        table=table("elements", [f"{size:,}" for size in sizes], columns),
        sheet=_sheet(series),
        code=["addition"],
        first=first,
        last=last if several else None,
        twice=twice,
        slower=several and ratio(last, first),
        one=last.time().scaled(1 / sizes[-1], f"one addition of {last.name()}"),
        worth=ratio(first, last).scaled(sizes[-1], f"additions worth {first.name()}"),
    )


def _updates(name: str, lines: Lines, shortest: Quantity | None, peak: Quantity | None) -> Figure:
    """Draw seconds per update against batch size, with the part that is fixed as a reference."""
    variant, main = next(iter(lines.items()))
    marks: list[Mark] = []
    if found := quantities.parts(main):
        label = f"fixed part, {variant}: {scaled(found.fixed.value, 's')}"
        marks.append(Reference(y=found.fixed.value, label=label, below=True))
    shape = Curves(
        x=Axis(label="batch size"),
        y=Axis(label="time of one update, µs", unit=MICRO, scale="zero-or-log"),
        lines=tuple(
            line(
                NAMES.get(name, name),
                UPDATES.index(name),
                list(mine),
                [q.time() for q in mine.values()],
            )
            for name, mine in lines.items()
        ),
        marks=tuple(marks),
    )
    every = [q for mine in lines.values() for q in mine.values()]
    graph = [*_over(lines, "graph", variant).items()]
    return prose.figure(
        TEMPLATE,
        name,
        "update",
        shape,
        table=_table(lines, found, peak),
        sheet=_sheet(every, "examples_per_s"),
        code=[*STEP, *(["Update.compile"] if "compiled" in lines else [])],
        graph=[each for k, each in enumerate(graph) if k in {0, len(graph) - 1}],
        crossing=_crossing(lines, variant),
        ends=[
            (quantities.name_call(mine[size]), mine[size])
            for mine in lines.values()
            for size in sorted({min(mine), max(mine)})
        ],
        compiled={s: quantities.compiling(eager, one) for s, (eager, one) in _both(lines).items()},
        **_facts(main, found, shortest, peak),
    )


def _facts(
    main: BySize, found: Parts | None, shortest: Quantity | None, peak: Quantity | None
) -> dict[str, Any]:
    """Return what the sentences about the first variant's updates name."""
    sizes = (min(main), max(main))
    first, last = (main[size] for size in sizes)
    gains = list(_doublings(main).items())
    each = found and found.equal and found.per_example
    return {
        "first": first,
        "last": last,
        "sizes": sizes,
        "longer": ratio(last, first),
        "shortest": shortest,
        "worth": shortest and ratio(first, shortest),
        "parts": found,
        "most": each and each.reciprocal(1 / MEGA, f"million examples per s at most, {each.key}"),
        "rough": found is not None and found.line.deviation > ROUGH,
        # A size that no process with a fit has measured has no share.
        "growing": [_percent(found.growing[size]) for size in sizes]
        if found and found.growing.keys() >= {*sizes}
        else None,
        "gains": gains if len(gains) < 2 else [gains[0], gains[-1]],
        "strict": [_percent(ratio(q, peak, "flop_per_s")) for q in (first, last)] if peak else [],
    }


def _percent(share: Estimate) -> Estimate:
    return share.scaled(1 / PERCENT, f"percent {share.key}")


def _both(lines: Lines) -> dict[int, tuple[Quantity, Quantity]]:
    """Return the eager and the compiled update of the sizes that have both."""
    eager, compiled = lines.get("eager", {}), lines.get("compiled", {})
    return {size: (eager[size], q) for size, q in compiled.items() if size in eager}


def _over(lines: Lines, other: str, variant: str) -> dict[int, Estimate]:
    """Return how many times as long another way takes as a variant, by batch size."""
    ones, others = lines.get(variant, {}), lines.get(other, {})
    return {size: ratio(q, ones[size]) for size, q in others.items() if size in ones}


def _crossing(lines: Lines, variant: str) -> dict[str, Any] | None:
    """Return from which batch on an accelerator is faster than the CPU beside it; None for neither.

    That is the first from which all larger ones are, beyond the doubt of the interval.
    """
    over = dict(sorted(_over(lines, "cpu", variant).items()))
    if not over:
        return None
    start = max((n for n, r in over.items() if not (r.excludes(1) and r.value > 1)), default=0)
    return {
        "over": over,
        "start": next((size for size in over if size > start), None),
        "before": start or None,
        "last": next(reversed(over)),
        "first": next(iter(over)),
    }


def _doublings(mine: BySize) -> dict[tuple[int, int], Estimate]:
    """Estimate what a doubling of the batch makes of the rate, between neighbouring sizes."""
    return {
        (small, large): quantities.times_per_doubling(mine[small], mine[large])
        for small, large in itertools.pairwise(mine)
    }


def _table(lines: Lines, found: Parts | None, peak: Quantity | None) -> Table:
    variant, main = next(iter(lines.items()))
    columns = {
        f"{NAMES.get(name, name)}, µs": {size: number(q.time(), MICRO) for size, q in mine.items()}
        for name, mine in lines.items()
    }
    if len(lines) > 1:
        both = _both(lines).items()
        columns["compiled / eager"] = {s: number(ratio(one, eager)) for s, (eager, one) in both}
    if beside := _over(lines, "cpu", variant):
        columns["CPU / accelerator"] = {size: number(r) for size, r in beside.items()}
    if found is not None:
        shares = found.growing.items()
        columns["grows with the batch, %"] = {s: number(r, PERCENT) for s, r in shares}
    if peak is not None:
        strict = ((size, ratio(q, peak, "flop_per_s")) for size, q in main.items())
        columns["operations at the peak rate, %"] = {s: number(r, PERCENT) for s, r in strict}
    for name, mine in lines.items():
        rates = {size: number(q.examples_per_s(), KILO) for size, q in mine.items()}
        columns[f"{NAMES.get(name, name)}, thousand examples/s"] = rates
    if len(main) > 1:
        gains = {large: number(gain) for (_, large), gain in _doublings(main).items()}
        columns[f"{variant}, times per doubling"] = gains
    sizes = sorted({size for mine in lines.values() for size in mine})
    cells = {name: [mine.get(n, number(None)) for n in sizes] for name, mine in columns.items()}
    return table("batch size", [f"{size:,}" for size in sizes], cells)


def overlay(over: Overlay) -> list[Figure]:
    """Draw an addition and an update of each variant, of the fewest elements that all have."""
    series = over.series(quantities.of_records)
    shown = shortest(series)
    main = next((mine for mine in shown.values() if len(mine) > 1), None)
    if main is None:
        return []
    subjects = [s for s in over.subjects if s.name in series]
    names = {call: quantities.name_call(next(iter(mine.values()))) for call, mine in shown.items()}
    shape = Dots(
        labels=tuple(names.values()),
        x=Axis(label="time of one call", scale="seconds"),
        rows=tuple(
            row(s.name, s.index, [q.time() if q else None for q in at])
            for s in subjects
            for at in [[mine.get(s.name) for mine in shown.values()]]
        ),
    )
    eager, compiled = shown.get("eager", {}), shown.get("compiled", {})
    floor = next((s for s in subjects if s.floor), None)
    least = compiled.get(floor.name) if floor else None
    lead = eager.get(subjects[0].name)
    fast, *_, slow = sorted(main, key=lambda name: main[name].time().value)
    figure = prose.figure(
        TEMPLATE,
        f"{over.name}-calls",
        "calls" if over.backends else "compare",
        shape,
        blocks="compared",
        table=_compared_table(over.noun, subjects, names, shown, least),
        sheet=together(((name, _sheet(mine)) for name, mine in series.items()), over.noun),
        noun=over.noun,
        what=quantities.name_call(main[fast]),
        main=main,
        fast=fast,
        slow=slow,
        gap=ratio(main[slow], main[fast]),
        subjects=subjects,
        floor=floor,
        above=_ratio(lead, least),
        # What compiling does to the same update.
        compiled={
            name: quantities.compiling(eager[name], one)
            for name, one in compiled.items()
            if _ratio(eager.get(name), one)
        },
    )
    return [figure]


def shortest(series: Mapping[str, Sequence[Quantity]]) -> dict[str, BySubject]:
    """Return each call with the fewest elements that all subjects have who make such calls."""
    lines = {name: quantities.calls(mine) for name, mine in series.items()}
    shown = {}
    for call in quantities.CALLS:
        mine = {name: each[call] for name, each in lines.items() if call in each}
        shared = set.intersection(*map(set, mine.values())) if mine else set()
        if shared:
            shown[call] = {name: line[min(shared)] for name, line in mine.items()}
    return shown


def _compared_table(
    noun: str,
    subjects: Sequence[Subject],
    names: Mapping[str, str],
    shown: Mapping[str, BySubject],
    floor: Quantity | None,
) -> Table:
    """Return times, a row for each subject; of updates, also how many times the floor's."""
    made = [s.name for s in subjects if any(s.name in mine for mine in shown.values())]
    columns: Columns = {}
    for call, mine in shown.items():
        best = highest([*mine.values()], lowest=True).quantity
        times = (mine.get(name) for name in made)
        columns[f"{names[call]}, µs"] = [
            number(q.time() if q else None, MICRO, best=q is best) for q in times
        ]
    for call in [call for call in shown if floor and call != "add"]:
        columns[f"{names[call]}, times the floor"] = [
            Number(text="1") if q is floor else number(_ratio(q, floor))
            for q in map(shown[call].get, made)
        ]
    return table(noun, made, columns)


def _ratio(one: Quantity | None, other: Quantity | None) -> Estimate | None:
    """Return one call over another; None where there are not two of the same size."""
    if not one or not other or one.labels["size"] != other.labels["size"]:
        return None
    return ratio(one, other)
