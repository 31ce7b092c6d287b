"""The chapter's own way of timing beside the sound one: GFLOPS "as printed"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis.estimate import estimate
from report.experiments.matmul.measure import PRINTED_FLOPS
from report.text.numerals import digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.results.result import Record

GIGA = 1e9


def of(records: Sequence[Record]) -> dict[str, Estimate]:
    """Return the operations per second that the chapter would print, by strategy.

    Each process gives one cold run, which is one print of the chapter; the interval is over
    processes.
    """
    groups: dict[str, list[list[float]]] = {}
    for record in records:
        for printed in record.outcome.as_printed if record.outcome else ():
            if printed.elapsed_s > 0:
                groups.setdefault(printed.strategy, []).append([printed.elapsed_s])
    return {
        strategy: estimate(group).reciprocal(
            PRINTED_FLOPS, f"{records[0].experiment} {strategy} as printed"
        )
        for strategy, group in groups.items()
    }


def caption(found: Sequence[Quantity], cold: dict[str, Estimate]) -> str:
    """Say how far the chapter's way of timing is from the sound one."""
    measured = {str(q.labels["strategy"]): q.rate() for q in found}
    if "full" not in cold or "full" not in measured:
        return ""
    sentence = (
        f" Timed once and cold, as the chapter does, the full product prints "
        f"{digits(cold['full'].value / GIGA)} GFLOPS where {digits(measured['full'].value / GIGA)} "
        "are sustained"
    )
    if "block" in cold and "block" in measured:
        cold_faster = cold["block"].value > cold["full"].value
        warm_faster = measured["block"].value > measured["full"].value
        if cold_faster and not warm_faster:
            sentence += ", and the block product seems faster than the full one, which it is not"
        elif cold_faster == warm_faster:
            sentence += "; the order of block and full is the same both ways"
    return sentence + "."


def explanation(found: Sequence[Quantity], cold: dict[str, Estimate]) -> str:
    """Say why the two ways differ."""
    if "full" not in cold or not any(q.labels["strategy"] == "full" for q in found):
        return ""
    return (
        f" The hollow marks repeat the chapter's procedure, in a fresh process. There the full "
        "product is the first of its kind: what a first call has to do once (load the library's "
        "kernels, start threads, touch new memory) is in its time, and so it shows "
        f"{digits(cold['full'].value / GIGA)} GFLOPS. The block product comes after it and finds "
        "that done. The solid marks leave it out, because training does millions of products and "
        "pays once."
    )
