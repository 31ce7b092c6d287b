"""Decides what is measured again because the machine was disturbed, and which of two is kept.

Only what was seen of the machine decides, never what was measured. Pure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from report.analysis.noise import disturbance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record


def disturbed(record: Record) -> bool:
    """Whether it was measured once, and the machine was noisy then."""
    seen = record.conditions
    noisy = seen is not None and disturbance(seen) > 1
    return record.status == "ok" and record.attempts == 1 and noisy


def affordable(costs_s: Sequence[float], left_s: float) -> list[int]:
    """Return the indices of those that the time left suffices for, the earlier ones first."""
    chosen = []
    for index, cost_s in enumerate(costs_s):
        if cost_s <= left_s:
            chosen.append(index)
            left_s -= cost_s
    return chosen


def better(first: Record, second: Record) -> Record:
    """Return the one to keep of two attempts: the second, unless the machine was noisier then."""
    noisier = (
        second.status != "ok"
        or first.conditions is None
        or second.conditions is None
        or disturbance(second.conditions) > disturbance(first.conditions)
    )
    kept = first if noisier else second
    # The start of its process is that of the first: of each process there is one.
    return replace(kept, attempts=first.attempts + 1, import_s=first.import_s)
