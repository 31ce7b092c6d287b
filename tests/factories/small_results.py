"""Makes results of a few numbers, so that the verdict on each can be worked out by hand.

The experiments are those of `KINDS`, where a test does not bring its own. Nothing is drawn: what a
test hands over is what was "measured".
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import results_factory
from factories import measured
from report.config.claims import Claim, stored
from report.experiments.matmul.measure import Point
from report.experiments.training.measure import Run
from report.results.result import Record
from report.worker.records import Energy, GradientNoise, Outcome, Series, TrainingRun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.registry import KindName
    from report.results.result import Result, StoredClaim, StoredExperiment

    Part = Series | TrainingRun | GradientNoise

KINDS: dict[str, KindName] = {
    "products": "matmul",
    "other": "matmul",
    "training": "training",
    "noise": "gradient",
    "memory": "bandwidth",
    "steps": "overhead",
}


def series(
    strategy: str, samples: Sequence[float] | str, size: int = 256, flops: int = 1000
) -> Series:
    """Make a series of products; words in the place of samples are why it was skipped."""
    point = Point(
        strategy=strategy, size=size, dtype="float32", block_width=None, threads=2, tf32=None
    )
    labels = point._asdict()
    if isinstance(samples, str):
        return Series(labels=labels, status="skipped", reason=samples)
    return Series(labels=labels, flops=flops, timing=measured.timing(samples))


def run(
    name: str,
    losses: Sequence[float],
    seed: int = 0,
    epoch_s: float = 1.0,
    epochs: int | None = None,
) -> TrainingRun:
    """Make a training run whose curve has one point an epoch, which is one update."""
    done = len(losses) - 1
    labels = Run(
        run=name,
        batch_size=1500,
        lr=0.1,
        epochs=epochs or done,
        loss="half_squared",
        loader="sliced",
        implementation="scratch",
    )
    return TrainingRun(
        labels=asdict(labels),
        seed=seed,
        examples=[1500 * epoch for epoch in range(done + 1)],
        epoch_ends=list(range(1, done + 1)),
        loss=list(losses),
        repeats=1,
        elapsed_s=[[epoch_s * epoch for epoch in range(done + 1)]],
        diverged=epochs is not None and done < epochs,
        memory_bytes=200 * 2**20,
        device_memory_bytes=3 * 2**20,
        energy=Energy(joules=50 * epoch_s * 10, elapsed_s=epoch_s * 10, calls=10),
    )


def noise(batch_size: int, std: float) -> GradientNoise:
    """Make the noise of gradients with this standard deviation."""
    return GradientNoise(
        labels={"point": "start", "batch_size": batch_size, "sampling": "replacement"},
        draws=100,
        mean_square=std**2,
        population=1.0,
        gradient=1.0,
    )


def record(experiment: str, process: int, *parts: Part, **fields: Any) -> Record:
    """Make a record of what a process measured."""
    outcome = Outcome(
        series=[part for part in parts if isinstance(part, Series)],
        runs=[part for part in parts if isinstance(part, TrainingRun)],
        noise=[part for part in parts if isinstance(part, GradientNoise)],
    )
    given: dict[str, Any] = {
        "experiment": experiment,
        "kind": KINDS.get(experiment),
        "backend": "pytorch",
        "process": process,
        "device": "cpu",
        "threads": 2,
        "status": "ok",
        "started_at": results_factory.STARTED_AT,
        "elapsed_s": 1.0,
        # As in a process that has done nothing else before.
        "import_s": 0.5 if KINDS.get(experiment) == "training" else None,
        "conditions": measured.QUIET,
        "outcome": outcome,
    }
    return Record(**{**given, **fields})


def products(
    experiment: str = "products", **samples: Sequence[Sequence[float] | str]
) -> list[Record]:
    """Make records of products: for each strategy, the samples of each process.

    Args:
        experiment: products or other.
        samples: By strategy; an empty list is a process that did not measure it.
    """
    count = max(map(len, samples.values()))
    return [
        record(
            experiment,
            process,
            *(
                series(strategy, groups[process])
                for strategy, groups in samples.items()
                if process < len(groups) and groups[process]
            ),
        )
        for process in range(count)
    ]


def claim(**keys: Any) -> StoredClaim:
    """Make a claim as a result file keeps it."""
    given = {"says": "It is so.", "section": "12.5", "relation": "greater", **keys}
    return stored(Claim.model_validate(given))


def result(
    records: Sequence[Record],
    claims: Mapping[str, StoredClaim] | None = None,
    backends: Sequence[str] = ("pytorch",),
    experiments: Mapping[str, StoredExperiment] | None = None,
    **fields: Any,
) -> Result:
    """Make a result of records and stored claims."""
    config = {
        "title": "Small",
        "seed": 1,
        "profile": "quick",
        "examples": 1500,
        "experiments": experiments
        or {name: planned(name, kind, backends=list(backends)) for name, kind in KINDS.items()},
        "claims": dict(claims or {}),
    }
    return results_factory.bare(**{"config": config, "records": list(records), **fields})


def planned(name: str, kind: KindName, **fields: Any) -> StoredExperiment:
    """Make an experiment as it was planned."""
    given: dict[str, Any] = {
        "title": name.capitalize(),
        "kind": kind,
        "backends": ["pytorch"],
        "device": "cpu",
        "processes": 3,
        "repeats": 3,
        "budget_s": 1.0,
        "timeout_s": 60.0,
        "seeds": 3,
        "settings": {},
    }
    return cast("StoredExperiment", {**given, **fields})
