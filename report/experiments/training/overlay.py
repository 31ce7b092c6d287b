"""Figures of a `training` experiment with several machines, or frameworks, on the same axes."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from report.analysis.estimate import Estimate, product
from report.experiments.training import curves, printed
from report.experiments.training.measure import WAYS
from report.experiments.training.quantities import Case, by_batch_size, case_of, size_of
from report.experiments.training.runs import Run, apart, ratio, towards
from report.figures import prose
from report.figures.figure import Columns, Figure, Sheet, Table, number, table, together
from report.figures.shapes import Curves, Dash, Shape, line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.analysis.quantities import Quantity
    from report.experiments.kind import Overlay, Subject

VARIANTS = {"eager": "", "compiled": "compiled update", "epoch": "compiled epoch"}
DASHES: dict[str, Dash] = {"eager": "-", "compiled": "--", "epoch": (0, (1, 1.2))}

CODE = ["linreg", "squared_loss", "sgd", "update", "update_epoch", "Scratch.step", "program"]
CODE += ["train_concise", "Concise.step"]

LEAST_SIZES = 3


def _joined(*words: str) -> str:
    return ", ".join(filter(None, words))


def _named(name: str, *words: str) -> str:
    return f"{name} ({how})" if (how := _joined(*words)) else name


@dataclass(frozen=True, eq=False)
class Way:
    """A subject, and how what was written is carried out there."""

    subject: Subject
    case: Case
    variant: str  # eager, compiled or epoch
    further: str  # what else tells it from the subject's others: a loader, an implementation
    several: bool  # the subject has others, from which the name must tell it
    runs: list[Run]

    @property
    def name(self) -> str:
        """Return what it is called: "TensorFlow (compiled update)"."""
        if not self.several or self.subject.floor:
            return self.subject.name
        return _named(self.subject.name, VARIANTS[self.variant], self.further)

    @property
    def how(self) -> str:
        """Return how it was carried out: "compiled epoch", "as written, with a data loader"."""
        loader = any(run.spec.loader == "dataloader" for run in self.runs)
        return _joined(VARIANTS[self.variant] or "as written", "with a data loader" * loader)

    @property
    def look(self) -> dict[str, Any]:
        """Return its line: dashes say what is one program, or that no loader takes part."""
        dash = DASHES["compiled" if self.further == "sliced" else self.variant]
        return {"dash": dash, "width": 2.4 if self.subject.floor else None}

    @cached_property
    def seconds(self) -> dict[str, Quantity]:
        """Return the seconds per epoch by run; of a grid by batch size, over all rates."""
        found = [run.seconds for run in self.runs if run.seconds is not None]
        if self.case.is_grid:
            found = by_batch_size(found)
        return {str(quantity.labels["run"]): quantity for quantity in found}

    @property
    def by_size(self) -> dict[int, Quantity]:
        """Return the same by batch size, the smallest first."""
        return {size_of(q): q for q in sorted(self.seconds.values(), key=size_of)}

    def run(self, label: str) -> Run | None:
        """Return the run of a label."""
        return next((run for run in self.runs if run.spec.run == label), None)


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
        runs = {run.spec.run for run in case.runs}
        telling = [
            name
            for name in WAYS
            if len({(run.spec.run, run.labels[name]) for run in case.runs}) > len(runs)
        ]
        ways: dict[tuple[str, str], list[Run]] = {}
        for run in case.runs:
            if shared is None or run.settings() in shared:
                further = ", ".join(str(run.labels[name]) for name in telling)
                ways.setdefault((run.spec.variant, further), []).append(run)
        found += [
            Way(subject, case, variant, further, len(ways) > 1, runs)
            for (variant, further), runs in ways.items()
        ]
    return [way for way in found if way.seconds]


def _ways_apart(ways: Sequence[Way], one: str, other: str) -> list[tuple[Way, Way]]:
    """Return the ways of a subject that differ in a loader, or an implementation, alone."""
    return [
        (a, b)
        for a, b in itertools.permutations(ways, 2)
        if (a.subject, a.variant, a.further) == (b.subject, b.variant, one) and b.further == other
    ]


def gap(ways: Sequence[Way]) -> float | None:
    """Return how far the losses of one run and seed differ at most from the first way's."""
    gaps = []
    for label in dict.fromkeys(run.spec.run for way in ways for run in way.runs):
        first, *others = [run for way in ways if (run := way.run(label)) is not None]
        gaps += [each for run in others if (each := apart(first, run)) is not None]
    return max(gaps, default=None)


