"""Results of a single training experiment, trained for real in NumPy, with times from a model.

Times: so much for each update, and for each example, a little noise on top; losses: rows with the
data's moments, so that theory holds of them.
"""

from __future__ import annotations

import functools
import math
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import results_factory
from factories import small_results
from report.analysis import seeds
from report.experiments.training.quantities import cases
from report.results.result import Dataset
from report.run import surrogate
from report.worker import schedules
from report.worker.records import TrainingRun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.analysis.leastsquares import FloatArray
    from report.experiments.training.quantities import Case
    from report.results.result import Record, Result
    from report.worker.records import Labels

SEED = 1
"""Of `small_results`."""
EXAMPLES = 1500
UPDATE_S = {"sgd": 40e-6, "momentum": 55e-6, "adagrad": 70e-6}
"""Seconds of an update, whatever it holds; 90e-6 for all others."""

EXAMPLE_S = {"dataloader": 8e-6, "sliced": 0.2e-6}
"""Seconds of an example, by loader."""

DEFAULTS: Labels = {
    "run": "one",
    "batch_size": 10,
    "lr": 0.05,
    "epochs": 2,
    "loss": "half_squared",
    "loader": "sliced",
    "implementation": "scratch",
    "optimizer": "sgd",
    "momentum": None,
    "schedule": "constant",
    "sampling": "permutation",
    "copies": 1,
    "variant": "eager",
}


@pytest.fixture(scope="session")
def trained() -> Callable[..., Result]:
    """Return a function that makes a result of one experiment, `one`.

    `trained(runs, *, processes=3, seeds=3, every=200)`: runs are labels that differ from
    `DEFAULTS`; seeds are dealt out to the processes; `every` is 0 for epochs' ends only.
    """

    def make(
        runs: Sequence[Labels], *, processes: int = 3, seeds: int = 3, every: int = 200
    ) -> Result:
        return _result(runs, processes, seeds, every)

    return make


@pytest.fixture(scope="session")
def case_of(trained: Callable[..., Result]) -> Callable[..., Case]:
    """Return a function that makes the case of such a result."""

    def make(*arguments: Any, **settings: Any) -> Case:
        (case,) = cases(trained(*arguments, **settings), "one")
        return case

    return make


def _result(runs: Sequence[Labels], processes: int, seeds: int, every: int) -> Result:
    planned = small_results.planned("one", "training", processes=processes, seeds=seeds)
    return small_results.result(
        [_record(runs, k, processes, seeds, every) for k in range(processes)],
        experiments={"one": planned},
        environments={"pytorch": results_factory.make_environment()},
        dataset=Dataset(source="file", origin="a copy", sha1=None, examples=EXAMPLES, features=5),
    )


def _record(runs: Sequence[Labels], process: int, processes: int, seeds: int, every: int) -> Record:
    rng = random.Random(process)
    slowness = 1 + 0.03 * rng.random()
    dealt = [seed for seed in range(seeds) if seed % processes == process] or [process % seeds]
    trained = [
        _run({**DEFAULTS, **run}, seed, every, slowness, rng) for run in runs for seed in dealt
    ]
    return small_results.record("one", process, *trained, kind="training", conditions=None)


def _run(labels: Labels, seed: int, every: int, slowness: float, rng: random.Random) -> TrainingRun:
    path = _trained(tuple(labels.items()), seed, every)
    size = min(int(str(labels["batch_size"])), EXAMPLES * int(str(labels["copies"])))
    update = UPDATE_S.get(str(labels["optimizer"]), 90e-6)
    update *= 1.4 if labels["implementation"] == "concise" else 1
    each = update / size + EXAMPLE_S[str(labels["loader"])]
    noise = [slowness * (1 + 0.02 * rng.random()) for _ in range(3)]
    return replace(
        path,
        labels=labels,
        repeats=3,
        elapsed_s=[[n * k * each for n in path.examples] for k in noise],
    )


@functools.cache
def _trained(items: tuple[tuple[str, Any], ...], seed: int, every: int) -> TrainingRun:
    """Train in double precision, and cut the curve where the loss is no longer finite."""
    labels = dict(items)
    epochs, size = labels["epochs"], labels["batch_size"]
    rows = surrogate.rows(0)
    inputs, targets = np.column_stack([rows[:, :-1], np.ones(EXAMPLES)]), rows[:, -1]
    rng = np.random.default_rng([seed, labels["copies"], labels["sampling"] == "replacement"])
    theta: FloatArray = np.append(seeds.initial_weights(SEED, seed, 5), 0.0)
    step = _step(labels["optimizer"], labels["momentum"] or 0.0)

    def loss() -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            residual: FloatArray = inputs @ theta - targets
            return float(residual @ residual) / EXAMPLES / 2

    examples, losses, ends, seen = [0], [loss()], [], 0
    for epoch in range(epochs):
        lr = labels["lr"] * schedules.factor(labels["schedule"], epoch, epochs)
        lr *= 2 if labels["loss"] == "mse" else 1
        visited = EXAMPLES * labels["copies"]
        order = (
            rng.permutation(visited) % EXAMPLES
            if labels["sampling"] == "permutation"
            else rng.integers(0, EXAMPLES, visited)
        )
        for first in range(0, visited, size):
            batch = order[first : first + size]
            chosen = inputs[batch]
            with np.errstate(over="ignore", invalid="ignore"):
                gradient = (chosen @ theta - targets[batch]) @ chosen / len(batch)
                theta = theta - step(lr, gradient)
            before, seen = seen, seen + len(batch)
            ended = first + size >= visited
            if ended or (every and before // every < seen // every):
                examples.append(seen)
                losses.append(loss())
        ends.append(len(losses) - 1)
        if not math.isfinite(losses[-1]):
            break
    finite = next((k for k, each in enumerate(losses) if not math.isfinite(each)), len(losses))
    return TrainingRun(
        labels={},
        seed=seed,
        examples=examples[:finite],
        epoch_ends=[end for end in ends if end < finite],
        loss=losses[:finite],
        repeats=1,
        elapsed_s=[[float(n) for n in examples[:finite]]],
        diverged=finite < len(losses) or losses[finite - 1] > losses[0],
    )


def _step(optimizer: str, momentum: float) -> Callable[[float, FloatArray], FloatArray]:
    """Return what is subtracted from the parameters: textbook formulas, one step each."""
    states: dict[str, Any] = {"v": 0.0, "s": 0.0, "t": 0}

    def step(lr: float, gradient: FloatArray) -> FloatArray:
        states["t"] += 1
        t = states["t"]
        if optimizer == "sgd":
            return lr * gradient
        if optimizer == "momentum":
            states["v"] = momentum * states["v"] + gradient
            change: FloatArray = lr * states["v"]
            return change
        if optimizer == "adagrad":
            states["s"] = states["s"] + gradient**2
        else:
            states["s"] = 0.9 * states["s"] + 0.1 * gradient**2
        if optimizer == "adam":
            states["v"] = 0.9 * states["v"] + 0.1 * gradient
            adam: FloatArray = lr * states["v"] / (1 - 0.9**t)
            adam /= np.sqrt(states["s"] / (1 - 0.9**t)) + 1e-8
            return adam
        scaled: FloatArray = lr * gradient / (np.sqrt(states["s"]) + 1e-8)
        return scaled

    return step
