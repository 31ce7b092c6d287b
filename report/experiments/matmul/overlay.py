"""Figures of a `matmul` experiment with several machines, or frameworks, on the same axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis.quantities import highest, ratio, varying
from report.experiments.matmul.figures import (
    AXES,
    RATE,
    TEMPLATE,
    axis_of,
    choose_axis,
    curve,
    sheet,
    x_of,
)
from report.experiments.matmul.quantities import calls, name_series, of_records, sampled
from report.figures import prose
from report.figures.figure import Figure, Number, Table, absent, number, together
from report.figures.shapes import Axis, Curves, Dots, row
from report.text.units import GIGA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.experiments.kind import Overlay, Subject
    from report.experiments.matmul.figures import Lines
    from report.worker.records import Scalar

CODE = ["Products.element", "Products.one_element", "Products.column", "Products.full"]
CODE += ["set_element", "set_column", "element", "column"]
"""The functions that compute products, as one backend or another calls them."""


def overlay(over: Overlay) -> list[Figure]:
    """Draw an experiment of several machines, or frameworks, on the same axes.

    Where several things vary, each shows the one combination that all have in common and that is
    fastest on the first.
    """
    series = {s.name: of_records(s.records(over.experiment), s.result.run) for s in over.subjects}
    series = {name: mine for name, mine in series.items() if mine}
    if len(series) < 2:
        return []
    axis = choose_axis(next(iter(series.values())))
    if axis is None:
        return _compared_strategies(over, series)
    shared = set.intersection(*({_rest(q, "") for q in mine} for mine in series.values()))
    first = [q for q in next(iter(series.values())) if _rest(q, "") in shared]
    if not first:
        return []
    wanted = _fastest_line(axis, first)
    lines = {
        name: sorted((q for q in mine if _rest(q, axis) == wanted), key=lambda q: x_of(q, axis))
        for name, mine in series.items()
    }
    return [_compared_curves(over, axis, {name: mine for name, mine in lines.items() if mine})]


def _rest(quantity: Quantity, axis: str) -> tuple[tuple[str, Scalar], ...]:
    # What a framework takes for granted is no other product: threads, and no TF32 on a CPU.
    return tuple(
        (name, value)
        for name, value in sorted(quantity.labels.items())
        if name not in {axis, "threads"} and value not in (None, False)
    )


def _fastest_line(axis: str, series: Sequence[Quantity]) -> tuple[tuple[str, Scalar], ...]:
    """Return the labels of the line to compare: the first dtype's, at the fastest point."""
    dtype = series[0].labels["dtype"]
    same = [q for q in series if q.labels["dtype"] == dtype and q.labels[axis] is not None]
    return _rest(highest(same, "flop_per_s").quantity, axis)


def _compared_curves(over: Overlay, axis: str, lines: Lines) -> Figure:
    index = {subject.name: subject.index for subject in over.subjects}
    shape = Curves(
        x=axis_of(axis, [q for mine in lines.values() for q in mine]),
        y=RATE if axis != "threads" else Axis(label=RATE.label, unit=GIGA, scale="linear", low=0),
        lines=tuple(curve(name, index[name], axis, mine) for name, mine in lines.items()),
        names="above",
    )
    tops = {name: highest(mine, "flop_per_s") for name, mine in lines.items()}
    order = sorted(tops, key=lambda name: -tops[name].estimate.value)
    fast, slow = (tops[order[k]].quantity for k in (0, -1))
    gaps = {n: ratio(fast, tops[n].quantity, "flop_per_s") for n in order[1:]}
    small = {name: mine[0] for name, mine in lines.items() if _same_x(mine[0], lines, axis)}
    by_small = sorted(small, key=lambda name: small[name].rate().value)
    words = prose.words(
        TEMPLATE,
        "compared",
        shape.alt,
        noun=over.noun,
        axis=axis,
        tops={name: tops[name] for name in order},
        first=order[0],
        last=order[-1],
        gap=ratio(fast, slow, "flop_per_s"),
        ties=[name for name, gap in gaps.items() if not gap.excludes(1)],
        conditions=name_series(fast.labels, ["dtype"] if axis == "size" else ["dtype", "size"]),
        small=small and (small[by_small[-1]], by_small[-1], by_small[0]),
        small_gap=small and ratio(small[by_small[-1]], small[by_small[0]], "flop_per_s"),
    )
    rows = list(dict.fromkeys(x_of(q, axis) for mine in lines.values() for q in mine))
    return Figure(
        name=f"{over.name}-{axis}",
        question="sizes" if over.noun == "framework" else "compare",
        words=words,
        shape=shape,
        table=_compared_table(
            AXES[axis],
            [f"{x:,}" for x in sorted(rows)],
            {name: {f"{x_of(q, axis):,}": q for q in mine} for name, mine in lines.items()},
        ),
        sheet=together(((name, sheet(mine)) for name, mine in lines.items()), over.noun),
        backends=[s.backend for s in over.subjects if over.noun == "framework"],
    )


