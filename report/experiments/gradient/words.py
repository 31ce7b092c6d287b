"""What is said about the figures of a `gradient` experiment, in its own numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.experiments.gradient.slopes import THEORY, exponent
from report.figures.figure import Words, in_words, interval
from report.text.numerals import digits, scientific, sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate
    from report.experiments.gradient.noise import Lessened, Noise

PLACES = {"start": "at the start", "halfway": "halfway", "optimum": "at the optimum"}
"""The points, as they stand in a sentence."""

DRAWN = {
    "replacement": "drawn with replacement",
    "permutation": "drawn without replacement",
}

MINUS = "\N{MINUS SIGN}"
ROOT = "1/\N{SQUARE ROOT}b"


def by_size(shown: Sequence[Noise]) -> Words:
    """Speak of noise against batch size; at least one series, all of one way of sampling."""
    points = {noise.point: noise for noise in shown}
    exponents = {
        point: found
        for point in points
        if (found := exponent([noise for noise in shown if noise.point == point])) is not None
    }
    title = _falls(shown)
    caption = (
        f"Standard deviation of the gradient of minibatches {DRAWN[shown[0].sampling]}: dots with "
        "95 % intervals as measured, lines as theory says. "
    )
    if exponents:
        powers = "; ".join(f"{point} {_power(found)}" for point, found in exponents.items())
        caption += f"Exponent of the batch size, {signed(THEORY, 1)} in theory: {powers}."
    else:
        stds = "; ".join(f"{point} {_std(noise)}" for point, noise in points.items())
        caption += sentence(f"{stds}.")
    explanation = (
        "The gradient of a batch is the mean of its examples\N{RIGHT SINGLE QUOTATION MARK} "
        f"gradients. The mean of b independent ones scatters {ROOT} times as much as one, so that "
        f"four times the arithmetic halves the noise. {_agreement(list(exponents.values()))}"
        f"{_lengths(list(points.values()))}"
    )
    alt = (
        "Dots on falling straight lines, standard deviation against batch size, both "
        f"logarithmic, a line for each point. {title}. {caption}"
    )
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def _falls(shown: Sequence[Noise]) -> str:
    found = exponent(shown)
    if found is None:
        one = shown[0]
        return (
            f"{sentence(PLACES[one.point])} the gradient of a batch of {one.batch_size:,} has a "
            f"standard deviation of {_std(one, ends=False)}"
        )
    if found.value >= 0 or (found.high is not None and found.high >= 0):
        return "How noise depends on the batch size does not show in this run"
    power = signed(found.value, 2)
    return f"The noise of the gradient falls with the batch size to the power {power}"


def _agreement(exponents: Sequence[Estimate]) -> str:
    told = [found for found in exponents if found.low is not None]
    if not told:
        return ""
    holding = sum(not found.excludes(THEORY) for found in told)
    half = f"the {MINUS}1/2 of theory"
    if len(told) == 1:
        return f"The interval {'holds' if holding else 'does not hold'} {half}. "
    if holding == len(told):
        return f"The intervals hold {half}. "
    return f"Intervals that hold {half}: {holding} of {len(told)}. "


def _lengths(noises: Sequence[Noise]) -> str:
    """Compare the noise at each point with the length of the gradient itself."""
    parts = []
    for noise in noises:
        even, place = noise.even_batch(), PLACES[noise.point]
        if even is None:
            parts.append(f"{place} it is zero, so that a batch shows nothing but noise")
            continue
        if even < 1:
            compared = "longer than the noise of a single example"
        else:
            size = f"{digits(even, 2)} examples" if round(even) > 1 else "one example"
            compared = f"as long as the noise of about {size}"
            if even > noise.examples:
                compared += ", more than there are"
        parts.append(f"{place} it is {digits(noise.gradient)}, {compared}")
    said = (
        "How much noise matters depends on the length of the gradient of all examples: "
        f"{'; '.join(parts)}."
    )
    if any(noise.even_batch() is not None for noise in noises):
        said += (
            " A batch much larger than that spends its arithmetic on a direction that a smaller "
            "one finds as well; a much smaller one steps mostly at random."
        )
    return said


def by_share(found: Sequence[Lessened], dtype: str) -> Words:
    """Speak of drawing without replacement; at least one batch size is known both ways."""
    parts = [one for one in found if one.ratio is not None]
    whole = [one for one in found if one.ratio is None]
    title = _lessens(parts)
    caption = (
        "Standard deviation without replacement over that with it, the geometric mean over the "
        "points: dots with 95 % intervals as measured, line as theory says."
    )
    n = found[0].examples
    told = parts[-3:]
    if told:
        ratios = "; ".join(
            f"b = {one.batch_size:,}: {_ratio(one)}, in theory {digits(one.expected())}"
            for one in told
        )
        caption += f" At {ratios}."
    explanation = (
        "A batch without replacement holds no example twice, and so leaves out less of the data. "
        "Theory multiplies its standard deviation by "
        f"\N{SQUARE ROOT}((n {MINUS} b)/(n {MINUS} 1)), the correction for a finite population, "
        f"here of n = {n:,}. It is 0.95 at a tenth of the "
        "examples: below that, both ways are alike within 5 %."
    )
    for one in whole:
        explanation += (
            f" A batch of all {n:,} leaves nothing out and has no noise. Measured there: "
            f"{scientific(one.rest) if one.rest else 0} of the noise with replacement, which is "
            f"rounding in {dtype}."
        )
    alt = f"Dots along a curve that falls from 1 to 0 at all examples. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def _lessens(parts: Sequence[Lessened]) -> str:
    if not parts or parts[-1].ratio is None:
        return "A batch of all examples without replacement has no noise"
    largest, ratio = parts[-1], parts[-1].ratio
    share = f"{largest.batch_size:,} of {largest.examples:,} examples"
    if ratio.low is not None and not ratio.excludes(1):
        return f"With {share} in a batch, putting them back or not makes no difference that shows"
    return (
        f"With {share} in a batch, drawing without replacement leaves {digits(ratio.value, 2)} of "
        "the noise"
    )


def _ratio(one: Lessened) -> str:
    if one.ratio is None:
        return "0"
    ends = interval(one.ratio)
    return f"{digits(one.ratio.value)} ({f'95 % interval {ends}' if ends else 'no interval'})"


def _std(noise: Noise, *, ends: bool = True) -> str:
    std = noise.std()
    if std is None:
        return "0"
    return in_words(std, 1, "").replace("  ", " ") if ends else digits(std.value)


def _power(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return f"{signed(found.value)} (one process, no interval)"
    low, high = signed(found.low), signed(found.high)
    return f"{signed(found.value)} (95 % interval {low} to {high})"


def signed(value: float, decimals: int = 3) -> str:
    """Write a number that may be negative, with a proper minus."""
    return f"{value:z.{decimals}f}".replace("-", MINUS)
