"""What one call and one update take in every framework."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report import plotting, quantities, statistics
from report.experiments.overhead.figures import additions, sheet, updates
from report.figures import Figure, Number, Sheet, Table, Words, absent, number, together
from report.models.frameworks.ways import FLOOR, listing, records_of, title
from report.numerals import scaled, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.quantities import Quantity
    from report.results import Result

MICRO = 1e-6

SERIES = ("one addition", "one update, as written", "one update, compiled")


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw an addition of two numbers and an update with one example, by framework."""
    found = {
        backend: calls
        for backend, records in records_of(result, experiment).items()
        if any(calls := shortest(quantities.of_records(records)))
    }
    if len(found) < 2:
        return []
    name = f"frameworks-{experiment}-calls"

    def draw(axes: Axes, *, narrow: bool) -> None:
        plotting.dot_axes(axes, [title(b) for b in found], "time of one call, µs", narrow=narrow)
        for index, label in enumerate(SERIES):
            measured = [calls[index] for calls in found.values()]
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


def shortest(found: Sequence[Quantity]) -> list[Quantity | None]:
    """Return the addition, the eager and the compiled update of fewest elements, as `SERIES`."""
    adds, lines = additions(found), updates(found)
    return [
        next(iter(adds.values()), None),
        *(next(iter(lines.get(variant, {}).values()), None) for variant in ("eager", "compiled")),
    ]


def _floor(found: dict[str, list[Quantity | None]]) -> Quantity | None:
    return found[FLOOR][2] if FLOOR in found else None


def _words(found: dict[str, list[Quantity | None]]) -> Words:
    adds = {b: calls[0].time().value for b, calls in found.items() if calls[0]}
    quick = min(adds, key=lambda b: adds[b])
    slow = max(adds, key=lambda b: adds[b])
    heading = (
        f"An addition of two numbers takes {scaled(adds[quick], 's')} in {title(quick)}, "
        f"{scaled(adds[slow], 's')} in {title(slow)}"
    )
    caption = "An update with one example: " + listing(
        f"{title(b)} {_both(calls)}" for b, calls in found.items() if any(calls[1:])
    )
    lead = next(iter(found))
    eager, floor = found[lead][1], _floor(found)
    explanation = ""
    if eager is not None and floor is not None and lead != FLOOR:
        ratio = statistics.independent_ratio(eager.groups, floor.groups)
        explanation += (
            f"An update is some dozen calls, forward and backward, which the arithmetic of one "
            f"example cannot fill: {title(lead)}'s takes {times(ratio.value)} times as long as a "
            f"call of {title(FLOOR)}'s compiled update. "
        )
    ratios = {
        b: statistics.paired_ratio(calls[2].groups, calls[1].groups).value
        for b, calls in found.items()
        if calls[1] and calls[2]
    }
    if ratios:
        explanation += "Compiled, an update takes so many times as long as it does as written: "
        explanation += listing(f"{title(b)} {times(ratio)}" for b, ratio in ratios.items())
        explanation += ". What is left is one call, and what goes into it and comes out."
    alt = f"Dot plot of microseconds by framework, logarithmic. {heading}. {caption}."
    return Words(title=heading, caption=f"{caption}.", explanation=explanation, alt=alt)


def _both(calls: Sequence[Quantity | None]) -> str:
    eager, compiled = calls[1:]
    said = [scaled(eager.time().value, "s")] if eager else []
    said += [f"{scaled(compiled.time().value, 's')} compiled"] if compiled else []
    return ", ".join(said)


def _table(found: dict[str, list[Quantity | None]]) -> Table:
    floor = _floor(found)
    best = [
        min((q.time().value for calls in found.values() if (q := calls[k])), default=None)
        for k in range(len(SERIES))
    ]
    rows: list[list[str | Number]] = []
    for backend, calls in found.items():
        row: list[str | Number] = [title(backend)]
        for k, q in enumerate(calls):
            best_of_all = q is not None and q.time().value == best[k]
            row.append(absent() if q is None else number(q.time(), MICRO, best=best_of_all))
        if floor is not None:
            row += [_factor(q, floor) for q in calls[1:]]
        rows.append(row)
    header = ["framework", *(f"{label}, µs" for label in SERIES)]
    if floor:
        header += ["as written, times the floor", "compiled, times the floor"]
    return Table(header=header, rows=rows)


def _factor(quantity: Quantity | None, floor: Quantity) -> Number:
    if quantity is None:
        return absent()
    if quantity is floor:
        return Number(text="1")
    return number(statistics.independent_ratio(quantity.groups, floor.groups))


def _sheet(found: dict[str, list[Quantity | None]]) -> Sheet:
    sheets = ((backend, sheet([q for q in calls if q])) for backend, calls in found.items())
    return together(sheets, "backend")
