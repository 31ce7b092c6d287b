"""How the products of an experiment were measured, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.experiments import measuring
from report.experiments.matmul.quantities import sampled
from report.text.numerals import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record
    from report.worker.records import Timing


def method(records: Sequence[Record]) -> list[str]:
    """Describe the measurement of one experiment on one backend."""
    timings = measuring.timings(records)
    if not timings:
        return []
    return [
        f"{count(len(records), 'fresh process')}. {_sample(timings)}",
        measuring.rounds(timings),
        measuring.ended(timings),
        "The operations are counted exactly, 2 n\N{SUPERSCRIPT THREE} for a product.",
        *_parts(records),
        measuring.basis(records),
        measuring.took(records),
    ]


def _parts(records: Sequence[Record]) -> list[str]:
    """Say of which products only some elements were computed."""
    return [
        f"Element by element, {computed:,} of the {every:,} elements are computed, drawn at random "
        "in each process, and the time is scaled to all of them."
        for computed, every in sampled(records)
    ]


def _sample(timings: Sequence[Timing]) -> str:
    settings = measuring.METHOD
    warm = f"Each series is called until it is warm, for {settings.warmup_s * 1e3:.0f} ms or more."
    loops = [timing.inner_loops for timing in timings]
    if max(loops) == 1:
        return f"{warm} A sample is one call."
    return (
        f"{warm} A sample is {measuring.span(loops)} calls, as many as last about "
        f"{settings.sample_s * 1e3:.0f} ms, or one call where that is longer; before samples of "
        "several calls, a quarter as many run untimed."
    )
