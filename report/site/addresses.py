"""Where the pages of a site lie, and how one leads to another."""

from __future__ import annotations

import posixpath

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
