"""Sensors of a device: what is read, what is not, and how energy is counted."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

import pytest

from factories.accelerator import Nvml
from report.worker import sensors
from report.worker.records import BoardReading
from report.worker.sensors import Board, Packages, meter, spent

if TYPE_CHECKING:
    from pathlib import Path


class Counter:
    """A counter that ticks every so often, of work that draws a constant power."""

    source = "made up"

    def __init__(self, power_w: float, tick_s: float) -> None:
        """Stand at 0, at time 0."""
        self.power_w, self.tick_s, self.now = power_w, tick_s, 0.0

    def clock(self) -> float:
        """Return the time."""
        return self.now

    def work(self) -> None:
        """Take 5 ms."""
        self.now += 0.005

    def joules(self) -> float:
        """Return what the last tick has shown."""
        return self.power_w * self.tick_s * int(self.now / self.tick_s + 1e-9)


@pytest.mark.parametrize("tick_s", [0.001, 0.02, 0.1])
def test_energy_is_right_however_seldom_the_counter_ticks(tick_s: float) -> None:
    """50 W for half a second or more: 0.25 J a piece of work of 5 ms, whatever the ticks."""
    counter = Counter(50, tick_s)
    found = spent(counter.work, counter, 0.5, counter.clock)
    assert found is not None
    assert found.elapsed_s >= 0.5
    assert found.joules / found.calls == pytest.approx(0.25)
    assert found.joules / found.elapsed_s == pytest.approx(50)


def test_counter_that_stands_still_counts_nothing() -> None:
    """No number is made of it, and it is not waited for in vain."""
    counter = Counter(50, 1000)
    assert spent(counter.work, counter, 0.5, counter.clock) is None
    assert counter.now < 5


def zone(root: Path, number: int, name: str, energy_uj: int | None) -> Path:
    """Make a zone of RAPL; without an energy it is one that cannot be read."""
    folder = root / f"sys/class/powercap/intel-rapl:{number}"
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "max_energy_range_uj").write_text("1000000\n")
    if energy_uj is not None:
        (folder / "energy_uj").write_text(f"{energy_uj}\n")
    return folder


def test_packages_are_added_up_and_may_go_round(tmp_path: Path) -> None:
    """What holds the packages too (psys) is not counted beside them."""
    first, second = zone(tmp_path, 0, "package-0", 900_000), zone(tmp_path, 1, "package-1", 5)
    zone(tmp_path, 2, "psys", 7)
    counter = meter("cpu", None, tmp_path)
    assert isinstance(counter, Packages)
    (first / "energy_uj").write_text("100000\n")  # 0.2 J later, and once round
    (second / "energy_uj").write_text("300005\n")
    assert counter.joules() == pytest.approx(0.5)


def test_what_cannot_be_read_is_told_and_not_guessed(tmp_path: Path) -> None:
    """No RAPL, one that only an administrator reads, no board, and one without a counter."""
    assert "no RAPL" in str(meter("cpu", None, tmp_path))
    zone(tmp_path, 0, "package-0", None)
    assert "FileNotFoundError" in str(meter("cpu", None, tmp_path))
    assert "cuda:0" in str(meter("cuda:0", None))
    board = Board(Nvml(lacks=("nvmlDeviceGetTotalEnergyConsumption",)), object())
    assert "Not Supported" in str(meter("cuda:0", board))
    assert all(
        str(each).startswith(sensors.UNREADABLE)
        for each in (meter("cpu", None, tmp_path), meter("cuda:0", board))
    )


def test_board_is_read_sensor_by_sensor() -> None:
    """In SI units; being idle limits nothing, and a sensor that is not there hides no other."""
    assert Board(Nvml(), object()).reading() == BoardReading(
        clock_hz=2_000_000_000,
        temperature_c=61,
        power_w=100.0,
        memory_bytes=2**30,
        limits=["power limit"],
    )
    assert astuple(Board(Nvml(lacks=("nvmlDeviceGetPowerUsage",)), object()).reading())[2:4] == (
        None,
        2**30,
    )


def test_no_driver_is_no_board(tmp_path: Path) -> None:
    """Here the real module finds no driver; a module that is broken is no reason to fail either."""
    broken = tmp_path / "nvml.py"
    broken.write_text("raise OSError('no library')")
    assert sensors.board(None) is None
    assert sensors.board({"module": str(broken), "uuid": "GPU-1"}) is None
    assert sensors.board({"module": str(tmp_path / "none.py"), "uuid": "GPU-1"}) is None
