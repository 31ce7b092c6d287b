"""What work takes beside seconds: energy, memory and, where an hour has a price, money."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from report.analysis.quantities import highest, of_kind, ratio
from report.experiments.matmul import quantities as matmul
from report.experiments.training.kind import chapters
from report.experiments.training.quantities import case_of
from report.experiments.training.runs import Run
from report.figures import prose
from report.figures.figure import Figure, number, quantity_sheet, table, together
from report.figures.shapes import Axis, Dots, row
from report.sections.frameworks import over_frameworks
from report.text.names import title
from report.text.numerals import GIGA, MEGA, MICRO, MILLI
from report.worker.sensors import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.analysis.quantities import Quantity
    from report.figures.figure import Columns, Table
    from report.results.result import Result

TITLE = "Energy, memory and cost"

TEMPLATE = "sections/resources.html"


def figures(result: Result) -> list[Figure]:
    """Draw what the chapter's training takes in each framework, and the energy of products."""
    return [*_training(result), *_products(result)]


def experiments(result: Result) -> list[str]:
    """Return the names of the experiments that it stands on."""
    trained = [case.runs[0].blank.experiment] if (case := chapters(result)) else []
    return [*trained, *dict.fromkeys(q.experiment for q in _weighed(result))]


def method(result: Result) -> list[str]:
    """Describe how energy and memory were read, or why they were not."""
    told = [r.outcome.energy for r in result.records if r.outcome and r.outcome.energy]
    return prose.sentences(
        TEMPLATE,
        "method",
        sources=list(dict.fromkeys(told)),
        price=result.config.get("price_per_hour"),
        currency=result.config.get("currency"),
    )


def _training(result: Result) -> list[Figure]:
    case = chapters(result)
    experiment = case.runs[0].blank.experiment if case else ""
    subjects = over_frameworks(result, experiment).subjects if case else []
    cases = {s.name: case_of(result, experiment, s.backend) for s in subjects}
    runs = [(name, run) for name, mine in cases.items() if mine for run in mine.runs]
    held = [(name, memory) for name, run in runs if (memory := run.memory())]
    if not held or case is None:
        return []
    most = {name: max(_of(name, held), key=_value) for name in dict.fromkeys(n for n, _ in held)}
    names = sorted(most, key=lambda name: _value(most[name]))
    shape = Dots(
        labels=tuple(names),
        x=Axis(label="peak memory of the process, MB", unit=MEGA),
        rows=(row("", 0, [most[name].estimate() for name in names]),),
    )
    told = [r.outcome.energy or "" for r in result.of(experiment) if r.outcome]
    found = prose.figure(
        TEMPLATE,
        "resources-training",
        "training",
        shape if len(names) > 1 else None,
        table=_table(result, runs, case.target),
        sheet=together([(n, quantity_sheet([q], {"bytes": None})) for n, q in held], "framework"),
        names=names,
        most=most,
        factor=ratio(most[names[-1]], most[names[0]]) if len(names) > 1 else None,
        apart=max(_apart([*map(_value, _of(name, held))]) for name in most),
        energy={name: q for name, run in runs if (q := run.joules())},
        why=next((words for words in told if words.startswith(UNREADABLE)), None),
    )
    return [found]


def _of(name: str, held: Sequence[tuple[str, Quantity]]) -> list[Quantity]:
    return [memory for other, memory in held if other == name]


def _value(quantity: Quantity) -> float:
    return quantity.estimate().value


def _apart(values: Sequence[float]) -> float:
    return max(values) / min(values) - 1


def _table(result: Result, runs: Sequence[tuple[str, Run]], target: float | None) -> Table:
    """Return a row for each run of each framework, without columns of which nothing is known.

    Where that is only memory, which is the framework's more than the run's, one row for each
    framework has the most.
    """
    price, currency = result.config.get("price_per_hour"), result.config.get("currency", "")
    asked: dict[str, tuple[float, Callable[[Run], Quantity | None]]] = {
        "epoch, ms": (MILLI, lambda run: run.seconds),
        "epoch, J": (1.0, Run.joules),
        "peak memory, MB": (MEGA, Run.memory),
        "peak on the device, MB": (MEGA, partial(Run.memory, device=True)),
    }
    if target is not None:
        asked[f"to a loss of {target:g}, J"] = (1.0, lambda run: run.joules(target))
    if price is not None:
        asked[f"a million epochs, {currency}"] = (MICRO, lambda run: run.cost(price, currency))
    columns: Columns = {}
    if price is not None or any(run.joules() for _, run in runs):
        columns["run"] = [str(run.labels["run"]) for _, run in runs]
        if len({run.labels["variant"] for _, run in runs}) > 1:
            columns["carried out"] = [str(run.labels["variant"]) for _, run in runs]
    else:
        held = [(_value(q), name, run) for name, run in runs if (q := run.memory())]
        most = {name: run for _, name, run in sorted(held, key=lambda one: one[0])}
        runs = [*most.items()]
        del asked["epoch, ms"]
    for header, (unit, of) in asked.items():
        found = [q.estimate() if (q := of(run)) else None for _, run in runs]
        if any(found):
            columns[header] = [number(estimate, unit) for estimate in found]
    return table("framework", [name for name, _ in runs], columns)


def _weighed(result: Result) -> list[Quantity]:
    """Return the products whose energy was read, in joules a product."""
    return of_kind(result, "matmul", partial(matmul.of_records, metric="joules"))


def _products(result: Result) -> list[Figure]:
    weighed = _weighed(result)
    if not weighed:
        return []
    seconds = {q.series_key: q for q in matmul.of_result(result)}
    best = highest(weighed, "flop_per_s")
    names = [_name(q) for q in weighed]
    power = [ratio(q, seconds[q.series_key]) for q in weighed]
    shape = Dots(
        labels=tuple(names),
        x=Axis(label="operations per joule, GFLOPS/W", unit=GIGA),
        rows=(row("", 0, [q.rate() for q in weighed]),),
    )
    columns: Columns = {
        "GFLOPS/W": [number(q.rate(), GIGA, best=q is best.quantity) for q in weighed],
        "a product, J": [number(q.estimate()) for q in weighed],
        "power, W": [number(watts) for watts in power],
    }
    worst = min(weighed, key=lambda q: q.rate().value)
    found = prose.figure(
        TEMPLATE,
        "resources-products",
        "products",
        shape,
        table=table("product", names, columns),
        sheet=quantity_sheet(weighed, {"joules": None, "flop_per_joule": "flop_per_s"}),
        best=best,
        worst=worst,
        names={"best": _name(best.quantity), "worst": _name(worst)},
        factor=ratio(best.quantity, worst, "flop_per_s"),
    )
    return [found]


def _name(quantity: Quantity) -> str:
    labels = ["strategy", "block_width", "size", "dtype", "tf32"]
    named = matmul.name_series(quantity.labels, labels)
    where = title(quantity.backend) if quantity.backend != "pytorch" else ""
    return ", ".join(filter(None, (named, where)))
