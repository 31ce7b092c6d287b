"""Figures of a `training` experiment with several machines, or frameworks, on the same axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from report.analysis.estimate import product
from report.experiments.training.curves import (
    BATCH_SIZE,
    SECONDS,
    TEMPLATE,
    TIME,
    Columns,
    both_ways,
    curve,
    curves,
    dots,
    ends_sheet,
    milliseconds,
    seconds_sheet,
    table,
    until,
    way_sheet,
)
from report.experiments.training.figures import announced
from report.experiments.training.quantities import ratio, soonest, towards
from report.experiments.training.ways import VARIANTS, gap, pairs_of, ways_of
from report.figures import prose
from report.figures.figure import Figure, Table, absent, number, together
from report.figures.shapes import Curves, line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.experiments.kind import Overlay, Subject
    from report.experiments.training.runs import Run
    from report.experiments.training.ways import Way
    from report.figures.figure import Sheet
    from report.figures.shapes import Shape

CODE = ["linreg", "squared_loss", "sgd", "update", "update_epoch", "Scratch.step", "program"]
CODE += ["train_concise", "Concise.step"]
"""The functions that train, as one backend or another calls them."""

LEAST_SIZES = 3
"""Fewer batch sizes than this are no curve."""


def overlay(over: Overlay) -> list[Figure]:
    """Draw an experiment of several machines, or frameworks, on the same axes."""
    ways = ways_of(over)
    if len({way.subject.name for way in ways}) < 2:
        return []
    if {way.further for way in ways} & {"scratch", "concise"}:
        drawn = _implementations(over, ways)
    else:
        drawn = [*_seconds(over, ways), *_time(over, ways)]
    results = {id(way.subject.result): way.subject.result for way in ways}
    return [announced(figure, list(results.values())) for figure in drawn]


# --- seconds per epoch


def _seconds(over: Overlay, ways: Sequence[Way]) -> list[Figure]:
    """Draw seconds per epoch, against batch size where runs differ in that, else by run."""
    runs = [run for run in ways[0].seconds if all(run in way.seconds for way in ways)]
    swept = _swept(ways)
    if not swept and not runs:
        return []
    series = {way.name: [way.seconds.get(run) for run in runs] for way in ways}
    by_run = dots(runs, series, [way.subject.index for way in ways])
    floor = _floor(ways)
    shares = _shares(ways) if over.noun == "framework" else []
    columns: Columns = {}
    for label in dict.fromkeys(run for way in ways for run in way.seconds) if swept else runs:
        mine = [way.seconds.get(label) for way in ways]
        columns[f"{label}, ms per epoch"] = milliseconds(mine)
        if floor is not None:
            base = floor.seconds.get(label)
            columns[f"{label}, times the floor"] = [
                "1" if q is base else number(ratio(q, base)) for q in mine
            ]
    figure = _figure(
        over,
        ways,
        "loaders" if shares else "seconds",
        _curves(ways) if swept else by_run,
        columns,
        sheets=lambda way: seconds_sheet([*way.seconds.values()]),
        floor=floor,
        loaded=_loaded(ways),
        shares=shares,
        above=_above(ways, floor),
        compared=_compared(over, ways),
    )
    return [figure]


def _swept(ways: Sequence[Way]) -> bool:
    """Return whether runs differ in their batch sizes, so that these can be an axis."""
    sizes = {size for way in ways for size in way.by_size}
    return len(sizes) >= LEAST_SIZES and all(len(w.by_size) == len(w.seconds) for w in ways)


def _figure(  # noqa: PLR0913 (what a figure is made of)
    over: Overlay,
    ways: Sequence[Way],
    what: str,
    shape: Shape,
    numbers: Table | Columns,
    *,
    sheets: Callable[[Way], Sheet],
    **facts: Any,
) -> Figure:
    """Return a figure.

    Args:
        over: The subjects.
        ways: Of theirs, which are shown.
        what: Its question.
        shape: What is drawn.
        numbers: A table; or columns of one with a row for each way, which for machines is turned.
        sheets: Gives the data of a way.
        facts: What the template names.
    """
    machines = over.noun == "machine"
    names = [way.name for way in ways]
    if not isinstance(numbers, Table) and machines:
        cells = dict(zip(names, zip(*numbers.values(), strict=True), strict=True))
        numbers = table("run", [*numbers], cells)
    elif not isinstance(numbers, Table):
        numbers = table(over.noun, names, numbers)
    said = {"noun": over.noun, "place": "on" if machines else "in", "ways": ways, **facts}
    return Figure(
        name=f"{over.name}-{what}",
        question=what,
        words=prose.words(TEMPLATE, f"compared_{what}", shape.alt, **said),
        shape=shape,
        table=numbers,
        sheet=together(((way.name, sheets(way)) for way in ways), over.noun),
        code=[] if machines else CODE,
        backends=[] if machines else list(dict.fromkeys(way.subject.backend for way in ways)),
    )


def _curves(ways: Sequence[Way]) -> Curves:
    lines = [
        line(w.name, w.subject.index, [*q], [each.time() for each in q.values()], **w.look)
        for w, q in ((way, way.by_size) for way in ways)
    ]
    return Curves(x=BATCH_SIZE, y=SECONDS, lines=tuple(lines), names="above", height=440)


def _compared(over: Overlay, ways: Sequence[Way]) -> dict[str, object]:
    """Return who takes longest on average over all that all did, and how much longer.

    Machines are compared as they are, frameworks by each way in which one trains.
    """
    found: dict[str, dict[str, Quantity]] = {}
    for way in ways:
        machine = over.noun == "machine"
        mine = found.setdefault(way.subject.name if machine else way.name, {})
        kind = [VARIANTS[way.variant], way.further] if machine and way.several else []
        mine |= {", ".join(filter(None, [r, *kind])): q for r, q in way.seconds.items()}
    first = next(iter(found.values()))
    runs = [run for run in first if all(run in mine for mine in found.values())]

    def average(one: str, other: str) -> Estimate:
        power = 1 / len(runs)
        above = [found[one][run].factor(weight=power) for run in runs]
        return product([*above, *(found[other][run].factor(weight=-power) for run in runs)])

    if not runs:
        return {}
    order = sorted(found, key=lambda name: average(name, next(iter(found))).value)
    return {
        "slowest": order[-1],
        "fastest": order[0],
        "factor": average(order[-1], order[0]),
        "each": {run: ratio(found[order[-1]][run], found[order[0]][run]) for run in runs},
    }


def _floor(ways: Sequence[Way]) -> Way | None:
    return next((way for way in ways if way.subject.floor), None)


def _above(ways: Sequence[Way], floor: Way | None) -> dict[str, Any]:
    """Return how many times the floor the first way takes, and which come closest to it."""
    lead = ways[0]
    sizes = [size for size in lead.by_size if floor and size in floor.by_size]
    if floor is None or lead is floor or not sizes:
        return {}
    small, large = (
        [
            (way, ratio(way.by_size[size], floor.by_size[size]))
            for way in ways
            if way is not floor and size in way.by_size
        ]
        for size in (sizes[0], sizes[-1])
    )
    order = sorted(small, key=lambda pair: pair[1].value if pair[1] else 0.0)
    return {
        "sizes": (sizes[0], sizes[-1]),
        "factors": (small[0][1], large[0][1]),
        "closest": order[0],
        "furthest": order[-1],
    }


def _shares(ways: Sequence[Way]) -> list[tuple[Subject, list[tuple[int, Estimate]]]]:
    """Return what share of an epoch is the loader's, in the smallest and the largest batches."""
    found = []
    for loaded, cut in pairs_of(ways, "dataloader", "sliced"):
        both = [size for size in loaded.by_size if size in cut.by_size]
        left = {s: ratio(cut.by_size[s], loaded.by_size[s]) for s in both[:1] + both[-1:]}
        shares = [(s, r.complement(f"share of the loader: {r.key}")) for s, r in left.items() if r]
        found.append((loaded.subject, shares))
    return found if len(found) > 1 else []


