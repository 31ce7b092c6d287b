"""Several machines side by side: what they have in common, and what differs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.analysis import quantities, statistics
from report.machine.machine import describe, facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.quantities import Quantity
    from report.analysis.statistics import Estimate
    from report.results.result import Result


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One quantity on two machines.

    Attributes:
        left: On the first.
        right: On the second.
        speedup: Seconds of the first divided by seconds of the second: above 1 where the second
            is faster.
    """

    left: Quantity
    right: Quantity
    speedup: Estimate


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A fact that is not the same everywhere: its name, and its value for each result."""

    name: str
    values: list[str]


def compare(left: Result, right: Result) -> list[Compared]:
    """Return what both results measured, in the order of the first."""
    others = {quantity.key: quantity for quantity in quantities.of_result(right)}
    if left.config["examples"] != right.config["examples"]:
        # An epoch over other data is another amount of work.
        others = {key: each for key, each in others.items() if each.metric != "epoch"}
    return [
        Compared(
            left=quantity,
            right=others[quantity.key],
            speedup=statistics.independent_ratio(quantity.groups, others[quantity.key].groups),
        )
        for quantity in quantities.of_result(left)
        if quantity.key in others
    ]


def differences(results: Sequence[Result]) -> list[Difference]:
    """Return in what machines, versions and configurations differ, hardware first."""
    columns = [_facts(result) for result in results]
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows = [
        Difference(name=name, values=[column.get(name, "") for column in columns]) for name in names
    ]
    return [row for row in rows if len(set(row.values)) > 1]


def _facts(result: Result) -> dict[str, str]:
    found = {"Machine": describe(result.machine)}
    found |= {label: value for label, value, _ in facts(result.machine)}
    for backend, environment in result.environments.items():
        found[f"{backend}: Python"] = environment.python or ""
        found |= {f"{backend}: {name}": value for name, value in environment.versions.items()}
        found[f"{backend}: BLAS"] = environment.blas or "unknown"
    found["Profile"] = result.profile
    found["Measuring code"] = result.code_hash[:12]
    found["Seed"] = str(result.config["seed"])
    found["Examples"] = str(result.config["examples"])
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
