"""What the script adds in a browser: values by pointer and keys, sorted tables, filters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from pages import serve, watch

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator
    from playwright.sync_api import Page as Tab

    from pages import ColorScheme, Opened

pytestmark = pytest.mark.browser

HOME = "machines/fixed-machine"
SIZES = "#figure_matrix-size-pytorch"
EPOCHS, TIME = (f"#figure_chapter-training-pytorch-{x}" for x in ("epochs", "time"))

TABLE = """figure => {
  for (let at = figure; at; at = at.nextElementSibling) {
    const table = at.querySelector('table')
    const text = row => [...row.cells].map(cell => cell.textContent.trim())
    if (table) return [...table.rows].map(text)
  }
}"""

COLUMN = """(table, at) => [...table.tBodies[0].rows].map(row => row.cells[at].querySelector('data')
  ? +row.cells[at].querySelector('data').value : row.cells[at].innerText)"""


def value_in(text: str) -> tuple[str, ...]:
    """Return the numbers of a value and its interval, as they are written."""
    return tuple(re.findall(r"[\d,]*\.?\d+", text))


def focused(tab: Tab, figure: str, layout: str = "wide") -> Locator:
    """Move the focus to a figure's drawing as Tab does, and return what it then says."""
    tab.keyboard.press("Tab")
    box = tab.locator(f"{figure} .{layout}")
    box.focus()
    return box.locator(".tip")


def place(element: Locator) -> tuple[float, float]:
    """Return the upper left corner of an element, in pixels of the window."""
    box = element.bounding_box()
    assert box is not None
    return box["x"], box["y"]


def pressed(tab: Tab, *keys: str) -> None:
    """Press keys one after the other."""
    for key in keys:
        tab.keyboard.press(key)


@pytest.mark.parametrize(("width", "layout"), [(1400, "wide"), (390, "narrow")])
def test_keys_and_pointer_give_the_values_of_the_table(
    opened: Opened, address: str, width: int, layout: str
) -> None:
    """Series, place, value and interval, by keys; the pointer at that place says the same."""
    tab = opened(width)
    tab.goto(f"{address}{HOME}/products.html")
    tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    head, *rows = tab.locator(SIZES).evaluate(TABLE)
    tip = focused(tab, SIZES, layout)
    pressed(tab, "ArrowRight", "ArrowRight", "ArrowDown")
    lines = tip.locator("strong, span").all_inner_texts()
    assert lines[:2] == ["float64", "n, rows and columns: 256"]
    ours = head.index(next(each for each in head if each.startswith("float64")))
    (row,) = (row for row in rows if row[0] == "256")
    assert value_in(lines[2]) == value_in(row[ours])
    assert len(value_in(lines[2])) == 3
    assert tip.get_attribute("role") == "status"

    box = tab.locator(f"{SIZES} .{layout}")
    ring = box.locator(".ring").bounding_box()
    # The third marker of the second series, where matplotlib drew it.
    svg = box.locator("svg")
    drawn = svg.evaluate("""svg => {
      const line = '[data-s="1"] path[stroke]'
      const [, , mark] = svg.querySelectorAll(`${line} ~ use, ${line} ~ g use`)
      return ['x', 'y'].map(name => +mark.getAttribute(name))
    }""")
    there = svg.evaluate("""svg => {
      const { e, f } = svg.querySelector('.ring').transform.baseVal.consolidate().matrix
      return [e, f]
    }""")
    assert there == pytest.approx(drawn, abs=1.5)
    said = tip.inner_text()
    pressed(tab, "Escape")
    expect(tip).to_be_empty()
    assert ring is not None
    tab.mouse.move(ring["x"] + ring["width"] / 2, ring["y"] + ring["height"] / 2)
    assert tip.inner_text() == said
    tab.mouse.move(1, 1)
    expect(tip).to_be_empty()


