"""Pages as machines read them: valid HTML, links that lead somewhere, nothing from elsewhere."""

from __future__ import annotations

import base64
import getpass
import gzip
import hashlib
import itertools
import json
import re
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest

from pages import Page, read_pages, serve, target
from report import resources
from report.experiments.book import BOOK
from report.results import store
from report.site.folder import write_files
from report.site.pages import CHAPTER

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.results.result import Result

PARTS = ["products", "memory", "overhead", "training", "exercises", "workers"]
FIRSTS = [f"machines/{name}/index.html" for name in ("fast-machine", "fixed-machine")]
WITH_FIGURES = [
    *("index.html", *FIRSTS),
    *(f"compare/{part}.html" for part in PARTS),
    *(
        f"machines/{name}/{part}.html"
        for name in ("fast-machine", "fixed-machine")
        for part in PARTS
    ),
]
MOVED = ["machine-fast-machine.html", "machine-fixed-machine.html"]
NAMES = [
    *(*WITH_FIGURES, *MOVED, "compare.html", "compare/with-fixed-machine.html"),
    *("method.html", "404.html"),
    *(
        f"machines/{name}/{page}.html"
        for name in ("fast-machine", "fixed-machine")
        for page in ("statements", "code")
    ),
]

AWAY = {
    CHAPTER,
    *resources.project_urls().values(),
    *(each.newest.address for each in BOOK.values()),
}
"""Where links lead that only a person follows: the chapter, and the project."""

FOLLOWED = re.compile("action|background|cite|data|formaction|href|ping|poster|src|srcset")
"""Attributes whose address a browser follows."""


@pytest.fixture(scope="module")
def pages(two_machine_site: dict[str, bytes]) -> dict[str, Page]:
    """Return the pages of two machines; the parser is strict, so that they are valid HTML."""
    return read_pages(two_machine_site)


@pytest.fixture(params=NAMES)
def page(pages: dict[str, Page], request: pytest.FixtureRequest) -> Page:
    """Return each of the pages in turn."""
    return pages[request.param]


def addresses(page: Page) -> list[str]:
    """Return whatever a browser would follow or fetch from a page, but for `AWAY`."""
    found = []
    for _, name, value in page.attributes():
        if FOLLOWED.fullmatch(name):
            found.append(value)
        found += re.findall(r"url\(\s*['\"]?([^'\")]*)", value)
    for style in page.elements("style"):
        found += re.findall(r"url\(\s*['\"]?([^'\")]*)|@import", "".join(style.itertext()))
    away = {str(each.get("href")) for each in page.elements("a")} & AWAY
    return [each for each in found if each not in away]


def test_every_page_is_there(pages: dict[str, Page]) -> None:
    """Whatever these tests say of every page, they say of these."""
    assert sorted(pages) == sorted(NAMES)


def test_page_has_language_title_and_one_heading(page: Page) -> None:
    """A reader, a screen reader and a search engine are told what the page is."""
    assert page.source.startswith("<!DOCTYPE html>\n")
    assert page.root.get("lang") == "en"
    assert len(page.elements("h1")) == 1
    levels = [int(each.tag[1]) for each in page.elements("h1", "h2", "h3", "h4")]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    (description,) = [e for e in page.elements("meta") if e.get("name") == "description"]
    assert description.get("content")


def test_no_tag_is_shown_as_text(page: Page) -> None:
    """Numbers of the lead are elements of it; a description, which has none, is plain text."""
    assert not re.search(r"</?(data|em|span|strong)\b", page.words())
    assert "&lt;data" not in page.source
    (description,) = [e for e in page.elements("meta") if e.get("name") == "description"]
    assert not re.search(r"[<>]|data-key", str(description.get("content")))
    for lead in [e for e in page.elements("p") if e.get("class") == "lead"]:
        if page.name in {"index.html", *FIRSTS}:
            assert len([*lead.iter("data")]) > 1


def test_titles_tell_the_pages_apart(pages: dict[str, Page]) -> None:
    """Tabs and bookmarks show the title only; these two machines are of the same make."""
    titles = ["".join(page.elements("title")[0].itertext()) for page in pages.values()]
    assert len(set(titles)) == len(titles)


def test_ids_are_unique(page: Page) -> None:
    """No id stands twice on a page, those inside the drawings included."""
    assert [each for each, times in Counter(page.ids()).items() if times > 1] == []


def test_references_lead_to_something_on_the_page(page: Page) -> None:
    """Anchors, clip paths, reused marks and labels all name an id that exists."""
    ids = set(page.ids())
    wanted = {each[1:] for each in addresses(page) if each.startswith("#")}
    wanted |= {
        each
        for _, attribute, value in page.attributes()
        if attribute in {"aria-labelledby", "aria-describedby", "for"}
        for each in value.split()
    }
    assert wanted or page.name in MOVED  # which has nothing to lead to
    assert wanted - ids == set()


