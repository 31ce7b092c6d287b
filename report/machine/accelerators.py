"""Gathers the devices beside the CPU: what the frameworks see, and what NVIDIA's driver adds.

A framework knows a device's name and memory, only the driver knows its clocks and the power that
it may draw. UUIDs serve to tell boards apart here and are never stored.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pynvml

from report.machine.processor import clock_hz
from report.machine.surroundings import UNREADABLE, ask, named
from report.worker.host import ROOT, read_text
from report.worker.records import Accelerator, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from report.worker.records import Environment

COMPUTING = ("0x0302", "0x12")
"""Classes of PCI devices: 3D controllers, which have no screen, and processing accelerators."""

VENDORS = {"0x10de", "0x1002", "0x8086"}
"""Whose graphics a framework can compute on: NVIDIA, AMD, Intel."""


def gather(environments: Sequence[Environment]) -> tuple[list[Accelerator], dict[str, str]]:
    """Gather each device of the frameworks once, with what NVIDIA's driver knows of it.

    Returns:
        The devices in the order found, and for each how it is known.
    """
    devices: dict[str, Accelerator] = {}
    backends: dict[str, str] = {}
    for environment in environments:
        for accelerator in environment.accelerators:
            known = devices.get(accelerator.device)
            # Two frameworks may see one device; whoever can use it knows it better.
            if known is None or (accelerator.works and not known.works):
                devices[accelerator.device] = replace(accelerator, name=named(accelerator.name))
                backends[accelerator.device] = environment.backend
    boards, refusal = read_boards()
    sources = {"accelerators": _summary(environments, devices, boards.values(), refusal)}
    matched = _matched(devices.values(), boards)
    for device, accelerator in devices.items():
        source = backends[device]
        if device.startswith("cuda") and not boards:
            source += f"; driver, clocks and power limit not readable: {refusal or 'no NVML here'}"
        elif device.startswith("cuda"):
            if device not in matched:
                # There is one driver for all boards.
                match = Accelerator(device="", driver=next(iter(boards.values())).driver)
                source += "; NVML for the driver; clocks and power limit not readable (no match)"
            else:
                match = boards[matched[device]]
                source += "; NVML for the driver, clocks and power limit"
            # The driver adds what the framework does not say.
            said = {key: value for key, value in vars(accelerator).items() if value is not None}
            devices[device] = replace(match, **said)
        sources[f"accelerators.{device}"] = source
    return list(devices.values()), sources


def uuids(devices: Iterable[Accelerator]) -> dict[str, str]:
    """Return which of NVIDIA's boards each device is, as far as that can be told; never stored."""
    return _matched(devices, read_boards()[0])


def _matched(devices: Iterable[Accelerator], boards: Mapping[str, Accelerator]) -> dict[str, str]:
    """Return the UUIDs of boards by the devices that they are; a board is one device at most."""
    free, found = visible(boards), {}
    for one in devices:
        # A name that either of them cannot tell fits any.
        fits = (u for u in free if boards[u].name in {one.name, None} or one.name is None)
        uuid = next(fits, None) if one.device.startswith("cuda") else None
        if uuid is not None:
            free.remove(uuid)
            found[one.device] = uuid
    return found


def _summary(
    environments: Sequence[Environment],
    devices: Collection[str],
    boards: Collection[Accelerator],
    refusal: str,
) -> str:
    if devices:
        return "the installed frameworks"
    if not environments:
        return f"{UNREADABLE}: frameworks not queried (--frameworks)"
    if boards:  # a framework built without CUDA is the usual reason, and easy to overlook
        names = ", ".join(board.name or "an NVIDIA board" for board in boards)
        return f"no installed framework sees one, but NVML sees {names}"
    return "no installed framework sees one" + (f"; {refusal}" if refusal else "")


def hardware(root: Path = ROOT) -> list[str]:
    """Return what tells a machine's accelerators from those of others, whatever is installed there.

    Which of them a framework sees depends on how it was built. The bus shows them all on Linux;
    where it does not, NVIDIA's driver does. Adapters that only show a screen are left out.
    """
    found = []
    for folder in (root / "sys/bus/pci/devices").glob("*"):
        kind, vendor, device = (read_text(folder / n) or "" for n in ("class", "vendor", "device"))
        if kind.startswith(COMPUTING) or (kind.startswith("0x03") and vendor in VENDORS):
            found.append(f"{vendor}:{device}")
    return sorted(found or (board.name or "" for board in read_boards()[0].values()))


