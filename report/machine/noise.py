"""Watches the machine while something is timed; `report.analysis.noise` judges what it saw."""

from __future__ import annotations

import hashlib
import os
import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from report.machine.processor import frequency
from report.machine.surroundings import ask
from report.results.machine import Conditions, Probe
from report.worker.host import ROOT, read_text

if TYPE_CHECKING:
    from pathlib import Path

# The kernel counts CPU time in ticks of 10 ms; over less than this they would say little.
SHORTEST_S = 0.5

# The computation whose speed is compared before and after hashes this. Memory delivers it many
# times faster than it can be hashed, so that only the clock shows.
_BUFFER = bytes(2**20)
# It ends when it has not become faster for a while, since a core at rest needs time to wake up.
_SETTLED_S = 0.008
_LONGEST_S = 0.1


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
        self._probes_before = probes()
        self._before = self._read()  # last, so that the probes are not counted

    def stop(self) -> Conditions:
        """Return what went on since the start; the worker may have died meanwhile."""
        before, after = self._before, self._read()  # first, for the same reason
        elapsed_s = after.clock_s - before.clock_s
        long_enough = elapsed_s >= SHORTEST_S
        worker_s = _worker_time(before, after)
        other_cores = steal_fraction = None
        if long_enough and worker_s is not None:
            other_cores = max(0.0, (after.busy_s - before.busy_s - worker_s) / elapsed_s)
        total_s = after.total_s - before.total_s
        if long_enough and before.steal_s is not None and after.steal_s is not None and total_s > 0:
            steal_fraction = max(0.0, after.steal_s - before.steal_s) / total_s
        swapped_bytes = None
        if before.swapped_bytes is not None and after.swapped_bytes is not None:
            swapped_bytes = max(0, after.swapped_bytes - before.swapped_bytes)
        return Conditions(
            elapsed_s=elapsed_s,
            load_before=self._load_before,
            other_cores=other_cores,
            steal_fraction=steal_fraction,
            swapped_bytes=swapped_bytes,
            throttle_events=_throttle_events(before.throttled, after.throttled),
            probes_before=self._probes_before,
            probes_after=probes(),
            frequency_before_hz=self._frequency_before_hz,
            frequency_after_hz=frequency(self._root)[0],
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
        )


def probes() -> list[Probe]:
    """Time the fixed computations that show whether the machine is what it was."""
    return [Probe(name="hash", seconds=_hash_times())]


def _hash_times() -> list[float]:
    """Return the seconds of each repetition until the fastest has settled."""
    times: list[float] = []
    start_s = improved_s = time.perf_counter()
    best_s = float("inf")
    while True:
        begin_ns = time.perf_counter_ns()
        hashlib.sha256(_BUFFER, usedforsecurity=False).digest()
        times.append((time.perf_counter_ns() - begin_ns) / 1e9)
        end_s = time.perf_counter()
        if times[-1] < 0.99 * best_s:  # anything less is no sign of a rising clock
            improved_s = end_s
        best_s = min(best_s, times[-1])
        if end_s - improved_s >= _SETTLED_S or end_s - start_s >= _LONGEST_S:
            return times


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
