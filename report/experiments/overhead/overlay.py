"""The shortest calls of an `overhead` experiment on several machines, or in several frameworks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis.quantities import highest, ratio
from report.experiments.overhead.figures import TEMPLATE, sheet
from report.experiments.overhead.model import CALLS, calls, compiling
from report.experiments.overhead.quantities import name_call, of_records
from report.figures import prose
from report.figures.figure import Figure, Number, Table, absent, number, together
from report.figures.shapes import Axis, Dots, row
from report.text.units import MICRO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.experiments.subject import Overlay

    BySubject = dict[str, Quantity]


def overlay(over: Overlay) -> list[Figure]:
    """Draw an addition and an update of each variant, of the fewest elements that all have."""
    series = {s.name: of_records(s.records(over.experiment), s.result.run) for s in over.subjects}
    shown = shortest(series)
    main = next((mine for mine in shown.values() if len(mine) > 1), None)
    if main is None:
        return []
    subjects = [s for s in over.subjects if series[s.name]]
    several = len(subjects) > 3
    names = {call: name_call(next(iter(mine.values()))) for call, mine in shown.items()}
    shape = Dots(
        labels=tuple(names.values()),
        x=Axis(label="time of one call", scale="seconds"),
        rows=tuple(
            row(s.name, s.index, [_time(mine.get(s.name)) for mine in shown.values()])
            for s in subjects
        ),
        of=len(subjects) if several else None,
        per_row=13 * len(subjects) if several else 44,
    )
    floor = next((s for s in subjects if s.floor), None)
    least = shown.get("compiled", {}).get(floor.name) if floor else None
    lead = shown.get("eager", {}).get(subjects[0].name)
    fast, *_, slow = sorted(main, key=lambda name: main[name].time().value)
    words = prose.words(
        TEMPLATE,
        "compared",
        shape.alt,
        noun=over.noun,
        what=name_call(main[fast]),
        main=main,
        fast=fast,
        slow=slow,
        gap=ratio(main[slow], main[fast]),
        subjects=subjects,
        floor=floor,
        above=_times_floor(lead, least),
        compiled=_compiled(shown.get("eager", {}), shown.get("compiled", {})),
    )
    return [
        Figure(
            name=f"{over.name}-calls",
            question="calls" if over.noun == "framework" else "compare",
            words=words,
            shape=shape,
            table=_table(over, names, shown, least),
            sheet=together(((s.name, sheet(series[s.name])) for s in subjects), over.noun),
        )
    ]


def shortest(series: Mapping[str, Sequence[Quantity]]) -> dict[str, BySubject]:
    """Return each call with the fewest elements that all subjects have who make such calls."""
    lines = {name: calls(mine) for name, mine in series.items()}
    shown = {}
    for call in CALLS:
        mine = {name: each[call] for name, each in lines.items() if call in each}
        shared = set.intersection(*map(set, mine.values())) if mine else set()
        if shared:
            shown[call] = {name: line[min(shared)] for name, line in mine.items()}
    return shown


def _time(quantity: Quantity | None) -> Estimate | None:
    return None if quantity is None else quantity.time()


def _compiled(eager: BySubject, compiled: BySubject) -> dict[str, tuple[bool, Estimate]]:
    """Return what compiling does to the same update, by subject."""
    return {
        name: compiling(eager[name], one)
        for name, one in compiled.items()
        if name in eager and _same_size(one, eager[name])
    }


def _table(
    over: Overlay,
    names: Mapping[str, str],
    shown: Mapping[str, BySubject],
    floor: Quantity | None,
) -> Table:
    """Return times, a row for each subject; of updates, also how many times the floor's."""
    best = {c: highest(list(mine.values()), lowest=True).quantity for c, mine in shown.items()}
    factors = [call for call in shown if floor is not None and call != "add"]
    rows: list[list[str | Number]] = []
    for subject in over.subjects:
        at = {call: mine.get(subject.name) for call, mine in shown.items()}
        if not any(at.values()):
            continue
        cells: list[str | Number] = [subject.name]
        for call, q in at.items():
            cells.append(absent() if q is None else number(q.time(), MICRO, best=q is best[call]))
        cells += [_factor(at[call], floor) for call in factors]
        rows.append(cells)
    header = [over.noun, *(f"{name}, µs" for name in names.values())]
    return Table(header=[*header, *(f"{names[c]}, times the floor" for c in factors)], rows=rows)


def _factor(quantity: Quantity | None, floor: Quantity | None) -> Number:
    factor = _times_floor(quantity, floor)
    if factor is None:
        return absent()
    return Number(text="1") if quantity is floor else number(factor)


def _times_floor(quantity: Quantity | None, floor: Quantity | None) -> Estimate | None:
    if quantity is None or floor is None or not _same_size(quantity, floor):
        return None
    return ratio(quantity, floor)


def _same_size(one: Quantity, other: Quantity) -> bool:
    return one.labels["size"] == other.labels["size"]
