"""Figures of `scaling`: messages, epochs and time to a loss; the epochs of several machines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from report.analysis.quantities import by_backend, highest, ratio
from report.experiments.kind import Overlay, ranking
from report.experiments.scaling import quantities
from report.figures import prose
from report.figures.figure import Figure, number, quantity_sheet, shared_prefix, table, together
from report.figures.shapes import Axis, Curves, Dots, Guide, Line, line, row
from report.text.names import size
from report.text.numerals import GIGA, KILO, MICRO, PERCENT, count, scaled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from report.analysis.quantities import Quantity
    from report.experiments.scaling.quantities import ByWorld
    from report.figures.figure import Columns, Sheet
    from report.results.result import Result

TEMPLATE = "experiments/scaling.html"

CODE = ["Model.update", "Group.sample"]

SPEED = Axis(label="thousand examples per second", unit=KILO)


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw an experiment of one machine."""
    drawn = []
    settings = result.config["experiments"][experiment]["settings"]
    told = {
        "code": CODE,
        "hosts": settings.get("nodes", 1),
        "surrogate": result.surrogate,
    }
    for backend, records in by_backend(result.of(experiment)).items():
        series, name = quantities.of_records(records, result.run), f"{experiment}-{backend}"
        messages = quantities.by_world(series, "all-reduce")
        together = {
            size: several
            for size, mine in messages.items()
            if (several := {world: q for world, q in mine.items() if world > 1})
        }
        if together:
            drawn.append(_messages(f"{name}-messages", together, told))
        if epochs := quantities.by_world(series, "epoch"):
            drawn.append(_epochs(f"{name}-speed", epochs, told))
        if reached := quantities.by_world(series, "to-loss"):
            drawn.append(_to_loss(f"{name}-loss", reached, settings.get("loss"), told))
    return drawn


def _all(found: dict[int, ByWorld]) -> tuple[list[int], list[Quantity]]:
    """Return the sizes of the groups, and every series."""
    worlds = sorted({world for mine in found.values() for world in mine})
    return worlds, [q for mine in found.values() for q in mine.values()]


def _messages(name: str, messages: dict[int, ByWorld], told: dict[str, Any]) -> Figure:
    worlds, series = _all(messages)
    shape = Curves(
        x=Axis(label="message", scale="bytes", ticks=tuple(messages)),
        y=Axis(label="time of an all-reduce, µs", unit=MICRO),
        lines=tuple(
            line(
                count(world, "process"),
                k,
                [size for size, mine in messages.items() if world in mine],
                [mine[world].time() for mine in messages.values() if world in mine],
            )
            for k, world in enumerate(worlds)
        ),
    )
    columns: Columns = {}
    for world in worlds:
        mine = [each.get(world) for each in messages.values()]
        of = f"{world} processes"
        columns[f"{of}, µs"] = [number(q.time() if q else None, MICRO) for q in mine]
        rates = [q.bandwidth() if q else None for q in mine]
        columns[f"{of}, algorithm GB/s"] = [number(rate, GIGA) for rate in rates]
        buses = [quantities.bus_bandwidth(q) if q else None for q in mine]
        columns[f"{of}, bus GB/s"] = [number(rate, GIGA) for rate in buses]
    shortest, longest = messages[min(messages)], messages[max(messages)]
    return prose.figure(
        TEMPLATE,
        name,
        "messages",
        shape,
        table=table("message", [size(each) for each in messages], columns),
        sheet=quantity_sheet(series, {"elapsed_s": None, "bytes_per_s": "bytes_per_s"}),
        **told,
        world=worlds[-1],
        short=shortest[max(shortest)],
        long=longest[max(longest)],
        bus=quantities.bus_bandwidth(longest[max(longest)]),
    )


