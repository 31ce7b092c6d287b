"""How long one access takes that nothing can foresee, by where it must come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.bandwidth.lines import each
from report.experiments.bandwidth.measure import LINE_BYTES
from report.experiments.bandwidth.roofs import MEMORY, place, working_set
from report.figures.figure import Table, Words, in_words, number
from report.text import names
from report.text.numerals import scaled, sentence, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.quantities import Quantity
    from report.experiments.bandwidth.caches import Level
    from report.figures.figure import Number

NANO = 1e-9


def by_level(found: Sequence[Quantity], known: Sequence[Level]) -> dict[str, Quantity]:
    """Return the series that stands for each cache and for memory: the largest that it holds.

    Args:
        found: Series of one machine, the smallest working set first.
        known: The caches that one thread reaches, the nearest first.
    """
    largest = max(working_set(q) for q in found)
    placed = {place(working_set(q), known, largest): q for q in found}
    order = [*(level.name for level in known), MEMORY]
    return {name: placed[name] for name in order if name in placed}


def words(found: Sequence[Quantity], known: Sequence[Level]) -> Words:
    """Say what an access takes from each cache and from memory.

    Args:
        found: Series of one machine, the smallest working set first.
        known: The caches that one thread reaches, the nearest first.
    """
    first, last = found[0], found[-1]
    ratio = quantities.ratio(last, first)
    title = (
        f"An access that nothing foresees takes {_short(first)} within "
        f"{names.size(working_set(first))}, {_short(last)} within "
        f"{names.size(working_set(last))}: {times(ratio.value)} times as long"
    )
    levels = by_level(found, known)
    caption = "; ".join(
        f"{'from memory' if name == MEMORY else f'from the {name} cache'} "
        f"{in_words(each(q), NANO, 'ns')}, within {names.size(working_set(q))}"
        for name, q in levels.items()
    )
    caption = f"{sentence(caption)}." if caption else f"{title}."
    explanation = (
        "Each position is read from where the last one lies, so that the processor can neither "
        "fetch the next ahead nor have several on their way at once, as it has when it reads in "
        f"order. Every access goes to another line of {LINE_BYTES} bytes, in an order that visits "
        "all of them before any a second time. Translating addresses is part of it: the further "
        "apart they lie, the more often a translation must be fetched from memory too."
    )
    alt = f"Curve of time per access against working set, both axes logarithmic. {title}."
    return Words(title=title, caption=caption, explanation=explanation, alt=f"{alt} {caption}")


def table(found: Sequence[Quantity]) -> Table:
    """Return the time of an access by working set."""
    rows: list[list[str | Number]] = [
        [names.size(working_set(q)), number(each(q), NANO)] for q in found
    ]
    return Table(header=["working set", "ns"], rows=rows)


def _short(quantity: Quantity) -> str:
    return scaled(each(quantity).value, "s")
