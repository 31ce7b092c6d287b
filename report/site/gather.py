"""A list of results -> the files of a site, as bytes."""

from __future__ import annotations

import functools
import json
import re
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter

from report import __version__, resources
from report.analysis import between, noise
from report.claims.verdicts import of_result
from report.comparing import asked
from report.comparing import verdict as bounds
from report.comparing.gate import Gate, differences
from report.experiments.catalogue import KINDS
from report.experiments.kind import Overlay, Subject
from report.experiments.training.measure import WARMUP_UPDATES
from report.figures import prose
from report.figures.drawings import Drawings
from report.machine.machine import short_names
from report.registry import BACKENDS
from report.results import runs
from report.results.files import Cache, key, program
from report.results.result import Verdict
from report.site import addresses, history, repeating, verdicts
from report.site.compare import pair
from report.site.machine import MachineView, Section, day, figures_of, view
from report.text.numerals import digits, percent
from report.worker import timing
from report.worker.timing import EVERY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.figures.figure import Figure
    from report.registry import KindName
    from report.results.result import Result
    from report.results.store import LeftOut, Saved


NOTHING_KEPT = Cache()

_VERDICTS = TypeAdapter(list[Verdict])

_CONTROL = re.compile("[\0-\b\v\f\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")


def gather(
    saved: Sequence[Saved],
    cache: Cache = NOTHING_KEPT,
    left_out: Sequence[LeftOut] = (),
    site_url: str = "",
) -> dict[str, bytes]:
    """Make every file of the site: bytes by path relative to it, of all results, oldest first.

    The first page names the files that are no results. Where the site's address is known, its pages
    name theirs, and each machine has a picture for links to it.

    Each machine shows all runs that are like its newest; the others stay downloadable. Earlier
    drawings and verdicts come from the cache.
    """
    figures: dict[str, dict[str, list[Figure]]] = {}
    files = {id(one.result): one for one in saved}
    machines = runs.by_machine(one.result for one in saved)
    with Drawings(cache) as drawings:
        for same in machines:
            mine = figures[same[0].machine.id] = {}
            for name, some in figures_of(runs.together(same)):
                drawings.order(some)
                mine[name] = some
        latest = [_judged([files[id(one)] for one in same], cache) for same in machines]
        names = short_names([one.machine for one in latest])
        views = [
            view(one, name, [files[id(run)] for run in same], figures[one.machine.id])
            for one, same, name in zip(latest, machines, names, strict=True)
        ]
        histories = {one.id: history.of_machine(one.id, saved) for one in views}
        drawings.order(f for told in histories.values() for f in history.drawn(told))
        compared = _compared_sections(latest, views)
        drawings.order(figure for section in compared for figure in section.figures)
        drawn = drawings.finished()
    newest = _newest(views)
    always = {"views": views, "newest": newest, "drawings": drawn, "site_url": site_url}
    always["install"] = repeating.installation
    contents = {f"data/{one.name}": one.content for one in saved}
    for one in views:
        own = {"older": _older(one, saved), "history": histories[one.id]}
        contents |= _pages(one, always | own)
        contents[f"{one.folder}/experiments.yaml"] = repeating.configuration(one.result)
        if one.verdicts:
            contents[f"{one.folder}/verdicts.csv"] = verdicts.sheet(one.result).csv()
        drawn_here = [figure for section in one.sections for figure in section.figures]
        drawn_here += history.drawn(histories[one.id])
        contents |= {f"{one.folder}/{f.name}.csv": f.sheet.csv() for f in drawn_here}
    first = always | {"left_out": left_out}
    if len(views) > 1:
        labels = _shared_labels(newest, views)
        contents["index.html"] = _render("index.html", "index.html", labels=labels, **first)
        contents |= _comparison(latest, compared, always)
    else:
        contents["index.html"] = _render(
            "machine.html", "index.html", machine=newest, **own, **first
        )
    contents["method.html"] = _render("method.html", "method.html", **always, **_constants())
    contents |= {name: _own(name) for name in ("style.css", "script.js")}
    style = contents["style.css"]
    # The only page with its style in itself allows no other by its policy.
    allowed = {"style": style.decode(), "style_sha256": b64encode(sha256(style).digest()).decode()}
    contents["404.html"] = _render("404.html", "404.html", **always, **allowed)
    # GitHub would otherwise run Jekyll over the pages and drop files.
    contents[".nojekyll"] = b""
    if site_url:
        contents |= _for_links(views, cache)
        contents["sitemap.xml"] = addresses.sitemap(site_url, contents)
    return contents


def _own(name: str) -> bytes:
    return (resources.templates() / name).read_bytes()


def _for_links(views: Sequence[MachineView], cache: Cache) -> dict[str, bytes]:
    """Make a picture of each machine, or take those of an earlier rendering."""
    from report.figures.preview import preview  # noqa: PLC0415 (loads the drawing library)

    made = {}
    for one in views:
        numbers = [(card.label, card.value, card.unit) for card in one.cards]
        mine = key("preview", program(), one.words, one.tally, *map("\0".join, numbers))
        content = cache.get(mine)
        if content is None:
            content = preview(one.words, numbers, one.tally)
            cache.put(mine, content)
        made[f"{one.home}/preview.png"] = content
    return made


