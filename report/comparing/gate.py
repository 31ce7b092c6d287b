"""Before any number: in what results differ, and whether they can be compared. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from report.experiments.catalogue import KINDS
from report.machine.machine import describe, facts
from report.registry import WITH_DATA
from report.text.names import title

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from report.results.result import Result, StoredExperiment

Sort = Literal["incomparable", "hardware", "software", "variables", "device", "weightless"]
"""Of a fact that differs. Incomparable: another amount of work, or another way to time it;
weightless: only how much was measured, or how it is called; what is between is the subject."""

EXTENT = frozenset(
    {
        *("title", "backends", "processes", "repeats", "budget_s", "timeout_s", "seeds", "draws"),
        *("size", "device_size", "add_size", "update_size", "compiled_size", "as_printed"),
        *("working_set", "step", "beyond", "runs", "grid", "world", "message_bytes", "arguments"),
        # What is measured beside the times.
        *("cold", "energy_s", "device_only", "device_update_size", "variant"),
    }
)
"""Keys that say how much of a kind is measured, and not what a series does: its labels do that."""

METHOD = "Way of measuring"  # what a fact is called that only a comparison across versions passes

DATA = "(data)"
"""Stands for all experiments that train, as what a fact is about; no experiment has this name."""

_Fact = tuple[str, Sort, str]
"""Name, sort, and the experiment that it is about; `DATA`, or empty for all."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A fact that is not the same everywhere: its name, and its value for each result."""

    name: str
    values: list[str]
    sort: Sort
    experiment: str = ""  # the only one that it is about; `DATA`, or empty for all

    @property
    def label(self) -> str:
        """Return its name, with its experiment's."""
        return f"{self.experiment}: {self.name}" if self.experiment not in {"", DATA} else self.name


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Whether results can be compared, and why not or with which care."""

    answer: Literal["yes", "with care", "no"]
    because: list[str]
    differences: list[Difference]

    @property
    def weighty(self) -> list[tuple[str, list[str]]]:
        """Return what may decide a ratio, first what bars one; experiments alike are one row."""
        first = sorted(self.differences, key=lambda one: one.sort != "incomparable")
        return _summary([one for one in first if one.sort != "weightless"])

    @property
    def weightless(self) -> list[tuple[str, list[str]]]:
        """Return what decides none."""
        return _summary([one for one in self.differences if one.sort == "weightless"])


def _summary(found: Sequence[Difference]) -> list[tuple[str, list[str]]]:
    alike: dict[tuple[str, ...], list[Difference]] = {}
    for one in found:
        alike.setdefault((one.name, *one.values), []).append(one)
    return [
        (one.label if not others else f"{one.name} of {1 + len(others)} experiments", one.values)
        for one, *others in alike.values()
    ]


def differences(results: Sequence[Result]) -> list[Difference]:
    """Return in what results differ: hardware, software, settings.

    What belongs to an experiment or a framework that not all have is no difference, since nothing
    of it is compared.
    """
    working = [{b for b, one in r.environments.items() if one.status == "ok"} for r in results]
    backends = set.intersection(*working)
    planned = [set(result.config["experiments"]) for result in results]
    shared = {"", DATA, *set.intersection(*planned)}
    columns = [dict(_facts(result, backends)) for result in results]
    return [
        Difference(name=name, sort=sort, experiment=experiment, values=values)
        for name, sort, experiment in dict.fromkeys(fact for one in columns for fact in one)
        if experiment in shared
        if len(set(values := [one.get((name, sort, experiment), "") for one in columns])) > 1
    ]


def other_work(found: Sequence[Difference], experiment: str, kind: str) -> str:
    """Return why times of an experiment are not of the same work; empty if they are."""
    scopes = _scopes(experiment, kind)
    return "; ".join(
        f"{one.label[:1].lower()}{one.label[1:]} differs ({' against '.join(one.values)})"
        for one in found
        # What an older version did not record is not known to differ.
        if one.sort == "incomparable" and one.experiment in scopes and all(one.values)
    )


def work(result: Result, experiment: str, kind: str) -> list[str]:
    """Return what must be the same of two results for times of an experiment to be comparable."""
    scopes = _scopes(experiment, kind)
    return [
        f"{name} {value}"
        for (name, sort, of), value in _facts(result, ())
        if sort == "incomparable" and of in scopes
    ]


def _scopes(experiment: str, kind: str) -> set[str]:
    return {"", experiment, DATA} if kind in WITH_DATA else {"", experiment}


def _facts(result: Result, backends: Collection[str]) -> Iterator[tuple[_Fact, str]]:
    yield ("Machine", "hardware", ""), describe(result.machine)
    sorts: dict[str, Sort] = {
        "Clock": "weightless",  # at the moment when it was looked at
        "Operating system": "software",
        "Virtualization": "software",
    }
    for label, value, _ in facts(result.machine):
        yield (label, sorts.get(label, "hardware"), ""), value
    for backend, environment in result.environments.items():
        if backend in backends:
            named = title(backend)
            versions = {"Python": environment.python or "", **environment.versions}
            for key, value in {**versions, "BLAS": environment.blas or "unknown"}.items():
                yield (f"{named}: {key}", "software", ""), value
            for key, value in (environment.steering or {}).items():
                yield (f"{named}: {key}", "variables", ""), value
    yield (METHOD, "incomparable", ""), str(result.method)
    yield ("Measuring code", "software", ""), result.code_hash[:12]
    if result.dataset:
        file = (result.dataset.sha1 or "")[:12]
        yield ("Data", "incomparable", DATA), f"{result.dataset.source} {file}".strip()
    yield ("Examples", "incomparable", DATA), str(result.config["examples"])
    yield ("Profile", "weightless", ""), result.profile
    yield ("Seed", "weightless", ""), str(result.config["seed"])
    for name, planned in result.config["experiments"].items():
        yield from _planned(name, planned)
        for fact in ("device", "threads"):
            used = {str(getattr(r, fact)) for r in result.of(name) if r.outcome is not None}
            if used:
                yield (fact, "device", name), ", ".join(sorted(used))


def _planned(name: str, planned: StoredExperiment) -> Iterator[tuple[_Fact, str]]:
    """Yield the settings of an experiment: what its labels do not say must be the same."""
    weightless = EXTENT.union(KINDS[planned["kind"]].label_names())
    for key, value in {**planned, **planned["settings"]}.items():
        if key not in {"settings", "device", "threads"}:  # of these, what was used is told
            yield (key, "weightless" if key in weightless else "incomparable", name), _words(value)


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_words(item) for item in value)
    if isinstance(value, dict):
        return " ".join(f"{key} {_words(item)}" for key, item in value.items())
    return str(value)
