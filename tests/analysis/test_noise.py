"""How far times can be trusted, by what went on in the machine."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from factories import measured
from report.analysis.noise import (
    Grade,
    differences,
    disturbance,
    grade,
    sweeps,
)
from report.worker.records import Probe

if TYPE_CHECKING:
    from report.results.machine import Conditions


def hashing(*seconds: float) -> list[Probe]:
    """Return the probe with these times; their median counts."""
    return [Probe(name="hash", seconds=list(seconds))]


def drifted(percent: int) -> str:
    """Return the reason for a grade that a probe gave."""
    return f"arithmetic drifted by {percent} % from start to end"


QUIET = replace(
    measured.QUIET,
    elapsed_s=10.0,
    probes_before=hashing(1e-3),
    probes_after=hashing(1.008e-3),
    memory_pressure=0.0,
    on_battery=False,
    power_mode="performance",
)

SLOW = (1.06e-3, 1.054e-3, 1.05e-3)

STEADY = "no other load, no time lost to a hypervisor, probes steady within 0.8 %"


def test_quiet_machine_claims_only_what_was_read() -> None:
    """A Mac tells nothing of steal, so that its absence is no evidence; and that is said."""
    seen = replace(QUIET, steal_fraction=None, throttle_events=None, power_mode=None)
    assert grade([QUIET] * 2, spread=0.01) == Grade(level="quiet", reasons=[STEADY])
    found = grade([seen] * 2, spread=0.01)
    assert found.level == "quiet"
    assert "steal" not in found.reasons[0]
    assert found.unread == ["the hypervisor's share", "thermal throttling", "power mode"]


@pytest.mark.parametrize("change", [{"other_cores": None}, {"probes_before": []}])
def test_machine_is_not_quiet_where_what_disturbs_most_was_not_read(change: dict[str, Any]) -> None:
    """Other programs' share and the probes: without either it is unknown, and says which."""
    lacking = replace(QUIET, **change)
    found = grade([lacking, lacking, QUIET])
    assert found.level == "unknown"
    assert found.unread[0] in found.reasons[0]
    # What could be read still speaks against it, and one record of several may lack something.
    assert grade([replace(lacking, steal_fraction=0.02)]).level == "fair"
    assert grade([replace(lacking, steal_fraction=0.2)]).level == "noisy"
    assert grade([lacking, QUIET, QUIET]).level == "quiet"


def test_of_a_single_record_only_arithmetic_is_judged() -> None:
    """The other probes scatter too much from one moment to the next to say anything of a record."""
    after = [*hashing(1.08e-3), Probe(name="copy", seconds=[5.0])]
    before = [*hashing(1e-3), Probe(name="copy", seconds=[1.0])]
    seen = replace(QUIET, probes_before=before, probes_after=after)
    assert grade([seen]).reasons == [drifted(8)]


def test_switches_between_a_workers_own_threads_are_no_disturbance() -> None:
    """More threads than cores take turns; only where others were busy are they to blame."""
    often = replace(QUIET, switches_per_s=12_000.0)
    assert grade([often]).level == "quiet"
    assert grade([replace(often, other_cores=0.2)]).level == "noisy"
    assert grade([replace(often, other_cores=None)]).level == "noisy"


def test_a_sweep_on_another_machine_state_is_told() -> None:
    """By medians over its records: what single records show is mostly scatter."""
    slow = [replace(QUIET, probes_before=hashing(s), probes_after=hashing(s)) for s in SLOW]
    told = sweeps({0: [QUIET] * 3, 1: [QUIET] * 3, 2: slow})
    assert list(told) == [2]
    assert "5 % slower" in told[2][0]
    assert sweeps({0: [QUIET] * 3}) == {}


STEP = [1e-3, 1.002e-3, 0.998e-3, 1.001e-3, 0.999e-3]


