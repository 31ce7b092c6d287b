"""How fast bytes come to a framework's operation, and to a compiled loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from report.experiments.bandwidth.axes import byte_axis
from report.experiments.bandwidth.figures import sheet
from report.experiments.bandwidth.roofs import STREAMS, roofs, threads, working_set
from report.experiments.catalogue import of_records
from report.figures import plotting, ticks
from report.figures.figure import Figure, Number, Sheet, Table, Words, absent, number, together
from report.sections.frameworks.ways import Way, draw_line, records_of
from report.text import names
from report.text.names import title
from report.text.numerals import digits, scaled, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.analysis.quantities import Quantity
    from report.experiments.bandwidth.roofs import Roof
    from report.results.result import Result

GIGA = 1e9

DASHES: dict[str, Any] = {"read": "-", "triad": "--", "copy": (0, (1, 1.2))}

Line = tuple[str, str]
"""Framework and operation."""


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw reading and the triad by working set, a pair of lines for each framework."""
    lines: dict[Line, list[Quantity]] = {}
    for backend, records in records_of(result, experiment).items():
        found = [q for q in of_records(records, result.run) if q.labels["operation"] in STREAMS]
        most = max((threads(q) for q in found), default=0)
        for quantity in found:
            operation = str(quantity.labels["operation"])
            if operation != "copy" and threads(quantity) == most:
                lines.setdefault((backend, operation), []).append(quantity)
    if len({backend for backend, _ in lines}) < 2:
        return []
    name = f"frameworks-{experiment}-memory"
    sizes = sorted({working_set(q) for line in lines.values() for q in line})

    def draw(axes: Axes, *, narrow: bool) -> None:
        byte_axis(axes, sizes, narrow=narrow)
        ticks.log_axis(axes.yaxis)
        drawn = []
        for (backend, operation), line in lines.items():
            rates = [q.bandwidth().scaled(1 / GIGA) for q in line]
            one = draw_line(axes, [working_set(q) for q in line], rates, Way(backend))
            one.set(linestyle=DASHES[operation], linewidth=1.8, label=_name(backend, operation))
            drawn.append(one)
        axes.set_xlabel("working set")
        axes.set_ylabel("bandwidth, GB/s")
        plotting.legend_above(axes, drawn, narrow=narrow)

    said = _words(result, list(dict.fromkeys(backend for backend, _ in lines)))
    return [
        Figure(
            name=name,
            question="memory",
            words=said,
            drawing=plotting.drawing(name, said.alt, draw),
            table=_table(sizes, lines),
            sheet=_sheet(lines),
            code=["read", "triad", "total", "triad_part"],
            backends=list(dict.fromkeys(backend for backend, _ in lines)),
        )
    ]


def _name(backend: str, operation: str) -> str:
    return f"{title(backend)}, {operation}"


def _words(result: Result, backends: Sequence[str]) -> Words:
    """Compare the most that each framework's operations move, from each cache and memory."""
    levels = {b: {roof.name: roof for roof in roofs(result, b)} for b in backends}
    shared = [name for name in levels[backends[0]] if all(name in each for each in levels.values())]
    caption = "Highest bandwidth: " + "; ".join(
        f"{name} " + ", ".join(f"{title(b)} {_most(levels[b][name])}" for b in backends) + " GB/s"
        for name in shared
    )
    if shared:
        last = shared[-1]
        fast, *_, slow = sorted(backends, key=lambda b: -levels[b][last].bandwidth.value)
        rates = [levels[b][last].bandwidth.value for b in (fast, slow)]
        heading = (
            f"From {last if last == 'memory' else f'the {last} cache'}, {title(fast)} moves "
            f"{scaled(rates[0], 'B/s')}, {title(slow)} {scaled(rates[1], 'B/s')}: "
            f"{times(rates[0] / rates[1])} times as much"
        )
    else:
        heading, caption = "Bytes per second by working set, framework by framework", ""
    explanation = (
        "Both go through the same bytes with the same threads. Where memory is the limit, it is "
        "the limit for any code; what is left of a difference may lie in how far ahead it is "
        "asked. Small working sets of a triad show what a call takes; a read goes through them "
        "many times in one call, and shows what the instructions can take in."
    )
    alt = f"Curves of bandwidth by working set, both logarithmic. {heading}. {caption}"
    return Words(title=heading, caption=caption and f"{caption}.", explanation=explanation, alt=alt)


def _most(roof: Roof) -> str:
    return digits(roof.bandwidth.value / GIGA)


def _table(sizes: Sequence[int], lines: dict[Line, list[Quantity]]) -> Table:
    rows: list[list[str | Number]] = []
    for size in sizes:
        at = [next((q for q in line if working_set(q) == size), None) for line in lines.values()]
        row: list[str | Number] = [names.size(size)]
        row += [absent() if q is None else number(q.bandwidth(), GIGA) for q in at]
        rows.append(row)
    return Table(header=["working set", *(f"{_name(*line)}, GB/s" for line in lines)], rows=rows)


def _sheet(lines: dict[Line, list[Quantity]]) -> Sheet:
    sheets = ((backend, sheet(line)) for (backend, _), line in lines.items())
    return together(sheets, "backend")