def _loaded(ways: Sequence[Way]) -> tuple[list[str], list[str]]:
    """Return whose seconds hold a data loader, which is a good part of some, and whose do not."""
    own = {
        way.subject.name for way in ways for run in way.runs if run.labels["loader"] == "dataloader"
    }
    names = dict.fromkeys(way.subject.name for way in ways)
    return [name for name in names if name in own], [name for name in names if name not in own]


# --- losses by time


def _time(over: Overlay, ways: Sequence[Way]) -> list[Figure]:
    """Draw the loss against time of the run that gets to the target first in the first way.

    Where only batch sizes differ: else, as with two loaders, the seconds per epoch say it all.
    """
    solved = [way for way in ways if way.case.target is not None]
    target = solved[0].case.target if solved else None
    first = soonest(solved[0].runs, target) if solved else None
    if target is None or first is None or any(way.further for way in ways) or not _swept(ways):
        return []
    label = str(first.run.labels["run"])
    chosen = {way: run for way in solved if (run := way.run(label)) is not None}
    if len({way.subject.name for way in chosen}) < 2:
        return []
    lines = [
        curve(way.case, run, way.subject.index, TIME, band=False, name=way.name, **way.look)
        for way, run in chosen.items()
    ]
    fared = {way: towards(run, target) for way, run in chosen.items()}
    timed = [way for way, one in fared.items() if one.time is not None]
    order = sorted(timed, key=lambda way: one.value if (one := fared[way].time) else 0.0)
    quick, late = (chosen[order[k]].seconds_to(target) for k in (0, -1))
    labels = dict.fromkeys(str(run.labels["run"]) for way in solved for run in way.runs)
    figure = _figure(
        over,
        solved,
        "time",
        curves(solved[0].case, lines, TIME, target),
        {
            f"{label}, ms to {target:g}": [
                absent() if (run := way.run(label)) is None else until(towards(run, target))
                for way in solved
            ]
            for label in labels
        },
        sheets=lambda way: way_sheet(way.runs, target),
        run=first.run,
        target=target,
        fared=fared,
        quick=order[0],
        late=order[-1],
        factor=ratio(late, quick),
        gap=gap(solved),
        epochs=any(way.variant == "epoch" for way in chosen),
    )
    return [figure]


