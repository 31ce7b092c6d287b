"""Several machines side by side: what they have in common, and what differs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.analysis.quantities import ratio, varying
from report.experiments.catalogue import of_result
from report.figures.figure import number, shared_prefix
from report.machine.machine import describe, facts
from report.text.names import series_name
from report.text.numerals import scaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.figures.figure import Number
    from report.results.result import Result


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A fact that is not the same everywhere: its name, and its value for each result."""

    name: str
    values: list[str]


def compare(left: Result, right: Result) -> list[tuple[Quantity, Quantity]]:
    """Return what both results measured, in the order of the first."""
    others = {quantity.key: quantity for quantity in of_result(right)}
    if left.config["examples"] != right.config["examples"]:
        # An epoch over other data is another amount of work.
        others = {key: each for key, each in others.items() if each.per == "call"}
    return [
        (mine, other) for mine in of_result(left) if (other := others.get(mine.key)) is not None
    ]


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """One quantity on two machines, as a row of a table."""

    experiment: str
    what: str
    """What tells the quantity from others of the experiment, and the unit of its times."""
    left: Number
    right: Number
    speedup: Number
    """Seconds of the first divided by those of the second: above 1 where the second is faster."""
    verdict: str
    """Which is faster, or that no difference is shown."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two machines, and what both measured."""

    left: str
    right: str
    rows: list[Ratio]


def pair(left: Result, right: Result) -> Pair:
    """Return what two results have in common, side by side, in the order of the first."""
    compared = compare(left, right)
    rows = []
    for mine, other in compared:
        time, speedup = mine.time(), ratio(mine, other)
        labels = [q.labels for q, _ in compared if q.experiment == mine.experiment]
        names = varying(labels) or list(mine.labels)[:1]
        factor = shared_prefix([time.value])
        unit = scaled(time.value, "s").rpartition(" ")[2]
        rows.append(
            Ratio(
                experiment=left.config["experiments"][mine.experiment]["title"],
                what=f"{series_name(mine.labels, names)}, {unit}",
                left=number(time, factor),
                right=number(other.time(), factor),
                speedup=number(speedup),
                verdict=_verdict(speedup),
            )
        )
    return Pair(left=left.machine.id, right=right.machine.id, rows=rows)


def _verdict(speedup: Estimate) -> str:
    if not speedup.excludes(1):
        return "no difference shown"
    return "the second is faster" if speedup.value > 1 else "the first is faster"


def differences(results: Sequence[Result]) -> list[Difference]:
    """Return in what machines, versions and configurations differ, hardware first."""
    columns = [_facts(result) for result in results]
    names = list(dict.fromkeys(name for column in columns for name in column))
    return [
        Difference(name=name, values=values)
        for name in names
        if len(set(values := [column.get(name, "") for column in columns])) > 1
    ]


def _facts(result: Result) -> dict[str, str]:
    found = {"Machine": describe(result.machine)}
    found |= {label: value for label, value, _ in facts(result.machine)}
    for backend, environment in result.environments.items():
        found[f"{backend}: Python"] = environment.python or ""
        found |= {f"{backend}: {name}": value for name, value in environment.versions.items()}
        found[f"{backend}: BLAS"] = environment.blas or "unknown"
    found |= {"Profile": result.profile, "Measuring code": result.code_hash[:12]}
    found |= {"Seed": str(result.config["seed"]), "Examples": str(result.config["examples"])}
    for name, experiment in result.config["experiments"].items():
        for key, value in {**experiment, **experiment["settings"]}.items():
            if key not in {"settings", "title"}:
                found[f"{name}: {key}"] = _words(value)
    if result.dataset:
        found["Data"] = result.dataset.source
    return found


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_words(item) for item in value)
    if isinstance(value, dict):
        return " ".join(f"{key} {_words(item)}" for key, item in value.items())
    return str(value)
