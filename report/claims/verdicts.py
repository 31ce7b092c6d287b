"""Result -> verdicts: every claim of its configuration, on every backend that it concerns.

A claim that names a backend concerns that one alone: the sentence speaks of it.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.analysis import estimate, noise
from report.analysis.estimate import Estimate, exponent, product
from report.claims import judge
from report.claims.evidence import Evidence, Found, Missing, divided
from report.results.result import Decision, Result, StoredClaim, Value, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator


NO_BACKEND = "none"
"""Judged by none: the experiment that the claim is about is not in the plan."""


def of_result(result: Result) -> list[Verdict]:
    """Judge every claim of a result, in the order of its configuration."""
    evidence = Evidence(result)
    return [_judged(evidence, *asked) for asked in _asked(result)]


def cases(result: Result) -> Iterator[tuple[str, str, Case]]:
    """Yield what each verdict stands on, with the claim's id and the backend, where it can."""
    evidence = Evidence(result)
    for backend, name, claim in _asked(result):
        with contextlib.suppress(Missing):
            yield name, backend, _case(evidence, backend, claim)


def _asked(result: Result) -> Iterator[tuple[str, str, StoredClaim]]:
    for name, claim in result.config["claims"].items():
        planned = result.config["experiments"].get(claim["left"]["experiment"])
        named = claim.get("backend")
        every = [NO_BACKEND] if planned is None else [named] if named else planned["backends"]
        yield from ((backend, name, claim) for backend in every)


def leading(result: Result) -> list[Verdict]:
    """Return the verdicts of the framework that a claim names, else of its experiment's lead."""
    claims = result.config["claims"]
    leads = {name: result.lead(claim["left"]["experiment"]) for name, claim in claims.items()}
    wanted = {name: claim.get("backend") or leads[name] for name, claim in claims.items()}
    return [v for v in result.verdicts if v.backend in {wanted[v.claim], NO_BACKEND}]


def _judged(evidence: Evidence, backend: str, name: str, claim: StoredClaim) -> Verdict:
    try:
        case = _case(evidence, backend, claim)
    except Missing as missing:
        return Verdict(claim=name, backend=backend, verdict="not run", reason=str(missing))
    decision, grade, reason = _gated(case)
    judged, measured = case.judgement, case.measured
    left_out = measured.left_out.keys() - measured.records.keys()
    return Verdict(
        claim=name,
        backend=backend,
        verdict=decision,
        marginal=judged.marginal and decision == "supported",
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
        numbers=_numbers(evidence, backend, claim),
        grade=grade,
        reason=reason,
        left_out=len(left_out) if measured.timed else 0,
    )


@dataclass(frozen=True, kw_only=True)
class Case:
    """A judgement with the effect that was judged, and what was measured for it."""

    judgement: judge.Judgement
    effect: Estimate
    measured: Found
    left: Value | None = None
    right: Value | None = None


def _case(evidence: Evidence, backend: str, claim: StoredClaim) -> Case:
    judges = {"power-law": _power_law, "stalls": _stalls}
    return judges.get(claim["relation"], _compared)(evidence, backend, claim)


def _compared(evidence: Evidence, backend: str, claim: StoredClaim) -> Case:
    left = evidence.side(backend, claim["left"])
    right = claim["right"]
    if isinstance(right, dict):
        other = evidence.side(backend, right)
        both = divided(left, other)
        effect, shown = product(both.factors), _value(other)
    else:
        both, constant = left, float(right or 1)
        effect = product(left.factors).scaled(1 / constant)
        shown = Value(value=constant, low=None, high=None, unit=left.unit, replicates=0)
    match claim["relation"]:
        case "greater":
            judged = judge.greater(effect, claim["least"], above=both.above, below=both.below)
        case "less":
            judged = judge.less(effect, claim["least"], above=both.above, below=both.below)
        case _:
            censored = both.above or both.below
            judged = judge.equivalent(effect, claim["margin"], censored=censored)
    return Case(judgement=judged, effect=effect, measured=both, left=_value(left), right=shown)


def _stalls(evidence: Evidence, backend: str, claim: StoredClaim) -> Case:
    """Compare the beginning and the end of a run with what it is after some epochs."""
    end = evidence.side(backend, claim["left"])
    turn = evidence.side(backend, {**claim["left"], "epoch": claim["after"]})
    start = evidence.side(backend, {**claim["left"], "epoch": 0})
    falls = product(divided(start, turn).factors)
    goes_on = product(divided(end, turn).factors)
    return Case(
        judgement=judge.stalls(falls, goes_on, claim["least"]),
        effect=goes_on,
        measured=end,
        left=_value(end),
        right=_value(turn),
    )


def _power_law(evidence: Evidence, backend: str, claim: StoredClaim) -> Case:
    sweep = evidence.sweep(backend, claim["left"], str(claim["along"]))
    slope = exponent([(sweep.x, sweep.factors)])
    claimed, tolerance = float(claim["exponent"] or 0), claim["tolerance"]
    judged = judge.within(slope, claimed - tolerance, claimed + tolerance, censored=sweep.above)
    return Case(judgement=judged, effect=slope, measured=sweep)


def _gated(case: Case) -> tuple[Decision, str, str]:
    """Return the verdict, the grade of the noise, and why nothing is decided.

    How far processes differ is part of the interval already; it forbids a verdict only where
    they do not even agree on the answer.
    """
    judged = case.judgement
    if not case.measured.timed:
        return judged.verdict, "", judged.reason
    each = case.effect.each
    if case.measured.x:
        each = tuple(math.exp(one) for one in each)  # an exponent may be negative
    spread = None if judged.unanimous else estimate.spread([[one] for one in each])
    seen = [r.conditions for r in case.measured.records.values() if r.conditions]
    grade = noise.grade(seen, spread)
    if grade.level != "noisy" or judged.verdict == "inconclusive":
        return judged.verdict, grade.level, judged.reason
    why = f"the machine was too noisy for a verdict ({'; '.join(grade.reasons)})"
    if noise.grade(seen).level == "noisy":
        return "inconclusive", grade.level, f"{why}; measure again on a quieter one"
    why = f"{noise.apart(spread or 0)} and disagree on the answer"
    return "inconclusive", grade.level, f"{why}; measure in more of them"


def _numbers(evidence: Evidence, backend: str, claim: StoredClaim) -> dict[str, Value]:
    """Return what else was measured of what the claim's explanation names."""
    found = {}
    for key, wanted in claim["numbers"].items():
        with contextlib.suppress(Missing):
            found[key] = _value(evidence.side(backend, wanted))
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
