"""Sentences about a roofline, made of a run's numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from report.figures.figure import Words, in_words, interval
from report.sections.roofline.ceilings import side
from report.sections.roofline.kernels import FAMILIES, ITEM_BYTES, at, number_format
from report.text.numerals import count, digits, percent, prefix_exponent, scaled, sentence, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate
    from report.sections.roofline.ceilings import Ceilings, Side
    from report.sections.roofline.kernels import Kernel

PIECEWISE = ("element", "column", "row", "block", "full")
"""Strategies that are spoken of together, from the smallest piece to the largest."""

LITTLE = 0.1
"""Roofs that account for less of a kernel's time than this do not decide it."""


def words(
    kernels: Sequence[Kernel], ceilings: Ceilings, dtype: str, theoretical: float | None
) -> Words:
    """Say what a roofline shows.

    Args:
        kernels: Of one number format.
        ceilings: Their roofs.
        dtype: The number format.
        theoretical: The peak that is drawn dotted, if there is one.
    """
    balance = ceilings.balance()
    sides = [side(kernel, balance) for kernel in kernels]
    fewer = sides.count("memory")
    title = (
        f"In {dtype}, full speed takes {digits(balance.value)} operations for each byte from "
        f"memory; {fewer} of {count(len(kernels), 'kernel')} {'has' if fewer == 1 else 'have'} "
        "fewer"
    )
    roofs = "; ".join(f"{roof.name}: {prefixed(roof.bandwidth, 'B/s')}" for roof in ceilings.roofs)
    formats = listing(sorted({number_format(roof.quantity) for roof in ceilings.roofs}))
    caption = (
        f"Sloped roofs: bytes per second as measured in {formats}, {roofs}. Flat roof: the "
        f"highest rate of a product in {dtype}, {prefixed(ceilings.peak, 'FLOPS')}. Peak and "
        f"memory meet at the machine balance, {in_words(balance, 1, 'FLOP/byte')}. "
        f"{_promised(theoretical)}Each mark is a measured kernel at the bytes that its "
        "calls must at least move."
    )
    parts = [_sides(kernels, sides), _far_below(kernels, ceilings), _dispatch(kernels, ceilings)]
    return Words(
        title=title,
        caption=caption,
        explanation=" ".join(part for part in parts if part),
        alt=f"Roofline on logarithmic axes. {title}. {_sides(kernels, sides)}",
    )


def _promised(theoretical: float | None) -> str:
    if theoretical is None:
        return ""
    value = scaled(theoretical, "FLOPS")
    return f"Dotted: what clock, cores and instructions promise at most, {value}. "


def _sides(kernels: Sequence[Kernel], sides: Sequence[Side]) -> str:
    """Say which families lie where."""
    found: dict[str, list[Side]] = {}
    for kernel, where in zip(kernels, sides, strict=True):
        found.setdefault(kernel.family, []).append(where)
    clauses = []
    below = [family for family in FAMILIES if set(found.get(family, [])) == {"memory"}]
    above = [family for family in FAMILIES if set(found.get(family, [])) == {"arithmetic"}]
    rest = [
        f"{family} ({where.count('memory')} of {len(where)} below)"
        for family, where in found.items()
        if family not in below + above
    ]
    if below:
        clauses.append(f"below the balance: {listing(below)}")
    if above:
        clauses.append(f"above it: {listing(above)}")
    if rest:
        clauses.append(f"on both sides, or within its interval: {listing(rest)}")
    explained = (
        "A kernel below the balance waits for memory if its operands come from there; one above "
        "it has enough to compute with each byte."
    )
    return f"{sentence('; '.join(clauses))}. {explained}"


def prefixed(estimate: Estimate, unit: str) -> str:
    """Write an estimate with its interval and the SI prefix that suits it."""
    with_prefix = scaled(estimate.value, unit).rpartition(" ")[2]
    return in_words(estimate, 10.0 ** prefix_exponent(estimate.value), with_prefix)


