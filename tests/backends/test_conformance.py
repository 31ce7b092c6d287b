"""Every framework does the same: products, training, updates. Each in its own interpreter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from backends.interpreters import run
from report.analysis import seeds
from report.environments.process import BOOTSTRAP
from report.registry import BACKENDS
from report.run import data

if TYPE_CHECKING:
    from report.run.data import LoadedData

OWN = ("pytorch", "numpy")
EACH = [*OWN, *(pytest.param(b, marks=pytest.mark.slow) for b in BACKENDS if b not in OWN)]
"""All backends; those that need an interpreter of their own are for `make test-slow`."""

PROGRAM = Path(__file__).parent / "program.py"

CHAPTER = [
    {"label": "GD", "batch_size": 1500, "lr": 1.0, "epochs": 3, "loss": "half_squared"},
    {"label": "SGD", "batch_size": 1, "lr": 0.005, "epochs": 1, "loss": "half_squared"},
    {"label": "batch 100", "batch_size": 100, "lr": 0.4, "epochs": 2, "loss": "half_squared"},
    {"label": "batch 10", "batch_size": 10, "lr": 0.05, "epochs": 2, "loss": "half_squared"},
    {"label": "uneven", "batch_size": 64, "lr": 0.2, "epochs": 2, "loss": "half_squared"},
]
CONCISE = [{"label": "batch 10", "batch_size": 10, "lr": 0.01, "epochs": 2, "loss": "mse"}]

EXACT = [0.27571, 0.25031, 0.24649, 0.2455, 0.24513, 0.24508, 0.24526, 0.24564, 0.24622, 0.24699]
"""Losses of full-batch gradient descent at lr 1 from w = 0, b = 0, on the chapter's rows."""


def asked(backend: str, task: str, **request: Any) -> Any:
    """Let the framework's interpreter do a task."""
    asking = json.dumps({"task": task, "backend": backend, **request})
    return json.loads(run(backend, str(PROGRAM), str(BOOTSTRAP), backend, asking=asking).stdout)


@pytest.fixture(name="rows", scope="module")
def chapter_rows(real_file: Path) -> LoadedData:
    """Return the chapter's 1500 rows."""
    return data.load(real_file)


def trained(
    backend: str, rows: LoadedData, settings: dict[str, Any], **others: Any
) -> list[dict[str, Any]]:
    """Train in the framework, from the first seed's weights and in its orders."""
    examples = len(rows.targets)
    epochs = max(run["epochs"] for run in settings["runs"])
    request = {
        "dtype": "float32",
        "features": rows.features.ravel().tolist(),
        "targets": rows.targets.tolist(),
        "weights": seeds.initial_weights(1, 0, rows.features.shape[1]).tolist(),
        "orders": seeds.permutations(1, 0, epochs, examples).tolist(),
        "settings": {"loader": ["sliced"], "implementation": ["scratch"], **settings},
        **others,
    }
    found: list[dict[str, Any]] = asked(backend, "train", **request)
    return found


def reference(rows: LoadedData, labels: dict[str, Any]) -> list[float]:
    """Train in NumPy, in float64, and return the loss after each epoch."""
    inputs = np.column_stack([rows.features, np.ones(len(rows.targets))])
    theta = np.append(seeds.initial_weights(1, 0, rows.features.shape[1]), 0.0)
    step = labels["lr"] * (2 if labels["loss"] == "mse" else 1)
    losses = []
    for order in seeds.permutations(1, 0, labels["epochs"], len(rows.targets)):
        for first in range(0, len(order), labels["batch_size"]):
            chosen = order[first : first + labels["batch_size"]]
            residual = inputs[chosen] @ theta - rows.targets[chosen]
            theta -= step * (residual @ inputs[chosen]) / len(chosen)
        residual = inputs @ theta - rows.targets
        losses.append(float(residual @ residual) / len(residual) / 2)
    return losses


def at_ends(answer: dict[str, Any]) -> list[float]:
    """Return the loss after each epoch."""
    return [answer["loss"][index] for index in answer["epoch_ends"]]


def hold_to_numpy(answer: dict[str, Any], rows: LoadedData, within: float = 1e-4) -> None:
    """Compare the loss after each epoch with NumPy's."""
    expected = reference(rows, answer["labels"])
    assert at_ends(answer) == pytest.approx(expected, abs=within), answer["labels"]