def overlay(over: Overlay) -> list[Figure]:
    """Draw an experiment of several machines, or frameworks, on the same axes."""
    ways = ways_of(over)
    if len({way.subject.name for way in ways}) < 2:
        return []
    if {way.further for way in ways} & {"scratch", "concise"}:
        drawn = [_implementations(over, ways)]
    else:
        drawn = [_seconds(over, ways), _time(over, ways), printed.overlay(over)]
    # Frameworks of a machine share its result.
    results = dict({id(s.result): (s.name, s.result) for s in over.subjects}.values())
    return [curves.announced(figure, results) for figure in drawn if figure]


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
    """Return the figure that answers a question of some ways, with a cell for each in columns."""
    machines = over.noun == "machine"
    names = [way.name for way in ways]
    if not isinstance(numbers, Table) and machines:
        cells = dict(zip(names, zip(*numbers.values(), strict=True), strict=True))
        numbers = table("run", [*numbers], cells)
    elif not isinstance(numbers, Table):
        numbers = table(over.noun, names, numbers)
    return prose.figure(
        curves.TEMPLATE,
        f"{over.name}-{what}",
        what,
        shape,
        table=numbers,
        sheet=together(((way.name, sheets(way)) for way in ways), over.noun),
        code=() if machines else CODE,
        backends=() if machines else dict.fromkeys(way.subject.backend for way in ways),
        blocks=f"compared_{what}",
        noun=over.noun,
        place="on" if machines else "in",
        ways=ways,
        **facts,
    )


# --- seconds per epoch


def _seconds(over: Overlay, ways: Sequence[Way]) -> Figure | None:
    """Draw seconds per epoch, against batch size where runs differ in that, else by run."""
    runs = [run for run in ways[0].seconds if all(run in way.seconds for way in ways)]
    swept = _swept(ways)
    schedules = over.noun == "framework" and "schedule" in ways[0].case.varying
    if schedules or not (swept or runs):  # whose question is not how long an epoch takes
        return None
    series = {way.name: [way.seconds.get(run) for run in runs] for way in ways}
    by_run = curves.dots(runs, series, [way.subject.index for way in ways])
    floor = _floor(ways)
    shares = _shares(ways) if over.noun == "framework" else []
    columns: Columns = {}
    for label in dict.fromkeys(run for way in ways for run in way.seconds) if swept else runs:
        mine = [way.seconds.get(label) for way in ways]
        columns[f"{label}, ms per epoch"] = curves.milliseconds(mine)
        if floor is not None:
            base = floor.seconds.get(label)
            columns[f"{label}, times the floor"] = [
                "1" if q is base else number(ratio(q, base)) for q in mine
            ]
    return _figure(
        over,
        ways,
        "loaders" if shares else "seconds",
        _curves(ways) if swept else by_run,
        columns,
        sheets=lambda way: curves.seconds_sheet([*way.seconds.values()]),
        floor=floor,
        loaded=_loaded(ways),
        shares=shares,
        above=_above(ways),
        compared=_compared(over, ways),
    )


def _swept(ways: Sequence[Way]) -> bool:
    """Return whether runs differ in their batch sizes, which can then be an axis."""
    sizes = {size for way in ways for size in way.by_size}
    return len(sizes) >= LEAST_SIZES and all(len(w.by_size) == len(w.seconds) for w in ways)


