"""Tests of machine: names, words and facts of machines made up here, and of this one."""

from __future__ import annotations

import getpass
import re
import socket
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from pydantic import TypeAdapter, ValidationError

from factories.trees import tree
from report.errors import UsageError
from report.machine import machine as machines
from report.machine.surroundings import UNREADABLE
from report.results.machine import Cache, Cpu, Machine, check_name
from report.worker.records import Accelerator, Environment

GIB = 2**30
MEMORY_BYTES = 25276502016

LAPTOP = Cpu(
    model="Intel(R) Xeon(R) Processor",
    vendor="GenuineIntel",
    architecture="x86_64",
    physical_cores=2,
    logical_cores=4,
    affinity_cores=4,
    quota_cores=None,
    simd=["SSE4.2", "AVX", "AVX2", "FMA", "AVX-512", "AMX", "AMX BF16"],
    caches=[
        Cache(level=1, type="data", size_bytes=49152, shared_by=2),
        Cache(level=2, type="unified", size_bytes=2**21, shared_by=None),
    ],
    frequency_hz=2.6e9,
    max_frequency_hz=None,
    governor=None,
)
BROKEN = Accelerator(device="cuda:0", reason="no kernel image")
H100 = Accelerator(device="cuda:0", name="NVIDIA H100", memory_bytes=80 * GIB, works=True)


def made_of(cpu: Cpu, *accelerators: Accelerator, sources: dict[str, str] | None = None) -> Machine:
    """Make a machine of 24 GiB around a processor."""
    return Machine(
        id="made-up",
        cpu=cpu,
        memory_bytes=MEMORY_BYTES,
        accelerators=list(accelerators),
        os="Linux 6.18",
        virtualization=None,
        sources=sources or {},
    )


XEON = "2-core Intel Xeon with AVX-512 and AMX, 24 GiB"


def test_this_machine_is_described_without_naming_its_owner() -> None:
    """Result files are shared: no host name, no user and no home folder may be in them."""
    text = TypeAdapter(Machine).dump_json(machines.detect()).decode().lower()
    for secret in (socket.gethostname(), getpass.getuser()):
        # As a word of its own: a host called "vm" would be found in other words.
        assert not re.search(rf"\b{re.escape(secret.lower())}\b", text)
    assert str(Path.home()).lower() not in text


def test_this_machine_survives_being_written_and_read() -> None:
    """The dataclass is the file format: strict validation gives back the same machine."""
    adapter = TypeAdapter(Machine)
    found = machines.detect([Environment(backend="pytorch", accelerators=[H100])])
    assert adapter.validate_json(adapter.dump_json(found), strict=True) == found
    assert adapter.json_schema()["additionalProperties"] is False
    with pytest.raises(ValidationError, match="serial"):
        adapter.validate_python({**adapter.dump_python(found), "serial": "123"})


def test_every_fact_of_this_machine_says_how_it_is_known() -> None:
    """A fact without a source cannot be judged by those who read it elsewhere."""
    found = machines.detect([Environment(backend="pytorch", accelerators=[H100])])
    assert {key for key in found.sources if key.startswith("cpu.")} == {
        f"cpu.{name}" for name in Cpu.__dataclass_fields__
    }
    assert {"memory_bytes", "accelerators", "os", "virtualization"} < set(found.sources)
    assert all(value and source for _, value, source in machines.facts(found))


def test_each_fact_stands_under_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read apart is told apart: cores and threads, the clock and its limit."""
    clock = SimpleNamespace(current=2600.0, min=0.0, max=3800.0)
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 8 if logical else 4)
    monkeypatch.setattr(psutil, "cpu_freq", lambda: clock)
    cpu = machines.detect(root=tmp_path).cpu
    assert (cpu.physical_cores, cpu.logical_cores) == (4, 8)
    assert (cpu.frequency_hz, cpu.max_frequency_hz) == (2.6e9, 3.8e9)


def test_machine_that_tells_nothing_is_still_described(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unreadable facts are null with a source that says so, and nothing crashes or is guessed."""
    monkeypatch.setattr("cpuinfo.get_cpu_info", dict)
    monkeypatch.setattr("platform.machine", str)
    monkeypatch.setattr(psutil, "cpu_count", lambda **_: None)
    monkeypatch.setattr(psutil, "cpu_freq", lambda: None)
    found = machines.detect(root=tmp_path)
    unknown = ("model", "vendor", "architecture", "physical_cores", "logical_cores", "quota_cores")
    for name in (*unknown, "frequency_hz", "max_frequency_hz", "governor", "simd", "caches"):
        assert getattr(found.cpu, name) == ([] if name in {"simd", "caches"} else None), name
        assert found.sources[f"cpu.{name}"].startswith(UNREADABLE), name
    assert found.id.startswith("unknown-processor-")
    assert "unknown processor" in machines.describe(found)
    assert machines.usable_cores(found) >= 1
    assert ("Processor", "unknown") in [row[:2] for row in machines.facts(found)]


def test_machine_keeps_its_made_name_or_has_the_chosen_one() -> None:
    """A second run must find the folder of the first, under whatever name."""
    assert machines.detect().id == machines.detect().id
    assert machines.detect(name="my-laptop_2.0").id == "my-laptop_2.0"


