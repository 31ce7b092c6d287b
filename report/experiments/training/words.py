"""How training runs are spoken of: phrases that several questions share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.figures.figure import in_words
from report.text.numerals import count, digits, scaled, scientific

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate
    from report.experiments.training.curves import Line, Target

MILLI = 1e-3

SAME = 5e-5
"""Losses that differ by less look the same with the four decimals that are shown."""

CLOSE = 1e-3
"""Losses that differ by less are on the same path: rounding does not add up to more."""

HUGE = 1e5
"""Losses of diverged runs beyond this are written with a power of ten."""

MINUTE = 1e-6
"""Losses above the optimum below this too: few readers count seven zeros."""

BANDS = 3
"""The bands of more lines than this would cover each other."""

OVER_SEEDS = "losses are geometric means over seeds, beside them the lowest and the highest"

TOO_FEW = "too few samples for an interval"


def spread(lines: Sequence[Line]) -> str:
    """Say what is drawn of the seeds."""
    seeds = len(lines[0].run.seeds)
    if seeds == 1:
        return "A single seed."
    return f"Geometric mean over {count(seeds, 'seed')}; the band spans all of them."


def centres(lines: Sequence[Line]) -> str:
    """Say what is drawn where the seeds' bands are left out if they would cover each other."""
    if len(lines) <= BANDS or len(lines[0].run.seeds) == 1:
        return spread(lines)
    return f"Geometric mean over {count(len(lines[0].run.seeds), 'seed')}."


def at_the_end(lines: Sequence[Line]) -> str:
    """Say every run's last loss."""
    ends = "; ".join(f"{line.name}: {loss(line.loss[-1])}" for line in lines)
    return f"Losses at the end: {ends}."


def ends(ratio: Estimate) -> str:
    """Write the interval of a ratio, in words."""
    if ratio.low is None:
        return TOO_FEW
    return f"95 % interval {digits(ratio.low)} to {digits(ratio.high)}"


def factor(ratio: Estimate) -> str:
    """Write a ratio with its interval."""
    return f"{digits(ratio.value)} ({ends(ratio)})"


def milliseconds(time: Estimate) -> str:
    """Write a time with its interval."""
    return in_words(time, MILLI, "ms")


def short(time: Estimate) -> str:
    """Write a time without its interval."""
    return scaled(time.value, "s")


def fared(one: Target) -> str:
    """Say how a run fared towards a loss; what has not ended takes at least as long as it ran."""
    if one.time is not None:
        return f"after {milliseconds(one.time)}"
    bound = "" if one.at_least is None else f", so that it takes at least {short(one.at_least)}"
    return f"in {one.reached} of {count(one.seeds, 'seed')}{bound}"


def listing(names: Sequence[str]) -> str:
    """Write a list: "a", "a and b", "a, b and c"."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def level(others: int) -> str:
    """Say at the end of a title how many the first is not told from; empty if from none."""
    return f", not told from {count(others, 'other')}" if others else ""


def tiny(value: float) -> str:
    """Write how far a loss lies above the lowest one."""
    if value <= 0:
        return "less than rounding"
    return digits(value, 2) if MINUTE <= value < HUGE else scientific(value)


def tiny_ends(estimate: Estimate) -> str:
    """Write the ends of the interval of a loss above the lowest one; empty if there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{tiny(estimate.low)}\N{EN DASH}{tiny(estimate.high)}"


def small(estimate: Estimate) -> str:
    """Write a loss above the lowest one with its interval over seeds."""
    known = tiny_ends(estimate)
    return f"{tiny(estimate.value)} ({f'95 % interval {known}' if known else TOO_FEW})"


def loss(value: float) -> str:
    """Write a loss with the four decimals in which runs differ."""
    return f"{value:.4f}" if value < HUGE else scientific(value)


def turn(line: Line) -> str:
    """Say where a loss that must rise in the end begins to."""
    lowest_at = min(range(len(line.loss)), key=lambda k: line.loss[k])
    if lowest_at == len(line.loss) - 1:
        return ", which so few epochs do not show yet"
    if lowest_at == 0:
        return ", so that the loss rises from the start"
    return (
        f", so that the loss is lowest after epoch {line.epochs[lowest_at]:.0f} "
        f"({loss(line.loss[lowest_at])}) and rises from there"
    )
