"""What every made-up record has: times as a stopwatch keeps them, and a quiet machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from report.results.machine import Conditions
from report.worker.records import Probe, Timing
from report.worker.timing import median, median_interval

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

QUIET = Conditions(
    elapsed_s=2.0,
    load_before=0.1,
    other_cores=0.02,
    steal_fraction=0.0,
    swapped_bytes=0,
    throttle_events=0,
    probes_before=[Probe(name="hash", seconds=[1.3e-3, 1e-3])],
    probes_after=[Probe(name="hash", seconds=[1e-3])],
    frequency_before_hz=None,
    frequency_after_hz=None,
)
BUSY = replace(QUIET, other_cores=2.0)
"""Other programs keep two cores busy: noisy, whatever else."""

SAMPLES = 12
"""As many as a made-up series has in each process."""


def timing(elapsed_s: Sequence[float], *, loops: int = 1, first_s: float | None = None) -> Timing:
    """Make a timing of samples.

    Args:
        elapsed_s: Seconds of each, of so many calls.
        loops: Calls in a sample.
        first_s: Seconds of the first call of all, the cold one; else as the first sample's.
    """
    per_call = [span / loops for span in elapsed_s]
    low, high = median_interval(per_call) or (None, None)
    return Timing(
        warmups=3,
        warmup_s=[per_call[0] if first_s is None else first_s, per_call[0], per_call[0]],
        inner_loops=loops,
        samples=len(elapsed_s),
        elapsed_s=list(elapsed_s),
        stopped="budget",
        median_s=median(per_call),
        low_s=low,
        high_s=high,
    )


def drawn(call_s: float, rng: random.Random) -> Timing:
    """Make a timing of calls that take so long, and up to 2 % longer."""
    loops = max(1, round(0.002 / call_s))
    elapsed = [loops * call_s * (1 + 0.02 * rng.random()) for _ in range(SAMPLES)]
    return timing(elapsed, loops=loops, first_s=9 * call_s)
