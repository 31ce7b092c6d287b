"""Watches the machine while something is timed; `report.analysis.noise` judges what it saw."""

from __future__ import annotations

import contextlib
import os
import time
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil

from report.machine import surroundings
from report.machine.probes import probes
from report.machine.processor import frequency
from report.machine.surroundings import ask
from report.results.machine import Conditions
from report.worker.host import ROOT, read_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from report.worker.records import BoardReading, Probe

# The kernel counts CPU time in ticks of 10 ms; over less than this they would say little.
SHORTEST_S = 0.5


@dataclass(frozen=True, kw_only=True)
class _Counters:
    """What is read at both ends, each counting up since some time in the past."""

    clock_s: float
    busy_s: float
    steal_s: float | None
    total_s: float
    worker_s: float | None
    reaped_s: float
    swapped_bytes: int | None
    throttled: dict[tuple[str, str], int]
    switches: int | None = None
    waited_s: float | None = None
    quota: dict[str, tuple[int, int]] = field(default_factory=dict)


class Watch:
    """Observes the machine from its making until `stop`.

    The worker's processes are what is measured; all else that is busy is a disturbance.
    """

    def __init__(self, pid: int, *, root: Path = ROOT) -> None:
        """Start to watch the machine around a worker and its children."""
        self._root = root
        self._worker: psutil.Process | None = ask(psutil.Process, pid)[0]
        self._load_before = _load()
        self._frequency_before_hz = frequency(root)[0]
        self._battery_before = surroundings.on_battery()
        self._probes_before = probes()
        self._before = self._read()  # last, so that the probes are not counted

    def stop(
        self,
        before: Sequence[Probe] = (),
        after: Sequence[Probe] = (),
        readings: Sequence[BoardReading] = (),
    ) -> Conditions:
        """Return what went on since the start; the worker may have died meanwhile.

        Its own probes of an accelerator join those that are taken here, and what that's sensors
        read as it went on.
        """
        seen = _between(self._before, self._read())  # first, for the same reason
        batteries = self._battery_before, surroundings.on_battery()
        return Conditions(
            **seen,
            load_before=self._load_before,
            probes_before=[*self._probes_before, *before],
            probes_after=[*probes(), *after],
            frequency_before_hz=self._frequency_before_hz,
            frequency_after_hz=frequency(self._root)[0],
            on_battery=max((each for each in batteries if each is not None), default=None),
            power_mode=surroundings.power_mode(self._root),
            **_clock(readings),
        )

    def _read(self) -> _Counters:
        times, why = ask(psutil.cpu_times)
        busy = ("user", "nice", "system", "irq", "softirq")  # "user" has the guests' time in it
        own = os.times()
        return _Counters(
            clock_s=time.perf_counter(),
            busy_s=sum(getattr(times, name, 0.0) for name in busy),
            steal_s=getattr(times, "steal", None),
            total_s=sum(getattr(times, name, 0.0) for name in (*busy, "idle", "iowait", "steal")),
            # Without the machine's time the worker's says nothing of others.
            worker_s=None if why else ask(_tree_time, self._worker)[0],
            reaped_s=own.children_user + own.children_system,
            swapped_bytes=_swapped_bytes(),
            throttled=_throttle_counts(self._root),
            switches=_switches(self._worker),
            waited_s=surroundings.waited_for_memory_s(self._root),
            quota=surroundings.quota_counts(self._root),
        )


def _between(before: _Counters, after: _Counters) -> dict[str, Any]:
    """Work out what counters say that went on from one reading to the other."""
    elapsed_s = after.clock_s - before.clock_s
    worker_s = _worker_time(before, after)
    others_s = None if worker_s is None else max(0.0, after.busy_s - before.busy_s - worker_s)
    pressure = _per(_grown(before.waited_s, after.waited_s), elapsed_s)
    seen: dict[str, Any] = {
        "other_cores": _per(others_s, elapsed_s),
        "steal_fraction": _per(
            _grown(before.steal_s, after.steal_s), after.total_s - before.total_s
        ),
        "memory_pressure": None if pressure is None else min(1.0, pressure),
        "switches_per_s": _per(_grown(before.switches, after.switches), worker_s),
    }
    if elapsed_s < SHORTEST_S:
        seen = dict.fromkeys(seen)
    return seen | {
        "elapsed_s": elapsed_s,
        "swapped_bytes": _grown(before.swapped_bytes, after.swapped_bytes),
        "throttle_events": _throttle_events(before.throttled, after.throttled),
        "quota_throttled": _quota_throttled(before.quota, after.quota),
    }