UNSAFE = [
    *("", ".hidden", "..", "a..b", "a/b", "a\\b", "/etc", "Laptop", "my laptop", "laptop\n"),
    *("laptop.", "é", "-rf", "nul", "com1.old", "a" * 65, "a" * 10000),
]


@pytest.mark.parametrize("name", UNSAFE)
def test_unsafe_name_is_refused_with_a_remedy(name: str) -> None:
    """A name may not leave its folder, hide, or mean something else on another system."""
    with pytest.raises(UsageError) as caught:
        machines.detect(name=name)
    assert "--machine my-laptop" in caught.value.message
    assert len(caught.value.message.splitlines()) == 1
    assert len(caught.value.message) < 300


def name_of(*accelerators: str, memory_bytes: int = MEMORY_BYTES, **changes: Any) -> str:
    """Return the name that is made for the laptop with these changes."""
    return machines.machine_id(replace(LAPTOP, **changes), memory_bytes, accelerators)


def test_made_name_says_what_the_machine_is() -> None:
    """In words and sizes, before what tells it from others alike."""
    assert name_of().startswith("intel-xeon-2-core-24-gib-")


@pytest.mark.parametrize(
    "model",
    [LAPTOP.model, None, "", "龍芯", "../../etc", "X" * 200, "(R)", "CPU @ 3 GHz", "Con."],
)
def test_made_name_is_safe_whatever_the_brand(model: str | None) -> None:
    """It may be given back as --machine; anybody can write anything into a virtual brand."""
    assert check_name(name_of(model=model)) == name_of(model=model)


def test_other_hardware_gets_another_name() -> None:
    """Results of different machines must not mix in one folder."""
    cores = {name_of(physical_cores=4), name_of(logical_cores=2), name_of(model="AMD EPYC")}
    rest = {name_of(simd=["AVX2"]), name_of(caches=[]), name_of(memory_bytes=48 * GIB)}
    assert len({name_of(), *cores, *rest, name_of("0x10de:0x2330")}) == 8


def test_passing_circumstances_keep_the_name() -> None:
    """The clock of the moment, a container's limits, a few reserved pages: the same machine."""
    clock = {name_of(frequency_hz=1e9), name_of(max_frequency_hz=5e9), name_of(governor="slow")}
    limits = {name_of(affinity_cores=1), name_of(quota_cores=0.5)}
    assert clock | limits == {name_of(), name_of(memory_bytes=MEMORY_BYTES - 10**7)}


def test_machine_has_one_name_whatever_its_frameworks_see() -> None:
    """A framework without CUDA, one with it, one whose device broke, none: the same machine."""
    works, broken = (Environment(backend="pytorch", accelerators=[one]) for one in (H100, BROKEN))
    found = [[], [Environment(backend="pytorch")], [works], [broken], [works, broken]]
    assert len({machines.detect(environments).id for environments in found}) == 1


