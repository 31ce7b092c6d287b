"""A list of results -> the files of a site.

What a machine's results give is made once and kept, and so is what it has in common with the
baseline; pages that list all machines are made of digests. So nothing depends on the records of
more than a few machines at once, and a machine that is added costs no more than itself.
"""

from __future__ import annotations

import functools
import itertools
import json
from base64 import b64encode
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from report import frames
from report.analysis import between, noise
from report.claims.verdicts import of_result
from report.comparing.common import promised
from report.experiments.training.measure import WARMUP_UPDATES
from report.figures.drawings import Drawings
from report.results import published, runs
from report.results.files import Cache, key, program
from report.results.store import NOTHING_KEPT, LeftOut, Saved
from report.site import compare, history, pages, repeating, verdicts
from report.site.contents import Bundle, Contents
from report.site.digest import ADAPTER, Digest, Place, digest, places_of
from report.site.machine import MachineView, day, figures_of, view
from report.site.pages import own, render
from report.text.numerals import percent, spelled
from report.worker import curve, timing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.figures.figure import Figure
    from report.results.result import Result
    from report.site.history import History

AT_ONCE = 4
"""So many machines are in memory at once, beside the baseline: their figures are drawn together."""

ESTIMATES = "data/estimates.csv"  # all numbers of all machines

PROCESSES = 8  # of a full run: what the page on measuring promises is for so many
DAYS = (["2026-01-01"], ["2026-01-01", "2026-01-02", "2026-01-03"])  # of the runs on each side

MOST_JOINED = 24
"""With more machines, each has a table of its own and there is none of all, which would be written
again for each that is added; `report export` makes it."""


def gather(
    saved: Sequence[Saved],
    cache: Cache = NOTHING_KEPT,
    left_out: Sequence[LeftOut] = (),
    site_url: str = "",
    baseline: str = "",
) -> Contents:
    """Make every file of the site: bytes by path relative to it, of all results, oldest first.

    The first page names the files that are no results. Where the site's address is known, its pages
    name theirs, and each machine has a picture for links to it.

    The baseline is a machine's name, or else the first by name.

    Each machine shows all runs that are like its newest; the others stay downloadable. What was
    made of the same results before comes from the cache.
    """
    contents = Contents()
    for one in saved:
        contents.refer(f"data/{one.name}", one.sha256, functools.partial(getattr, one, "content"))
    contents.add(published.listed(saved))
    places = places_of(saved, baseline)
    shown = {"views": places, "site_url": site_url, "install": repeating.installation}
    shown["estimates"] = ESTIMATES if len(places) <= MOST_JOINED else ""
    with Drawings(cache) as drawings:
        maker = _Maker(places, shown, left_out, cache, drawings)
        machines, pairs = maker.bundles()
        digests = [_digest(one) for one in machines]
        always = shown | {"newest": _newest(places, digests)}
        left = {"left_out": left_out}
        if len(places) > 1:
            side = compare.Side(digests, [one.facts for one in pairs], shown)
            overlays = side.overlays(places, cache, drawings)
            contents.add(side.pages(overlays.facts["parts"], drawings, always | left))
            machines += [*pairs, *maker.other_pairs(digests), overlays]
    for bundle in machines:
        contents.add(bundle.files)
    if 1 < len(places) <= MOST_JOINED:
        # Tables of the same columns as one.
        first, *others = (contents[p.estimates] for p in places)
        contents.add({ESTIMATES: first + b"".join(one.partition(b"\r\n")[2] for one in others)})
    contents.add({"method.html": render("method.html", "method.html", **always, **_constants())})
    contents.add({name: own(name) for name in ("style.css", "script.js")})
    # The only page with its style in itself allows no other by its policy.
    style = own("style.css")
    allowed = {"style": style.decode(), "style_sha256": b64encode(sha256(style).digest()).decode()}
    contents.add({"404.html": render("404.html", "404.html", **always, **allowed)})
    # GitHub would otherwise run Jekyll over the pages and drop files.
    contents.add({".nojekyll": b""})
    if site_url:
        contents.add({"sitemap.xml": pages.sitemap(site_url, contents)})
    return contents


