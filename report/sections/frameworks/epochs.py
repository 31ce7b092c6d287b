"""Seconds per epoch by batch size in every framework, above what the arithmetic takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.catalogue import of_records
from report.experiments.training.labels import whole
from report.experiments.training.tables import seconds_sheet
from report.figures import plotting, ticks
from report.figures.figure import Figure, Number, Sheet, Table, Words, absent, number, together
from report.sections.frameworks import implementations, listed, losses
from report.sections.frameworks.ways import FLOOR, Way, draw_line, records_of, ways
from report.text.names import title
from report.text.numerals import percent, scaled, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.results.result import Result

MILLI = 1e-3

CODE = ["linreg", "squared_loss", "sgd", "update", "update_epoch", "Scratch.step", "program"]
"""The functions that train, as one backend or another calls them."""

LEAST_SIZES = 3
"""Fewer batch sizes than this are no curve."""


@dataclass(frozen=True, kw_only=True)
class Epochs:
    """What one way's epochs take.

    Attributes:
        way: The framework, and how it is carried out.
        by_size: Seconds per epoch by batch size, the smallest first.
    """

    way: Way
    by_size: dict[int, Quantity]


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw an experiment's epochs, and its losses against time."""
    found = epochs_of(result, experiment)
    sizes = {size for one in found for size in one.by_size}
    drawn = []
    if len(sizes) >= LEAST_SIZES and len({one.way.backend for one in found}) > 1:
        loaders = [one for one in found if one.way.further]
        name = f"frameworks-{experiment}-{'loaders' if loaders else 'epochs'}"
        drawn.append(_seconds(name, found, "loaders" if loaders else "epochs"))
        drawn += losses.figures(result, experiment)
    drawn += implementations.figures(result, experiment)
    return [*drawn, *listed.figures(result, experiment)]


def epochs_of(result: Result, experiment: str) -> list[Epochs]:
    """Return what each way's epochs take in an experiment, the first run of each batch size."""
    found = []
    for backend, records in records_of(result, experiment).items():
        mine = of_records(records, result.run)
        by_way: dict[Way, dict[int, Quantity]] = {}
        for way, quantity in zip(ways(backend, [q.labels for q in mine]), mine, strict=True):
            by_way.setdefault(way, {}).setdefault(whole(quantity.labels, "batch_size"), quantity)
        found += [Epochs(way=w, by_size=dict(sorted(q.items()))) for w, q in by_way.items()]
    return found


def _seconds(name: str, found: Sequence[Epochs], question: str) -> Figure:
    floor = floor_of(found)

    def draw(axes: Axes, *, narrow: bool) -> None:
        ticks.log_axis(axes.xaxis)
        ticks.log_axis(axes.yaxis)
        drawn = [
            draw_line(
                axes,
                list(one.by_size),
                [q.time().scaled(1 / MILLI) for q in one.by_size.values()],
                one.way,
            )
            for one in found
        ]
        axes.set_xlabel("batch size")
        axes.set_ylabel("milliseconds per epoch")
        plotting.legend_above(axes, drawn, narrow=narrow)

    said = _words(found, floor)
    return Figure(
        name=name,
        question=question,
        words=said,
        drawing=plotting.drawing(name, said.alt, draw, height=440),
        table=_table(found, floor),
        sheet=_sheet(found),
        code=CODE,
        backends=list(dict.fromkeys(one.way.backend for one in found)),
    )


def floor_of(found: Sequence[Epochs]) -> Epochs | None:
    """Return what the arithmetic itself takes, if that was measured."""
    return next((one for one in found if one.way.backend == FLOOR), None)


def over(quantity: Quantity, floor: Quantity) -> Estimate:
    """Return by what factor one takes longer than the floor; they share no process."""
    return quantities.ratio(quantity, floor)


def _words(found: Sequence[Epochs], floor: Epochs | None) -> Words:
    caption = "Milliseconds per epoch, smallest and largest batch: " + "; ".join(
        f"{one.way.name} {_short(one.by_size[min(one.by_size)])} and "
        f"{_short(one.by_size[max(one.by_size)])}"
        for one in found
    )
    heading, explanation = _above_floor(found, floor) if floor else (_range(found), "")
    shares = _shares(found)
    if shares:
        heading, explanation = shares
    loaded = _loaded(found)
    alt = f"Curves of milliseconds per epoch by batch size, both logarithmic. {heading}. {caption}."
    return Words(
        title=heading, caption=f"{caption}.", explanation=f"{explanation}{loaded}", alt=alt
    )


def sentence_of(found: Sequence[Epochs]) -> str:
    """Say what an epoch of the smallest batches is above the floor; empty where there is none."""
    floor = floor_of(found)
    shared = [] if floor is None else [s for s in found[0].by_size if s in floor.by_size]
    if floor is None or not shared or found[0] is floor:
        return ""
    small = shared[0]
    quantity = found[0].by_size[small]
    batches = "single examples" if small == 1 else f"batches of {small:,}"
    return (
        f"An epoch of {batches} takes {_short(quantity)} in {title(found[0].way.backend)}, "
        f"{times(over(quantity, floor.by_size[small]).value)} times what its arithmetic takes."
    )


