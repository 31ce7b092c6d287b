"""Results -> a site on disk, as several commands do it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from report.config.address import NOTHING, Site
from report.errors import ReportError, ResultError
from report.results import files, store
from report.site import folder
from report.worker.records import reason_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from report.results.files import Cache
    from report.results.store import LeftOut
    from report.site.contents import Contents


def check(results: Path, site_dir: Path, site: Site) -> None:
    """Refuse before anything is measured what would keep it from being rendered.

    Files that are no results are told, since it is easier to mend them now.
    """
    from report.experiments.catalogue import LABELS

    found, left_out = store.read_all(results, LABELS, files.user_cache(), least=0)
    _tell(left_out)
    names = [*folder.listed(site_dir), *(f"data/{one.name}" for one in found)]
    folder.check(site_dir, results, [*names, "sitemap.xml"] if site.url else names)


def rendered(results: Path, site_dir: Path, site: Site = NOTHING) -> tuple[str, bool]:
    """Bring the site up to date; return its first page's address, and whether all results show.

    `site` says where it will be read, if that is known, and which machine is the baseline.
    """
    kept = files.user_cache()
    with files.sole_writer(site_dir, "writing"):
        sources = store.sources(results)
        parts = (part for path in sources for part in (path.name, _sum(path)))
        key = files.key(files.program(), *site, *parts)
        manifest = kept.get(key)
        address = (site_dir / "index.html").resolve().as_uri()
        if sources and manifest is not None and folder.holds(site_dir, manifest):
            return address, True
        # What draws is imported only now: if nothing has changed, it is not needed.
        folder.check(site_dir, results)
        contents, whole = gathered(results, kept, site)
        folder.write_files(contents, site_dir)
        if whole:
            kept.put(key, (site_dir / folder.MANIFEST).read_bytes())
        kept.prune()
        return address, whole


def _sum(path: Path) -> str:
    with contextlib.suppress(ResultError):  # it is reported when it is read as a result
        return files.digest(store.content_of(path))
    return ""


def _tell(left_out: Sequence[LeftOut]) -> None:
    for one in left_out:
        click.echo(f"Left out: {one.name} {one.reason}", err=True)


def gathered(results: Path, kept: Cache, site: Site) -> tuple[Contents, bool]:
    """Make a site's files, and report the results that cannot be in it."""
    from report.figures import drawings

    drawings.prepare(kept)
    from report.experiments.catalogue import LABELS
    from report.site.gather import gather

    saved, left_out = store.read_all(results, LABELS, kept)
    try:
        contents = gather(saved, kept, left_out, *site)
    except ReportError:
        raise
    except Exception:
        # Whatever is in a stranger's file, the others are shown: each alone tells which it is.
        for machine in dict.fromkeys(one.head.machine.id for one in saved):
            own = [one for one in saved if one.head.machine.id == machine]
            try:
                gather(own, kept)
            except Exception as error:  # noqa: BLE001 (the same)
                why = f"cannot be shown: {reason_of(error):.200}."
                left_out += [store.LeftOut(one.place, why) for one in own]
                saved = [one for one in saved if one.head.machine.id != machine]
        if not saved:
            raise
        contents = gather(saved, kept, left_out, *site)
    _tell(left_out)
    if site.baseline and site.baseline not in {one.head.machine.id for one in saved}:
        click.echo(
            f"baseline: there is no machine {site.baseline} in {results}, so the first by name is "
            "used; `report list` names those that are there.",
            err=True,
        )
    return contents, not left_out
