"""Figures of a `training` experiment with several machines, or frameworks, on the same axes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from report.analysis.estimate import product
from report.analysis.quantities import Quantity, varying
from report.experiments.training.curves import (
    BATCH_SIZE,
    SECONDS,
    TEMPLATE,
    TIME,
    both_ways,
    curve,
    curves,
    ends_sheet,
    milliseconds,
    seconds_sheet,
    table,
    target_line,
    until,
    way_sheet,
)
from report.experiments.training.figures import announced
from report.experiments.training.grid import by_batch_size
from report.experiments.training.quantities import case_of, ratio, soonest, towards
from report.experiments.training.runs import apart, is_grid
from report.figures import prose
from report.figures.figure import Figure, absent, number, together
from report.figures.shapes import Curves, Dots, line, row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.analysis.estimate import Estimate
    from report.experiments.subject import Overlay, Subject
    from report.experiments.training.quantities import Case
    from report.experiments.training.runs import Run
    from report.figures.figure import Number, Sheet
    from report.figures.shapes import Dash, Shape

VARIANTS = {"eager": "", "compiled": "compiled update", "epoch": "compiled epoch"}

DASHES: dict[str, Dash] = {"eager": "-", "compiled": "--", "epoch": (0, (1, 1.2))}

CODE = ["linreg", "squared_loss", "sgd", "update", "update_epoch", "Scratch.step", "program"]
"""The functions that train, as one backend or another calls them."""

LEAST_SIZES = 3
"""Fewer batch sizes than this are no curve."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Way:
    """A subject, and how what was written is carried out there.

    Attributes:
        subject: The machine, or the framework.
        case: What it measured.
        variant: eager, compiled or epoch.
        further: What else tells it from the subject's others: a loader, an implementation.
        several: The subject has others, from which the name must tell it.
        runs: Those that were done in this way.
    """

    subject: Subject
    case: Case
    variant: str
    further: str
    several: bool
    runs: list[Run]

    @property
    def name(self) -> str:
        """Return what it is called: "TensorFlow, compiled update"."""
        words = [self.subject.name]
        if self.several and not self.subject.floor:
            words += [VARIANTS.get(self.variant, self.variant), self.further]
        return ", ".join(word for word in words if word)

    @property
    def look(self) -> dict[str, Any]:
        """Return its line: dashes say what is one program, or that no loader takes part."""
        dash = DASHES.get("compiled" if self.further == "sliced" else self.variant, "-")
        return {"dash": dash, "width": 2.4 if self.subject.floor else None}

    @cached_property
    def seconds(self) -> dict[str, Quantity]:
        """Return the seconds per epoch by run; of a grid by batch size, over all rates."""
        found = [run.seconds for run in self.runs if run.seconds is not None]
        if is_grid(self.case.labels):
            found = by_batch_size(found)
        return {str(quantity.labels["run"]): quantity for quantity in found}

    @property
    def by_size(self) -> dict[int, Quantity]:
        """Return the same by batch size, the smallest first."""
        found = {int(str(q.labels["batch_size"])): q for q in self.seconds.values()}
        return dict(sorted(found.items()))

    def run(self, label: str) -> Run | None:
        """Return the run of a label."""
        return next((run for run in self.runs if run.labels["run"] == label), None)


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


def ways_of(over: Overlay) -> list[Way]:
    """Return every way in which an experiment was trained, by subject.

    Machines must have the same data, for an epoch over others is another amount of work, and are
    compared by the runs whose settings all have.
    """
    cases = [(s, case_of(s.result, over.experiment, s.backend)) for s in over.subjects]
    known = [(subject, case) for subject, case in cases if case is not None]
    known = [(s, case) for s, case in known if case.examples == known[0][1].examples]
    shared = None
    if over.noun == "machine" and known:
        shared = set.intersection(*({run.settings() for run in case.runs} for _, case in known))
    found = []
    for subject, case in known:
        names = _telling(case)
        ways: dict[tuple[str, str], list[Run]] = {}
        for run in case.runs:
            if shared is None or run.settings() in shared:
                key = str(run.labels["variant"]), ", ".join(str(run.labels[n]) for n in names)
                ways.setdefault(key, []).append(run)
        found += [
            Way(
                subject=subject,
                case=case,
                variant=variant,
                further=further,
                several=len(ways) > 1,
                runs=runs,
            )
            for (variant, further), runs in ways.items()
        ]
    return [way for way in found if way.seconds]


def _telling(case: Case) -> list[str]:
    """Return in what one run was done in several ways, beside variants."""
    labels = [run.labels for run in case.runs]
    by_run = [
        [each for each in labels if each["run"] == name] for name in {r["run"] for r in labels}
    ]
    return [n for n in ("loader", "implementation") if any(n in varying(each) for each in by_run)]


# --- seconds per epoch


def _seconds(over: Overlay, ways: Sequence[Way]) -> list[Figure]:
    """Draw seconds per epoch, against batch size where runs differ in that, else by run."""
    runs = [run for run in ways[0].seconds if all(run in way.seconds for way in ways)]
    swept = _swept(ways)
    if not swept and not runs:
        return []
    shape = _curves(ways) if swept else _dots(ways, runs)
    floor = next((way for way in ways if way.subject.floor), None)
    shares = _shares(ways) if over.noun == "framework" else []
    columns: dict[str, Sequence[str | Number]] = {}
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
        shape,
        columns,
        together(((w.name, seconds_sheet([*w.seconds.values()])) for w in ways), over.noun),
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


