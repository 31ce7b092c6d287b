"""Tests of processor: brand, instructions, caches and clock, on file trees made up here."""

from __future__ import annotations

import platform
import subprocess
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import cpuinfo
import psutil
import pytest

from factories.trees import tree
from report.machine import processor
from report.machine.surroundings import UNREADABLE
from report.results.machine import Cache

if TYPE_CHECKING:
    from pathlib import Path

CPU0 = "sys/devices/system/cpu/cpu0"

APPLE = """\
hw.cacheconfig: 8 1 4 0 0 0 0 0 0 0
hw.l1dcachesize: 65536
hw.l2cachesize: 4194304
hw.perflevel0.l1icachesize: 196608
hw.perflevel0.l1dcachesize: 131072
hw.perflevel0.l2cachesize: 12582912
hw.perflevel0.cpusperl2: 6
hw.optional.AdvSIMD: 1
hw.optional.arm.FEAT_BF16: 1
hw.optional.arm.FEAT_SME: 0
kern.hv_vmm_present: 0
"""


def test_x86_on_linux_is_read_without_the_slow_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where /proc/cpuinfo says all, py-cpuinfo's second of measuring is saved."""
    monkeypatch.setattr(cpuinfo, "get_cpu_info", lambda: pytest.fail("was called"))
    core = "processor\t: {}\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD X\nflags\t\t: FPU avx2"
    tree(tmp_path, {"proc/cpuinfo": f"{core.format(0)}\n\n{core.format(1)}"})
    found = processor.identity(tmp_path)
    assert (found.model, found.vendor, found.source) == ("AMD X", "AuthenticAMD", "/proc/cpuinfo")
    assert found.flags == {"fpu", "avx2"}


@pytest.mark.parametrize("text", ["", "processor : 0\nFeatures : fp asimd\nCPU part : 0xd40"])
def test_other_processors_are_read_with_py_cpuinfo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Arm's /proc/cpuinfo has numbers instead of a brand, and other systems have no such file."""
    info = {"brand_raw": "Neoverse-V1", "vendor_id_raw": "ARM", "flags": ["ASIMD", "sve"]}
    monkeypatch.setattr(cpuinfo, "get_cpu_info", lambda: info)
    found = processor.identity(tree(tmp_path, {"proc/cpuinfo": text}))
    assert (found.model, found.vendor, found.source) == ("Neoverse-V1", "ARM", "py-cpuinfo")
    assert found.flags == {"asimd", "sve"}


def test_failing_library_leaves_the_processor_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system that py-cpuinfo does not know can still be measured."""

    def fail() -> dict[str, Any]:
        raise ValueError

    monkeypatch.setattr(cpuinfo, "get_cpu_info", fail)
    found = processor.identity(tmp_path)
    assert (found.model, found.vendor, found.flags) == (None, None, frozenset())


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("sse4_2 avx avx2 fma", ["SSE4.2", "AVX", "AVX2", "FMA"]),
        ("sse4.2 avx1.0 avx2", ["SSE4.2", "AVX", "AVX2"]),
        ("avx512f avx512_bf16 avx512_fp16", ["AVX-512", "AVX-512 BF16", "AVX-512 FP16"]),
        ("amx_tile amx_int8 amx_bf16", ["AMX", "AMX INT8", "AMX BF16"]),
        ("asimd sve sve2 bf16", ["NEON", "NEON BF16", "SVE", "SVE2"]),
        ("fpu", []),
    ],
)
def test_instructions_are_named_from_narrow_to_wide(flags: str, expected: list[str]) -> None:
    """Each system's spelling leads to the name that people use."""
    assert processor.simd_levels(frozenset(flags.split())) == expected


def test_caches_are_read_from_the_nearest_outwards(tmp_path: Path) -> None:
    """Sizes come in bytes and sharing as a number of cores, ten being after two."""
    tree(
        tmp_path,
        {
            f"{CPU0}/cache/index10/level": "3",
            f"{CPU0}/cache/index10/type": "Unified",
            f"{CPU0}/cache/index10/size": "480M",
            f"{CPU0}/cache/index10/shared_cpu_list": "0-3,8-11,16",
            f"{CPU0}/cache/index2/level": "1",
            f"{CPU0}/cache/index2/type": "Data",
            f"{CPU0}/cache/index2/size": "48K",
            f"{CPU0}/cache/index3/level": "2",
            f"{CPU0}/cache/index3/type": "Unified",
        },
    )
    found, source = processor.caches(tmp_path)
    assert found == [
        Cache(level=1, type="data", size_bytes=48 * 2**10, shared_by=None),
        Cache(level=3, type="unified", size_bytes=480 * 2**20, shared_by=9),
    ]
    assert source == f"/{CPU0}/cache"


def test_missing_caches_are_called_unreadable(tmp_path: Path) -> None:
    """Many small boards describe no caches; none are made up."""
    found, source = processor.caches(tmp_path)
    assert found == []
    assert source.startswith(UNREADABLE)


