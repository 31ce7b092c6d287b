"""Foreign text as it can be shown: on a page, in a terminal, in a message. Pure."""

from __future__ import annotations

import re

from report.text.numerals import count

LINES, LONGEST = 10, 400
"""How much of a message is shown, and of each of its lines."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_HIDDEN = re.compile(
    # Control characters but for the tab and the end of a line, and what turns the direction of
    # writing round, by which a text can look like another one.
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
    # Half characters, and what is none at all.
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{letter: f"\\{letter}" for letter in "{}#$%&_"},
}


def showable(text: str) -> str:
    """Return a text in which each character that cannot be shown is replaced."""
    return _HIDDEN.sub(REPLACEMENT, text)


def brief(text: str) -> str:
    """Return a text that can be shown, cut to ten lines of a sensible length."""
    rows = text.splitlines()
    kept = rows if len(rows) <= LINES + 1 else rows[:LINES]
    shown = [showable(row[:LONGEST] + ("..." if row[LONGEST:] else "")) for row in kept]
    if more := len(rows) - len(kept):
        shown.append(f"... and {count(more, 'line')} more.")
    return "\n".join(shown)


def bibtex(text: str) -> str:
    """Return a text as a value in BibTeX's braces."""
    return re.sub(r"[\\~^{}#$%&_]", lambda found: _SPECIAL[found[0]], text)
