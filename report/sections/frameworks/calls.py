"""What one call and one update take in every framework."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from report.analysis import quantities
from report.experiments.catalogue import of_records
from report.experiments.overhead.figures import additions, sheet, updates
from report.figures import plotting
from report.figures.figure import Figure, Number, Sheet, Table, Words, absent, number, together
from report.sections.frameworks.ways import FLOOR, records_of
from report.text.names import title
from report.text.numerals import scaled, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.analysis.quantities import Quantity
    from report.results.result import Result

MICRO = 1e-6

SERIES = {
    "add": "one addition",
    "eager": "one update, as written",
    "compiled": "one update, compiled",
}


class Calls(NamedTuple):
    """The shortest calls of a framework; None where it has none."""

    add: Quantity | None
    eager: Quantity | None
    compiled: Quantity | None


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw an addition of two numbers and an update with one example, by framework."""
    found = {
        backend: calls
        for backend, records in records_of(result, experiment).items()
        if (calls := shortest(of_records(records, result.run))).add is not None
    }
    if len(found) < 2:
        return []
    name = f"frameworks-{experiment}-calls"

    def draw(axes: Axes, *, narrow: bool) -> None:
        plotting.dot_axes(axes, [title(b) for b in found], "time of one call, µs", narrow=narrow)
        for index, (name, label) in enumerate(SERIES.items()):
            measured = [getattr(calls, name) for calls in found.values()]
            times = [q.time().scaled(1 / MICRO) if q else None for q in measured]
            plotting.dots(axes, times, index, label=label)
        plotting.legend_above(axes, narrow=narrow)

    said = _words(found)
    return [
        Figure(
            name=name,
            question="calls",
            words=said,
            drawing=plotting.drawing(name, said.alt, draw, height=130 + 52 * len(found)),
            table=_table(found),
            sheet=_sheet(found),
        )
    ]


def shortest(found: Sequence[Quantity]) -> Calls:
    """Return the addition, the eager and the compiled update of the fewest elements."""
    lines = updates(found)
    return Calls(
        add=next(iter(additions(found).values()), None),
        eager=next(iter(lines.get("eager", {}).values()), None),
        compiled=next(iter(lines.get("compiled", {}).values()), None),
    )


def _floor(found: dict[str, Calls]) -> Quantity | None:
    return found[FLOOR].compiled if FLOOR in found else None


def _words(found: dict[str, Calls]) -> Words:
    adds = {b: calls.add.time().value for b, calls in found.items() if calls.add}
    quick = min(adds, key=lambda b: adds[b])
    slow = max(adds, key=lambda b: adds[b])
    heading = (
        f"An addition of two numbers takes {scaled(adds[quick], 's')} in {title(quick)}, "
        f"{scaled(adds[slow], 's')} in {title(slow)}"
    )
    caption = "An update with one example: " + "; ".join(
        f"{title(b)} {_both(calls)}" for b, calls in found.items() if calls.eager or calls.compiled
    )
    lead = next(iter(found))
    eager, floor = found[lead].eager, _floor(found)
    explanation = ""
    if eager is not None and floor is not None and lead != FLOOR:
        ratio = quantities.ratio(eager, floor)
        explanation += (
            f"An update is some dozen calls, forward and backward, which the arithmetic of one "
            f"example cannot fill: {title(lead)}'s takes {times(ratio.value)} times as long as a "
            f"call of {title(FLOOR)}'s compiled update. "
        )
    ratios = {
        b: quantities.ratio(calls.compiled, calls.eager).value
        for b, calls in found.items()
        if calls.eager and calls.compiled
    }
    if ratios:
        explanation += "Compiled, an update takes so many times as long as it does as written: "
        explanation += "; ".join(f"{title(b)} {times(ratio)}" for b, ratio in ratios.items())
        explanation += ". Where all of an update is one program, what is left of it is one call."
    alt = f"Dot plot of microseconds by framework, logarithmic. {heading}. {caption}."
    return Words(title=heading, caption=f"{caption}.", explanation=explanation, alt=alt)


def _both(calls: Calls) -> str:
    said = [scaled(calls.eager.time().value, "s")] if calls.eager else []
    said += [f"{scaled(calls.compiled.time().value, 's')} compiled"] if calls.compiled else []
    return ", ".join(said)


def _table(found: dict[str, Calls]) -> Table:
    floor = _floor(found)
    best = [
        min((q.time().value for q in column if q), default=None)
        for column in zip(*found.values(), strict=True)
    ]
    rows: list[list[str | Number]] = []
    for backend, calls in found.items():
        row: list[str | Number] = [title(backend)]
        for q, lowest in zip(calls, best, strict=True):
            best_of_all = q is not None and q.time().value == lowest
            row.append(absent() if q is None else number(q.time(), MICRO, best=best_of_all))
        if floor is not None:
            row += [_factor(q, floor) for q in (calls.eager, calls.compiled)]
        rows.append(row)
    header = ["framework", *(f"{label}, µs" for label in SERIES.values())]
    if floor:
        header += ["as written, times the floor", "compiled, times the floor"]
    return Table(header=header, rows=rows)


def _factor(quantity: Quantity | None, floor: Quantity) -> Number:
    if quantity is None:
        return absent()
    if quantity is floor:
        return Number(text="1")
    return number(quantities.ratio(quantity, floor))


def _sheet(found: dict[str, Calls]) -> Sheet:
    sheets = ((backend, sheet([q for q in calls if q])) for backend, calls in found.items())
    return together(sheets, "backend")
