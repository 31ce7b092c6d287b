"""What a worker may take of its host's memory, on file trees made up here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from factories.trees import tree
from report.experiments.bandwidth.measure import working_sets
from report.worker.host import free_bytes, memory_limits

if TYPE_CHECKING:
    from pathlib import Path

MIB = 2**20
HOST = {"proc/meminfo": f"MemTotal: {2**30} kB\nMemAvailable: {2**29} kB"}
"""A host of a terabyte, half of it free."""


V1, V2 = "sys/fs/cgroup/memory", "sys/fs/cgroup"

LIMITED = {
    "version 2": {
        "proc/self/cgroup": "0::/",
        f"{V2}/memory.max": f"{1024 * MIB}",
        f"{V2}/memory.current": f"{100 * MIB}",
    },
    "version 1": {
        "proc/self/cgroup": "9:cpu:/\n4:memory:/docker/abc\n0::/",
        # A container sees its own group where the host has its root.
        f"{V1}/memory.limit_in_bytes": f"{1024 * MIB}",
        f"{V1}/memory.usage_in_bytes": f"{100 * MIB}",
    },
    "an outer group": {
        "proc/self/cgroup": "0::/outer/inner",
        f"{V2}/outer/inner/memory.max": f"{4096 * MIB}",
        f"{V2}/outer/inner/memory.current": f"{10 * MIB}",
        f"{V2}/outer/memory.max": f"{1024 * MIB}",
        f"{V2}/outer/memory.current": f"{100 * MIB}",
        f"{V2}/other/memory.max": f"{1 * MIB}",
    },
    "files in memory": {
        "proc/self/cgroup": "0::/",
        f"{V2}/memory.max": f"{1024 * MIB}",
        f"{V2}/memory.current": f"{900 * MIB}",
        # The kernel gives these up before it ends a process.
        f"{V2}/memory.stat": f"anon 5\ninactive_file {800 * MIB}\nactive_file 7",
    },
    "files of groups below": {
        "proc/self/cgroup": "4:memory:/",
        f"{V1}/memory.limit_in_bytes": f"{1024 * MIB}",
        f"{V1}/memory.usage_in_bytes": f"{900 * MIB}",
        f"{V1}/memory.stat": f"inactive_file 0\ntotal_inactive_file {800 * MIB}",
    },
}


@pytest.mark.parametrize("files", LIMITED.values(), ids=LIMITED.keys())
def test_free_memory_of_a_container_is_what_is_left_of_its_limit(
    tmp_path: Path, files: dict[str, str]
) -> None:
    """Of 1,024 MiB 924 are left, however much the host has; working sets keep to a quarter."""
    free = free_bytes(tree(tmp_path, HOST | files))
    assert free == 924 * MIB
    # Four times a cache of 384 MiB would be 2 GiB, for which the kernel would end the worker.
    settings = {"working_set": ["auto"], "step": 2, "beyond": 4}
    assert max(working_sets(settings, 384 * MIB, free // 4)) <= 231 * MIB


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"proc/self/cgroup": "0::/", f"{V2}/memory.max": "max"},
        {"proc/self/cgroup": "4:memory:/", f"{V1}/memory.limit_in_bytes": str(2**63 - 4096)},
        {"proc/self/cgroup": "0::/", f"{V2}/memory.max": "nonsense"},
    ],
)
def test_without_a_limit_the_hosts_free_memory_counts(
    tmp_path: Path, files: dict[str, str]
) -> None:
    """No groups, a group without a limit, and the largest number that version 1 can write."""
    tree(tmp_path, HOST | files)
    assert (free_bytes(tmp_path), memory_limits(tmp_path)) == (2**39, [])


def test_limit_that_the_host_cannot_keep_gives_way(tmp_path: Path) -> None:
    """A container may be allowed more than there is."""
    limit = {"proc/self/cgroup": "0::/", f"{V2}/memory.max": str(2**40)}
    assert free_bytes(tree(tmp_path, HOST | limit)) == 2**39


def test_limit_that_is_used_up_leaves_nothing(tmp_path: Path) -> None:
    """And never less than nothing."""
    used = {"proc/self/cgroup": "0::/", f"{V2}/memory.max": "5", f"{V2}/memory.current": "9"}
    assert free_bytes(tree(tmp_path, HOST | used)) == 0
