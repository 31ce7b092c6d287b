"""How much a machine's times change from one run to another. Pure.

A machine is not the same an hour later: its clock, its neighbours and the layout of its memory have
changed, and with them all that it times. Processes of one run do not see it, since they share the
state of that run. So a number that speaks of the machine has the variance between runs in its
interval, and a ratio of what one run measured has not: what slows both sides cancels.

The logarithm of a time in a run is that of the machine, plus a part that all times of the run
share, plus a part of its own, whose size goes with what limits the time (`Group`). Part of both
stays the same over a day (`SAME_DAY`), so that runs of one day tell less than runs of several.

Source of the numbers: seven full runs of one two-core machine on two days, rounded by hand, the
larger where days differed; docs/decisions/0018 says more. They are provisional: other machines have
not been asked. `benchmarks/between_runs.py` prints such numbers from result files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from report.worker.records import Labels

Group = Literal["calls", "small products", "large products", "caches", "memory", "training"]
"""What limits a time, as far as it decides how much runs differ."""

COMMON = 0.036
"""Standard deviation between runs, of logarithms, of what all times of a run share."""

OWN: dict[Group, float] = {
    "calls": 0.030,
    "small products": 0.018,
    "large products": 0.025,
    "caches": 0.027,
    "memory": 0.050,
    "training": 0.030,
}
"""The same of what each quantity has to itself, by group."""

FREEDOM = 20.0
"""Degrees of freedom that these numbers are given: assumed, since seven runs have six."""

SAME_DAY = 0.5
"""The share of these variances that runs of one day have in common."""

ENOUGH = 5
"""With this many runs of a machine, they tell its variance better than the numbers above."""

CANCELLED = 1e-9
"""Powers that add up to less are those of a ratio; floating point leaves so much of 0."""

SMALL_FLOPS = 2 * 384**3
"""Products below this take less time than it costs to wake a thread several times."""

MEMORY_BYTES = 2**26
"""Working sets from here on lie in memory, or in a last cache that others use as well."""


def group(kind: str, labels: Labels, flops: int | None = None) -> Group | None:
    """Return the group of what a kind of experiment timed; None of what no clock has a part in."""
    match kind:
        case "matmul":
            return "small products" if (flops or 0) < SMALL_FLOPS else "large products"
        case "bandwidth":
            beyond = int(str(labels.get("working_set_bytes") or 0)) >= MEMORY_BYTES
            return "memory" if beyond else "caches"
        case "overhead":
            return "calls"
        case "training":
            return "training"
    return None


@dataclass(frozen=True, kw_only=True)
class State:
    """The part that a machine's state has in a product of powers of what it measured."""

    weights: tuple[tuple[float, Group], ...]  # the powers, each with its quantity's group
    runs: tuple[str, ...] = ("",)  # when each run began that all of them were measured in, ISO 8601

    def variance(self) -> float:
        """Return the variance that a single run adds; nothing to a ratio within a run."""
        net = math.fsum(weight for weight, _ in self.weights)
        if abs(net) < CANCELLED:
            return 0.0
        own = math.fsum((weight * OWN[of]) ** 2 for weight, of in self.weights)
        return own + (net * COMMON) ** 2

    def of_days(self) -> float:
        """Return the part of it that the mean over the runs has because of their days."""
        days = len({run[:10] for run in self.runs})
        return self.variance() * SAME_DAY / days if days < ENOUGH else 0.0

    def of_mean(self) -> float:
        """Return the variance of the mean over the runs: less with each run and each day."""
        return self.of_days() + self.variance() * (1 - SAME_DAY) / len(self.runs)
