"""Figures of a `bandwidth` experiment with several machines, or frameworks, on the same axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis.quantities import ratio
from report.experiments.bandwidth.caches import roofs
from report.experiments.bandwidth.figures import (
    BANDWIDTH,
    SWEEPS,
    TEMPLATE,
    sheet,
    sizes_of,
    table_of,
)
from report.experiments.bandwidth.quantities import (
    STREAMS,
    of_records,
    threads,
    with_most_threads,
    working_set,
)
from report.figures import prose
from report.figures.figure import Figure, together
from report.figures.shapes import Axis, Curves, line
from report.text.units import GIGA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.quantities import Quantity
    from report.experiments.subject import Overlay
    from report.figures.shapes import Dash

OPERATIONS = ("triad", "read", "copy")
"""The first that all have are drawn: one of machines, two of frameworks, which are fewer."""

DASHES: dict[str, Dash] = {"read": "-", "triad": "--", "copy": (0, (1, 1.2))}

CODE = ["read", "triad", "total", "triad_part"]
"""The functions that go through memory, as one backend or another calls them."""

Lines = dict[tuple[str, str], list["Quantity"]]
"""By subject and operation, each sorted by working set."""


def overlay(over: Overlay) -> list[Figure]:
    """Draw bandwidth against working set for several machines, or frameworks.

    All show the same operations in the same number format, each with the most threads that it was
    measured with, which need not be as many on each.
    """
    series = {
        s.name: [
            q
            for q in with_most_threads(of_records(s.records(over.experiment), s.result.run))
            if q.labels["operation"] in STREAMS
        ]
        for s in over.subjects
    }
    series = {name: mine for name, mine in series.items() if mine}
    if len(series) < 2:
        return []
    shared = set.intersection(*({_what(q) for q in mine} for mine in series.values()))
    first = next(iter(series.values()))
    dtype = next((_what(q)[1] for q in first if _what(q) in shared), "")
    common = [operation for operation in OPERATIONS if (operation, dtype) in shared]
    shown = common[: 2 if over.noun == "framework" else 1]
    lines = {
        (name, operation): sorted(
            (q for q in mine if _what(q) == (operation, dtype)), key=working_set
        )
        for name, mine in series.items()
        for operation in STREAMS
        if operation in shown
    }
    return [_compared(over, lines, dtype)] if lines else []


def _what(quantity: Quantity) -> tuple[str, str]:
    return str(quantity.labels["operation"]), str(quantity.labels["dtype"])


def _compared(over: Overlay, lines: Lines, dtype: str) -> Figure:
    index = {subject.name: subject.index for subject in over.subjects}
    several = len({operation for _, operation in lines}) > 1
    named = {key: ", ".join(key) if several else key[0] for key in lines}
    every = [q for mine in lines.values() for q in mine]
    shape = Curves(
        x=Axis(label="working set", scale="bytes", ticks=sizes_of(every)),
        y=Axis(label=BANDWIDTH.label, unit=GIGA),
        lines=tuple(
            line(
                named[key],
                index[key[0]],
                [working_set(q) for q in mine],
                [q.bandwidth() for q in mine],
                dash=DASHES[key[1]] if several else None,
            )
            for key, mine in lines.items()
        ),
        names="above",
    )
    return Figure(
        name=over.name,
        question="memory" if over.noun == "framework" else "compare",
        words=prose.words(
            TEMPLATE,
            "compared",
            shape.alt,
            noun=over.noun,
            operations=list(dict.fromkeys(operation for _, operation in lines)),
            dtype=dtype,
            threads={name: threads(mine[0]) for (name, _), mine in lines.items()},
            **_gap(over, [name for name, _ in lines]),
        ),
        shape=shape,
        table=table_of({named[key]: mine for key, mine in lines.items()}, SWEEPS["working_set"]),
        sheet=together(((name, sheet(mine)) for (name, _), mine in lines.items()), over.noun),
        code=[*CODE] if over.noun == "framework" else [],
        backends=[s.backend for s in over.subjects if over.noun == "framework"],
    )


def _gap(over: Overlay, shown: Sequence[str]) -> dict[str, object]:
    """Return what each delivers from the places that all reach, and the gap furthest away."""
    found = {s.name: roofs(s.result, s.backend) for s in over.subjects if s.name in shown}
    first = next(iter(found.values()))
    places = [place for place in first if all(place in mine for mine in found.values())]
    if not places:
        return {"place": None}
    tops = {name: mine[places[-1]] for name, mine in found.items()}
    order = sorted(tops, key=lambda name: -tops[name].estimate.value)
    fast = tops[order[0]].quantity
    gaps = {name: ratio(fast, tops[name].quantity, "bytes_per_s") for name in order[1:]}
    return {
        "place": places[-1],
        "places": places,
        "roofs": found,
        "tops": tops,
        "first": order[0],
        "last": order[-1],
        "gap": gaps[order[-1]],
        "ties": [name for name, gap in gaps.items() if not gap.excludes(1)],
    }
