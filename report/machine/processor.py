"""Reads what the processor is: its brand, instructions, caches, cores and clock.

Like report.machine.surroundings, every function returns what it found and a source text, and what
cannot be read is None or empty.
"""

from __future__ import annotations

import platform
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cpuinfo
import psutil

from report.machine.surroundings import CPU, UNREADABLE, ask, from_file, named
from report.results.machine import Cache
from report.worker.host import ROOT, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from report.results.machine import CacheType

_CACHE_TYPES: dict[str, CacheType]
_CACHE_TYPES = {"Data": "data", "Instruction": "instruction", "Unified": "unified"}
CLOCKS_HZ = 100e6, 20e9
"""No processor or memory that frameworks run on has a clock below or above these."""
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}

# The same instructions go by other names in /proc/cpuinfo, in macOS's sysctl and in py-cpuinfo.
# From narrow to wide, so that the list reads as a history.
_SIMD: tuple[tuple[str, frozenset[str]], ...] = (
    ("SSE4.2", frozenset({"sse4_2", "sse4.2"})),
    ("AVX", frozenset({"avx", "avx1.0"})),
    ("AVX2", frozenset({"avx2"})),
    ("FMA", frozenset({"fma"})),
    ("AVX-VNNI", frozenset({"avx_vnni"})),
    ("AVX-512", frozenset({"avx512f"})),
    ("AVX-512 VNNI", frozenset({"avx512_vnni", "avx512vnni"})),
    ("AVX-512 BF16", frozenset({"avx512_bf16"})),
    ("AVX-512 FP16", frozenset({"avx512_fp16"})),
    ("AMX", frozenset({"amx_tile"})),
    ("AMX INT8", frozenset({"amx_int8"})),
    ("AMX BF16", frozenset({"amx_bf16"})),
    ("AMX FP16", frozenset({"amx_fp16"})),
    ("NEON", frozenset({"asimd", "neon", "advsimd"})),
    ("NEON FP16", frozenset({"asimdhp", "feat_fp16"})),
    ("NEON dot product", frozenset({"asimddp", "feat_dotprod"})),
    ("NEON BF16", frozenset({"bf16", "feat_bf16"})),
    ("SVE", frozenset({"sve"})),
    ("SVE2", frozenset({"sve2"})),
    ("SME", frozenset({"sme", "feat_sme"})),
    ("SME2", frozenset({"sme2", "feat_sme2"})),
)


@dataclass(frozen=True)
class Identity:
    """What the processor says that it is; its features (`flags`) in lower case."""

    model: str | None
    vendor: str | None
    flags: frozenset[str]
    source: str


def identity(root: Path = ROOT) -> Identity:
    """Read the processor's brand, vendor and features; what it does not say is None or empty."""
    first_core = (read_text(root / "proc/cpuinfo") or "").split("\n\n")[0]
    pairs = (line.partition(":") for line in first_core.splitlines())
    fields = {key.strip(): value.strip() for key, _, value in pairs}
    model, vendor = named(fields.get("model name")), named(fields.get("vendor_id"))
    if model and fields.get("flags"):
        # py-cpuinfo would say the same here after a second of timing the CPUID instruction.
        return Identity(model, vendor, frozenset(fields["flags"].lower().split()), "/proc/cpuinfo")
    info, why = ask(cpuinfo.get_cpu_info)
    info = info or {}
    flags = frozenset(flag.lower() for flag in info.get("flags") or ())
    model, vendor = named(info.get("brand_raw")), named(info.get("vendor_id_raw"))
    return Identity(model, vendor, flags, "py-cpuinfo" + (f" ({why})" if why else ""))


def simd_levels(flags: frozenset[str]) -> list[str]:
    """Name the vector and matrix instructions among a processor's features, narrow to wide."""
    return [name for name, spellings in _SIMD if spellings & flags]


def sysctl() -> dict[str, str]:
    """Read macOS's description of the hardware: values by name; empty on any other system."""
    if platform.system() != "Darwin":
        return {}
    # An unknown name is an error to it, but the others are still printed.
    names = "hw", "kern.hv_vmm_present", "sysctl.proc_translated"
    command = ["/usr/sbin/sysctl", *names]
    done, _ = ask(subprocess.run, command, capture_output=True, text=True, timeout=10)
    pairs = (line.partition(": ") for line in (done.stdout if done else "").splitlines())
    return {key: value.strip() for key, _, value in pairs}


