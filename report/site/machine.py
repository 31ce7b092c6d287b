"""A machine's page: one result, as a chapter to read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from markupsafe import Markup

from report.analysis import noise, quantities
from report.claims import wording
from report.experiments.catalogue import KINDS, of_records
from report.experiments.matmul.measure import ACCELERATOR_ONLY
from report.machine.machine import describe, facts
from report.results.runs import starts
from report.sections.catalogue import SECTIONS
from report.site import pages, problems, verdicts
from report.site.repeating import Listings
from report.text.names import series_name, title
from report.text.numerals import count, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from report.analysis.noise import Grade
    from report.figures.figure import Card, Figure, Table
    from report.results.imported import Import
    from report.results.machine import Conditions
    from report.results.result import Record, Result
    from report.results.store import Saved
    from report.site.verdicts import Matrix, VerdictView
    from report.worker.records import Environment


@dataclass(frozen=True, kw_only=True)
class Section:
    """One experiment on the page, or what several of them say together."""

    name: str  # the anchor
    title: str
    figures: list[Figure]
    codes: list[str]  # for each figure, the anchor of the code that was timed; empty if none
    method: list[str]  # how it was measured, in sentences
    conditions: str  # where it ran: device, threads, framework
    grade: Grade | None  # how quiet the machine was; None where nothing is timed
    spread: str  # how far its processes differ, which the intervals include; may be empty
    brief: Table | None  # what it says in short, above its figures
    missing: str  # why there is nothing to show, if so
    verdicts: list[VerdictView]  # those that it explains


@dataclass(frozen=True, kw_only=True)
class MachineView(pages.Named):
    """All that the pages of a machine say."""

    result: Result
    date: str
    lead: Markup  # one paragraph that could stand in a mail
    cards: list[Card]
    verdicts: list[VerdictView]
    statements: list[tuple[str, list[VerdictView]]]  # the same in groups, each with its heading
    matrix: Matrix  # the verdicts of each framework
    problems: list[problems.Problem]
    tally: str  # how many of the chapter's statements hold, and of ours
    sections: list[Section]
    parts: list[pages.Part[Section]]  # the pages that hold these
    code: Listings
    facts: list[tuple[str, str, str]]  # hardware: name, value, how it is known
    frameworks: list[tuple[str, Environment]]  # their titles, and what each stands on
    variables: list[tuple[str, str, str]]  # those that the workers saw: name, value, frameworks
    grade: str  # how many experiments have which grade
    states: list[str]  # which runs, and processes of a run, met another machine by its probes
    files: Sequence[Saved]  # of its results, oldest first
    runs: int  # how many runs it stands on
    days: int  # on how many days they began
    unfinished: str  # what is missing of the plan, in words; empty if nothing

    @property
    def imports(self) -> list[Import]:
        """Return where its files came from, if not from who keeps the report."""
        return [one.imported for one in self.files if one.imported]

    @property
    def folder(self) -> str:
        """Return where the data of figures and verdicts lie, for download."""
        return f"data/{self.files[-1].name}".rpartition("/")[0]

    def where(self, section: str) -> str:
        """Return the page of a section; where it has none, that of all statements."""
        found = (p.path for p in self.parts if section in {one.name for one in p.sections})
        return next(found, f"{self.home}/statements.html")

    def beside(self, experiment: str) -> str:
        """Return where an experiment's frameworks stand side by side; empty if nowhere."""
        found = next((s.figures for s in self.sections if s.name == "frameworks"), [])
        mine = [f for f in found if re.fullmatch(f"frameworks-{experiment}(-[a-z]+)?", f.name)]
        return f"{self.where('frameworks')}#figure_{mine[0].name}" if mine else ""

    def contradicted(self) -> list[VerdictView]:
        """Return which of the chapter's statements do not hold here."""
        mine = [one for one in self.verdicts if one.source == "chapter"]
        return [one for one in mine if one.judged.verdict == "contradicted"]

    def neighbours(self, part: pages.Part[Section]) -> list[pages.Part[Section] | None]:
        """Return the pages of figures before and after one."""
        at = self.parts.index(part)
        return [None, *self.parts, None][at : at + 3 : 2]


