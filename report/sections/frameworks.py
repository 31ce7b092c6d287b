"""The same work in every framework, and in compiled loops without one: the floor beneath them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from report.analysis.quantities import Quantity, by_backend, ratio, undisturbed
from report.experiments.catalogue import KINDS
from report.experiments.kind import Overlay, Subject
from report.experiments.overhead.figures import shortest
from report.experiments.overhead.quantities import calls, name_call, of_records
from report.experiments.training import overlay as training
from report.experiments.training.kind import WELL_KNOWN_BATCH
from report.figures import prose
from report.figures.figure import Columns, Figure, Sheet, Table, cells, columns, number, table
from report.figures.shapes import YARDSTICK, Axis, Dots, row
from report.registry import BACKENDS
from report.text.names import title
from report.text.numerals import MICRO, MILLI, NONE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from report.results.result import Record, Result

TITLE = "Frameworks side by side, and a compiled loop"

TEMPLATE = "sections/frameworks.html"

FLOOR = "numba"
"""The backend that calls no framework and no library: what the arithmetic itself takes."""

ORDER = ("matmul", "training", "overhead", "bandwidth", "gradient")

PARTS = {
    "import": ("import", "s", 1.0),
    "first": ("first update, as written", "ms", MILLI),
    "first_compiled": ("first compiled update, compiling included", "s", 1.0),
    "later": ("any later update", "µs", MICRO),
}
"""What is told apart, in words, and the unit of its column; only the last comes more than once."""


def figures(result: Result) -> list[Figure]:
    """Draw what several frameworks measured: products, epochs, losses, calls, and start-up."""
    kinds = {name: result.config["experiments"][name]["kind"] for name in experiments(result)}
    drawn = [
        figure
        for name in sorted(kinds, key=lambda name: ORDER.index(kinds[name]))
        for figure in KINDS[kinds[name]].overlay(over_frameworks(result, name))
    ]
    return [*drawn, *_startup(result)] if drawn else []


def brief(result: Result) -> Table | None:
    """Return a call, an update and an epoch in each framework; None where they share none."""
    first: dict[str, Overlay] = {}
    for name in experiments(result):
        first.setdefault(result.config["experiments"][name]["kind"], over_frameworks(result, name))
    names = list(dict.fromkeys(s.name for over in first.values() for s in over.subjects))
    heads: Columns = {}
    caption = Table.caption
    calls_of = shortest(first["overhead"].series(of_records)) if "overhead" in first else {}
    for mine in calls_of.values():
        times = [mine[name].time() if name in mine else None for name in names]
        heads[f"{name_call(next(iter(mine.values())))}, µs"] = [number(t, MICRO) for t in times]
    ways = training.ways_of(first["training"]) if "training" in first else []
    epochs = [
        (w, w.by_size[WELL_KNOWN_BATCH].time()) for w in ways if WELL_KNOWN_BATCH in w.by_size
    ]
    epochs.sort(key=lambda each: -each[1].value)
    if quickest := {way.subject.name: (way.how, time) for way, time in epochs}:
        told = [quickest.get(name, (NONE, None)) for name in names]
        heads[f"epoch of batch {WELL_KNOWN_BATCH}, ms"] = [number(time, MILLI) for _, time in told]
        heads["fastest variant"] = [how for how, _ in told]
        title = result.config["experiments"][first["training"].experiment]["title"]
        caption += f"; epochs are those of \u201c{title}\u201d"
    return table("framework", names, heads, caption) if heads else None


def experiments(result: Result) -> list[str]:
    """Return the names of the experiments that more than one framework measured."""
    return [name for name in result.config["experiments"] if len(_records_of(result, name)) > 1]


def method(result: Result) -> list[str]:
    """Describe how frameworks are compared, and what each of them computes with."""
    backends = dict.fromkeys(b for name in experiments(result) for b in _records_of(result, name))
    described = prose.sentences(
        TEMPLATE,
        "method",
        floor=FLOOR if FLOOR in backends else None,
        environments={backend: result.environments.get(backend) for backend in backends},
    )
    planned = result.config["experiments"]
    trained = [name for name in experiments(result) if planned[name]["kind"] == "training"]
    gaps = (training.method(over_frameworks(result, name)) for name in trained)
    return [*described, *itertools.chain.from_iterable(gaps)]


def index_of(backend: str) -> int:
    """Return the place of a framework's colour and marker; the floor is what all are held to."""
    if backend == FLOOR:
        return YARDSTICK
    known = list(BACKENDS)
    return known.index(backend) if backend in known else len(known)


