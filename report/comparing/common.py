"""The common factor: what all rows of a comparison share, and rows beside it. Pure.

A run slows or speeds up most of what it times by one factor (`analysis.between`), and so does a
difference of the clock. The factor is the median over groups of quantities of the median of each
group's rows, so that a row that really differs does not move it. Beside it, a row has no part of
the variance that all times of a run share, and tells of a smaller difference.

The error of the factor: processes of a run are shared by all rows, so that what they add is not
divided by the number of rows; what each row has to itself is. Where groups differ by more, their
scatter counts, since there is no one factor then.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from report.analysis import between, quantities
from report.analysis.estimate import Estimate, stable
from report.comparing.verdict import LEVEL, detectable
from report.worker.timing import median

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from report.analysis.quantities import Quantity

LEAST_GROUPS = 2
LEAST_ROWS = 6  # with fewer, nobody can say what all share

PROCESSES = 0.04
"""How far processes differ, of logarithms: `benchmarks/calibration.py` takes it from results."""

MEDIANS = math.pi / 2  # the variance of a median over that of a mean, of many normal values


@dataclass(frozen=True, kw_only=True)
class Shared:
    """The common factor of some rows."""

    estimate: Estimate  # time of the first divided by time of the second
    error: float  # of its logarithm, but for what all times of a run share

    def beside(self, ratio: Estimate, first: Quantity, second: Quantity) -> Estimate:
        """Return a row's ratio divided by it, with a 99 % interval."""
        own = max(0.0, ratio.error**2 - _between(first, second)[0])
        return dataclasses.replace(
            ratio,
            value=stable(ratio.value / self.estimate.value),
            error=stable(math.sqrt(own + self.error**2)),
            key=f"{ratio.key} beside the common factor",
        ).at(LEVEL)


def shared(rows: Iterable[tuple[Estimate, Quantity, Quantity]]) -> Shared | None:
    """Return what rows share, each a ratio of two quantities; None where there are too few."""
    groups: dict[str, list[_Row]] = {}
    for ratio, first, second in rows:
        row = _Row(ratio, *_between(first, second))
        groups.setdefault(str(first.factor().group), []).append(row)
    every = [row for group in groups.values() for row in group]
    if len(groups) < LEAST_GROUPS or len(every) < LEAST_ROWS:
        return None
    centres = [median([math.log(row.ratio.value) for row in group]) for group in groups.values()]
    middle, number = median(centres), len(groups)
    alone = [fmean([r.own for r in g]) * MEDIANS / len(g) for g in groups.values()]
    apart = MEDIANS * fmean(alone)
    # By a median, since some rows have hardly any samples.
    within = median([max(0.0, r.ratio.error**2 - r.common - r.own) for r in every])
    scatter = MEDIANS * fmean([(one - middle) ** 2 for one in centres]) / (number - 1)
    total = within + apart / number + fmean([row.common for row in every])
    estimate = Estimate(
        value=stable(math.exp(middle)),
        low=None,
        high=None,
        replicates=min(row.ratio.replicates for row in every),
        samples=sum(row.ratio.samples for row in every),
        basis="replicates",
        key=f"common factor of {every[0].ratio.key}",
        error=stable(math.sqrt(max(total, scatter))),
        freedom=median([r.ratio.freedom for r in every]) if total > scatter else number - 1.0,
        runs=min(row.ratio.runs for row in every),
    ).at(LEVEL)
    return Shared(estimate=estimate, error=math.sqrt((within + apart) / number))


class _Row(NamedTuple):
    """A ratio, and the variance of its logarithm between runs: what all share, and its own."""

    ratio: Estimate
    common: float
    own: float


def judged_ratio(first: Quantity, second: Quantity, metric: str | None = None) -> Estimate:
    """Estimate a ratio of two results with the 99 % interval by which comparisons are judged.

    Where a side of different runs has too few processes to tell how much these differ, they differ
    by `PROCESSES` at least: four that happen to agree would else promise too much.
    """
    told, lacking = quantities.ratio(first, second, metric), 0.0
    if first.run != second.run and told.basis == "replicates":
        for side in (first, second):
            number = sum(map(bool, side.groups))
            if number < between.ENOUGH:
                within = side.estimate().error ** 2 - sum(_between(side))
                lacking += max(0.0, PROCESSES**2 / number - within)
    error = stable(math.sqrt(told.error**2 + lacking))
    wider = dataclasses.replace(told, error=error, key="").at(LEVEL)
    return dataclasses.replace(wider, key=f"{told.key} at {LEVEL:g}")


def promised(group: between.Group, runs: Sequence[str], processes: int) -> tuple[float, float]:
    """Return the smallest ratios that runs of two machines show in four cases of five.

    `runs` says when those of each side began. The second ratio is beside the common factor, with
    nothing to the error of that.
    """
    common, own = _parts(group, runs)
    within = PROCESSES**2 / processes / len(runs)
    errors = (math.sqrt(2 * (variance + within)) for variance in (common + own, own))
    whole, beside = (detectable(error, between.FREEDOM) for error in errors)
    return whole, beside


def _parts(group: between.Group, runs: Sequence[str]) -> tuple[float, float]:
    """Return what of the variance of a mean over runs all times share, and a time's own."""
    state = between.State(weights=((1.0, group),), runs=tuple(runs))
    shared_part = between.COMMON**2 / state.variance() * state.of_mean()
    return shared_part, state.of_mean() - shared_part


def _between(*sides: Quantity) -> tuple[float, float]:
    """Return the variance between runs that all rows of the sides share, and a row's own.

    Nothing where runs are paired, or so many that their own variance was taken.
    """
    common = own = 0.0
    if len(sides) > 1 and sides[0].run == sides[1].run:
        return common, own
    for side in sides:
        factor = side.factor()
        runs = tuple(dict.fromkeys(factor.runs)) or ("",)
        if factor.group is None or len(runs) >= between.ENOUGH:
            continue
        mine = _parts(factor.group, runs)
        common, own = common + mine[0], own + mine[1]
    return common, own
