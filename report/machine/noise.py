"""Watches the machine while something is timed; `report.analysis.noise` judges what it saw."""

from __future__ import annotations

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

    from report.worker.records import Probe

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

    The processes to be measured count as the worker; all else that is busy is a disturbance.
    """

    def __init__(self, pid: int | None = None, *, root: Path = ROOT) -> None:
        """Start to watch a worker and its children; without one, every child of this process."""
        self._root = root
        self._worker: psutil.Process | None
        self._worker, why = (None, "") if pid is None else ask(psutil.Process, pid)
        self._gone = bool(why)
        self._load_before = _load()
        self._frequency_before_hz = frequency(root)[0]
        self._battery_before = surroundings.on_battery()
        self._probes_before = probes()
        self._before = self._read()  # last, so that the probes are not counted

    def stop(self, before: Sequence[Probe] = (), after: Sequence[Probe] = ()) -> Conditions:
        """Return what went on since the start; the worker may have died meanwhile.

        Its own probes of an accelerator join those that are taken here.
        """
        seen = _between(self._before, self._read())  # first, for the same reason
        batteries = [self._battery_before, surroundings.on_battery()]
        known = [each for each in batteries if each is not None]
        return Conditions(
            **seen,
            load_before=self._load_before,
            probes_before=[*self._probes_before, *before],
            probes_after=[*probes(), *after],
            frequency_before_hz=self._frequency_before_hz,
            frequency_after_hz=frequency(self._root)[0],
            on_battery=any(known) if known else None,
            power_mode=surroundings.power_mode(self._root),
        )

    def _read(self) -> _Counters:
        times, why = ask(psutil.cpu_times)
        busy = ("user", "nice", "system", "irq", "softirq")  # "user" has the guests' time in it
        idle = ("idle", "iowait", "steal")
        steal_s: float | None = getattr(times, "steal", None)
        own = os.times()
        return _Counters(
            clock_s=time.perf_counter(),
            busy_s=sum(getattr(times, name, 0.0) for name in busy),
            steal_s=steal_s,
            total_s=sum(getattr(times, name, 0.0) for name in busy + idle),
            # Without the machine's time the worker's says nothing of others.
            worker_s=None if self._gone or why else ask(_tree_time, self._worker)[0],
            reaped_s=own.children_user + own.children_system,
            swapped_bytes=_swapped_bytes(),
            throttled=_throttle_counts(self._root),
            switches=None if self._gone else _switches(self._worker),
            waited_s=surroundings.waited_for_memory_s(self._root),
            quota=surroundings.quota_counts(self._root),
        )


def _between(before: _Counters, after: _Counters) -> dict[str, Any]:
    """Work out what counters say that went on from one reading to the other."""
    elapsed_s = after.clock_s - before.clock_s
    long_enough = elapsed_s >= SHORTEST_S
    worker_s = _worker_time(before, after)
    other_cores = steal_fraction = switches_per_s = memory_pressure = None
    if long_enough and worker_s is not None:
        other_cores = max(0.0, (after.busy_s - before.busy_s - worker_s) / elapsed_s)
        switches = _grown(before.switches, after.switches)
        if switches is not None and worker_s >= SHORTEST_S:
            switches_per_s = switches / worker_s
    total_s = after.total_s - before.total_s
    stolen_s = _grown(before.steal_s, after.steal_s)
    if long_enough and stolen_s is not None and total_s > 0:
        steal_fraction = stolen_s / total_s
    swapped_bytes = _grown(before.swapped_bytes, after.swapped_bytes)
    waited_s = _grown(before.waited_s, after.waited_s)
    if long_enough and waited_s is not None:
        memory_pressure = min(1.0, waited_s / elapsed_s)
    return {
        "elapsed_s": elapsed_s,
        "other_cores": other_cores,
        "steal_fraction": steal_fraction,
        "swapped_bytes": None if swapped_bytes is None else int(swapped_bytes),
        "throttle_events": _throttle_events(before.throttled, after.throttled),
        "quota_throttled": _quota_throttled(before.quota, after.quota),
        "memory_pressure": memory_pressure,
        "switches_per_s": switches_per_s,
    }


def _grown(before: float | None, after: float | None) -> float | None:
    """Return by how much a counter has grown; None where it could not be read at both ends."""
    return None if before is None or after is None else max(after - before, 0)


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
    try:
        processes = (worker or psutil.Process()).children(recursive=True)
        seconds = 0.0 if worker is None else _process_time(worker)
        if worker is not None and not worker.is_running():
            return None  # the number belongs to another process by now
    except psutil.Error:
        return None
    for process in processes:
        try:
            seconds += _process_time(process)
        except psutil.Error:
            continue  # it ended; whoever waited for it has its time
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
    grown = [
        (after[group][0] - periods, after[group][1] - used_up)
        for group, (periods, used_up) in before.items()
        if group in after
    ]
    return max((used_up / max(1, periods) for periods, used_up in grown), default=None)


def _throttle_counts(root: Path) -> dict[tuple[str, str], int]:
    """Read how often each core, and its package, was throttled: ("package", "cpu0"): 3."""
    files = (root / "sys/devices/system/cpu").glob("cpu[0-9]*/thermal_throttle/*_throttle_count")
    counts = {(file.name.split("_")[0], file.parts[-3]): read_text(file) for file in files}
    return {key: int(count) for key, count in counts.items() if count and count.isdecimal()}


def _throttle_events(
    before: dict[tuple[str, str], int], after: dict[tuple[str, str], int]
) -> int | None:
    grown = [
        (part, max(0, count - before[part, cpu]))
        for (part, cpu), count in after.items()
        if (part, cpu) in before
    ]
    # Every core of a package counts the package's events, so that their sum would be too many.
    packages = [events for part, events in grown if part == "package"]
    cores = [events for part, events in grown if part == "core"]
    return sum(cores) + max(packages, default=0) if grown else None