def test_keys_go_from_one_series_to_the_next_within_a_row(tab: Tab, address: str) -> None:
    """In a dot plot the same product was computed in both, however far apart their rates lie."""
    tab.goto(f"{address}{HOME}/products.html")
    tip = focused(tab, "#figure_vectorization-pytorch")
    for _ in range(4):
        name, row = tip.locator("strong, span").all_inner_texts()[:2]
        pressed(tab, "ArrowDown")
        other, same = tip.locator("strong, span").all_inner_texts()[:2]
        assert (other != name, same) == (True, row) or row == "row"
        pressed(tab, "ArrowUp")
        assert tip.locator("strong, span").all_inner_texts()[:2] == [name, same]
        pressed(tab, "ArrowRight")


def test_touch_gives_a_value_too(opened: Opened, address: str) -> None:
    """Beside a dot of a dot plot, whose table has the same number."""
    tab = opened(390, has_touch=True)
    tab.goto(f"{address}{HOME}/products.html")
    figure = "#figure_threads-pytorch"
    box = tab.locator(f"{figure} .narrow")
    box.scroll_into_view_if_needed()
    dot = box.locator('[data-s="0"] use').last.bounding_box()
    assert dot is not None
    tab.touchscreen.tap(dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2)
    name, value = box.locator(".tip span").all_inner_texts()
    table = {row[0]: row[1] for row in tab.locator(figure).evaluate(TABLE)}
    assert value_in(value)[0] in table[name]


def test_series_are_switched_off_and_on(tab: Tab, address: str) -> None:
    """A button for each; what is off is neither drawn, nor in the legend, nor read."""
    tab.goto(f"{address}{HOME}/products.html")
    parts = tab.locator(f'{SIZES} .wide [data-s="0"]')
    visibilities = "every => [...new Set(every.map(one => getComputedStyle(one).visibility))]"
    button = tab.locator(f"{SIZES} .controls button", has_text="float32")
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert parts.evaluate_all(visibilities) == ["hidden"]
    assert focused(tab, SIZES).locator("strong").inner_text() == "float64"
    button.focus()
    pressed(tab, "Enter")
    assert parts.evaluate_all(visibilities) == ["visible"]


def test_values_are_relative_to_a_series(tab: Tab, address: str) -> None:
    """A ratio above 1 whichever way round, where both have a value at the same place."""
    tab.goto(f"{address}{HOME}/products.html")
    tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    _, row, *_ = tab.locator(SIZES).evaluate(TABLE)
    float32, float64 = (float(value_in(row[k])[0]) for k in (1, 2))
    tab.locator(f"{SIZES} select").select_option("float32")
    tip = focused(tab, SIZES)
    pressed(tab, "ArrowDown")
    said = tip.locator("span").first.inner_text()
    assert "float32 is" in said
    assert "times as fast as this" in said
    assert float(value_in(said.partition(" is ")[2])[0]) == pytest.approx(
        float32 / float64, rel=0.01
    )
    tab.locator(f"{SIZES} select").select_option("float64")
    tip = focused(tab, SIZES)
    pressed(tab, "ArrowUp")
    assert "times as fast as float64" in tip.inner_text()


def test_figures_of_the_same_series_are_one_with_a_choice_of_axis(tab: Tab, address: str) -> None:
    """One at a time, what is off stays off; a link to the other opens it."""
    tab.goto(f"{address}{HOME}/training.html")
    epochs, time = tab.locator(EPOCHS), tab.locator(TIME)
    assert (epochs.is_visible(), time.is_visible()) == (True, False)
    tab.locator(f"{EPOCHS} .controls button").first.click()
    tab.click(".tabs button:has-text('time')")
    assert (epochs.is_visible(), time.is_visible()) == (False, True)
    assert time.locator('.wide [data-s="0"].off').count() > 0
    assert "time of training" in focused(tab, TIME).inner_text()
    tab.goto("about:blank")
    tab.goto(f"{address}{HOME}/training.html{TIME}")
    expect(time).to_be_visible()
    tab.emulate_media(media="print")
    assert epochs.is_visible()


def test_tables_are_sorted_by_number(tab: Tab, address: str) -> None:
    """Up, down, and as they were; by keys; a screen reader is told which way."""
    tab.goto(f"{address}{HOME}/products.html")
    tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    table = tab.locator("table", has_text="times as long as the fastest").first
    head = table.locator("thead th").nth(2)
    before = table.evaluate(COLUMN, 2)
    head.locator("button").focus()
    for order, rows in (
        ("ascending", sorted(before)),
        ("descending", sorted(before)[::-1]),
        ("none", before),
    ):
        pressed(tab, "Enter")
        assert head.get_attribute("aria-sort") == order
        assert table.evaluate(COLUMN, 2) == rows
    assert sorted(before) != before


