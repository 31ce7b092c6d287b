"""Figures of a `matmul` experiment with several machines, or frameworks, on the same axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from report.analysis.quantities import Quantity, highest, ratio, varying
from report.experiments.kind import Overlay, ranking
from report.experiments.matmul import figures
from report.experiments.matmul.figures import AXES, RATE, TEMPLATE, Lines, choose_axis, sheet
from report.experiments.matmul.quantities import call_time, name_series, of_records, sampled
from report.figures import prose
from report.figures.figure import Figure, Number, Table, number, together
from report.figures.shapes import Curves, Dots, row
from report.text.numerals import GIGA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.worker.records import Scalar

CODE = ["Products.element", "Products.one_element", "Products.column", "Products.full"]
CODE += ["set_element", "set_column", "element", "column"]


def overlay(over: Overlay) -> list[Figure]:
    """Draw an experiment of several machines, or frameworks, on the same axes.

    Where several things vary, each shows the one combination that all have in common and that is
    fastest on the first, in its first dtype.
    """
    series = over.series(of_records)
    if len(series) < 2:
        return []
    axis = choose_axis(next(iter(series.values())))
    if axis is None:
        return _compared_strategies(over, series)
    shared = set.intersection(*({_rest(q, "") for q in mine} for mine in series.values()))
    first = [q for q in next(iter(series.values())) if _rest(q, "") in shared]
    of_dtype = [q for q in first if q.labels["dtype"] == first[0].labels["dtype"]]
    swept = [q for q in of_dtype if q.labels[axis] is not None]
    if not swept:
        return []
    wanted = _rest(highest(swept, "flop_per_s").quantity, axis)
    lines = {
        name: sorted((q for q in mine if _rest(q, axis) == wanted), key=lambda q: q.number(axis))
        for name, mine in series.items()
    }
    return [_compared_curves(over, axis, lines)]


def _rest(quantity: Quantity, axis: str) -> tuple[tuple[str, Scalar], ...]:
    # What a framework takes for granted is no other product: threads, and no TF32 on a CPU.
    return tuple(
        (name, value)
        for name, value in sorted(quantity.labels.items())
        if name not in {axis, "threads"} and value not in (None, False)
    )


def _compared_curves(over: Overlay, axis: str, lines: Lines) -> Figure:
    index = {subject.name: subject.index for subject in over.subjects}
    shape = Curves(
        x=figures.axis_of(axis, [q for mine in lines.values() for q in mine]),
        y=figures.rate_axis(axis),
        lines=tuple(figures.curve(name, index[name], axis, q) for name, q in lines.items()),
        names="above",
    )
    tops = {name: highest(mine, "flop_per_s") for name, mine in lines.items()}
    fast = max(tops.values(), key=lambda top: top.estimate.value).quantity
    least = min(mine[0].number(axis) for mine in lines.values())
    small = {name: mine[0] for name, mine in lines.items() if mine[0].number(axis) == least}
    by_small = sorted(small, key=lambda name: small[name].rate().value)
    ends = by_small[-1], by_small[0]
    values = sorted({q.number(axis) for mine in lines.values() for q in mine})
    named = {name: {f"{q.number(axis):,}": q for q in mine} for name, mine in lines.items()}
    return prose.figure(
        TEMPLATE,
        f"{over.name}-{axis}",
        "sizes" if over.backends else "compare",
        shape,
        blocks="compared",
        table=_compared_table(AXES[axis], [f"{x:,}" for x in values], named),
        sheet=together(((name, sheet(mine)) for name, mine in lines.items()), over.noun),
        backends=over.backends,
        noun=over.noun,
        axis=axis,
        conditions=name_series(fast.labels, ["dtype"] if axis == "size" else ["dtype", "size"]),
        small=(small[ends[0]], *ends),
        small_gap=ratio(small[ends[0]], small[ends[1]], "flop_per_s"),
        best_gap=ratio(tops[ends[0]].quantity, tops[ends[1]].quantity, "flop_per_s"),
        enough={name: figures.enough(mine, tops[name].quantity) for name, mine in lines.items()},
        **ranking(tops, "flop_per_s"),
    )


def _compared_strategies(over: Overlay, series: Mapping[str, list[Quantity]]) -> list[Figure]:
    names = [n for n in varying([q.labels for q in next(iter(series.values()))]) if n != "threads"]
    if "strategy" not in names:
        return []
    named = {s: {name_series(q.labels, names): q for q in mine} for s, mine in series.items()}
    labels = list(dict.fromkeys(label for mine in named.values() for label in mine))
    shown = [subject for subject in over.subjects if subject.name in named]
    shape = Dots(
        labels=tuple(labels),
        x=RATE,
        rows=tuple(
            row(s.name, s.index, [q.rate() if q else None for q in map(named[s.name].get, labels)])
            for s in shown
        ),
    )
    figure = prose.figure(
        TEMPLATE,
        f"{over.name}-strategies",
        "strategies" if over.backends else "compare",
        shape,
        table=_compared_table("strategy", labels, named),
        sheet=together(((name, sheet(mine)) for name, mine in series.items()), over.noun),
        code=CODE if over.backends else (),
        backends=[s.backend for s in shown] if over.backends else (),
        blocks="compared_strategies",
        noun=over.noun,
        subjects=_gains(named),
        # What one element costs: a call or three, whatever is computed.
        elements=[(s, call_time(q)) for s in shown if (q := named[s.name].get("element"))],
        sampled=[(s, counts) for s in shown for counts in sampled(s.records(over.experiment))],
        environments=[(s, s.result.environments.get(s.backend)) for s in shown],
        conditions=name_series(next(iter(series.values()))[0].labels, ["dtype", "size"]),
    )
    return [figure]


def _gains(named: Mapping[str, Mapping[str, Quantity]]) -> list[dict[str, Any]]:
    """Return what each subject gains from its slowest way to its fastest, the most first."""
    gains: list[dict[str, Any]] = []
    for name, mine in named.items():
        order = sorted(mine, key=lambda label: mine[label].rate().value)
        ends = {"slowest": order[0], "fastest": order[-1], "fast": mine[order[-1]]}
        gain = ratio(mine[order[-1]], mine[order[0]], "flop_per_s")
        gains.append({"name": name, "gain": gain, **ends})
    return sorted(gains, key=lambda one: -one["gain"].value)


def _compared_table(
    what: str, labels: Sequence[str], named: Mapping[str, Mapping[str, Quantity]]
) -> Table:
    """Return rates, a row for each label and a column for each subject; the best of a row."""
    rows: list[list[str | Number]] = []
    for label in labels:
        at = [mine.get(label) for mine in named.values()]
        best = highest([q for q in at if q is not None], "flop_per_s").quantity
        rows.append([label, *(number(q.rate() if q else None, GIGA, best=q is best) for q in at)])
    return Table(header=[what, *(f"{name}, GFLOPS" for name in named)], rows=rows)
