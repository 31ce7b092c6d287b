"""From matplotlib's SVG to an element of a page.

Every colour is drawn as a stand-in and replaced by a CSS variable, so that one SVG serves light,
dark and print.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

# Stand-ins, each unlikely in itself and unlike the others; style.css gives the variables values.
SERIES = [f"#c0ffe{index}" for index in range(1, 9)]
INK, MUTED, RULE, PAPER = "#1a2b3c", "#4d5e6f", "#7a8b9c", "#f0e1d2"

_VARIABLES = {colour: f"var(--series-{index})" for index, colour in enumerate(SERIES, 1)}
_VARIABLES |= {INK: "var(--ink)", MUTED: "var(--muted)", RULE: "var(--rule)", PAPER: "var(--paper)"}

_LANDMARK = re.compile(r"(?:legend|[xy]tick)_\d+")

_SERIES = "series_"


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure as two inline SVGs, one for a desk and one for a phone."""

    wide: str
    narrow: str


def series_id(number: int) -> str:
    """Return the id by which matplotlib groups what a series is drawn with."""
    return f"{_SERIES}{number}"


def for_page(svg: str, name: str, alt: str, axes: str = "") -> str:
    """Turn matplotlib's file into an element: own ids, the page's colours and fonts.

    `axes` says where they lie, for the page's script.
    """
    body = svg[svg.index("<svg") :]
    view = re.search(r'viewBox="[^"]+"', body)
    # Without its sheet of one rule, which a strict page forbids: the element below says the same.
    body = re.sub(r"<style.*?</style>", "", body[body.index(">") + 1 :], count=1, flags=re.DOTALL)
    # Tags only: a label that looks like one of these is a person's text and stays as it is.
    texts_and_tags = re.split(r"(<[^>]*>)", body)
    tags = _with_own_ids(_with_own_style("\0".join(texts_and_tags[1::2])), name)
    texts_and_tags[1::2] = tags.split("\0")
    body = re.sub(r"\n\s*", "\n", _without_bare_groups("".join(texts_and_tags)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {view[0] if view else ""} '
        f'role="img" aria-label="{escape(alt, quote=True)}" data-axes="{axes}" '
        f'stroke-linejoin="round">{body}'
    )


def _with_own_style(tags: str) -> str:
    # Turned by nothing: matplotlib says so of every text.
    tags = re.sub(r' transform="rotate\(-?0 [^"]*"', "", tags)
    tags = tags.replace("xlink:href=", "href=")
    # The page's own sans-serif; only its size is the figure's business.
    tags = re.sub(r"font: (\d+(?:\.\d+)?)px '[^;\"]*", r"font-size: \1px", tags)
    tags = re.sub(r"font-family: [^;\"]*;? ?", "", tags)
    # Hundredths of a pixel are enough; the digits below them would be a tenth of a page. They are
    # cut from matplotlib's six decimals, so that 99.999999999 and 100.000000001 are both 100.
    tags = re.sub(r"(\d\.\d\d)\d+", r"\1", tags)
    tags = re.sub(r"(?<![\w.])-0(?:\.0+)?(?![\w.])", "0", tags)
    for colour, variable in _VARIABLES.items():
        tags = tags.replace(colour, variable)
    # Attributes of their own and not `style`, which a strict page forbids.
    return re.sub(r' style="([^"]*)"', _attributes, tags)


def _attributes(style: re.Match[str]) -> str:
    declarations = (each.split(": ", 1) for each in style[1].rstrip("; ").split("; "))
    return "".join(f' {name}="{value}"' for name, value in declarations)


def _with_own_ids(tags: str, name: str) -> str:
    """Number what is referred to, in order of appearance, behind the drawing's name.

    matplotlib names it by a hash of where it lies, and its last digits are the processor's. Legends
    and ticks keep their names, so that they can be found; what nothing refers to has none, which
    saves a tenth of a page (measured here).
    """
    reference = re.compile(r'(url\(#|href="#)([^)"]+)')
    referred = dict.fromkeys(match[2] for match in reference.finditer(tags))
    own = {one: f"{name}_{number}" for number, one in enumerate(referred, 1)}

    def own_id(match: re.Match[str]) -> str:
        if match[1].startswith(_SERIES):
            return f' data-s="{match[1].removeprefix(_SERIES)}"'
        landmark = f"{name}_{match[1]}" if _LANDMARK.fullmatch(match[1]) else ""
        new = own.get(match[1], landmark)
        return f' id="{new}"' if new else ""

    tags = re.sub(r' id="([^"]+)"', own_id, tags)
    return reference.sub(lambda match: match[1] + own[match[2]], tags)


def _without_bare_groups(body: str) -> str:
    """Leave out groups that say nothing of what they hold: a quarter of a page's elements."""
    bare: list[bool] = []

    def kept(match: re.Match[str]) -> str:
        tag = match[0]
        if tag == "</g>":
            return "" if bare.pop() else tag
        if not tag.endswith("/>"):
            bare.append(tag == "<g>")
        return "" if tag in {"<g>", "<g/>"} else tag

    return re.sub(r"</?g(?:\s[^>]*)?/?>", kept, body)
