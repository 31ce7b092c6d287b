"""What a machine says to the claims, as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from report.claims import verdicts as judged
from report.claims import wording
from report.figures import prose
from report.figures.figure import Sheet
from report.results.result import Decision, Result, Source, StoredClaim, Verdict, source_of
from report.text.names import title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.worker.records import Scalar

SIGNS: dict[Decision, str] = {
    "supported": "\N{CHECK MARK}",
    "too small to matter": "\N{ALMOST EQUAL TO}",
    "contradicted": "\N{MULTIPLICATION SIGN}",
    "inconclusive": "?",
    "not run": "\N{EN DASH}",
}
"""A verdict is a word, a sign and a colour: a reader needs only one of them."""


@dataclass(frozen=True, kw_only=True)
class VerdictView:
    """A verdict on a page."""

    judged: Verdict
    claim: StoredClaim
    anchor: str
    source: Source
    framework: str  # with which it was judged; empty where there is only one, and none is named
    leading: bool  # the page is about this one; other frameworks stand beside it in a table
    sign: str
    ratio: str  # what is divided by what, to be above 1, or what is limited; empty if neither
    effect: Markup
    interval: str  # of 95 %; empty if there is none
    finding: Markup  # what was measured, in a sentence or two
    because: Markup  # what decides it, in the claim's own words with this run's numbers, if any

    @property
    def css(self) -> str:
        """Return the verdict as a class of the style sheet."""
        return self.judged.verdict.replace(" ", "-")


class Matrix(NamedTuple):
    """Claims by framework."""

    frameworks: list[str]
    rows: list[tuple[VerdictView, list[VerdictView | None]]]  # None where not asked


def views(result: Result) -> list[VerdictView]:
    """Return all verdicts that a result holds: the chapter's, then ours, as the claims stand."""
    several = len({verdict.backend for verdict in result.verdicts}) > 1
    leaders = judged.leading(result)
    every = [
        _view(result, verdict, several=several, leading=verdict in leaders)
        for verdict in result.verdicts
    ]
    return sorted(every, key=lambda view: view.source != "chapter")


def grouped(verdicts: Sequence[VerdictView]) -> list[tuple[str, list[VerdictView]]]:
    """Group verdicts by source and by section of the chapter, in their order."""
    groups: dict[str, list[VerdictView]] = {}
    for one in verdicts:
        beyond = "Our own: " if one.source == "ours" else ""
        groups.setdefault(f"{beyond}{one.claim['section']}", []).append(one)
    return list(groups.items())


def by_framework(verdicts: Sequence[VerdictView]) -> Matrix:
    """Return the claims that several frameworks were judged by, with the verdict of each."""
    asked = [one for one in verdicts if one.judged.verdict != "not run"]
    frameworks = list(dict.fromkeys(one.framework for one in asked))
    claims: dict[str, dict[str, VerdictView]] = {}
    for one in asked:
        claims.setdefault(one.judged.claim, {})[one.framework] = one
    rows = [[row.get(name) for name in frameworks] for row in claims.values() if len(row) > 1]
    firsts = [next(filter(None, row)) for row in rows]
    return Matrix(
        frameworks, [(one, _alike(one, row)) for one, row in zip(firsts, rows, strict=True)]
    )


def _alike(first: VerdictView, row: Sequence[VerdictView | None]) -> list[VerdictView | None]:
    """Tell all ratios of a row in the direction of the first, so that they can be compared."""
    turn = wording.turned(first.judged)
    return [
        one and replace(one, effect=wording.effect(one.claim, one.judged, prose.tagged, turn=turn))
        for one in row
    ]


def _view(result: Result, verdict: Verdict, *, several: bool, leading: bool) -> VerdictView:
    claim = result.config["claims"][verdict.claim]
    turn = wording.turned(verdict)
    effect = wording.told(claim, verdict, turn=turn)
    return VerdictView(
        judged=verdict,
        claim=claim,
        # An underscore, which no experiment's name has: those are anchors as well.
        anchor=f"claim_{verdict.claim}",
        source=source_of(claim),
        framework=title(verdict.backend) if several or claim.get("backend") else "",
        leading=leading,
        sign=SIGNS[verdict.verdict],
        ratio=wording.ratio(claim, turn=turn),
        effect=wording.effect(claim, verdict, prose.tagged),
        interval=wording.interval(effect) if effect else "",
        finding=_typeset(wording.finding(claim, verdict, prose.tagged)),
        because=_typeset(wording.because(claim, verdict, prose.tagged)),
    )


def _typeset(text: Markup) -> Markup:
    return Markup(prose.typeset(text))  # noqa: S704 (it was before)


def sheet(result: Result) -> Sheet:
    """Return all verdicts with their inputs, for download."""
    rows = [_row(verdict, result.config["claims"][verdict.claim]) for verdict in result.verdicts]
    return Sheet(header=[*rows[0]], rows=[[*row.values()] for row in rows])


def _row(verdict: Verdict, claim: StoredClaim) -> dict[str, Scalar]:
    row: dict[str, Scalar] = {
        "claim": verdict.claim,
        "backend": verdict.backend,
        "source": source_of(claim),
        "says": claim["says"],
        "section": claim["section"],
        "relation": claim["relation"],
        "verdict": verdict.verdict,
        "marginal": verdict.marginal or None,
        "kind": verdict.kind if verdict.effect else None,
    }
    fields = {"": "value", "_low95": "low", "_high95": "high", "_unit": "unit", "_key": "key"}
    for name in ("effect", "left", "right"):
        value = getattr(verdict, name)
        row |= {f"{name}{end}": getattr(value, field, None) for end, field in fields.items()}
    del row["effect_unit"]  # it has none
    replicates = verdict.effect.replicates if verdict.effect else None
    return row | {"replicates": replicates, "noise": verdict.grade, "reason": verdict.reason}