def listing(names: Sequence[str]) -> str:
    """Write a list: "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def pieces(kernels: Sequence[Kernel]) -> list[Kernel]:
    """Return the ways to compute one product, of the size that most of them share."""
    by_size: dict[object, dict[str, Kernel]] = {}
    for kernel in kernels:
        strategy = kernel.quantity.labels.get("strategy")
        if strategy not in PIECEWISE:
            continue
        of_size = by_size.setdefault(kernel.quantity.labels["size"], {})
        # Of several widths, the chapter's.
        if strategy not in of_size or kernel.quantity.labels["block_width"] == 64:
            of_size[str(strategy)] = kernel
    most = max(by_size.values(), key=len, default={})
    return [most[strategy] for strategy in PIECEWISE if strategy in most]


def _far_below(kernels: Sequence[Kernel], ceilings: Ceilings) -> str:
    found = pieces(kernels)
    if len(found) < 2:
        return ""
    shares = listing([f"{k.name.split(', n')[0]} {_share(k, ceilings)}" for k in found])
    size = found[0].quantity.labels["size"]
    text = (
        f"At n = {size:,} the ways to compute one product reach, of the highest roof above each: "
        f"{shares}."
    )
    cached = [
        k.name.split(", n")[0]
        for k in found
        if (share := ceilings.share(k, ceilings.memory)).low is not None and share.low > 1
    ]
    if cached:
        text += (
            f" More than memory could feed: {listing(cached)}; operands that are used again and "
            "again stay in a cache, whatever the bytes of one call."
        )
    return text


def _share(kernel: Kernel, ceilings: Ceilings) -> str:
    share = ceilings.share(kernel, ceilings.highest).value
    return percent(share) if share >= 0.0005 else "less than 0.1 %"


def _dispatch(kernels: Sequence[Kernel], ceilings: Ceilings) -> str:
    """Compare calls with the smallest one there is, an addition of single elements."""
    add = at(kernels, operation="add", size=1, variant="eager")
    if add is None:
        return ""
    call_s = add.quantity.time().value
    found = pieces(kernels)
    parts = []
    if found:
        each = listing(
            [
                f"{k.name.split(', n')[0]} {times(k.quantity.time().value / k.calls / call_s)}"
                for k in found
            ]
        )
        parts.append(
            f"An add of one element, which is hardly more than a call, takes "
            f"{scaled(call_s, 's')}. One step of these products lasts as many such adds: {each}."
        )
        little = [
            k.name.split(", n")[0]
            for k in found
            if (share := ceilings.share(k, ceilings.highest)).value < LITTLE
            and k.calls * call_s > share.value * k.quantity.time().value
        ]
        if little:
            parts.append(
                f"For {listing(little)}, memory and arithmetic at their roofs account for less "
                f"than {percent(LITTLE)} of the time, and for less than the calls alone would "
                "take: there the number of calls decides, not a roof."
            )
    parts.append(_updates(kernels, call_s))
    return " ".join(part for part in parts if part)


def _updates(kernels: Sequence[Kernel], call_s: float) -> str:
    updates = sorted(
        (k for k in kernels if k.family == "update" and not k.name.endswith("compiled")),
        key=lambda kernel: kernel.flops,
    )
    if not updates:
        return ""
    first, last = updates[0], updates[-1]
    said = [
        f"with {kernel.name.removeprefix('update, ')} takes as long as "
        f"{times(kernel.quantity.time().value / call_s)} of these adds"
        for kernel in ([first] if first is last else [first, last])
    ]
    return f"A training update {', and one '.join(said)}."


def balance_words(ceilings: Ceilings, dtype: str, chapter: str, here: str) -> Words:
    """Say how much more the arithmetic could take than memory gives.

    Args:
        ceilings: The measured roofs.
        dtype: The number format.
        chapter: The chapter's estimate, as a sentence.
        here: The same arithmetic for this machine, or why it cannot be done, as a sentence.
    """
    item_bytes = ITEM_BYTES[dtype]
    ratio = ceilings.balance().scaled(item_bytes)
    demand = ceilings.peak.scaled(item_bytes)
    memory = ceilings.memory.bandwidth
    if ratio.excludes(1) or ratio.low is None:
        title = (
            f"At its measured peak this machine would use up {times(ratio.value)} times the bytes "
            "that memory gives"
            if ratio.value > 1
            else f"Memory gives {times(1 / ratio.value)} times the bytes that the measured peak "
            "would use up"
        )
    else:
        title = "Memory gives about the bytes that the measured peak would use up"
    known = interval(ratio)
    caption = (
        f"If each {dtype} operand were used once, the measured peak of "
        f"{scaled(ceilings.peak.value, 'FLOPS')} would use up {prefixed(demand, 'B/s')}: "
        f"half as many fused multiply-adds, each with two new operands of {item_bytes} bytes and a "
        f"sum that stays in a register. Memory gives {prefixed(memory, 'B/s')}: a ratio of "
        f"{digits(ratio.value)}{f' (95 % interval {known})' if known else ''}. "
        f"{chapter} {here}"
    )
    least = math.ceil(1.5 * item_bytes * ceilings.balance().value)
    explanation = (
        "Caches close the gap only if what they hold is used again. A product of two n "
        f"\N{MULTIPLICATION SIGN} n matrices uses each operand n times: it has n / "
        f"{1.5 * item_bytes:g} operations in {dtype} for each byte that it must move, so "
        f"that memory could feed the measured peak from n = {least:,} on. A product of a matrix "
        "and a vector uses each element of the matrix once, "
        f"{2 / item_bytes:g} operations a byte at most, whatever n is."
    )
    return Words(
        title=title,
        caption=caption,
        explanation=explanation,
        alt=f"Dot plot of bytes per second on a logarithmic axis. {title}. {chapter} {here}",
    )
