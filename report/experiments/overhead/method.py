"""How calls and updates were measured, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.experiments import measuring
from report.experiments.overhead.measure import update_flops
from report.registry import BACKENDS
from report.text.numerals import count, digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record
    from report.worker.records import Series


def method(records: Sequence[Record]) -> list[str]:
    """Describe the measurement of one experiment on one backend."""
    series = [s for record in records for s in (record.outcome.series if record.outcome else ())]
    timings = measuring.timings(records)
    if not timings:
        return []
    operations = {one.labels["operation"] for one in series if one.timing}
    sentences = [
        (
            f"{count(len(records), 'fresh process')}. Each series is called until it is warm. A "
            f"sample is as many calls as last about {measuring.METHOD.sample_s * 1e3:.0f} ms, or "
            "one call where that is longer; before samples of several calls, a quarter as many run "
            "untimed."
        ),
        measuring.rounds(timings),
        measuring.ended(timings),
    ]
    if "add" in operations:
        sentences.append(
            "The additions are of two float32 vectors into a third that is kept, so that no memory "
            "is allocated."
        )
    if "update" in operations:
        sentences.append(_update(records[0].backend))
    return [
        *sentences,
        *_compiling(records[0].backend, series),
        measuring.basis(records),
        measuring.took(records),
    ]


def _update(backend: str) -> str:
    """Say what an update is, and how its operations are counted."""
    written_out = backend in BACKENDS and BACKENDS[backend].training.written_out
    fixed = update_flops(0, written_out=written_out)
    each = update_flops(1, written_out=written_out) - fixed
    parts = "forward, half the squared error averaged, backward, a step of SGD, gradients to zero"
    counted = "as automatic differentiation carries them out"
    if written_out:
        parts = "errors, gradient, a step of SGD; the loss itself is not computed"
        counted = "with the gradient written out"
    return (
        "An update is the chapter's linear regression with five features on a batch that lies "
        f"ready: {parts}. No loader takes part, and the learning rate is so small that every "
        f"update does the same. With b examples it counts as {each} b + {fixed} operations, "
        f"{counted}."
    )


def _compiling(backend: str, series: Sequence[Series]) -> list[str]:
    """Say what was compiled and how long the first calls took."""
    compiled = [one.timing for one in series if one.labels["variant"] == "compiled" and one.timing]
    first = [timing.warmup_s[0] for timing in compiled if timing.warmup_s]
    if not first:
        return []
    what = "the whole update, for each batch size of its own"
    lasts = ""
    if backend == "pytorch":
        what = "the loss with its gradient, for each batch size of its own; the step stays as it is"
        lasts = (
            " The first of a process also loads the compiler, and one that finds nothing in the "
            "compiler's cache, which processes and runs share, takes longest."
        )
    return [
        (
            f"Compiled is {what}. Compiling comes before the rounds, in one process without "
            "helpers, and does not count as time of an update: the first calls took "
            f"{digits(min(first), 2)} to {digits(max(first), 2)} s.{lasts}"
        )
    ]
