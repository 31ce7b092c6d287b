"""An accelerator as far as a worker can tell: PyTorch on the CPU, with a device's tools.

What it measures shows that numbers find their way, and is never presented as a device's.
"""

from __future__ import annotations

import time
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

from report.backends import pytorch

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.backends.pytorch.steps import Update

HELD_BYTES = 3 * 2**20
"""The most that is ever taken of its memory."""

FASTER = 0.8
"""Of the host's seconds that its own clock shows: launching takes the rest."""


class Timer:
    """A clock that shows a part of the host's seconds."""

    def __init__(self) -> None:
        """Show nothing yet."""
        self._total_s = self._since = 0.0

    def start(self) -> None:
        """Begin a span."""
        self._since = time.perf_counter()

    def stop(self) -> None:
        """End it."""
        self._total_s += time.perf_counter() - self._since

    def seconds(self) -> float:
        """Return all spans since it was last asked."""
        total_s, self._total_s = self._total_s, 0.0
        return FASTER * total_s


class Session(pytorch.Session):
    """Computes on the CPU and says that it does not.

    Attributes:
        flushed: How often its cache was emptied, and by how many bytes at a time.
    """

    def __init__(self, threads: int = 1) -> None:
        """Take a number of threads."""
        super().__init__("cpu", threads)
        self.flushed: list[int] = []

    def timer(self) -> Timer:  # type: ignore[override]
        """Return its own clock."""
        return Timer()

    def flush(self, size_bytes: int) -> Callable[[], object]:
        """Note it."""
        return lambda: self.flushed.append(size_bytes)

    def peak_memory(self) -> SimpleNamespace:  # type: ignore[override]
        """Return what always reads the same."""
        return SimpleNamespace(read=lambda: HELD_BYTES)

    def recorded(self, update: Update) -> Callable[[], object]:
        """Return the update as it is."""
        return update.step


class Nvml(ModuleType):
    """NVIDIA's driver with one board that draws 100 W, whose clock falls as it works.

    Attributes:
        asked: How often the clock was read.
    """

    NVML_CLOCK_SM, NVML_TEMPERATURE_GPU = 1, 0

    def __init__(self, *, lacks: tuple[str, ...] = ()) -> None:
        """Take the names of what the board has no sensor for."""
        super().__init__("nvml")
        self.asked = 0
        self._begun = time.perf_counter()
        for name, answer in {
            "nvmlDeviceGetClockInfo": self._clock,
            "nvmlDeviceGetTemperature": lambda *_: 61,
            "nvmlDeviceGetPowerUsage": lambda _: 100_000,
            "nvmlDeviceGetMemoryInfo": lambda _: SimpleNamespace(used=2**30),
            "nvmlDeviceGetCurrentClocksThrottleReasons": lambda _: 0x1 | 0x4,
            # Millijoules, counted every 10 ms.
            "nvmlDeviceGetTotalEnergyConsumption": lambda _: 1_000 * self._ticks(),
        }.items():
            setattr(self, name, self._refuse if name in lacks else answer)

    def _ticks(self) -> int:
        return int((time.perf_counter() - self._begun) / 0.01)

    def _clock(self, *_: object) -> int:
        self.asked += 1
        return 2000 if self.asked == 1 else 1700

    def _refuse(self, *_: object) -> None:
        raise RuntimeError("Not Supported")