def _curves(ways: Sequence[Way]) -> Curves:
    lines = [
        line(w.name, w.subject.index, [*q], [each.time() for each in q.values()], **w.look)
        for w, q in ((way, way.by_size) for way in ways)
    ]
    return Curves(
        x=curves.BATCH_SIZE, y=curves.SECONDS, lines=tuple(lines), names="above", height=440
    )


def _compared(over: Overlay, ways: Sequence[Way]) -> dict[str, Any]:
    """Return who takes longest on average over all that all did, and how much longer."""
    found: dict[str, dict[str, Quantity]] = {}
    machines = over.noun == "machine"
    for way in ways:
        # Machines are compared as they are, frameworks by each way in which one trains.
        kind = (VARIANTS[way.variant], way.further) if machines and way.several else ()
        mine = found.setdefault(way.subject.name if machines else way.name, {})
        mine |= {_joined(run, *kind): q for run, q in way.seconds.items()}
    first = next(iter(found))
    runs = [run for run in found[first] if all(run in mine for mine in found.values())]
    if not runs:
        return {}

    def average(one: str, other: str) -> Estimate:
        power = 1 / len(runs)
        above = [found[one][run].factor(weight=power) for run in runs]
        return product([*above, *(found[other][run].factor(weight=-power) for run in runs)])

    fastest, *_, slowest = sorted(found, key=lambda name: average(name, first).value)
    each = [(run, ratio(found[slowest][run], found[fastest][run])) for run in runs]
    each.sort(key=lambda pair: pair[1].value if pair[1] else 0.0)
    factor = average(slowest, fastest)
    return {"slowest": slowest, "fastest": fastest, "factor": factor, "each": each}


def _floor(ways: Sequence[Way]) -> Way | None:
    return next((way for way in ways if way.subject.floor), None)


def _above(ways: Sequence[Way]) -> dict[str, Any]:
    """Return how many times the floor the first way takes, and which come closest to it."""
    lead, floor = ways[0], _floor(ways)
    sizes = [size for size in lead.by_size if floor and size in floor.by_size]
    if floor is None or lead is floor or not sizes:
        return {}
    small, large = sizes[0], sizes[-1]
    factors = [
        (way, ratio(way.by_size[small], floor.by_size[small]))
        for way in ways
        if way is not floor and small in way.by_size
    ]
    order = sorted(factors, key=lambda pair: pair[1].value if pair[1] else 0.0)
    return {
        "sizes": (small, large),
        "factors": (factors[0][1], ratio(lead.by_size[large], floor.by_size[large])),
        "closest": order[0],
        "furthest": order[-1],
    }


def _shares(ways: Sequence[Way]) -> list[tuple[Subject, list[tuple[int, Estimate]]]]:
    """Return what share of an epoch is the loader's, in the smallest and the largest batches."""
    found = []
    for loaded, cut in _ways_apart(ways, "dataloader", "sliced"):
        both = [size for size in loaded.by_size if size in cut.by_size]
        left = {s: ratio(cut.by_size[s], loaded.by_size[s]) for s in both[:1] + both[-1:]}
        shares = [(s, r.complement(f"share of the loader: {r.key}")) for s, r in left.items() if r]
        found.append((loaded.subject, shares))
    return found if len(found) > 1 else []


def _loaded(ways: Sequence[Way]) -> tuple[list[str], list[str]]:
    """Split subjects: those with seconds that include a data loader, and those without."""
    own = {way.subject.name for way in ways for run in way.runs if run.spec.loader == "dataloader"}
    names = dict.fromkeys(way.subject.name for way in ways)
    return [name for name in names if name in own], [name for name in names if name not in own]


# --- losses by time


