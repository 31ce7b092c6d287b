"""What a framework takes before it does anything: import, first update, compilation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.analysis import quantities
from report.analysis.estimate import estimate
from report.experiments.catalogue import of_records
from report.figures import plotting, ticks
from report.figures.figure import (
    Figure,
    Number,
    Sheet,
    Table,
    Words,
    absent,
    cells,
    columns,
    number,
)
from report.sections.frameworks import calls
from report.text.names import title
from report.text.numerals import scaled, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.analysis.estimate import Estimate
    from report.figures.figure import Cell
    from report.results.result import Record, Result

PARTS = {
    "import_s": "import",
    "first_update_s": "first update, as written",
    "first_compiled_s": "first update, compiled, with compiling",
    "steady_update_s": "any later update",
}
"""What is told apart; only the last is paid more than once."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """What a framework takes to start, each part in seconds; None where it was not measured."""

    backend: str
    parts: dict[str, Estimate | None]


def figures(result: Result) -> list[Figure]:
    """Draw what is paid once in a process beside what is paid for each update."""
    found = starts(result)
    if len(found) < 2:
        return []
    name = "frameworks-startup"

    def draw(axes: Axes, *, narrow: bool) -> None:
        plotting.dot_axes(axes, [title(one.backend) for one in found], "time", narrow=narrow)
        ticks.time_axis(axes.xaxis, narrow=narrow)
        for index, (part, label) in enumerate(PARTS.items()):
            plotting.dots(axes, [one.parts[part] for one in found], index, label=label)
        plotting.legend_above(axes, narrow=narrow)

    said = _words(found)
    return [
        Figure(
            name=name,
            question="startup",
            words=said,
            drawing=plotting.drawing(name, said.alt, draw, height=140 + 56 * len(found)),
            table=_table(found),
            sheet=_sheet(found),
        )
    ]


def starts(result: Result) -> list[Start]:
    """Return what each framework takes to start, in the order of the plan."""
    found = []
    for backend, records in quantities.by_backend(result.records).items():
        imports: dict[int, list[float]] = {}
        for record in records:
            if record.import_s is not None:
                imports.setdefault(record.process, []).append(record.import_s)
        updates = [r for r in records if r.kind == "overhead" and r.outcome is not None]
        parts = {
            "import_s": estimate(list(imports.values()), f"import of {backend}")
            if imports
            else None,
            "first_update_s": _first(updates, backend, "eager"),
            "first_compiled_s": _first(updates, backend, "compiled"),
            "steady_update_s": _steady(updates, result.run),
        }
        if parts["import_s"] is not None:
            found.append(Start(backend=backend, parts=parts))
    order = [*result.environments, *(one.backend for one in found)]
    return sorted(found, key=lambda one: order.index(one.backend))


def _first(records: Sequence[Record], backend: str, variant: str) -> Estimate | None:
    """Return the seconds of a process's first update, with what it compiled for it."""
    groups = []
    for record in records:
        for series in record.outcome.series if record.outcome else ():
            of = series.labels["operation"], series.labels["variant"]
            if of == ("update", variant) and series.timing and series.timing.warmup_s:
                groups.append([series.timing.warmup_s[0]])
                break
    return estimate(groups, f"first {variant} update of {backend}") if groups else None


def _steady(records: Sequence[Record], run: str) -> Estimate | None:
    """Return the seconds of an update with one example, compiled where there is nothing else."""
    by_experiment: dict[str, list[Record]] = {}
    for record in records:
        by_experiment.setdefault(record.experiment, []).append(record)
    for mine in by_experiment.values():
        _, eager, compiled = calls.shortest(of_records(mine, run))
        chosen = eager or compiled
        if chosen is not None:
            return chosen.time()
    return None


def _words(found: Sequence[Start]) -> Words:
    imports = {one.backend: one.parts["import_s"] for one in found}
    known = {backend: e.value for backend, e in imports.items() if e is not None}
    quick, slow = (pick(known, key=lambda b: known[b]) for pick in (min, max))
    heading = (
        f"Importing takes {scaled(known[quick], 's')} for {title(quick)}, "
        f"{scaled(known[slow], 's')} for {title(slow)}"
    )
    compiled = {one.backend: e for one in found if (e := one.parts["first_compiled_s"]) is not None}
    caption = "Import: " + "; ".join(
        f"{title(b)} {scaled(seconds, 's')}" for b, seconds in known.items()
    )
    if compiled:
        caption += ". First compiled update: " + "; ".join(
            f"{title(b)} {scaled(e.value, 's')}" for b, e in compiled.items()
        )
    explanation = (
        "All of this is paid once in a process and is in no other figure of this page. Files of "
        "the framework had been read before, so that the disk has little part in it. "
    )
    worth = [
        f"{title(one.backend)} {times(start.value / steady.value)}"
        for one in found
        if (start := one.parts["import_s"]) and (steady := one.parts["steady_update_s"])
    ]
    if worth:
        explanation += (
            "How many updates with one example take as long as the import: "
            + "; ".join(worth)
            + "."
        )
    alt = f"Dot plot of seconds by framework, logarithmic. {heading}. {caption}."
    return Words(title=heading, caption=f"{caption}.", explanation=explanation, alt=alt)


def _table(found: Sequence[Start]) -> Table:
    units = {"import_s": ("s", 1.0), "first_update_s": ("ms", 1e-3), "first_compiled_s": ("s", 1.0)}
    units["steady_update_s"] = ("µs", 1e-6)
    rows: list[list[str | Number]] = []
    for one in found:
        row: list[str | Number] = [title(one.backend)]
        for part in PARTS:
            estimate = one.parts[part]
            row.append(absent() if estimate is None else number(estimate, units[part][1]))
        rows.append(row)
    header = ["framework", *(f"{label}, {units[part][0]}" for part, label in PARTS.items())]
    return Table(header=header, rows=rows)


def _sheet(found: Sequence[Start]) -> Sheet:
    header = ["backend", *(name for part in PARTS for name in columns(part)[:3])]
    rows: list[list[Cell]] = [
        [one.backend, *(cell for part in PARTS for cell in cells(one.parts[part])[:3])]
        for one in found
    ]
    return Sheet(header=header, rows=rows)
