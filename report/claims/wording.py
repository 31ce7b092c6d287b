"""Verdicts in words, with this run's numbers in them: markup, in which who asks tags them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from report.figures import prose
from report.text.numerals import count, digits, percent, scaled, sentence, times

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from report.results.result import Decision, Source, StoredClaim, StoredSide, Value, Verdict

    Tag = Callable[[Value, str], Markup]

_PREFIXED = {"s", "FLOPS", "B/s", "B"}
"""Units that take SI prefixes in print."""

WAYS: dict[str, Callable[[float], str]] = {
    "percent": percent,
    "rest": lambda value: percent(1 - value),
    "times": times,
    "inverse": lambda value: times(1 / value),
    "loss": "{:.4f}".format,
}
"""What may stand behind the colon of `{name:...}`: a fraction, what is missing of 100 %, a factor,
one divided by it, a loss with four decimals."""


@dataclass(frozen=True)
class Said:
    """A value as text, and what makes a page's element of it."""

    value: Value
    tag: Tag

    def __html_format__(self, way: str) -> str:
        """Write the value in one of `WAYS`, or without any as its unit asks."""
        write = WAYS.get(way)
        value, unit = self.value.value, self.value.unit
        return self.tag(self.value, write(value) if write else number(value, unit))


def number(value: float, unit: str) -> str:
    """Write a value in its unit: "4.28 ms", "1,500 examples", "8.9 FLOP/B", "9.3"."""
    if unit in _PREFIXED:
        return scaled(value, unit)
    if unit:
        # Examples are counted where the loss is evaluated, every few hundred of them.
        return f"{digits(value, 2 if unit == 'examples' else 3)} {unit}"
    return times(value)


def interval(value: Value) -> str:
    """Write the interval of an effect: "9.1 to 9.5", "at least 4.2"; empty if there is none."""
    low, high = (_signed(end, value.unit) for end in (value.low, value.high))
    if value.low is None and value.high is None:
        return ""
    if value.high is None:
        return f"at least {low}"
    if value.low is None:
        return f"at most {high}"
    return low if low == high else f"{low} to {high}"


_COUNTED: dict[Decision, tuple[str, str]] = {
    "supported": ("holds", "hold"),
    "too small to matter": ("holds by too little to matter", "hold by too little to matter"),
    "contradicted": ("is contradicted", "are contradicted"),
    "inconclusive": ("is inconclusive", "are inconclusive"),
    "not run": ("is not measured", "are not measured"),
}
"""What one statement does, and what several do."""


def tally(judged: Collection[tuple[Source, Decision]]) -> str:
    """Count verdicts, the chapter's apart from ours; empty without any.

    "Of 30 statements of the chapter, 24 hold, 1 holds by too little to matter and 5 are
    contradicted; of 20 statements of our own, 20 hold".
    """
    parts = []
    for source, owner in (("chapter", "the chapter"), ("ours", "our own")):
        mine = [decision for whose, decision in judged if whose == source]
        said = [f"{n} {words[n > 1]}" for d, words in _COUNTED.items() if (n := mine.count(d))]
        if said:
            *first, last = said
            listed = f"{', '.join(first)} and {last}" if first else last
            parts.append(f"of {count(len(mine), 'statement')} of {owner}, {listed}")
    return sentence("; ".join(parts))


def turned(verdict: Verdict) -> bool:
    """Return whether a ratio is told the other way round: nobody thinks of 37 times as 0.027."""
    return (
        verdict.kind != "exponent" and verdict.effect is not None and 0 < verdict.effect.value < 1
    )


def told(claim: StoredClaim, verdict: Verdict, *, turn: bool) -> Value | None:
    """Return an effect as it is told: a ratio that is `turn`ed is one divided by it.

    Where the claim sets a limit, what was measured is told and not how often the limit goes in.
    """
    one, left, limit = verdict.effect, verdict.left, claim["right"]
    if one and left and isinstance(limit, int | float):
        low = None if one.low is None else left.low
        return replace(left, low=low, high=None if one.high is None else left.high)
    if one is None or not turn:
        return one
    low, high = (None if end is None or end <= 0 else 1 / end for end in (one.high, one.low))
    return replace(one, value=1 / one.value, low=low, high=high, key=one.key and f"1 / ({one.key})")


def effect(
    claim: StoredClaim, verdict: Verdict, tag: Tag = prose.tagged, *, turn: bool | None = None
) -> Markup:
    """Write an effect for a table: "9.31", "exponent -0.498"; above 1 unless `turn` says."""
    value = told(claim, verdict, turn=turned(verdict) if turn is None else turn)
    if value is None:
        return Markup()
    said = tag(value, _as_precise(value))
    return Markup("exponent {}").format(said) if verdict.kind == "exponent" else said


def _as_precise(value: Value) -> str:
    """Write a value in no fewer digits than the interval beside it, or it may lie outside."""
    if not interval(value) or value.unit in _PREFIXED:
        return number(value.value, value.unit)
    return f"{_signed(value.value)} {value.unit}".rstrip()


def finding(claim: StoredClaim, verdict: Verdict, tag: Tag = prose.tagged) -> Markup:
    """Say in one or two sentences what was measured and what of it decides."""
    turn = turned(verdict)
    value = told(claim, verdict, turn=turn) or verdict.effect
    sides = ((side_name(claim["left"]), verdict.left), (_right_name(claim), verdict.right))
    return prose.block(
        "finding.html",
        "finding",
        claim=claim,
        verdict=verdict,
        turn=turn,
        measured=value and tag(value, _as_precise(value)),
        ends=value and interval(value),
        implied=_signed(claim["exponent"]),
        ratio=ratio(claim),
        sides=[
            (name, tag(v, number(v.value, v.unit)), v is verdict.left) for name, v in sides if v
        ],
    )


def ratio(claim: StoredClaim, *, turn: bool = False) -> str:
    """Say what is divided by what, or limited: "by element \u00f7 by column"; else empty."""
    if claim["relation"] == "power-law":
        return ""
    if isinstance(limit := claim["right"], int | float):
        than = {"greater": "more than ", "less": "less than "}.get(claim["relation"], "")
        return f"{side_name(claim['left'])} (claimed: {than}{limit:,g})"
    sides = [side_name(claim["left"]), _right_name(claim)]
    return " \N{DIVISION SIGN} ".join(sides[::-1] if turn else sides)


def _right_name(claim: StoredClaim) -> str:
    """Name what is measured to compare with."""
    if isinstance(claim["right"], dict):
        return side_name(claim["right"])
    return f"after {count(claim['after'] or 0, 'epoch')}"


def _signed(value: float | None, unit: str = "") -> str:
    if value is not None and unit in _PREFIXED:
        return scaled(value, unit)
    return digits(value).replace("-", "\N{MINUS SIGN}")


def side_name(side: StoredSide) -> str:
    """Name a quantity: as its author does, else by its labels."""
    if side["name"]:
        return side["name"]
    return ", ".join(str(value) for value in side["series"].values()) or side["experiment"]


def because(claim: StoredClaim, verdict: Verdict, tag: Tag = prose.tagged) -> Markup:
    """Return the claim's own explanation with this run's numbers; empty if one is missing."""
    text = claim["because"].get(verdict.verdict, "")
    given = {"left": verdict.left, "right": verdict.right, "effect": verdict.effect}
    finite = {name: one for name, one in given.items() if one and math.isfinite(one.value)}
    said = {name: Said(value, tag) for name, value in (verdict.numbers | finite).items()}
    try:
        return escape(text).format(**said)
    except (KeyError, ZeroDivisionError):
        return Markup()
