"""Which examples does an update see, and how many? Figures of sampling, copies, batch sizes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from report.analysis.estimate import product
from report.analysis.quantities import highest
from report.experiments.training.curves import (
    BATCH_SIZE,
    EPOCHS,
    LOG_EPOCHS,
    NOT_ALL,
    Columns,
    answer,
    curve,
    curve_sheet,
    curves,
    curves_of,
    ends,
    excess,
    seconds_sheet,
    table,
    to_target,
    way_sheet,
    way_to,
)
from report.experiments.training.quantities import (
    per_example,
    ratio,
    soonest,
    towards,
    typical,
    update,
    updates,
)
from report.experiments.training.runs import apart
from report.figures.figure import number
from report.figures.shapes import YARDSTICK, Axis, Curves, Guide, Points, line
from report.text.numerals import digits
from report.text.units import MICRO, MILLI

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.analysis.estimate import Estimate, Factor
    from report.analysis.quantities import Quantity
    from report.experiments.training.quantities import Case, Reached
    from report.experiments.training.runs import Run
    from report.figures.figure import Figure

    Pair = tuple[Run, Run]

COPIED: dict[str, Any] = {"dash": (0, (3, 2)), "hollow": True}
"""How runs on copied data look: dashed and hollow, so that both of a pair are seen."""

SAME = 0.01
"""Ratios nearer to 1 than this are rounding's: full batches take the same steps, up to that."""


# --- each once, or drawn with replacement


def sampling(case: Case) -> list[Figure]:
    """Draw examples with replacement beside each once."""
    pairs = [
        (a, b)
        for a in case.runs
        for b in case.runs
        if (a.labels["sampling"], b.labels["sampling"]) == ("permutation", "replacement")
        and a.settings("run", "sampling") == b.settings("run", "sampling")
    ]
    at = [(pair, k) for pair in pairs for k in range(1, min(r.epochs for r in pair) + 1)]
    columns = {
        f"{case.height}, each once": [excess(typical(case.excess(p[0], k))) for p, k in at],
        "with replacement": [excess(typical(case.excess(p[1], k))) for p, k in at],
        "ratio by seed": [number(after(case, pair, k)) for pair, k in at],
    }
    rows = [f"{k}" if len(pairs) == 1 else f"{pair[1].name}, {k}" for pair, k in at]
    figure = answer(
        case,
        "sampling",
        curves_of(case, EPOCHS),
        table("after epoch", rows, columns) if pairs else ends(case),
        pairs=[(pair, one) for pair in pairs if (one := after(case, pair))],
        missed=(1 - 1 / case.examples) ** case.examples,
    )
    return [figure]


def after(case: Case, pair: Pair, epoch: int | None = None) -> Estimate | None:
    """Return the second's height over the first's, after as many epochs, paired by seed."""
    epoch = epoch or min(run.epochs for run in pair)
    return ratio(case.excess(pair[1], epoch), case.excess(pair[0], epoch))


# --- every example once, or several times


def copies(case: Case) -> list[Figure]:
    """Draw the same runs on the data and on its copies."""
    pairs = pairs_of_copies(case)
    runs = [run for pair in pairs for run in pair] or case.runs
    kinds = list(dict.fromkeys(_but_copies(case, run) for run in runs))
    lines = [
        curve(
            case,
            run,
            kinds.index(_but_copies(case, run)),
            LOG_EPOCHS,
            band=False,
            **(COPIED if run.copies > 1 else {"dash": "-"}),
        )
        for run in runs
    ]
    by_epoch = {pair[0]: after(case, pair) for pair in pairs}
    by_update = {pair[0]: per_update(case, pair) for pair in pairs}
    seconds = {once: ratio(more.seconds, once.seconds) for once, more in pairs}
    heights = {run: excess(end) for run, end in case.ends()}
    columns: Columns = {
        f"{case.height} at the end, once": [heights[once] for once, _ in pairs],
        "with copies": [heights[more] for _, more in pairs],
        "ratio after as many epochs": [number(one) for one in by_epoch.values()],
        "after as many updates": [number(one) for one in by_update.values()],
        "seconds per epoch, ratio": [number(one) for one in seconds.values()],
    }
    figure = answer(
        case,
        "copies",
        curves(case, lines, LOG_EPOCHS),
        table("run", [once.name for once, _ in pairs], columns) if pairs else ends(case),
        sheet=curve_sheet(case, runs),
        pairs=pairs,
        by_epoch={run: one for run, one in by_epoch.items() if one},
        by_update={run: one for run, one in by_update.items() if one},
        seconds=seconds,
        gaps={once: apart(once, more) for once, more in pairs},
        differ=differ,
    )
    return [figure]


def pairs_of_copies(case: Case) -> list[Pair]:
    """Return the runs that differ in how often the data are there, each with the other."""
    return [
        (once, more)
        for once in case.runs
        for more in case.runs
        if once.copies == 1 < more.copies and _but_copies(case, once) == _but_copies(case, more)
    ]


def _but_copies(case: Case, run: Run) -> object:
    """Return what runs share that differ in copies alone; full batches grow with the data."""
    size = 0 if run.full_batch(case.examples) else run.batch_size
    return size, run.settings("run", "copies", "batch_size", "epochs")