@dataclass(frozen=True)
class _Maker:
    """Makes what a machine has to itself, and what it has with the baseline, or finds it kept."""

    places: Sequence[Place]
    shown: Mapping[str, Any]
    left_out: Sequence[LeftOut]
    cache: Cache
    drawings: Drawings

    def bundles(self) -> tuple[list[Bundle], list[Bundle]]:
        """Return both in the order of the machines; the first of these is the baseline."""
        base, *others = self.places
        machines = {p.id: Bundle.kept(self.cache, self._key(p)) for p in self.places}
        pairs = {p.id: Bundle.kept(self.cache, self._pair_key(base, p)) for p in others}
        todo = [p for p in self.places if not (machines[p.id] and (p is base or pairs[p.id]))]
        first: Result | None = None
        kept = machines[base.id]
        baseline = _digest(kept) if kept else None  # else it is in the first few
        for k in range(0, len(todo), AT_ONCE):
            some = {p: p.result() for p in todo[k : k + AT_ONCE]}
            new = {p: result for p, result in some.items() if machines[p.id] is None}
            figures = {p: self._figures(result) for p, result in new.items()}
            pasts = {p: history.of_machine(p.id, p.every) for p in new}
            self.drawings.order(f for past in pasts.values() for f in history.drawn(past))
            # Judged by the rules of today, whatever the files say.
            judged = {p: replace(result, verdicts=of_result(result)) for p, result in new.items()}
            views = {p: view(one, p.name, p.files, figures[p]) for p, one in judged.items()}
            digests = {p: digest(one, pasts[p]) for p, one in views.items()}
            # While figures are drawn elsewhere.
            for p, result in some.items():
                if p is not base and pairs[p.id] is None:
                    first = first or some.get(base) or base.result()
                    baseline = baseline or digests[base]
                    shown = {**self.shown, "newest": baseline}
                    page = compare.path_of(p.id)
                    made = compare.beside(page, (first, result), (base, p), shown)
                    pairs[p.id] = made.keep(self.cache, self._pair_key(base, p))
            drawn = self.drawings.finished()
            for p, one in views.items():
                facts = {"digest": ADAPTER.dump_python(digests[p], mode="json")}
                made = Bundle(facts, self._files(p, one, pasts[p], drawn))
                machines[p.id] = made.keep(self.cache, self._key(p))
        return [m for m in machines.values() if m], [p for p in pairs.values() if p]

    def other_pairs(self, digests: Sequence[Digest]) -> list[Bundle]:
        """Return the pages of any two machines but the baseline, if there are few."""
        if len(self.places) > compare.EVERY_PAIR:
            return []
        made = []
        both_of = itertools.combinations(zip(self.places[1:], digests[1:], strict=True), 2)
        for (one, first), (other, _) in both_of:
            mine = self._pair_key(one, other)
            kept = Bundle.kept(self.cache, mine)
            if kept is None:
                page, results = compare.path_of(other.id, one.id), (one.result(), other.result())
                shown = {**self.shown, "newest": first}
                new = compare.beside(page, results, (one, other), shown)
                kept = new.keep(self.cache, mine)
            made.append(kept)
        return made

    def _around(self) -> str:
        """Return what a page says of other machines than its own, which it is made again for."""
        few = [(p.id, p.name) for p in self.places] if len(self.places) <= compare.NAMED else []
        more = (len(self.places) > 1, self.shown["estimates"])
        return json.dumps([self.shown["site_url"], few, *more])

    def _key(self, place: Place) -> str:
        files = (f"{s.sha256} {s.named} {s.imported}" for s in (*place.files, *place.every))
        alike = [p.id for p in self.places if p.words == place.words]
        alone = "" if len(self.places) > 1 else str(self.left_out)
        parts = (place.name, place.id, str(len(alike) > 1), self._around(), alone)
        return key("machine", program(), *parts, *files)

    def _pair_key(self, *both: Place) -> str:
        sums = (part for p in both for part in (p.id, p.name, *p.sums))
        return key("pair", program(), self._around(), *sums)

    def _figures(self, result: Result) -> dict[str, list[Figure]]:
        made = {}
        for name, some in figures_of(result):
            self.drawings.order(some)
            made[name] = some
        return made

    def _files(
        self, place: Place, machine: MachineView, past: History | None, drawn: Mapping[str, Any]
    ) -> dict[str, bytes]:
        """Make all that is a machine's own, and a page that leads there from its old address."""
        estimates = place.estimates if len(self.places) > 1 else ESTIMATES
        shown = {**self.shown, "machine": machine, "drawings": drawn, "older": _older(place)}
        shown |= {"estimates": estimates, "all_estimates": self.shown["estimates"], "history": past}
        templates = {f"{machine.home}/{name}.html": name for name in ("statements", "code")}
        templates |= {machine.page: "machine", f"machine-{machine.id}.html": "moved"}
        if past:
            templates[past.path] = "history"
        files = {path: render(f"{name}.html", path, **shown) for path, name in templates.items()}
        for part in machine.parts:
            files[part.path] = render("part.html", part.path, part=part, **shown)
        if len(self.places) == 1:
            shown["left_out"] = self.left_out
            files["index.html"] = render("machine.html", "index.html", **shown)
        files[f"{machine.folder}/experiments.yaml"] = repeating.configuration(machine.result)
        if machine.verdicts:
            files[f"{machine.folder}/verdicts.csv"] = verdicts.sheet(machine.result).csv()
        files[estimates] = frames.sheet([(machine.result, bool(machine.imports))]).csv()
        figures = [figure for section in machine.sections for figure in section.figures]
        figures += history.drawn(past)
        files |= {f"{machine.folder}/{f.name}.csv": f.sheet.csv() for f in figures}
        if self.shown["site_url"]:
            files[f"{machine.home}/preview.png"] = _picture(machine)
        return files


