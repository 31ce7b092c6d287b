"""Reads what surrounds the processor: container, hypervisor, operating system and its settings.

Every function returns what it found and a source text. What cannot be read is None, and its
source begins with `UNREADABLE`; nothing is guessed. `root` stands for the file system's root, so
that tests can show a machine that is not theirs; `values` are macOS's from `processor.sysctl`.
"""

from __future__ import annotations

import contextlib
import platform
import re
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

from report.results.machine import Settings
from report.worker.host import ROOT, control_groups, read_text
from report.worker.records import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

UNREADABLE = "not readable"

CPU = "sys/devices/system/cpu"

_T = TypeVar("_T")

# What a virtual machine's firmware calls itself, and what people call it.
_HYPERVISORS = (
    ("vmware", "VMware"),
    ("virtualbox", "VirtualBox"),
    ("innotek", "VirtualBox"),
    ("parallels", "Parallels"),
    ("apple virtualization", "Apple Virtualization"),
    ("amazon ec2", "Amazon EC2"),
    ("google compute engine", "Google Compute Engine"),
    ("microsoft corporation virtual machine", "Hyper-V"),
    ("digitalocean", "DigitalOcean"),
    ("firecracker", "Firecracker"),
    ("xen", "Xen"),
    ("kvm", "KVM"),
    ("qemu", "QEMU"),
)


NOBODY = re.compile(
    r"[\W_]*|(0x)?0+|n/?a|none|null|unknown.*|(not|non|un).?(specified|available|defined)"
    r"|default( string)?|(to be filled|system (product|manufacturer)|oem).*",
    re.IGNORECASE,
)
"""What stands where a name should: dashes, zeros, and what firmware is delivered with."""


def named(text: object) -> str | None:
    """Return the name that a system gives, or None where it is only a placeholder."""
    name = text.strip() if isinstance(text, str) else ""
    return None if NOBODY.fullmatch(name) else name


