"""Sentences about memory, made of a run's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.bandwidth.lines import elements, stride_of
from report.experiments.bandwidth.measure import ITEM_BYTES
from report.experiments.bandwidth.roofs import of_levels, threads, working_set
from report.figures.figure import Words, in_words
from report.text import names
from report.text.numerals import digits, percent, scaled, sentence, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.experiments.bandwidth.caches import Level
    from report.experiments.bandwidth.lines import Lines

GIGA, NANO = 1e9, 1e-9

LINE_BYTES = 64
"""Of a cache line on most processors; a few have 128. No system call says it everywhere."""

DOING = {"read": "reading", "copy": "copying", "triad": "the triad a = b + s c"}

COUNTED = (
    "Bytes count as read plus written, each once; that a line is often read before it is written "
    "is not counted."
)


def shortest_call(found: Sequence[Quantity]) -> Quantity | None:
    """Return the copy or triad that takes the shortest time, where the call is most of it.

    A read goes through a small working set many times in one call, and so hides what a call costs.
    """
    once = [q for q in found if q.labels["operation"] in {"copy", "triad"}]
    if not once:
        return None
    shortest = min(once, key=lambda q: q.time().value)
    fastest = max(q.bandwidth().value for q in once)
    return shortest if shortest.bandwidth().value < fastest / 2 else None


def working_sets(lines: Lines, known: Sequence[Level], call: Quantity | None) -> Words:
    """Say how fast bytes come from near and from far."""
    line = next(iter(lines.values()))
    title = _nearer(line)
    parts = []
    for label, mine in lines.items():
        top, last = _top(mine), mine[-1]
        said = f"{label}: {_rate(top)} over {_size(top)}"
        if last is not top:
            said += f", {_rate(last)} over {_size(last)}"
        parts.append(said)
    caption = f"{sentence('; '.join(parts))}."
    every = [q for mine in lines.values() for q in mine]
    explanation = f"{_caches(every, known)} {_calls(line, call)}{COUNTED}"
    alt = f"Curves of bandwidth against working set, both axes logarithmic. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def _nearer(line: Sequence[Quantity]) -> str:
    """Say by how much the best working set of a line is faster than the largest."""
    top, last = _top(line), line[-1]
    doing = DOING.get(str(top.labels["operation"]), "this operation")
    if top is last:
        return f"{sentence(doing)} moves {_value(top)} over {_size(top)}"
    # Bytes for bytes: a call over a large working set moves more of them.
    ratio = faster(last, top)
    if ratio.excludes(1):
        return (
            f"{sentence(doing)} runs {times(ratio.value)} times as fast over {_size(top)} as over "
            f"{_size(last)}"
        )
    return (
        f"{sentence(doing)} moves {_value(top)} over {_size(top)} and {_value(last)} over "
        f"{_size(last)}"
    )


def faster(slow: Quantity, fast: Quantity) -> Estimate:
    """Return how many times as many bytes a second one series moves as another."""
    ratio = quantities.ratio(slow, fast)
    return ratio.scaled((fast.bytes_moved or 1) / (slow.bytes_moved or 1))


def _caches(found: Sequence[Quantity], known: Sequence[Level]) -> str:
    """Say what each cache delivered, and how the thin lines are to be read."""
    if not known:
        return "The sizes of the caches are not known here, so that none are drawn."
    most = max(threads(q) for q in found)
    reached = of_levels(known, [q for q in found if threads(q) == most])
    said = "The thin lines are the sizes of the caches"
    if any(level.copies > 1 for level in known):
        said += ", those that a core has to itself times the number of threads"
    if len(reached) < 2:
        return f"{said}."
    rates = ", ".join(f"{roof.name} {scaled(roof.bandwidth.value, 'B/s')}" for roof in reached)
    return f"{said}. The most that came from working sets well inside each, and beyond: {rates}."


def _calls(line: Sequence[Quantity], call: Quantity | None) -> str:
    """Say where a curve shows the cost of a call and not the speed of a cache."""
    if call is None:
        return ""
    operation, spent = call.labels["operation"], call.time().value
    said = (
        f"At the left end, copy and triad do not show a cache: a {operation} of {_size(call)} "
        f"takes {scaled(spent, 's')}, nearly all of it the cost of the call; the dotted line is "
        "what calls of that length move. "
    )
    if line[0].labels["operation"] == "read":
        said += (
            "A read goes through a small working set many times in one call, which hides that "
            "cost. "
        )
    return said


def orders(lines: Lines) -> Words:
    """Say what a look-up costs in order and at random."""
    ordered, shuffled = _pair(lines)
    title = "Time of one look-up by the size of the table"
    explanation = ""
    both = sorted(ordered.keys() & shuffled.keys())
    if both:
        small, large = both[0], both[-1]
        ratio = quantities.ratio(shuffled[large], ordered[large])
        title = (
            f"Over {names.size(large)}, looking values up at random takes {times(ratio.value)} "
            "times as long as in order"
            if ratio.excludes(1)
            else f"Over {names.size(large)}, these runs show no difference between looking "
            "values up at random and in order"
        )
        near = quantities.ratio(shuffled[small], ordered[small])
        explanation = (
            f"Over {names.size(small)} the order makes a factor of {_factor(near)}, over "
            f"{names.size(large)} of {_factor(ratio)}. The calls, the indices and the values "
            "are as many either way. In order, the next value lies in the line that was fetched "
            "for the last one, or in the next line, which the processor fetches ahead; at random, "
            "it lies in some other line. Many look-ups are under way at once, so that one "
            "takes less time here than a single one that must be waited for."
        )
    parts = [
        f"{label}: {_time(line[0])} over {_size(line[0])}"
        + (f", {_time(line[-1])} over {_size(line[-1])}" if len(line) > 1 else "")
        for label, line in lines.items()
    ]
    caption = f"{sentence('; '.join(parts))}."
    alt = f"Curves of time per look-up against table size, both axes logarithmic. {title}."
    return Words(title=title, caption=caption, explanation=explanation, alt=f"{alt} {caption}")


def _pair(lines: Lines) -> tuple[dict[int, Quantity], dict[int, Quantity]]:
    """Return the first lines in order and at random that differ in nothing else, by size."""
    found: dict[str, list[Quantity]] = {"sequential": [], "random": []}
    for line in lines.values():
        same = {**line[0].labels, "order": None, "working_set_bytes": None}
        for other in lines.values():
            if {**other[0].labels, "order": None, "working_set_bytes": None} == same:
                found[str(other[0].labels["order"])] = other
        break
    ordered, shuffled = (
        {working_set(q): q for q in found[order]} for order in ("sequential", "random")
    )
    return ordered, shuffled


def strides(lines: Lines) -> Words:
    """Say what an element costs that lies at a distance from the last one."""
    line = next(iter(lines.values()))
    first, last = line[0], line[-1]
    item = ITEM_BYTES[str(first.labels["dtype"])]
    whole = next((q for q in line if stride_of(q) * item >= LINE_BYTES), last)
    ratio = quantities.ratio(whole, first)
    apart = f"{stride_of(whole) * item} bytes apart"
    if whole is first:
        title = f"Numbers {apart} take {_time(first)} each to read"
    elif ratio.excludes(1):
        title = (
            f"Numbers {apart} take {times(ratio.value)} times as long to read as numbers "
            f"{_distance(first, item)}"
        )
    else:
        title = f"These runs show no cost of reading numbers {apart}"
    caption = _by_stride([first, whole, last])
    explanation = _lines_fetched(first, whole, last, item)
    alt = f"Curve of time per element against stride, both axes logarithmic. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def _distance(quantity: Quantity, item: int) -> str:
    return "side by side" if stride_of(quantity) == 1 else f"{stride_of(quantity) * item} apart"


def _by_stride(chosen: Sequence[Quantity]) -> str:
    """Say what an element costs at some strides."""
    found = {stride_of(q): q for q in chosen}
    dtype = sentence(str(chosen[0].labels["dtype"]))
    said = "; ".join(f"stride {stride:,}: {_time(q)}" for stride, q in found.items())
    return f"{dtype}, from a working set of {_size(chosen[0])} at every stride: {said} an element."


def _lines_fetched(first: Quantity, whole: Quantity, last: Quantity, item: int) -> str:
    """Say what comes from memory for an element that lies alone in its cache line."""
    said = (
        "Memory hands out lines, 64 bytes on most processors. The further apart the numbers lie, "
        "the less of each line is wanted. "
    )
    if stride_of(whole) * item < LINE_BYTES:
        return said.strip()
    each = whole.time().value / elements(whole)
    said += (
        f"At stride {stride_of(whole)} a line of {LINE_BYTES} bytes comes for each number of "
        f"{item}: a line every {scaled(each, 's')} is {scaled(LINE_BYTES / each, 'B/s')}, of which "
        f"{percent(item / LINE_BYTES)} is used."
    )
    if stride_of(first) == 1 and whole is not first:
        said += f" Side by side, {_value(first)} come, and all of it is used."
    further = quantities.ratio(last, whole)
    if last is not whole and further.excludes(1) and further.value > 1:
        said += (
            f" At stride {stride_of(last)} a number needs no more than one line either, and still "
            f"takes {times(further.value)} times as long; this experiment does not show why."
        )
    return said


def _factor(ratio: Estimate) -> str:
    if ratio.low is None or ratio.high is None:
        return f"{times(ratio.value)} (too few samples for an interval)"
    return f"{times(ratio.value)} (95 % interval {digits(ratio.low)} to {digits(ratio.high)})"


def _top(line: Sequence[Quantity]) -> Quantity:
    return max(line, key=lambda q: q.bandwidth().value)


def _size(quantity: Quantity) -> str:
    return names.size(working_set(quantity))


def _value(quantity: Quantity) -> str:
    return scaled(quantity.bandwidth().value, "B/s")


def _rate(quantity: Quantity) -> str:
    return in_words(quantity.bandwidth(), GIGA, "GB/s")


def _time(quantity: Quantity) -> str:
    return in_words(quantity.time().scaled(1 / elements(quantity)), NANO, "ns")
