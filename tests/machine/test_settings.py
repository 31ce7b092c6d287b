"""Settings of firmware and kernel: read, or said to be unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from factories.trees import tree
from report.machine.surroundings import UNREADABLE, read_settings
from report.results.machine import Settings

if TYPE_CHECKING:
    from pathlib import Path

CPU = "sys/devices/system/cpu"

LINUX = {
    f"{CPU}/cpufreq/boost": "1",
    f"{CPU}/smt/active": "0",
    "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
    "sys/devices/system/node/node0/cpulist": "0-3",
    "sys/devices/system/node/node1/cpulist": "4-7",
    "sys/devices/system/node/online": "0-1",
    "proc/sys/kernel/randomize_va_space": "2",
}


def test_settings_are_read_with_where_they_stand(tmp_path: Path) -> None:
    """Each with the file that says it."""
    found, sources = read_settings(tree(tmp_path, LINUX))
    assert found == Settings(turbo=True, smt=False, huge_pages="madvise", numa_nodes=2, aslr="on")
    assert sources["settings.turbo"] == f"/{CPU}/cpufreq/boost"
    assert sources["settings.aslr"] == "/proc/sys/kernel/randomize_va_space"


@pytest.mark.parametrize(("text", "turbo"), [("0", True), ("1", False)])
def test_intels_driver_says_no_turbo(tmp_path: Path, text: str, turbo: bool) -> None:  # noqa: FBT001
    """It has a file of its own, which means the opposite."""
    found, sources = read_settings(tree(tmp_path, {f"{CPU}/intel_pstate/no_turbo": text}))
    assert found.turbo is turbo
    assert sources["settings.turbo"].endswith("no_turbo")


@pytest.mark.parametrize("text", [None, "", "yes"])
def test_what_cannot_be_read_is_unknown(tmp_path: Path, text: str | None) -> None:
    """A file that is missing or holds something else is no setting."""
    lines = {name: text for name in LINUX if text is not None and "node" not in name}
    found, sources = read_settings(tree(tmp_path, lines))
    assert found == Settings()
    assert {source.startswith(UNREADABLE) for source in sources.values()} == {True}


def test_hardware_threads_of_a_mac_are_counted(tmp_path: Path) -> None:
    """Apple's own processors have none, Intel's had two for each core."""
    for logical, smt in (("8", False), ("16", True)):
        values = {"hw.physicalcpu": "8", "hw.logicalcpu": logical}
        assert read_settings(tmp_path, values)[0].smt is smt
