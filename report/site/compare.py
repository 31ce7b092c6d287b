"""Machines side by side: the pages of a site that are about several.

Of each machine only what it has in common with the baseline is looked at closely, once; the rest
stands on digests, however many there are.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter

from report.analysis.estimate import Estimate
from report.comparing import asked, comparison
from report.comparing import verdict as bounds
from report.comparing.gate import Gate
from report.experiments.catalogue import KINDS
from report.experiments.kind import Overlay, Subject
from report.figures import prose
from report.figures.figure import (
    Figure,
    Number,
    Sheet,
    Table,
    cells,
    columns,
    number,
    shared_prefix,
)
from report.figures.shapes import Axis, Dots, row
from report.results.files import Cache, key, program
from report.site import pages
from report.site.contents import Bundle
from report.text.numerals import scaled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.comparing.comparison import Comparison, Row
    from report.figures.drawings import Drawings
    from report.registry import KindName
    from report.results.result import Result
    from report.site.digest import Digest, Place, Statement

NAMED = 3  # so many machines stand in the navigation of each page
DRAWN = 8  # so many machines share a figure: more cannot be told apart by colour
EVERY_PAIR = 6  # of so many machines any two have a page; of more, each with the baseline
COLUMNS = 12  # so many machines can be columns of a table; more are its rows, in short

SCALE = ("peak, float32", "memory", "one call", "one update", "an epoch", "time to a loss")
"""What stands on the overview's one scale."""

_RATIOS = TypeAdapter(dict[str, Estimate])


class PairView(NamedTuple):
    """Two machines, and what both measured."""

    compared: Comparison
    common: Number
    groups: dict[str, list[tuple[Row, str, list[Number]]]]
    """By experiment and framework: a row, what it is of with the unit of its times, and numbers:
    both times and their ratio."""


def pair(left: Result, right: Result, names: tuple[str, str]) -> PairView:
    """Return what two results have in common, side by side, in the order of the first."""
    compared = replace(comparison.compare(left, right), names=names)
    groups: dict[str, list[tuple[Row, str, list[Number]]]] = {}
    for one in compared.rows:
        first, second = one.first.time(), one.second.time()
        factor, unit = shared_prefix([first.value]), scaled(first.value, "s").rpartition(" ")[2]
        numbers = [number(first, factor), number(second, factor), number(one.ratio)]
        mine = groups.setdefault(f"{one.experiment}, {one.framework}", [])
        mine.append((one, f"{one.what}, {unit}", numbers))
    return PairView(compared, number(compared.common), groups)


def path_of(machine: str, first: str = "") -> str:
    """Return the page of a machine beside another, or else the baseline.

    A machine may have the name of a part.
    """
    return f"compare/{first}{'/' if first else ''}with-{machine}.html"


def beside(
    here: str, results: tuple[Result, Result], places: tuple[Place, Place], shown: Mapping[str, Any]
) -> Bundle:
    """Make the page of a machine beside another, mostly the baseline, and what others say of it."""
    first, other = results
    found = pair(first, other, (places[0].name, places[1].name))
    ratios, gate = asked.beside(first, other), found.compared.gate
    rows = asked.rows([asked.column(first), asked.column(other)], [ratios])
    page = pages.render(
        "times.html",
        here,
        **{**shown, "pair": found, "bounds": bounds, "both": places, "asked": rows},
        answers=asked.answers(rows),
        differs=Gate(answer="yes", because=[], differences=gate.differences),
    )
    facts = {
        "ratios": _RATIOS.dump_python(ratios, mode="json"),
        "answer": gate.answer,
        "because": gate.because,
        "counts": found.compared.counts(),
        "rows": len(found.compared.rows),
    }
    return Bundle(facts, {here: page})


