"""Makes a site of results, and reads it as its readers do: parsed strictly, and from a server.

Tests import what they use of it.
"""

from __future__ import annotations

import functools
import http.server
import itertools
import os
import posixpath
import re
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import html5lib
import pytest
import yaml

from report.experiments.catalogue import KINDS
from report.experiments.kind import Overlay, Subject
from report.figures.drawings import Drawings
from report.resources import default_config
from report.results import files, store
from report.site import gather as site
from report.site.pages import TITLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from xml.etree.ElementTree import Element

    from playwright.sync_api import BrowserContext, Request, Response
    from playwright.sync_api import Page as Tab

    from report.figures.figure import Figure
    from report.results.result import Result

    Opened = Callable[..., Tab]

ColorScheme = Literal["light", "dark"]

EXPERIMENTS = yaml.safe_load(default_config())["experiments"]
TRAINED = [name for name, e in EXPERIMENTS.items() if e["kind"] == "training" and name != "concise"]
"""Which are compared by their seconds; concise is by its implementations."""

COMPARED = [
    "vectorization-strategies",
    "matrix-size-size",
    "small-products-size",
    "block-width-block_width",
    "memory",
    "overhead-calls",
    "scaling-speed",
    "concise-implementations",
    *(f"{name}-seconds" for name in TRAINED),
    # Runs that differ in their batch sizes alone: one of them gets to the target first.
    *(f"{name}-time" for name in ("chapter-training", "batch-sizes", "grid")),
]
"""What several machines that ran the default experiments have on the same axes. Gradient noise is
no property of a machine, so that it is not compared."""


def marks(svg: str) -> list[dict[str, str]]:
    """Return how every mark of a drawing looks: what its shape says goes before what it says."""

    def attributes(tag: str) -> dict[str, str]:
        return dict(re.findall(r' ([\w-]+)="([^"]*)"', tag))

    shapes = {shape["id"]: shape for shape in map(attributes, re.findall("<path id=[^>]*>", svg))}
    copies = map(attributes, re.findall("<use [^>]*>", svg))
    return [{**copy, **shapes[copy["href"][1:]]} for copy in copies]


DRAWN = files.Cache(Path(os.environ["REPORT_DRAWN_BY_TESTS"]))
"""Of all processes that run tests; conftest makes it and takes it away."""


def gather(results: Sequence[Result], site_url: str = "", baseline: str = "") -> dict[str, bytes]:
    """Make the site of results that were never written to a folder.

    A drawing that a test has waited for is not made again for the next; all else is.
    """
    saved = [store.saved(each, store.pack(store.dump(each))) for each in results]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site, "Drawings", lambda _: Drawings(DRAWN))
        return dict(site.gather(saved, site_url=site_url, baseline=baseline))


def overlay(results: Sequence[Result], experiment: str) -> list[Figure]:
    """Put an experiment of several machines on the same axes."""
    subjects = [
        Subject(name=one.machine.id, index=k, result=one, backend="pytorch")
        for k, one in enumerate(results)
    ]
    kind = results[-1].config["experiments"][experiment]["kind"]
    return KINDS[kind].overlay(Overlay(noun="machine", experiment=experiment, subjects=subjects))


class Page:
    """A page, parsed as the standard says; whatever is not valid HTML is an error."""

    def __init__(self, name: str, content: bytes) -> None:
        """Parse it."""
        self.name, self.source = name, content.decode()
        parser = html5lib.HTMLParser(
            html5lib.getTreeBuilder("etree"), strict=True, namespaceHTMLElements=False
        )
        self.root: Element = parser.parse(self.source)
        self._parents = {child: parent for parent in self.root.iter() for child in parent}

    def elements(self, *names: str) -> list[Element]:
        """Return the elements of these names, or all, without comments."""
        every = (each for each in self.root.iter() if isinstance(each.tag, str))
        return [each for each in every if not names or local(each.tag) in names]

    def attributes(self) -> list[tuple[str, str, str]]:
        """Return every attribute with its element: element's name, attribute's name, value."""
        return [
            (local(str(each.tag)), local(name), value)
            for each in self.elements()
            for name, value in each.items()
        ]

    def ids(self) -> list[str]:
        """Return all ids, repeated ones too."""
        return [value for _, name, value in self.attributes() if name == "id"]

    def words(self, identifier: str | None = None) -> str:
        """Return the text of the page, or of the section that a heading with this id begins."""
        if identifier is None:
            return words(next(iter(self.elements("body"))))
        heading = next(each for each in self.elements() if each.get("id") == identifier)
        return words(self._parents[heading])

    def figures(self) -> dict[str, OnPage]:
        """Return the figures by name."""
        return {
            str(each.get("id")).removeprefix("figure_"): OnPage(
                each, list(self._parents[each]), self.name
            )
            for each in self.elements("figure")
        }

    def links(self) -> set[str]:
        """Return what its links lead to: paths on the site, without anchors."""
        return {target(self.name, str(each.get("href"))) for each in self.elements("a")}


