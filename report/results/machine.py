"""The machine as a result file keeps it, and what went on in it while a record was made.

Nothing here names a host or a person, since result files are made to be shared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from report.errors import UsageError
from report.worker.records import Accelerator, Probe, Strict

CacheType = Literal["data", "instruction", "unified"]

# A site has folders and files of these names beside those of its machines.
_OF_THE_SITE = {
    *("compare", "data", "estimates.csv", "imported", "imported.json"),
    *("manifest.json", "index.json", "result.schema.json"),
}

# Windows gives these names to devices; a folder of that name could not even be checked out there.
_WINDOWS_DEVICES = {"con", "prn", "aux", "nul"} | {
    f"{port}{number}" for port in ("com", "lpt") for number in range(10)
}


@dataclass(frozen=True, kw_only=True)
class Cache(Strict):
    """One cache of the first core.

    Attributes:
        level: 1 is the nearest to the core.
        type: What it holds.
        size_bytes: Its size.
        shared_by: Logical cores that share it; null where not readable.
    """

    level: int
    type: CacheType
    size_bytes: int
    shared_by: int | None


@dataclass(frozen=True, kw_only=True)
class Cpu(Strict):
    """The processor. What could not be read is null or empty.

    Attributes:
        model: Its brand, as it gives it.
        vendor: Who made it, as it says.
        architecture: Its instruction set ("x86_64", "arm64").
        physical_cores: Cores of the machine.
        logical_cores: Hardware threads of the machine.
        affinity_cores: Logical cores that this process may run on.
        quota_cores: Cores' worth of time that the container allows; null without a limit.
        simd: Vector and matrix instructions, from narrow to wide.
        caches: Caches of the first core, from the nearest outwards.
        frequency_hz: Its clock when it was looked at.
        max_frequency_hz: Its highest clock.
        governor: The rule that sets the clock.
    """

    model: str | None
    vendor: str | None
    architecture: str | None
    physical_cores: int | None
    logical_cores: int | None
    affinity_cores: int | None
    quota_cores: float | None
    simd: list[str]
    caches: list[Cache]
    frequency_hz: float | None
    max_frequency_hz: float | None
    governor: str | None


@dataclass(frozen=True, kw_only=True)
class Settings(Strict):
    """What of firmware and kernel decides a speed. What could not be read is null.

    Attributes:
        turbo: The clock may rise above the nominal one.
        smt: Cores run two or more hardware threads.
        huge_pages: When memory comes in huge pages: always, madvise (if a program asks), never.
        numa_nodes: Groups of cores with memory of their own.
        aslr: Addresses are drawn at random: on, without the heap, off.
    """

    turbo: bool | None = None
    smt: bool | None = None
    huge_pages: str | None = None
    numa_nodes: int | None = None
    aslr: str | None = None


@dataclass(frozen=True, kw_only=True)
class Machine(Strict):
    """A machine, without anything that names its owner.

    Attributes:
        id: Name of its folder of results.
        cpu: Its processor.
        memory_bytes: Memory that its operating system sees; 0 where that cannot be read.
        memory_limit_bytes: What the container allows of it; null without a limit.
        accelerators: Devices beside the CPU that a framework sees.
        os: Operating system and version ("Linux 6.18").
        virtualization: Hypervisor and container ("Docker in KVM"); null if nothing hints at any.
        sources: How each fact is known, by its dotted name ("cpu.model").
        settings: Of firmware and kernel.
    """

    id: str
    cpu: Cpu
    memory_bytes: int
    memory_limit_bytes: int | None = None
    accelerators: list[Accelerator]
    os: str | None
    virtualization: str | None
    sources: dict[str, str]
    settings: Settings = Settings()


@dataclass(frozen=True, kw_only=True)
class Conditions(Strict):
    """What went on in the machine while a record was made. What cannot be read is null.

    Attributes:
        elapsed_s: Seconds from start to stop.
        load_before: Mean number of runnable threads in the minute before.
        other_cores: Mean number of cores kept busy by other programs than the worker.
        steal_fraction: Share of all CPU time that the hypervisor gave to others.
        swapped_bytes: Memory moved to disk and back.
        throttle_events: How often the processor slowed down because of heat or power.
        probes_before: Fixed computations before.
        probes_after: The same computations afterwards.
        frequency_before_hz: The clock before, as the system reports it.
        frequency_after_hz: The clock afterwards.
        quota_throttled: Share of the periods of the container's quota in which it was used up.
        memory_pressure: Share of the time in which some program waited for memory.
        switches_per_s: How often the worker's first thread was put aside for another program, in
            a second of the worker's CPU time.
        on_battery: Whether it ran on battery at either end.
        power_mode: What the system saves or spends ("balanced", "low-power").
        clock_fall: By which share the accelerator's clock was at its lowest below its highest.
        clock_limits: What held its clock down ("power limit", "heat", "slowdown", "power brake").
    """

    elapsed_s: float
    load_before: float | None
    other_cores: float | None
    steal_fraction: float | None
    swapped_bytes: int | None
    throttle_events: int | None
    probes_before: list[Probe]
    probes_after: list[Probe]
    frequency_before_hz: float | None
    frequency_after_hz: float | None
    quota_throttled: float | None = None
    memory_pressure: float | None = None
    switches_per_s: float | None = None
    on_battery: bool | None = None
    power_mode: str | None = None
    clock_fall: float | None = None
    clock_limits: list[str] = field(default_factory=list)


def check_name(name: str) -> str:
    """Return a machine's name if it is a plain folder name on every system.

    Raises:
        UsageError: It could leave its folder, hide, or be something else on Windows.
    """
    plain = re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name)
    reserved = name.partition(".")[0] in _WINDOWS_DEVICES or name in _OF_THE_SITE
    if not plain or ".." in name or name.endswith(".") or reserved:
        raise UsageError(
            f"{name!r:.80} cannot name a machine: use up to 64 of a-z, 0-9, '.', '_' and '-', "
            "beginning with a letter or a digit, such as --machine my-laptop."
        )
    return name
