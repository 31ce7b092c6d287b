"""Templates -> pages, as bytes."""

from __future__ import annotations

import functools
import re
from typing import Any

from report import __version__, resources
from report.figures import prose
from report.registry import BACKENDS
from report.site import addresses

_CONTROL = re.compile("[\0-\b\v\f\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")


def render(template: str, here: str, **context: Any) -> bytes:
    """Fill in the template of the page at a path, in which `to` makes links to others."""
    to = functools.partial(addresses.relative, here)
    own = {"version": __version__, "here": here, "to": to, "backends": BACKENDS}
    own["address"] = addresses.public(context["site_url"], here)
    own |= {"chapter": addresses.CHAPTER, "project": resources.project_urls()}
    text = prose.environment().get_template(template).render(own | context)
    # What a program printed may hold escape sequences; HTML has no characters for these.
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text).encode()


def own(name: str) -> bytes:
    """Return a file of the program's that each site has; a script without its comments."""
    content = (resources.templates() / name).read_bytes()
    return re.sub(rb"(?m)^\s+|^//.*\n", b"", content) if name.endswith(".js") else content