def _clock(readings: Sequence[BoardReading]) -> dict[str, Any]:
    """Work out by how much an accelerator's clock fell, and what held it down."""
    clocks = [reading.clock_hz for reading in readings if reading.clock_hz]
    return {
        "clock_fall": 1 - min(clocks) / max(clocks) if clocks else None,
        "clock_limits": sorted({limit for each in readings for limit in each.limits or ()}),
    }


def _grown(before: float | None, after: float | None) -> float | None:
    """Return by how much a counter has grown; None where it could not be read at both ends."""
    return None if before is None or after is None else max(after - before, 0)


def _per(amount: float | None, span_s: float | None) -> float | None:
    """Return an amount in a second; None where one is not known, or too little passed to say."""
    if amount is None or span_s is None or span_s <= 0 or span_s < SHORTEST_S:
        return None
    return amount / span_s


def _load() -> float | None:
    if psutil.WINDOWS:  # where psutil needs minutes of its own before it can say
        return None
    averages, _ = ask(psutil.getloadavg)
    return averages[0] if averages else None


def _swapped_bytes() -> int | None:
    if psutil.WINDOWS:  # where psutil always says 0
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # psutil's way of saying that it cannot
        swap, _ = ask(psutil.swap_memory)
    return None if swap is None else int(swap.sin + swap.sout)


def _tree_time(worker: psutil.Process | None) -> float | None:
    """Add up the CPU seconds of the worker and its children; None if it is gone."""
    if worker is None:
        return None
    processes = worker.children(recursive=True)
    seconds = _process_time(worker)
    if not worker.is_running():
        return None  # the number belongs to another process by now
    for process in processes:
        with contextlib.suppress(psutil.Error):  # it ended; whoever waited for it has its time
            seconds += _process_time(process)
    return seconds


def _process_time(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def _worker_time(before: _Counters, after: _Counters) -> float | None:
    """Work out the worker's CPU seconds, also if it ended and this process waited for it."""
    reaped_s = after.reaped_s - before.reaped_s
    if before.worker_s is None or (after.worker_s is None and reaped_s == 0):
        return None
    return (after.worker_s or 0.0) + reaped_s - before.worker_s


def _switches(worker: psutil.Process | None) -> int | None:
    """Read how often a worker was put aside for another program; Linux counts its first thread."""
    counts = None if worker is None else ask(worker.num_ctx_switches)[0]
    return None if counts is None else int(counts.involuntary)


def _quota_throttled(
    before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]
) -> float | None:
    """Return the largest share of a group's periods in which its quota was used up."""
    return max(
        (
            (after[group][1] - used_up) / max(1, after[group][0] - periods)
            for group, (periods, used_up) in before.items()
            if group in after
        ),
        default=None,
    )


def _throttle_counts(root: Path) -> dict[tuple[str, str], int]:
    """Read how often each core, and its package, was throttled: ("package", "cpu0"): 3."""
    files = (root / "sys/devices/system/cpu").glob("cpu[0-9]*/thermal_throttle/*_throttle_count")
    counts = {(file.name.split("_")[0], file.parts[-3]): read_text(file) for file in files}
    return {key: int(count) for key, count in counts.items() if count and count.isdecimal()}


def _throttle_events(
    before: dict[tuple[str, str], int], after: dict[tuple[str, str], int]
) -> int | None:
    grown = {key: max(0, count - before[key]) for key, count in after.items() if key in before}
    # Every core of a package counts the package's events, so that their sum would be too many.
    packages = [events for (part, _), events in grown.items() if part == "package"]
    return sum(grown.values()) - sum(packages) + max(packages, default=0) if grown else None
