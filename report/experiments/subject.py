"""What is put side by side in a figure: machines, or frameworks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from report.analysis.quantities import by_backend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record, Result

Noun = Literal["machine", "framework"]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One machine, or one framework of a machine, beside others.

    Attributes:
        name: As shown.
        index: The place of its colour and marker.
        result: The run.
        backend: Whose records it stands for.
        floor: What the others are held to: it calls no framework and no library.
    """

    name: str
    index: int
    result: Result
    backend: str
    floor: bool = False

    def records(self, experiment: str) -> list[Record]:
        """Return its records of an experiment, in the order of the processes."""
        return by_backend(self.result.of(experiment)).get(self.backend, [])


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """Subjects that measured the same experiment.

    Attributes:
        noun: What they are.
        experiment: Its name.
        subjects: At least two.
    """

    noun: Noun
    experiment: str
    subjects: Sequence[Subject]

    @property
    def name(self) -> str:
        """Return what the names of its figures begin with."""
        return f"{'compare' if self.noun == 'machine' else 'frameworks'}-{self.experiment}"