def test_numbers_are_read_as_they_are_written(tab: Tab, address: str) -> None:
    """Below zero, as a bound, with a unit; what only looks like a number upsets nothing."""
    tab.goto(f"{address}{HOME}/products.html")
    read = """texts => texts.map(text => {
      const cell = document.createElement('td')
      cell.textContent = text
      return number(cell)
    })"""
    written = ["\N{MINUS SIGN}1.5", "\N{GREATER-THAN OR EQUAL TO} 1,200", "12 %", "2 KiB", "1.0.3"]
    assert tab.evaluate(read, [*written, "...", "\N{EN DASH}", "none"]) == [
        *(-1.5, 1200, 12, 2048, 1.0),
        *(None, None, None),
    ]


def test_sizes_are_sorted_by_what_they_mean(tab: Tab, address: str) -> None:
    """A MiB is more than 64 KiB, whatever the letters say."""
    tab.goto(f"{address}{HOME}/memory.html")
    tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    table = tab.locator("table", has_text="KiB").filter(has_text="MiB").first
    sizes = table.evaluate(COLUMN, 0)
    head = table.locator("thead button").first
    head.click()
    assert table.evaluate(COLUMN, 0) == sizes
    head.click()
    assert table.evaluate(COLUMN, 0) == sizes[::-1]


def test_statements_are_chosen_and_the_choice_has_an_address(opened: Opened, address: str) -> None:
    """By outcome and source, with a count; opened again the address shows the same."""
    tab = opened()
    tab.goto(f"{address}{HOME}/statements.html")
    rows = tab.locator("table.stacked tr[data-facts]")
    every, all_of = rows.count(), tab.locator("[role=status]")
    tab.locator("select[name=source]").select_option("ours")
    tab.locator("select[name=outcome]").select_option("contradicted")
    shown = [row for row in rows.all() if row.is_visible()]
    assert 0 < len(shown) < every
    assert f"{len(shown)} of {every}" in all_of.inner_text()
    assert all("contradicted" in row.inner_text() for row in shown)
    assert all("source=ours" in (row.get_attribute("data-facts") or "") for row in shown)
    again = opened()
    again.goto(tab.url)
    rows = again.locator("table.stacked tr[data-facts]")
    assert [row.inner_text() for row in rows.all() if row.is_visible()] == [
        row.inner_text() for row in shown
    ]
    for name in ("source", "outcome"):
        again.locator(f"select[name={name}]").select_option("")
    assert all(row.is_visible() for row in rows.all())


def test_nothing_is_missing_on_paper(tab: Tab, address: str) -> None:
    """What was switched off or filtered out on the screen: paper would not say that."""
    tab.goto(f"{address}{HOME}/products.html")
    tab.locator(f"{SIZES} .controls button").first.click()
    line = tab.locator(f'{SIZES} .wide [data-s="0"]').first
    assert line.evaluate("one => getComputedStyle(one).visibility") == "hidden"
    tab.emulate_media(media="print")
    assert line.evaluate("one => getComputedStyle(one).visibility") == "visible"
    tab.emulate_media(media="screen")
    tab.goto(f"{address}{HOME}/statements.html#outcome=contradicted")
    rows = tab.locator("table.stacked tr[data-facts]").all()
    assert not all(row.is_visible() for row in rows)
    tab.emulate_media(media="print")
    assert all(row.is_visible() for row in rows)
    assert {row.evaluate("one => getComputedStyle(one).display") for row in rows} == {"table-row"}


def test_an_empty_choice_says_so(tab: Tab, address: str) -> None:
    """No table that is only a head: it goes, and the count says that there is none."""
    tab.goto(f"{address}{HOME}/statements.html")
    tab.locator("select[name=outcome]").select_option("contradicted")
    sections = tab.locator("select[name=section]")
    empty = 0
    for k in range(sections.locator("option").count()):
        sections.select_option(index=k)
        left = tab.locator("table.stacked tr[data-facts]:visible").count()
        assert tab.locator("table.stacked").is_visible() == bool(left)
        assert ("none of" in tab.locator("[role=status]").inner_text()) == (not left)
        empty += not left
    assert empty