def _same_x(one: Quantity, lines: Lines, axis: str) -> bool:
    return x_of(one, axis) == min(x_of(mine[0], axis) for mine in lines.values())


def _compared_strategies(over: Overlay, series: Mapping[str, list[Quantity]]) -> list[Figure]:
    names = [n for n in varying([q.labels for q in next(iter(series.values()))]) if n != "threads"]
    if "strategy" not in names:
        return []
    named = {s: {name_series(q.labels, names): q for q in mine} for s, mine in series.items()}
    labels = list(dict.fromkeys(label for mine in named.values() for label in mine))
    shown = [subject for subject in over.subjects if subject.name in named]
    several = len(shown) > 3
    shape = Dots(
        labels=tuple(labels),
        x=RATE,
        rows=tuple(
            row(s.name, s.index, [_rate(named[s.name].get(label)) for label in labels])
            for s in shown
        ),
        of=len(shown) if several else None,
        per_row=13 * len(shown) if several else 44,
    )
    words = prose.words(
        TEMPLATE,
        "compared_strategies",
        shape.alt,
        noun=over.noun,
        subjects=_gains(named),
        elements=_elements(over, named),
        sampled=[(s, counts) for s in shown for counts in sampled(s.records(over.experiment))],
        environments=[(s, s.result.environments.get(s.backend)) for s in shown],
        conditions=name_series(next(iter(series.values()))[0].labels, ["dtype", "size"]),
    )
    return [
        Figure(
            name=f"{over.name}-strategies",
            question="strategies" if over.noun == "framework" else "compare",
            words=words,
            shape=shape,
            table=_compared_table("strategy", labels, named),
            sheet=together(((name, sheet(mine)) for name, mine in series.items()), over.noun),
            code=[*CODE] if over.noun == "framework" else [],
            backends=[s.backend for s in shown if over.noun == "framework"],
        )
    ]


def _gains(named: Mapping[str, Mapping[str, Quantity]]) -> list[dict[str, object]]:
    """Return what each subject gains from its slowest way to its fastest, the most first."""
    gains = []
    for name, mine in named.items():
        best = highest(list(mine.values()), "flop_per_s")
        slowest = min(mine.values(), key=lambda q: q.rate().value)
        labels = {q.name(): label for label, q in mine.items()}
        gains.append(
            {
                "name": name,
                "best": best,
                "fastest": labels[best.quantity.name()],
                "slowest": labels[slowest.name()],
                "slow": slowest,
                "gain": ratio(best.quantity, slowest, "flop_per_s"),
            }
        )
    return sorted(gains, key=lambda one: -one["gain"].value)  # type: ignore[attr-defined]


def _elements(
    over: Overlay, named: Mapping[str, Mapping[str, Quantity]]
) -> list[tuple[Subject, Estimate]]:
    """Return what one element costs: a call or three, whatever is computed."""
    return [
        (subject, q.time().scaled(1 / calls(q), f"call of {q.name()}"))
        for subject in over.subjects
        if (q := named.get(subject.name, {}).get("element")) is not None
    ]


def _rate(quantity: Quantity | None) -> Estimate | None:
    return None if quantity is None else quantity.rate()


def _compared_table(
    what: str, labels: Sequence[str], named: Mapping[str, Mapping[str, Quantity]]
) -> Table:
    """Return rates, a row for each label and a column for each subject; the best of a row."""
    rows: list[list[str | Number]] = []
    for label in labels:
        there = [mine[label] for mine in named.values() if label in mine]
        best = highest(there, "flop_per_s").quantity
        cells: list[str | Number] = [label]
        for mine in named.values():
            q = mine.get(label)
            cells.append(absent() if q is None else number(q.rate(), GIGA, best=q is best))
        rows.append(cells)
    return Table(header=[what, *(f"{name}, GFLOPS" for name in named)], rows=rows)
