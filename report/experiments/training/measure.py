"""What a `training` experiment runs, in the framework's own interpreter."""

from __future__ import annotations

import gc
import itertools
import math
import random
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, cast

from report.registry import BACKENDS
from report.worker import sensors
from report.worker.checks import wrong_threads
from report.worker.curve import EPOCHS_ONLY, EVERY, Curve, PrintedCurve
from report.worker.host import PeakMemory, read_bundle
from report.worker.records import Outcome, PrintedRun, Series, TrainingRun, Unmeant

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterator, Mapping

    from report.registry import Backend

WAYS = ("loader", "implementation")
"""In what an experiment does its runs in several ways, unless a run has its own."""

WARMUP_UPDATES = 100
"""Of eager training, at most an epoch: after 80 none gets faster, in any framework (measured here
with `benchmarks/warmup.py`)."""

AGAIN = 0.5
"""Of a process's budget: runs as printed that took longer than this are not done again."""

KEPT_REPEATS = 8
"""Repeats whose times are kept, so that a result file stays small."""


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
    optimizer: str = "sgd"
    momentum: float | None = None
    schedule: str = "constant"
    sampling: str = "permutation"
    copies: int = 1
    variant: str = "eager"


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
    """What a seed decides.

    Attributes:
        orders: For each epoch of the longest run the examples that it visits, one after the other,
            as rows of the data (of its copies one after the other, where a run has several).
    """

    weights: array[float]
    orders: list[array[int]]


One = tuple[Run, int]
"""A run with one seed."""


class Session(Protocol):
    """What a backend must offer for this kind."""

    def synchronize(self) -> object:
        """Wait until the device has done what was queued."""

    def threads(self) -> int | None:
        """Return how many CPU threads are used now, or None where nothing says."""

    def train(self, run: Run, data: Data, start: Start, curve: Curve) -> None:
        """Train once from `start`, on `run.copies` of the data, evaluating on one.

        Sets `curve.evaluate`, calls `curve.start()`, then `curve.point(n)` after each update at
        which `n >= curve.due`, and `curve.end_epoch(n)` after each epoch, ending early when that
        returns False. The bias starts at 0. In an epoch that is one program there are no points
        but its end. Only what `refusal` lets pass is asked for.
        """


class Peak(Protocol):
    """Watches the most memory that is held."""

    def read(self) -> int | None:
        """Return it in bytes; None where nothing says."""


class DeviceSession(Session, Protocol):
    """What it offers beside that on an accelerator, with `Backend.device_tools`."""

    def peak_memory(self) -> Peak:
        """Return what watches the most that is taken of the device's memory from now on."""


def measure(session: Session, job: dict[str, Any]) -> Outcome:
    """Train every run with every seed of this process, again and again while there is time.

    One round holds each run and seed once, in shuffled order, so that a drifting machine hits
    all alike. Before the first round each run is trained unmeasured, for an epoch or less.
    """
    settings, bundle = job["settings"], job["bundle"]
    data = _data(bundle, settings["dtype"])
    backend = BACKENDS[job["backend"]]
    refused = {run: refusal(backend, run) for run in offered(backend, settings)}
    skipped = [
        Series(labels=dict(vars(run)), status="skipped", reason=reason)
        for run, reason in refused.items()
        if reason
    ]
    runs = [run for run, reason in refused.items() if not reason]
    every = EPOCHS_ONLY if settings.get("evaluate") == "epochs" else EVERY
    seeds = _seeds(job["seeds"], job["process"], job["processes"])
    deadline = time.perf_counter() + job["budget_s"]
    kinds = {(run.sampling, run.copies) for run in runs}
    starts = {(*kind, seed): _start(bundle, seed, *kind) for kind in kinds for seed in seeds}
    curves: dict[One, list[Curve]] = {(run, s): [] for run in runs for s in seeds}
    printed = []
    if settings.get("as_printed") and backend.listing is not None:
        listed = [run for run in runs if as_listed(run)]
        first = starts["permutation", 1, seeds[0]]
        printed = _as_printed(session, listed, data, first, job["budget_s"] * AGAIN)
    for run in runs:
        _warm_up(session, run, data, starts[run.sampling, run.copies, seeds[0]])
        if fault := wrong_threads(session, job["threads"]):
            raise Unmeant(fault)
    order = list(curves)
    rng = random.Random(f"{job['seed']} {job['process']}")
    watches: list[Callable[[], Peak]] = [PeakMemory]
    if job["device"] != "cpu" and backend.device_tools:
        watches.append(cast("DeviceSession", session).peak_memory)
    held: dict[One, list[int | None]] = {}
    for _ in range(job["repeats"]):
        begun = time.perf_counter()
        rng.shuffle(order)
        for run, seed in order:
            start = starts[run.sampling, run.copies, seed]
            peaks = [watch() for watch in watches]
            curves[run, seed].append(_train(session, run, data, start, every))
            held.setdefault((run, seed), [peak.read() for peak in peaks])
        # Another round only if one as long as this one still fits.
        if 2 * time.perf_counter() - begun > deadline:
            break
    kept = {one: _record(*one, repeats, settings["dtype"]) for one, repeats in curves.items()}
    for one, (memory, *device) in held.items():
        on_device = device[0] if device else None
        kept[one] = replace(kept[one], memory_bytes=memory, device_memory_bytes=on_device)
    again = {
        (run, seed): partial(_train, session, run, data, starts[run.sampling, run.copies, seed])
        for run, seed in order
        if seed == seeds[0]
    }
    source = _weigh(job, kept, again) if settings["energy_s"] else None
    return Outcome(series=skipped, runs=list(kept.values()), printed_runs=printed, energy=source)


