"""Tests of surroundings: containers, hypervisors, limits, on file trees made up here."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import psutil
import pytest

from factories.trees import tree
from report.machine import surroundings

if TYPE_CHECKING:
    from pathlib import Path

X86 = frozenset({"fpu", "sse2"})
X86_GUEST = X86 | {"hypervisor"}
ARM = frozenset({"asimd"})
VENDOR, PRODUCT = "sys/class/dmi/id/sys_vendor", "sys/class/dmi/id/product_name"


def test_smallest_quota_on_the_way_to_the_root_wins(tmp_path: Path) -> None:
    """A limit holds for all groups below it, so that an outer, tighter one is the answer."""
    tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/outer/inner",
            "sys/fs/cgroup/outer/cpu.max": "150000 100000",
            "sys/fs/cgroup/outer/inner/cpu.max": "400000 100000",
            "sys/fs/cgroup/other/cpu.max": "10000 100000",
        },
    )
    assert surroundings.quota_cores(tmp_path) == (1.5, "cgroup v2 cpu.max")


def test_quota_of_the_first_version_of_control_groups_is_read(tmp_path: Path) -> None:
    """Hosts with cgroup v1 limit containers too, under a folder named after controllers."""
    # Where both are mounted, the second has a folder of its own, and may limit less or more.
    tree(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
        },
    )
    assert surroundings.quota_cores(tmp_path) == (0.5, "cgroup v1 cpu.cfs_quota_us")
    tree(tmp_path, {"sys/fs/cgroup/unified/cpu.max": "20000 100000"})
    assert surroundings.quota_cores(tmp_path) == (0.2, "cgroup v2 cpu.max")


@pytest.mark.parametrize(
    "files",
    [
        {"proc/self/cgroup": "0::/a", "sys/fs/cgroup/a/cpu.max": "max 100000"},
        {
            "proc/self/cgroup": "1:cpu:/",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
        },
        {"proc/self/cgroup": "0::/a", "sys/fs/cgroup/a/cpu.max": "nonsense"},
        {"proc/self/cgroup": "0::/a", "sys/fs/cgroup/a/cpu.max": "0 100000"},
    ],
)
def test_unlimited_groups_are_no_quota(tmp_path: Path, files: dict[str, str]) -> None:
    """No limit is None with a source that says so, and not something that was unreadable."""
    quota, source = surroundings.quota_cores(tree(tmp_path, files))
    assert quota is None
    assert source.startswith("no limit")


def test_group_outside_of_the_container_does_not_lead_out_of_the_mount(tmp_path: Path) -> None:
    """A path with .. names a group that is not mounted here; only the mount itself is read."""
    tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/../secret",
            "sys/fs/secret/cpu.max": "10000 100000",
            "sys/fs/cgroup/cpu.max": "200000 100000",
        },
    )
    assert surroundings.quota_cores(tmp_path)[0] == 2.0


@pytest.mark.parametrize(
    ("flags", "files", "expected"),
    [
        (X86, {}, None),
        (X86_GUEST, {}, "virtual machine"),
        (X86_GUEST, {".dockerenv": ""}, "Docker in a virtual machine"),
        (X86_GUEST, {VENDOR: "QEMU"}, "QEMU"),
        (X86_GUEST, {PRODUCT: "KVM", ".dockerenv": ""}, "Docker in KVM"),
        (X86, {VENDOR: "Amazon EC2"}, None),
        (X86_GUEST, {VENDOR: "Amazon EC2"}, "Amazon EC2"),
        (ARM, {VENDOR: "Amazon EC2"}, "Amazon EC2"),
        (ARM, {VENDOR: "Amazon EC2", PRODUCT: "c7g.metal"}, None),
        (X86, {VENDOR: "Microsoft Corporation", PRODUCT: "Surface Laptop"}, None),
        (X86, {"run/.containerenv": ""}, "Podman"),
        (X86, {"proc/1/cgroup": "0::/kubepods/burstable/pod1"}, "Kubernetes"),
        (X86_GUEST, {"sys/hypervisor/type": "xen"}, "Xen"),
        (X86_GUEST, {"proc/sys/kernel/osrelease": "5.15.0-microsoft-standard-WSL2"}, "WSL"),
    ],
)
def test_virtualization_is_named_as_far_as_it_shows(
    tmp_path: Path, flags: frozenset[str], files: dict[str, str], expected: str | None
) -> None:
    """Bare machines are not called virtual, and an unknown hypervisor gets no invented name."""
    found, source = surroundings.virtualization(flags, tree(tmp_path, files))
    assert found == expected
    assert source


def test_virtual_mac_is_recognized(tmp_path: Path) -> None:
    """CI runners on Apple silicon are virtual machines without any of Linux's signs."""
    values = {"kern.hv_vmm_present": "1"}
    assert surroundings.virtualization(ARM, tmp_path, values)[0] == "virtual machine"


@pytest.mark.parametrize(
    ("system", "release", "mac", "expected"),
    [
        ("Linux", "6.18.44-annas-laptop", "", "Linux 6.18"),
        ("Darwin", "23.5.0", "14.5", "macOS 14.5"),
        ("Windows", "11", "", "Windows 11"),
        ("", "", "", None),
    ],
)
def test_operating_system_leaves_out_what_a_builder_appended(
    monkeypatch: pytest.MonkeyPatch, system: str, release: str, mac: str, expected: str | None
) -> None:
    """Kernel releases may bear the name of a host or a person; only the version is kept."""
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "release", lambda: release)
    monkeypatch.setattr(platform, "mac_ver", lambda: (mac, ("", "", ""), ""))
    assert surroundings.operating_system() == expected


def test_what_a_system_does_not_have_is_called_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without /proc no quota is known, which is not "no quota"; macOS cannot pin processes."""
    monkeypatch.setattr(psutil, "Process", object)
    for cores, source in (surroundings.quota_cores(tmp_path), surroundings.affinity_cores()):
        assert cores is None
        assert source.startswith(surroundings.UNREADABLE)