def run_sysctl(monkeypatch: pytest.MonkeyPatch, text: str) -> dict[str, str]:
    """Pretend to be a Mac whose sysctl prints this."""
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    done = subprocess.CompletedProcess(args=[], returncode=1, stdout=text)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    return processor.sysctl()


def test_mac_shows_the_caches_of_its_fast_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plain names belong to the slow cores, which heavy work does not run on."""
    found, source = processor.caches(tmp_path, run_sysctl(monkeypatch, APPLE))
    assert found == [
        Cache(level=1, type="data", size_bytes=131072, shared_by=1),
        Cache(level=1, type="instruction", size_bytes=196608, shared_by=1),
        Cache(level=2, type="unified", size_bytes=12582912, shared_by=6),
    ]
    assert source == "sysctl hw.perflevel0"


def test_mac_with_one_kind_of_core_shows_its_caches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Macs with Intel processors have no levels of performance; 0 is what is not there."""
    text = "hw.cacheconfig: 12 2 0 12 0\nhw.l1dcachesize: 32768\nhw.l1icachesize: 0\n"
    text += "hw.l2cachesize: 262144\nhw.l3cachesize: 12582912\n"
    found, _ = processor.caches(tmp_path, run_sysctl(monkeypatch, text))
    assert [(cache.level, cache.shared_by) for cache in found] == [(1, 2), (2, None), (3, 12)]


def test_mac_instructions_are_those_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sysctl lists absent features as well, with a zero."""
    flags = processor.sysctl_flags(run_sysctl(monkeypatch, APPLE))
    assert processor.simd_levels(flags) == ["NEON", "NEON BF16"]


def test_other_systems_run_no_sysctl(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux has a program of that name with other contents."""
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("was run"))
    assert processor.sysctl() == {}


def test_clock_without_cpufreq_is_not_passed_off_as_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a virtual machine psutil repeats the nominal clock, and its maximum of 0 means none."""
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    clock = SimpleNamespace(current=2600.0, min=0.0, max=0.0)
    monkeypatch.setattr(psutil, "cpu_freq", lambda: clock)
    current, highest, source = processor.frequency(tmp_path)
    assert (current, highest) == (2.6e9, None)
    assert "nominal" in source
    (tmp_path / CPU0 / "cpufreq").mkdir(parents=True)
    assert "nominal" not in processor.frequency(tmp_path)[2]


@pytest.mark.parametrize("error", [None, OSError, AttributeError, SystemError, ZeroDivisionError])
def test_missing_clock_is_called_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception] | None
) -> None:
    """Psutil returns nothing, raises, or lacks the function, depending on the system."""

    def cpu_freq() -> None:
        if error is not None:
            raise error

    monkeypatch.setattr(psutil, "cpu_freq", cpu_freq)
    current, highest, source = processor.frequency(tmp_path)
    assert (current, highest) == (None, None)
    assert source.startswith(UNREADABLE)


@pytest.mark.parametrize("clock_mhz", [4.0, 0.5, 2.4e6])
def test_clock_that_no_processor_has_is_called_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock_mhz: float
) -> None:
    """Where a system mixes up its units, the page does not show a processor of 4 MHz."""
    clock = SimpleNamespace(current=clock_mhz, min=1.0, max=clock_mhz)
    monkeypatch.setattr(psutil, "cpu_freq", lambda: clock)
    current, highest, source = processor.frequency(tmp_path)
    assert (current, highest) == (None, None)
    assert source.startswith(UNREADABLE)
    assert f"{clock_mhz:g} MHz" in source


@pytest.mark.parametrize(
    "brand", ["-", " - ", "unknown", "0", "To Be Filled By O.E.M.", "Default string"]
)
def test_placeholder_is_no_brand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, brand: str
) -> None:
    """What stands where a name should is not shown as one, nor made a machine's name."""
    info = {"brand_raw": brand, "vendor_id_raw": "0x00", "flags": ["asimd"]}
    monkeypatch.setattr(cpuinfo, "get_cpu_info", lambda: info)
    tree(tmp_path, {"proc/cpuinfo": f"model name : {brand}\nflags : asimd"})
    found = processor.identity(tmp_path)
    assert (found.model, found.vendor) == (None, None)
    info |= {"brand_raw": "Neoverse-N1", "vendor_id_raw": "0x41"}
    found = processor.identity(tmp_path)
    assert (found.model, found.vendor) == ("Neoverse-N1", "0x41")


def test_governor_is_read_or_called_unreadable(tmp_path: Path) -> None:
    """The rule that sets the clock explains slow starts; virtual machines do not show it."""
    assert processor.governor(tmp_path)[0] is None
    assert processor.governor(tmp_path)[1].startswith(UNREADABLE)
    tree(tmp_path, {f"{CPU0}/cpufreq/scaling_governor": "powersave"})
    assert processor.governor(tmp_path)[0] == "powersave"
