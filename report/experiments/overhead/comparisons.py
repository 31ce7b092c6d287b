"""Figures of an `overhead` experiment with several machines on the same axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.overhead.figures import MICRO, additions, sheet, size_axis, time_axis
from report.experiments.overhead.model import updates
from report.experiments.overhead.quantities import of_result
from report.experiments.overhead.words import elements, examples, seconds
from report.figures import plotting
from report.figures.figure import Figure, Number, Table, Words, absent, number, together
from report.text.numerals import times

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes

    from report.analysis.quantities import Quantity
    from report.results.result import Result

    Lines = Mapping[str, Mapping[int, Quantity]]


def comparisons(results: Sequence[Result], experiment: str) -> list[Figure]:
    """Draw an experiment of several machines: a line for each, of calls and of eager updates.

    Each machine shows the first backend that all have in common.
    """
    found = {
        result.machine.id: [q for q in of_result(result) if q.experiment == experiment]
        for result in results
    }
    found = {machine: series for machine, series in found.items() if series}
    if len(found) < 2:
        return []
    common = set.intersection(*({q.backend for q in series} for series in found.values()))
    backend = next((q.backend for q in next(iter(found.values())) if q.backend in common), None)
    mine = {m: [q for q in series if q.backend == backend] for m, series in found.items()}
    name = f"compare-{experiment}"
    adds = _shared({m: additions(series) for m, series in mine.items()})
    steps = _shared({m: updates(series, "eager") for m, series in mine.items()})
    drawn = []
    if adds:
        drawn.append(_compared(f"{name}-dispatch", "addition", elements, adds))
    if steps:
        drawn.append(_compared(f"{name}-update", "update", examples, steps))
    return drawn


def _shared(lines: Lines) -> Lines:
    """Return of each machine the sizes that all of them have, or nothing if there are none."""
    common = set.intersection(*(set(line) for line in lines.values()))
    if not common:
        return {}
    return {m: {n: q for n, q in line.items() if n in common} for m, line in lines.items()}


def _compared(name: str, what: str, sized: Callable[[int], str], lines: Lines) -> Figure:
    """Draw seconds against size, a line for each machine.

    Args:
        name: Of the figure.
        what: "addition" or "update".
        sized: Says a size in words.
        lines: Quantities by size, for each machine.
    """

    def draw(axes: Axes, *, narrow: bool) -> None:
        size_axis(axes, max(next(iter(lines.values()))), narrow=narrow)
        drawn = [
            plotting.line(
                axes,
                list(line),
                [q.time().scaled(1 / MICRO) for q in line.values()],
                index,
                label=machine,
            )
            for index, (machine, line) in enumerate(lines.items())
        ]
        time_axis(axes)
        axes.set_xlabel("elements" if what == "addition" else "batch size")
        axes.set_ylabel(f"time of one {what}, µs")
        plotting.legend_above(axes, drawn, narrow=narrow)

    said = _words(what, sized, lines)
    every = list(next(iter(lines.values())))
    rows: list[list[str | Number]] = [
        [
            f"{size:,}",
            *(
                number(q.time(), MICRO) if (q := line.get(size)) else absent()
                for line in lines.values()
            ),
        ]
        for size in every
    ]
    header = [
        "elements" if what == "addition" else "batch size",
        *(f"{machine}, µs" for machine in lines),
    ]
    return Figure(
        name=name,
        question="compare",
        words=said,
        drawing=plotting.drawing(name, said.alt, draw),
        table=Table(header=header, rows=rows),
        sheet=together((m, sheet(list(line.values()))) for m, line in lines.items()),
    )


def _words(what: str, sized: Callable[[int], str], lines: Lines) -> Words:
    """Compare the machines at the smallest size, where a call is all that is measured."""
    size = next(iter(next(iter(lines.values()))))
    at = {machine: line[size] for machine, line in lines.items()}
    slow = max(at, key=lambda machine: at[machine].time().value)
    fast = min(at, key=lambda machine: at[machine].time().value)
    ratio = quantities.ratio(at[slow], at[fast])
    of = f"of {sized(size)}" if what == "addition" else f"with {sized(size)}"
    title = (
        f"One {what} {of} takes {times(ratio.value)} times as long on {slow} as on {fast}"
        if ratio.excludes(1)
        else f"These runs show no difference between the machines' times for one {what} {of}"
    )
    caption = f"One {what} {of}: " + "; ".join(f"{m}: {seconds(q.time())}" for m, q in at.items())
    alt = f"Curves of seconds against size. {title}. {caption}."
    return Words(title=title, caption=f"{caption}.", alt=alt)