def test_nothing_comes_from_elsewhere(page: Page) -> None:
    """Every address is relative but for links away; the icon is in the page itself."""
    for address in addresses(page):
        parts = urlsplit(address)
        inline = parts.scheme == "data" and address.startswith("data:image/svg+xml,")
        assert inline or (not parts.scheme and not parts.netloc), address
        assert not address.startswith("/"), address
        assert not re.search(r"\s", address), address


def test_nothing_but_our_script_is_executed(page: Page) -> None:
    """One script, ours; no frame, no plug-in, no form, and no attribute that holds a program."""
    forbidden = ("iframe", "frame", "object", "embed", "applet", "form", "base")
    assert page.elements(*forbidden) == []
    scripts = page.elements("script")
    assert [target(page.name, str(each.get("src"))) for each in scripts] == ["script.js"] * (
        page.name not in {*MOVED, "404.html"}
    )
    assert not any("".join(each.itertext()).strip() for each in scripts)
    assert [name for _, name, _ in page.attributes() if name.startswith("on")] == []
    # What has moved leads on, and nowhere else.
    leads = [e.get("content") for e in page.elements("meta") if e.get("http-equiv") == "refresh"]
    moved = page.name.removeprefix("machine-").removesuffix(".html")
    assert leads == [f"0; url=machines/{moved}/index.html"] * (page.name in MOVED)
    assert "javascript:" not in page.source.lower()


def policy(page: Page) -> dict[str, str]:
    """Return the content security policy of a page: what is allowed, by directive."""
    (meta,) = [e for e in page.elements("meta") if e.get("http-equiv") == "Content-Security-Policy"]
    rules = (rule.partition(" ")[::2] for rule in str(meta.get("content")).split("; "))
    return dict(rules)


def test_every_page_has_a_strict_policy(page: Page) -> None:
    """A browser refuses all but our own script and sheet, whatever a result has put on a page."""
    rules = policy(page)
    assert {rules[name] for name in ("default-src", "base-uri", "form-action")} == {"'none'"}
    for name in ("script-src", "style-src"):
        assert re.fullmatch(r"'self'|'none'|'sha256-[\w+/]{43}='", rules.get(name, "'none'"))
    assert not [name for _, name, _ in page.attributes() if name == "style"]
    # The rule of the 404 page fits its own sheet.
    for style in page.elements("style"):
        digest = hashlib.sha256("".join(style.itertext()).encode()).digest()
        assert rules["style-src"] == f"'sha256-{base64.b64encode(digest).decode()}'"


def test_script_is_small_and_asks_for_nothing(two_machine_site: dict[str, bytes]) -> None:
    """Under 5 KB packed; it fetches, stores and evaluates nothing."""
    script = two_machine_site["script.js"]
    assert len(gzip.compress(script, mtime=0)) < 5000
    asks = rb"\b(fetch|XMLHttpRequest|WebSocket|import|eval|Function|cookie|localStorage|https?:)\b"
    assert re.findall(asks, script) == []


def test_pages_are_small(page: Page) -> None:
    """No page is over 100 KB packed, with the values that its script reads."""
    assert len(gzip.compress(page.source.encode(), mtime=0)) < 100_000


def test_style_fetches_nothing() -> None:
    """The style sheet is complete: no other sheet, no font and no picture."""
    style = (resources.templates() / "style.css").read_text(encoding="utf-8")
    assert not re.search(r"@import|@font-face|url\(", style)


def test_every_drawing_can_be_told_to_who_does_not_see_it(page: Page) -> None:
    """An SVG is one picture with a name; what is in it is not read out piece by piece."""
    for each in page.elements("svg"):
        assert each.get("role") == "img"
        assert len(each.get("aria-label") or "") > 60


def test_every_head_of_a_table_has_words(page: Page) -> None:
    """A screen reader reads them before each cell."""
    silent = [head for head in page.elements("th") if not "".join(head.itertext()).strip()]
    assert not silent


def test_every_link_and_fragment_leads_somewhere(
    two_machine_site: dict[str, bytes], tmp_path: Path
) -> None:
    """From the start page under a sub-path, as on GitHub Pages, all of the site is reached."""
    write_files(two_machine_site, tmp_path / "repo")
    with serve(tmp_path) as root:
        start = f"{root}repo/"
        reached = crawl(start)
    names = {address.removeprefix(start) or "index.html" for address in reached}
    # The 404 page is served by the server, .nojekyll is read by a program, and what has moved is
    # linked from elsewhere.
    assert set(two_machine_site) - names == {"404.html", ".nojekyll", *MOVED}
    assert names <= set(two_machine_site)


