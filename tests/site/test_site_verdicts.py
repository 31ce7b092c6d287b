"""Verdicts on pages: the chapter's apart from ours, each outcome by sign, word and colour."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

import pytest

from factories import small_results
from factories.small_results import products
from pages import Report, gather, report_of, words
from report import resources
from report.claims.verdicts import of_result
from report.results.result import Decision
from report.site import verdicts
from report.site.compare import side_by_side
from report.site.digest import statements

if TYPE_CHECKING:
    from report.results.result import Result

COLUMN = {"experiment": "products", "series": {"strategy": "column"}}
ROW = {"series": {"strategy": "row"}}

CLAIMS: dict[str, dict[str, Any]] = {
    # By column it takes 1.3 times as long as by row, in each of three processes.
    "ours-first": {"right": ROW, "says": "Ours stands first."},
    "supported": {"right": ROW, "least": 1.2, "source": "chapter"},
    "small": {"right": ROW, "least": 1.5, "source": "chapter"},
    "contradicted": {"right": ROW, "relation": "less", "source": "chapter"},
    "open": {"right": {"series": {"strategy": "block"}}, "source": "chapter"},
    "marginal": {"left": {**COLUMN, "series": {"strategy": "full"}}, "right": 0.8, "least": 1.24},
    "missing": {"right": {"series": {"strategy": "element"}}, "section": "Elsewhere"},
}
EXPECTED: dict[str, Decision] = {
    "ours-first": "supported",
    "small": "too small to matter",
    "open": "inconclusive",
    "marginal": "supported",
    "missing": "not run",
}


@pytest.fixture(name="result", scope="module")
def of_every_outcome() -> Result:
    """Return a result whose claims have every outcome."""
    measured = products(
        column=[[1.3], [1.3], [1.3]],
        row=[[1.0], [1.0], [1.0]],
        block=[[1.0], [1.3], [1.7]],
        full=[[0.99], [1.0], [1.01]],
    )
    claims = {
        name: small_results.claim(**{"left": COLUMN, "says": f"It is {name}.", **keys})
        for name, keys in CLAIMS.items()
    }
    return small_results.result(measured, claims)


@pytest.fixture(name="page", scope="module")
def pages_of_result(result: Result) -> Report:
    """Return the machine's pages."""
    return report_of(gather([result]), result.machine.id)


def table(page: Report) -> list[list[str]]:
    """Return the rows of the table of verdicts."""
    found = next(each for each in page.elements("table") if "verdicts" in str(each.get("class")))
    return [[words(cell) for cell in row] for row in found.iter("tr")]


def test_the_chapters_statements_come_first_and_ours_under_a_heading(page: Report) -> None:
    """Whatever order the claims stand in; each group says where in the chapter it belongs."""
    rows = table(page)
    beyond = [k for k, row in enumerate(rows) if row[0].startswith("Our own")]
    ours = [
        k for k, (first, *_) in enumerate(rows) if "Ours stands" in first or "marginal" in first
    ]
    theirs = [k for k, (first, *_) in enumerate(rows) if re.search("small|contra|open", first)]
    assert len(beyond) == 2
    assert max(theirs) < min(beyond) < min(ours)


def test_the_headline_counts_the_chapters_apart(page: Report) -> None:
    """One of four holds, one by too little to matter; ours cannot change that."""
    (lead,) = [each for each in page.elements("p") if each.get("class") == "lead"]
    assert "Of 4 statements of the chapter, 1 holds here." in words(lead)
    told = page.words("verdicts_here")
    assert "Of 4 statements of the chapter, 1 holds, 1 holds by too little to matter" in told
    assert "of 3 statements of our own, 2 hold and 1 is not measured" in told


def test_the_headline_does_not_count_what_was_not_measured(result: Result) -> None:
    """Else a machine with fewer frameworks looks as if more did not hold there."""
    claims: Any = {name: {**one} for name, one in result.config["claims"].items()}
    claims["missing"]["source"] = "chapter"
    changed = replace(result, config={**result.config, "claims": claims})
    page = report_of(gather([changed]), result.machine.id)
    (lead,) = [each for each in page.elements("p") if each.get("class") == "lead"]
    assert "Of 4 statements of the chapter that were measured, 1 holds here." in words(lead)