def figures_of(result: Result) -> Iterator[tuple[str, list[Figure]]]:
    """Make the figures of a machine's page, section by section."""
    # Each section is about one framework; what the others measured stands beside it in one place.
    led = result.led()
    for name, planned in result.config["experiments"].items():
        yield name, KINDS[planned["kind"]].figures(led, name)
    for name, model in SECTIONS.items():
        yield name, model.module.figures(result if model.every_framework else led)


def view(
    result: Result, name: str, saved: Sequence[Saved], figures: Mapping[str, list[Figure]]
) -> MachineView:
    """Gather a machine's page of its runs together, which these files hold."""
    every = verdicts.views(result)
    judged = [verdict for verdict in every if verdict.leading]
    tally = wording.tally([(each.source, each.judged.verdict) for each in judged])
    led, began = result.led(), starts(result)
    broad = {name for name, model in SECTIONS.items() if model.every_framework}
    code = Listings()
    sections = [
        _section(result if name in broad else led, name, drawn, judged, code)
        for name, drawn in figures.items()
        if drawn or not (name in SECTIONS or _elsewhere(led.of(name)))
    ]
    home = pages.home(result.machine.id)
    said = [s for kind in KINDS.values() for s in kind.sentences(led)]
    return MachineView(
        id=result.machine.id,
        name=name,
        words=describe(result.machine),
        result=result,
        date=" to ".join(dict.fromkeys((day(began[0]), day(began[-1])))),
        # Sentences are markup, with their numbers tagged; plain ones are escaped when joined.
        lead=Markup(" ").join([*said, *_held(judged)]),
        cards=[card for kind in KINDS.values() for card in kind.cards(led)],
        verdicts=judged,
        statements=verdicts.grouped(judged),
        matrix=verdicts.by_framework(every),
        problems=problems.of_result(result),
        tally=tally,
        sections=sections,
        parts=pages.parts(home, [(_page_of(result, one), one) for one in sections]),
        code=code,
        facts=facts(result.machine),
        frameworks=[(title(name), one) for name, one in result.environments.items()],
        variables=_variables(result),
        grade=graded(result),
        states=_states(result),
        files=saved,
        runs=len(began),
        days=len({one[:10] for one in began}),
        unfinished=_unfinished(result),
    )


def _elsewhere(records: Sequence[Record]) -> bool:
    """Return whether an experiment is for an accelerator, and there is none here."""
    return bool(records) and all(record.reason == ACCELERATOR_ONLY for record in records)


def _held(judged: Sequence[VerdictView]) -> list[str]:
    """Say how many of the chapter's statements hold, in a sentence; the rest has a section."""
    mine = [one.judged.verdict for one in judged if one.source == "chapter"]
    asked = [verdict for verdict in mine if verdict != "not run"]
    held = asked.count("supported")
    verb = "holds" if held == 1 else "hold"
    of = f"Of {count(len(asked), 'statement')} of the chapter"
    measured = "" if asked == mine else " that were measured"
    return [f"{of}{measured}, {held} {verb} here."] if asked else []


def day(started_at: str) -> str:
    """Return the day of a run: "22 November 2026"."""
    moment = datetime.fromisoformat(started_at)
    return f"{moment.day} {moment:%B %Y}"


def _page_of(result: Result, section: Section) -> str:
    if section.name in SECTIONS:
        return SECTIONS[section.name].page
    # An experiment is an exercise if it answers one.
    if any(one.claim["section"] == pages.TITLES["exercises"] for one in section.verdicts):
        return "exercises"
    return KINDS[result.config["experiments"][section.name]["kind"]].page


def _section(
    result: Result,
    name: str,
    drawn: list[Figure],
    judged: Sequence[VerdictView],
    code: Listings,
) -> Section:
    """Make the section of an experiment, or of what several say together."""
    if name in SECTIONS:
        model = SECTIONS[name].module
        records = [record for used in model.experiments(result) for record in result.of(used)]
        title, method = model.TITLE, model.method(result)
        codes = [code.add(title, figure.backends, figure.code) for figure in drawn]
    else:
        planned, records = result.config["experiments"][name], result.of(name)
        backends, kind = quantities.by_backend(records), KINDS[planned["kind"]]
        title = planned["title"]
        method = [words for mine in backends.values() for words in kind.method(mine)]
        of = [next(b for b in backends if f.name.startswith(f"{name}-{b}")) for f in drawn]
        codes = [code.add(title, [one], f.code) for one, f in zip(of, drawn, strict=True)]
    noisy, spread = _noise(records)
    return Section(
        name=name,
        title=title,
        figures=drawn,
        codes=codes,
        method=method,
        conditions=_conditions(records, result),
        grade=noisy,
        spread=spread,
        brief=SECTIONS[name].brief(result) if name in SECTIONS else None,
        missing="" if drawn else _why_missing(records),
        verdicts=[verdict for verdict in judged if verdict.claim["show"] == name],
    )


