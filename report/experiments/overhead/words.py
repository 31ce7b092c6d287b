"""Sentences about calls and updates, made of a run's numbers."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, TypeVar

from report.analysis import quantities
from report.experiments.overhead.model import times_per_doubling
from report.figures.figure import Words, in_words, shared_prefix
from report.text.numerals import digits, percent, scaled, sentence, times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.experiments.overhead.model import StepModel

    Updates = Mapping[int, Quantity]

Item = TypeVar("Item")

ROUGH = 0.25
"""From this relative deviation on, a line is said to describe the times badly."""


def outermost(by_size: Mapping[int, Item]) -> tuple[tuple[int, Item], tuple[int, Item]]:
    """Return the first and the last size with what belongs to them; they may be the same."""
    items = list(by_size.items())
    return items[0], items[-1]


def elements(size: float) -> str:
    """Say how many numbers a vector has."""
    return "one element" if size == 1 else f"{size:,.0f} elements"


def examples(size: int) -> str:
    """Say how many examples a batch has."""
    return "one example" if size == 1 else f"{size:,} examples"


def share(fraction: float) -> str:
    """Say a share in percent, with more digits near the whole."""
    if 0.9995 <= fraction < 1:
        return "more than 99.9 %"
    return f"{100 * fraction:.1f} %" if 0.99 <= fraction < 1 else percent(fraction)


def seconds(time: Estimate) -> str:
    """Write a time with its interval: "84.1 µs (95 % interval 83.0-85.2)"."""
    unit = scaled(time.value, "s").rpartition(" ")[2]
    return in_words(time, shared_prefix([time.value]), unit)


def doubled(adds: Mapping[int, Quantity]) -> float | None:
    """Return at how many elements a call takes twice as long as the shortest vector's.

    Read off the straight line, on logarithms, between the two sizes on either side.

    Args:
        adds: Additions by size, the smallest first.
    """
    values = [(size, q.time().value) for size, q in adds.items()]
    twice = 2 * values[0][1]
    for (size, below), (larger, above) in itertools.pairwise(values):
        if below < twice <= above:
            way = math.log(twice / below) / math.log(above / below)
            return float(size * (larger / size) ** way)
    return None


def dispatch(adds: Mapping[int, Quantity]) -> Words:
    """Say what a call costs, and from what size on its arithmetic counts."""
    (small, floor), (large, last) = outermost(adds)
    cost, twice = floor.time().value, doubled(adds)
    title = f"Adding {elements(small)} takes {scaled(cost, 's')}"
    if twice is not None:
        title += f", and about {digits(twice, 2)} elements take twice that"
    elif len(adds) > 1 and last.time().value < 2 * cost:
        title += f", and {elements(large)} less than twice that"
    caption = f"{elements(small)}: {seconds(floor.time())}"
    explanation = (
        "A call goes from Python through the framework to the code that adds, and back. "
        "For the shortest vectors that way is what is measured: "
        f"{scaled(cost, 's')} for {elements(small)}."
    )
    if len(adds) > 1:
        one = last.time().value / large
        millions = digits(1 / one / 1e6)
        caption += (
            f"; {elements(large)}: {seconds(last.time())}, {millions} million additions a second"
        )
        explanation += (
            f" At the rate of the longest vectors one addition takes {scaled(one, 's')}, so that "
            f"the call alone is worth {digits(cost / one)} additions."
        )
    alt = (
        "Curve of seconds per call against the number of elements, both axes logarithmic. "
        f"{title}. {sentence(caption)}."
    )
    return Words(title=title, caption=f"{sentence(caption)}.", explanation=explanation, alt=alt)


def update(
    lines: Mapping[str, Updates], model: StepModel | None, dispatch_cost: Quantity | None
) -> Words:
    """Say what an update costs, and what of it does not depend on its batch.

    Args:
        lines: Updates by batch size, for each variant.
        model: Fitted to the first variant.
        dispatch_cost: The shortest addition, if there is one.
    """
    variant, found = next(iter(lines.items()))
    (small, first), (large, last) = outermost(found)
    title = (
        f"An update takes {scaled(first.time().value, 's')} with {examples(small)}"
        if first is last
        else _longer(small, first, large, last)
    )
    parts = [
        f"{name}, {examples(size)}: {seconds(q.time())}"
        for name, one in lines.items()
        for size, q in dict(outermost(one)).items()
    ]
    caption = sentence("; ".join(parts)) + "."
    explanation = ""
    if model is not None:
        caption += f" {_line(variant, model)}"
    if dispatch_cost is not None:
        calls = first.time().value / dispatch_cost.time().value
        explanation += (
            "An update makes many calls: for the model, the loss, its gradient, and the step of "
            f"each parameter. With {examples(small)} it takes as long as {digits(calls)} of the "
            f"shortest additions, at {scaled(dispatch_cost.time().value, 's')} each. "
        )
    explanation += compiled(lines)
    alt = f"Curves of seconds per update against batch size. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation.strip(), alt=alt)


def _longer(small: int, first: Quantity, large: int, last: Quantity) -> str:
    ratio = quantities.ratio(last, first)
    if ratio.excludes(1):
        return (
            f"An update with {examples(large)} takes {times(ratio.value)} times as long as one "
            f"with {examples(small)}"
        )
    return (
        f"An update takes {scaled(first.time().value, 's')} with {examples(small)} and "
        f"{scaled(last.time().value, 's')} with {examples(large)}"
    )


def _line(variant: str, model: StepModel) -> str:
    off = f"the farthest of the {variant} times lies {percent(model.deviation)} off it"
    if model.deviation > ROUGH:
        return (
            f"The dotted line is the fixed part of a + c b, {scaled(model.fixed_s, 's')}; "
            f"such a line describes these times badly: {off}."
        )
    return (
        f"The dotted line is what does not depend on the batch, {scaled(model.fixed_s, 's')} by a "
        f"fit of a + c b with {scaled(model.per_example_s, 's')} for each example; {off}."
    )


def compiled(lines: Mapping[str, Updates]) -> str:
    """Say what compiling does to an update, at each batch size that has both; or nothing."""
    both = sorted(lines.get("eager", {}).keys() & lines.get("compiled", {}).keys())
    parts = []
    for size in both:
        ratio = quantities.ratio(lines["compiled"][size], lines["eager"][size])
        how = (
            f"{times(ratio.value)} times as long (95 % interval {times(ratio.low)} to "
            f"{times(ratio.high)})"
            if ratio.excludes(1) and ratio.low is not None and ratio.high is not None
            else "no measurably different time"
        )
        parts.append(f"with {examples(size)} {how}")
    if not parts:
        return ""
    return f"Compiled, an update takes {', '.join(parts)} as against eager."


def fixed_share(
    shares: Mapping[int, Estimate], model: StepModel, arithmetic: Mapping[int, float]
) -> Words:
    """Say what share of an update is not arithmetic.

    Args:
        shares: Of an update that do not grow with the batch, by batch size.
        model: The line that they come from.
        arithmetic: Shares that the operations would take at the machine's highest measured rate,
            by batch size; empty if no rate was measured.
    """
    (small, first), (large, last) = outermost(shares)
    title = (
        f"Of an update with {examples(small)}, {share(first.value)} is not arithmetic; with "
        f"{examples(large)}, {share(last.value)}"
    )
    caption = (
        "What grows with the batch counts as arithmetic, though it moves memory as well; the rest "
        f"does not depend on it. {sentence(examples(small))}: {_share_in_words(first)}; "
        f"{examples(large)}: {_share_in_words(last)}."
    )
    explanation = (
        f"An example adds {scaled(model.per_example_s, 's')} to an update that takes "
        f"{scaled(model.fixed_s, 's')} without any. "
    )
    if model.per_example_s > 0:
        equal = model.fixed_s / model.per_example_s
        far = ", if the line holds that far" if equal > large else ""
        explanation += f"At a batch of {digits(equal, 2)} both would take as long{far}. "
    if arithmetic:
        explanation += (
            "Counted more strictly, as the update's floating point operations at the highest "
            "float32 rate that this machine's matrix products reach, arithmetic takes "
            f"{small_share(arithmetic[small])} of an update with {examples(small)} and "
            f"{small_share(arithmetic[large])} with {examples(large)}. "
        )
    if model.deviation > ROUGH:
        explanation += (
            f"These shares are rough: a time lies {percent(model.deviation)} off the line."
        )
    alt = f"Curve of shares in percent against batch size. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation.strip(), alt=alt)


def small_share(fraction: float) -> str:
    """Say a share that may be very small."""
    return share(fraction) if fraction >= 1e-3 else f"{digits(100 * fraction, 2)} %"


def _share_in_words(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"{share(estimate.value)} (no interval)"
    ends = f"{100 * estimate.low:.2f}\N{EN DASH}{100 * estimate.high:.2f}"
    return f"{100 * estimate.value:.2f} % (95 % interval {ends})"


def throughput(lines: Mapping[str, Updates], model: StepModel | None) -> Words:
    """Say how many examples a second a larger batch brings, and what each doubling adds."""
    variant, found = next(iter(lines.items()))
    (small, first), (large, last) = outermost(found)
    steps = [
        (a, b, times_per_doubling(of_a, of_b))
        for (a, of_a), (b, of_b) in itertools.pairwise(found.items())
    ]
    title = _returns(steps, found)
    caption = (
        f"{sentence(variant)}, {examples(small)}: {_rate(first)}; {examples(large)}: "
        f"{_rate(last)}. A doubling of the batch multiplies the rate by "
        + "; ".join(f"{_factor(f)} from {a:,} to {b:,}" for a, b, f in _first_and_last(steps))
        + "; in proportion it would be 2."
    )
    explanation = (
        "Doubling the batch doubles the examples that share the fixed cost of an update. While "
        "that cost is most of the time, the rate nearly doubles; the more of the time the examples "
        "take themselves, the less is left to share."
    )
    if model is not None and model.per_example_s > 0 and model.deviation <= ROUGH:
        limit = 1 / model.per_example_s
        reached = large / last.time().value / limit
        explanation += (
            f" If the line that fits these times held for any batch, the rate could not exceed "
            f"{digits(limit)} examples/s; {examples(large)} at once reach {share(reached)} of "
            "that."
        )
    alt = f"Curves of examples per second against batch size, both axes logarithmic. {title}. "
    return Words(title=title, caption=caption, explanation=explanation, alt=alt + caption)


def _first_and_last(
    steps: Sequence[tuple[int, int, Estimate]],
) -> list[tuple[int, int, Estimate]]:
    return list(steps) if len(steps) < 2 else [steps[0], steps[-1]]


def _returns(steps: Sequence[tuple[int, int, Estimate]], found: Updates) -> str:
    first, last = steps[0][2], steps[-1][2]
    (small, of_small), (large, of_large) = outermost(found)
    shown = first.low is not None and last.high is not None and last.high < first.low
    if shown:
        return (
            f"Doubling the batch brings {_factor(first)} times the examples a second at "
            f"{small:,}, and {_factor(last)} times at {steps[-1][0]:,}"
        )
    rate = quantities.ratio(of_small, of_large).scaled(large / small)
    if rate.excludes(1):
        return (
            f"A batch of {large:,} handles {times(rate.value)} times the examples a second of a "
            f"batch of {small:,}"
        )
    return (
        f"A batch of {small:,} handles {_plain(of_small)} examples a second, one of {large:,} "
        f"{_plain(of_large)}"
    )


def _factor(estimate: Estimate) -> str:
    return digits(estimate.value)


def _rate(quantity: Quantity) -> str:
    return in_words(quantity.time().reciprocal(quantity.examples or 1), 1, "examples/s")


def _plain(quantity: Quantity) -> str:
    return digits((quantity.examples or 1) / quantity.time().value)
