"""How an experiment was trained: by a machine, or a framework, and in which way there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from report.experiments.training.grid import by_batch_size
from report.experiments.training.quantities import case_of
from report.experiments.training.runs import apart, is_grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.quantities import Quantity
    from report.experiments.kind import Overlay, Subject
    from report.experiments.training.quantities import Case
    from report.experiments.training.runs import Run
    from report.figures.shapes import Dash

VARIANTS = {"eager": "", "compiled": "compiled update", "epoch": "compiled epoch"}

DASHES: dict[str, Dash] = {"eager": "-", "compiled": "--", "epoch": (0, (1, 1.2))}


@dataclass(frozen=True, eq=False)
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
            words += [VARIANTS[self.variant], self.further]
        return ", ".join(word for word in words if word)

    @property
    def look(self) -> dict[str, Any]:
        """Return its line: dashes say what is one program, or that no loader takes part."""
        dash = DASHES["compiled" if self.further == "sliced" else self.variant]
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
            Way(subject, case, variant, further, len(ways) > 1, runs)
            for (variant, further), runs in ways.items()
        ]
    return [way for way in found if way.seconds]


def _telling(case: Case) -> list[str]:
    """Return in what one run was done in several ways, beside variants."""
    runs = {each["run"] for each in case.labels}
    ways = {
        n: {(each["run"], each[n]) for each in case.labels} for n in ("loader", "implementation")
    }
    return [name for name, found in ways.items() if len(found) > len(runs)]


def pairs_of(ways: Sequence[Way], one: str, other: str) -> list[tuple[Way, Way]]:
    """Return the ways of a subject that differ in a loader, or an implementation, alone."""
    return [
        (a, b)
        for a in ways
        for b in ways
        if a.subject is b.subject
        and a.variant == b.variant
        and (a.further, b.further) == (one, other)
    ]


def gap(ways: Sequence[Way]) -> float | None:
    """Return how far the losses of one run and seed differ at most from the first way's."""
    gaps = []
    for label in dict.fromkeys(str(run.labels["run"]) for way in ways for run in way.runs):
        runs = [run for way in ways if (run := way.run(label)) is not None]
        gaps += [each for run in runs[1:] if (each := apart(runs[0], run)) is not None]
    return max(gaps) if gaps else None