def _weigh(
    job: dict[str, Any], kept: dict[One, TrainingRun], again: Mapping[One, Callable[..., Curve]]
) -> str:
    """Train again and again, and add to the records what an epoch takes in energy.

    An epoch ends with a look at the loss, which counts. What ends early for its loss does not.
    """
    board = sensors.board(job.get("board")) if job["device"] != "cpu" else None
    counter = sensors.meter(job["device"], board)
    if isinstance(counter, str):
        return counter
    for one, train in again.items():
        epochs, ended = one[0].epochs, True

        def work(train: Callable[..., Curve] = train, epochs: int = epochs) -> None:
            nonlocal ended
            ended = ended and len(train(every=EPOCHS_ONLY).epoch_ends) == epochs

        found = sensors.spent(work, counter, job["settings"]["energy_s"])
        if found and ended:
            energy = replace(found, calls=found.calls * epochs)
            kept[one] = replace(kept[one], energy=energy)
    return counter.source


def as_listed(run: Run) -> bool:
    """Return whether a run is one that the chapter's listing from scratch can do."""
    ways = run.loader, run.implementation, run.variant, run.optimizer, run.schedule
    plain = ways == ("dataloader", "scratch", "eager", "sgd", "constant")
    return plain and (run.sampling, run.copies) == ("permutation", 1)


def _as_printed(
    session: Session, runs: list[Run], data: Data, start: Start, again_s: float
) -> list[PrintedRun]:
    """Train as the chapter does: each run once, in a fresh process, by its listing's own timer.

    It is done again in the same process unless the first turn took longer than `again_s`. What is
    printed then differs from the first turn by what happens once in a process. The garbage
    collector is left to go through all that there is, as it does in any script, and timed.
    """
    found: list[PrintedRun] = []
    gc.unfreeze()
    begun = time.perf_counter()
    for turn in range(2):
        for run in runs:
            curve = PrintedCurve(synchronize=session.synchronize)
            gc.callbacks.append(curve.collection)
            session.train(run, data, start, curve)
            gc.callbacks.remove(curve.collection)
            if curve.loss:  # else it has no point at a multiple of 200, and prints nothing
                found.append(
                    PrintedRun(
                        run=run.run,
                        turn=turn,
                        epoch_s=curve.timer.sum() / run.epochs,
                        loss=curve.loss[-1] if math.isfinite(curve.loss[-1]) else None,
                        collected_s=curve.collected_s / run.epochs,
                    )
                )
        session.synchronize()
        if time.perf_counter() - begun > again_s:
            break
    gc.freeze()
    return found


def _warm_up(session: Session, run: Run, data: Data, start: Start) -> None:
    """Train until nothing that the run will do happens for the first time.

    Where each update is called as it is written, that is some updates. What is compiled is compiled
    for the number of examples, so that it takes an epoch to have met all of them.
    """
    order = start.orders[0]
    if run.variant == "eager":
        order = order[: WARMUP_UPDATES * run.batch_size]
    first = Start(weights=start.weights, orders=[order])
    _train(session, replace(run, epochs=1), data, first)


def _train(session: Session, run: Run, data: Data, start: Start, every: int = EVERY) -> Curve:
    curve = Curve(synchronize=session.synchronize, every=every)
    session.train(run, data, start, curve)
    return curve


