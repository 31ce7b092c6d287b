"""What a `scaling` experiment runs: groups of processes that sum messages, and train together."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any, Protocol

from report.worker.host import thread_counts
from report.worker.records import Outcome, Series, Timing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ALIKE = 1e-4
"""Relative distance of weights that the order of summing explains, in float32 after an epoch."""


class Session(Protocol):
    """What a backend must offer for this kind."""

    def places(self) -> int:
        """Return how many processes of a group have a core, or an accelerator, of their own."""

    def group(self, world: int, task: dict[str, Any]) -> dict[str, Any]:
        """Start so many processes that carry out a task together; return what the first answers.

        A task has `messages`, in bytes, `runs`, `loss`, `bundle`, `seed`, `threads` of all
        processes together, `budget_s` and `repeats`. An answer has `series`, and `weights` after an
        epoch of each run.

        Raises:
            Unavailable: Another host's process is the first.
        """


def measure(session: Session, job: dict[str, Any]) -> Outcome:
    """Measure each size of the group, one after the other: its processes are one timing.

    Each process of the experiment takes the sizes in an order of its own.
    """
    settings = job["settings"]
    worlds = thread_counts(settings["world"], session.places())
    order = random.Random(f"{job['seed']} {job['process']}").sample(worlds, len(worlds))
    task = {
        "messages": settings["message_bytes"],
        "runs": settings["runs"],
        "loss": settings["loss"],
        "nodes": settings["nodes"],
        "rendezvous": settings["rendezvous"],
        "bundle": job["bundle"],
        "threads": job["threads"],
        "budget_s": job["budget_s"] / len(worlds),
        "repeats": job["repeats"],
        "device": job["device"],
    }
    answers = {world: session.group(world, task) for world in order}
    alone = answers.get(1, {}).get("weights", {})
    return Outcome(
        series=[
            _checked(read(series), answers[world]["weights"], alone)
            for world in worlds
            for series in answers[world]["series"]
        ]
    )


def read(fields: Mapping[str, Any]) -> Series:
    """Return a series from what a process has answered."""
    timing = fields.get("timing")
    return Series(**{**fields, "timing": timing and Timing(**timing)})


def _checked(
    series: Series, weights: Mapping[str, Sequence[float]], alone: Mapping[str, Sequence[float]]
) -> Series:
    """Let a training fail whose weights are not those of one process with the same batches."""
    batch = str(series.labels["batch_size"])
    if batch not in weights or batch not in alone or series.timing is None:
        return series
    apart = math.dist(weights[batch], alone[batch]) / math.hypot(*alone[batch])
    if apart <= ALIKE:
        return series
    reason = f"wrong result: its weights are {apart:.1g} from those of one process"
    return Series(labels=series.labels, status="failed", reason=reason)