# --- two implementations


def _implementations(over: Overlay, ways: Sequence[Way]) -> list[Figure]:
    """Draw seconds per epoch from scratch and with the framework's own parts."""
    pairs: dict[str, tuple[Run, Run]] = {}
    for scratch, concise in pairs_of(ways, "scratch", "concise"):
        both = [run for run in scratch.seconds if run in concise.seconds]
        runs = [way.run(label) for label in both[:1] for way in (scratch, concise)]
        if len(runs) == 2 and runs[0] and runs[1]:
            # What it is called does not depend on which of the two it is.
            name = ", ".join(filter(None, [scratch.subject.name, VARIANTS[scratch.variant]]))
            pairs[name] = runs[0], runs[1]
    if len({id(one.records) for one, _ in pairs.values()}) < 2:
        return []
    shape, columns, ratios = both_ways(pairs, ("from scratch", "concise"))
    order = sorted(ratios.items(), key=lambda pair: pair[1].value)
    figure = _figure(
        over,
        ways,
        "implementations",
        shape,
        table(over.noun, [*pairs], columns),
        sheets=lambda way: ends_sheet(way.case, way.runs),
        ratios=ratios,
        least=order[0],
        most=order[-1],
        listed=_listed(ways) if over.noun == "framework" else [],
    )
    return [figure]


def _listed(ways: Sequence[Way]) -> list[tuple[Subject, Run]]:
    """Return the first framework's concise run, and one of each other that only it trained."""
    concise = [(way.subject, run) for way in ways if way.further == "concise" for run in way.runs]
    trained: dict[str, set[str]] = {}
    for subject, run in concise:
        trained.setdefault(str(run.labels["run"]), set()).add(subject.name)
    own = [(s, run) for s, run in concise if len(trained[str(run.labels["run"])]) == 1]
    chosen: dict[str, tuple[Subject, Run]] = {}
    for subject, run in [*concise[:1], *own] if own else []:
        chosen.setdefault(subject.name, (subject, run))
    return list(chosen.values())


# --- what the section on frameworks says beside its figures


def sentences(over: Overlay) -> list[str]:
    """Say what an epoch of the smallest batches is above the floor, if it was measured."""
    ways = ways_of(over)
    above = _above(ways, _floor(ways))
    return prose.sentences(TEMPLATE, "floor_mail", lead=ways[0], above=above) if above else []


def method(over: Overlay) -> list[str]:
    """Say how far the losses of the frameworks lie apart."""
    ways = ways_of(over)
    planned = over.subjects[0].result.config["experiments"][over.experiment]
    return prose.sentences(TEMPLATE, "paths_method", title=planned["title"], gap=gap(ways))