def _figure(  # noqa: PLR0913, PLR0917 (what a figure is made of)
    over: Overlay,
    ways: Sequence[Way],
    what: str,
    shape: Shape,
    columns: Mapping[str, Sequence[str | Number]],
    sheet: Sheet,
    **facts: Any,
) -> Figure:
    """Return a figure with a row for each framework in its table, or a column for each machine."""
    place = "on" if over.noun == "machine" else "in"
    said = prose.words(
        TEMPLATE, f"compared_{what}", shape.alt, noun=over.noun, place=place, ways=ways, **facts
    )
    names = [way.name for way in ways]
    numbers = table(over.noun, names, columns)
    backends = dict.fromkeys(way.subject.backend for way in ways)
    if over.noun == "machine":
        cells = dict(zip(names, zip(*columns.values(), strict=True), strict=True))
        numbers = table("run", [*columns], cells)
    return Figure(
        name=f"{over.name}-{what}",
        question=what,
        words=said,
        shape=shape,
        table=numbers,
        sheet=sheet,
        code=CODE if over.noun == "framework" else [],
        backends=list(backends) if over.noun == "framework" else [],
    )


def _curves(ways: Sequence[Way]) -> Curves:
    lines = [
        line(w.name, w.subject.index, [*q], [each.time() for each in q.values()], **w.look)
        for w, q in ((way, way.by_size) for way in ways)
    ]
    return Curves(x=BATCH_SIZE, y=SECONDS, lines=tuple(lines), names="above", height=440)


def _dots(ways: Sequence[Way], runs: Sequence[str]) -> Dots:
    several = len(ways) > 3
    return Dots(
        labels=tuple(runs),
        x=SECONDS,
        rows=tuple(
            row(way.name, way.subject.index, [way.seconds[run].time() for run in runs])
            for way in ways
        ),
        of=len(ways) if several else None,
        per_row=13 * len(ways) if several else 44,
    )


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
    for loaded, cut in _pairs(ways, "dataloader", "sliced"):
        both = [size for size in loaded.by_size if size in cut.by_size]
        left = {s: ratio(cut.by_size[s], loaded.by_size[s]) for s in both[:1] + both[-1:]}
        shares = [(s, r.complement(f"share of the loader: {r.key}")) for s, r in left.items() if r]
        found.append((loaded.subject, shares))
    return found if len(found) > 1 else []


def _pairs(ways: Sequence[Way], one: str, other: str) -> list[tuple[Way, Way]]:
    """Return the ways of a subject that differ in a loader, or an implementation, alone."""
    return [
        (a, b)
        for a in ways
        for b in ways
        if a.subject is b.subject
        and a.variant == b.variant
        and (a.further, b.further) == (one, other)
    ]


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
        curves(solved[0].case, lines, TIME, marks=[target_line(solved[0].case, target)]),
        {
            f"{label}, ms to {target:g}": [
                absent() if (run := way.run(label)) is None else until(towards(run, target))
                for way in solved
            ]
            for label in labels
        },
        together(((way.name, way_sheet(way.runs, target)) for way in solved), over.noun),
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


def gap(ways: Sequence[Way]) -> float | None:
    """Return how far the losses of one run and seed differ at most from the first way's."""
    gaps = []
    for label in dict.fromkeys(str(run.labels["run"]) for way in ways for run in way.runs):
        runs = [run for way in ways if (run := way.run(label)) is not None]
        gaps += [each for run in runs[1:] if (each := apart(runs[0], run)) is not None]
    return max(gaps) if gaps else None


# --- two implementations


def _implementations(over: Overlay, ways: Sequence[Way]) -> list[Figure]:
    """Draw seconds per epoch from scratch and with the framework's own parts."""
    pairs: dict[str, tuple[Run, Run]] = {}
    for scratch, concise in _pairs(ways, "scratch", "concise"):
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
    listed = _listed(ways) if over.noun == "framework" else []
    return [
        Figure(
            name=f"{over.name}-implementations",
            question="implementations",
            words=prose.words(
                TEMPLATE,
                "compared_implementations",
                shape.alt,
                noun=over.noun,
                place="on" if over.noun == "machine" else "in",
                ratios=ratios,
                least=order[0],
                most=order[-1],
                listed=listed,
            ),
            shape=shape,
            table=table(over.noun, [*pairs], columns),
            sheet=together(((w.name, ends_sheet(w.case, w.runs)) for w in ways), over.noun),
            code=["train_concise", "Concise.step"] if over.noun == "framework" else [],
            backends=list(dict.fromkeys(w.subject.backend for w in ways)) if listed else [],
        )
    ]


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
    floor = next((way for way in ways if way.subject.floor), None)
    above = _above(ways, floor)
    return prose.sentences(TEMPLATE, "floor_mail", lead=ways[0], above=above) if above else []


def method(over: Overlay) -> list[str]:
    """Say how far the losses of the frameworks lie apart."""
    ways = ways_of(over)
    planned = over.subjects[0].result.config["experiments"][over.experiment]
    return prose.sentences(TEMPLATE, "paths_method", title=planned["title"], gap=gap(ways))