class ComparedSection(NamedTuple):
    """An experiment of several machines on the same axes, and where these show it themselves."""

    name: str
    title: str
    figures: list[Figure]
    measured: list[tuple[Digest, str]]

    @property
    def page(self) -> str:
        """Return the part of the chapter that it belongs to, as on the machines' own pages."""
        return PurePosixPath(self.measured[0][1]).stem


@dataclass
class Side:
    """The pages that put all machines of a site side by side; the first is the baseline."""

    machines: Sequence[Digest]
    pairs: Sequence[Mapping[str, Any]]  # what each machine but the first has with the first
    shown: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Put what is asked side by side."""
        self.ratios = [_RATIOS.validate_python(one["ratios"]) for one in self.pairs]
        self.rows = asked.rows([one.column for one in self.machines], self.ratios)

    def overlays(self, places: Sequence[Place], cache: Cache, drawings: Drawings) -> Bundle:
        """Put experiments of the first machines, which are read if need be, on the same axes."""
        some = self.machines[:DRAWN]
        names = [(one.id, one.name) for one in some]
        around = [self.shown["site_url"], names, len(self.machines) > DRAWN]
        sums = [part for place in places[:DRAWN] for part in (*place.sums, "")]
        mine = key("overlays", program(), str(around), *sums)
        kept = Bundle.kept(cache, mine)
        if kept is not None:
            return kept
        sections = _sections([place.result() for place in places[:DRAWN]], some)
        figures = [figure for section in sections for figure in section.figures]
        drawings.order(figures)
        drawn = drawings.finished()
        files = {f"data/compare/{figure.name}.csv": figure.sheet.csv() for figure in figures}
        parts = pages.parts("compare", [(section.page, section) for section in sections])
        shown = {**self.shown, "drawings": drawn, "drawn": some, "newest": some[0]}
        files |= {p.path: pages.render("compared.html", p.path, part=p, **shown) for p in parts}
        facts = [(p.path, p.title, [one.title for one in p.sections]) for p in parts]
        return Bundle({"parts": facts}, files).keep(cache, mine)

    def pages(
        self, parts: Sequence[Any], drawings: Drawings, first: Mapping[str, Any]
    ) -> dict[str, bytes]:
        """Make the overview and the page that compares all; `parts` are the overlays' pages."""
        figures = self._scale()
        drawings.order(figures)
        shown = {**self.shown, "views": self.machines, "bounds": bounds, "many": COLUMNS}
        shown |= {"asked": self.rows, "drawings": drawings.finished(), "few": NAMED + 1}
        shown |= {"pairs": self.pairs, "path_of": path_of, "newest": first["newest"]}
        few = len(self.machines) <= EVERY_PAIR
        shown["others"] = [*itertools.combinations(self.machines[1:], 2)] if few else []
        shown["every_pair"] = few
        files = {f"data/compare/{figure.name}.csv": figure.sheet.csv() for figure in figures}
        files["index.html"] = pages.render(
            "index.html", "index.html", figures=figures, left_out=first["left_out"], **shown
        )
        rows = side_by_side([one.statements for one in self.machines])
        judged = [
            (says, [cell[0].verdict for cell in row if cell and cell[0].verdict != "not run"])
            for says, _, row in rows.get("chapter", [])
        ]
        files["compare.html"] = pages.render(
            "compare.html",
            "compare.html",
            parts=parts,
            first=self.fastest(),
            answers=asked.answers(self.rows) if len(self.machines) <= DRAWN else [],
            verdicts=rows,
            everywhere=[says for says, found in judged if set(found) == {"supported"}],
            depends=[s for s, found in judged if {"supported", "contradicted"} <= set(found)],
            **shown,
        )
        return files

    def fastest(self) -> dict[str, list[str]]:
        """Return for which of the numbers each machine is beyond doubt the fastest."""
        found: dict[str, list[str]] = {}
        for name, mine in (each for topic in self.rows.values() for each in topic):
            for one, cell in zip(self.machines, mine, strict=True):
                if name in SCALE and cell.value and cell.value.best:
                    found.setdefault(one.name, []).append(name.removeprefix("peak, "))
        return found

    def _scale(self) -> list[Figure]:
        """Put all machines on one scale: how many times as fast as the baseline each is."""
        shared = [name for name in SCALE if any(name in one for one in self.ratios)]
        if not shared:
            return []
        others = self.machines[1:]
        few = len(others) < DRAWN
        dots = tuple(
            row(one.name if few else "", k, [ratios.get(name) for name in shared])
            for k, (one, ratios) in enumerate(zip(others, self.ratios, strict=True), 1)
        )
        if not few:
            none = (None,) * len(shared)
            dots = tuple(replace(one, low=none, high=none, index=DRAWN) for one in dots)
        axis = Axis(label=f"times as fast as {self.machines[0].name}", narrow="times as fast")
        shape = Dots(labels=tuple(shared), x=axis, rows=dots, of=None if few else 1)
        table = Table(
            header=["machine", *shared],
            rows=[
                [one.name, *(number(ratios.get(name)) for name in shared)]
                for one, ratios in zip(others, self.ratios, strict=True)
            ],
            caption="Times as fast as the baseline, with 99 % intervals",
        )
        sheet = Sheet(
            header=["machine", "what", *columns("speedup"), "key"],
            rows=[
                [one.id, name, *cells(ratios[name]), ratios[name].key]
                for one, ratios in zip(others, self.ratios, strict=True)
                for name in shared
                if name in ratios
            ],
        )
        return [
            prose.figure(
                "over-machines.html",
                "machines-scale",
                "scale",
                shape,
                table=table,
                sheet=sheet,
                first=self.fastest(),
                baseline=self.machines[0].name,
                few=few,
                number=len(others),
                level=bounds.margin(bounds.LEVEL),
            )
        ]


