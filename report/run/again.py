"""Decides what is measured again because the machine was disturbed, and which of two is kept.

Only what was seen of the machine decides, never what was measured. Pure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from report.analysis import noise
from report.analysis.noise import disturbance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record


def disturbed(records: Sequence[Record]) -> list[Record]:
    """Return what of a run was measured once, while the machine was noisy or in another state.

    In another state were sweeps whose probes differ from those of the run's others.
    """
    met = [(record, record.conditions) for record in records if record.conditions is not None]
    sweeps = {
        process: [s for r, s in met if r.process == process]
        for process in sorted({r.process for r, _ in met})
    }
    moved = noise.sweeps(sweeps)
    return [
        record
        for record, seen in met
        if (record.status, record.attempts) == ("ok", 1)
        and (disturbance(seen) > 1 or record.process in moved)
    ]


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
