"""Result -> verdicts: every claim of its configuration, on every backend that it concerns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from report.analysis import bootstrap
from report.claims import evidence, judge
from report.claims.evidence import Missing
from report.machine import noise
from report.text.numerals import round_derived
from report.worker.records import STRICT

if TYPE_CHECKING:
    from report.analysis.bootstrap import Effect
    from report.claims.evidence import Found
    from report.claims.judge import Judgement
    from report.claims.spec import StoredClaim, StoredSide
    from report.results.result import Record, Result

Decision = Literal["supported", "contradicted", "inconclusive", "not run"]

NO_BACKEND = "none"
"""Judged by none: the experiment that the claim is about is not in the plan."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """A measured number with its 95 % interval.

    Attributes:
        value: In the unit.
        low: Lower end; null where nothing tells, or where only an upper bound is known.
        high: Upper end; null where nothing tells, or where only a lower bound is known.
        unit: In SI, without prefix; empty for a plain number.
        replicates: Processes or seeds that it stands on.
    """

    __pydantic_config__ = STRICT

    value: float
    low: float | None
    high: float | None
    unit: str
    replicates: int


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a machine says to a claim.

    Attributes:
        claim: Its id.
        backend: With which framework.
        verdict: supported, contradicted, inconclusive, or not run.
        effect: What decides: a ratio, or an exponent; null if not run.
        kind: Which of the two.
        left: The quantity that the claim is about; null for a power law.
        right: What it is compared with.
        numbers: More quantities that explain it, those that were measured.
        grade: How quiet the machine was: quiet, fair, noisy; empty where no clock has a part.
        reason: Why nothing is decided, and what to do; empty otherwise.
        left_out: Processes that were disturbed, so that their times have no part in it.
    """

    __pydantic_config__ = STRICT

    claim: str
    backend: str
    verdict: Decision
    effect: Value | None = None
    kind: Literal["ratio", "exponent"] = "ratio"
    left: Value | None = None
    right: Value | None = None
    numbers: dict[str, Value] = field(default_factory=dict)
    grade: str = ""
    reason: str = ""
    left_out: int = 0


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
        case = judges.get(claim["relation"], _compared)(result, backend, name, claim)
    except Missing as missing:
        return Verdict(claim=name, backend=backend, verdict="not run", reason=str(missing))
    decision, grade, reason = _gated(case)
    judged = case.judgement
    return Verdict(
        claim=name,
        backend=backend,
        verdict=decision,
        effect=_rounded_value(judged.value, judged.low, judged.high, "", case.effect.replicates),
        kind="exponent" if claim["relation"] == "power-law" else "ratio",
        left=case.left,
        right=case.right,
        numbers=_numbers(result, backend, claim),
        grade=grade,
        reason=reason,
        left_out=_left_out(result, backend, case),
    )


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A judgement with what it was made from.

    Attributes:
        judgement: What the interval says.
        effect: What was judged.
        records: What was measured for it.
        timed: Whether a clock has a part in it.
        left: The quantity that the claim is about.
        right: What it is compared with.
    """

    judgement: Judgement
    effect: Effect
    records: list[Record]
    timed: bool
    left: Value | None = None
    right: Value | None = None


def _compared(result: Result, backend: str, name: str, claim: StoredClaim) -> _Case:
    left = evidence.side(result, backend, claim["left"])
    factors, records = list(left.factors), list(left.records)
    above, below, timed = left.above, left.below, left.timed
    right = claim["right"]
    if isinstance(right, dict):
        other = evidence.side(result, backend, right)
        factors += other.inverted()
        records += [record for record in other.records if record not in records]
        above, below, timed = above or other.below, below or other.above, timed or other.timed
        shown = _value(other, f"{name} right")
        effect = bootstrap.effect(factors, name)
    else:
        constant = float(right or 1)
        shown = Value(value=constant, low=None, high=None, unit=left.unit, replicates=0)
        effect = bootstrap.effect(factors, name).over(constant)
    match claim["relation"]:
        case "greater":
            judged = judge.greater(effect, claim["least"], above=above, below=below)
        case "less":
            judged = judge.less(effect, claim["least"], above=above, below=below)
        case _:
            judged = judge.equivalent(effect, claim["margin"], censored=above or below)
    return _Case(
        judgement=judged,
        effect=effect,
        records=records,
        timed=timed,
        left=_value(left, f"{name} left"),
        right=shown,
    )


def _stalls(result: Result, backend: str, name: str, claim: StoredClaim) -> _Case:
    """Compare the beginning and the end of a run with what it is after some epochs."""
    end = evidence.side(result, backend, claim["left"])
    turn, start = (
        evidence.side(result, backend, _at(claim["left"], epoch)) for epoch in (claim["after"], 0)
    )
    falls = bootstrap.effect(start.factors + turn.inverted(), f"{name} falls")
    goes_on = bootstrap.effect(end.factors + turn.inverted(), name)
    return _Case(
        judgement=judge.stalls(falls, goes_on, claim["least"]),
        effect=goes_on,
        records=end.records,
        timed=end.timed,
        left=_value(end, f"{name} left"),
        right=_value(turn, f"{name} right"),
    )


def _power_law(result: Result, backend: str, name: str, claim: StoredClaim) -> _Case:
    sweep = evidence.sweep(result, backend, claim["left"], str(claim["along"]))
    slope = bootstrap.exponent(sweep.x, sweep.groups, sweep.family, name)
    return _Case(
        judgement=judge.power_law(
            slope, float(claim["exponent"] or 0), claim["tolerance"], censored=sweep.censored
        ),
        effect=slope,
        records=sweep.records,
        timed=sweep.timed,
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
    spread = None
    if not judged.unanimous and len(case.effect.each) > 1:
        spread = judge.exp(max(case.effect.each) - min(case.effect.each)) - 1
    grade = noise.grade([r.conditions for r in case.records if r.conditions], spread)
    if grade.level != "noisy" or judged.verdict == "inconclusive":
        return judged.verdict, grade.level, judged.reason
    why = "; ".join(grade.reasons)
    return (
        "inconclusive",
        grade.level,
        f"the machine was too noisy for a verdict ({why}); measure again on a quieter one",
    )


def _left_out(result: Result, backend: str, case: _Case) -> int:
    """Count the processes of the same experiments that were too disturbed to count."""
    if not case.timed:
        return 0
    names = dict.fromkeys(record.experiment for record in case.records)
    every = [r for name in names for r in result.of(name) if r.backend == backend]
    return len(every) - len(case.records)


def _numbers(result: Result, backend: str, claim: StoredClaim) -> dict[str, Value]:
    """Return what else was measured of what the claim's explanation names."""
    found = {}
    for key, wanted in claim["numbers"].items():
        try:
            found[key] = _value(evidence.side(result, backend, wanted), key)
        except Missing:
            continue
    return found


def _value(found: Found, seed: str) -> Value:
    effect = bootstrap.effect(found.factors, seed)
    ends = effect.ends() or (None, None)
    low, high = (None if end is None else judge.exp(end) for end in ends)
    low, high = None if found.below else low, None if found.above else high
    return _rounded_value(judge.exp(effect.log), low, high, found.unit, effect.replicates)


def _rounded_value(
    value: float, low: float | None, high: float | None, unit: str, replicates: int
) -> Value:
    low, high = (None if end is None else round_derived(end) for end in (low, high))
    return Value(value=round_derived(value), low=low, high=high, unit=unit, replicates=replicates)


def _at(side: StoredSide, epoch: int | None) -> StoredSide:
    moved = side.copy()
    moved["epoch"] = epoch
    return moved