def _sections(results: Sequence[Result], machines: Sequence[Digest]) -> list[ComparedSection]:
    names = dict.fromkeys(
        (name, planned["kind"], planned["title"])
        for result in results
        for name, planned in result.config["experiments"].items()
    )
    led = [result.led() for result in results]
    return [
        ComparedSection(
            name=name,
            title=title,
            figures=figures,
            measured=[(one, one.sections[name]) for one in machines if name in one.sections],
        )
        for name, kind, title in names
        if (figures := _compared(kind, led, name, [one.name for one in machines]))
    ]


def _compared(
    kind: KindName, led: Sequence[Result], experiment: str, names: Sequence[str]
) -> list[Figure]:
    """Put an experiment of several machines on the same axes, each with its first framework."""
    subjects = [
        Subject(name=names[k], index=k, result=one, backend=backend)
        for k, one in enumerate(led)
        if (backend := one.lead(experiment)) is not None
    ]
    if len(subjects) < 2:
        return []
    return KINDS[kind].overlay(Overlay(noun="machine", experiment=experiment, subjects=subjects))


def side_by_side(
    machines: Sequence[Mapping[str, Statement]],
) -> dict[str, list[tuple[str, str, list[tuple[Statement, str] | None]]]]:
    """Group claims by source: what each says, its ratio, and verdicts, None where there is none.

    All ratios of a row are told in the direction of the first, so that they can be compared.
    """
    rows: dict[str, list[tuple[str, str, list[tuple[Statement, str] | None]]]] = {}
    for name in dict.fromkeys(name for one in machines for name in one):
        row = [one.get(name) for one in machines]
        there = [one for one in row if one]
        # One that is alone on its machine is not named there.
        framework = next((one.framework for one in there if one.framework), "")
        says = there[0].says + (f" ({framework})" if framework else "")
        told = [
            (one, (one.turned if there[0].turn else one.told)[1]) if one else None for one in row
        ]
        ratio = (there[0].turned if there[0].turn else there[0].told)[0]
        rows.setdefault(there[0].source, []).append((says, ratio, told))
    return {source: rows[source] for source in ("chapter", "ours") if source in rows}
