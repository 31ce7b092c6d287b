"""Groups over two hosts: network namespaces with a wire between them, as torchrun sees hosts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTS = {"report-a": "10.203.0.1", "report-b": "10.203.0.2"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None,
        reason="only root can make network namespaces, with iproute2",
    ),
]

CONFIGURATION = """
version: 1
experiments:
  scaling:
    kind: scaling
    world: 1
    nodes: 2
    rendezvous: "10.203.0.1:29400"
    message_bytes: 24
    runs: [{batch_size: 100, lr: 0.33}]
    processes: 2
    budget_s: 1
"""


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=10)


@pytest.fixture(name="hosts")
def wired() -> Iterator[tuple[str, ...]]:
    """Yield the names of two namespaces that reach each other and nothing else."""
    names = tuple(HOSTS)
    try:
        for name in names:
            _ip("netns", "add", name)
        _ip("link", "add", names[0], "netns", names[0], "type", "veth",
            "peer", "name", names[1], "netns", names[1])  # fmt: skip
        for name, address in HOSTS.items():
            _ip("-n", name, "addr", "add", f"{address}/24", "dev", name)
            for link in ("lo", name):
                _ip("-n", name, "link", "set", link, "up")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def test_hosts_measure_a_group_together(hosts: tuple[str, ...], tmp_path: Path) -> None:
    """Each keeps the numbers, which are of all their processes and therefore the same."""
    (tmp_path / "experiments.yaml").write_text(CONFIGURATION, encoding="utf-8")
    running = [
        subprocess.Popen(
            ["ip", "netns", "exec", name, sys.executable, "-m", "report", "run",
             "experiments.yaml", "--results", name],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for name in hosts
    ]  # fmt: skip
    said = [one.communicate(timeout=180)[0] for one in running]
    assert [one.returncode for one in running] == [0, 0], said
    here, there = (_series(tmp_path / name) for name in hosts)
    assert here == there
    assert {(one["labels"]["operation"], one["labels"]["world"]) for one in here} == {
        ("all-reduce", 2), ("epoch", 2), ("to-loss", 2),
    }  # fmt: skip


def _series(results: Path) -> list[dict[str, Any]]:
    (path,) = results.glob("*/*.json.gz")
    shown = subprocess.run(["gzip", "-dc", path], check=True, capture_output=True).stdout
    records = json.loads(shown)["records"]
    assert {record["status"] for record in records} == {"ok"}
    return [series for record in records for series in record["outcome"]["series"]]
