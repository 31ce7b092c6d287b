"""Figures of a `bandwidth` experiment with several machines on the same axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.bandwidth.axes import byte_axis
from report.experiments.bandwidth.figures import GIGA, sheet
from report.experiments.bandwidth.quantities import of_result
from report.experiments.bandwidth.roofs import threads, working_set
from report.figures import plotting, ticks
from report.figures.figure import Figure, Number, Table, Words, absent, in_words, number, together
from report.text import names
from report.text.numerals import count, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.analysis.quantities import Quantity
    from report.experiments.bandwidth.lines import Lines
    from report.results.result import Result

OPERATIONS = ("triad", "read", "copy")
"""The first that all machines have is compared; a triad both reads and writes."""


def comparisons(results: Sequence[Result], experiment: str) -> list[Figure]:
    """Draw bandwidth against working set, a line for each machine.

    Every machine shows what all have in common: an operation, a backend and a dtype. It uses the
    most threads that it was measured with, which need not be as many on each.
    """
    found = {
        result.machine.id: [
            q for q in of_result(result) if q.experiment == experiment and q.kind == "bandwidth"
        ]
        for result in results
    }
    found = {machine: series for machine, series in found.items() if series}
    if len(found) < 2:
        return []
    wanted = _in_common(list(found.values()))
    if wanted is None:
        return []
    lines = {machine: _line(series, wanted) for machine, series in found.items()}
    return [_compared(f"compare-{experiment}", lines)]


Wanted = tuple[str, str, str]
"""Operation, backend and dtype."""


def _what(quantity: Quantity) -> Wanted:
    labels = quantity.labels
    return (str(labels["operation"]), quantity.backend, str(labels["dtype"]))


def _in_common(machines: Sequence[Sequence[Quantity]]) -> Wanted | None:
    """Return what every machine measured, the best suited operation first."""
    common = set.intersection(*({_what(q) for q in series} for series in machines))
    order = [what for q in machines[0] if (what := _what(q)) in common]
    return next((what for name in OPERATIONS for what in order if what[0] == name), None)


def _line(series: Sequence[Quantity], wanted: Wanted) -> list[Quantity]:
    same = [q for q in series if _what(q) == wanted]
    most = max(threads(q) for q in same)
    return sorted((q for q in same if threads(q) == most), key=working_set)


def _compared(name: str, lines: Lines) -> Figure:
    sizes = sorted({working_set(q) for line in lines.values() for q in line})

    def draw(axes: Axes, *, narrow: bool) -> None:
        byte_axis(axes, sizes, narrow=narrow)
        ticks.log_axis(axes.yaxis)
        drawn = [
            plotting.line(
                axes,
                [working_set(q) for q in line],
                [q.bandwidth().scaled(1 / GIGA) for q in line],
                index,
                label=machine,
            )
            for index, (machine, line) in enumerate(lines.items())
        ]
        axes.set_xlabel("working set")
        axes.set_ylabel("bandwidth, GB/s")
        plotting.legend_above(axes, drawn, narrow=narrow)

    said = _words(lines)
    rows: list[list[str | Number]] = [
        [names.size(size), *(_cell(line, size) for line in lines.values())] for size in sizes
    ]
    return Figure(
        name=name,
        question="compare",
        words=said,
        drawing=plotting.drawing(name, said.alt, draw),
        table=Table(header=["working set", *(f"{m}, GB/s" for m in lines)], rows=rows),
        sheet=together((machine, sheet(line)) for machine, line in lines.items()),
    )


def _cell(line: Sequence[Quantity], size: int) -> Number:
    at = next((q for q in line if working_set(q) == size), None)
    return absent() if at is None else number(at.bandwidth(), GIGA)


def _words(lines: Lines) -> Words:
    common = set.intersection(*({working_set(q) for q in line} for line in lines.values()))
    operation, _, dtype = _what(next(iter(lines.values()))[0])
    title = f"Bandwidth of {operation} by working set"
    shown = {machine: line[-1] for machine, line in lines.items()}
    if common:
        size = max(common)
        shown = {
            machine: next(q for q in line if working_set(q) == size)
            for machine, line in lines.items()
        }
        title = _difference(shown, f"over {names.size(size)}")
    rates = "; ".join(
        f"{machine}: {in_words(q.bandwidth(), GIGA, 'GB/s')} over {names.size(working_set(q))} "
        f"with {count(threads(q), 'thread')}"
        for machine, q in shown.items()
    )
    caption = f"{operation.capitalize()} in {dtype}; {rates}."
    alt = f"Curves of bandwidth against working set, a machine each. {title}. {caption}"
    return Words(title=title, caption=caption, alt=alt)


def _difference(shown: dict[str, Quantity], where: str) -> str:
    """Say how far the fastest and the slowest machine lie apart, if that is certain."""
    fastest = max(shown, key=lambda machine: shown[machine].bandwidth().value)
    slowest = min(shown, key=lambda machine: shown[machine].bandwidth().value)
    slow, fast = shown[slowest], shown[fastest]
    ratio = quantities.ratio(slow, fast).scaled((fast.bytes_moved or 1) / (slow.bytes_moved or 1))
    if ratio.excludes(1):
        return f"{fastest} moves {times(ratio.value)} times the bytes of {slowest}, {where}"
    return f"These runs show no difference between the machines {where}"