def ask(function: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[Any, str]:
    """Call a library that reads the machine; return its answer, or None and why there is none.

    What such a library raises on a system that its authors did not have is in no list: a
    SystemError from C, a name that is no text, an attribute that is not there.
    """
    try:
        return function(*arguments, **options), ""
    except Exception as error:  # noqa: BLE001 (see above; what is not known is said)
        return None, reason_of(error)


def from_file(value: _T, path: str) -> tuple[_T, str]:
    """Return what was read from a path below the root, and that it was; None and [] are nothing."""
    return value, f"{UNREADABLE}: no /{path}" if value in (None, []) else f"/{path}"


def read_settings(
    root: Path = ROOT, values: Mapping[str, str] | None = None
) -> tuple[Settings, dict[str, str]]:
    """Read which settings of firmware and kernel decide how fast the processor runs.

    Returns:
        Them all, and how each is known, by its dotted name.
    """

    def read(path: str, meanings: Sequence[Any]) -> tuple[Any, str]:
        known = dict(zip("012", meanings, strict=False))
        return from_file(known.get(read_text(root / path) or ""), path)

    turbo = read(f"{CPU}/intel_pstate/no_turbo", (True, False))
    if turbo[0] is None:
        turbo = read(f"{CPU}/cpufreq/boost", (False, True))
    smt = read(f"{CPU}/smt/active", (False, True))
    cores = [(values or {}).get(f"hw.{kind}cpu", "") for kind in ("logical", "physical")]
    if all(count.isdecimal() for count in cores):
        smt = int(cores[0]) > int(cores[1]), "sysctl hw.logicalcpu, hw.physicalcpu"
    pages, nodes = "sys/kernel/mm/transparent_hugepage/enabled", "sys/devices/system/node"
    # "always [madvise] never": what is chosen stands in brackets.
    chosen = (read_text(root / pages) or "").partition("[")[2].partition("]")[0]
    found: dict[str, tuple[Any, str]] = {
        "turbo": turbo,
        "smt": smt,
        "huge_pages": from_file(chosen or None, pages),
        "numa_nodes": from_file(len(list((root / nodes).glob("node[0-9]*"))) or None, nodes),
        "aslr": read("proc/sys/kernel/randomize_va_space", ("off", "without the heap", "on")),
    }
    sources = {f"settings.{name}": source for name, (_, source) in found.items()}
    return Settings(**{name: value for name, (value, _) in found.items()}), sources


def quota_cores(root: Path = ROOT) -> tuple[float | None, str]:
    """Read how many cores' worth of time the container may use; None without a limit."""
    if read_text(root / "proc/self/cgroup") is None:
        return None, f"{UNREADABLE}: no /proc/self/cgroup"
    limits = filter(None, map(_quota_of, control_groups("cpu", root)))
    return min(limits, default=(None, "no limit in this process's control groups"))


def quota_counts(root: Path = ROOT) -> dict[str, tuple[int, int]]:
    """Read how many periods of a quota have passed, and in how many it was used up, by group."""
    found = {}
    for folder in control_groups("cpu", root):
        counts = dict(re.findall(r"(nr_\w+) (\d+)", read_text(folder / "cpu.stat") or ""))
        if {"nr_periods", "nr_throttled"} <= counts.keys():
            found[str(folder)] = int(counts["nr_periods"]), int(counts["nr_throttled"])
    return found


def waited_for_memory_s(root: Path = ROOT) -> float | None:
    """Read for how many seconds some program has waited for memory since the system started.

    Source: "PSI - Pressure Stall Information", Linux kernel documentation.
    """
    found = re.match(r"some .*total=(\d+)", read_text(root / "proc/pressure/memory") or "")
    return int(found[1]) / 1e6 if found else None


def on_battery() -> bool | None:
    """Say whether a battery supplies the machine; None where there is none or nothing says."""
    battery, _ = ask(lambda: psutil.sensors_battery())  # noqa: PLW0108 (not on every system)
    return None if battery is None or battery.power_plugged is None else not battery.power_plugged


def power_mode(root: Path = ROOT) -> str | None:
    """Read what the system saves or spends: "performance", "balanced", "low-power"."""
    preference = "sys/devices/system/cpu/cpu0/cpufreq/energy_performance_preference"
    return read_text(root / "sys/firmware/acpi/platform_profile") or read_text(root / preference)


def _quota_of(folder: Path) -> tuple[float, str] | None:
    quota, _, period = (read_text(folder / "cpu.max") or "").partition(" ")
    source = "cgroup v2 cpu.max"
    if not quota:
        quota = read_text(folder / "cpu.cfs_quota_us") or ""
        period = read_text(folder / "cpu.cfs_period_us") or ""
        source = "cgroup v1 cpu.cfs_quota_us"
    if not (quota.isdecimal() and period.isdecimal()) or int(quota) == 0 or int(period) == 0:
        return None  # "max" and -1 mean no limit
    return int(quota) / int(period), source


def affinity_cores() -> tuple[int | None, str]:
    """Count the logical cores that this process may run on."""
    cores, why = ask(lambda: psutil.Process().cpu_affinity())  # macOS has no such method
    return (len(cores), "psutil cpu_affinity") if cores else (None, f"{UNREADABLE}: {why}")


def virtualization(
    flags: frozenset[str],
    root: Path = ROOT,
    values: Mapping[str, str] | None = None,
    model: str | None = None,
) -> tuple[str | None, str]:
    """Find out what stands between this program and the processor, by whose `flags` and `model`.

    Returns:
        "KVM", "Docker in KVM", "virtual machine" where its kind is not known, "translated by
        Rosetta 2", or None if nothing hints at any; and how that is known.
    """
    layers = (
        _translation(model or "", values or {}),
        _container(root),
        _hypervisor(flags, root, values or {}),
    )
    found = [layer for layer in layers if layer]
    if not found:
        return None, "no sign of a container or a hypervisor"
    words = " in ".join(name for name, _ in found).replace(" in virtual", " in a virtual")
    return words, "; ".join(source for _, source in found)


def _translation(model: str, values: Mapping[str, str]) -> tuple[str, str] | None:
    # A Python for x86-64 runs on Apple silicon too, at a fraction of the speed and without AVX.
    if values.get("sysctl.proc_translated") == "1":
        return "translated by Rosetta 2", "sysctl sysctl.proc_translated"
    if "VirtualApple" in model:  # what Rosetta calls the processor in a virtual machine
        return "translated by Rosetta 2", "the processor's name"
    return None


def _container(root: Path) -> tuple[str, str] | None:
    for path, name in ((".dockerenv", "Docker"), ("run/.containerenv", "Podman")):
        with contextlib.suppress(OSError):
            if (root / path).exists():
                return name, f"/{path} exists"
    groups = read_text(root / "proc/1/cgroup") or ""
    for word, name in (("kubepods", "Kubernetes"), ("docker", "Docker"), ("lxc", "LXC")):
        if word in groups:
            return name, "/proc/1/cgroup"
    return None


def _hypervisor(
    flags: frozenset[str], root: Path, values: Mapping[str, str]
) -> tuple[str, str] | None:
    if values.get("kern.hv_vmm_present") == "1":
        return "virtual machine", "sysctl kern.hv_vmm_present"
    if "microsoft" in (read_text(root / "proc/sys/kernel/osrelease") or "").lower():
        return "WSL", "/proc/sys/kernel/osrelease"
    if kind := read_text(root / "sys/hypervisor/type"):
        return kind.capitalize(), "/sys/hypervisor/type"
    # Clouds rent out bare machines too, whose firmware bears the same names. On x86 the
    # processor tells them apart; elsewhere only the product's name can.
    flagged = "hypervisor" in flags
    names = [read_text(root / "sys/class/dmi/id" / name) for name in ("sys_vendor", "product_name")]
    firmware = " ".join(filter(None, names)).lower()
    if flagged or ("fpu" not in flags and "metal" not in firmware):
        for word, name in _HYPERVISORS:
            if word in firmware:
                return name, "/sys/class/dmi/id"
    return ("virtual machine", "hypervisor flag of the CPU") if flagged else None


def operating_system() -> str | None:
    """Name the operating system and its version ("Linux 6.18"), without the host's name."""
    system, release = platform.system(), platform.release()
    if system == "Darwin":
        system, release = "macOS", platform.mac_ver()[0]
    # Whoever builds a kernel may append a name of their own to its version.
    version = re.match(r"\d+(\.\d+)?", release)
    return " ".join(filter(None, (system, version and version[0]))) or None
