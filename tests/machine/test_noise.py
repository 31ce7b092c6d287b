"""What disturbs a measurement, as counters tell it that began long ago."""

from __future__ import annotations

import subprocess
import sys
import warnings
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from pydantic import TypeAdapter, ValidationError

from report.machine import noise
from report.machine.noise import Watch
from report.results.machine import Conditions, Probe

if TYPE_CHECKING:
    from pathlib import Path

CPUS = "sys/devices/system/cpu"

COUNTERS = noise._Counters(
    clock_s=100.0,
    busy_s=50.0,
    steal_s=1.0,
    total_s=200.0,
    worker_s=5.0,
    reaped_s=2.0,
    swapped_bytes=10_000,
    throttled={},
)

BUSY = "import time\nwhile time.process_time() < 0.2: pass"


def hashing(*seconds: float) -> list[Probe]:
    """Return the probe with these times."""
    return [Probe(name="hash", seconds=list(seconds))]


def between(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Conditions:
    """Stop a watch that began with COUNTERS, ten seconds later, with these changes."""
    readings = iter([COUNTERS, replace(COUNTERS, **{"clock_s": 110.0, **changes})])
    monkeypatch.setattr(Watch, "_read", lambda _: next(readings))
    monkeypatch.setattr(noise, "probes", lambda: hashing(1e-3))
    return Watch().stop()


SEEN: list[tuple[dict[str, Any], str, float | None]] = [
    # Of twelve busy seconds in ten, the worker's eight leave others 0.4 cores.
    ({"busy_s": 62.0, "worker_s": 13.0}, "other_cores", 0.4),
    # A worker that ended: 5 s at the start and 13 s when it was waited for are 8 s of its own.
    ({"busy_s": 62.0, "worker_s": None, "reaped_s": 15.0}, "other_cores", 0.4),
    # Its time is lost: nobody can say whose the busy time was, so that no one is accused.
    ({"busy_s": 62.0, "worker_s": None}, "other_cores", None),
    # Two clocks with different ticks may disagree; the result never goes below zero.
    ({"busy_s": 58.0, "worker_s": 13.1}, "other_cores", 0.0),
    # Two cores for ten seconds are twenty; half a second stolen is 2.5 %.
    ({"steal_s": 1.5, "total_s": 220.0}, "steal_fraction", 0.025),
    # What was swapped before the start is not held against the run.
    ({"swapped_bytes": 14_096}, "swapped_bytes", 4096),
    ({}, "swapped_bytes", 0),
    ({"swapped_bytes": None}, "swapped_bytes", None),
]


@pytest.mark.parametrize(("changes", "name", "expected"), SEEN)
def test_worker_is_no_disturbance_to_itself_and_others_are_by_what_they_took(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], name: str, expected: float | None
) -> None:
    """Between the start and the end, in cores, as a share of all CPU time, and in bytes."""
    assert getattr(between(monkeypatch, **changes), name) == pytest.approx(expected)


def test_system_without_steal_does_not_claim_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only Linux tells it."""
    monkeypatch.setattr(noise, "SHORTEST_S", 0.0)
    times = iter([SimpleNamespace(user=1.0, idle=1.0), SimpleNamespace(user=2.0, idle=2.0)])
    monkeypatch.setattr(psutil, "cpu_times", lambda: next(times))
    assert Watch().stop().steal_fraction is None


def test_short_watch_says_nothing_of_cpu_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ticks of 10 ms would turn into a false alarm."""
    seen = between(monkeypatch, clock_s=100.1, busy_s=50.1, steal_s=1.1, total_s=200.2)
    assert (seen.other_cores, seen.steal_fraction) == (None, None)


def test_load_is_that_of_the_minute_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ran before may still be cooling down or flushing; the run's own load is no news."""
    loads = iter([(0.7, 0.0, 0.0), (2.0, 0.0, 0.0)])
    monkeypatch.setattr(psutil, "getloadavg", lambda: next(loads))
    assert between(monkeypatch).load_before == 0.7


