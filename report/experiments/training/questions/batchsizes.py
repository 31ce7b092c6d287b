"""What does a larger batch bring? Examples per second, and the way to a loss, by batch size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.training import axes as shared
from report.experiments.training import curves, labels, tables, words
from report.figures import plotting, ticks
from report.figures.figure import (
    Figure,
    Number,
    Sheet,
    Table,
    Words,
    absent,
    cells,
    columns,
    number,
)
from report.figures.svg import INK, MUTED
from report.text.numerals import digits, scaled, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.experiments.training.case import Case
    from report.experiments.training.curves import Line, Target

MILLI = 1e-3


@dataclass(frozen=True, kw_only=True)
class Return:
    """What a larger batch brings at one end of the sizes.

    Attributes:
        smaller: The smaller batch.
        larger: The larger, as near to ten times it as there is.
        factor: Examples per second of the larger over those of the smaller, for a tenfold batch.
    """

    smaller: Quantity
    larger: Quantity
    factor: Estimate


def figures(case: Case) -> list[Figure]:
    """Draw examples per second, and the way to the target where there is one."""
    drawn = [_rates(case)] if len(case.epochs) > 1 else []
    target = curves.target(case.result)
    return drawn if target is None else [*drawn, _target(case, target)]


def size(quantity: Quantity) -> int:
    """Return the examples of one update."""
    return labels.whole(quantity.labels, "batch_size")


def rate(quantity: Quantity) -> Estimate:
    """Return the examples per second."""
    return quantity.examples_per_s()


def returns(found: Sequence[Quantity]) -> tuple[Return, Return]:
    """Return what a tenfold batch brings at the small and at the large end of some sizes.

    Args:
        found: Seconds per epoch of at least two batch sizes, ascending.
    """
    first, *_, last = found
    above = [q for q in found if size(q) > size(first)]
    below = [q for q in found if size(q) < size(last)]
    after = min(above, key=lambda q: _factor(size(q), 10 * size(first)))
    before = min(below, key=lambda q: _factor(10 * size(q), size(last)))
    return _return(first, after), _return(before, last)


def _factor(one: int, other: int) -> float:
    """Return by what factor two sizes differ."""
    return max(one / other, other / one)


def _return(smaller: Quantity, larger: Quantity) -> Return:
    """Return what a tenfold batch would have gained, had each factor of size gained the same."""
    gained = quantities.ratio(larger, smaller, "examples_per_s")
    exponent = 1 / math.log10(size(larger) / size(smaller))
    return Return(smaller=smaller, larger=larger, factor=gained.power(exponent))


def _rates(case: Case) -> Figure:
    found = sorted(case.epochs, key=size)
    sizes, rates = [size(q) for q in found], [rate(q) for q in found]
    said = _rate_words(found)

    def draw(axes: Axes, *, narrow: bool) -> None:
        ticks.log_axis(axes.xaxis)
        ticks.log_axis(axes.yaxis)
        plotting.line(axes, sizes, rates, 0, label="examples per second")
        low, high = axes.get_ylim()
        axes.set_ylim(low, high)
        # What it would be if an update cost the same whatever it holds.
        most = min(sizes[-1], sizes[0] * high / rates[0].value)
        ends = [sizes[0], most], [rates[0].value, rates[0].value * most / sizes[0]]
        axes.plot(*ends, color=MUTED, linewidth=1, linestyle=(0, (2, 2)))
        middle = math.sqrt(sizes[0] * most)
        axes.annotate(
            "in proportion",
            (middle, rates[0].value * middle / sizes[0]),
            xytext=(-6, 4),
            textcoords="offset points",
            ha="right",
            color=MUTED,
            fontsize=11.5,
        )
        axes.set_xlabel("batch size" if narrow else "batch size (logarithmic)")
        axes.set_ylabel("examples per second")

    name = f"{case.name}-batch_size"
    return Figure(
        name=name,
        question="batch_size",
        words=said,
        drawing=plotting.drawing(name, said.alt, draw),
        table=_rate_table(found),
        sheet=_rate_sheet(found),
        code=["sliced", "loaded", *tables.functions(case.lines)],
    )


def _rate_words(found: Sequence[Quantity]) -> Words:
    small, large = returns(found)
    title = _gains(small, large)
    best = max(found, key=lambda q: rate(q).value)
    caption = (
        f"Examples per second for a tenfold batch, between {_between(small)}; "
        f"between {_between(large)}. Highest: {digits(rate(best).value)} in batches of "
        f"{size(best):,}."
    )
    first, last = found[0], found[-1]
    longer = times(_update(last) / _update(first))
    explanation = (
        f"An update of {size(first):,} takes {scaled(_update(first), 's')}, one of "
        f"{size(last):,} takes {scaled(_update(last), 's')}: {longer} times as long for "
        f"{times(size(last) / size(first))} times the examples. "
    )
    if _below(large.factor, small.factor):
        explanation += (
            "The returns diminish: part of an update's time is the same whatever it holds, and "
            "the more examples share it, the less there is left to save."
        )
    elif _below(small.factor, large.factor):
        explanation += "Within these sizes the returns do not diminish here."
    else:
        explanation += "Whether the returns diminish, the two intervals do not tell."
    alt = f"Curve of examples per second against batch size, both logarithmic. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def _gains(small: Return, large: Return) -> str:
    """Say what a tenfold batch brings at either end, if the intervals show that it does."""
    gained = "Ten times the batch gives {} times the examples per second at the {} end"
    more = [one.factor.excludes(1) for one in (small, large)]
    first, last = times(small.factor.value), times(large.factor.value)
    if all(more):
        return f"{gained.format(first, 'small')}, {last} times at the large end"
    if more[0]:
        return f"{gained.format(first, 'small')}; at the large end no change is shown"
    if more[1]:
        return f"{gained.format(last, 'large')}; at the small end no change is shown"
    ends = f"{size(small.smaller):,} to {size(large.larger):,}"
    return f"At either end of {ends} ten times the batch shows no change in examples per second"


def _between(one: Return) -> str:
    return f"{size(one.smaller):,} and {size(one.larger):,}: factor {words.factor(one.factor)}"


def _below(one: Estimate, other: Estimate) -> bool:
    return one.high is not None and other.low is not None and one.high < other.low


def _update(quantity: Quantity) -> float:
    """Return the seconds of an update, on average over an epoch."""
    return quantity.time().value / math.ceil((quantity.examples or 1) / size(quantity))


def _rate_table(found: Sequence[Quantity]) -> Table:
    best = max(rate(q).value for q in found)
    rows: list[list[str | Number]] = [
        [
            f"{size(q):,}",
            number(q.time(), MILLI),
            number(rate(q), best=rate(q).value == best),
            Number(text=scaled(_update(q), "s")),
        ]
        for q in found
    ]
    header = ["batch size", "milliseconds per epoch", "examples per second", "time of an update"]
    return Table(header=header, rows=rows)


def _rate_sheet(found: Sequence[Quantity]) -> Sheet:
    rates = [name for name in columns("examples_per_s") if name.startswith("examples_per_s")]
    rows = [
        [*tables.settings(q.labels), q.examples, *cells(rate(q))[: len(rates)], *cells(q.time())]
        for q in found
    ]
    return Sheet(header=[*tables.NAMES, "examples", *rates, *columns("epoch_s")], rows=rows)


def _target(case: Case, target: float) -> Figure:
    lines = sorted(case.lines, key=lambda line: line.batch_size)
    fared = [(line, curves.towards(line.run, target)) for line in lines]
    said = _target_words(case, fared, target)
    reached = [(line.batch_size, one.time) for line, one in fared if one.time is not None]
    open_ = [(line.batch_size, one.at_least.value / MILLI) for line, one in fared if one.at_least]

    def draw(axes: Axes, *, narrow: bool) -> None:
        ticks.log_axis(axes.xaxis)
        ticks.log_axis(axes.yaxis)
        sizes = [batch_size for batch_size, _ in reached]
        spent = [time.scaled(1 / MILLI) for _, time in reached]
        if reached:
            plotting.line(axes, sizes, spent, 0, label="all seeds came there")
            _mark_least(axes, sizes, [one.value for one in spent])
        shared.bounds(axes, *_columns(open_), marker="^", index=1)
        if open_:
            plotting.legend_above(axes, narrow=narrow)
        axes.set_xlim(0.8 * lines[0].batch_size, 1.25 * lines[-1].batch_size)
        axes.set_xlabel("batch size" if narrow else "batch size (logarithmic)")
        axes.set_ylabel(f"milliseconds to a loss of {target:g}")

    name = f"{case.name}-target"
    return Figure(
        name=name,
        question="target",
        words=said,
        drawing=plotting.drawing(name, said.alt, draw),
        table=_target_table(case, fared, target),
        sheet=tables.target_sheet(lines, target),
        code=tables.functions(lines),
    )


def _columns(pairs: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in pairs], [y for _, y in pairs]


def _mark_least(axes: Axes, sizes: Sequence[int], spent: Sequence[float]) -> None:
    least = min(range(len(spent)), key=lambda k: spent[k])
    axes.plot(
        [sizes[least]],
        [spent[least]],
        marker="o",
        markersize=13,
        markerfacecolor="none",
        markeredgecolor=INK,
        markeredgewidth=1,
        linestyle="none",
    )
    axes.annotate(
        f"{sizes[least]:,}: {digits(spent[least])} ms",
        (sizes[least], spent[least]),
        xytext=(0, -11),
        textcoords="offset points",
        ha="center",
        va="top",
        color=INK,
    )
    axes.margins(y=0.16)


def _target_words(case: Case, fared: Sequence[tuple[Line, Target]], target: float) -> Words:
    found = curves.soonest([line for line, _ in fared], target)
    said = []
    explanation = ""
    title = f"No batch size comes to a loss of {target:g} with all its seeds"
    if found is not None:
        size_of, time = f"{found.line.batch_size:,}", found.time
        title = (
            f"Of {len(fared)} batch sizes, {size_of} is first at a loss of {target:g}, after "
            f"{words.short(time)}{words.level(len(found.level))}"
        )
        said.append(f"In batches of {size_of}: {words.milliseconds(time)}.")
        level = words.listing([f"{line.batch_size:,}" for line in found.level])
        if level:
            said.append(f"The intervals do not tell it from {level}.")
        elif sum(one.time is not None for _, one in fared) > 1:
            said.append("The intervals tell it from all others that come there.")
        explanation = _why(case, fared, found.line)
    short_of = [(line, one) for line, one in fared if one.time is None]
    if short_of:
        parts = "; ".join(f"{line.batch_size:,} {words.fared(one)}" for line, one in short_of)
        said.append(f"Not with all seeds, and drawn open: {parts}.")
    caption = " ".join(said)
    alt = f"Curve of time to a loss against batch size, both logarithmic. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def _why(case: Case, fared: Sequence[tuple[Line, Target]], best: Line) -> str:
    """Take the time apart: examples needed, and the time of each."""
    parts = []
    reached = [line for line, one in fared if one.time is not None]
    shown = list(dict.fromkeys(line.name for line in (reached[0], best, reached[-1])))
    for line, one in fared:
        epoch = case.seconds(line)
        if line.name in shown and one.examples is not None and epoch is not None:
            each = scaled(1 / rate(epoch).value, "s")
            parts.append(
                f"in batches of {line.batch_size:,}, {one.examples.value:,.0f} examples of {each}"
            )
    if not parts:
        return ""
    return (
        "Time to a loss is the examples that are needed, times the time of one: "
        f"{'; '.join(parts)}. Each batch size has the learning rate that the configuration gives "
        "it; with another rate it may need more examples or fewer."
    )


def _target_table(case: Case, fared: Sequence[tuple[Line, Target]], target: float) -> Table:
    spent = [one.time.value for _, one in fared if one.time is not None]
    rows: list[list[str | Number]] = []
    for line, one in fared:
        epoch = case.seconds(line)
        best = one.time is not None and one.time.value == min(spent)
        rows.append(
            [
                f"{line.batch_size:,}",
                Number(text=f"{line.run.labels['lr']:g}"),
                Number(text=f"{one.reached} of {one.seeds}"),
                tables.until(one, best=best),
                absent() if one.examples is None else number(one.examples),
                absent() if epoch is None else number(rate(epoch)),
            ]
        )
    header = ["batch size", "learning rate", f"seeds that reach {target:g}"]
    header += ["milliseconds until then", "examples until then", "examples per second"]
    return Table(header=header, rows=rows)
