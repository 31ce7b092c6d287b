"""What a machine's training runs come to, in a few numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report import quantities
from report.experiments.training import curves
from report.figures import Card, interval
from report.numerals import scaled, sentence, times

if TYPE_CHECKING:
    from report.experiments.training.curves import Line
    from report.quantities import Quantity
    from report.results import Result
    from report.statistics import Estimate

WELL_KNOWN_BATCH = 100
"""The chapter's own compromise; machines are compared by it."""


def cards(result: Result) -> list[Card]:
    """Return seconds per epoch at batch 100, and the run that is first at the target."""
    found = []
    hundred = next((q for q in _epochs(result) if q.labels["batch_size"] == WELL_KNOWN_BATCH), None)
    if hundred is not None:
        found.append(_card("an epoch at batch 100", hundred.time(), "with the data loader"))
    lines, target = _lines(result), curves.target(result)
    timed = _timed(lines, target)
    if timed:
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
    timed = _timed(_lines(result), target)
    if len(timed) > 1:
        order = sorted(timed, key=lambda name: timed[name].value)
        factor = timed[order[-1]].value / timed[order[0]].value
        said.append(
            f"{sentence(order[0])} is first at a loss of {target:g}, {times(factor)} times sooner "
            f"than {order[-1]}."
        )
    return said


def _chapters(result: Result) -> str | None:
    """Return the first experiment that compares batch sizes."""
    for name, experiment in result.config["experiments"].items():
        if experiment["kind"] == "training" and result.of(name):
            return name
    return None


def _epochs(result: Result) -> list[Quantity]:
    name = _chapters(result)
    return [q for q in quantities.of_result(result) if q.experiment == name]


def _lines(result: Result) -> list[Line]:
    name = _chapters(result)
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