def over_frameworks(result: Result, experiment: str) -> Overlay:
    """Return the frameworks that measured an experiment, side by side."""
    subjects = [
        Subject(
            name=_name(backend, records[0].device),
            index=index_of(backend),
            result=result,
            backend=backend,
            floor=backend == FLOOR,
        )
        for backend, records in _records_of(result, experiment).items()
    ]
    return Overlay(noun="framework", experiment=experiment, subjects=subjects)


def _name(backend: str, device: str) -> str:
    """Name a framework, and where it computed if that was not the processor."""
    name = f"{title(backend)} (loop)" if backend == FLOOR else title(backend)
    return name if device == "cpu" else f"{name} on {device}"


def _records_of(result: Result, experiment: str) -> dict[str, list[Record]]:
    """Return what each framework measured of an experiment, in the plan's order: runs shuffle."""
    found = by_backend(r for r in result.of(experiment) if r.outcome is not None)
    planned = result.config["experiments"][experiment]["backends"]
    return {backend: found[backend] for backend in [*planned, *found] if backend in found}


def _startup(result: Result) -> list[Figure]:
    found = starts(result)
    if len(found) < 2:
        return []
    labels, units, factors = zip(*PARTS.values(), strict=True)
    times = {
        b: [start[p].time() if p in start else None for p in PARTS] for b, start in found.items()
    }
    shape = Dots(
        labels=labels,
        x=Axis(label="time", scale="seconds"),
        rows=tuple(row(title(backend), index_of(backend), mine) for backend, mine in times.items()),
        of=len(found),
    )
    imports = {title(backend): start["import"] for backend, start in found.items()}
    table = Table(
        header=["framework", *map(", ".join, zip(labels, units, strict=True))],
        rows=[[title(b), *map(number, mine, factors)] for b, mine in times.items()],
    )
    sheet = Sheet(
        header=["framework", "part", *columns("elapsed_s"), "key"],
        rows=[
            [title(backend), part, *cells(q.time()), q.time().key]
            for backend, start in found.items()
            for part, q in start.items()
        ],
    )
    figure = prose.figure(
        TEMPLATE,
        "frameworks-startup",
        "startup",
        shape,
        table=table,
        sheet=sheet,
        imports=imports,
        quick=min(imports, key=lambda name: imports[name].time().value),
        slow=max(imports, key=lambda name: imports[name].time().value),
        compiled={title(b): s["first_compiled"] for b, s in found.items() if "first_compiled" in s},
        worth={
            title(b): (ratio(s["import"], later), later.labels["variant"])
            for b, s in found.items()
            if (later := s.get("later"))
        },
    )
    return [figure]


def starts(result: Result) -> dict[str, dict[str, Quantity]]:
    """Return what each framework takes to start, by part, in the order of the plan."""
    found = {}
    for backend, records in by_backend(result.records).items():
        names = dict.fromkeys(record.experiment for record in records)
        by_experiment = [[r for r in records if r.experiment == name] for name in names]
        kept = [r for mine in by_experiment for r in undisturbed(mine).records if r]
        groups = {
            "import": [[r.import_s] for r in kept if r.import_s is not None],
            "first": _first(kept, "eager"),
            "first_compiled": _first(kept, "compiled"),
        }
        start = {
            part: Quantity(
                experiment="startup",
                kind="overhead",
                backend=backend,
                metric=part,
                labels={},
                groups=mine,
                run=result.run,
            )
            for part, mine in groups.items()
            if mine
        }
        later = [q for mine in by_experiment if (q := _later(mine, result.run))]
        if later:
            start["later"] = later[0]
        if "import" in start:
            found[backend] = start
    order = [*result.environments, *found]
    return dict(sorted(found.items(), key=lambda item: order.index(item[0])))


def _first(records: Iterable[Record], variant: str) -> list[list[float]]:
    """Return the seconds of each process's first update, with what it compiled for it."""
    wanted = {"operation": "update", "variant": variant}.items()
    timed = [
        [s.timing for s in record.outcome.series if wanted <= s.labels.items()]
        for record in records
        if record.outcome
    ]
    firsts = ([t.warmup_s[0] for t in mine if t and t.warmup_s] for mine in timed)
    return [first[:1] for first in firsts if first]


def _later(records: list[Record], run: str) -> Quantity | None:
    """Return an update of the fewest examples, compiled where there is nothing else."""
    if records[0].kind != "overhead":
        return None
    lines = calls(of_records(records, run))
    line = lines.get("eager") or lines.get("compiled") or {}
    return next(iter(line.values()), None)
