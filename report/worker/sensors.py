"""What sensors tell of a device while it works: its clock, heat and power, and the energy it took.

NVIDIA's driver is asked through the module whose path the parent hands over. It is one file that
stands on ctypes alone, so that a framework's own environment need not have it installed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import time
from typing import TYPE_CHECKING, Any, Protocol

from report.worker.host import ROOT, read_text
from report.worker.records import BoardReading, Energy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

UNREADABLE = "not readable"

STEP_S = 0.005
"""Work between two looks at an energy counter."""

STILL_S = 1.0
"""Counters move on every millisecond (RAPL) to every tenth of a second (NVML); one that has stood
still for this long does not count."""

LIMITS = {0x4: "power limit", 0x8: "slowdown", 0x20: "heat", 0x40: "heat", 0x80: "power brake"}
"""What holds a board's clock down, by NVML's bits; being idle and a clock set by hand do not count.

Source: NVML API Reference, "NvmlClocksEventReasons".
"""


class Meter(Protocol):
    """A counter of energy.

    Attributes:
        source: What it is, and of what.
    """

    source: str

    def joules(self) -> float:
        """Return the energy since some time in the past."""


class Board:
    """An NVIDIA board, as its driver reads it."""

    source = "NVML, of the whole board"

    def __init__(self, nvml: Any, handle: Any) -> None:
        """Take the module and the board's handle in it."""
        self._nvml, self._handle = nvml, handle

    def joules(self) -> float:
        """Return the energy since the driver was loaded; NVML counts millijoules."""
        return float(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle)) / 1e3

    def reading(self) -> BoardReading:
        """Read all sensors; what a board does not have is None."""
        nvml = self._nvml
        clock = self._ask("nvmlDeviceGetClockInfo", nvml.NVML_CLOCK_SM)
        power = self._ask("nvmlDeviceGetPowerUsage")
        memory = self._ask("nvmlDeviceGetMemoryInfo")
        bits = self._ask("nvmlDeviceGetCurrentClocksThrottleReasons")
        limits = {words for bit, words in LIMITS.items() if (bits or 0) & bit}
        return BoardReading(
            clock_hz=None if clock is None else clock * 1_000_000,
            temperature_c=self._ask("nvmlDeviceGetTemperature", nvml.NVML_TEMPERATURE_GPU),
            power_w=None if power is None else power / 1e3,
            memory_bytes=None if memory is None else int(memory.used),
            limits=None if bits is None else sorted(limits),
        )

    def _ask(self, name: str, *arguments: Any) -> Any:
        with contextlib.suppress(Exception):  # a board without such a sensor; one by one
            return getattr(self._nvml, name)(self._handle, *arguments)
        return None


def board(place: dict[str, str] | None) -> Board | None:
    """Return the board that a job runs on, by the `module` and the `uuid` that its parent names."""
    if place is None:
        return None
    with contextlib.suppress(Exception):  # no driver for this process, or another one's board
        spec = importlib.util.spec_from_file_location("report_nvml", place["module"])
        if spec is not None and spec.loader is not None:
            nvml = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(nvml)
            nvml.nvmlInit()
            return Board(nvml, nvml.nvmlDeviceGetHandleByUUID(place["uuid"]))
    return None


class Packages:
    """The processors, by the counters that the kernel shows of them.

    Source: "Power Capping Framework", Linux kernel documentation.
    """

    source = "RAPL, of the processors"

    def __init__(self, zones: Sequence[Path]) -> None:
        """Take the folders of the packages' zones."""
        self._ranges = {zone: self._number(zone, "max_energy_range_uj") for zone in zones}
        self._last = {zone: self._number(zone, "energy_uj") for zone in zones}
        self._total_uj = 0

    @staticmethod
    def _number(zone: Path, name: str) -> int:
        return int((zone / name).read_text(encoding="ascii"))

    def joules(self) -> float:
        """Return the energy since this was made; a counter that began again has gone round once."""
        for zone, last in self._last.items():
            now = self._number(zone, "energy_uj")
            self._total_uj += now - last + (self._ranges[zone] if now < last else 0)
            self._last[zone] = now
        return self._total_uj / 1e6


def meter(device: str, on: Board | None, root: Path = ROOT) -> Meter | str:
    """Return what counts a device's energy, or why nothing does; nothing is ever estimated."""
    if device != "cpu":
        if on is None:
            return f"{UNREADABLE}: no NVIDIA board is known to be {device}"
        try:
            on.joules()
        except Exception as error:  # noqa: BLE001 (whatever the driver says is the reason)
            return f"{UNREADABLE}: {error}"
        return on
    zones = sorted((root / "sys/class/powercap").glob("intel-rapl:*"))
    zones = [zone for zone in zones if (read_text(zone / "name") or "").startswith("package")]
    if not zones:
        return f"{UNREADABLE}: no RAPL in /sys/class/powercap"
    try:
        return Packages(zones)
    except (OSError, ValueError) as error:
        return f"{UNREADABLE}: {type(error).__name__} at /sys/class/powercap"


def spent(
    work: Callable[[], object],
    counter: Meter,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> Energy | None:
    """Work again and again, and return what it took; None if the counter stands still.

    From one tick of the counter to another one, so that how seldom it ticks does no harm: all that
    was done in between is counted, and the device is busy at both ends.

    Args:
        work: Some milliseconds of it; it returns when the device is done.
        counter: Of the energy.
        seconds: How long at least.
        clock: Tests have one of their own.
    """
    begun = ticked = clock()
    seen, rounds = counter.joules(), 0
    first: tuple[float, float, int] | None = None
    while True:
        work()
        rounds += 1
        now, joules = clock(), counter.joules()
        if joules != seen:
            seen, ticked = joules, now
            if first is None:
                first = joules, now, rounds
            elif now - first[1] >= seconds:
                break
        elif now - max(ticked, begun) > STILL_S + seconds:
            return None
    return Energy(joules=joules - first[0], elapsed_s=now - first[1], calls=rounds - first[2])
