"""What disturbs a measurement, as counters tell it that began long ago."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from pydantic import TypeAdapter, ValidationError

from factories.trees import tree
from report.analysis.noise import PROBES, grade
from report.machine import noise, surroundings
from report.machine.noise import Watch
from report.results.machine import Conditions
from report.worker.records import Probe

if TYPE_CHECKING:
    from pathlib import Path

OWN = os.getpid()
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
    switches=20,
    waited_s=3.0,
    quota={"own": (100, 5), "outer": (10, 1)},
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
    return Watch(OWN).stop()


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
    # Half a second of ten waited for memory, and not what was waited for before.
    ({"waited_s": 3.5}, "memory_pressure", 0.05),
    ({"waited_s": None}, "memory_pressure", None),
    # 400 times in the worker's eight seconds.
    ({"worker_s": 13.0, "switches": 420}, "switches_per_s", 50.0),
    ({"worker_s": 13.0, "switches": None}, "switches_per_s", None),
    # The group that was cut short most; what was so before the start does not count.
    ({"quota": {"own": (200, 35), "outer": (20, 1)}}, "quota_throttled", 0.3),
    ({"quota": {}}, "quota_throttled", None),
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
    assert Watch(OWN).stop().steal_fraction is None


def test_short_watch_says_nothing_of_cpu_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ticks of 10 ms would turn into a false alarm."""
    changes = {"busy_s": 50.1, "steal_s": 1.1, "total_s": 200.2, "worker_s": 5.1, "waited_s": 3.1}
    seen = between(monkeypatch, clock_s=100.1, switches=30, **changes)
    assert (seen.other_cores, seen.steal_fraction) == (None, None)
    assert (seen.switches_per_s, seen.memory_pressure) == (None, None)


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
            counts = {"core_throttle_count": core, "package_throttle_count": package}
            tree(tmp_path / CPUS / cpu / "thermal_throttle", counts)

    set_counts(core=7, package=100)
    watch = Watch(OWN, root=tmp_path)
    set_counts(core=8, package=103)
    assert watch.stop().throttle_events == 1 + 1 + 3


def test_unreadable_throttling_is_not_zero(tmp_path: Path) -> None:
    """Virtual machines do not show it."""
    assert Watch(OWN, root=tmp_path).stop().throttle_events is None


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


def test_children_count_as_the_worker() -> None:
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
    watch = Watch(process.pid)
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
    seen = Watch(OWN).stop()
    assert adapter.validate_json(adapter.dump_json(seen), strict=True) == seen


def test_probes_try_all_that_is_used_several_times() -> None:
    """Arithmetic, vectors, memory and the interpreter, so that each has a median."""
    seen = Watch(OWN).stop()
    for end in (seen.probes_before, seen.probes_after):
        assert [probe.name for probe in end] == ["hash", "vector", "copy", "interpreter"]
        assert all(len(probe.seconds) >= 3 for probe in end)
        assert {probe.name for probe in end} <= set(PROBES)


def test_probes_of_an_accelerator_join_those_of_the_processor() -> None:
    """The worker takes them, since the parent has no framework."""
    before, after = (Probe(name="device-product", seconds=[s]) for s in (1e-3, 2e-3))
    seen = Watch(OWN).stop([before], [after])
    assert (seen.probes_before[-1], seen.probes_after[-1]) == (before, after)


STAT = "nr_periods {}\nnr_throttled {}\nthrottled_usec {}"


@pytest.mark.parametrize(
    ("group", "folder"), [("0::/", "sys/fs/cgroup"), ("3:cpu,cpuacct:/a", "sys/fs/cgroup/cpu/a")]
)
def test_container_that_reaches_its_limit_is_noisy(tmp_path: Path, group: str, folder: str) -> None:
    """Both versions of control groups count the periods that were cut short."""
    stat = f"{folder}/cpu.stat"
    tree(tmp_path, {"proc/self/cgroup": group, stat: STAT.format(40, 3, 0)})
    watch = Watch(OWN, root=tmp_path)
    tree(tmp_path, {stat: STAT.format(140, 98, 31_000_000)})
    seen = replace(watch.stop(), other_cores=0.0, steal_fraction=0.0, swapped_bytes=0)
    assert seen.quota_throttled == pytest.approx(0.95)
    found = grade([seen])
    assert found.level == "noisy"
    assert any("limit" in reason for reason in found.reasons)


def test_worker_that_others_push_aside_is_counted() -> None:
    """The kernel counts it, where it does; a worker that is gone has no count."""
    mine = noise._switches(psutil.Process())
    assert mine is None or mine >= 0
    assert noise._switches(None) is None


BATTERY: list[tuple[Any, bool | None]] = [
    (SimpleNamespace(power_plugged=True), False),
    (SimpleNamespace(power_plugged=False), True),
    (SimpleNamespace(power_plugged=None), None),
    (None, None),
]


@pytest.mark.parametrize(("battery", "expected"), BATTERY)
def test_battery_is_told_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, *, battery: Any, expected: bool | None
) -> None:
    """A machine without one does not run on it, nor is it said to be plugged in."""
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery, raising=False)
    assert Watch(OWN).stop().on_battery is expected


def test_battery_that_cannot_be_read_ends_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is foreign raises what it likes, and some systems have no such call."""

    def fail() -> None:
        raise SystemError("returned a result with an exception set")

    monkeypatch.setattr(psutil, "sensors_battery", fail, raising=False)
    assert surroundings.on_battery() is None
    monkeypatch.delattr(psutil, "sensors_battery")
    assert surroundings.on_battery() is None


def test_power_mode_and_waiting_for_memory_are_read_where_linux_has_them(tmp_path: Path) -> None:
    """The profile of the firmware before the preference of the processor."""
    assert surroundings.power_mode(tmp_path) is None
    assert surroundings.waited_for_memory_s(tmp_path) is None
    files = {
        f"{CPUS}/cpu0/cpufreq/energy_performance_preference": "balance_power",
        "proc/pressure/memory": "some avg10=0.00 avg60=0.21 total=2500000\nfull total=7",
    }
    tree(tmp_path, files)
    assert surroundings.power_mode(tmp_path) == "balance_power"
    assert surroundings.waited_for_memory_s(tmp_path) == 2.5
    tree(tmp_path, {"sys/firmware/acpi/platform_profile": "low-power"})
    assert surroundings.power_mode(tmp_path) == "low-power"


@pytest.mark.parametrize("seconds", [[], [1e-3, 0.0], [-1e-3]])
def test_probe_that_took_no_time_is_refused(seconds: list[float]) -> None:
    """A stranger's file could hold one, and ratios are made of them."""
    with pytest.raises(ValidationError):
        TypeAdapter(Probe).validate_python({"name": "hash", "seconds": seconds})
