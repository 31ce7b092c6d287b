"""Gathers the devices beside the CPU: what the frameworks see, and what NVIDIA's driver adds.

A framework knows a device's name and memory, only the driver knows its clocks and the power that
it may draw. UUIDs serve to tell boards apart here and are never stored.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pynvml

from report.machine.surroundings import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from report.worker.records import Accelerator, Environment


@dataclass(frozen=True, kw_only=True)
class Board:
    """An NVIDIA board, as its driver describes it.

    Attributes:
        uuid: Tells it from others of its kind; never stored.
        name: The product's name.
        memory_bytes: Its memory.
        compute_capability: Architecture number ("9.0").
        clock_hz: Highest clock of its processors.
        memory_clock_hz: Highest clock of its memory.
        power_limit_w: The power that it may draw.
    """

    uuid: str
    name: str | None
    memory_bytes: int | None
    compute_capability: str | None
    clock_hz: int | None
    memory_clock_hz: int | None
    power_limit_w: float | None


def gather(environments: Sequence[Environment]) -> tuple[list[Accelerator], dict[str, str]]:
    """Gather each device once, with what NVIDIA's driver knows of it.

    Args:
        environments: Frameworks as their workers found them.

    Returns:
        The devices in the order found, and for each how it is known.
    """
    found: dict[str, Accelerator] = {}
    backends: dict[str, str] = {}
    for environment in environments:
        for accelerator in environment.accelerators:
            known = found.get(accelerator.device)
            # Two frameworks may see one device; whoever can use it knows it better.
            if known is None or (accelerator.works and not known.works):
                found[accelerator.device] = accelerator
                backends[accelerator.device] = environment.backend
    driver, boards = read_boards()
    sources = {"accelerators": _summary(environments, found, boards)}
    free = visible(boards)
    for device, accelerator in found.items():
        source = f"{backends[device]}; "
        if not device.startswith("cuda"):
            source = backends[device]
        elif driver is None and not boards:
            source += "driver, clocks and power limit not readable: no NVML here"
        elif (board := _take(free, accelerator.name)) is None:
            found[device] = replace(accelerator, driver=accelerator.driver or driver)
            source += "NVML for the driver; clocks and power limit not readable: no board matches"
        else:
            found[device] = _complete(accelerator, board, driver)
            source += "NVML for the driver, clocks and power limit"
        sources[f"accelerators.{device}"] = source
    return list(found.values()), sources


def _summary(
    environments: Sequence[Environment], found: Mapping[str, Accelerator], boards: list[Board]
) -> str:
    if found:
        return "the installed frameworks"
    if not environments:
        return f"{UNREADABLE}: no framework was asked"
    if boards:  # a framework built without CUDA is the usual reason, and easy to overlook
        names = ", ".join(board.name or "an NVIDIA board" for board in boards)
        return f"no installed framework sees one, but NVML sees {names}"
    return "no installed framework sees one"


def read_boards() -> tuple[str | None, list[Board]]:
    """Ask NVIDIA's driver for its boards.

    Returns:
        The driver's version and the boards by PCI bus; None and nothing without a driver.
    """
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no NVIDIA driver here
        return None, []
    try:
        handles = [
            handle
            for index in range(_ask(pynvml.nvmlDeviceGetCount) or 0)
            if (handle := _ask(pynvml.nvmlDeviceGetHandleByIndex, index)) is not None
        ]
        # NVML promises no order between reboots; the bus is what CUDA falls back on.
        handles.sort(key=_bus)
        driver: str | None = _ask(pynvml.nvmlSystemGetDriverVersion)
        return driver, [_read_board(handle) for handle in handles]
    finally:
        _ask(pynvml.nvmlShutdown)


def _ask(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call NVML, taking a refusal (a laptop's board has no power limit) for an answer."""
    try:
        return function(*arguments)
    except pynvml.NVMLError:
        return None


def _bus(handle: Any) -> str:
    return str(getattr(_ask(pynvml.nvmlDeviceGetPciInfo, handle), "busId", ""))


def _read_board(handle: Any) -> Board:
    memory = _ask(pynvml.nvmlDeviceGetMemoryInfo, handle)
    capability = _ask(pynvml.nvmlDeviceGetCudaComputeCapability, handle)
    clock_mhz = _ask(pynvml.nvmlDeviceGetMaxClockInfo, handle, pynvml.NVML_CLOCK_SM)
    memory_clock_mhz = _ask(pynvml.nvmlDeviceGetMaxClockInfo, handle, pynvml.NVML_CLOCK_MEM)
    power_limit_mw = _ask(pynvml.nvmlDeviceGetEnforcedPowerLimit, handle)
    return Board(
        uuid=str(_ask(pynvml.nvmlDeviceGetUUID, handle) or ""),
        name=_ask(pynvml.nvmlDeviceGetName, handle),
        memory_bytes=memory and int(memory.total),
        compute_capability=capability and ".".join(map(str, capability)),
        clock_hz=clock_mhz and clock_mhz * 10**6,
        memory_clock_hz=memory_clock_mhz and memory_clock_mhz * 10**6,
        power_limit_w=power_limit_mw and power_limit_mw / 1000,
    )


def visible(boards: list[Board]) -> list[Board]:
    """Put the boards in the order in which CUDA numbers them, as far as that can be told.

    Boards of one name are interchangeable but for their limits; CUDA numbers those by bus. Of
    boards with different names it takes the fastest first, so that a bare number in
    CUDA_VISIBLE_DEVICES says nothing unless CUDA_DEVICE_ORDER asks for the order of the bus.

    Args:
        boards: By PCI bus.

    Returns:
        The boards that CUDA_VISIBLE_DEVICES leaves, or all where it cannot be interpreted.

    Source:
        CUDA C++ Programming Guide, "CUDA Environment Variables".
    """
    setting = os.environ.get("CUDA_VISIBLE_DEVICES")
    if setting is None:
        return list(boards)
    tokens = [token.strip() for token in setting.split(",") if token.strip()]
    by_bus = os.environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"
    chosen = []
    for token in tokens:
        matches = [board for board in boards if board.uuid.startswith(token)]
        if token.isdecimal() and (by_bus or len({board.name for board in boards}) == 1):
            matches = boards[int(token) : int(token) + 1]
        if len(matches) != 1:
            return list(boards)
        chosen += matches
    return chosen


def _take(boards: list[Board], name: str | None) -> Board | None:
    """Take the first board of that name out of those that are left."""
    for board in boards:
        if name in {None, board.name}:
            boards.remove(board)
            return board
    return None


def _complete(accelerator: Accelerator, board: Board, driver: str | None) -> Accelerator:
    """Add what the driver knows to what the framework does not say."""

    def first(*values: Any) -> Any:
        return next((value for value in values if value is not None), None)

    return replace(
        accelerator,
        name=first(accelerator.name, board.name),
        memory_bytes=first(accelerator.memory_bytes, board.memory_bytes),
        compute_capability=first(accelerator.compute_capability, board.compute_capability),
        driver=first(accelerator.driver, driver),
        clock_hz=first(accelerator.clock_hz, board.clock_hz),
        memory_clock_hz=first(accelerator.memory_clock_hz, board.memory_clock_hz),
        power_limit_w=first(accelerator.power_limit_w, board.power_limit_w),
    )
