"""An accelerator as far as a worker can tell, and results as one would give them.

The worker's is PyTorch on the CPU with a device's tools. What it measures shows that numbers find
their way, and is never presented as a device's.
"""

from __future__ import annotations

import time
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

from report.backends import pytorch
from report.worker.records import Accelerator, BoardReading, Energy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from report.backends.pytorch.steps import Update
    from report.results.result import Record, Result
    from report.worker.records import Outcome, Series, Timing

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


# --- results

BOARD = Accelerator(
    device="cuda:0",
    name="NVIDIA H100 80GB HBM3",
    memory_bytes=80 * 2**30,
    l2_bytes=50 * 2**20,
    works=True,
    compute_capability="9.0",
    power_limit_w=700.0,
    flop_per_s=50e12,
)

COLDER = 1.5
"""By so much a product takes longer with its operands in memory alone."""

WATTS = 300.0


def accelerated(result: Result) -> Result:
    """Return a result as it would be with PyTorch on an accelerator, everything as fast."""
    dtypes = result.environments["pytorch"].dtypes | {"cuda:0": ["float32", "bfloat16"]}
    own = replace(result.environments["pytorch"], accelerators=[BOARD], dtypes=dtypes)
    planned = result.config["experiments"]
    return replace(
        result,
        machine=replace(result.machine, accelerators=[BOARD]),
        environments=result.environments | {"pytorch": own},
        records=[
            _moved(record)
            if record.backend == "pytorch" and planned[record.experiment]["device"] != "cpu"
            else record
            for record in result.records
        ],
    )


def _moved(record: Record) -> Record:
    if record.outcome is None:
        return replace(record, device="cuda:0")
    series = [one for each in record.outcome.series for one in _series(each, record.kind)]
    runs = [
        replace(
            run,
            memory_bytes=600 * 2**20,
            device_memory_bytes=HELD_BYTES,
            energy=_energy(run.elapsed_s[0][-1] or 1.0, len(run.epoch_ends)),
        )
        for run in record.outcome.runs
    ]
    outcome: Outcome = replace(record.outcome, series=series, runs=runs, energy="NVML")
    import_s = record.import_s or (1.0 if record.kind == "training" else None)
    return replace(record, device="cuda:0", outcome=outcome, import_s=import_s)


def _energy(seconds: float, calls: int) -> Energy:
    return Energy(joules=WATTS * seconds, elapsed_s=seconds, calls=calls or 1)


def _series(series: Series, kind: str) -> Iterator[Series]:
    if series.timing is None or kind not in {"matmul", "overhead"}:
        yield series
        return
    reading = BoardReading(clock_hz=1_980_000_000, power_w=WATTS, limits=[])
    device = [FASTER * elapsed for elapsed in series.timing.elapsed_s]
    on_device = replace(series, timing=replace(series.timing, device_s=device, board=[reading] * 2))
    if kind == "matmul":
        cold, energy = _times(series.timing, COLDER), _energy(series.timing.median_s, 1)
        yield replace(on_device, cold=cold, energy=energy)
        return
    yield on_device
    if (series.labels["operation"], series.labels["variant"]) == ("update", "eager"):
        size = int(str(series.labels["size"]))
        for variant, factor in {"graph": 0.25, "cpu": 0.2 * size**0.5}.items():
            labels = {**series.labels, "variant": variant}
            yield replace(series, labels=labels, timing=_times(series.timing, factor))


def _times(timing: Timing, factor: float) -> Timing:
    """Return a timing that took longer by a factor."""
    elapsed = [factor * one for one in timing.elapsed_s]
    return replace(timing, elapsed_s=elapsed, median_s=factor * timing.median_s)
