"""A machine's page: one result, as a chapter to read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from markupsafe import Markup

from report.analysis import quantities
from report.analysis.noise import LEVELS, grade
from report.claims import wording
from report.experiments.catalogue import KINDS, of_records
from report.machine.machine import describe, facts
from report.sections.catalogue import SECTIONS
from report.site import problems, verdicts
from report.site.listing import listing, side_by_side
from report.text.names import series_name, title
from report.text.numerals import count, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from report.analysis.noise import Grade
    from report.figures.figure import Card, Figure
    from report.results.result import Record, Result
    from report.site.verdicts import Matrix, VerdictView


@dataclass(frozen=True, kw_only=True)
class Section:
    """One experiment on the page.

    Attributes:
        name: The experiment's name; the anchor.
        title: Its heading.
        figures: What it shows.
        codes: For each figure, the timed code as HTML; empty if there is none.
        csvs: For each figure, the path of its data.
        method: How it was measured, in sentences.
        conditions: Where it ran: device, threads, framework.
        grade: How quiet the machine was; None where nothing is timed.
        missing: Why there is nothing to show, if so.
        verdicts: The claims that it explains.
        derived: It stands on what other sections measured.
    """

    name: str
    title: str
    figures: list[Figure]
    codes: list[str]
    csvs: list[str]
    method: list[str]
    conditions: str
    grade: Grade | None
    missing: str
    verdicts: list[VerdictView]
    derived: bool = False


@dataclass(frozen=True, kw_only=True)
class MachineView:
    """All that a machine's page says.

    Attributes:
        id: The machine's.
        page: File name of its page.
        words: The machine as a person would say it.
        result: The result itself.
        date: Day of the run, in words.
        lead: One paragraph that could stand in a mail.
        cards: The headline figures.
        verdicts: What the machine says to the claims.
        matrix: The same for each framework.
        problems: All that was skipped or failed, anywhere.
        counts: How many of which, in words.
        verdicts_csv: Path of the same for download; empty if there are none.
        sections: The experiments, then what several of them say together.
        facts: Hardware: name, value, how it is known.
        frameworks: Name and title, versions, BLAS, threads, SIMD of each.
        grade: The worst of the experiments' grades, with how many have which.
        json: Path of the result's own file.
        surrogate: Whether the data was made up with the real data's moments.
        unfinished: What is missing of the plan, in words; empty if nothing.
    """

    id: str
    page: str
    words: str
    result: Result
    date: str
    lead: Markup
    cards: list[Card]
    verdicts: list[VerdictView]
    matrix: Matrix
    problems: list[problems.Problem]
    counts: str
    verdicts_csv: str
    sections: list[Section]
    facts: list[tuple[str, str, str]]
    frameworks: list[dict[str, str]]
    grade: str
    json: str
    surrogate: bool
    unfinished: str

    @property
    def labels(self) -> set[str]:
        """Return which headline figures there are."""
        return {card.label for card in self.cards}

    @property
    def chapter(self) -> list[tuple[str, list[VerdictView]]]:
        """Return the verdicts by the part of the chapter that they are about."""
        return verdicts.by_section(self.verdicts)


def figures_of(result: Result) -> Iterator[tuple[str, list[Figure]]]:
    """Make the figures of a machine's page, section by section."""
    # Each section is about one framework; what the others measured stands beside it in one place.
    led = result.led()
    for name, planned in result.config["experiments"].items():
        yield name, KINDS[planned["kind"]].figures(led, name)
    for name, model in SECTIONS.items():
        yield name, model.module.figures(result if model.every_framework else led)


def view(result: Result, json_path: str, figures: Mapping[str, list[Figure]]) -> MachineView:
    """Gather a machine's page.

    Args:
        result: The run to show.
        json_path: Where the site keeps the result's file.
        figures: Of each section, by its name.
    """
    folder = json_path.rpartition("/")[0]
    every = verdicts.views(result)
    judged = [verdict for verdict in every if verdict.leading]
    led = result.led()
    sections = [
        _section(led, name, figures[name], folder, judged) for name in result.config["experiments"]
    ]
    sections += [
        _derived(result if model.every_framework else led, name, figures[name], folder, judged)
        for name, model in SECTIONS.items()
    ]
    said = [s for kind in KINDS.values() for s in kind.sentences(led)]
    said += [s for one in SECTIONS.values() for s in one.module.sentences(result)]
    return MachineView(
        id=result.machine.id,
        page=page_of(result),
        words=describe(result.machine),
        result=result,
        date=date_of(result),
        # Sentences are markup, with their numbers tagged; plain ones are escaped when joined.
        lead=Markup(" ").join(filter(None, [*said, verdicts.lead(judged)])),
        cards=[card for kind in KINDS.values() for card in kind.cards(led)],
        verdicts=judged,
        matrix=verdicts.by_framework(every),
        problems=problems.of_result(result),
        counts=wording.counts([each.verdict for each in judged]),
        verdicts_csv=f"{folder}/verdicts.csv" if judged else "",
        sections=[section for section in sections if section.figures or not section.derived],
        facts=facts(result.machine),
        frameworks=_frameworks(result),
        grade=_worst(sections),
        json=json_path,
        surrogate=result.dataset is not None and result.dataset.source == "surrogate",
        unfinished=_unfinished(result),
    )


