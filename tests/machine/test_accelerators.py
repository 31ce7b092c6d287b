"""Tests of accelerators: against a driver made up here: most machines have no GPU."""

from __future__ import annotations

import ctypes
import functools
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pynvml
import pytest

from factories.trees import tree
from report.machine import accelerators
from report.machine.accelerators import gather
from report.machine.surroundings import UNREADABLE
from report.worker.records import Accelerator, Environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Install = Callable[[list[dict[str, Any]]], "Driver"]

FAST, SLOW = "NVIDIA H100 80GB HBM3", "NVIDIA T4"


class Driver:
    """Answers like NVML for a machine with these boards."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, boards: list[dict[str, Any]]) -> None:
        """Take NVML's place."""
        self.boards = boards
        self.shut = False
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
        answers = {
            "nvmlInit": lambda: None,
            "nvmlShutdown": self.shutdown,
            "nvmlSystemGetDriverVersion": lambda: "560.35",
            "nvmlDeviceGetCount": lambda: len(boards),
            "nvmlDeviceGetHandleByIndex": lambda index: index,
            "nvmlDeviceGetPciInfo": lambda index: SimpleNamespace(busId=boards[index]["bus"]),
            "nvmlDeviceGetName": lambda index: boards[index]["name"],
            "nvmlDeviceGetUUID": lambda index: boards[index]["uuid"],
            "nvmlDeviceGetMemoryInfo": lambda _: SimpleNamespace(total=80 * 2**30),
            "nvmlDeviceGetCudaComputeCapability": lambda _: (9, 0),
            "nvmlDeviceGetMaxClockInfo": self.clock,
            "nvmlDeviceGetEnforcedPowerLimit": self.power_limit,
        }
        for name, answer in answers.items():
            monkeypatch.setattr(pynvml, name, answer)

    def shutdown(self) -> None:
        """Note that NVML was let go."""
        self.shut = True

    def clock(self, _index: int, kind: int) -> int:
        """Answer in MHz, as NVML does."""
        return {pynvml.NVML_CLOCK_SM: 1980, pynvml.NVML_CLOCK_MEM: 2619}[kind]

    def power_limit(self, index: int) -> int:
        """Answer in mW, or refuse, as laptops' boards do."""
        limit: int | None = self.boards[index].get("power_limit_mw")
        if limit is None:
            raise pynvml.NVMLError_NotSupported
        return limit