def _above_floor(found: Sequence[Epochs], floor: Epochs) -> tuple[str, str]:
    """Say how many times the floor the first framework takes, and where that matters."""
    lead = found[0]
    shared = [size for size in lead.by_size if size in floor.by_size]
    if not shared or lead is floor:
        return _range(found), ""
    factors = {size: over(lead.by_size[size], floor.by_size[size]).value for size in shared}
    small, large = shared[0], shared[-1]
    heading = (
        f"In batches of {small:,}, an epoch in {title(lead.way.backend)} takes "
        f"{times(factors[small])} times what its arithmetic does; in batches of {large:,}, "
        f"{times(factors[large])} times"
    )
    others = [
        (one, over(one.by_size[small], floor.by_size[small]).value)
        for one in found
        if one is not floor and small in one.by_size
    ]
    closest, factor = min(others, key=lambda pair: pair[1])
    furthest, most = max(others, key=lambda pair: pair[1])
    explanation = (
        f"{title(FLOOR)}'s epoch is one compiled loop over the same examples in the same order: "
        f"{_short(floor.by_size[small])} with batches of {small:,}, where each step waits for the "
        f"one before, and {_short(floor.by_size[large])} with {large:,}. With batches of "
        f"{small:,}, {closest.way.name} comes closest to it, at {times(factor)} times, and "
        f"{furthest.way.name} is furthest, at {times(most)} times. What lies between is the price "
        "of a call, paid for each update; a larger batch divides it among more examples, and an "
        "epoch compiled as a whole pays it once. "
    )
    return heading, explanation


def _range(found: Sequence[Epochs]) -> str:
    every = [(one, q) for one in found for q in one.by_size.values()]
    fast, quick = min(every, key=lambda pair: pair[1].time().value)
    slow, most = max(every, key=lambda pair: pair[1].time().value)
    return f"Epochs take from {_short(quick)} ({fast.way.name}) to {_short(most)} ({slow.way.name})"


def _shares(found: Sequence[Epochs]) -> tuple[str, str] | None:
    """Say what share of an epoch is the loader's, where it was done with and without one."""
    pairs = {}
    for one in found:
        for other in found:
            same = (one.way.backend, one.way.variant) == (other.way.backend, other.way.variant)
            if same and (one.way.further, other.way.further) == ("dataloader", "sliced"):
                pairs[one.way.backend] = one.by_size, other.by_size
    if len(pairs) < 2:
        return None
    said = {}
    for at in (min, max):
        size = at(size for loaded, _ in pairs.values() for size in loaded)
        said[size] = ", ".join(
            f"{percent(1 - _cut(loaded[size], cut[size]))} in {title(backend)}"
            for backend, (loaded, cut) in pairs.items()
            if size in loaded and size in cut
        )
    (small, few), (large, many) = said.items()
    heading = f"With batches of {large:,}, the loader's share of an epoch is {many}"
    explanation = (
        f"With batches of {small:,} it is {few}: there are the updates to pay for as well. A "
        "loader fetches examples one by one in Python, or passes them through a pipeline made for "
        "files; these rows lie in memory, where slices of a shuffled array do as well. "
    )
    return heading, explanation


def _cut(loaded: Quantity, cut: Quantity) -> float:
    """Return what is left of an epoch without its loader."""
    return quantities.ratio(cut, loaded).value


def _loaded(found: Sequence[Epochs]) -> str:
    """Say whose seconds hold a data loader, which is a good part of some."""
    with_loader = {
        one.way.backend
        for one in found
        for q in one.by_size.values()
        if q.labels.get("loader") == "dataloader"
    }
    rest = {one.way.backend for one in found} - with_loader
    if not with_loader or not rest:
        return ""
    names, others = (", ".join(title(b) for b in sorted(each)) for each in (with_loader, rest))
    return (
        f"Batches come from the framework's own loader in {names}, whose cost is in its seconds; "
        f"{others} have none and cut them from a shuffled array."
    )


def _table(found: Sequence[Epochs], floor: Epochs | None) -> Table:
    sizes = sorted({size for one in found for size in one.by_size})
    best = {
        size: min(one.by_size[size].time().value for one in found if size in one.by_size)
        for size in sizes
    }
    rows: list[list[str | Number]] = []
    for one in found:
        row: list[str | Number] = [one.way.name]
        for size in sizes:
            quantity = one.by_size.get(size)
            if quantity is None:
                row += [absent()] * (2 if floor else 1)
                continue
            time = quantity.time()
            row.append(number(time, MILLI, best=time.value == best[size]))
            if floor:
                row.append(_factor(one, floor, size))
        rows.append(row)
    header = ["framework"]
    for size in sizes:
        header += [f"batch {size:,}, ms", *(["times the floor"] if floor else [])]
    return Table(header=header, rows=rows)


def _factor(one: Epochs, floor: Epochs, size: int) -> Number:
    if one is floor:
        return Number(text="1")
    if size not in floor.by_size:
        return absent()
    return number(over(one.by_size[size], floor.by_size[size]))


def _sheet(found: Sequence[Epochs]) -> Sheet:
    sheets = ((one.way.backend, seconds_sheet(list(one.by_size.values()))) for one in found)
    return together(sheets, "backend")


def _short(quantity: Quantity) -> str:
    return scaled(quantity.time().value, "s")