def sysctl_flags(values: Mapping[str, str]) -> frozenset[str]:
    """Find the processor's features in macOS's description, lower case as in `Identity`."""
    return frozenset(
        key.rpartition(".")[2].lower()
        for key, value in values.items()
        if key.startswith("hw.optional.") and value == "1"
    )


def caches(root: Path = ROOT, values: Mapping[str, str] | None = None) -> tuple[list[Cache], str]:
    """Read the caches of the first core, from the nearest outwards; `values` are `sysctl`'s."""
    if values:
        return _caches_of_sysctl(values)
    found = []
    folders = (root / CPU / "cpu0/cache").glob("index[0-9]*")
    for folder in sorted(folders, key=lambda path: int(path.name.removeprefix("index"))):
        level = read_text(folder / "level") or ""
        kind = _CACHE_TYPES.get(read_text(folder / "type") or "")
        size = re.fullmatch(r"(\d+)([KMG]?)", read_text(folder / "size") or "")
        if level.isdecimal() and kind and size:
            size_bytes = int(size[1]) * _UNITS[size[2]]
            shared_by = _count_list(read_text(folder / "shared_cpu_list") or "")
            cache = Cache(level=int(level), type=kind, size_bytes=size_bytes, shared_by=shared_by)
            found.append(cache)
    return from_file(found, f"{CPU}/cpu0/cache")


def _caches_of_sysctl(values: Mapping[str, str]) -> tuple[list[Cache], str]:
    # Level 0 of performance is the fast cores; processors with one kind of core have none.
    prefix = "hw.perflevel0." if "hw.perflevel0.l2cachesize" in values else "hw."
    sharing = values.get("hw.cacheconfig", "").split()  # memory, then one number a level
    names: tuple[tuple[int, CacheType, str], ...] = (
        (1, "data", "l1dcachesize"),
        (1, "instruction", "l1icachesize"),
        (2, "unified", "l2cachesize"),
        (3, "unified", "l3cachesize"),
    )
    found = []
    for level, kind, name in names:
        size_bytes = _number(values.get(prefix + name, ""))
        shared = values.get(f"{prefix}cpusperl{level}") or "".join(sharing[level : level + 1])
        if size_bytes:
            shared_by = _number(shared)
            found.append(Cache(level=level, type=kind, size_bytes=size_bytes, shared_by=shared_by))
    source = f"sysctl {prefix.rstrip('.')}"
    return found, source if found else f"{UNREADABLE}: no cache sizes in {source}"


def _number(text: str) -> int | None:
    """Read a number that sysctl prints, which writes 0 for what is not there."""
    return int(text) or None if text.isdecimal() else None


def _count_list(text: str) -> int | None:
    """Count the cores in a list such as 0-3,8."""
    spans = [re.fullmatch(r"(\d+)(?:-(\d+))?", part) for part in text.split(",")]
    counts = [int(span[2] or span[1]) - int(span[1]) + 1 for span in spans if span]
    return sum(counts) if len(counts) == len(spans) else None


def frequency(root: Path = ROOT) -> tuple[float | None, float | None, str]:
    """Read the processor's current and highest clock in Hz, and how honest they can be."""
    clock, why = ask(psutil.cpu_freq)
    current, highest = (clock_hz(clock.current), clock_hz(clock.max)) if clock else (None, None)
    source = "psutil.cpu_freq"
    if current is None and clock and clock.current:
        source = f"{UNREADABLE}: psutil.cpu_freq says {clock.current:g} MHz, no processor's clock"
    elif current is None:
        source = f"{UNREADABLE}: psutil.cpu_freq has none{f' ({why})' if why else ''}"
    elif platform.system() == "Linux" and not (root / CPU / "cpu0/cpufreq").is_dir():
        source += ': "cpu MHz" of /proc/cpuinfo; no cpufreq, perhaps only nominal'
    return current, highest, source


def clock_hz(clock_mhz: float | None) -> float | None:
    """Return a clock in Hz; None for 0, which is none, and for what no processor runs at.

    Systems mix up MHz with GHz and with kHz, and write all ones for what they do not know.
    """
    low, high = CLOCKS_HZ
    return clock_mhz * 1e6 if clock_mhz and low <= clock_mhz * 1e6 <= high else None


def governor(root: Path = ROOT) -> tuple[str | None, str]:
    """Read which rule sets the clock: "performance", "powersave"."""
    path = f"{CPU}/cpu0/cpufreq/scaling_governor"
    return from_file(read_text(root / path), path)