@pytest.mark.parametrize("backend", EACH)
def test_every_strategy_computes_the_product(backend: str) -> None:
    """Of two 20 x 20 matrices, in blocks of 8 as well, of which the last is narrower."""
    strategies = ["element", "column", "row", "block", "full", "full-out"]
    found = asked(
        backend, "products", size=20, dtype="float32", block_width=8, strategies=strategies
    )
    assert found.pop("threads") in {2, None}
    computed = {name: one for name, one in found.items() if isinstance(one, dict)}
    assert {"element", "column", "full", "block"} <= computed.keys(), found
    assert all(len(one.split()) > 2 for one in found.values() if isinstance(one, str))
    for one in computed.values():
        A, B, C = (np.array(one[name]) for name in "ABC")  # noqa: N806 (as in the chapter)
        np.testing.assert_allclose(A, B @ C, atol=1e-4)
        assert 0.5 < B.std() < 1.5
        assert not np.allclose(B, C)


@pytest.mark.parametrize("backend", EACH)
def test_products_are_looked_at_in_the_dtype_asked_for(backend: str) -> None:
    """Right ones lie within the bound; then A is forgotten, and what is not computed is wrong."""
    dtypes = ["float32", "float64", "bfloat16", "float16"]
    found = asked(backend, "looks", dtypes=dtypes, sizes=[20, 130])
    assert sum(isinstance(one, dict) for one in found.values()) >= 12
    for name, one in found.items():
        dtype = name.split()[0]
        if isinstance(one, str):
            assert dtype in one
            continue
        made, device = one["made"]
        assert made == dtype
        assert "cpu" in device
        first, again = one["shares"]
        assert first < 1 / 1.5, name
        assert again > 1, name


@pytest.mark.parametrize("backend", EACH)
def test_losses_are_those_of_numpy_at_every_epochs_end(backend: str, rows: LoadedData) -> None:
    """Within 1e-4 in float32: the chapter's four runs and one whose last batch is smaller."""
    found = trained(backend, rows, {"runs": CHAPTER})
    done = [answer for answer in found if "loss" in answer]
    assert {answer["labels"]["run"] for answer in done} == {run["label"] for run in CHAPTER}, found
    for answer in done:
        hold_to_numpy(answer, rows)
        assert answer["elapsed_s"] == sorted(answer["elapsed_s"])


@pytest.mark.parametrize("backend", EACH)
def test_gradient_descent_keeps_its_exact_path(backend: str, rows: LoadedData) -> None:
    """Ten steps from zero at lr 1, where a wrong gradient or mean would show at once."""
    run = {"label": "GD", "batch_size": 1500, "lr": 1.0, "epochs": 10, "loss": "half_squared"}
    found = trained(backend, rows, {"runs": [run]}, weights=[0.0] * 5)
    assert found
    for answer in found:
        assert at_ends(answer) == pytest.approx(EXACT, abs=1e-5), answer["labels"]


@pytest.mark.parametrize("backend", EACH)
def test_double_precision_is_double_precision(backend: str, rows: LoadedData) -> None:
    """In float64 the losses are NumPy's but for rounding, or the framework says why not."""
    runs = {"runs": [CHAPTER[2]]}
    for answer in trained(backend, rows, runs, dtype="float64"):
        hold_to_numpy(answer, rows, 1e-9)


@pytest.mark.parametrize("backend", EACH)
def test_loader_brings_the_same_batches(backend: str, rows: LoadedData) -> None:
    """The framework's own, or slices where it has none: the same losses, and the label says so."""
    runs = {"runs": CHAPTER[2:4], "loader": ["dataloader"]}
    for answer in trained(backend, rows, runs):
        assert answer["labels"]["loader"] in {"dataloader", "sliced"}
        hold_to_numpy(answer, rows)


@pytest.mark.parametrize("backend", EACH)
def test_concise_follows_the_path_from_scratch_or_is_not_there(
    backend: str, rows: LoadedData
) -> None:
    """Its loss has no 1/2 and half the rate; a framework without layers says that it has none."""
    settings = {"runs": CONCISE, "implementation": ["concise", "scratch"]}
    found = trained(backend, rows, settings)
    assert {answer["labels"]["implementation"] for answer in found} == {"concise", "scratch"}
    for answer in found:
        if "loss" in answer:
            hold_to_numpy(answer, rows)
        else:
            assert answer["labels"]["implementation"] == "concise"
            assert BACKENDS[backend].title in answer["unavailable"]


@pytest.mark.parametrize("backend", EACH)
def test_calls_can_be_made_eagerly_or_compiled(backend: str) -> None:
    """An addition always; of the two ways to update, at least one."""
    found = asked(backend, "calls", sizes=[1, 100])
    assert found["None 1"] == found["None 100"] == 3
    assert 3 in (found["False 1"], found["True 1"])
    assert all(one == 3 or len(one.split()) > 2 for one in found.values())


@pytest.mark.parametrize("backend", EACH)
def test_framework_describes_itself(backend: str) -> None:
    """Its version, its interpreter's, and float32 on the CPU at least."""
    found = asked(backend, "describe")
    assert found["backend"] == backend
    assert found["versions"]
    assert found["python"]
    assert "float32" in found["dtypes"]["cpu"]