def _record(run: Run, seed: int, repeats: list[Curve], dtype: str) -> TrainingRun:
    """Make the record of a run; the curve is cut where the loss is no longer finite."""
    curve = repeats[0]
    cut = (index for index, loss in enumerate(curve.loss) if not math.isfinite(loss))
    finite = next(cut, len(curve.loss))
    return TrainingRun(
        labels=dict(vars(run)),
        seed=seed,
        examples=curve.examples[:finite],
        epoch_ends=[index for index in curve.epoch_ends if index < finite],
        loss=[_shortest(loss, dtype) for loss in curve.loss[:finite]],
        repeats=len(repeats),
        elapsed_s=[curve.elapsed_s[:finite] for curve in repeats[:KEPT_REPEATS]],
        diverged=finite < len(curve.loss) or curve.loss[finite - 1] > curve.loss[0],
    )


def _shortest(loss: float, dtype: str) -> float:
    """Return a loss with no more digits than it has, so that a result file stays small.

    Nine tell any float32 from its neighbours; as a Python float it would be written with 17.
    """
    return float(f"{loss:.9g}") if dtype == "float32" else loss


def run_specs(settings: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the runs as experiments.yaml says them, and one for each pair of the grid."""
    specs = list(settings.get("runs", ()))
    grid = settings.get("grid")
    if grid is not None:
        same = {"epochs": grid["epochs"], "loss": "half_squared"}
        specs += [
            {"label": grid_label(size, lr), "batch_size": size, "lr": lr, **same}
            for size, lr in itertools.product(grid["batch_size"], grid["lr"])
        ]
    return specs


def grid_label(batch_size: int, lr: float) -> str:
    """Return the name of a run of the grid."""
    return f"b = {batch_size}, lr = {lr:g}"


def runs_of(settings: Mapping[str, Any], backend: str | None = None) -> Iterator[Run]:
    """Yield the runs of an experiment, with every loader and implementation of the sweep.

    Where a backend is named, only those that it is to train.
    """
    for spec in run_specs(settings):
        only = spec.get("backends")
        if backend is not None and only is not None and backend not in only:
            continue
        own = {name: spec[name] for name in spec.keys() - {"label", "backends", *WAYS}}
        swept = ([spec[way]] if spec.get(way) else settings[way] for way in WAYS)
        for ways in itertools.product(*swept):
            yield Run(run=spec["label"], **dict(zip(WAYS, ways, strict=True)), **own)


def offered(backend: Backend, settings: Mapping[str, Any]) -> Iterator[Run]:
    """Yield the runs of an experiment as a framework can do them.

    Each with all wanted variants; a loader that the framework lacks is replaced. What it cannot
    do at all comes once, to be skipped.
    """
    trains = backend.training
    for run in runs_of(settings, backend.name):
        loader = run.loader if trains.loader else "sliced"
        for wanted in settings.get("variant", ["auto"]):
            auto = trains.variants(run.implementation) or trains.scratch[:1]
            variants = auto if wanted == "auto" else [wanted]
            each = [replace(run, loader=loader, variant=variant) for variant in variants]
            yield from each[:1] if refusal(backend, each[0]) else each


def refusal(backend: Backend, run: Run) -> str | None:
    """Return why a framework cannot do a run, or None if it can."""
    trains = backend.training
    variants = trains.variants(run.implementation)
    if not variants:
        return f"{backend.title} has no layers, losses or optimizers of its own"
    further = trains.on_request if run.implementation == "scratch" else ()
    if run.variant not in (*variants, *further):
        return f"{backend.title} trains {' or '.join(variants)} here, not {run.variant}"
    if run.optimizer != "sgd" and not trains.optimizers:
        return f"{backend.title} trains with plain SGD here, not {run.optimizer}"
    if run.schedule != "constant" and run.implementation not in trains.schedules:
        return f"{backend.title} keeps its rate constant here ({run.implementation})"
    return None


def _seeds(seeds: int, process: int, processes: int) -> list[int]:
    """Deal the seeds out to the processes; a process without one repeats another's."""
    dealt = [seed for seed in range(seeds) if seed % processes == process]
    return dealt or [process % seeds]


def _data(bundle: dict[str, Any], dtype: str) -> Data:
    return Data(
        features=read_bundle(bundle, "features.f64", "d"),
        targets=read_bundle(bundle, "targets.f64", "d"),
        dtype=dtype,
    )


def _start(bundle: dict[str, Any], seed: int, sampling: str, copies: int) -> Start:
    visited = bundle["examples"] * copies
    flat = read_bundle(bundle, f"seed-{seed}.{sampling}-{copies}.i32", "i")
    return Start(
        weights=read_bundle(bundle, f"seed-{seed}.weights.f64", "d"),
        orders=[flat[k * visited : (k + 1) * visited] for k in range(bundle["epochs"])],
    )