class Report:
    """All pages of a machine, read one after the other, beginning with the first."""

    def __init__(self, pages: Sequence[Page]) -> None:
        """Take them in the order of reading."""
        self.pages = pages
        self.source = "".join(page.source for page in pages)

    def elements(self, *names: str) -> list[Element]:
        """Return the elements of these names, or all, page by page."""
        return [each for page in self.pages for each in page.elements(*names)]

    def words(self, identifier: str | None = None) -> str:
        """Return the text of all pages, or of the section that a heading with this id begins."""
        if identifier is None:
            return " ".join(page.words() for page in self.pages)
        return next(page for page in self.pages if identifier in page.ids()).words(identifier)

    def figures(self) -> dict[str, OnPage]:
        """Return the figures by name; the first page shows one of another page's."""
        return {name: one for page in self.pages[1:] for name, one in page.figures().items()}

    def links(self) -> set[str]:
        """Return what its links lead to: paths on the site, without anchors."""
        return set().union(*(page.links() for page in self.pages))


def report_of(site: Mapping[str, bytes], machine: str = "fixed-machine") -> Report:
    """Parse the pages of a machine of a site."""
    names = [f"machines/{machine}/{name}.html" for name in ("index", *TITLES, "statements", "code")]
    return Report([Page(name, site[name]) for name in names if name in site])


def comparison_of(site: Mapping[str, bytes]) -> Report:
    """Parse the pages that put the machines of a site side by side."""
    names = [name for name in site if name.startswith("compare/") and name.endswith(".html")]
    return Report([Page(name, site[name]) for name in ("compare.html", *names)])


def target(page: str, link: str) -> str:
    """Return what a link on a page leads to: a path on the site, without an anchor."""
    path = link.partition("#")[0]
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page


class OnPage:
    """A figure on a page, with the heading above it and what stands between it and the next.

    `alts` and `drawings` are what each drawing tells who does not see it, and all of its words;
    `links` are the caption's, as paths on the site, and `code` the anchors of the code that it
    timed; `folds` has the text of each fold-out by what it is opened with.
    """

    def __init__(self, figure: Element, siblings: list[Element], page: str) -> None:
        """Gather what belongs to it: from the heading above to the next heading."""
        at = siblings.index(figure)
        self.title = words(next(each for each in siblings[at::-1] if each.tag in {"h2", "h3"}))
        headings = {"h2", "h3", "section"}
        after = [*itertools.takewhile(lambda e: e.tag not in headings, siblings[at + 1 :])]
        folds = [each for each in after if each.tag == "details"]
        self.folds = {words(fold[0]): " ".join(words(each) for each in fold[1:]) for fold in folds}
        told = [each for each in after if each.tag == "p" and each.get("class") != "fold"]
        self.explanation = " ".join(words(each) for each in told)
        (caption,) = figure.iter("figcaption")
        self.caption = words(caption)
        self.links = [target(page, str(each.get("href"))) for each in caption.iter("a")]
        self.code = [
            str(link.get("href")).partition("#")[2]
            for each in after
            if each.get("class") == "fold"
            for link in each.iter("a")
        ]
        drawn = [each for each in figure.iter() if local(str(each.tag)) == "svg"]
        self.alts = [str(each.get("aria-label")) for each in drawn]
        self.drawings = [
            [words(text) for text in each.iter() if local(str(text.tag)) == "text"]
            for each in drawn
        ]


def local(name: str) -> str:
    """Return a name without its namespace."""
    return name.rpartition("}")[2]


def words(element: Element) -> str:
    """Return the text in an element, every run of blanks as one."""
    return " ".join("".join(element.itertext()).split())


def read_pages(site: Mapping[str, bytes]) -> dict[str, Page]:
    """Parse every page of a site."""
    return {name: Page(name, site[name]) for name in sorted(site) if name.endswith(".html")}


def watch(context: BrowserContext, address: str) -> list[str]:
    """Note whatever a page complains of, and every request that leaves the site or fails."""
    troubles: list[str] = []

    def answered(response: Response) -> None:
        if response.status >= 400:
            troubles.append(f"{response.status}: {response.url}")

    def asked(request: Request) -> None:
        if not request.url.startswith((address, "data:")):
            troubles.append(f"elsewhere: {request.url}")

    context.on("response", answered)
    context.on("request", asked)
    context.on("console", lambda message: troubles.append(f"console: {message.text}"))
    context.on("weberror", lambda error: troubles.append(f"error: {error.error}"))
    context.on("requestfailed", lambda request: troubles.append(f"failed: {request.url}"))
    return troubles


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Leave the tests' output alone."""


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine alone; gives its address, which ends with a slash."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
