"""A site of many machines: what is read again when one is added, and what stays as it was."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from report.errors import ResultError
from report.experiments.catalogue import LABELS
from report.figures.drawings import Drawings
from report.results import store
from report.results.files import Cache
from report.site import gather as site
from report.site import repeating
from report.site.compare import DRAWN, Side
from report.site.contents import Bundle, Contents
from report.site.digest import ADAPTER, places_of
from report.site.folder import write_files
from results_factory import only

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from report.results.result import Result
    from report.results.store import Saved

    Made = Callable[..., Result]


SHOWN = {"views": (), "site_url": "", "install": repeating.installation, "estimates": ""}


@pytest.fixture(name="many", scope="module")
def more_than_a_figure_holds(make_result: Made) -> list[Result]:
    """Return machines, of which the last is in no figure of several."""
    return [only(make_result(f"m-{k}", 1 + k / 5), "threads") for k in range(DRAWN + 2)]


def counted(results: list[Result], read: list[str]) -> list[Saved]:
    """Return result files that note when somebody asks for more than their heads."""

    def whole(result: Result, content: bytes) -> tuple[Result, bytes]:
        read.append(result.machine.id)
        return result, content

    files = [store.saved(each, store.pack(store.dump(each))) for each in results]
    return [
        replace(
            one,
            head=replace(one.head, records=one.head.records[:1]),
            whole=functools.partial(whole, one.head, one.content),
        )
        for one in files
    ]


def test_a_machine_that_is_added_is_all_that_is_read(many: list[Result], tmp_path: Path) -> None:
    """And the baseline, beside which it is put; the site is the one that is made from nothing."""
    cache, read = Cache(tmp_path), list[str]()
    site.gather(counted(many[:-1], read), cache)
    assert {one.machine.id for one in many[:-1]} == set(read)
    read.clear()
    added = site.gather(counted(many, read), cache)
    assert "none.html" not in added
    assert set(read) == {many[0].machine.id, many[-1].machine.id}
    anew = dict(site.gather(counted(many, read)))
    assert dict(added) == anew
    assert added.sums == Contents(anew).sums


def test_nothing_new_reads_nothing(many: list[Result], tmp_path: Path) -> None:
    """All pages come from the cache, and those that list machines from digests."""
    cache, read = Cache(tmp_path / "cache"), list[str]()
    write_files(site.gather(counted(many, read), cache), tmp_path / "site")
    read.clear()
    assert write_files(site.gather(counted(many, read), cache), tmp_path / "site") == 0
    assert read == []


def test_a_list_of_results_reads_only_their_heads(many: list[Result], tmp_path: Path) -> None:
    """The second time: what the first has to read whole, it keeps the head of."""
    cache, results = Cache(tmp_path / "cache"), tmp_path / "results"
    for one in many[:3]:
        store.save(one, results)
    first, _ = store.read_all(results, LABELS, cache)
    again, _ = store.read_all(results, LABELS, cache)
    assert [one.head for one in again] == [one.head for one in first]
    assert all(len(one.head.records) == 1 for one in again)
    assert [one.result for one in again] == many[:3]
    (changed, *_), _ = store.read_all(results, LABELS, cache)
    (results / changed.name).write_bytes(store.pack(store.dump(many[1])))
    with pytest.raises(ResultError, match="changed meanwhile"):
        _ = changed.content


def test_a_thousand_machines_fit_their_pages(many: list[Result]) -> None:
    """Overview and comparison stay under 1 MB; they are made of digests, here of one machine."""
    with Drawings(Cache()) as drawings:
        maker = site._Maker(places_of(counted(many[:2], [])), SHOWN, (), Cache(), drawings)
        machines, (pair,) = maker.bundles()
        one = ADAPTER.validate_python(machines[1].facts["digest"])
        digests = [
            replace(one, id=f"a-machine-of-somebody-{k}", name=f"m-{k}") for k in range(1000)
        ]
        side = Side(digests, [pair.facts] * 999, SHOWN)
        pages = side.pages([], drawings, SHOWN | {"newest": one, "left_out": ()})
    for name in ("index.html", "compare.html"):
        assert pages[name].count(b"a-machine-of-somebody-999") > 0
        assert len(pages[name]) < 1_000_000, (name, len(pages[name]))


def test_what_cannot_be_kept_is_at_hand() -> None:
    """Without a cache a bundle has its own bytes."""
    bundle = Bundle({"a": 1}, {"x.html": b"x"}).keep(Cache(), "key")
    assert (bundle.facts, dict(bundle.files)) == ({"a": 1}, {"x.html": b"x"})
