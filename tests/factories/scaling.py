"""Makes results of `scaling` experiments: groups that gain a little by each process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from factories import measured
from report.worker.host import thread_counts
from report.worker.records import Outcome, Series

if TYPE_CHECKING:
    import random

    from report.config.plan import PlannedExperiment

CORES = 2

UPDATE_S, EXAMPLE_S, MESSAGE_S, BYTE_S = 80e-6, 20e-9, 60e-6, 1e-10
"""Of an update whatever its batch, of each example, of a message and of each of its bytes."""


def outcome(
    experiment: PlannedExperiment, process: int, slowness: float, rng: random.Random
) -> Outcome:
    """Make the outcome of one process on the model machine."""
    del process
    settings = experiment.settings
    return Outcome(
        series=[
            one
            for world in thread_counts(settings["world"], CORES)
            for one in _series(settings, world, slowness, rng)
        ]
    )


def _series(
    settings: dict[str, Any], world: int, slowness: float, rng: random.Random
) -> list[Series]:
    exchange_s = MESSAGE_S if world > 1 else 0.0
    found = [
        Series(
            labels=labels("all-reduce", world, message_bytes=size),
            bytes_moved=size,
            timing=measured.drawn((1e-6 + exchange_s + BYTE_S * size) * slowness, rng),
        )
        for size in settings["message_bytes"]
    ]
    for run in settings["runs"]:
        batch = run["batch_size"]
        update_s = UPDATE_S + EXAMPLE_S * batch / world + exchange_s
        for operation, updates in {"epoch": -(-1500 // batch), "to-loss": 12}.items():
            found.append(
                Series(
                    labels=labels(operation, world, batch_size=batch),
                    examples=updates * batch,
                    timing=measured.drawn(updates * update_s * slowness, rng),
                )
            )
    return found


def labels(operation: str, world: int, **own: int) -> dict[str, Any]:
    """Make the labels of a series."""
    empty = {"message_bytes": None, "batch_size": None}
    return {"operation": operation, "world": world, **empty, **own}
