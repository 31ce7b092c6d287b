"""What templates say: numbers in prose come by name, or are marked as the chapter's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from report.figures.prose import PARAGRAPH, environment, paragraphs, typeset
from report.resources import templates

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATES = sorted(templates().rglob("*.html"))

NAMED = "\N{OBJECT REPLACEMENT CHARACTER}"
"""Stands for what an expression puts in."""

ALLOWED = {
    "95 % is the level of every interval": r"\b95 %",
    "2.5 % is what that leaves on each side": r"\b2\.5 % each",
    "100 % is all": r"\b100 %",
    "1 is the ratio of equals": r"\b(?:above|holds) 1(?=[ ,])",
    "the factor of the squared error": r"\b1/2\b",
    "the law of the gradient's noise": r"\b1/√b",
    "the limit of a stable learning rate": r"\b2 ?/ ?λ",
    "what a step leaves of an error": "\\b1 \N{MINUS SIGN} lr λ",
    "the correction for a finite population": "\\(n \N{MINUS SIGN} 1\\)",
    "numbers that a product moves": r"\b2 n \+ 1\b|\bn² \+ 2 n\b|\b3 n²",
    "operations of a product": rf"\b2 (?:n|· {NAMED})³",
    "number formats": r"(?i)\b(?:float(?:32|64)|tf32)\b",
    "a network": r"\bResNet-50\b",
    "a year": r"\bISMM 2013\b",
    "a licence": r"\bCC BY 4\.0",
    "a hash": r"\bSHA-256\b",
}
"""Digits that no setting decides, each as narrow as it is read."""


def literals(source: str) -> str:
    """Return what a template says by itself: text, words and bare numbers in expressions."""
    parts: list[str] = []
    tag: list[tuple[str, str]] = []
    for _, kind, value in environment().lex(source):
        if kind == "data":
            parts.append(value)
        elif kind.endswith("_begin"):
            tag = []
        elif kind in {"variable_end", "block_end"}:
            output = kind == "variable_end"
            if output or tag[0][1] == "set":
                parts += [text for part, text in tag if part == "string"]
            bare = output and len(tag) == 1 and tag[0][0] in {"integer", "float"}
            parts.append(tag[0][1] if bare else NAMED if output else "")
        elif kind != "whitespace":
            tag.append((kind, value))
    text = re.sub(r"<(script|style|pre)\b.*?</\1>", " ", "".join(parts), flags=re.DOTALL)
    text = re.sub(r"<[^<>]*>", "", text)
    return " ".join(re.sub(r"&#?\w+;", " ", text).split())


def numbers(source: str) -> list[str]:
    """Return digits in a template's prose that are neither named nor allowed, each in context."""
    text = literals(source)
    for pattern in ALLOWED.values():
        text = re.sub(pattern, "", text)
    return [text[max(0, m.start() - 30) : m.end() + 30] for m in re.finditer(r"\d[\d.,]*", text)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_numbers_in_prose_come_by_name(path: Path) -> None:
    """What a setting decides cannot be told wrong if it is put in; the chapter's own are marked."""
    # Powers and formulas are no numbers of anybody's: they are listed above.
    assert not numbers(path.read_text(encoding="utf-8"))


def test_what_is_allowed_is_said_somewhere() -> None:
    """An exception that nothing needs would hide the next fault."""
    every = " ".join(literals(path.read_text(encoding="utf-8")) for path in TEMPLATES)
    assert {why for why, pattern in ALLOWED.items() if not re.search(pattern, every)} == set()


@pytest.mark.parametrize(
    "source",
    [
        "<p>By element there are 65,536 products.</p>",
        "It takes {{ 3 }} steps",
        'It takes {{ "about 3" if many else "one" }}',
        '{% set words = "all 1,500 examples" %}',
        "at 96 %",
        "a ratio above 1.5",
        "the factor 1/20",
        "2 m³",
    ],
)
def test_a_number_of_ones_own_is_found(source: str) -> None:
    """In text, in an expression, and beside what is allowed."""
    assert numbers(source)


@pytest.mark.parametrize(
    "source",
    [
        "blocks of {{ 64|chapter }} columns",
        "{{ size|si('s') }} and {{ (1e3 * size)|round(2) }}",
        '<td colspan="3">{{ "{:,}".format(size) }}&nbsp;&#8211;</td>',
        "{# 12 of them #}{% if size > 1 %}more{% endif %}",
        "the interval lies above 1 and 95&nbsp;% of them below",
    ],
)
def test_what_is_named_or_marked_is_no_fault(source: str) -> None:
    """Nor are attributes, entities, comments and arithmetic."""
    assert not numbers(source)


def test_an_explanation_has_a_paragraph_for_each_mark() -> None:
    """What nothing is said in is none, as where a mark ends what was left out."""
    text = f"\n One \n thing . {PARAGRAPH}\n \n{PARAGRAPH} <a>Another</a>. {PARAGRAPH}\n"
    assert paragraphs(text) == "<p>One thing.</p>\n<p><a>Another</a>.</p>"
    assert paragraphs(f" {PARAGRAPH}\n") == ""


def test_apostrophes_are_curved_and_quotes_are_not() -> None:
    """In text and where it was escaped; what quotes a name or a command stays as it was typed."""
    curved = "the loader\N{RIGHT SINGLE QUOTATION MARK}s share"
    assert typeset("the loader's share") == typeset("the loader&#39;s share") == curved
    assert typeset("pip install 'x[y]==1'") == "pip install 'x[y]==1'"
    assert typeset("it has no 'torch' here") == "it has no 'torch' here"