def _epochs(name: str, epochs: dict[int, ByWorld], told: dict[str, Any]) -> Figure:
    worlds, series = _all(epochs)
    guides = tuple(
        Guide(
            x=(worlds[0], worlds[-1]),
            y=tuple(
                first.examples_per_s().value * world / worlds[0]
                for world in (worlds[0], worlds[-1])
            ),
            colour=k,
        )
        for k, mine in enumerate(epochs.values())
        if (first := mine.get(worlds[0]))
    )
    lines = tuple(_speed(f"batch {b:,}", k, mine) for k, (b, mine) in enumerate(epochs.items()))
    tops = [end for one in lines for end in one.y] + [end for one in guides for end in one.y]
    tops += [end for one in lines for end in one.high if end is not None]
    shape = Curves(
        x=Axis(label="processes", scale="log2", ticks=tuple(worlds)),
        y=replace(SPEED, high=1.2 * max(tops) / KILO),  # ideal lines rise above what is measured
        lines=lines,
        marks=guides,
    )
    columns: Columns = {}
    for batch, mine in epochs.items():
        rates = [mine[w].examples_per_s() if w in mine else None for w in worlds]
        columns[f"batch {batch:,}, thousand examples/s"] = [number(rate, KILO) for rate in rates]
        shares = [quantities.efficiency(mine, w) if w in mine else None for w in worlds]
        columns[f"batch {batch:,}, efficiency %"] = [number(share, PERCENT) for share in shares]
    batch, most = max(epochs.items())
    return prose.figure(
        TEMPLATE,
        name,
        "epochs",
        shape,
        table=table("processes", [str(world) for world in worlds], columns),
        sheet=_speed_sheet(series),
        **told,
        batch=batch,
        rate=most[max(most)].examples_per_s(),
        world=max(most),
        speedup=ratio(most[1], most[max(most)]) if 1 in most and max(most) > 1 else None,
        efficiency=quantities.efficiency(most, max(most)),
        every={b: quantities.efficiency(mine, max(mine)) for b, mine in epochs.items()},
    )


def _speed(name: str, index: int, mine: ByWorld) -> Line:
    return line(name, index, list(mine), [q.examples_per_s() for q in mine.values()])


def _speed_sheet(series: Iterable[Quantity]) -> Sheet:
    return quantity_sheet(list(series), {"elapsed_s": None, "examples_per_s": "examples_per_s"})


def overlay(over: Overlay) -> list[Figure]:
    """Draw the epochs with the largest batch that all machines have, by processes."""
    series = over.series(quantities.of_records)
    epochs = {name: quantities.by_world(mine, "epoch") for name, mine in series.items()}
    shared = set.intersection(*map(set, epochs.values())) if len(epochs) > 1 else None
    if not shared:
        return []
    batch = max(shared)
    lines = {name: mine[batch] for name, mine in epochs.items()}
    worlds = sorted({world for mine in lines.values() for world in mine})
    index = {subject.name: subject.index for subject in over.subjects}
    shape = Curves(
        x=Axis(label="processes", scale="log2", ticks=tuple(worlds)),
        y=SPEED,
        lines=tuple(_speed(name, index[name], mine) for name, mine in lines.items()),
        names="above",
    )
    columns: Columns = {}
    for name, mine in lines.items():
        rates = [mine[world].examples_per_s() if world in mine else None for world in worlds]
        columns[f"{name}, thousand examples/s"] = [number(rate, KILO) for rate in rates]
    tops = {name: highest(list(mine.values()), "examples_per_s") for name, mine in lines.items()}
    figure = prose.figure(
        TEMPLATE,
        f"{over.name}-speed",
        "compared",
        shape,
        table=table("processes", [str(world) for world in worlds], columns),
        sheet=together(((n, _speed_sheet(mine.values())) for n, mine in lines.items()), over.noun),
        batch=batch,
        surrogate=[one.name for one in over.subjects if one.result.surrogate],
        **ranking(tops, "examples_per_s"),
    )
    return [figure]


def _to_loss(
    name: str, reached: dict[int, ByWorld], loss: float | None, told: dict[str, Any]
) -> Figure:
    worlds, series = _all(reached)
    best = highest(series, lowest=True)
    unit = shared_prefix([q.time().value for q in series])
    shape = Dots(
        labels=tuple(f"batch {batch:,}" for batch in reached),
        x=Axis(label=f"time to a loss of {loss:g}", scale="seconds"),
        rows=tuple(
            row(
                count(world, "process"),
                k,
                [mine[world].time() if world in mine else None for mine in reached.values()],
            )
            for k, world in enumerate(worlds)
        ),
    )
    columns: Columns = {
        f"{count(world, 'process')}, {scaled(unit, 's').partition(' ')[2]}": [
            number(mine[world].time() if world in mine else None, unit) for mine in reached.values()
        ]
        for world in worlds
    }
    return prose.figure(
        TEMPLATE,
        name,
        "loss",
        shape,
        table=table("global batch", [f"{batch:,}" for batch in reached], columns),
        sheet=quantity_sheet(series, {"elapsed_s": None}),
        **told,
        best=best.quantity,
        ties=len(best.ties),
        loss=loss,
    )
