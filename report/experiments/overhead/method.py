"""How calls and updates were measured, in sentences."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

from report.experiments.matmul.method import BASES, STOPS
from report.experiments.overhead.measure import update_flops
from report.numerals import count, digits, duration
from report.worker.timing import Method

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results import Record
    from report.worker.records import Series


def method(records: Sequence[Record]) -> list[str]:
    """Describe the measurement of one experiment on one backend."""
    series = [s for record in records for s in (record.outcome.series if record.outcome else ())]
    timed = [(one, one.timing) for one in series if one.timing]
    if not timed:
        return []
    settings = Method(budget_s=1, repeats=1)
    stops = collections.Counter(timing.stopped for _, timing in timed)
    ended = (f"{STOPS[name]} ({number} of {len(timed)})" for name, number in stops.most_common())
    samples = [timing.samples for _, timing in timed]
    operations = {one.labels["operation"] for one, _ in timed}
    sentences = [
        (
            f"{count(len(records), 'fresh process')}. Each series is called until it is warm. A "
            f"sample is as many calls as last about {settings.sample_s * 1e3:.0f} ms, or one call "
            "where that is longer; before samples of several calls, a quarter as many run untimed."
        ),
        (
            "The series of the experiment take turns in shuffled rounds. Samples of each in one "
            f"process: {min(samples):,} to {max(samples):,}."
        ),
        f"A series ended when it {'; or '.join(ended)}.",
    ]
    if "add" in operations:
        sentences.append(
            "The additions are of two float32 vectors into a third that is kept, so that no memory "
            "is allocated."
        )
    if "update" in operations:
        fixed = update_flops(0)
        each = update_flops(1) - fixed
        sentences.append(
            "An update is the chapter's linear regression with five features on a batch that is a "
            "tensor already: forward, half the squared error averaged, backward, a step of SGD, "
            "gradients to zero. No loader takes part, and the learning rate is so small that every "
            f"update does the same. With b examples it counts as {each} b + {fixed} operations, as "
            "automatic differentiation carries them out."
        )
    return [
        *sentences,
        *_compiling(series),
        BASES[len(records) > 1],
        f"In all {duration(sum(record.elapsed_s for record in records))}.",
    ]


def _compiling(series: Sequence[Series]) -> list[str]:
    """Say what was compiled and how long the first calls took."""
    compiled = [one.timing for one in series if one.labels["variant"] == "compiled" and one.timing]
    first = [timing.warmup_s[0] for timing in compiled if timing.warmup_s]
    if not first:
        return []
    return [
        (
            "Compiled is the loss with its gradient, for each batch size of its own; the step "
            "stays as it is. Compiling comes before the rounds, in one process without helpers, "
            "and does not count as time of an update: the first calls took "
            f"{digits(min(first), 2)} to {digits(max(first), 2)} s. The first of a process also "
            "loads the compiler, and one that finds nothing in the compiler's cache, which "
            "processes and runs share, takes longest."
        )
    ]
