"""The machine that was measured: what it is, how each fact is known, and how to say it.

Nothing here names a host or a person, since result files are made to be shared.
"""

from __future__ import annotations

import collections
import hashlib
import json
import math
import platform
import re
from typing import TYPE_CHECKING, Any

import psutil

from report.machine import processor, surroundings
from report.machine.accelerators import gather, hardware
from report.machine.surroundings import UNREADABLE, ask
from report.results.machine import Cpu, Machine, check_name
from report.text import names
from report.text.numerals import count, scaled
from report.worker.host import ROOT, memory_limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from report.results.machine import Cache
    from report.worker.records import Accelerator, Environment


_ON_OFF: dict[bool | None, str] = {True: "on", False: "off"}


def detect(
    environments: Sequence[Environment] = (), *, name: str | None = None, root: Path = ROOT
) -> Machine:
    """Find out what this machine is, and name it by its hardware where `name` does not.

    Accelerators are known as far as frameworks were asked, by their workers; the name is made from
    those that the system itself lists, so that it stays when frameworks change.

    Raises:
        UsageError: `name` cannot be a folder's name everywhere.
    """
    chosen = None if name is None else check_name(name)
    values = processor.sysctl()
    identity = processor.identity(root)
    cpu, sources = _detect_cpu(identity, values, root)
    memory, why = ask(psutil.virtual_memory)
    memory_bytes = memory.total if memory else 0
    sources["memory_bytes"] = f"{UNREADABLE}: {why}" if why else "psutil.virtual_memory"
    limits = [limit for limit, _ in memory_limits(root) if limit < (memory_bytes or limit + 1)]
    sources["memory_limit_bytes"] = "the memory control groups of this process"
    accelerators, accelerator_sources = gather(environments)
    sources |= accelerator_sources | {"os": "platform"}
    settings, settings_sources = surroundings.read_settings(root, values)
    sources |= settings_sources
    virtual, sources["virtualization"] = surroundings.virtualization(
        identity.flags, root, values, identity.model
    )
    return Machine(
        id=chosen or machine_id(cpu, memory_bytes, hardware(root)),
        cpu=cpu,
        memory_bytes=memory_bytes,
        memory_limit_bytes=min(limits, default=None),
        accelerators=accelerators,
        os=surroundings.operating_system(),
        virtualization=virtual,
        sources=sources,
        settings=settings,
    )


def _detect_cpu(
    identity: processor.Identity, values: dict[str, str], root: Path
) -> tuple[Cpu, dict[str, str]]:
    flags = identity.flags | processor.sysctl_flags(values)
    simd_source = identity.source + (" and sysctl hw.optional" if values else "")
    frequency_hz, max_frequency_hz, frequency_source = processor.frequency(root)
    physical, logical = ask(psutil.cpu_count, logical=False)[0], ask(psutil.cpu_count)[0]
    facts: dict[str, tuple[Any, str]] = {
        "model": _known(identity.model, identity.source),
        "vendor": _known(identity.vendor, identity.source),
        "architecture": _known(platform.machine() or None, "platform.machine"),
        "physical_cores": _known(physical, "psutil.cpu_count(logical=False)"),
        "logical_cores": _known(logical, "psutil.cpu_count"),
        "affinity_cores": surroundings.affinity_cores(),
        "quota_cores": surroundings.quota_cores(root),
        "simd": (processor.simd_levels(flags), _known(flags, simd_source)[1]),
        "caches": processor.caches(root, values),
        "frequency_hz": (frequency_hz, frequency_source),
        "max_frequency_hz": _known(max_frequency_hz, "psutil.cpu_freq"),
        "governor": processor.governor(root),
    }
    cpu = Cpu(**{key: value for key, (value, _) in facts.items()})
    return cpu, {f"cpu.{key}": source for key, (_, source) in facts.items()}


def _known(value: object, source: str) -> tuple[object, str]:
    return value, source if value else f"{UNREADABLE}: {source} has none"


def memory(root: Path = ROOT) -> int | None:
    """Return the bytes of memory that programs may use here; None where nothing says."""
    host, _ = ask(psutil.virtual_memory)
    limits = [limit for limit, _ in memory_limits(root)]
    return min([host.total, *limits] if host else limits, default=None)


