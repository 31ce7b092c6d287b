"""Result -> verdicts: every claim of its configuration, on every backend that it concerns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.analysis import estimate, noise
from report.analysis.estimate import product
from report.analysis.quantities import power_law
from report.claims import evidence, judge
from report.claims.evidence import Missing
from report.results.result import Value, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from report.analysis.estimate import Estimate
    from report.claims.evidence import Found
    from report.claims.judge import Judgement
    from report.results.result import Decision, Record, Result, StoredClaim, StoredSide

NO_BACKEND = "none"
"""Judged by none: the experiment that the claim is about is not in the plan."""


def of_result(result: Result) -> list[Verdict]:
    """Judge every claim of a result, in the order of its configuration."""
    return [
        _judged(result, backend, name, claim)
        for name, claim in result.config["claims"].items()
        for backend in evidence.backends(result, claim) or [NO_BACKEND]
    ]


def leading(result: Result) -> list[Verdict]:
    """Return the verdicts that a machine's page is about, one for each claim.

    They are those of the framework that leads the claim's experiment; the others stand beside
    them in a table of their own.
    """
    claims = result.config["claims"]
    return [
        verdict
        for verdict in result.verdicts
        if verdict.backend in {result.lead(claims[verdict.claim]["left"]["experiment"]), NO_BACKEND}
    ]


def _judged(result: Result, backend: str, name: str, claim: StoredClaim) -> Verdict:
    judges = {"power-law": _power_law, "stalls": _stalls}
    try:
        case = judges.get(claim["relation"], _compared)(result, backend, claim)
    except Missing as missing:
        return Verdict(claim=name, backend=backend, verdict="not run", reason=str(missing))
    decision, grade, reason = _gated(case)
    judged = case.judgement
    return Verdict(
        claim=name,
        backend=backend,
        verdict=decision,
        effect=Value(
            value=judged.value,
            low=judged.low,
            high=judged.high,
            unit="",
            replicates=case.effect.replicates,
            key=case.effect.key,
        ),
        kind="exponent" if claim["relation"] == "power-law" else "ratio",
        left=case.left,
        right=case.right,
        numbers=_numbers(result, backend, claim),
        grade=grade,
        reason=reason,
        left_out=case.left_out if case.timed else 0,
    )


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A judgement with what it was made from.

    Attributes:
        judgement: What the interval says.
        effect: What was judged.
        records: What counts of what was measured for it.
        left_out: How many processes were too disturbed to count.
        timed: Whether a clock has a part in it.
        each: What each replicate makes of the effect, as a factor.
        left: The quantity that the claim is about.
        right: What it is compared with.
    """

    judgement: Judgement
    effect: Estimate
    records: list[Record]
    left_out: int
    timed: bool
    each: Sequence[float]
    left: Value | None = None
    right: Value | None = None


def _compared(result: Result, backend: str, claim: StoredClaim) -> _Case:
    left = evidence.side(result, backend, claim["left"])
    factors, sides = list(left.factors), [left]
    above, below, timed = left.above, left.below, left.timed
    right = claim["right"]
    if isinstance(right, dict):
        other = evidence.side(result, backend, right)
        factors += other.inverted()
        sides.append(other)
        above, below, timed = above or other.below, below or other.above, timed or other.timed
        shown = _value(other)
        effect = product(factors)
    else:
        constant = float(right or 1)
        shown = Value(value=constant, low=None, high=None, unit=left.unit, replicates=0)
        effect = product(factors).scaled(1 / constant)
    match claim["relation"]:
        case "greater":
            judged = judge.greater(effect, claim["least"], above=above, below=below)
        case "less":
            judged = judge.less(effect, claim["least"], above=above, below=below)
        case _:
            judged = judge.equivalent(effect, claim["margin"], censored=above or below)
    records = _once(record for side in sides for record in side.records)
    left_out = _once(record for side in sides for record in side.left_out)
    return _Case(
        judgement=judged,
        effect=effect,
        records=list(records.values()),
        left_out=len(left_out.keys() - records.keys()),
        timed=timed,
        each=effect.each,
        left=_value(left),
        right=shown,
    )


def _stalls(result: Result, backend: str, claim: StoredClaim) -> _Case:
    """Compare the beginning and the end of a run with what it is after some epochs."""
    end = evidence.side(result, backend, claim["left"])
    turn, start = (
        evidence.side(result, backend, _at(claim["left"], epoch)) for epoch in (claim["after"], 0)
    )
    falls = product(start.factors + turn.inverted())
    goes_on = product(end.factors + turn.inverted())
    return _Case(
        judgement=judge.stalls(falls, goes_on, claim["least"]),
        effect=goes_on,
        records=end.records,
        left_out=len(end.left_out),
        timed=end.timed,
        each=goes_on.each,
        left=_value(end),
        right=_value(turn),
    )


def _power_law(result: Result, backend: str, claim: StoredClaim) -> _Case:
    sweep = evidence.sweep(result, backend, claim["left"], str(claim["along"]))
    slope = power_law([(sweep.x, sweep.quantities)], metric=sweep.rate)
    return _Case(
        judgement=judge.power_law(
            slope, float(claim["exponent"] or 0), claim["tolerance"], censored=sweep.censored
        ),
        effect=slope,
        records=sweep.records,
        left_out=len(sweep.left_out),
        timed=sweep.timed,
        each=[math.exp(one) for one in slope.each],  # an exponent may be negative
    )


def _gated(case: _Case) -> tuple[Decision, str, str]:
    """Take a verdict back where the machine was too noisy for one.

    How far processes differ is part of the interval already; it forbids a verdict only where
    they do not even agree on the answer.

    Returns:
        The verdict, the grade of the noise, and why nothing is decided.
    """
    judged = case.judgement
    if not case.timed:
        return judged.verdict, "", judged.reason
    spread = None if judged.unanimous else estimate.spread([[one] for one in case.each])
    grade = noise.grade([r.conditions for r in case.records if r.conditions], spread)
    if grade.level != "noisy" or judged.verdict == "inconclusive":
        return judged.verdict, grade.level, judged.reason
    why = "; ".join(grade.reasons)
    return (
        "inconclusive",
        grade.level,
        f"the machine was too noisy for a verdict ({why}); measure again on a quieter one",
    )


def _once(records: Iterable[Record]) -> dict[tuple[str, int], Record]:
    """Return the records of one backend, each once."""
    return {(record.experiment, record.process): record for record in records}


def _numbers(result: Result, backend: str, claim: StoredClaim) -> dict[str, Value]:
    """Return what else was measured of what the claim's explanation names."""
    found = {}
    for key, wanted in claim["numbers"].items():
        try:
            found[key] = _value(evidence.side(result, backend, wanted))
        except Missing:
            continue
    return found


def _value(found: Found) -> Value:
    made = product(found.factors)
    tells = made.basis == "replicates"
    return Value(
        value=made.value,
        low=made.low if tells and not found.below else None,
        high=made.high if tells and not found.above else None,
        unit=found.unit,
        replicates=made.replicates,
        key=made.key,
        highest_of=found.picked.estimate.highest_of if found.picked else 0,
        ties=[tie.name() for tie in found.picked.ties] if found.picked else [],
    )


def _at(side: StoredSide, epoch: int | None) -> StoredSide:
    moved = side.copy()
    moved["epoch"] = epoch
    return moved
