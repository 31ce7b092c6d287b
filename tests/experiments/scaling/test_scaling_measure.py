"""Groups of real processes: that they sum right, train the same, and are timed together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from factories.jobs import SEED, job
from report.backends import pytorch
from report.experiments.scaling.kind import ScalingSettings
from report.experiments.scaling.measure import measure
from report.run import data
from report.run.data import write_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from report.worker.records import Outcome

pytestmark = pytest.mark.slow


@pytest.fixture(name="outcome", scope="module")
def of_one_and_two_processes(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Return what groups of one and of two processes take on the real problem."""
    loaded = data.load(None, 1500, seed=SEED)
    folder: Path = tmp_path_factory.mktemp("bundle")
    bundle = write_bundle(folder, loaded, seed=SEED, seeds=1, epochs=4)
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


def test_group_that_trains_something_else_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its weights are compared with those of one process."""
    epoch = {
        "labels": {"operation": "epoch", "world": 2, "message_bytes": None, "batch_size": 100},
        "timing": {
            "warmups": 1, "warmup_s": [1.0], "inner_loops": 1, "samples": 1, "elapsed_s": [1.0],
            "stopped": "repeats", "median_s": 1.0, "low_s": None, "high_s": None,
        },
    }  # fmt: skip

    def group(_: object, world: int, __: object) -> dict[str, Any]:
        labels = epoch["labels"] | {"world": world}
        weights = {"100": [1.0, 2.0] if world == 1 else [1.0, 2.1]}
        return {"series": [epoch | {"labels": labels}], "weights": weights}

    monkeypatch.setattr(pytorch.Session, "group", group)
    asked = job(ScalingSettings.model_validate({"world": [1, 2]}), kind="scaling")
    one, two = measure(pytorch.Session("cpu", 2), asked | {"bundle": {}}).series
    assert one.status == "ok"
    assert two.status == "failed"
    assert "one process" in str(two.reason)
