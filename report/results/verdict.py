"""What a machine says to a claim, as a result file keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from report.worker.records import STRICT

Decision = Literal["supported", "contradicted", "inconclusive", "not run"]


@dataclass(frozen=True, kw_only=True)
class Value:
    """A measured number with its 95 % interval.

    Attributes:
        value: In the unit.
        low: Lower end; null where nothing tells, or where only an upper bound is known.
        high: Upper end; null where nothing tells, or where only a lower bound is known.
        unit: In SI, without prefix; empty for a plain number.
        replicates: Processes or seeds that it stands on.
        key: What it is of; numbers with the same key are the same.
        highest_of: Of how many it is the highest or lowest, where it was picked; else 0.
        ties: What the intervals do not separate from it, where it was picked.
    """

    __pydantic_config__ = STRICT

    value: float
    low: float | None
    high: float | None
    unit: str
    replicates: int
    key: str = ""
    highest_of: int = 0
    ties: list[str] = field(default_factory=list)


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