def test_each_outcome_has_a_sign_a_word_and_a_colour(page: Report) -> None:
    """None of them has to be seen; and none is like another's."""
    style = (resources.templates() / "style.css").read_text(encoding="utf-8")
    marks: dict[str, str] = {}
    for row in table(page):
        if len(row) == 3 and (found := re.search(r"It is ([a-z-]+)\.", row[0])):
            marks[found[1]] = row[1]
    for name, decision in EXPECTED.items():
        if name in marks:
            assert marks[name].startswith(f"{verdicts.SIGNS[decision]} {decision}")
    assert marks["marginal"].endswith("possibly by too little to matter")
    assert "possibly" not in marks["supported"]
    decisions = get_args(Decision)
    assert len({*verdicts.SIGNS.values()}) == len(decisions)
    colours = [
        re.search(rf"^\.verdict\.{one.replace(' ', '-')} {{ color: (\S+);", style, re.MULTILINE)
        for one in decisions
    ]
    assert len({found[1] for found in colours if found}) == len(decisions)


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.2 of a colour such as #1d6b3c."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return sum(w * x for w, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_of_verdicts_can_be_read_in_both_themes(theme: str) -> None:
    """At least 4.5 to 1 on the page, and on what is raised from it."""
    style = (resources.templates() / "style.css").read_text(encoding="utf-8")
    light, dark = style.split("prefers-color-scheme: dark", 1)
    values = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light if theme == "light" else dark))
    for name in ("good", "slight", "bad", "doubt", "muted"):
        for ground in ("paper", "raised"):
            pair = sorted((luminance(values[name]), luminance(values[ground])), reverse=True)
            assert (pair[0] + 0.05) / (pair[1] + 0.05) >= 4.5


def test_the_sheet_says_whose_a_claim_is_and_whether_it_is_marginal(result: Result) -> None:
    """A reader of the file needs no page."""
    judged = replace(result, verdicts=of_result(result))
    rows = list(csv.DictReader(io.StringIO(verdicts.sheet(judged).csv().decode())))
    by_claim = {row["claim"]: row for row in rows}
    assert {name: by_claim[name]["verdict"] for name in EXPECTED} == EXPECTED
    assert [by_claim[name]["source"] for name in ("small", "marginal")] == ["chapter", "ours"]
    assert [name for name, row in by_claim.items() if row["marginal"]] == ["marginal"]


def test_machines_side_by_side_have_the_chapters_statements_first(result: Result) -> None:
    """Also those that only the second machine was asked."""
    both = replace(result, verdicts=of_result(result))
    ours = [v for v in verdicts.views(both) if v.source == "ours"]
    rows = side_by_side([statements(ours), statements(verdicts.views(both))])
    assert list(rows) == ["chapter", "ours"]
    assert [row[0] for _, _, row in rows["chapter"]] == [None] * 4
    assert all(row[0] == row[1] for _, _, row in rows["ours"])


def test_a_machine_with_one_framework_shares_rows_with_one_that_has_several(
    result: Result,
) -> None:
    """A framework that is alone is not named on its machine's pages, and is still the same one."""
    alone = verdicts.views(replace(result, verdicts=of_result(result)))
    among = [replace(one, framework="PyTorch") for one in alone]
    both = side_by_side([statements(alone), statements(among)])
    rows = [row for each in both.values() for row in each]
    assert len(rows) == len(alone)
    assert all(says.endswith(" (PyTorch)") and all(cells) for says, _, cells in rows)


def test_a_claim_that_names_a_framework_shows_it(result: Result) -> None:
    """Also where there is no other: the sentence speaks of that one."""
    claim = small_results.claim(left=COLUMN, right=ROW, backend="pytorch", source="chapter")
    one = small_results.result(result.records, {"of-one": claim})
    one.verdicts = of_result(one)
    (view,) = verdicts.views(one)
    assert (view.framework, view.leading) == ("PyTorch", True)
    assert verdicts.grouped([view]) == [("12.5", [view])]