def machine_id(cpu: Cpu, memory_bytes: int, accelerators: Sequence[str]) -> str:
    """Make a machine's name, such as "intel-xeon-2-core-24-gib-3f2a9c", from its hardware.

    It is the same at every boot, for every user and with every framework. Versions, clocks and
    limits of the container are left out: they change while the machine stays the same. The
    accelerators are those of `hardware`.
    """
    memory = names.memory_as_sold(memory_bytes)
    hardware = {
        "model": cpu.model,
        "cores": [cpu.physical_cores, cpu.logical_cores],
        "simd": cpu.simd,
        "caches": [[cache.level, cache.type, cache.size_bytes] for cache in cpu.caches],
        "memory": memory,
        "accelerators": sorted(accelerators),
    }
    digest = hashlib.sha256(json.dumps(hardware, sort_keys=True).encode()).hexdigest()[:6]
    brand = re.sub(r"[^a-z0-9]+", "-", _brand(cpu).lower()).strip("-")[:32].strip("-")
    parts = (brand or "processor", _cores(cpu), memory.lower().replace(" ", "-"), digest)
    return check_name("-".join(filter(None, parts)))


def usable_cores(machine: Machine) -> int:
    """Count the cores that a computation can keep busy here.

    Two hardware threads of a core share its arithmetic, so that physical cores count; a quota
    of 1.5 cores still lets two threads run at once. At least 1.
    """
    cpu = machine.cpu
    quota = None if cpu.quota_cores is None else math.ceil(cpu.quota_cores)
    limits = (cpu.physical_cores or cpu.logical_cores, cpu.affinity_cores, quota)
    return max(1, min((limit for limit in limits if limit), default=1))


def last_cache_bytes(machine: Machine, device: str) -> int | None:
    """Return the size of a device's last cache; None where it is not known."""
    if device == "cpu":
        return max((cache.size_bytes for cache in machine.cpu.caches), default=None)
    return next((one.l2_bytes for one in machine.accelerators if one.device == device), None)


def _brand(cpu: Cpu) -> str:
    return names.brand(cpu.model or "") or f"{cpu.architecture or 'unknown'} processor"


def _core_count(cpu: Cpu) -> int | None:
    return cpu.physical_cores or cpu.logical_cores


def _cores(cpu: Cpu) -> str:
    number = _core_count(cpu)
    return f"{number}-core" if number else ""


def _counted(devices: Iterable[str]) -> list[str]:
    """Name devices once each: "2 x NVIDIA H200"."""
    counts = collections.Counter(devices)
    return [name if count == 1 else f"{count} x {name}" for name, count in counts.items()]


def describe(machine: Machine) -> str:
    """Say what the machine is: "2-core Intel Xeon with AVX-512, 24 GiB, no accelerator"."""
    cpu = machine.cpu
    words = f"{_cores(cpu)} {_brand(cpu)}".strip()
    usable = usable_cores(machine)
    if cpu.physical_cores and usable < cpu.physical_cores:
        words += f" ({usable} usable)"
    # The widest of each family implies those before it.
    families = (("AVX-512", "AVX2", "AVX", "SSE4.2"), ("AMX",), ("SVE2", "SVE", "NEON"), ("SME",))
    widest = [next((level for level in family if level in cpu.simd), None) for family in families]
    if simd := " and ".join(level for level in widest if level):
        words += f" with {simd}"
    if (machine.virtualization or "").startswith("translated"):
        words += f", {machine.virtualization}"
    counted = _counted(
        (each.name or each.device) + ("" if each.works else " (not working)")
        for each in machine.accelerators
    )
    if not counted and not machine.sources.get("accelerators", "").startswith(UNREADABLE):
        counted = ["no accelerator"]
    return ", ".join([words, names.memory_as_sold(machine.memory_bytes), *counted])


def short_names(machines: Sequence[Machine]) -> list[str]:
    """Name machines in little room, without commas: "H200", "EPYC (2 cores)".

    Those that would have the same name say more, "Intel Xeon (2 cores) without GPU", or keep their
    ids.
    """
    found = [each.id for each in machines]
    for whole in (True, False):
        shorter = [_short(each, whole=whole) for each in machines]
        found = [
            name if shorter.count(name) == 1 else before
            for name, before in zip(shorter, found, strict=True)
        ]
    return found