def test_nothing_is_missing_without_the_script(opened: Opened, address: str) -> None:
    """All figures, rows and statements are there, and no control that would do nothing."""
    tab = opened(java_script_enabled=False)
    tab.goto(f"{address}{HOME}/training.html")
    assert all(figure.is_visible() for figure in tab.locator("figure.plot").all())
    assert tab.locator("main button, main select").count() == 0
    tab.goto(f"{address}{HOME}/statements.html#outcome=contradicted")
    assert all(row.is_visible() for row in tab.locator("tr[data-facts]").all())


@pytest.mark.parametrize("where", ["a file", "a root", "a sub-path"])
def test_policy_lets_script_and_style_through_wherever_a_site_lies(
    tab: Tab, folder: Path, address: str, where: str
) -> None:
    """Both work, nothing is refused or asked of elsewhere, and nothing is complained of."""
    with serve(folder) as root:
        start = {"a file": f"{folder.as_uri()}/", "a root": root, "a sub-path": address}[where]
        troubles = watch(tab.context, start)
        for page in ("index.html", f"{HOME}/training.html", f"{HOME}/statements.html", "404.html"):
            tab.goto(start + page)
            assert tab.evaluate("getComputedStyle(document.body).marginTop") == "0px"
            assert tab.evaluate("document.documentElement.className") == "js" * (page != "404.html")
        tab.goto(f"{start}machine-fixed-machine.html")
        tab.wait_for_url(f"**/{HOME}/index.html")
    assert troubles == []


def test_policy_stops_what_a_page_should_not_hold(tab: Tab, address: str) -> None:
    """A program or a style that got into a page is not run."""
    tab.goto(address)
    tab.evaluate("""() => {
      document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="window.ran = 1">')
      const script = document.createElement('script')
      script.textContent = 'window.ran = 1'
      document.body.append(script)
    }""")
    tab.wait_for_timeout(50)
    assert tab.evaluate("window.ran") is None


def test_first_column_and_head_stay_in_view_on_a_phone(opened: Opened, address: str) -> None:
    """Within the frame that scrolls, without the page scrolling; the head of a long one too."""
    tab = opened(390)
    tab.goto(f"{address}{HOME}/statements.html")
    frame = tab.locator(".scroll", has=tab.locator("table.matrix"))
    frame.evaluate("one => { one.style.maxHeight = '300px'; one.scrollTo(120, 200) }")
    assert frame.evaluate("one => [one.scrollLeft, one.scrollTop]") == [120, 200]
    corner = place(frame)
    first, third = (place(frame.locator("thead th").nth(k)) for k in (0, 2))
    assert first == pytest.approx(corner, abs=1)
    assert third[1] == pytest.approx(corner[1], abs=1)
    heads = frame.locator("tbody th").all()
    assert {round(place(head)[0]) for head in heads} == {round(corner[0])}
    assert heads[0].evaluate("one => one.offsetWidth") < 0.5 * 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_controls_are_large_and_show_the_focus(
    opened: Opened, address: str, scheme: ColorScheme
) -> None:
    """24 pixels either way; the focus has a ring; none of it is printed."""
    tab = opened(390, scheme)
    for page in ("training", "statements"):
        tab.goto(f"{address}{HOME}/{page}.html")
        tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        controls = [
            one for one in tab.locator("main button, main select").all() if one.is_visible()
        ]
        assert controls
        size = "one => Math.min(one.offsetWidth, one.offsetHeight)"
        assert min(one.evaluate(size) for one in controls) >= 24
        pressed(tab, "Tab")
        controls[0].focus()
        ring = controls[0].evaluate("one => getComputedStyle(one).outlineStyle")
        assert ring == "solid"
        tab.emulate_media(media="print", color_scheme=scheme)
        kept = tab.locator(".controls, .tabs, .filters, .tip, .ring").all()
        assert not any(one.is_visible() for one in kept)
        tab.emulate_media(media="screen", color_scheme=scheme)