def _digest(bundle: Bundle) -> Digest:
    return ADAPTER.validate_python(bundle.facts["digest"])


def _picture(machine: MachineView) -> bytes:
    """Make the picture that stands for links to a machine."""
    from report.figures.preview import preview  # noqa: PLC0415 (loads the drawing library)

    numbers = [(card.label, card.value, card.unit) for card in machine.cards]
    return preview(machine.words, numbers, machine.tally)


def _older(place: Place) -> list[tuple[str, str, str]]:
    """Return the runs that a machine's pages are not about: when it began, profile and path."""
    shown = {one.name for one in place.files}
    return [
        (
            f"{day(one.head.started_at)}, {one.head.started_at[11:16]} UTC",
            one.head.profile,
            f"data/{one.name}",
        )
        for one in reversed(place.every)
        if one.name not in shown
    ]


def _newest(places: Sequence[Place], digests: Sequence[Digest]) -> Digest:
    """Return the machine that the first page is about.

    A machine of one's own comes before an imported one, and a whole run before one that was cut
    short.
    """
    orders = [one.files[-1].head.order for one in places]
    both = zip(digests, orders, strict=True)
    return max(both, key=lambda one: (not one[0].imported, not one[0].unfinished, one[1]))[0]


def _promised(group: between.Group) -> list[str]:
    """Return the smallest differences that comparisons find, absolute and beside the factor."""
    both = [promised(group, days, PROCESSES) for days in DAYS]
    return [percent(one[beside] - 1) for beside in (0, 1) for one in both]


def _constants() -> dict[str, Any]:
    """Return the settings that the page on measuring states, from where they are set."""
    method = timing.Method(budget_s=1, repeats=1)
    return {
        "method": method,
        "warmup": f"{method.warmup_s * 1e3:.0f} ms",
        "sample": f"{method.sample_s * 1e3:.0f} ms",
        "least_warmups": timing.LEAST_WARMUPS,
        "every": curve.EVERY,
        "warmup_updates": WARMUP_UPDATES,
        "noise": noise,
        "between": between,
        "promised": {group: _promised(group) for group in between.OWN},
        "spans": [spelled(len(days)) for days in DAYS],
        "processes": PROCESSES,
        "apart": round(runs.APART.total_seconds() / 60),
        "percent": percent,
    }