@pytest.mark.parametrize(
    ("before", "after", "level"),
    [
        # The fastest is the same, but most are slower: a busy machine lets some through.
        (STEP, [1e-3, 1.3e-3, 1.302e-3, 1.299e-3, 1.301e-3], "noisy"),
        # One that was disturbed is no drift.
        (STEP, [*STEP, 5e-3, 0.2e-3], "quiet"),
        # Medians a tenth apart, with a scatter that explains it.
        ([0.8e-3, 0.9e-3, 1e-3, 1.1e-3, 1.2e-3], [0.9e-3, 1e-3, 1.1e-3, 1.2e-3, 1.3e-3], "quiet"),
    ],
)
def test_probes_are_judged_by_their_median_and_scatter(
    before: list[float], after: list[float], level: str
) -> None:
    """By neither their fastest nor by what single repetitions do."""
    seen = replace(QUIET, probes_before=hashing(*before), probes_after=hashing(*after))
    assert grade([seen]).level == level


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
        ({"probes_after": hashing(1.0499e-3)}, "quiet", None),
        ({"probes_after": hashing(1.0501e-3)}, "fair", drifted(5)),
        ({"probes_after": hashing(1.0999e-3)}, "fair", drifted(10)),
        ({"probes_after": hashing(1.1001e-3)}, "noisy", drifted(10)),
        ({"probes_after": hashing(0.8e-3)}, "noisy", drifted(25)),
        ({"swapped_bytes": 2**20}, "quiet", None),
        ({"swapped_bytes": 2**20 + 1}, "noisy", "it swapped 1 MB"),
        ({"throttle_events": 1}, "noisy", "1 thermal throttling event"),
        ({"throttle_events": 3}, "noisy", "3 thermal throttling events"),
        ({"quota_throttled": 0.01}, "quiet", None),
        ({"quota_throttled": 0.02}, "fair", "a CPU limit cut 2 % of periods short"),
        ({"quota_throttled": 0.95}, "noisy", "a CPU limit cut 95 % of periods short"),
        ({"memory_pressure": 0.01}, "quiet", None),
        ({"memory_pressure": 0.02}, "fair", "short of memory 2 % of the time"),
        ({"memory_pressure": 0.06}, "noisy", "short of memory 6 % of the time"),
        ({"on_battery": False, "power_mode": "performance"}, "quiet", None),
        ({"on_battery": True}, "fair", "it ran on battery"),
        ({"power_mode": "low-power"}, "fair", "the power mode was low-power"),
    ],
)
def test_disturbance_lowers_the_grade_with_its_number(
    change: dict[str, Any], level: str, reason: str | None
) -> None:
    """On either side of each limit; the worst record decides, and the reason says how bad."""
    seen = replace(QUIET, **change)
    result = grade([QUIET, seen, QUIET])
    assert result.level == level
    assert len(result.reasons) == 1
    assert reason is None or result.reasons[0].startswith(reason)
    assert (disturbance(seen) > 1) == (level == "noisy")


@pytest.mark.parametrize(
    ("spread", "level"),
    [(None, "quiet"), (0.05, "quiet"), (0.051, "fair"), (0.15, "fair"), (0.151, "noisy")],
)
def test_processes_that_differ_lower_the_grade(spread: float | None, level: str) -> None:
    """Whatever the cause, times that do not repeat are not to be trusted."""
    result = grade([QUIET], spread)
    assert result.level == level
    blamed = re.match(r"processes differ by up to [\d.]+ %$", result.reasons[0])
    assert bool(blamed) == (level != "quiet")


def test_all_reasons_are_given_and_the_worst_decides() -> None:
    """Whoever wants to mend it needs the whole list."""
    result = grade([replace(QUIET, steal_fraction=0.02), replace(QUIET, other_cores=0.7)])
    assert (result.level, len(result.reasons)) == ("noisy", 2)


def test_unwatched_machine_is_not_called_quiet() -> None:
    """Nothing seen is no evidence of quiet."""
    found = grade([])
    assert (found.level, found.reasons) == ("unknown", ["the machine was not observed"])
    assert grade([], spread=0.3).level == "noisy"


def test_worse_disturbance_is_the_larger_number() -> None:
    """Two attempts are compared by it; what can be neither fair nor noisy counts for nothing."""
    noisy = [replace(QUIET, other_cores=cores) for cores in (0.0, 0.6, 2.0)]
    assert sorted(noisy, key=disturbance) == noisy
    assert disturbance(replace(QUIET, on_battery=True)) == disturbance(QUIET)


def run_of(copy_s: float, records: int = 3) -> list[Conditions]:
    """Return a run's conditions: arithmetic is always the same, copying takes so long."""
    copy = Probe(name="copy", seconds=[copy_s] * 3)
    one = replace(QUIET, probes_before=[*hashing(1e-3), copy], probes_after=[*hashing(1e-3), copy])
    disturbed = replace(one, probes_after=hashing(9e-3))
    return [*[one] * records, disturbed]


def test_run_whose_probes_differ_from_those_of_other_runs_says_so_in_words() -> None:
    """By the median of its records against the median of the others; and which way."""
    others = [run_of(copy_s) for copy_s in (1e-3, 1.01e-3, 7e-3)]
    assert differences(run_of(1.02e-3), others) == []
    (slower,) = differences(run_of(1.1 * 1.01e-3), others)
    assert re.match(r"copying memory .*\b10 % slower", slower)
    (faster,) = differences(run_of(1.01e-3 / 1.2), others)
    assert re.match(r"copying memory .*\b20 % faster", faster)


def test_first_run_and_runs_of_before_there_were_probes_differ_from_nothing() -> None:
    """What older files lack is no alarm."""
    old = [replace(QUIET, probes_before=hashing(1e-3), probes_after=hashing(1e-3))]
    assert differences(run_of(1e-3), []) == []
    assert differences(run_of(5e-3), [old, [], old]) == []
    assert differences([], [run_of(1e-3)]) == []