@pytest.fixture(name="install")
def installed(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that puts a driver of these boards in NVML's place."""
    return functools.partial(Driver, monkeypatch)


def board(name: str, number: int, **more: Any) -> dict[str, Any]:
    """Describe a board on its own bus."""
    return {"name": name, "bus": f"0000:{number:02}:00.0", "uuid": f"GPU-{number:04}", **more}


def seen(*names: str | None, backend: str = "pytorch", works: bool = True) -> Environment:
    """Pretend that a framework sees CUDA devices with these names."""
    devices = [
        Accelerator(device=f"cuda:{index}", name=name, works=works)
        for index, name in enumerate(names)
    ]
    return Environment(backend=backend, accelerators=devices)


def no_driver() -> None:
    """Fail as NVML does on a machine without it."""
    raise pynvml.NVMLError_LibraryNotFound


def test_driver_adds_what_the_framework_cannot_know(install: Install) -> None:
    """Clocks and power come in SI units, and NVML is let go again."""
    driver = install([board(FAST, 1, power_limit_mw=700_000)])
    (found,), sources = gather([seen(FAST)])
    assert (found.driver, found.compute_capability) == ("560.35", "9.0")
    assert (found.clock_hz, found.memory_clock_hz) == (1_980_000_000, 2_619_000_000)
    assert found.power_limit_w == 700.0
    assert found.memory_bytes == 80 * 2**30
    assert "NVML" in sources["accelerators.cuda:0"]
    assert driver.shut


def test_framework_is_believed_before_the_driver(install: Install) -> None:
    """What was measured is the device as the framework had it."""
    install([board(FAST, 1)])
    device = Accelerator(device="cuda:0", name=FAST, memory_bytes=5, works=True)
    (found,), _ = gather([Environment(backend="pytorch", accelerators=[device])])
    assert found.memory_bytes == 5


def test_refused_fact_leaves_the_others(install: Install) -> None:
    """A board without a readable power limit still tells its clocks."""
    install([board(FAST, 1)])
    (found,), _ = gather([seen(FAST)])
    assert found.power_limit_w is None
    assert found.clock_hz == 1_980_000_000


def test_missing_driver_leaves_the_device_as_the_framework_saw_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """AMD's devices are called cuda as well and have no NVML."""
    monkeypatch.setattr(pynvml, "nvmlInit", no_driver)
    environment = seen("AMD Instinct MI300X")
    found, sources = gather([environment])
    assert found == environment.accelerators
    assert "not readable" in sources["accelerators.cuda:0"]


@pytest.mark.parametrize("other", [SLOW, FAST])
def test_boards_are_matched_by_name_and_equal_ones_by_bus(install: Install, other: str) -> None:
    """CUDA numbers the fastest first, and equal ones by bus; NVML may list them in any order."""
    install([board(other, 2, power_limit_mw=2000), board(FAST, 1, power_limit_mw=1000)])
    found, _ = gather([seen(FAST, other)])
    assert [device.power_limit_w for device in found] == [1.0, 2.0]


def test_part_of_a_board_does_not_get_the_facts_of_the_whole(
    install: Install,
) -> None:
    """A slice of a shared board has another name, and not the board's power to itself."""
    install([board(FAST, 1, power_limit_mw=700_000)])
    (found,), sources = gather([seen(FAST + " MIG 1g.10gb")])
    assert (found.driver, found.power_limit_w) == ("560.35", None)
    assert "not readable" in sources["accelerators.cuda:0"]


@pytest.mark.parametrize(
    ("visible", "order", "expected"),
    [
        ("1", None, [2.0]),
        ("GPU-0002,GPU-0001", None, [2.0, 1.0]),
        ("1,0", "PCI_BUS_ID", [2.0, 1.0]),
        ("7", None, [1.0]),
        ("nonsense", None, [1.0]),
    ],
)
def test_hidden_boards_are_passed_over(
    install: Install,
    monkeypatch: pytest.MonkeyPatch,
    visible: str,
    order: str | None,
    expected: list[float],
) -> None:
    """CUDA_VISIBLE_DEVICES is followed where it can be interpreted, and ignored elsewhere."""
    boards = [board(FAST, 1, power_limit_mw=1000), board(FAST, 2, power_limit_mw=2000)]
    install(boards)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    if order:
        monkeypatch.setenv("CUDA_DEVICE_ORDER", order)
    found, _ = gather([seen(*[FAST] * len(expected))])
    assert [device.power_limit_w for device in found] == expected


def test_bare_number_says_nothing_of_boards_with_different_names(
    install: Install,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Unless CUDA is told to number by bus, its number 0 is the fastest board, wherever it is."""
    install([board(SLOW, 1), board(FAST, 2)])
    boards, _ = accelerators.read_boards()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert accelerators.visible(boards) == list(boards)
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    assert [boards[each].name for each in accelerators.visible(boards)] == [SLOW]


def test_device_of_two_frameworks_is_listed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The framework that can use the device is the one that describes it."""
    monkeypatch.setattr(pynvml, "nvmlInit", no_driver)
    (found,), sources = gather([seen(FAST, backend="a", works=False), seen(FAST, backend="b")])
    assert found.works
    assert sources["accelerators.cuda:0"].startswith("b; ")


def test_board_that_no_framework_sees_is_mentioned(install: Install) -> None:
    """Whoever installed a framework without CUDA learns here that their GPU lies idle."""
    install([board(FAST, 1)])
    found, sources = gather([Environment(backend="pytorch")])
    assert found == []
    assert FAST in sources["accelerators"]


def test_no_framework_asked_is_not_no_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without environments nothing is known of accelerators, and the source says so."""
    monkeypatch.setattr(pynvml, "nvmlInit", no_driver)
    assert gather([])[1]["accelerators"].startswith(UNREADABLE)
    assert not gather([Environment(backend="pytorch")])[1]["accelerators"].startswith(UNREADABLE)


def test_name_that_is_no_text_leaves_the_rest_of_the_board(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver that answers with broken bytes is no reason to lose the framework's own name."""
    install([board(FAST, 1, power_limit_mw=700_000)])

    def name(_: int) -> str:
        return b"NVIDIA \xf8".decode()

    monkeypatch.setattr(pynvml, "nvmlDeviceGetName", name)
    (found,), _ = gather([seen(FAST)])
    assert (found.name, found.driver, found.power_limit_w) == (FAST, "560.35", 700.0)


@pytest.mark.parametrize("error", [SystemError, TypeError, ctypes.ArgumentError])
def test_whatever_the_driver_raises_is_no_answer(
    install: Install, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """Each question is asked by itself; one that goes wrong leaves the others."""
    install([board(FAST, 1, power_limit_mw=700_000)])

    def fail(*_: object) -> None:
        raise error("no such function")

    for asked in ("nvmlDeviceGetMemoryInfo", "nvmlDeviceGetUUID", "nvmlShutdown"):
        monkeypatch.setattr(pynvml, asked, fail)
    (found,), _ = gather([seen(FAST)])
    assert (found.memory_bytes, found.power_limit_w) == (None, 700.0)


@pytest.mark.parametrize("placeholder", ["-", "Unknown", ""])
def test_placeholder_is_no_device_name(monkeypatch: pytest.MonkeyPatch, placeholder: str) -> None:
    """A framework that does not know the name must not lend its dash to the page."""
    monkeypatch.setattr(pynvml, "nvmlInit", no_driver)
    (found,), _ = gather([seen(placeholder)])
    assert found.name is None


def test_clock_of_all_ones_is_no_clock(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drivers write 2^32 - 1 MHz for what they do not know, and some 0."""
    install([board(FAST, 1)])
    clocks = iter([2**32 - 1, 0])
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMaxClockInfo", lambda *_: next(clocks))
    (found,), _ = gather([seen(FAST)])
    assert (found.clock_hz, found.memory_clock_hz) == (None, None)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (pynvml.NVMLError_LibRmVersionMismatch, "mismatch"),
        (pynvml.NVMLError_DriverNotLoaded, "not loaded"),
        (pynvml.NVMLError_NoPermission, "permission"),
        (OSError("wrong ELF class"), "wrong elf class"),
    ],
)
def test_driver_that_refuses_is_not_called_no_driver(
    monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    """What it answers is the way to mend it: after an update, a restart."""

    def refuse() -> None:
        raise error

    monkeypatch.setattr(pynvml, "nvmlInit", refuse)
    _, sources = gather([Environment(backend="pytorch")])
    assert words in sources["accelerators"].lower()
    assert words in gather([seen(FAST)])[1]["accelerators.cuda:0"].lower()
    monkeypatch.setattr(pynvml, "nvmlInit", no_driver)
    assert "refuses" not in gather([Environment(backend="pytorch")])[1]["accelerators"]


def on_the_bus(root: Path, *devices: tuple[str, str, str]) -> Path:
    """Make a PCI bus of devices: class, vendor and device each."""
    for index, values in enumerate(devices):
        files = dict(zip(("class", "vendor", "device"), values, strict=True))
        tree(root / f"sys/bus/pci/devices/0000:00:{index:02}.0", files)
    return root


def test_hardware_is_what_is_on_the_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what a driver or a framework makes of it; what only shows a screen is left out."""
    monkeypatch.setattr(pynvml, "nvmlInit", no_driver)
    root = on_the_bus(
        tmp_path,
        ("0x030000", "0x1234", "0x1111"),  # QEMU's screen
        ("0x020000", "0x10de", "0x1021"),  # a network card of NVIDIA's
        ("0x030200", "0x10de", "0x2330"),
        ("0x030000", "0x1002", "0x7550"),
        ("0x120000", "0x1ae0", "0x0063"),
    )
    assert accelerators.hardware(root) == ["0x1002:0x7550", "0x10de:0x2330", "0x1ae0:0x0063"]


def test_without_a_bus_hardware_is_what_the_driver_sees(install: Install, tmp_path: Path) -> None:
    """On Windows, and in containers that hide the bus."""
    install([board(FAST, 1), board(SLOW, 2)])
    assert accelerators.hardware(tmp_path) == sorted([FAST, SLOW])


def test_uuids_stay_out_of_what_is_stored(install: Install) -> None:
    """A result file must not tell one owner's board from another's."""
    install([board(FAST, 1)])
    assert "GPU-0001" not in repr(gather([seen(FAST)]))
