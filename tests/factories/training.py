"""Makes what `training` experiments measure, without a framework and without a clock.

Losses come from really training in NumPy on rows with the data's moments, by each run's own
optimizer, schedule and sampling, so that whatever is computed from them fits theory; seconds
from a cost for each example and each update.
"""

from __future__ import annotations

import functools
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from factories import small_results
from report.analysis import seeds
from report.experiments.training import measure as training
from report.experiments.training.measure import Run
from report.experiments.training.quantities import cases
from report.registry import BACKENDS
from report.resources import default_config
from report.results.result import Dataset
from report.run import data
from report.worker import schedules
from report.worker.curve import EPOCHS_ONLY, EVERY, Curve
from report.worker.records import Outcome, PrintedRun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.analysis.leastsquares import FloatArray
    from report.config.plan import PlannedExperiment
    from report.experiments.training.quantities import Case
    from report.results.result import Record, Result
    from report.worker.records import TrainingRun

REPEATS = 3
LOADING_S = {"dataloader": 8e-6, "sliced": 2e-7}
"""Of an example."""

VARIANTS = {"eager": 1.0, "compiled": 0.3, "epoch": 0.05}
"""What is left of an epoch's time."""

UPDATE_S = {"scratch": 4e-5, "concise": 6e-5}
OPTIMIZER_S = {"sgd": 0, "momentum": 1e-5, "adagrad": 2e-5, "rmsprop": 2e-5, "adadelta": 4e-5}

DEFAULTS = {
    "run": "one",
    "batch_size": 10,
    "lr": 0.05,
    "epochs": 2,
    "loss": "half_squared",
    "loader": "sliced",
    "implementation": "scratch",
}


def outcome(
    experiment: PlannedExperiment,
    process: int,
    slowness: float,
    rng: random.Random,
    *,
    backend: str = "pytorch",
) -> Outcome:
    """Train every run with every seed of the process."""
    settings = experiment.settings
    every = EPOCHS_ONLY if settings["evaluate"] == "epochs" else EVERY
    records = []
    for run in dict.fromkeys(training.offered(BACKENDS[backend], settings)):
        if training.refusal(BACKENDS[backend], run):
            continue
        records += [
            _run(run, seed, every, slowness, rng, dtype=settings["dtype"])
            for seed in training._seeds(experiment.seeds, process, experiment.processes)
        ]
    return Outcome(runs=records, printed_runs=_printed(records, backend, settings))


def _run_of(record: TrainingRun) -> Run:
    labels: dict[str, Any] = record.labels
    return Run(**labels)


def _printed(
    records: Sequence[TrainingRun], backend: str, settings: Mapping[str, Any]
) -> list[PrintedRun]:
    """Return what the chapter's listing prints: the first run meets a collection of garbage."""
    if not settings["as_printed"] or BACKENDS[backend].listing is None:
        return []
    listed = {r.labels["run"]: r for r in records if training.as_listed(_run_of(r))}
    return [
        PrintedRun(
            run=str(name),
            turn=turn,
            epoch_s=record.elapsed_s[0][-1] / len(record.epoch_ends) + (not turn and not k) * 5e-3,
            loss=record.loss[-1],
            collected_s=(not turn and not k) * 5e-3,
        )
        for turn in range(2)
        for k, (name, record) in enumerate(listed.items())
    ]


@functools.cache
def plan_seed() -> int:
    """Return the seed of the default configuration."""
    seed: int = yaml.safe_load(default_config())["seed"]
    return seed


def path(run: Run, seed: int, every: int) -> Curve:
    """Return the curve of a run with a seed, whatever it is called and in which way it is done."""
    return _path(replace(run, run="", loader="", implementation="", variant=""), seed, every)


@functools.cache
def _path(run: Run, seed: int, every: int) -> Curve:
    """Train for real, and collect the curve by the same rule as a backend does."""
    rows = data.surrogate(0)
    inputs = np.column_stack([rows[:, :-1], np.ones(len(rows))])
    targets = rows[:, -1]
    weights = seeds.initial_weights(plan_seed(), seed, inputs.shape[1] - 1)
    theta: FloatArray = np.append(weights, 0.0)
    change = Change(run)
    factor = 2.0 if run.loss == "mse" else 1.0

    def evaluate() -> float:
        residual: FloatArray = inputs @ theta - targets
        loss = float(residual @ residual) / len(rows) / 2
        return loss if loss < np.finfo(np.float32).max else float("inf")

    curve = Curve(synchronize=lambda: None, evaluate=evaluate, clock=lambda: 0.0, every=every)
    curve.start()
    draw = seeds.permutations if run.sampling == "permutation" else seeds.draws
    seen, visited = 0, len(rows) * run.copies
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch, order in enumerate(draw(plan_seed(), seed, run.epochs, visited)):
            lr = run.lr * schedules.factor(run.schedule, epoch, run.epochs)
            shuffled, sought = inputs[order % len(rows)], targets[order % len(rows)]
            for first in range(0, visited, run.batch_size):
                chosen = shuffled[first : first + run.batch_size]
                residual = chosen @ theta - sought[first : first + run.batch_size]
                theta -= lr * change.of(residual @ chosen * (factor / len(chosen)))
                seen += len(chosen)
                if seen >= curve.due:
                    curve.point(seen)
            if not curve.end_epoch(seen):
                break
    return curve


