"""Results of a single training experiment, trained for real in NumPy, with times from a model.

Times: so much for each update, and for each example, a little noise on top; losses: rows with the
data's moments, so that theory holds of them.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from factories import small_results, training
from report.experiments.training import measure
from report.experiments.training.quantities import cases
from report.results.result import Dataset
from report.worker.timing import EPOCHS_ONLY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.experiments.training.quantities import Case
    from report.results.result import Record, Result
    from report.worker.records import TrainingRun

EXAMPLES = 1500
UPDATE_S = {"sgd": 40e-6, "momentum": 55e-6, "adagrad": 70e-6}
"""Seconds of an update, whatever it holds; 90e-6 for all others."""

EXAMPLE_S = {"dataloader": 8e-6, "sliced": 0.2e-6}
"""Seconds of an example, by loader."""

DEFAULTS = {
    "run": "one",
    "batch_size": 10,
    "lr": 0.05,
    "epochs": 2,
    "loss": "half_squared",
    "loader": "sliced",
    "implementation": "scratch",
}


@pytest.fixture(scope="session")
def trained() -> Callable[..., Result]:
    """Return a function that makes a result of one experiment, `one`.

    `trained(runs, *, processes=3, seeds=3, every=200)`: runs are labels that differ from
    `DEFAULTS`; seeds are dealt out to the processes; `every` is 0 for epochs' ends only.
    """

    def make(
        runs: Sequence[dict[str, Any]], *, processes: int = 3, seeds: int = 3, every: int = 200
    ) -> Result:
        specs = [measure.Run(**{**DEFAULTS, **run}) for run in runs]
        dealt = [measure._seeds(seeds, process, processes) for process in range(processes)]
        records = [_record(specs, k, mine, every or EPOCHS_ONLY) for k, mine in enumerate(dealt)]
        made = small_results.result(records)
        planned = {"one": made.config["experiments"]["training"]}
        return replace(
            made,
            config={**made.config, "seed": training.plan_seed(), "experiments": planned},
            dataset=Dataset(
                source="file", origin="a copy", sha1=None, examples=EXAMPLES, features=5
            ),
        )

    return make


@pytest.fixture(scope="session")
def case_of(trained: Callable[..., Result]) -> Callable[..., Case]:
    """Return a function that makes the case of such a result."""

    def make(*arguments: Any, **settings: Any) -> Case:
        (case,) = cases(trained(*arguments, **settings), "one")
        return case

    return make


def _record(runs: Sequence[measure.Run], process: int, seeds: Sequence[int], every: int) -> Record:
    rng = random.Random(process)
    slowness = 1 + 0.03 * rng.random()
    done = [_run(run, seed, every, slowness, rng) for run in runs for seed in seeds]
    return replace(small_results.record("training", process, *done), experiment="one")


def _run(
    run: measure.Run, seed: int, every: int, slowness: float, rng: random.Random
) -> TrainingRun:
    path = training.path(run, seed, every)
    update = UPDATE_S.get(run.optimizer, 90e-6)
    update *= 1.4 if run.implementation == "concise" else 1
    each = update / min(run.batch_size, EXAMPLES * run.copies) + EXAMPLE_S[run.loader]
    noise = [slowness * (1 + 0.02 * rng.random()) for _ in range(3)]
    curves = [replace(path, elapsed_s=[n * k * each for n in path.examples]) for k in noise]
    return measure._record(measure._Repeated(run=run, seed=seed, curves=curves), "float64")