def _time(over: Overlay, ways: Sequence[Way]) -> Figure | None:
    """Draw the loss against time of the run that gets to the target first in the first way."""
    solved = [way for way in ways if way.case.target is not None]
    target = solved[0].case.target if solved else None
    if target is None:
        return None
    everywhere = [
        run
        for run in solved[0].runs
        if all(towards(one, target).time for way in solved if (one := way.run(run.spec.run)))
    ]
    first = replace(solved[0].case, runs=everywhere or solved[0].runs).soonest
    # Where more than batch sizes differs, as with two loaders, the seconds per epoch say it all.
    if first is None or any(way.further for way in ways) or not _swept(ways):
        return None
    chosen = {way: run for way in solved if (run := way.run(first.run.spec.run))}
    if len({way.subject.name for way in chosen}) < 2:
        return None
    lines = [
        curves.of_run(
            way.case, run, way.subject.index, curves.TIME, band=False, name=way.name, **way.look
        )
        for way, run in chosen.items()
    ]
    fared = {way: towards(run, target) for way, run in chosen.items()}
    times = {way: one.time.value for way, one in fared.items() if one.time}
    exact = [way for way in times if not fared[way].at_most]
    order = sorted(exact or times, key=times.__getitem__)
    quick, late = order[0], order[-1]
    return _figure(
        over,
        solved,
        "time",
        curves.of_lines(solved[0].case, lines, curves.TIME, target),
        {
            f"{label}, ms to {target:g}": [
                curves.until(towards(run, target)) if (run := way.run(label)) else number(None)
                for way in solved
            ]
            for label in dict.fromkeys(run.spec.run for way in solved for run in way.runs)
        },
        sheets=lambda way: curves.way_sheet(way.runs, target),
        run=first.run,
        target=target,
        fared=fared,
        quick=quick,
        late=late,
        factor=ratio(chosen[late].seconds_to(target), chosen[quick].seconds_to(target)),
        gap=gap(solved),
        bounds=[way.name for way, one in fared.items() if one.at_most],
    )


# --- two implementations


def _implementations(over: Overlay, ways: Sequence[Way]) -> Figure | None:
    pairs: dict[str, curves.Pair] = {}
    for scratch, concise in _ways_apart(ways, "scratch", "concise"):
        both = [run for run in scratch.seconds if run in concise.seconds]
        runs = [way.run(label) for label in both[:1] for way in (scratch, concise)]
        if len(runs) == 2 and runs[0] and runs[1]:
            # What it is called does not depend on which of the two it is.
            pairs[_named(scratch.subject.name, VARIANTS[scratch.variant])] = runs[0], runs[1]
    if len({(one.blank.run, one.blank.backend) for one, _ in pairs.values()}) < 2:
        return None
    shape, columns, ratios = curves.both_ways(pairs, ("from scratch", "concise"))
    order = sorted(ratios.items(), key=lambda pair: pair[1].value)
    return _figure(
        over,
        ways,
        "implementations",
        shape,
        table(over.noun, [*pairs], columns),
        sheets=lambda way: curves.ends_sheet(way.case, way.runs),
        ratios=ratios,
        least=order[0],
        most=order[-1],
        listed=_listed(ways) if over.noun == "framework" else [],
    )


def _listed(ways: Sequence[Way]) -> list[tuple[Subject, Run]]:
    """Return the first framework's concise run, and one of each other that only it trained."""
    concise = [(way.subject, run) for way in ways if way.further == "concise" for run in way.runs]
    trained = Counter(label for label, _ in {(run.spec.run, s.name) for s, run in concise})
    own = [(subject, run) for subject, run in concise if trained[run.spec.run] == 1]
    chosen: dict[str, tuple[Subject, Run]] = {}
    for subject, run in [*concise[:1], *own] if own else []:
        chosen.setdefault(subject.name, (subject, run))
    return list(chosen.values())


# --- what the section on frameworks says beside its figures


def method(over: Overlay) -> list[str]:
    """Say how far the losses of the frameworks lie apart."""
    ways = ways_of(over)
    planned = over.subjects[0].result.config["experiments"][over.experiment]
    return prose.sentences(curves.TEMPLATE, "paths_method", title=planned["title"], gap=gap(ways))
