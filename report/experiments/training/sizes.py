"""Which batch size, and with which learning rate? Figures of one machine."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from report.analysis.estimate import Estimate, product
from report.analysis.quantities import Quantity, highest
from report.experiments.training import curves, quantities
from report.experiments.training.heatmap import DIVERGED, HeatMap
from report.experiments.training.quantities import Case, size_of, update, updates
from report.experiments.training.runs import Lowest, lowest
from report.figures.figure import Columns, Figure, Number, number, table
from report.figures.shapes import YARDSTICK, Axis, Curves, Guide, Points, line
from report.text.numerals import MICRO, MILLI, digits, small

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.factors import Factor


@dataclass(frozen=True, kw_only=True)
class Return:
    """What a larger batch brings, as near to ten times the smaller as there is."""

    smaller: Quantity
    larger: Quantity

    def factors(self, weight: float = 1.0) -> list[Factor]:
        """Return what a tenfold batch gains, had each factor of size gained the same."""
        power = weight / math.log10(size_of(self.larger) / size_of(self.smaller))
        rate = "examples_per_s"
        return [self.larger.factor(rate, power), self.smaller.factor(rate, -power)]

    @property
    def factor(self) -> Estimate:
        """Return the examples per second that a tenfold batch gains."""
        factors = self.factors()
        return product(factors, f"tenfold: {factors[0].key} / {factors[1].key}")


def returns(found: Sequence[Quantity]) -> tuple[Return, Return]:
    """Return what a tenfold batch brings at the small and at the large end of ascending sizes."""
    first, *_, last = found
    above = [q for q in found if size_of(q) > size_of(first)]
    below = [q for q in found if size_of(q) < size_of(last)]
    next_ = min(above, key=lambda q: abs(math.log(size_of(q) / (10 * size_of(first)))))
    before = min(below, key=lambda q: abs(math.log(10 * size_of(q) / size_of(last))))
    return Return(smaller=first, larger=next_), Return(smaller=before, larger=last)


def rates(case: Case) -> Figure | None:
    """Draw examples per second against batch size."""
    found = sorted(case.seconds, key=size_of)
    if len(found) < 2:
        return None
    sizes, rates = [size_of(q) for q in found], [q.examples_per_s() for q in found]
    best = highest(found, "examples_per_s")
    small, large = returns(found)
    first, last = update(found[0]), update(found[-1])
    longer = product([found[-1].factor(), found[0].factor(weight=-1)])
    counts = updates(found[0]) / updates(found[-1])
    columns: Columns = {
        "milliseconds per epoch": [number(q.time(), MILLI) for q in found],
        "examples per second": [number(q.examples_per_s(), best=q is best.quantity) for q in found],
        "microseconds an update": [number(update(q), MICRO) for q in found],
    }
    return curves.answer(
        case,
        "batch_size",
        Curves(
            x=curves.BATCH_SIZE,
            y=Axis(label="examples per second"),
            lines=(line("examples per second", 0, sizes, rates),),
            marks=(_in_proportion(sizes, rates),),
        ),
        table("batch size", [f"{each:,}" for each in sizes], columns),
        sheet=curves.seconds_sheet(found),
        small=small,
        large=large,
        best=best,
        sizes=(sizes[0], sizes[-1]),
        updates=(first, last),
        longer=longer.scaled(counts, f"{last.key} / {first.key}"),
        more=sizes[-1] / sizes[0],
        diminish=product([*small.factors(), *large.factors(-1)], f"diminish: {case.name}"),
    )


def _in_proportion(sizes: Sequence[int], rates: Sequence[Estimate]) -> Guide:
    """Draw what it would be if an update cost the same whatever it holds."""
    top = max(rate.high or rate.value for rate in rates)
    most = min(sizes[-1], sizes[0] * top / rates[0].value)
    middle = math.sqrt(sizes[0] * most)
    return Guide(
        x=(sizes[0], most),
        y=(rates[0].value, rates[0].value * most / sizes[0]),
        label="in proportion",
        at=(middle, rates[0].value * middle / sizes[0]),
        offset=(-6, 4),
        ha="right",
    )


def target(case: Case) -> Figure | None:
    """Draw the time to the target against batch size, where there is a target."""
    case = replace(case, runs=sorted(case.runs, key=lambda run: run.spec.batch_size))
    if case.target is None:
        return None
    reached = [one for one in case.fared if one.time is not None]
    shown = {one.run for one in reached[:1] + reached[-1:]}
    shown |= {case.soonest.run} if case.soonest else set()
    columns: Columns = {
        "learning rate": [f"{run.spec.lr:g}" for run in case.runs],
        **curves.way_to(case),
        "examples per second": [
            number(run.seconds.examples_per_s() if run.seconds else None) for run in case.runs
        ],
    }
    return curves.answer(
        case,
        "target",
        _target_shape(case, case.target),
        table("batch size", [f"{run.spec.batch_size:,}" for run in case.runs], columns),
        sheet=curves.way_sheet(case.runs, case.target),
        reached=reached,
        short=[one for one in case.fared if one.time is None],
        parts=[
            (one, quantities.per_example(one.run.seconds))
            for one in reached
            if one.run in shown and one.examples and one.run.seconds
        ],
    )


def _target_shape(case: Case, target: float) -> Curves:
    reached = [(one.run.spec.batch_size, one.time) for one in case.fared if one.time]
    bounds = [(one.run.spec.batch_size, one.at_least) for one in case.fared if one.at_least]
    marks = []
    if bounds:
        x, y = tuple(at for at, _ in bounds), tuple(least.value for _, least in bounds)
        marks.append(Points(name=curves.NOT_ALL, index=1, x=x, y=y, marker="^", hollow=True))
    if reached:
        at, least = min(reached, key=lambda pair: pair[1].value)
        label = f"{at:,}: {digits(least.value / MILLI)} ms"
        x, y = (at,), (least.value,)
        ring = Points(
            name="", index=YARDSTICK, x=x, y=y, marker="o", hollow=True, size=10, label=label
        )
        marks.append(ring)
    sizes = [run.spec.batch_size for run in case.runs]
    return Curves(
        x=replace(curves.BATCH_SIZE, low=0.8 * sizes[0], high=1.25 * sizes[-1]),
        y=replace(curves.to_target(target), room=1.3),
        lines=(line("all seeds get there", 0, [x for x, _ in reached], [y for _, y in reached]),),
        marks=tuple(marks),
        names="above" if bounds else "none",
    )


# --- batch sizes and learning rates


def grid(case: Case) -> Figure:
    """Draw where each pair ends as a heat map."""
    ends = {(run.spec.batch_size, run.spec.lr): end for run, end in case.ends.items()}
    sizes, rates = sorted({size for size, _ in ends}), sorted({rate for _, rate in ends})
    rows = {size: [ends[size, rate] for rate in rates] for size in sizes}
    best = {
        size: lowest((run for run in case.runs if run.spec.batch_size == size), case.end)
        for size in sizes
    }
    firsts = {size: each for size in sizes if (each := best[size])}
    shape = HeatMap(
        sizes=tuple(sizes),
        rates=tuple(rates),
        heights=tuple(tuple(end.value if end else None for end in row) for row in rows.values()),
        what=case.height,
        limit=limit(case),
    )
    seconds = {size_of(q): q for q in quantities.by_batch_size(case.seconds)}
    columns = {"milliseconds per epoch": curves.milliseconds([seconds.get(size) for size in sizes])}
    for k, rate in enumerate(rates):
        columns[f"lr {rate:g}"] = [_cell(row[k], best[size], rate) for size, row in rows.items()]
    caption = (
        f"Geometric means over seeds of the {case.height} at the end, by learning rate; seconds "
        "with their 95 % intervals over all rates"
    )
    return curves.answer(
        case,
        "grid",
        shape,
        table("batch size", [f"{size:,}" for size in sizes], columns, caption),
        sheet=curves.ends_sheet(case, case.runs),
        lost=sum(end is None for end in ends.values()),
        lowest={size: each.run.spec.lr for size, each in firsts.items()},
        growing=_growing([*firsts.values()]),
        breaks={size: rates[row.index(None)] for size, row in rows.items() if None in row},
        order=sorted(seconds.values(), key=lambda q: q.time().value),
    )


def _growing(firsts: Sequence[Lowest]) -> bool:
    """Return whether the best rates of the smallest batch, with ties, are below the largest's."""
    rates = [one.run.spec.lr for one in firsts]
    if len(firsts) < 2 or rates != sorted(rates):
        return False
    small, large = (
        {run.spec.lr for run in (one.run, *one.ties)} for one in (firsts[0], firsts[-1])
    )
    return max(small) < min(large)


def _cell(height: Estimate | None, best: Lowest | None, rate: float) -> Number:
    """Write a height without its interval, for which so many columns have no room."""
    if height is None:
        return Number(text=DIVERGED)
    first = best is not None and best.run.spec.lr == rate
    return Number(text=small(height.value), best=first, estimate=height)


def limit(case: Case) -> float | None:
    """Return the largest stable rate of full batches, if it is known for all of these runs."""
    factors = {run.step / run.spec.lr for run in case.runs}
    if case.solved is None or len(factors) > 1 or not all(run.plain for run in case.runs):
        return None
    return case.solved.stability_limit() / factors.pop()
