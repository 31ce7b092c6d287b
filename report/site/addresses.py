"""Where the pages of a site lie, and how one leads to another."""

from __future__ import annotations

import posixpath
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

CHAPTER = "https://d2l.ai/chapter_optimization/minibatch-sgd.html"
"""What the reports are about."""

TITLES = {
    "products": "Matrix products",
    "memory": "Memory",
    "overhead": "Calls and gradient noise",
    "training": "Training",
    "exercises": "Exercises",
    "frameworks": "Frameworks",
    "workers": "Many workers",
}
"""Of a machine's pages that hold figures, by file name, in the order of reading."""


def home(machine: str) -> str:
    """Return the folder of a machine's pages."""
    return f"machines/{machine}"


def old(machine: str) -> str:
    """Return where a machine's one page lay, which links from elsewhere still name."""
    return f"machine-{machine}.html"


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
