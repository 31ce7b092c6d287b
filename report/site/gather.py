"""A list of results -> the files of a site, as bytes."""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import jinja2
from markupsafe import Markup

from report import __version__, resources
from report.analysis import bootstrap, compare
from report.claims.verdicts import of_result
from report.experiments.training.measure import WARMUP_UPDATES
from report.figures import plotting
from report.figures.ratios import pair
from report.machine import noise
from report.registry import BACKENDS
from report.results import store
from report.site import verdicts
from report.site.machine import MachineView, Section, date_of, module, view
from report.text.numerals import digits, percent
from report.worker import curve, timing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.figures.figure import ComparisonModule, Figure
    from report.results.result import Result
    from report.results.store import Saved


_WITHIN_NUMBER = re.compile(
    r"(?<=\d) (?=(?:%|[nmµ]?s|[MGTP]?FLOPS|[KMGT]iB|[MG]Hz)(?!\w))"
    r"|(?<=\bn) (?== \d)|(?<=\bn =) (?=\d)"
    r"|(?<=\d) (?=\N{MULTIPLICATION SIGN} 10)|(?<=\N{MULTIPLICATION SIGN}) (?=10)"
)

_CONTROL = re.compile("[\0-\b\v\f\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")


def gather(saved: Sequence[Saved]) -> dict[str, bytes]:
    """Make every file of the site.

    Args:
        saved: All results, oldest first; each machine shows its newest, the others stay
            downloadable.

    Returns:
        Bytes by path relative to the site.
    """
    with plotting.warnings_are_ours():
        # Judged anew: the file may come from a version that had other rules, or none.
        results = [replace(one.result, verdicts=of_result(one.result)) for one in saved]
        latest = store.latest(results)
        paths = {id(r): f"data/{one.name}" for r, one in zip(results, saved, strict=True)}
        views = [view(result, paths[id(result)]) for result in latest]
        contents = {f"data/{one.name}": one.content for one in saved}
        for one in views:
            earlier = [r for r in results if r.machine.id == one.id and r is not one.result]
            older = [(date_of(r), r.profile, paths[id(r)]) for r in reversed(earlier)]
            contents[one.page] = _render("machine.html", machine=one, views=views, older=older)
            if one.verdicts_csv:
                contents[one.verdicts_csv] = verdicts.sheet(one.result).csv()
            for section in one.sections:
                for figure, path in zip(section.figures, section.csvs, strict=True):
                    contents[path] = figure.sheet.csv()
        newest = _newest(views)
        contents["index.html"] = _render(
            "index.html", views=views, newest=newest, labels=_shared_labels(newest, views)
        )
        if len(views) > 1:
            contents |= _comparison(latest, views)
    contents["method.html"] = _render("method.html", views=views, **_constants())
    contents["404.html"] = _render("404.html", views=views)
    contents["style.css"] = (resources.templates() / "style.css").read_bytes()
    # GitHub would otherwise run Jekyll over the pages and drop files.
    contents[".nojekyll"] = b""
    return contents


def _newest(views: Sequence[MachineView]) -> MachineView:
    return max(views, key=lambda one: one.result.started_at)


def _shared_labels(newest: MachineView, views: Sequence[MachineView]) -> list[str]:
    """Return the headline figures that most machines have, at most four: a table has to fit."""
    shown = {card.label: sum(card.label in v.labels for v in views) for card in newest.cards}
    return sorted(shown, key=lambda label: -shown[label])[:4]


def _comparison(results: Sequence[Result], views: Sequence[MachineView]) -> dict[str, bytes]:
    """Make the page that puts the machines on the same axes, and its data."""
    names = dict.fromkeys(
        (name, planned["kind"], planned["title"])
        for result in results
        for name, planned in result.config["experiments"].items()
    )
    sections: list[tuple[str, list[tuple[Figure, str]], list[tuple[MachineView, Section]]]] = []
    contents: dict[str, bytes] = {}
    led = [result.led() for result in results]
    for name, kind, title in names:
        drawn = cast("ComparisonModule", module(kind, "comparisons")).comparisons(led, name)
        placed = [(figure, f"data/compare/{figure.name}.csv") for figure in drawn]
        contents |= {path: figure.sheet.csv() for figure, path in placed}
        if placed:
            measured = [(v, s) for v in views for s in v.sections if s.name == name and s.method]
            sections.append((title, placed, measured))
    pairs = [pair(results[0], other) for other in results[1:]]
    contents["compare.html"] = _render(
        "compare.html",
        views=views,
        sections=sections,
        pairs=[pair for pair in pairs if pair.rows],
        verdicts=verdicts.side_by_side([one.verdicts for one in views]),
        differences=compare.differences(results),
    )
    return contents


def _constants() -> dict[str, Any]:
    """Return the settings that the page on measuring states, from where they are set."""
    method = timing.Method(budget_s=1, repeats=1)
    return {
        "method": method,
        "warmup": f"{method.warmup_s * 1e3:.0f} ms",
        "sample": f"{method.sample_s * 1e3:.0f} ms",
        "resamples": bootstrap.RESAMPLES,
        "least_warmups": timing.LEAST_WARMUPS,
        "every": curve.EVERY,
        "warmup_updates": WARMUP_UPDATES,
        "noise": noise,
        "digits": digits,
        "percent": percent,
    }


def _render(template: str, **context: Any) -> bytes:
    text = (
        _environment()
        .get_template(template)
        .render(version=__version__, page=template, backends=BACKENDS, **context)
    )
    # What a program printed may hold escape sequences; HTML has no characters for these.
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text).encode()


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates()),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_kept_together,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # Only what this program itself made is marked so: figures and highlighted code.
    environment.filters["markup"] = Markup
    return environment


def _kept_together(value: Any) -> Any:
    """Keep on one line what is one number: "4.28 ms", "95 %", "n = 256", "2 x 10^8"."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return _WITHIN_NUMBER.sub("\N{NO-BREAK SPACE}", value)
