"""Figures of a `python` experiment: of one machine, and of several, or frameworks, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis.quantities import Quantity, by_backend, highest, ratio
from report.experiments.python import quantities
from report.figures import prose
from report.figures.figure import Figure, number, quantity_sheet, shared_prefix, table, together
from report.figures.shapes import Axis, Curves, Dots, line, row
from report.text.numerals import scaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.experiments.kind import Overlay
    from report.figures.figure import Columns, Sheet
    from report.figures.shapes import Shape
    from report.results.result import Result

TEMPLATE = "experiments/python.html"

MOST_COMPARED = 12  # cases of several subjects that are drawn; the table has all


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw an experiment of one machine: one figure for each backend."""
    function = result.config["experiments"][experiment]["settings"].get("function", "")
    return [
        _figure(f"{experiment}-{backend}", series, str(function))
        for backend, records in by_backend(result.of(experiment)).items()
        if (series := quantities.of_records(records, result.run))
    ]


def _figure(name: str, series: Sequence[Quantity], function: str) -> Figure:
    along, rate = quantities.axis(series), quantities.rate(series)
    unit = shared_prefix([q.time().value for q in series])
    prefixed = scaled(unit, "s").partition(" ")[2]
    shape: Shape
    if along:
        lines = quantities.lines(series, along)
        shape = Curves(
            x=Axis(label=along),
            y=Axis(label=f"time of a call, {prefixed}", unit=unit),
            lines=tuple(
                line(
                    label, k, [float(str(q.labels[along])) for q in mine], [q.time() for q in mine]
                )
                for k, (label, mine) in enumerate(lines.items())
            ),
        )
    else:
        shape = Dots(
            labels=tuple(str(q.labels["case"]) for q in series),
            x=Axis(label="time of a call", scale="seconds"),
            rows=(row("", 0, [q.time() for q in series]),),
        )
    fast = highest(series, lowest=True).quantity
    slow = max(series, key=lambda q: q.time().value)
    columns: Columns = {
        f"time, {prefixed}": [number(q.time(), unit, best=q is fast) for q in series]
    }
    if rate:
        metric = quantities.METRICS[rate]
        per = shared_prefix([q.estimate(rate).value for q in series])
        head = scaled(per, metric.unit).partition(" ")[2]
        columns[head] = [number(q.estimate(rate), per) for q in series]
    return prose.figure(
        TEMPLATE,
        name,
        "case",
        shape,
        table=table("case", [str(q.labels["case"]) for q in series], columns),
        sheet=_sheet(series, rate),
        function=function,
        fast=fast,
        slow=slow,
        factor=ratio(slow, fast) if slow is not fast else None,
        count=len(series),
    )


def _sheet(series: Sequence[Quantity], rate: str | None = None) -> Sheet:
    return quantity_sheet(series, {"elapsed_s": None} | ({rate: rate} if rate else {}))


def overlay(over: Overlay) -> list[Figure]:
    """Draw the cases that all subjects timed."""
    series = over.series(quantities.of_records)
    cases = {name: {str(q.labels["case"]): q for q in mine} for name, mine in series.items()}
    if len(cases) < 2:
        return []
    first, *others = cases.values()
    shared = [case for case in first if all(case in other for other in others)]
    if not shared:
        return []
    subjects = [s for s in over.subjects if s.name in series]
    shape = Dots(
        labels=tuple(shared[:MOST_COMPARED]),
        x=Axis(label="time of a call", scale="seconds"),
        rows=tuple(
            row(s.name, s.index, [cases[s.name][case].time() for case in shared[:MOST_COMPARED]])
            for s in subjects
        ),
    )
    # Of the case that takes longest, where the subjects' difference weighs most.
    case = max(shared, key=lambda case: first[case].time().value)
    ordered = sorted(cases, key=lambda name: cases[name][case].time().value)
    fast, slow = (cases[ordered[k]][case] for k in (0, -1))
    unit = shared_prefix([cases[s.name][case].time().value for s in subjects for case in shared])
    columns: Columns = {
        f"{s.name}, {scaled(unit, 's').partition(' ')[2]}": [
            number(cases[s.name][case].time(), unit) for case in shared
        ]
        for s in subjects
    }
    figure = prose.figure(
        TEMPLATE,
        f"{over.name}-cases",
        "compared",
        shape,
        table=table("case", shared, columns),
        sheet=together(((name, _sheet(mine)) for name, mine in series.items()), over.noun),
        case=case,
        fast=(ordered[0], fast),
        slow=(ordered[-1], slow),
        gap=ratio(slow, fast),
        noun=over.noun,
        left=len(shared) - MOST_COMPARED,
    )
    return [figure]