def _noise(records: Sequence[Record]) -> tuple[Grade | None, str]:
    """Grade what went on beside the processes that count, and say how far these differ, if timed.

    Of several runs it is the spread in the middle, as of grades.
    """
    spreads: dict[str, list[tuple[float, str]]] = {}
    timed = False
    for name in dict.fromkeys(record.experiment for record in records):
        for mine in quantities.by_backend(r for r in records if r.experiment == name).values():
            series = of_records(mine, "")
            timed = timed or bool(series)
            varying = quantities.varying([quantity.labels for quantity in series])
            for quantity in series:
                for run, apart in quantity.spreads().items():
                    where = series_name(quantity.labels, varying)
                    spreads.setdefault(run, []).append((apart, where))
    if not timed:
        return None, ""
    widest = sorted(max(each) for each in spreads.values())
    spread = noise.apart(*widest[len(widest) // 2]) if widest else ""
    return quantities.surroundings(records), spread


def _conditions(records: Sequence[Record], result: Result) -> str:
    where = []
    for backend, mine in quantities.by_backend(r for r in records if r.status == "ok").items():
        environment = result.environments.get(backend)
        version = next(iter(environment.versions.values()), "") if environment else ""
        threads = count(mine[0].threads, "thread")
        named = f"{title(backend)} {version}".strip()
        where.append(f"{named} on {mine[0].device}, up to {threads}")
    return "; ".join(where)


def _why_missing(records: Sequence[Record]) -> str:
    if not records:
        return "This experiment has not been run yet."
    reasons = [f"{r.status}: {problems.why(r)}" for r in records if r.status != "ok"]
    return "; ".join(dict.fromkeys(reasons)) or "It ran, but measured nothing."


def _variables(result: Result) -> list[tuple[str, str, str]]:
    """Return each variable and value once: those that steer, then those that only find things."""
    found: dict[tuple[str, str], list[str]] = {}
    known = {n: e for n, e in result.environments.items() if e.steering is not None}
    for kind in ("steering", "places"):
        for name, environment in known.items():
            for pair in sorted((getattr(environment, kind) or {}).items()):
                found.setdefault(pair, []).append(title(name))
    return [
        (variable, value, "all" if len(where) == len(known) > 1 else ", ".join(where))
        for (variable, value), where in found.items()
    ]


def _states(result: Result) -> list[str]:
    """Say which runs, and which sweeps of a run, met another machine by its probes."""
    runs: dict[str, dict[int, list[Conditions]]] = {}
    for record in result.records:
        if record.conditions is not None:
            sweeps = runs.setdefault(record.run or result.started_at, {})
            sweeps.setdefault(record.process, []).append(record.conditions)
    whole = {run: [seen for each in mine.values() for seen in each] for run, mine in runs.items()}
    said = []
    for run, mine in runs.items():
        others = [seen for each, seen in whole.items() if each != run]
        when = f"In the run of {day(run)}, {run[11:16]} UTC"
        said += [f"{when}, {words}." for words in noise.differences(whole[run], others)]
        first = min(mine)
        for process, words in noise.sweeps(mine).items():
            said.append(f"{when}, process {process - first + 1}: {'; '.join(words)}.")
    return said


def graded(result: Result) -> str:
    """Say how many experiments have which grade of noise, each by its first framework."""
    led, every = result.led(), (*noise.LEVELS, noise.UNKNOWN)
    found = (_noise(led.of(name))[0] for name in led.config["experiments"])
    levels = [one.level for one in found if one]
    return ", ".join(f"{levels.count(level)} {level}" for level in every if level in levels)


def _unfinished(result: Result) -> str:
    missing = result.wanted - len(result.records)
    if missing <= 0:
        return ""
    return f"{percent(missing / result.wanted)} of the planned processes have not run yet"
