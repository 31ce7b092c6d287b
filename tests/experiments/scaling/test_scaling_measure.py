"""Groups of real processes: that they sum right, train the same, and are timed together."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from factories.jobs import SEED, job
from report.backends import pytorch
from report.backends.pytorch import rank
from report.experiments.scaling.kind import ScalingSettings
from report.experiments.scaling.measure import measure
from report.run import data
from report.run.data import write_bundle

if TYPE_CHECKING:
    from report.worker.records import Outcome


pytestmark = pytest.mark.slow


@pytest.fixture(name="bundle", scope="module")
def of_the_real_problem(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return where the data lie, with their order."""
    loaded = data.load(None, 1500, seed=SEED)
    folder = tmp_path_factory.mktemp("bundle")
    return write_bundle(folder, loaded, seed=SEED, seeds=1, epochs=4)


@pytest.fixture(name="outcome", scope="module")
def of_one_and_two_processes(bundle: dict[str, Any]) -> Outcome:
    """Return what groups of one and of two processes take."""
    settings: dict[str, Any] = {
        "world": [1, 2],
        "message_bytes": [24, 65_536],
        "runs": [
            {"batch_size": 100, "lr": 0.33, "epochs": 4},
            {"batch_size": 7, "lr": 0.03, "epochs": 1},
            {"batch_size": 1500, "lr": 1e-6, "epochs": 2},
        ],
    }
    asked = job(ScalingSettings.model_validate(settings), kind="scaling", budget_s=0.5)
    return measure(pytorch.Session("cpu", 2), asked | {"bundle": bundle, "threads": 2})


def test_every_group_has_every_series(outcome: Outcome) -> None:
    """Sums of each message, an epoch of each run, and the way to the loss, if it is reached."""
    found = {
        (
            s.labels["operation"],
            s.labels["world"],
            s.labels["message_bytes"] or s.labels["batch_size"],
        ): s
        for s in outcome.series
    }
    for world in (1, 2):
        for size in (24, 65_536):
            assert found["all-reduce", world, size].bytes_moved == size
        for batch in (100, 7, 1500):
            assert found["epoch", world, batch].examples == 1500
        assert found["to-loss", world, 100].timing is not None
        assert found["to-loss", world, 1500].status == "skipped"
        assert "0.25" in str(found["to-loss", world, 1500].reason)
    # As many updates, whoever shares them out.
    assert found["to-loss", 1, 100].examples == found["to-loss", 2, 100].examples


def test_processes_train_what_one_process_trains(outcome: Outcome) -> None:
    """Also where a batch cannot be shared out evenly; else the series had failed."""
    assert {s.status for s in outcome.series if s.labels["operation"] == "epoch"} == {"ok"}


def test_group_that_trains_something_else_has_failed(bundle: dict[str, Any]) -> None:
    """The gradients of the others are missing from its sums."""
    group: Any = SimpleNamespace(
        rank=0,
        world=2,
        device=torch.device("cpu"),
        largest=lambda value: value,
        sum=lambda _: None,
    )
    task = {"bundle": bundle, "loss": 0.25, "repeats": 3}
    found = [*rank._trained(group, task, {"batch_size": 100, "lr": 0.33, "epochs": 1}, 0.1)]
    assert [one.labels["operation"] for one in found] == ["epoch", "to-loss"]
    assert {one.status for one in found} == {"failed"}
    assert all("one process" in str(one.reason) for one in found)
