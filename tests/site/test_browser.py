"""The site in a browser: on phones and desks, in light and dark, printed, from a disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pages import watch

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page as Tab

    from pages import ColorScheme, Opened

pytestmark = pytest.mark.browser

HOME = "machines/fixed-machine"
WITH_FIGURES = [
    *("index.html", "compare/products.html", "compare/training.html"),
    *(f"{HOME}/{name}.html" for name in ("index", "products", "memory", "overhead", "training")),
    *(f"{HOME}/{name}.html" for name in ("exercises", "workers")),
    "machines/fast-machine/history.html",
]
PAGES = [
    *(*WITH_FIGURES, "compare.html", "compare/with-fixed-machine.html", "method.html", "404.html"),
    *(f"{HOME}/{name}.html" for name in ("statements", "code")),
]
WIDTHS = [360, 400, 768, 1250, 1400]
SCHEMES: list[ColorScheme] = ["light", "dark"]

A4 = 718
"""Pixels between margins of 1 cm."""

# What words of a table's cells lie on those of another cell.
OVERPRINTED = """table => {
  const cells = [...table.querySelectorAll('tbody th, tbody td')].map(cell => {
    const range = document.createRange()
    range.selectNodeContents(cell)
    return [cell, [...range.getClientRects()].filter(({width}) => width)]
  })
  const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1
    && a.top < b.bottom - 3 && b.top < a.bottom - 3
  return cells.flatMap(([cell, boxes], k) => cells.slice(k + 1)
    .filter(([, others]) => boxes.some(a => others.some(b => meet(a, b))))
    .map(([other]) => [cell.textContent, other.textContent]))
}"""

BACKGROUND = "getComputedStyle(document.body).backgroundColor"
PAPER = "rgb(253, 252, 249)"

# What is visible of each figure: how many drawings, how large their texts are on the screen,
# which texts leave the figure, which two lie on each other, and which a line runs through: no line
# of the grid, and nothing that is cut off at the axes.
FIGURES = """() => [...document.querySelectorAll('figure.plot')].map(figure => {
  const shown = [...figure.querySelectorAll('svg')].filter(svg => svg.checkVisibility())
  const texts = shown.flatMap(svg => [...svg.querySelectorAll('text')])
  const frame = figure.getBoundingClientRect()
  // A rotated text fills little of the box around it, so that its own corners count.
  const corners = text => {
    const {x, y, width, height} = text.getBBox()
    const matrix = text.getScreenCTM()
    return [[x + 1, y + 2], [x + width - 1, y + 2], [x + width - 1, y + height - 2],
      [x + 1, y + height - 2]].map(([a, b]) => new DOMPoint(a, b).matrixTransform(matrix))
  }
  const boxes = texts.map(text => ({
    text: text.textContent, box: text.getBoundingClientRect(), corners: corners(text)}))
  const size = text => {
    const matrix = text.getScreenCTM()
    return parseFloat(getComputedStyle(text).fontSize) * Math.hypot(matrix.a, matrix.b)
  }
  // Two rectangles are apart if along a side of one of them their shadows are.
  const sides = ([p, q, , s]) => [[q.x - p.x, q.y - p.y], [s.x - p.x, s.y - p.y]]
  const apart = (a, b, [dx, dy]) => {
    const [one, other] = [a, b].map(points => points.map(({x, y}) => x * dx + y * dy))
    return Math.max(...one) <= Math.min(...other) || Math.max(...other) <= Math.min(...one)
  }
  const meet = (a, b) => ![...sides(a), ...sides(b)].some(side => apart(a, b, side))
  const drawn = path => {
    const {fill, stroke} = getComputedStyle(path)
    const grid = path.closest('.xtick, .ytick')
    return stroke !== 'none' && fill === 'none' && !grid && !path.closest('defs, clipPath')
  }
  const points = path => {
    const frame = path.getAttribute('clip-path')?.match(/#([^)]+)/)?.[1]
    const cut = frame && document.getElementById(frame).firstElementChild.getBBox()
    const every = Array.from({length: path.getTotalLength() / 2}, (_, k) =>
      path.getPointAtLength(2 * k))
    const kept = cut ? every.filter(({x, y}) => x >= cut.x && x <= cut.x + cut.width
      && y >= cut.y && y <= cut.y + cut.height) : every
    return kept.map(point => new DOMPoint(point.x, point.y).matrixTransform(path.getScreenCTM()))
  }
  const within = (point, corners) => !sides(corners).some(side =>
    apart([point], corners, side))
  const lines = shown.flatMap(svg => [...svg.querySelectorAll('path')]).filter(drawn).map(points)
  return {
    name: figure.id,
    shown: shown.length,
    smallest: Math.min(...texts.map(size)),
    texts: texts.length,
    outside: boxes.filter(({box}) => box.left < frame.left - 1 || box.right > frame.right + 1
      || box.top < frame.top - 1 || box.bottom > frame.bottom + 1).map(one => one.text),
    meeting: boxes.flatMap((one, at) => boxes.slice(at + 1)
      .filter(other => meet(one.corners, other.corners)).map(other => [one.text, other.text])),
    crossed: boxes.filter(({corners}) => lines.some(line =>
      line.some(point => within(point, corners)))).map(one => one.text),
  }
})"""

# The contrast of every visible text with what is behind it, as WCAG 2.2 defines it (relative
# luminance, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio), and the lowest of each kind.
CONTRASTS = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true})
  const rgb = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data]
  }
  const linear = part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  const luminance = parts => [0.2126, 0.7152, 0.0722].reduce(
    (sum, weight, k) => sum + weight * linear(parts[k] / 255), 0)
  const contrast = (a, b) => {
    const [high, low] = [luminance(rgb(a)), luminance(rgb(b))].sort((x, y) => y - x)
    return (high + 0.05) / (low + 0.05)
  }
  const behind = element => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor
      if (rgb(colour)[3] > 0) return colour
    }
    return 'white'
  }
  const found = {}
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())
    if (!own || !element.checkVisibility()) continue
    const svg = element.namespaceURI.endsWith('svg')
    if (svg && element.tagName !== 'text') continue
    const style = getComputedStyle(element)
    const colour = svg ? style.fill : style.color
    const kind = [element.tagName, element.getAttribute('class'), svg && colour].filter(Boolean)
    const ratio = contrast(colour, behind(element))
    found[kind.join(' ')] = Math.min(ratio, found[kind.join(' ')] || 99)
  }
  const variable = name => getComputedStyle(document.documentElement).getPropertyValue(name)
  const lines = Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8].map(
    k => [`--series-${k}`, contrast(variable(`--series-${k}`), variable('--paper'))]))
  return {texts: found, lines}
}"""


def unfold(tab: Tab, *, is_open: bool = True) -> None:
    """Open all that can be folded, or close it; of figures with a choice of axis, show each."""
    command = "open => document.querySelectorAll('details').forEach(one => one.open = open)"
    tab.evaluate(command, is_open)
    tab.evaluate("document.querySelectorAll('.finding').forEach(one => one.hidden = false)")


def faint(contrasts: dict[str, float]) -> dict[str, float]:
    """Return what has too little contrast."""
    return {kind: ratio for kind, ratio in contrasts.items() if ratio < 4.5}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", PAGES)
def test_pages_fit_and_are_legible(
    opened: Opened, address: str, name: str, scheme: ColorScheme
) -> None:
    """No page scrolls sideways or complains; each figure shows the drawing made for its width."""
    tab = opened(scheme=scheme)
    troubles = watch(tab.context, address)
    tab.goto(address + name)
    for width in WIDTHS:
        tab.set_viewport_size({"width": width, "height": 900})
        for is_open in (False, True):
            unfold(tab, is_open=is_open)
            wide, room = tab.evaluate(
                "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert wide <= room == width, f"{wide} pixels of {width}"
        figures = tab.evaluate(FIGURES)
        assert bool(figures) == (name in WITH_FIGURES)
        for figure in figures:
            assert (figure["shown"], figure["smallest"] >= 11) == (1, True), (width, figure)
            assert figure["texts"] > 3, (width, figure)
            assert figure["outside"] == figure["meeting"] == figure["crossed"] == [], (
                width,
                figure,
            )
    assert troubles == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", PAGES)
def test_every_text_has_enough_contrast(
    opened: Opened, address: str, name: str, scheme: ColorScheme
) -> None:
    """4.5 : 1 for whatever is written; lines too, since their names are in their colours."""
    tab = opened(scheme=scheme)
    tab.goto(address + name)
    unfold(tab)
    contrasts = tab.evaluate(CONTRASTS)
    assert faint(contrasts["texts"]) == faint(contrasts["lines"]) == {}
    if name == f"{HOME}/index.html":
        expected = {"P byline", "FIGCAPTION", "A", "SPAN status failed", "SPAN status skipped"}
        assert expected | {"SPAN level quiet", "SPAN interval", "STRONG"} <= set(contrasts["texts"])


@pytest.mark.parametrize(
    ("scheme", "paper", "ink"),
    [("light", PAPER, "rgb(30, 31, 34)"), ("dark", "rgb(22, 24, 28)", "rgb(228, 227, 222)")],
)
def test_schemes_differ(
    opened: Opened, address: str, scheme: ColorScheme, paper: str, ink: str
) -> None:
    """Dark is dark and light is light; the drawings go with the page."""
    tab = opened(scheme=scheme)
    tab.goto(address)
    assert tab.evaluate(BACKGROUND) == paper
    assert tab.evaluate("getComputedStyle(document.querySelector('svg text')).fill") == ink


def test_everything_is_readable_without_scripts(opened: Opened, address: str) -> None:
    """Text, tables and drawings are in the page itself, and fold-outs open without a program."""
    tab = opened(java_script_enabled=False)
    tab.goto(f"{address}{HOME}/index.html")
    assert "Intel Xeon with AVX" in tab.inner_text("h1")
    assert "GFLOPS" in tab.inner_text(".lead")
    assert tab.locator("figure.plot .wide svg").first.is_visible()
    numbers = tab.locator("details", has_text="The numbers").first
    assert not numbers.locator("table").is_visible()
    numbers.locator("summary").click()
    assert numbers.locator("table").is_visible()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_pages_can_be_printed(opened: Opened, address: str, scheme: ColorScheme) -> None:
    """Black on white whatever the screen's colours are, without what only a screen can use."""
    tab = opened(scheme=scheme)
    tab.goto(f"{address}{HOME}/index.html")
    assert tab.locator(".site-header nav").is_visible()
    tab.emulate_media(media="print", color_scheme=scheme)
    assert not tab.locator(".site-header nav").is_visible()
    assert tab.evaluate(BACKGROUND) == "rgb(255, 255, 255)"
    assert faint(tab.evaluate(CONTRASTS)["texts"]) == {}
    assert tab.pdf(format="A4").startswith(b"%PDF-")


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_cut_off_on_paper(opened: Opened, address: str, name: str) -> None:
    """Every table, drawing and listing is as wide as A4 less margins of 1 cm at most."""
    tab = opened(width=A4)
    tab.emulate_media(media="print")
    tab.goto(address + name)
    wide = "e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1"
    assert (
        tab.evaluate(f"[...document.querySelectorAll('table, svg, pre')].filter({wide}).length")
        == 0
    )


def test_site_opens_from_a_disk(tab: Tab, folder: Path) -> None:
    """A page that is double-clicked has its style, and its links lead to the others."""
    tab.goto((folder / "index.html").as_uri())
    assert tab.evaluate(BACKGROUND) == PAPER
    tab.click("text=How it is measured")
    tab.wait_for_url("**/method.html")
    assert tab.evaluate(BACKGROUND) == PAPER


def test_a_phone_shows_every_machine_of_a_comparison(opened: Opened, address: str) -> None:
    """Cells stand below each other, each with its machine's name; nothing scrolls by itself."""
    tab = opened(390)
    for page in ("compare.html", "index.html", "machines/fast-machine/history.html"):
        tab.goto(address + page)
        for table in tab.locator("table.cells").all():
            box = table.bounding_box()
            assert box is not None
            for cell in table.locator("td").all():
                place = cell.bounding_box()
                assert place is not None
                assert place["x"] + place["width"] <= box["x"] + box["width"] + 1 <= 391
            assert table.evaluate(OVERPRINTED) == []
        heights = "every => every.map(one => one.scrollHeight - one.clientHeight)"
        assert set(tab.locator(".scroll").evaluate_all(heights)) <= {0}
    tab.goto(address + "compare.html")
    shown = "one => getComputedStyle(one, '::before').content"
    cells = tab.locator("table.cells >> nth=0").locator("td")
    machines = {'"H100"', '"Xeon (2 cores)"'}
    assert {cells.nth(k).evaluate(shown) for k in (0, 1)} == machines


def test_keyboard_skips_to_the_text_first(tab: Tab, address: str) -> None:
    """The first stop is a link past the navigation, visible only then."""
    tab.goto(f"{address}{HOME}/index.html")
    skip = tab.locator(".skip")
    assert (skip.bounding_box() or {"x": 0})["x"] < 0
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    assert (skip.bounding_box() or {"x": -1})["x"] >= 0
    tab.keyboard.press("Enter")
    assert tab.evaluate("location.hash") == "#page_text"
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_keyboard_opens_what_is_folded(tab: Tab, address: str) -> None:
    """Enter opens a fold-out, Enter closes it."""
    tab.goto(f"{address}{HOME}/index.html")
    tab.locator("summary").first.focus()
    for is_open in (False, True, False):
        assert tab.evaluate("document.querySelector('details').open") == is_open
        tab.keyboard.press("Enter")


def test_keyboard_reaches_what_scrolls(tab: Tab, address: str) -> None:
    """Wide tables and code can be scrolled without a mouse: all of them can have the focus."""
    for name in PAGES:
        tab.goto(address + name)
        unfold(tab)
        unreachable = tab.evaluate(
            """() => [...document.querySelectorAll('body *')].filter(one =>
                 ['auto', 'scroll'].includes(getComputedStyle(one).overflowX) && one.tabIndex < 0
               ).map(one => one.outerHTML.slice(0, 80))"""
        )
        assert unreachable == []
