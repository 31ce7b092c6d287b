"""The machines of a site: their files, of which nothing is read yet, and what other pages say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup
from pydantic import TypeAdapter

from report.claims import wording
from report.comparing import asked
from report.comparing.asked import Column  # noqa: TC001 (pydantic reads it)
from report.figures import prose
from report.machine.machine import describe, short_names
from report.results import runs, store
from report.results.result import Decision, Source  # noqa: TC001 (pydantic reads it)
from report.site.pages import Named
from report.text.names import title

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from report.results.result import Result
    from report.results.store import Saved
    from report.site.history import History
    from report.site.machine import MachineView
    from report.site.verdicts import VerdictView


@dataclass(frozen=True, kw_only=True, eq=False)
class Place(Named):
    """A machine among those of a site, by what can be said without its records."""

    files: list[Saved]  # the runs that its pages are about, oldest first
    every: list[Saved]  # all of its runs

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
    machines = store.by_machine(saved)
    machines.sort(key=lambda same: same[-1].head.machine.id != baseline)
    every: dict[str, list[Saved]] = {}
    for one in saved:
        every.setdefault(one.head.machine.id, []).append(one)
    hardware = [same[-1].head.machine for same in machines]
    return [
        Place(
            id=one.id,
            name=name,
            words=describe(one),
            files=same,
            every=every[one.id],
        )
        for one, name, same in zip(hardware, short_names(hardware), machines, strict=True)
    ]


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A verdict in a table of machines."""

    says: str
    source: Source
    framework: str
    css: str
    sign: str
    verdict: Decision
    marginal: bool
    told: tuple[str, str]  # ratio and effect, as the first machine of a row has them
    turned: tuple[str, str]  # the same the other way round
    turn: bool  # whether this machine's own pages turn them


@dataclass(frozen=True, kw_only=True)
class Digest(Named):
    """A machine among others, small, and kept with its pages; `MachineView` explains the names."""

    date: str
    day: str  # of the newest run, ISO 8601: sorts
    profile: str
    sentences: str  # as HTML, like the effects of statements
    tally: str
    grade: str
    unfinished: str
    imported: bool
    runs: int
    recorded: int  # how many runs its history has, not only those that are like the newest
    processor: str
    accelerators: list[str]
    frameworks: list[str]
    holding: tuple[int, int]  # how many of the chapter's statements hold, of how many judged
    column: Column
    statements: dict[str, Statement]  # by claim and framework
    sections: dict[str, str]  # where the experiments stand that were measured, by name

    @property
    def lead(self) -> Markup:
        """Return what could stand in a mail, as this program wrote it."""
        return Markup(self.sentences)  # noqa: S704

    @property
    def dtypes(self) -> list[str]:
        """Return in which formats it multiplied."""
        return [name.removeprefix("peak, ") for name in asked.PRODUCTS if name in self.column.found]


ADAPTER = TypeAdapter(Digest)


def digest(view: MachineView, history: History | None) -> Digest:
    """Return what other pages say of a machine."""
    machine, chapter = view.result.machine, [v for v in view.verdicts if v.source == "chapter"]
    judged = [one.judged.verdict for one in chapter if one.judged.verdict != "not run"]
    working = [each.name or each.device for each in machine.accelerators if each.works]
    return Digest(
        id=view.id,
        name=view.name,
        words=view.words,
        date=view.date,
        day=view.result.started_at[:10],
        profile=view.result.profile,
        sentences=str(view.lead),
        tally=view.tally,
        grade=view.grade,
        unfinished=view.unfinished,
        imported=bool(view.imports),
        runs=view.runs,
        recorded=len(history.runs) if history else 0,
        processor=machine.cpu.model or machine.cpu.architecture or "unknown",
        accelerators=list(dict.fromkeys(working)),
        frameworks=[title(n) for n, one in view.result.environments.items() if one.status == "ok"],
        holding=(judged.count("supported"), len(judged)),
        column=asked.column(view.result),
        statements=statements(view.verdicts),
        sections={one.name: view.where(one.name) for one in view.sections if one.method},
    )


def statements(views: Iterable[VerdictView]) -> dict[str, Statement]:
    """Return verdicts by claim and framework itself, which a page names only where it must."""
    return {f"{one.judged.claim} {one.judged.backend}": _statement(one) for one in views}


def _statement(view: VerdictView) -> Statement:
    verdict = view.judged
    told, turned = (
        (
            wording.ratio(view.claim, turn=turn),
            str(wording.effect(view.claim, verdict, prose.tagged, turn=turn)),
        )
        for turn in (False, True)
    )
    return Statement(
        says=view.claim["says"],
        source=view.source,
        framework=view.framework,
        css=view.css,
        sign=view.sign,
        verdict=verdict.verdict,
        marginal=bool(verdict.marginal),
        told=told,
        turned=turned,
        turn=wording.turned(verdict),
    )
