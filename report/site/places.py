"""The machines of a site, before anything of what they measured is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.machine.machine import describe, short_names
from report.results import runs
from report.site import pages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Result
    from report.results.resultfile import Saved


@dataclass(frozen=True, kw_only=True, eq=False)
class Place:
    """A machine among those of a site, by what can be said without its records.

    Attributes:
        name: What it is called where room is short.
        words: The machine as a person would say it.
        files: The runs that its pages are about, oldest first.
        every: All of its runs.
    """

    id: str
    name: str
    words: str
    home: str
    page: str
    files: list[Saved]
    every: list[Saved]

    @property
    def estimates(self) -> str:
        """Return where the table of its numbers lies, where several machines have one."""
        return f"data/{self.id}/estimates.csv"

    @property
    def sums(self) -> list[str]:
        """Return what tells its runs from others."""
        return [one.sha256 for one in self.files]

    def result(self) -> Result:
        """Read its runs, and return them together."""
        return runs.together([one.result for one in self.files])


def places_of(saved: Sequence[Saved], baseline: str = "") -> list[Place]:
    """Return the machines of some results, each with its runs: the baseline, then by name."""
    of_head = {id(one.head): one for one in saved}
    machines = runs.by_machine(one.head for one in saved)
    machines.sort(key=lambda same: same[-1].machine.id != baseline)
    every: dict[str, list[Saved]] = {}
    for one in saved:
        every.setdefault(one.head.machine.id, []).append(one)
    hardware = [same[-1].machine for same in machines]
    return [
        Place(
            id=one.id,
            name=name,
            words=describe(one),
            home=pages.home(one.id),
            page=f"{pages.home(one.id)}/index.html",
            files=[of_head[id(head)] for head in same],
            every=every[one.id],
        )
        for one, name, same in zip(hardware, short_names(hardware), machines, strict=True)
    ]
