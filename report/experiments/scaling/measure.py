"""What a `scaling` experiment runs: groups of processes that sum messages, and train together."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Protocol

from report.worker.host import thread_counts
from report.worker.records import Outcome, Series, Timing

if TYPE_CHECKING:
    from collections.abc import Mapping


class Session(Protocol):
    """What a backend must offer for this kind."""

    def places(self) -> int:
        """Return how many processes of a group have a core, or an accelerator, of their own."""

    def groups(self, task: dict[str, Any]) -> list[dict[str, Any]]:
        """Start processes that form groups, one after the other, which carry out a task together.

        A task has `worlds`, the sizes of the groups on each host, `messages`, in bytes, `runs`,
        `loss`, `bundle`, `seed`, `threads` of all processes together, `budget_s` of a group and
        `repeats`. The answer is the fields of each series.

        Raises:
            Unavailable: No way leads to the other hosts.
        """


def measure(session: Session, job: dict[str, Any]) -> Outcome:
    """Measure each size of the group, one after the other: its processes are one timing.

    Each process of the experiment takes the sizes in an order of its own, the same on all hosts.
    """
    settings = job["settings"]
    worlds = thread_counts(settings["world"], session.places())
    order = random.Random(f"{job['seed']} {job['process']}").sample(worlds, len(worlds))
    task = {
        "worlds": order,
        "messages": settings["message_bytes"],
        "runs": settings["runs"],
        "loss": settings["loss"],
        "process": job["process"],
        "nodes": settings["nodes"],
        "rendezvous": settings["rendezvous"],
        "bundle": job["bundle"],
        "threads": job["threads"],
        "budget_s": job["budget_s"] / len(worlds),
        "repeats": job["repeats"],
        "device": job["device"],
    }
    found = sorted(session.groups(task), key=lambda fields: fields["labels"]["world"])
    return Outcome(series=[read(series) for series in found])


def read(fields: Mapping[str, Any]) -> Series:
    """Return a series from what a process has answered."""
    timing = fields.get("timing")
    return Series(**{**fields, "timing": timing and Timing(**timing)})