def differ(ratios: Mapping[Run, Estimate]) -> tuple[list[Run], list[Run]]:
    """Return runs whose ratio shows a difference, and not one of rounding; and the others."""
    found = [run for run, one in ratios.items() if one.excludes(1) and abs(one.value - 1) > SAME]
    return found, [run for run in ratios if run not in found]


def per_update(case: Case, pair: Pair) -> Estimate | None:
    """Return the height on copies over that on the data, after the most updates of both."""
    once, more = (case.updates(run) for run in pair)
    common = set(once[1:]) & set(more[1:])
    if not common:
        return None
    last = max(common)
    at_once, at_more = once.index(last), more.index(last)
    return ratio(pair[1].at(at_more, case.base), pair[0].at(at_once, case.base))


# --- few at a time, or many


@dataclass(frozen=True, kw_only=True)
class Return:
    """What a larger batch brings at one end of the sizes.

    Attributes:
        smaller: The smaller batch.
        larger: The larger, as near to ten times it as there is.
    """

    smaller: Quantity
    larger: Quantity

    def factors(self, weight: float = 1.0) -> list[Factor]:
        """Return what a tenfold batch gains, had each factor of size gained the same."""
        power = weight / math.log10(_size(self.larger) / _size(self.smaller))
        rate = "examples_per_s"
        return [self.larger.factor(rate, power), self.smaller.factor(rate, -power)]

    @property
    def factor(self) -> Estimate:
        """Return the examples per second that a tenfold batch gains."""
        factors = self.factors()
        return product(factors, f"tenfold: {factors[0].key} / {factors[1].key}")


def batch_sizes(case: Case) -> list[Figure]:
    """Draw examples per second, and the way to the target where there is one."""
    case = replace(case, runs=sorted(case.runs, key=lambda run: run.batch_size))
    drawn = [_rates(case)] if len(case.seconds) > 1 else []
    return drawn if case.target is None else [*drawn, _target(case, case.target)]


def _size(quantity: Quantity) -> int:
    return int(str(quantity.labels["batch_size"]))


def returns(found: Sequence[Quantity]) -> tuple[Return, Return]:
    """Return what a tenfold batch brings at the small and at the large end of some sizes.

    Args:
        found: Seconds per epoch of at least two batch sizes, ascending.
    """
    first, *_, last = found
    above = [q for q in found if _size(q) > _size(first)]
    below = [q for q in found if _size(q) < _size(last)]
    next_ = min(above, key=lambda q: abs(math.log(_size(q) / (10 * _size(first)))))
    before = min(below, key=lambda q: abs(math.log(10 * _size(q) / _size(last))))
    return Return(smaller=first, larger=next_), Return(smaller=before, larger=last)


def _rates(case: Case) -> Figure:
    found = case.seconds
    sizes, rates = [_size(q) for q in found], [q.examples_per_s() for q in found]
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
    return answer(
        case,
        "batch_size",
        Curves(
            x=BATCH_SIZE,
            y=Axis(label="examples per second"),
            lines=(line("examples per second", 0, sizes, rates),),
            marks=(_in_proportion(sizes, rates),),
        ),
        table("batch size", [f"{each:,}" for each in sizes], columns),
        sheet=seconds_sheet(found),
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


def _target(case: Case, target: float) -> Figure:
    fared = [towards(run, target) for run in case.runs]
    reached = [one for one in fared if one.time is not None]
    first = soonest(case.runs, target)
    shown = {run for one in reached[:1] + reached[-1:] for run in [one.run]}
    shown |= {first.run} if first else set()
    columns: Columns = {
        "learning rate": [f"{run.lr:g}" for run in case.runs],
        **way_to(case),
        "examples per second": [
            number(run.seconds.examples_per_s() if run.seconds else None) for run in case.runs
        ],
    }
    return answer(
        case,
        "target",
        _target_shape(case, fared, target),
        table("batch size", [f"{run.batch_size:,}" for run in case.runs], columns),
        sheet=way_sheet(case.runs, target),
        first=first,
        reached=reached,
        short=[one for one in fared if one.time is None],
        parts=[
            (one, per_example(one.run.seconds))
            for one in reached
            if one.run in shown and one.examples and one.run.seconds
        ],
    )


def _target_shape(case: Case, fared: Sequence[Reached], target: float) -> Curves:
    reached = [(one.run.batch_size, one.time) for one in fared if one.time is not None]
    bounds = [(o.run.batch_size, o.at_least.value) for o in fared if o.at_least is not None]
    marks = []
    if bounds:
        x, y = zip(*bounds, strict=True)
        marks.append(Points(name=NOT_ALL, index=1, x=x, y=y, marker="^", hollow=True))
    if reached:
        at, least = min(reached, key=lambda pair: pair[1].value)
        ring = Points(
            name="",
            index=YARDSTICK,
            x=(at,),
            y=(least.value,),
            marker="o",
            hollow=True,
            size=10,
            label=f"{at:,}: {digits(least.value / MILLI)} ms",
        )
        marks.append(ring)
    sizes = [run.batch_size for run in case.runs]
    return Curves(
        x=replace(BATCH_SIZE, low=0.8 * sizes[0], high=1.25 * sizes[-1]),
        y=replace(to_target(target), room=1.3),
        lines=(line("all seeds get there", 0, [x for x, _ in reached], [y for _, y in reached]),),
        marks=tuple(marks),
        names="above" if bounds else "none",
    )
