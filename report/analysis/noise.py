"""Says how far times can be trusted, by what went on in the machine. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from report.results.machine import Conditions

Level = Literal["quiet", "fair", "noisy"]
LEVELS: tuple[Level, ...] = ("quiet", "fair", "noisy")

# Each pair is where a machine stops being quiet and where it starts being noisy. The differences
# that the report is about are of 10 % and more, and a median forgives some disturbed samples.

# The hypervisor's share falls on single samples; above a few percent it reaches the median.
STEAL_FAIR = 0.01
STEAL_NOISY = 0.05
# A tenth of a core is what a desktop at rest needs; half a core takes a thread's place at times.
OTHER_CORES_FAIR = 0.1
OTHER_CORES_NOISY = 0.5
# A short computation repeats within 1 or 2 % on a steady clock; 10 % is a step of the clock.
DRIFT_FAIR = 0.03
DRIFT_NOISY = 0.10
# Less than this is a background program being moved out; more may have been the worker's data.
SWAPPED_NOISY_BYTES = 2**20
# The processor slows down abruptly and by much, so that one event is too many.
THROTTLE_NOISY_EVENTS = 0
# Fresh processes differ by some percent through the layout of memory alone (Mytkowicz et al.,
# "Producing Wrong Data Without Doing Anything Obviously Wrong!", ASPLOS 2009).
SPREAD_FAIR = 0.05
SPREAD_NOISY = 0.15


@dataclass(frozen=True, kw_only=True)
class Grade:
    """How far times from this machine can be trusted, and why, in words.

    Fair is where the large differences hold, noisy where one has to measure again.
    """

    level: Level
    reasons: list[str]


def grade(conditions: Sequence[Conditions], spread: float | None = None, where: str = "") -> Grade:
    """Judge how far the times can be trusted, by the worst that was seen.

    The spread is the largest ratio between two processes' medians of one series, less 1; `where`
    says in words which series that is.
    """
    findings = _findings(conditions, spread, where)
    if not conditions:
        findings.append((1, "nothing was observed of the machine"))
    worst = max(severity for severity, _ in findings)
    reasons = [words for severity, words in findings if severity > 0]
    return Grade(level=LEVELS[worst], reasons=reasons or [_quiet(conditions)])


def _findings(
    conditions: Sequence[Conditions], spread: float | None, where: str
) -> list[tuple[int, str]]:
    """Put each kind of disturbance in words, with its level's place in `LEVELS`."""
    steal = _largest(each.steal_fraction for each in conditions)
    other = _largest(each.other_cores for each in conditions)
    drift = _largest(_drift(each) for each in conditions)
    swapped = _largest(each.swapped_bytes for each in conditions)
    throttled = _largest(each.throttle_events for each in conditions)
    spread = spread or 0.0
    took = f"the hypervisor took {_percent(steal)} of CPU time"
    kept = f"other programs kept {_number(other, 'core')} busy"
    drifted = f"the clock drifted by {_percent(drift)} between start and end"
    moved = f"the machine swapped {f'{swapped / 1e6:.1f}'.removesuffix('.0')} MB"
    events = _number(throttled, "thermal throttling event")
    differ = f"processes differ by up to {_percent(spread)}{f' ({where})' if where else ''}"
    return [
        (int(value > fair) + int(value > noisy), words)
        for value, fair, noisy, words in (
            (steal, STEAL_FAIR, STEAL_NOISY, took),
            (other, OTHER_CORES_FAIR, OTHER_CORES_NOISY, kept),
            (drift, DRIFT_FAIR, DRIFT_NOISY, drifted),
            (swapped, SWAPPED_NOISY_BYTES, SWAPPED_NOISY_BYTES, moved),
            (throttled, THROTTLE_NOISY_EVENTS, THROTTLE_NOISY_EVENTS, events),
            (spread, SPREAD_FAIR, SPREAD_NOISY, differ),
        )
    ]


def _quiet(conditions: Sequence[Conditions]) -> str:
    """Say what was looked for and not found; what could not be read is not claimed."""
    drifts = [drift for each in conditions if (drift := _drift(each)) is not None]
    claims = [
        ("no other load", any(each.other_cores is not None for each in conditions)),
        ("no steal", any(each.steal_fraction is not None for each in conditions)),
        (f"clock steady within {_percent(_largest(drifts))}", bool(drifts)),
    ]
    return ", ".join(words for words, observed in claims if observed) or "nothing could be read"


def _largest(values: Iterable[float | None]) -> float:
    """Find the largest of what could be read; 0 if nothing could, which raises no alarm."""
    return max((value for value in values if value is not None), default=0.0)


def _drift(conditions: Conditions) -> float | None:
    """Return by how much the fastest time of a probe changed, at most; None without probes."""
    after = {probe.name: min(probe.seconds) for probe in conditions.probes_after}
    ends = [
        (min(probe.seconds), after[probe.name])
        for probe in conditions.probes_before
        if probe.name in after
    ]
    return max((max(pair) / min(pair) - 1 for pair in ends), default=None)


def _percent(fraction: float) -> str:
    digits = 1 if fraction < 0.0995 else 0
    return f"{100 * fraction:.{digits}f}".removesuffix(".0") + " %"


def _number(value: float, noun: str) -> str:
    words = f"{value:.2g}" if value < 100 else f"{value:.0f}"
    return f"{words} {noun}" if words == "1" else f"{words} {noun}s"
