"""From matplotlib's SVG to an element of a page.

Every colour is drawn as a stand-in and replaced by a CSS variable, so that one SVG serves light,
dark and print.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass
from html import escape

# Stand-ins, each unlikely in itself and unlike the others; style.css gives the variables values.
SERIES = [f"#c0ffe{index}" for index in range(1, 9)]
INK, MUTED, RULE, PAPER = "#1a2b3c", "#4d5e6f", "#7a8b9c", "#f0e1d2"

_VARIABLES = {colour: f"var(--series-{index})" for index, colour in enumerate(SERIES, 1)}
_VARIABLES |= {INK: "var(--ink)", MUTED: "var(--muted)", RULE: "var(--rule)", PAPER: "var(--paper)"}

_LANDMARK = re.compile(r"(legend|[xy]tick)_\d+")

_TEXT = 'fill="var(--ink)" text-anchor="start" font-size="11.5px"'
"""What most texts of a drawing have, said by its root."""

_ALIKE = re.compile(r'<path d="[^"]*"( [^>]*fill="none"[^>]*/>)\n(?:<path d="[^"]*"\1\n)+')
"""Lines of one look, each drawn by itself: whiskers."""

_USE = re.compile(r'<use href="#([^"]+)"[^>]*>')

_LOOK = re.compile(r' (?!(?:id|href|d|x|y|transform|clip-path)=)[\w-]+="[^"]*"')
"""An attribute that says how something looks, and not which or where it is."""

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
    """Turn matplotlib's file into an element: own ids, the page's colours and fonts."""
    body = svg[svg.index("<svg") :]
    view = re.search(r'viewBox="[^"]+"', body)
    # Without its sheet of one rule, which a strict page forbids: the element below says the same.
    body = re.sub(r"<style.*?</style>", "", body[body.index(">") + 1 :], count=1, flags=re.DOTALL)
    # Tags only: a label that looks like one of these is a person's text and stays as it is.
    texts_and_tags = re.split(r"(<[^>]*>)", body)
    tags = _with_own_ids(_with_own_style("\0".join(texts_and_tags[1::2])), name)
    texts_and_tags[1::2] = _brief(tags).split("\0")
    # Twice: groups within groups that are joined by the first may lie side by side then.
    body = _without_bare_groups(_without_bare_groups("".join(texts_and_tags)))
    body = re.sub(r"<defs>\s*</defs>", "", body)
    body = _ALIKE.sub(_joined, re.sub(r"\n\s*", "\n", body))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {view[0] if view else ""} '
        f'role="img" aria-label="{escape(alt, quote=True)}" data-axes="{axes}" '
        f'stroke-linejoin="round" {_TEXT}>{body}'
    )


def _with_own_style(tags: str) -> str:
    # Turned by nothing: matplotlib says so of every text.
    tags = re.sub(r' transform="rotate\(-?0 [^"]*"', "", tags)
    tags = tags.replace("xlink:href=", "href=")
    # The page's own sans-serif; only its size is the figure's business.
    tags = re.sub(r"font: (\d+(?:\.\d+)?)px '[^;\"]*", r"font-size: \1px", tags)
    tags = re.sub(r"font-family: [^;\"]*;? ?", "", tags)
    # Tenths of a pixel are enough, hundredths for the shape of a mark; the digits below them would
    # be a tenth of a page. They are cut from matplotlib's six decimals, so that 99.999999999 and
    # 100.000000001 are both 100.
    tags = re.sub(r"(\d\.\d\d)\d+", r"\1", tags)
    tags = re.sub(r"(\d\d\.\d)\d", r"\1", tags)
    tags = re.sub(r"(\d)\.0+(?!\d)|(\.[1-9])0(?!\d)", r"\1\2", tags)
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

    matplotlib names it by a hash of where it lies, and its last digits are the processor's. Of the
    drawing's name 30 bits are kept: it is written a thousand times on a page. Legends and ticks
    become classes, so that they can be found.
    """
    reference = re.compile(r'(url\(#|href="#)([^)"]+)')
    referred = dict.fromkeys(match[2] for match in reference.finditer(tags))
    # An id begins with a letter.
    short = "g" + base64.b32encode(hashlib.sha256(name.encode()).digest())[:6].decode().lower()
    own = {one: f"{short}-{number}" for number, one in enumerate(referred, 1)}

    def own_id(match: re.Match[str]) -> str:
        if match[1].startswith(_SERIES):
            return f' data-s="{match[1].removeprefix(_SERIES)}"'
        if landmark := _LANDMARK.fullmatch(match[1]):
            return f' class="{landmark[1]}"'
        return f' id="{own[match[1]]}"' if match[1] in own else ""

    tags = re.sub(r' id="([^"]+)"', own_id, tags)
    return reference.sub(lambda match: match[1] + own[match[2]], tags)


def _brief(tags: str) -> str:
    """Say the same in half the bytes (decision 24): no invisible paths, nothing the root says."""
    tags = re.sub(r'<path d="[^"]*" fill="none"/>', "", tags)
    tags = re.sub(r'(?<= d=")[^"]*', lambda d: re.sub(r"\s*([A-Za-z])\s*|\s+$", r"\1", d[0]), tags)
    inherited = " (?:" + re.escape(_TEXT).replace(r"\ ", "|") + ")"
    tags = re.sub(r"<text [^>]*>", lambda text: re.sub(inherited, "", text[0]), tags)
    return _with_look_in_shapes(tags)


def _with_look_in_shapes(tags: str) -> str:
    """Let a shape say once what all its copies share; its own attributes go before a copy's."""
    looks: dict[str, list[set[str]]] = defaultdict(list)
    for found in _USE.finditer(tags):
        looks[found[1]].append(set(_LOOK.findall(found[0])))
    shared = {name: set.intersection(*each) for name, each in looks.items()}

    def shape(path: re.Match[str]) -> str:
        own = _LOOK.findall(path[0])
        names = {each.partition("=")[0] for each in own}
        added = [each for each in shared.get(path[2], ()) if each.partition("=")[0] not in names]
        shared[path[2]] = {*own, *added}
        return "".join([path[1], *sorted(added), "/>"])

    def use(tag: re.Match[str]) -> str:
        said = {each.partition("=")[0] for each in shared.get(tag[1], ())}
        return _LOOK.sub(lambda each: "" if each[0].partition("=")[0] in said else each[0], tag[0])

    return _USE.sub(use, re.sub(r'(<path id="([^"]+)"[^>]*?)/>', shape, tags))


def _joined(lines: re.Match[str]) -> str:
    through = "".join(re.findall(' d="([^"]*)"', lines[0]))
    return f'<path d="{through}"{lines[1]}\n'


def _without_bare_groups(body: str) -> str:
    """Leave out groups that say nothing, a quarter of all elements, and join equal neighbours."""
    kept: list[str] = []
    opened: list[str] = []
    ended = ""
    for part in re.split(r"(</?g(?:\s[^>]*)?/?>)", body):
        if part == "</g>":
            if opened[-1] != "<g>":
                kept.append(part)
                ended = opened[-1]
            opened.pop()
        elif not part.startswith("<g"):
            kept.append(part)
            ended = "" if part.strip() else ended
        elif not part.endswith("/>"):
            opened.append(part)
            if part == ended:
                del kept[len(kept) - 1 - kept[::-1].index("</g>")]
            elif part != "<g>":
                kept.append(part)
            ended = ended if part == "<g>" else ""
    return "".join(kept)
