"""What a `training` experiment runs, in the framework's own interpreter."""

from __future__ import annotations

import itertools
import math
import random
import sys
import time
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from report.worker.curve import Curve
from report.worker.records import Outcome, TrainingRun

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT_REPEATS = 12
"""Repeats whose times are kept, so that a result file stays below 1 MB."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training run: what experiments.yaml says, with the sweeps resolved."""

    run: str
    batch_size: int
    lr: float
    epochs: int
    loss: str
    loader: str
    implementation: str


@dataclass(frozen=True, kw_only=True)
class Data:
    """The examples: `features` row by row, (examples x 5), and `targets`, (examples)."""

    features: array[float]
    targets: array[float]
    dtype: str

    @property
    def examples(self) -> int:
        """Return the number of examples."""
        return len(self.targets)


@dataclass(frozen=True, kw_only=True)
class Start:
    """What a seed decides: the initial weights and each epoch's permutation."""

    weights: array[float]
    permutations: list[array[int]]


class Session(Protocol):
    """What a backend must offer for this kind."""

    def synchronize(self) -> object:
        """Wait until the device has done what was queued."""

    def train(self, run: Run, data: Data, start: Start, curve: Curve) -> None:
        """Train once from `start`.

        Sets `curve.evaluate`, calls `curve.start()`, then `curve.point(n)` after each update at
        which `n >= curve.due`, and `curve.end_epoch(n)` after each epoch, ending early when that
        returns False. The bias starts at 0.
        """


@dataclass(kw_only=True)
class _Repeated:
    """A run with one seed, and the curves of its repeats."""

    run: Run
    seed: int
    curves: list[Curve] = field(default_factory=list)


def measure(session: Session, job: dict[str, Any]) -> Outcome:
    """Train every run with every seed of this process, again and again while there is time.

    One round holds each run and seed once, in shuffled order, so that a drifting machine hits
    all alike. Before the first round each run is trained once unmeasured.

    Args:
        session: The backend, on its device.
        job: settings, seed, process, processes, seeds, budget_s (of this process), repeats and
            bundle (where the parent put the data and what the seeds decide).
    """
    settings, bundle = job["settings"], job["bundle"]
    data = _data(bundle, settings["dtype"])
    runs = list(_runs(settings))
    seeds = _seeds(job["seeds"], job["process"], job["processes"])
    starts = {seed: _start(bundle, seed, max(run.epochs for run in runs)) for seed in seeds}
    repeated = [_Repeated(run=run, seed=seed) for run in runs for seed in seeds]
    deadline = time.perf_counter() + job["budget_s"]
    for run in runs:
        _train(session, run, data, starts[seeds[0]])
    order = list(repeated)
    rng = random.Random(f"{job['seed']} {job['process']}")
    for _ in range(job["repeats"]):
        begun = time.perf_counter()
        rng.shuffle(order)
        for one in order:
            one.curves.append(_train(session, one.run, data, starts[one.seed]))
        # Another round only if one as long as this one still fits.
        if 2 * time.perf_counter() - begun > deadline:
            break
    return Outcome(runs=[_record(one) for one in repeated])


def _train(session: Session, run: Run, data: Data, start: Start) -> Curve:
    curve = Curve(synchronize=session.synchronize)
    session.train(run, data, start, curve)
    return curve


def _record(one: _Repeated) -> TrainingRun:
    """Make the record of a run; the curve is cut where the loss is no longer finite."""
    curve = one.curves[0]
    finite = next(
        (index for index, loss in enumerate(curve.loss) if not math.isfinite(loss)),
        len(curve.loss),
    )
    return TrainingRun(
        labels=dict(vars(one.run)),
        seed=one.seed,
        examples=curve.examples[:finite],
        epoch_ends=[index for index in curve.epoch_ends if index < finite],
        loss=curve.loss[:finite],
        repeats=len(one.curves),
        elapsed_s=[curve.elapsed_s[:finite] for curve in one.curves[:KEPT_REPEATS]],
        diverged=finite < len(curve.loss) or curve.loss[finite - 1] > curve.loss[0],
    )


def _runs(settings: dict[str, Any]) -> Iterator[Run]:
    for spec, loader, implementation in itertools.product(
        settings["runs"], settings["loader"], settings["implementation"]
    ):
        yield Run(
            run=spec["label"],
            batch_size=spec["batch_size"],
            lr=spec["lr"],
            epochs=spec["epochs"],
            loss=spec["loss"],
            loader=loader,
            implementation=implementation,
        )


def _seeds(seeds: int, process: int, processes: int) -> list[int]:
    """Deal the seeds out to the processes; a process without one repeats another's."""
    dealt = [seed for seed in range(seeds) if seed % processes == process]
    return dealt or [process % seeds]


def _data(bundle: dict[str, Any], dtype: str) -> Data:
    folder = Path(bundle["folder"])
    return Data(
        features=_read(folder / "features.f64", "d"),
        targets=_read(folder / "targets.f64", "d"),
        dtype=dtype,
    )


def _start(bundle: dict[str, Any], seed: int, epochs: int) -> Start:
    folder, examples = Path(bundle["folder"]), bundle["examples"]
    flat = _read(folder / f"seed-{seed}.permutations.i32", "i")
    return Start(
        weights=_read(folder / f"seed-{seed}.weights.f64", "d"),
        permutations=[flat[k * examples : (k + 1) * examples] for k in range(epochs)],
    )


def _read(path: Path, typecode: str) -> array[Any]:
    values = array(typecode, path.read_bytes())
    if sys.byteorder == "big":
        values.byteswap()
    return values