def test_every_figure_says_how_it_was_measured(page: Page) -> None:
    """Wherever a figure stands, on its machine's page or another, its method is a click away."""
    told = [str(element.text) for element in page.elements("summary", "p")]
    assert sum(text.startswith("How this was measured") for text in told) == len(page.figures())
    assert bool(page.figures()) == (page.name in WITH_FIGURES)


MEASURED = """
version: 1
device: cpu
profiles: {quick: {processes: 2, repeats: 3, seeds: 2}}
experiments:
  vectorization:
    {kind: matmul, size: 256, strategy: [full, block], threads: 2, budget_s: 0.4}
  chapter-training:
    kind: training
    runs:
      - {label: GD, batch_size: 1500, lr: 1, epochs: 10}
      - {label: batch 100, batch_size: 100, lr: 0.4, epochs: 2}
    budget_s: 0.4
"""


def test_result_of_this_machine_and_one_from_elsewhere_make_a_site_without_dead_ends(
    make_result: Callable[..., Result], real_file: Path, tmp_path: Path
) -> None:
    """What PyTorch measures here and now is shown and compared with a file from elsewhere."""
    (tmp_path / "experiments.yaml").write_text(
        f"{MEASURED}\ndataset: {{path: {json.dumps(str(real_file))}}}\n"
    )
    store.save(make_result("elsewhere"), tmp_path / "results")
    done = subprocess.run(
        [Path(sys.executable).parent / "report", "build", "--machine", "here", "-o", "parent/repo"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with serve(tmp_path / "parent") as root:
        reached = crawl(f"{root}repo/")
        names = {address.removeprefix(f"{root}repo/") for address in reached}
    firsts = {f"machines/{name}/index.html" for name in ("here", "elsewhere")}
    assert firsts | {"compare.html"} <= names
    folder = tmp_path / "parent" / "repo"
    there = [name for name in names if name.startswith("compare") and name.endswith(".html")]
    compared = {name: Page(name, (folder / name).read_bytes()) for name in there}
    drawn = {"compare-vectorization-strategies", "compare-chapter-training-seconds"}
    assert drawn <= {figure for page in compared.values() for figure in page.figures()}
    (beside,) = (page for name, page in compared.items() if "/with-" in name)
    assert "hardware" in beside.words("may_they")


def crawl(start: str) -> dict[str, set[str]]:
    """Follow all links; return the ids of each address that was fetched."""
    reached: dict[str, set[str]] = {}
    fragments: list[tuple[str, str]] = []
    waiting = [start, f"{start}404.html"]
    while waiting:
        address = waiting.pop()
        if address in reached:
            continue
        reached[address] = set()
        content = fetch(address)
        if not address.endswith((".html", "/")):
            continue
        page = Page(address, content)
        reached[address] = set(page.ids())
        for link in addresses(page):
            if link.startswith("data:"):
                continue
            target, fragment = urldefrag(urljoin(address, link))
            assert target.startswith(start), f"{address} leads out of the site: {link}"
            waiting.append(target)
            if fragment:
                fragments.append((target, fragment))
    for target, fragment in fragments:
        assert fragment in reached[target], f"nothing has the id {fragment} in {target}"
    del reached[f"{start}404.html"]
    return reached


def fetch(address: str) -> bytes:
    """Get what is at an address of the server that this test started, or fail."""
    with urllib.request.urlopen(address, timeout=20) as answer:  # noqa: S310 (on this machine)
        content: bytes = answer.read()
    return content


def test_no_person_and_no_folder_is_named(two_machine_site: dict[str, bytes]) -> None:
    """Pages are public: no host, no user, no home, no folder of whoever rendered them."""
    folders = [Path.home(), Path.cwd(), Path(tempfile.gettempdir()), Path(__file__).parents[2]]
    private = [str(each) for each in folders if len(str(each)) > 3]
    # A user may be called root or page; where the templates say so too, nothing can be told.
    templates = [each for each in resources.templates().rglob("*") if each.is_file()]
    ours = re.findall(r"[\w-]+", " ".join(each.read_text(encoding="utf-8") for each in templates))
    names = (socket.gethostname(), getpass.getuser())
    private += [name for name in names if len(name) > 3 and name not in ours]
    for name, content in two_machine_site.items():
        text = (gzip.decompress(content) if name.endswith(".gz") else content).decode()
        for each in private:
            found = re.search(rf"(?<![\w-]){re.escape(each)}(?![\w-])", text)
            assert found is None, f"{name}: {text[found.start() - 60 :][:160]}"