def read_boards() -> tuple[dict[str, Accelerator], str]:
    """Ask NVIDIA's driver for its boards.

    Returns:
        What it knows of each, by UUID and in the order of the PCI bus; nothing without a driver.
        And why it refuses to answer; empty where it does not, or where there is none.
    """
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError_LibraryNotFound:  # no NVIDIA driver here
        return {}, ""
    except Exception as error:  # noqa: BLE001 (there is one, whatever is wrong with it)
        return {}, f"NVIDIA's driver is there but refuses: {reason_of(error)}"
    try:
        numbers = range(_ask(pynvml.nvmlDeviceGetCount) or 0)
        handles = [_ask(pynvml.nvmlDeviceGetHandleByIndex, number) for number in numbers]
        # NVML promises no order between reboots; the bus is what CUDA falls back on.
        handles = sorted((handle for handle in handles if handle is not None), key=_bus)
        return {_uuid(handle): _board(handle) for handle in handles}, ""
    finally:
        _ask(pynvml.nvmlShutdown)


def _ask(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call NVML, taking a refusal (a laptop's board has no power limit) for an answer."""
    return ask(function, *arguments)[0]


def _bus(handle: Any) -> str:
    return str(getattr(_ask(pynvml.nvmlDeviceGetPciInfo, handle), "busId", ""))


def _uuid(handle: Any) -> str:
    return str(_ask(pynvml.nvmlDeviceGetUUID, handle) or _bus(handle))


def _board(handle: Any) -> Accelerator:
    memory = _ask(pynvml.nvmlDeviceGetMemoryInfo, handle)
    capability = _ask(pynvml.nvmlDeviceGetCudaComputeCapability, handle)
    power_limit_mw = _ask(pynvml.nvmlDeviceGetEnforcedPowerLimit, handle)
    return Accelerator(
        device="",  # only a framework can say
        name=named(_ask(pynvml.nvmlDeviceGetName, handle)),
        memory_bytes=memory and int(memory.total),
        compute_capability=capability and ".".join(map(str, capability)),
        driver=_ask(pynvml.nvmlSystemGetDriverVersion),
        clock_hz=_clock_hz(handle, pynvml.NVML_CLOCK_SM),
        memory_clock_hz=_clock_hz(handle, pynvml.NVML_CLOCK_MEM),
        power_limit_w=power_limit_mw and power_limit_mw / 1000,
    )


def _clock_hz(handle: Any, kind: int) -> int | None:
    found = clock_hz(_ask(pynvml.nvmlDeviceGetMaxClockInfo, handle, kind))
    return None if found is None else round(found)


def visible(boards: Mapping[str, Accelerator]) -> list[str]:
    """Put the boards in the order in which CUDA numbers them, as far as that can be told.

    Boards of one name are interchangeable but for their limits; CUDA numbers those by bus. Of
    boards with different names it takes the fastest first, so that a bare number in
    CUDA_VISIBLE_DEVICES says nothing unless CUDA_DEVICE_ORDER asks for the order of the bus.

    Returns:
        The UUIDs of those that CUDA_VISIBLE_DEVICES leaves, or of all where it cannot be
        interpreted; given are those of `read_boards`.

    Source:
        CUDA C++ Programming Guide, "CUDA Environment Variables".
    """
    every = list(boards)
    setting = os.environ.get("CUDA_VISIBLE_DEVICES")
    if setting is None:
        return every
    by_bus = os.environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"
    chosen = []
    for token in filter(None, map(str.strip, setting.split(","))):
        matches = [uuid for uuid in every if uuid.startswith(token)]
        if token.isdecimal() and (by_bus or len({each.name for each in boards.values()}) == 1):
            matches = every[int(token) : int(token) + 1]
        if len(matches) != 1:
            return every
        chosen += matches
    return chosen