def test_throttling_of_a_package_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each core repeats its package's count; each core's own events add up."""
    monkeypatch.setattr(noise, "probes", lambda: hashing(1e-3))

    def set_counts(core: int, package: int) -> None:
        for cpu in ("cpu0", "cpu1"):
            folder = tmp_path / CPUS / cpu / "thermal_throttle"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "core_throttle_count").write_text(f"{core}\n")
            (folder / "package_throttle_count").write_text(f"{package}\n")

    set_counts(core=7, package=100)
    watch = Watch(root=tmp_path)
    set_counts(core=8, package=103)
    assert watch.stop().throttle_events == 1 + 1 + 3


def test_unreadable_throttling_is_not_zero(tmp_path: Path) -> None:
    """Virtual machines do not show it."""
    assert Watch(root=tmp_path).stop().throttle_events is None


@pytest.mark.parametrize("dead_before_start", [True, False])
def test_watch_survives_the_death_of_its_worker(
    monkeypatch: pytest.MonkeyPatch, *, dead_before_start: bool
) -> None:
    """A crashed worker is an ordinary failure; its record still gets its conditions."""
    monkeypatch.setattr(noise, "SHORTEST_S", 0.0)
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    if dead_before_start:
        process.communicate()
    watch = Watch(process.pid)
    process.kill()
    process.communicate()
    seen = watch.stop()
    assert isinstance(seen, Conditions)
    if dead_before_start:  # nobody can say what it had used by then
        assert seen.other_cores is None


@pytest.mark.parametrize("named", [True, False])
def test_children_count_as_the_worker(*, named: bool) -> None:
    """What a child uses up is found while it lives, and after it was waited for."""
    run = f"subprocess.run([sys.executable, '-c', {BUSY!r}])"
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import subprocess, sys; input(); {run}; print(flush=True); input()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    watch = Watch(process.pid if named else None)
    process.stdin.write(b"\n")
    process.stdin.flush()
    process.stdout.readline()  # the child has ended, its parent has not
    alive = noise._worker_time(watch._before, watch._read())
    process.communicate(b"\n")
    ended = noise._worker_time(watch._before, watch._read())
    # The child used 0.2 s; the kernel's ticks may hide some of it.
    assert alive is not None
    assert alive >= 0.15
    assert ended is not None
    assert ended >= 0.15


def test_number_of_a_dead_worker_may_belong_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system gives numbers again; a stranger's time is not taken for the worker's."""
    worker = psutil.Process()
    monkeypatch.setattr(worker, "is_running", lambda: False)
    assert noise._tree_time(worker) is None


def test_system_that_cannot_tell_swapping_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Psutil warns and returns zeros, which must not pass for a quiet machine."""

    def swap_memory() -> SimpleNamespace:
        warnings.warn("'sin' and 'sout' were set to 0", RuntimeWarning, stacklevel=2)
        return SimpleNamespace(sin=0, sout=0)

    monkeypatch.setattr(psutil, "swap_memory", swap_memory)
    assert noise._swapped_bytes() is None


def test_what_cannot_be_read_in_a_new_way_ends_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library's own failure costs facts about the machine, never the measurement."""
    monkeypatch.setattr(noise, "SHORTEST_S", 0.0)

    def fail(*_: object, **__: object) -> None:
        raise SystemError("returned a result with an exception set")

    for name in ("Process", "cpu_times", "getloadavg", "swap_memory", "cpu_freq"):
        monkeypatch.setattr(psutil, name, fail)
    seen = Watch(1).stop()
    facts = seen.other_cores, seen.steal_fraction, seen.load_before, seen.swapped_bytes
    assert facts == (None, None, None, None)


def test_windows_does_not_claim_what_it_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """There psutil always answers 0 to these two."""
    monkeypatch.setattr(psutil, "WINDOWS", True)
    assert (noise._swapped_bytes(), noise._load()) == (None, None)


def test_conditions_of_this_machine_survive_being_written_and_read() -> None:
    """They are part of each record in a result file."""
    adapter = TypeAdapter(Conditions)
    seen = Watch().stop()
    assert adapter.validate_json(adapter.dump_json(seen), strict=True) == seen
    for (probe,) in (seen.probes_before, seen.probes_after):
        assert probe.name == "hash"
        assert len(probe.seconds) > 1


@pytest.mark.parametrize("seconds", [[], [1e-3, 0.0], [-1e-3]])
def test_probe_that_took_no_time_is_refused(seconds: list[float]) -> None:
    """A stranger's file could hold one, and ratios are made of them."""
    with pytest.raises(ValidationError):
        TypeAdapter(Probe).validate_python({"name": "hash", "seconds": seconds})