class Change:
    """What an optimizer makes of a gradient, before the learning rate; written from the papers."""

    def __init__(self, run: Run) -> None:
        """Begin with nothing seen."""
        self.rule = getattr(self, f"_{run.optimizer}")
        self.kept = run.momentum
        self.first: Any = 0.0
        self.second: Any = 0.0
        self.steps = 0

    def of(self, g: FloatArray) -> FloatArray:
        """Return the change, to be multiplied with the rate and subtracted."""
        changed: FloatArray = self.rule(g)
        return changed

    def _sgd(self, g: FloatArray) -> FloatArray:
        return g

    def _momentum(self, g: FloatArray) -> Any:
        self.first = self.kept * self.first + g
        return self.first

    def _adagrad(self, g: FloatArray) -> Any:
        self.second = self.second + g * g
        return g / (np.sqrt(self.second) + 1e-10)

    def _rmsprop(self, g: FloatArray) -> Any:
        self.second = 0.9 * self.second + 0.1 * g * g
        return g / (np.sqrt(self.second) + 1e-8)

    def _adadelta(self, g: FloatArray) -> Any:
        self.second = 0.9 * self.second + 0.1 * g * g
        change = np.sqrt(self.first + 1e-6) / np.sqrt(self.second + 1e-6) * g
        self.first = 0.9 * self.first + 0.1 * change * change
        return change

    def _adam(self, g: FloatArray) -> Any:
        self.steps += 1
        self.first = 0.9 * self.first + 0.1 * g
        self.second = 0.999 * self.second + 0.001 * g * g
        corrected = self.second / (1 - 0.999**self.steps)
        return self.first / (1 - 0.9**self.steps) / (np.sqrt(corrected) + 1e-8)


def trained(
    runs: Sequence[Mapping[str, Any]], *, processes: int = 3, seeds: int = 3, every: int = 200
) -> Result:
    """Make a result of one experiment, `one`, of runs with the default seed.

    Args:
        runs: Labels that differ from `DEFAULTS`.
        processes: To which the seeds are dealt out.
        seeds: With which each run is trained.
        every: Examples between two points of a curve; 0 for epochs' ends only.
    """
    specs = [training.Run(**{**DEFAULTS, **run}) for run in runs]
    dealt = [training._seeds(seeds, process, processes) for process in range(processes)]
    made = small_results.result(
        [_record(specs, k, mine, every or EPOCHS_ONLY) for k, mine in enumerate(dealt)],
        experiments={"one": small_results.planned("one", "training")},
        dataset=Dataset(source="file", origin="a copy", sha1=None, examples=1500, features=5),
    )
    return replace(made, config={**made.config, "seed": plan_seed()})


def case_of(runs: Sequence[Mapping[str, Any]], **settings: Any) -> Case:
    """Make the case of such a result."""
    (case,) = cases(trained(runs, **settings), "one")
    return case


def _record(runs: Sequence[Run], process: int, seeds: Sequence[int], every: int) -> Record:
    rng = random.Random(process)
    slowness = 1 + 0.03 * rng.random()
    done = [
        _run(run, seed, every, slowness, rng, dtype="float64") for run in runs for seed in seeds
    ]
    return small_results.record("one", process, *done, kind="training")


def _run(
    run: Run, seed: int, every: int, slowness: float, rng: random.Random, *, dtype: str
) -> TrainingRun:
    update_s = UPDATE_S[run.implementation] + OPTIMIZER_S.get(run.optimizer, 5e-5)
    example_s = VARIANTS[run.variant] * (LOADING_S[run.loader] + update_s / run.batch_size)
    curve = path(run, seed, every)
    each = [slowness * (1 + 0.02 * rng.random()) for _ in range(REPEATS)]
    repeats = [
        replace(curve, elapsed_s=[one * example_s * n for n in curve.examples]) for one in each
    ]
    return training._record(run, seed, repeats, dtype)
