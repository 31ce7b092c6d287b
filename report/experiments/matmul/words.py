"""Sentences about matrix products, made of a run's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities
from report.figures.figure import Words, in_words
from report.text.numerals import count, digits, percent, sentence, times

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.worker.records import Labels

GIGA = 1e9

WITHIN = 0.05
"""Rates closer than this count as the same in sentences: a difference that nobody would act on."""

STRATEGIES = {
    "element": "element",
    "column": "column",
    "row": "row",
    "block": "block",
    "full": "full",
    "full-out": "full, memory kept",
}


Lines = "dict[str, list[Quantity]]"


def name_series(labels: Labels, names: Sequence[str]) -> str:
    """Name a series by those of its labels that tell it from the others."""
    parts = []
    for name in names:
        value = labels.get(name)
        if name == "tf32" and value is not None:
            parts.append("TF32" if value else "no TF32")
        elif name == "strategy":
            parts.append(STRATEGIES[str(value)])
        elif name == "block_width" and value is not None:
            parts.append(f"of {value}")
        elif name == "size":
            parts.append(f"n = {value:,}")
        elif name == "threads":
            parts.append(count(int(str(value)), "thread"))
        elif value is not None and name != "tf32":
            parts.append(str(value))
    return ", ".join(parts).replace("block, of", "block of")


def _rate(quantity: Quantity) -> str:
    return in_words(quantity.rate(), GIGA, "GFLOPS")


def _strategies(lines: dict[str, list[Quantity]], best: Quantity) -> Words:
    found = next(iter(lines.values()))
    varying = quantities.varying([q.labels for q in found]) or ["strategy"]
    named = [(name_series(q.labels, varying), q) for q in sorted(found, key=_by_rate)]
    caption = "; ".join(f"{name}: {_rate(q)}" for name, q in named)
    title = _fastest(named)
    comparable = len(found) > 1 and set(varying) <= {"strategy", "block_width"}
    explanation = _calls(found, best) if comparable else ""
    alt = f"Dot plot of GFLOPS on a logarithmic axis. {title}. {caption}."
    return Words(title=title, caption=f"{sentence(caption)}.", explanation=explanation, alt=alt)


def _fastest(named: Sequence[tuple[str, Quantity]]) -> str:
    """Say which of several products, the slowest first, is the fastest."""
    (slow, slowest), (fast, best) = named[0], named[-1]
    if best is slowest:
        return f"The {fast} product runs at {_best_value(best)} GFLOPS"
    factor = times(quantities.ratio(slowest, best).value)
    if slow in {"element", "column", "row"}:
        fast = STRATEGIES[str(best.labels["strategy"])]
        return f"The {fast} product runs {factor} times as fast as {slow} by {slow}"
    return f"The fastest is {fast}, {factor} times as fast as {slow}"


def _calls(found: Sequence[Quantity], best: Quantity) -> str:
    """Explain the rates of several ways to compute one product by the calls that they take."""
    names = {str(q.labels["strategy"]): q for q in found}
    fast, size = STRATEGIES[str(best.labels["strategy"])], best.labels["size"]
    explanation = (
        f"All of these do the same {digits((best.flops or 0) / 1e6)} million operations at "
        f"n = {size}; they differ in how many calls they take. "
    )
    if "element" in names and isinstance(size, int):
        call = names["element"].time().value / size**2
        busy = names["element"].flops or 0
        share = busy / best.rate().value / names["element"].time().value
        explanation += (
            f"Element by element there are {size**2:,} calls of {digits(call * 1e6)} µs each, of "
            f"which the arithmetic at the {fast} product's rate would be {_small_share(share)}: "
            "the rest is the interpreter and the framework. "
        )
    if {"column", "row"} <= names.keys():
        ratio = quantities.ratio(names["column"], names["row"])
        explanation += _contiguity(ratio.value)
    if {"block", "full"} <= names.keys():
        ratio = quantities.ratio(names["full"], names["block"])
        explanation += (
            f"A block product reaches {percent(ratio.value)} of the full one's rate "
            f"({_interval(ratio, percent)})."
        )
    return explanation


def _small_share(share: float) -> str:
    return percent(share) if share >= 0.0005 else "less than a thousandth"


def _contiguity(ratio: float) -> str:
    if ratio > 1 + WITHIN:
        return (
            f"Column by column takes {times(ratio)} times as long as row by row: rows lie together "
            "in memory, columns are strided. "
        )
    if ratio < 1 - WITHIN:
        return (
            f"Row by row takes {times(1 / ratio)} times as long as column by column, although rows "
            "lie together in memory: here the strides of the other factor decide. "
        )
    return "Row by row and column by column take about the same time. "


def _interval(ratio: Estimate, words: Callable[[float], str] = digits) -> str:
    if ratio.low is None or ratio.high is None:
        return "too few samples for an interval"
    return f"95 % interval {words(ratio.low)} to {words(ratio.high)}"


def _sizes(lines: dict[str, list[Quantity]], best: Quantity) -> Words:
    dtype, size = best.labels["dtype"], best.labels["size"]
    title = f"The highest rate here is {_best_value(best)} GFLOPS, in {dtype} at n = {size:,}"
    tops = {label: max(line, key=_by_rate) for label, line in lines.items()}
    caption = "Highest rates: " + "; ".join(
        f"{label or q.labels['dtype']}: {_rate(q)} at n = {q.labels['size']:,}"
        for label, q in tops.items()
    )
    explanation = ""
    main = next(iter(lines.values()))
    enough = next((q for q in main if q.rate().value >= 0.9 * main_top(main).rate().value), None)
    if enough is not None:
        explanation += (
            f"In {main[0].labels['dtype']}, n = {enough.labels['size']:,} is enough for nine "
            f"tenths of its best rate, {_best_value(main_top(main))} GFLOPS; "
            f"n = {main[0].labels['size']} reaches "
            f"{percent(main[0].rate().value / main_top(main).rate().value)} of it. Small matrices "
            "give each call too little work for its cost, and the threads too little to share. "
        )
    by_dtype = {str(q.labels["dtype"]): q for q in tops.values()}
    if {"float32", "float64"} <= by_dtype.keys():
        ratio = by_dtype["float32"].rate().value / by_dtype["float64"].rate().value
        explanation += (
            f"Float32 runs {times(ratio)} times as fast as float64; twice as many numbers fit "
            "into a vector register and into every cache. "
        )
    for short in ("bfloat16", "float16"):
        if {short, "float32"} <= by_dtype.keys():
            ratio = by_dtype[short].rate().value / by_dtype["float32"].rate().value
            explanation += f"{sentence(short)} runs at {times(ratio)} times the rate of float32. "
    alt = f"Curves of GFLOPS against matrix size, both axes logarithmic. {title}. {caption}."
    return Words(title=title, caption=f"{caption}.", explanation=explanation, alt=alt)


def main_top(line: Sequence[Quantity]) -> Quantity:
    """Return the point of the highest rate."""
    return max(line, key=_by_rate)


def _widths(lines: dict[str, list[Quantity]], best: Quantity) -> Words:
    size = best.labels["size"]
    line = next(line for line in lines.values() if best in line)
    enough = next(q for q in line if q.rate().value >= 0.9 * best.rate().value)
    width = enough.labels["block_width"]
    title = (
        f"At n = {size:,}, blocks of {width:,} columns reach nine tenths of the best rate"
        if enough is not best
        else f"At n = {size:,}, only the widest blocks come near the best rate"
    )
    parts = []
    for of_size in lines.values():
        first, last = of_size[0], of_size[-1]
        gain = quantities.ratio(first, last)
        parts.append(
            f"at n = {first.labels['size']:,}, from {_rate(first)} with blocks of "
            f"{first.labels['block_width']} to {_rate(last)} with blocks of "
            f"{last.labels['block_width']:,}, {times(gain.value)} times as fast"
        )
    caption = sentence("; ".join(parts)) + "."
    explanation = (
        "Each doubling of the width halves the number of calls and lets the library use each "
        "element of B that it has fetched for more columns of C. While that is what limits the "
        "rate, it grows with the width; where the curve bends, arithmetic takes over."
    )
    chapter = next((q for q in line if q.labels["block_width"] == 64), None)
    if chapter is not None and chapter is not line[-1]:
        share = quantities.ratio(line[-1], chapter)
        explanation += (
            f" The chapter's 64 columns reach {percent(share.value)} of the widest block's rate at "
            f"n = {size:,} ({_interval(share, percent)})."
        )
    alt = f"Curves of GFLOPS against block width, both axes logarithmic. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def _threads(lines: dict[str, list[Quantity]], best: Quantity) -> Words:
    line = next(line for line in lines.values() if best in line)
    first, last = line[0], line[-1]
    factor = int(str(last.labels["threads"])) / int(str(first.labels["threads"]))
    speedup = quantities.ratio(first, last)
    title = (
        f"{last.labels['threads']} threads are {times(speedup.value)} times as fast as "
        f"{first.labels['threads']}: {percent(speedup.value / factor)} parallel efficiency"
    )
    caption = (
        f"From {_rate(first)} to {_rate(last)} at n = {best.labels['size']:,}, "
        f"{best.labels['dtype']}; speed-up {digits(speedup.value)} ({_interval(speedup)})."
    )
    explanation = (
        "Below 100 % the threads wait for each other or share what does not grow with them: "
        "memory, a cache, the power budget."
        if speedup.value / factor < 1 - WITHIN
        else "Products of this size leave each thread enough work of its own, so that almost "
        "nothing is lost by sharing it out."
    )
    alt = f"Curve of GFLOPS against the number of threads. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def _by_rate(quantity: Quantity) -> float:
    return quantity.rate().value


def _best_value(quantity: Quantity) -> str:
    return digits(quantity.rate().value / GIGA)


TITLES: dict[str, Callable[[dict[str, list[Quantity]], Quantity], Words]] = {
    "strategy": _strategies,
    "size": _sizes,
    "block_width": _widths,
    "threads": _threads,
}
"""What is said of each figure, by what it is drawn against."""
