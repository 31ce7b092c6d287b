"""What JAX does otherwise than the rest: it returns early, and nothing can be assigned to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backends.interpreters import run
from report.environments.process import BOOTSTRAP

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).parent / "jax_program.py"


@pytest.fixture(name="found", scope="module")
def what_was_found() -> dict[str, Any]:
    """Return what the program found in JAX's interpreter."""
    answer: dict[str, Any] = json.loads(run("jax", str(PROGRAM), str(BOOTSTRAP)).stdout)
    return answer


def test_threads_are_those_of_the_first_session_or_the_reason_why_not(
    found: dict[str, Any],
) -> None:
    """XLA's pool has the one thread that was asked for, and nobody is told that it has two."""
    refused = found["threads"]["refused"]
    assert set(refused) == {"set_threads", "addition", "update"}
    assert all("once for a process: there are 1, not 2" in reason for reason in refused.values())
    assert all(", 1 threads" in pool for pool in found["threads"]["pools"])


def test_pieces_are_written_into_the_memory_of_the_last_product(found: dict[str, Any]) -> None:
    """Else every element would copy the matrix, and that would be measured."""
    assert found["memory"] == dict.fromkeys(found["memory"], True)
    assert len(found["memory"]) == 5


def test_float64_is_multiplied_in_float64_and_changes_nothing_else(found: dict[str, Any]) -> None:
    """By every strategy; what comes after it is float32 again."""
    off = found["precision"]["off"]
    assert len(off["float64"]) == len(off["float32"]) == 6
    assert max(off["float64"].values()) < 1e-14
    assert 1e-9 < max(off["float32"].values()) < 1e-5
    assert found["precision"]["later"] == "float32"


def test_synchronize_waits_for_what_was_called_last(found: dict[str, Any]) -> None:
    """A large product is on its way when its call returns, and there after the wait."""
    assert all(found["waiting"]["after"])
    assert not all(found["waiting"]["before"])


def test_second_training_compiles_nothing(found: dict[str, Any]) -> None:
    """What compiling takes is paid by the training that is not measured."""
    runs = {name: run["compiled"] for name, run in found["training"].items() if name != "all"}
    assert runs == dict.fromkeys(runs, 0)
    assert found["training"]["all"]["compiled"] > 0


@pytest.mark.parametrize("batch_size", [4, 100])
def test_all_variants_take_the_same_path(found: dict[str, Any], batch_size: int) -> None:
    """With a last batch of two, and with a batch that holds more than there is."""
    eager, compiled, epoch = (
        found["training"][f"{variant} {batch_size}"] for variant in ("eager", "compiled", "epoch")
    )
    assert eager["examples"] == compiled["examples"] == epoch["examples"] == [0, 6, 12, 18]
    assert compiled["loss"] == pytest.approx(eager["loss"], abs=1e-6)
    assert epoch["loss"] == pytest.approx(eager["loss"], abs=1e-6)
    assert eager["loss"][1] != eager["loss"][0]