def page_of(result: Result) -> str:
    """Return the file name of a machine's page.

    All pages lie in one folder, so that the 404 page, which GitHub serves under any address, can
    link to them.
    """
    return f"machine-{result.machine.id}.html"


def date_of(result: Result) -> str:
    """Return the day of a run: "22 November 2026"."""
    moment = datetime.fromisoformat(result.started_at)
    return f"{moment.day} {moment:%B %Y}"


def _section(
    result: Result,
    name: str,
    drawn: list[Figure],
    folder: str,
    judged: Sequence[VerdictView],
) -> Section:
    planned = result.config["experiments"][name]
    kind, records = planned["kind"], result.of(name)
    backends = quantities.by_backend(records)
    backend_of = {f"{name}-{backend}": backend for backend in backends}
    return Section(
        name=name,
        title=planned["title"],
        figures=drawn,
        codes=[listing(_backend(figure, backend_of), figure.code) for figure in drawn],
        csvs=[f"{folder}/{figure.name}.csv" for figure in drawn],
        method=[s for mine in backends.values() for s in KINDS[kind].method(mine)],
        conditions=_conditions(records, result),
        grade=_grade(records),
        missing="" if drawn else _why_missing(records),
        verdicts=[verdict for verdict in judged if verdict.show == name],
    )


def _derived(
    result: Result,
    name: str,
    drawn: list[Figure],
    folder: str,
    judged: Sequence[VerdictView],
) -> Section:
    """Make the section of a model, which stands on several experiments."""
    model = SECTIONS[name].module
    records = [record for used in model.experiments(result) for record in result.of(used)]
    return Section(
        name=name,
        title=model.TITLE,
        figures=drawn,
        codes=[side_by_side(figure.backends, figure.code) for figure in drawn],
        csvs=[f"{folder}/{figure.name}.csv" for figure in drawn],
        method=model.method(result),
        conditions=_conditions(records, result),
        grade=_grade(records),
        missing="",
        verdicts=[verdict for verdict in judged if verdict.show == name],
        derived=True,
    )


def _backend(figure: Figure, backend_of: dict[str, str]) -> str:
    return next(b for prefix, b in backend_of.items() if figure.name.startswith(prefix))


def _grade(records: Sequence[Record]) -> Grade | None:
    """Grade the noise of the processes that count, with the series in which they differ most.

    Returns:
        None without times.
    """
    spreads: list[tuple[float, str]] = []
    conditions = []
    timed = False
    for name in dict.fromkeys(record.experiment for record in records):
        for mine in quantities.by_backend(r for r in records if r.experiment == name).values():
            series = of_records(mine, "")
            timed = timed or bool(series)
            kept = quantities.undisturbed(mine).records
            conditions += [record.conditions for record in kept if record and record.conditions]
            varying = quantities.varying([quantity.labels for quantity in series])
            for quantity in series:
                spread = quantity.spread()
                if spread is not None:
                    spreads.append((spread, series_name(quantity.labels, varying)))
    if not timed:
        return None
    spread, where = max(spreads, default=(None, ""))
    return grade(conditions, spread, where)


def _conditions(records: Sequence[Record], result: Result) -> str:
    ran = [record for record in records if record.status == "ok"]
    if not ran:
        return ""
    where = []
    for backend, mine in quantities.by_backend(ran).items():
        environment = result.environments.get(backend)
        version = next(iter(environment.versions.values()), "") if environment else ""
        threads = count(mine[0].threads, "thread")
        named = f"{title(backend)} {version}".strip()
        where.append(f"{named} on {mine[0].device}, up to {threads}")
    return "; ".join(where)


def _why_missing(records: Sequence[Record]) -> str:
    if not records:
        return "This experiment has not been run yet."
    reasons = list(
        dict.fromkeys(f"{r.status}: {problems.why(r)}" for r in records if r.status != "ok")
    )
    return "; ".join(reasons) or "It ran, but measured nothing."


def _frameworks(result: Result) -> list[dict[str, str]]:
    return [
        {
            "title": title(name),
            "python": environment.python or "unknown",
            "versions": ", ".join(f"{k} {v}" for k, v in environment.versions.items()),
            "blas": environment.blas or "unknown",
            "threads": str(environment.threads or "unknown"),
            "simd": environment.simd or "unknown",
            "pools": "; ".join(environment.pools) or "unknown",
            "reason": environment.reason or "",
        }
        for name, environment in result.environments.items()
    ]


def _worst(sections: Sequence[Section]) -> str:
    measured = [s.grade.level for s in sections if s.figures and s.grade is not None]
    if not measured:
        return ""
    parts = [f"{measured.count(level)} {level}" for level in LEVELS if level in measured]
    return ", ".join(parts)


def _unfinished(result: Result) -> str:
    wanted = sum(
        len(planned["backends"]) * planned["processes"]
        for planned in result.config["experiments"].values()
    )
    missing = wanted - len(result.records)
    if missing <= 0:
        return ""
    return f"{percent(missing / wanted)} of the planned processes have not run yet"