def _pages(machine: MachineView, shown: Mapping[str, Any]) -> dict[str, bytes]:
    """Make the pages of a machine, and one that leads there from where its only page once lay."""
    shown = {"machine": machine, **shown}
    pages = {
        part.path: _render("part.html", part.path, part=part, **shown) for part in machine.parts
    }
    for name in ("statements", "code"):
        path = f"{machine.home}/{name}.html"
        pages[path] = _render(f"{name}.html", path, **shown)
    if told := shown["history"]:
        pages[told.path] = _render("history.html", told.path, **shown)
    pages[machine.page] = _render("machine.html", machine.page, **shown)
    old = addresses.old(machine.id)
    return pages | {old: _render("moved.html", old, **shown)}


def _older(machine: MachineView, saved: Sequence[Saved]) -> list[tuple[str, str, str]]:
    """Return the runs that a machine's pages are not about: when it began, profile and path."""
    return [
        (
            f"{day(each.result.started_at)}, {each.result.started_at[11:16]} UTC",
            each.result.profile,
            f"data/{each.name}",
        )
        for each in reversed(saved)
        if each.result.machine.id == machine.id and f"data/{each.name}" not in machine.files
    ]


def _judged(same: Sequence[Saved], cache: Cache) -> Result:
    """Judge a machine's runs by the rules of today, whatever the files say; once a content."""
    result = runs.together([one.result for one in same])
    mine = key("verdicts", program(), *(one.content for one in same))
    kept = cache.get(mine)
    if kept is not None:
        return replace(result, verdicts=_VERDICTS.validate_json(kept))
    judged = of_result(result)
    cache.put(mine, json.dumps(judged, default=vars).encode())
    return replace(result, verdicts=judged)


def _newest(views: Sequence[MachineView]) -> MachineView:
    """Return the machine that the first page is about.

    A machine of one's own comes before an imported one, and a whole run before one that was cut
    short.
    """
    return max(views, key=lambda one: (not one.imports, not one.unfinished, one.result.order))


def _shared_labels(newest: MachineView, views: Sequence[MachineView]) -> list[str]:
    """Return the headline figures that most machines have, at most four: a table has to fit."""
    shown = Counter(label for one in views for label in {card.label for card in one.cards})
    own = dict.fromkeys(card.label for card in newest.cards)
    return sorted(own, key=lambda label: -shown[label])[:4]


class ComparedSection(NamedTuple):
    """An experiment of several machines on the same axes, with the machines' own sections on it."""

    name: str
    title: str
    figures: list[Figure]
    measured: list[tuple[MachineView, Section]]

    @property
    def page(self) -> str:
        """Return the part of the chapter that it belongs to, as on the machines' own pages."""
        return PurePosixPath(self.measured[0][0].where(self.name)).stem


class ComparedPart(NamedTuple):
    """A page of figures of several machines."""

    path: str
    title: str
    sections: list[ComparedSection]


def _compared_sections(
    results: Sequence[Result], views: Sequence[MachineView]
) -> list[ComparedSection]:
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
            measured=[(v, s) for v in views for s in v.sections if s.name == name and s.method],
        )
        for name, kind, title in names
        if (figures := _compared(kind, led, name, [view.name for view in views]))
    ]


def _comparison(
    results: Sequence[Result], sections: Sequence[ComparedSection], always: Mapping[str, Any]
) -> dict[str, bytes]:
    figures = [figure for section in sections for figure in section.figures]
    contents = {f"data/compare/{figure.name}.csv": figure.sheet.csv() for figure in figures}
    of_part: dict[str, list[ComparedSection]] = {name: [] for name in addresses.TITLES}
    for section in sections:
        of_part[section.page].append(section)
    parts = [
        ComparedPart(path=f"compare/{name}.html", title=addresses.TITLES[name], sections=mine)
        for name, mine in of_part.items()
        if mine
    ]
    contents |= {p.path: _render("compared.html", p.path, **always, part=p) for p in parts}
    # A machine may have the name of a part.
    rows, names = asked.rows(results), [one.name for one in always["views"]]
    pairs = [
        (f"compare/with-{o.machine.id}.html", pair(results[0], o, (names[0], name)))
        for o, name in zip(results[1:], names[1:], strict=True)
    ]
    contents |= {
        path: _render("times.html", path, **always, pair=each, bounds=bounds)
        for path, each in pairs
    }
    contents["compare.html"] = _render(
        "compare.html",
        "compare.html",
        **always,
        parts=parts,
        pairs=pairs,
        asked=rows,
        answers=asked.answers(rows),
        bounds=bounds,
        verdicts=verdicts.side_by_side([one.verdicts for one in always["views"]]),
        differs=Gate(answer="yes", because=[], differences=differences(results)),
    )
    return contents


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


def _constants() -> dict[str, Any]:
    """Return the settings that the page on measuring states, from where they are set."""
    method = timing.Method(budget_s=1, repeats=1)
    return {
        "method": method,
        "warmup": f"{method.warmup_s * 1e3:.0f} ms",
        "sample": f"{method.sample_s * 1e3:.0f} ms",
        "least_warmups": timing.LEAST_WARMUPS,
        "every": EVERY,
        "warmup_updates": WARMUP_UPDATES,
        "noise": noise,
        "between": between,
        "apart": round(runs.APART.total_seconds() / 60),
        "digits": digits,
        "percent": percent,
    }


def _render(template: str, here: str, **context: Any) -> bytes:
    """Fill in the template of the page at a path, in which `to` makes links to others."""
    to = functools.partial(addresses.relative, here)
    own = {"version": __version__, "here": here, "to": to, "backends": BACKENDS}
    own["address"] = addresses.public(context["site_url"], here)
    own |= {"chapter": addresses.CHAPTER, "project": resources.project_urls()}
    text = prose.environment().get_template(template).render(own | context)
    # What a program printed may hold escape sequences; HTML has no characters for these.
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text).encode()
