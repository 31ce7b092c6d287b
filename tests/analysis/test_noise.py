"""How far times can be trusted, by what went on in the machine."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from factories import measured
from report.analysis.noise import Grade, grade
from report.results.machine import Probe


def hashing(*seconds: float) -> list[Probe]:
    """Return the probe with these times; the fastest of them counts."""
    return [Probe(name="hash", seconds=list(seconds))]


def drifted(percent: int) -> str:
    """Return the reason for a grade that a clock gave."""
    return f"the clock drifted by {percent} % between start and end"


QUIET = replace(measured.QUIET, elapsed_s=10.0, probes_after=hashing(1.2e-3, 1.008e-3, 1.1e-3))


UNREAD: dict[str, Any] = {"steal_fraction": None, "other_cores": None}


@pytest.mark.parametrize(
    ("change", "evidence"),
    [
        ({}, "no other load, no steal, clock steady within 0.8 %"),
        (UNREAD, "clock steady within 0.8 %"),
        ({"probes_before": []}, "no other load, no steal"),
        ({"probes_after": [], "steal_fraction": None}, "no other load"),
        ({**UNREAD, "probes_before": []}, "nothing could be read"),
    ],
)
def test_quiet_machine_claims_only_what_was_read(change: dict[str, Any], evidence: str) -> None:
    """A Mac tells nothing of steal, so that its absence is no evidence."""
    seen = [replace(QUIET, **change)] * 2
    assert grade(seen, spread=0.01) == Grade(level="quiet", reasons=[evidence])


def test_worst_of_several_probes_decides() -> None:
    """Each is compared with itself; one that only one end has says nothing."""
    before = [Probe(name="hash", seconds=[1e-3]), Probe(name="copy", seconds=[2e-3])]
    after = [Probe(name="copy", seconds=[2.2e-3]), Probe(name="product", seconds=[5.0])]
    seen = replace(QUIET, probes_before=before, probes_after=after)
    assert grade([seen]).reasons == [drifted(10)]


@pytest.mark.parametrize(
    ("change", "level", "reason"),
    [
        ({"steal_fraction": 0.01}, "quiet", None),
        ({"steal_fraction": 0.0101}, "fair", "the hypervisor took 1 % of CPU time"),
        ({"steal_fraction": 0.05}, "fair", "the hypervisor took 5 % of CPU time"),
        ({"steal_fraction": 0.0512}, "noisy", "the hypervisor took 5.1 % of CPU time"),
        ({"other_cores": 0.1}, "quiet", None),
        ({"other_cores": 0.11}, "fair", "other programs kept 0.11 cores busy"),
        ({"other_cores": 0.5}, "fair", "other programs kept 0.5 cores busy"),
        ({"other_cores": 0.51}, "noisy", "other programs kept 0.51 cores busy"),
        ({"other_cores": 1.0}, "noisy", "other programs kept 1 core busy"),
        ({"probes_after": hashing(1.0299e-3)}, "quiet", None),
        ({"probes_after": hashing(1.0301e-3)}, "fair", drifted(3)),
        ({"probes_after": hashing(1.0999e-3)}, "fair", drifted(10)),
        ({"probes_after": hashing(1.1001e-3)}, "noisy", drifted(10)),
        ({"probes_after": hashing(0.8e-3)}, "noisy", drifted(25)),
        ({"swapped_bytes": 2**20}, "quiet", None),
        ({"swapped_bytes": 2**20 + 1}, "noisy", "the machine swapped 1 MB"),
        ({"throttle_events": 1}, "noisy", "1 thermal throttling event"),
        ({"throttle_events": 3}, "noisy", "3 thermal throttling events"),
    ],
)
def test_disturbance_lowers_the_grade_with_its_number(
    change: dict[str, Any], level: str, reason: str | None
) -> None:
    """On either side of each limit; the worst record decides, and the reason says how bad."""
    result = grade([QUIET, replace(QUIET, **change), QUIET])
    assert result.level == level
    assert len(result.reasons) == 1
    assert reason in (None, *result.reasons)


@pytest.mark.parametrize(
    ("spread", "level"),
    [(None, "quiet"), (0.05, "quiet"), (0.051, "fair"), (0.15, "fair"), (0.151, "noisy")],
)
def test_processes_that_differ_lower_the_grade(spread: float | None, level: str) -> None:
    """Whatever the cause, times that do not repeat are not to be trusted."""
    result = grade([QUIET], spread, "full")
    assert result.level == level
    blamed = re.match(r"processes differ by up to [\d.]+ % \(full\)$", result.reasons[0])
    assert bool(blamed) == (level != "quiet")


def test_all_reasons_are_given_and_the_worst_decides() -> None:
    """Whoever wants to mend it needs the whole list."""
    result = grade([replace(QUIET, steal_fraction=0.02), replace(QUIET, other_cores=0.7)])
    assert (result.level, len(result.reasons)) == ("noisy", 2)


def test_unwatched_machine_is_not_called_quiet() -> None:
    """Nothing seen is no evidence of quiet."""
    assert grade([]) == Grade(level="fair", reasons=["nothing was observed of the machine"])
    assert grade([], spread=0.3).level == "noisy"
