"""The sections themselves, by name, which is the anchor of each and its template's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from report.sections import data_parallel, frameworks, resources, roofline

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.figures.figure import Figure, Table
    from report.results.result import Result


class Module(Protocol):
    """What the module of a section offers."""

    TITLE: str

    def experiments(self, result: Result) -> list[str]:
        """Return the names of the experiments that it stands on."""

    def figures(self, result: Result) -> list[Figure]:
        """Draw it; nothing where what it needs was not measured."""

    def method(self, result: Result) -> list[str]:
        """Describe how it was made."""


@dataclass(frozen=True)
class Section:
    """A section of a page: about every framework, or about the one that leads each experiment."""

    module: Module
    page: str
    every_framework: bool = False
    # What it says in short, above all figures.
    brief: Callable[[Result], Table | None] = lambda _: None


SECTIONS: dict[str, Section] = {
    "frameworks": Section(frameworks, "frameworks", every_framework=True, brief=frameworks.brief),
    "roofline": Section(roofline, "memory"),
    "resources": Section(resources, "training", every_framework=True),
    "data-parallel": Section(data_parallel, "workers"),
}
