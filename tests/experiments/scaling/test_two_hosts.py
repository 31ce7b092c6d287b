"""Groups over two hosts, as torchrun sees hosts."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from namespaces import needs_namespaces, two_hosts
from report.experiments.catalogue import LABELS
from report.results import store

if TYPE_CHECKING:
    from pathlib import Path

    from report.worker.records import Series

pytestmark = [pytest.mark.slow, needs_namespaces]

CONFIGURATION = """
version: 1
experiments:
  scaling:
    kind: scaling
    world: 1
    nodes: 2
    rendezvous: "{}:29400"
    message_bytes: 24
    runs: [{{batch_size: 100, lr: 0.33}}]
    processes: 2
    budget_s: 1
"""


def test_hosts_measure_a_group_together(tmp_path: Path) -> None:
    """Each keeps the numbers, which are of all their processes and therefore the same."""
    with two_hosts() as hosts:
        text = CONFIGURATION.format(hosts[0].address)
        (tmp_path / "experiments.yaml").write_text(text, encoding="utf-8")
        running = [
            subprocess.Popen(
                [*host.inside, sys.executable, "-m", "report", "run", "--results", host.name],
                cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )
            for host in hosts
        ]  # fmt: skip
        said = [one.communicate(timeout=180)[0] for one in running]
    assert [one.returncode for one in running] == [0, 0], said
    here, there = (_series(tmp_path / host.name) for host in hosts)
    assert here == there
    assert {(one.labels["operation"], one.labels["world"]) for one in here} == {
        ("all-reduce", 2), ("epoch", 2), ("to-loss", 2),
    }  # fmt: skip


def _series(results: Path) -> list[Series]:
    (path,) = store.files_in(results)
    outcomes = [record.outcome for record in store.load(path, LABELS).records]
    return [series for outcome in outcomes if outcome for series in outcome.series]