@pytest.mark.parametrize(
    "error", [SystemError("returned a result with an exception set"), KeyError]
)
def test_library_that_fails_in_a_new_way_ends_no_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Which exceptions a library raises on a system that its authors lack stands nowhere."""

    def fail(*_: object, **__: object) -> None:
        raise error

    for name in ("cpu_freq", "cpu_count", "virtual_memory", "Process"):
        monkeypatch.setattr(psutil, name, fail)
    monkeypatch.setattr("cpuinfo.get_cpu_info", fail)
    found = machines.detect(root=tmp_path)
    rows = {label: value for label, value, _ in machines.facts(found)}
    for label in ("Processor", "Physical cores", "Clock", "Memory"):
        assert rows[label] == "unknown", label
    assert machines.describe(found)


@pytest.mark.parametrize(("brand", "flag"), [("Apple M1", "1"), ("VirtualApple @ 2.50GHz", "0")])
def test_translated_python_is_said_to_be_translated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, brand: str, flag: str
) -> None:
    """A Python for x86-64 on Apple silicon loses half of its speed, and all say "Apple M1"."""
    values = {"hw.l1dcachesize": "65536", "sysctl.proc_translated": flag}
    monkeypatch.setattr("report.machine.processor.sysctl", lambda: values)
    monkeypatch.setattr("cpuinfo.get_cpu_info", lambda: {"brand_raw": brand})
    found = machines.detect(root=tmp_path)
    assert "Rosetta" in dict(row[:2] for row in machines.facts(found))["Virtualization"]
    assert "Rosetta" in machines.describe(found)
    monkeypatch.setattr("report.machine.processor.sysctl", lambda: {"hw.l1dcachesize": "65536"})
    monkeypatch.setattr("cpuinfo.get_cpu_info", lambda: {"brand_raw": "Apple M1"})
    assert "Rosetta" not in machines.describe(machines.detect(root=tmp_path))


def test_containers_limit_of_memory_is_a_fact(tmp_path: Path) -> None:
    """A worker that takes more is ended by the kernel; the machine's own memory says nothing."""
    limit = "sys/fs/cgroup/memory.max"
    tree(tmp_path, {"proc/self/cgroup": "0::/", limit: "max"})
    assert machines.detect(root=tmp_path).memory_limit_bytes is None
    tree(tmp_path, {limit: 2**29})
    found = machines.detect(root=tmp_path)
    assert (
        dict(row[:2] for row in machines.facts(found))["Container's limit of memory"] == "512 MiB"
    )
    assert found.id == machines.detect(root=tmp_path.with_name("none")).id


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, 2),
        ({"affinity_cores": 1}, 1),
        ({"quota_cores": 1.5}, 2),
        ({"quota_cores": 0.2}, 1),
        ({"physical_cores": None}, 4),
        ({"physical_cores": None, "logical_cores": None, "affinity_cores": None}, 1),
    ],
)
def test_usable_cores_are_the_tightest_limit(change: dict[str, Any], expected: int) -> None:
    """Threads beyond physical cores, affinity or quota would only wait for each other."""
    assert machines.usable_cores(made_of(replace(LAPTOP, **change))) == expected


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (made_of(LAPTOP), f"{XEON}, no accelerator"),
        # Before a framework was asked, there may be one.
        (made_of(LAPTOP, sources={"accelerators": f"{UNREADABLE}: not asked"}), XEON),
        (made_of(LAPTOP, H100), f"{XEON}, NVIDIA H100"),
        (made_of(LAPTOP, H100, replace(H100, device="cuda:1")), f"{XEON}, 2 x NVIDIA H100"),
        (
            made_of(replace(LAPTOP, simd=["AVX2"], quota_cores=1.0), replace(H100, works=False)),
            "2-core Intel Xeon (1 usable) with AVX2, 24 GiB, NVIDIA H100 (not working)",
        ),
        (
            made_of(
                replace(
                    LAPTOP, model="Apple M2", physical_cores=8, affinity_cores=None, simd=["NEON"]
                ),
                Accelerator(device="mps", works=True),
            ),
            "8-core Apple M2 with NEON, 24 GiB, mps",
        ),
        (
            made_of(replace(LAPTOP, model="Neoverse-V2", simd=["NEON", "SVE", "SVE2", "SME"])),
            "2-core Neoverse-V2 with SVE2 and SME, 24 GiB, no accelerator",
        ),
    ],
)
def test_description_is_what_a_person_would_say(machine: Machine, expected: str) -> None:
    """One line tells a reader what matters for the times."""
    assert machines.describe(machine) == expected


def test_short_names_say_what_matters_and_fall_back_on_ids() -> None:
    """Accelerator, or processor and cores; two of one short name say more, or have their ids."""
    sxm = replace(H100, name="NVIDIA A100-SXM4-40GB")
    unread = made_of(LAPTOP, sources={"accelerators": f"{UNREADABLE}: no framework was asked"})
    one, two, no = made_of(LAPTOP, H100), made_of(LAPTOP, sxm, sxm), made_of(LAPTOP)
    assert machines.short_names([one, two, no, made_of(LAPTOP, BROKEN), unread]) == [
        *("H100", "2 x A100"),
        *(f"Intel Xeon (2 cores){rest}" for rest in (" without GPU", " without working GPU", "")),
    ]
    fewer = made_of(replace(LAPTOP, physical_cores=1), H100)
    assert machines.short_names([one, fewer]) == [
        f"Intel Xeon ({cores}) with H100" for cores in ("2 cores", "1 core")
    ]
    amd = made_of(replace(LAPTOP, model="AMD EPYC 9R14"))
    assert machines.short_names([no, amd]) == [
        f"{brand} (2 cores)" for brand in ("Xeon", "EPYC 9R14")
    ]
    others = [replace(no, id="other"), made_of(replace(LAPTOP, physical_cores=1)), no]
    assert machines.short_names(others) == ["other", "Xeon (1 core)", "made-up"]
    unknown = replace(LAPTOP, physical_cores=None, logical_cores=None)
    assert machines.short_names([made_of(unknown)]) == ["Xeon"]


def test_facts_have_units_and_tell_absent_from_unreadable() -> None:
    """No limit of CPU time is a fact; a governor that nobody could read is none."""
    device = replace(H100, clock_hz=1_980_000_000, power_limit_w=700.0)
    sources = {"cpu.quota_cores": "no limit", "cpu.governor": f"{UNREADABLE}: no cpufreq"}
    broken = replace(H100, device="cuda:1", works=False, reason="no kernel image")
    found = made_of(LAPTOP, device, broken, sources=sources)
    rows = {label: value for label, value, _ in machines.facts(found)}
    expected = {
        "Container's limit of CPU time": "none",
        "Clock governor": "unknown",
        "L1 cache (data)": "48 KiB, shared by 2 logical cores",
        "L2 cache": "2 MiB",
        "Clock": "2.6 GHz",
        "Memory": "23.5 GiB",
        "Accelerator cuda:0": "NVIDIA H100, 80 GiB, up to 1.98 GHz, 700 W",
        # Whoever wonders where the GPU's results are finds the reason here.
        "Accelerator cuda:1": "NVIDIA H100, 80 GiB, not working: no kernel image",
    }
    assert expected.items() <= rows.items()
