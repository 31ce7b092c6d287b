"""What a machine's training runs come to, in a few numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.training import curves, labels, words
from report.experiments.training.quantities import of_result
from report.figures.figure import Card, interval
from report.text.numerals import scaled, sentence, times

if TYPE_CHECKING:
    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.experiments.training.curves import Line
    from report.results.result import Result
    from report.worker.records import Labels

WELL_KNOWN_BATCH = 100
"""The chapter's own compromise; machines are compared by it."""


def cards(result: Result) -> list[Card]:
    """Return seconds per epoch at batch 100, and the batch size that is first at the target."""
    found = []
    hundred = next((q for q in _epochs(result) if q.labels["batch_size"] == WELL_KNOWN_BATCH), None)
    if hundred is not None:
        found.append(_card("an epoch at batch 100", hundred.time(), _loader(hundred)))
    lines, target = _lines(result, _chapters(result)), curves.target(result)
    timed = _timed(lines, target)
    best = _best_size(result)
    if best is not None:
        found.append(best)
    elif timed:
        first = min(timed, key=lambda name: timed[name].value)
        label = f"to a loss of {target:g}"
        found.append(_card(label, timed[first], f"{first}, the first to come there"))
    return found


def sentences(result: Result) -> list[str]:
    """Return what could stand in a mail."""
    said = []
    epochs = sorted(_epochs(result), key=lambda q: q.time().value)
    if len(epochs) > 1:
        fast, slow = epochs[0], epochs[-1]
        said.append(
            f"An epoch takes {scaled(fast.time().value, 's')} with {fast.labels['run']}, "
            f"{scaled(slow.time().value, 's')} with {slow.labels['run']}."
        )
    target = curves.target(result)
    timed = _timed(_lines(result, _chapters(result)), target)
    if len(timed) > 1:
        order = sorted(timed, key=lambda name: timed[name].value)
        factor = timed[order[-1]].value / timed[order[0]].value
        said.append(
            f"{sentence(order[0])} is first at a loss of {target:g}, {times(factor)} times sooner "
            f"than {order[-1]}."
        )
    sizes = _lines(result, _sweep(result))
    best = None if target is None else curves.soonest(sizes, target)
    if best is not None:
        said.append(
            f"Of {len(sizes)} batch sizes, {best.line.batch_size:,} is first there, after "
            f"{scaled(best.time.value, 's')}."
            if len(timed) > 1
            else f"Of {len(sizes)} batch sizes, {best.line.batch_size:,} is first at a loss of "
            f"{target:g}, after {scaled(best.time.value, 's')}."
        )
    return said


def _best_size(result: Result) -> Card | None:
    """Return the batch size that is first at the target, of an experiment that sweeps them."""
    lines, target = _lines(result, _sweep(result)), curves.target(result)
    best = None if target is None else curves.soonest(lines, target)
    if best is None:
        return None
    note = f"of {len(lines)}, after {scaled(best.time.value, 's')}"
    level = words.listing([f"{line.batch_size:,}" for line in best.level])
    if level:
        note += f"; not told from {level}"
    return Card(
        label=f"best batch size to a loss of {target:g}",
        value=f"{best.line.batch_size:,}",
        unit="examples",
        interval="",
        note=note,
    )


def _loader(quantity: Quantity) -> str:
    loaded = quantity.labels["loader"] == "dataloader"
    return "with the data loader" if loaded else "with batches cut from a tensor"


def _trainings(result: Result) -> dict[str, list[Labels]]:
    """Return the experiments that trained something, with the settings of their runs."""
    found = {}
    for name in result.config["experiments"]:
        trained = {
            repr(run.labels): run.labels
            for record in result.of(name)
            for run in (record.outcome.runs if record.outcome else ())
        }
        if trained:
            found[name] = list(trained.values())
    return found


def _chapters(result: Result) -> str | None:
    """Return the first experiment that compares a few batch sizes, or else the first of all."""
    every = _trainings(result)
    for name, settings in every.items():
        few = not labels.is_grid(settings) and not labels.sweeps_sizes(settings)
        if few and len(labels.distinct(settings, "batch_size")) > 1:
            return name
    return next(iter(every), None)


def _sweep(result: Result) -> str | None:
    """Return the first experiment that sweeps batch sizes and nothing beside their rates."""
    for name, settings in _trainings(result).items():
        beside = set(quantities.varying(settings)) - {"run", "batch_size", "lr", "epochs"}
        if labels.sweeps_sizes(settings) and not beside:
            return name
    return None


def _epochs(result: Result) -> list[Quantity]:
    name = _chapters(result)
    return [q for q in of_result(result) if q.experiment == name]


def _lines(result: Result, name: str | None) -> list[Line]:
    backends = quantities.by_backend(result.of(name)) if name else {}
    return [line for b in list(backends)[:1] for line in curves.lines(result, str(name), b)]


def _timed(lines: list[Line], target: float | None) -> dict[str, Estimate]:
    if target is None:
        return {}
    fared = {line.name: curves.towards(line.run, target).time for line in lines}
    return {name: time for name, time in fared.items() if time is not None}


def _card(label: str, time: Estimate, note: str) -> Card:
    value, _, unit = scaled(time.value, "s").partition(" ")
    factor = time.value / float(value.replace(",", ""))
    return Card(label=label, value=value, unit=unit, interval=interval(time, factor), note=note)
