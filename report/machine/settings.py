"""Reads what decides how fast the processor runs from day to day: settings of firmware and kernel.

Like report.machine.surroundings, what cannot be read is None, and its source says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from report.machine.surroundings import UNREADABLE
from report.results.machine import Settings
from report.worker.host import ROOT, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_CPU = "sys/devices/system/cpu"
_ON_OFF = {"1": True, "0": False}
_ASLR = {"0": "off", "1": "without the heap", "2": "on"}


def read_settings(
    root: Path = ROOT, values: Mapping[str, str] | None = None
) -> tuple[Settings, dict[str, str]]:
    """Read them all, and how each is known, by name; `values` are macOS's from `sysctl`."""
    found: dict[str, tuple[Any, str]] = {
        "turbo": _turbo(root),
        "smt": _smt(root, values or {}),
        "huge_pages": _huge_pages(root),
        "numa_nodes": _numa_nodes(root),
        "aslr": _read(root, "proc/sys/kernel/randomize_va_space", _ASLR),
    }
    sources = {f"settings.{name}": source for name, (_, source) in found.items()}
    return Settings(**{name: value for name, (value, _) in found.items()}), sources


def _read(root: Path, path: str, meanings: Mapping[str, Any]) -> tuple[Any, str]:
    meaning = meanings.get(read_text(root / path) or "")
    return meaning, f"/{path}" if meaning is not None else f"{UNREADABLE}: no /{path}"


def _turbo(root: Path) -> tuple[bool | None, str]:
    intel, other = f"{_CPU}/intel_pstate/no_turbo", f"{_CPU}/cpufreq/boost"
    found = _read(root, intel, {"0": True, "1": False})
    return found if found[0] is not None else _read(root, other, _ON_OFF)


def _smt(root: Path, values: Mapping[str, str]) -> tuple[bool | None, str]:
    cores = [values.get(f"hw.{kind}cpu", "") for kind in ("logical", "physical")]
    if all(count.isdecimal() for count in cores):
        return int(cores[0]) > int(cores[1]), "sysctl hw.logicalcpu, hw.physicalcpu"
    return _read(root, f"{_CPU}/smt/active", _ON_OFF)


def _huge_pages(root: Path) -> tuple[str | None, str]:
    path = "sys/kernel/mm/transparent_hugepage/enabled"
    # "always [madvise] never": what is chosen stands in brackets.
    chosen = (read_text(root / path) or "").partition("[")[2].partition("]")[0] or None
    return chosen, f"/{path}" if chosen else f"{UNREADABLE}: no /{path}"


def _numa_nodes(root: Path) -> tuple[int | None, str]:
    path = "sys/devices/system/node"
    count = len(list((root / path).glob("node[0-9]*"))) or None
    return count, f"/{path}" if count else f"{UNREADABLE}: no /{path}"