def _short(machine: Machine, *, whole: bool) -> str:
    counted = _counted(names.chip(d.name or d.device) for d in machine.accelerators)
    works = any(device.works for device in machine.accelerators)
    chips = " and ".join(counted)
    if works and not whole:
        return chips
    number, brand = _core_count(machine.cpu), _brand(machine.cpu).replace(",", "")
    # Whose Xeon or M2 it is, everybody knows.
    known = brand if whole else re.sub(r"^(?:AMD|Apple|Intel)\s+(?=\w)", "", brand)
    words = f"{known} ({count(number, 'core')})" if number else known
    if not whole or machine.sources.get("accelerators", "").startswith(UNREADABLE):
        return words
    return f"{words} with {chips}" if works else f"{words} without {'working ' if chips else ''}GPU"


def facts(machine: Machine) -> list[tuple[str, str, str]]:
    """List what is known of the machine, for people: label, value in words, how it is known."""
    cpu = machine.cpu
    rows: list[tuple[str, str | None, str]] = [
        ("Processor", cpu.model, "cpu.model"),
        ("Vendor", cpu.vendor, "cpu.vendor"),
        ("Architecture", cpu.architecture, "cpu.architecture"),
        ("Physical cores", _count(cpu.physical_cores), "cpu.physical_cores"),
        ("Logical cores", _count(cpu.logical_cores), "cpu.logical_cores"),
        ("Logical cores this process may use", _count(cpu.affinity_cores), "cpu.affinity_cores"),
        ("Container's limit of CPU time", _count(cpu.quota_cores, " cores"), "cpu.quota_cores"),
        ("Vector instructions", ", ".join(cpu.simd) or None, "cpu.simd"),
        *(map(_cache_row, cpu.caches) if cpu.caches else [("Caches", None, "cpu.caches")]),
        ("Clock", _clock(cpu.frequency_hz), "cpu.frequency_hz"),
        ("Highest clock", _clock(cpu.max_frequency_hz), "cpu.max_frequency_hz"),
        ("Clock governor", cpu.governor, "cpu.governor"),
        ("Turbo", _ON_OFF.get(machine.settings.turbo), "settings.turbo"),
        ("Hardware threads (SMT)", _ON_OFF.get(machine.settings.smt), "settings.smt"),
        ("Memory", _size(machine.memory_bytes), "memory_bytes"),
        ("Container's limit of memory", _size(machine.memory_limit_bytes), "memory_limit_bytes"),
        ("Transparent huge pages", machine.settings.huge_pages, "settings.huge_pages"),
        ("NUMA nodes", _count(machine.settings.numa_nodes), "settings.numa_nodes"),
        ("Random addresses (ASLR)", machine.settings.aslr, "settings.aslr"),
        *(
            (f"Accelerator {device.device}", _device_words(device), f"accelerators.{device.device}")
            for device in machine.accelerators
        ),
        *([] if machine.accelerators else [("Accelerators", None, "accelerators")]),
        ("Operating system", machine.os, "os"),
        ("Virtualization", machine.virtualization, "virtualization"),
    ]
    return [
        # What is not there is told from what could not be looked at.
        (
            label,
            value or ("unknown" if source.startswith(UNREADABLE) else "none"),
            source.removeprefix(f"{UNREADABLE}: "),
        )
        for label, value, key in rows
        for source in [machine.sources.get(key, UNREADABLE)]
    ]


def _count(value: float | None, unit: str = "") -> str | None:
    return None if value is None else f"{value:g}{unit}"


def _clock(value_hz: float | None, upto: str = "") -> str | None:
    return None if value_hz is None else upto + names.hertz(value_hz)


def _size(value_bytes: int | None) -> str | None:
    return names.size(value_bytes) if value_bytes else None


def _cache_row(cache: Cache) -> tuple[str, str, str]:
    label = f"L{cache.level} cache" + ("" if cache.type == "unified" else f" ({cache.type})")
    shared = cache.shared_by or 0
    sharing = f", shared by {shared} logical cores" if shared > 1 else ""
    return label, names.size(cache.size_bytes) + sharing, "cpu.caches"


def _device_words(device: Accelerator) -> str:
    words = [
        device.name,
        _size(device.memory_bytes),
        None if device.l2_bytes is None else f"L2 cache {names.size(device.l2_bytes)}",
        device.compute_capability and f"compute capability {device.compute_capability}",
        device.driver and f"driver {device.driver}",
        _clock(device.clock_hz, "up to "),
        _clock(device.memory_clock_hz, "memory up to "),
        _count(device.power_limit_w, " W"),
        "shares the CPU's memory" if device.integrated else None,
        f"{scaled(device.flop_per_s, 'FLOPS')} at a first look" if device.flop_per_s else None,
        None if device.works else f"not working: {device.reason or 'no reason given'}",
    ]
    return ", ".join(filter(None, words))
