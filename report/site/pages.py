"""Where the pages of a site lie, how one leads to another, and what templates make of them."""

from __future__ import annotations

import functools
import posixpath
import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from report import __version__, resources
from report.figures import prose
from report.registry import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Iterable

CHAPTER = "https://d2l.ai/chapter_optimization/minibatch-sgd.html"  # what the reports are about

TITLES = {
    "products": "Matrix products",
    "memory": "Memory",
    "overhead": "Calls and gradient noise",
    "training": "Training",
    "exercises": "Exercises",
    "frameworks": "Frameworks",
    "workers": "Many workers",
    "own": "Own code",
}
"""Of a machine's pages that hold figures, by file name, in the order of reading."""

_CONTROL = re.compile("[\0-\b\v\f\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")

Section = TypeVar("Section")


class Part(NamedTuple, Generic[Section]):
    """A page of figures, with the sections that belong together."""

    path: str
    title: str
    sections: list[Section]


def parts(folder: str, sections: Iterable[tuple[str, Section]]) -> list[Part[Section]]:
    """Deal sections, each with the name of its page, out to pages in the order of reading."""
    dealt: dict[str, list[Section]] = {name: [] for name in TITLES}
    for name, section in sections:
        dealt[name].append(section)
    return [
        Part(f"{folder}/{name}.html", TITLES[name], mine) for name, mine in dealt.items() if mine
    ]


def home(machine: str) -> str:
    """Return the folder of a machine's pages."""
    return f"machines/{machine}"


@dataclass(frozen=True, kw_only=True)
class Named:
    """A machine by what it is called, where room is short and as a person would say it."""

    id: str
    name: str
    words: str

    @property
    def home(self) -> str:
        """Return the folder of its pages."""
        return home(self.id)

    @property
    def page(self) -> str:
        """Return the first of them."""
        return f"{self.home}/index.html"


def relative(here: str, target: str) -> str:
    """Return a link from one page to a place on another, both by their paths on the site.

    Pages are read from files too, and below any address, so that none can begin at a root.
    """
    path, mark, anchor = target.partition("#")
    if path == here and anchor:
        return mark + anchor
    return posixpath.relpath(path, posixpath.dirname(here) or ".") + mark + anchor


def public(site_url: str, path: str) -> str:
    """Return the address of a page, by that of its site; a folder's first page is the folder."""
    folder, slash, name = path.rpartition("/")
    return site_url + folder + slash + ("" if name == "index.html" else name)


def sitemap(site_url: str, paths: Iterable[str]) -> bytes:
    """List a site's pages for search engines, but for what only leads to one.

    Source:
        sitemaps.org, protocol 0.9.
    """
    pages = [path for path in sorted(paths) if path.endswith(".html") and path != "404.html"]
    told = [path for path in pages if not path.startswith("machine-")]
    lines = [f"<url><loc>{escape(public(site_url, path))}</loc></url>" for path in told]
    head = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    listed = ['<?xml version="1.0" encoding="UTF-8"?>', head, *lines, "</urlset>", ""]
    return "\n".join(listed).encode()


def render(template: str, here: str, **context: Any) -> bytes:
    """Fill in the template of the page at a path, in which `to` makes links to others."""
    own: dict[str, Any] = {"version": __version__, "here": here, "backends": BACKENDS}
    own |= {"chapter": CHAPTER, "project": resources.project_urls()}
    own["to"] = functools.partial(relative, here)
    own["address"] = public(context["site_url"], here)
    text = prose.environment().get_template(template).render(own | context)
    # What a program printed may hold escape sequences; HTML has no characters for these.
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text).encode()


def own(name: str) -> bytes:
    """Return a file of the program's that each site has; a script without its comments."""
    content = (resources.templates() / name).read_bytes()
    return re.sub(rb"(?m)^\s+|^//.*\n", b"", content) if name.endswith(".js") else content
