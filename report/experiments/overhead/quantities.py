"""Seconds of a call or an update by size, and the line of updates: T(b) = a + c b, fitted."""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.analysis import quantities
from report.analysis.estimate import Estimate, estimate, over_replicates
from report.analysis.quantities import Quantity, Question, ratio
from report.text.numerals import count
from report.worker.timing import median

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from report.results.result import Record, Result
    from report.worker.records import Series

    BySize = dict[int, Quantity]

METRICS = {
    "seconds": quantities.SECONDS,
    "device_seconds": quantities.DEVICE_SECONDS,
    "flop_per_s": quantities.FLOP_PER_S,
    "examples_per_s": quantities.EXAMPLES_PER_S,
}


def of_records(records: Sequence[Record], run: str = "", metric: str = "seconds") -> list[Quantity]:
    """Return one quantity for each series."""
    series = quantities.of_series(records, run=run, metric=metric, examples=_examples)
    return [
        dataclasses.replace(q, device="cpu") if q.labels["variant"] == "cpu" else q for q in series
    ]


def observed(result: Result, records: Sequence[Record], question: Question) -> list[Quantity]:
    """Return what was timed by the host's clock, or by the device's where that is asked."""
    by_device = question.metric == "device_seconds"
    return of_records(records, result.run, question.metric if by_device else "seconds")


def _examples(series: Series) -> int | None:
    size = series.labels["size"]
    return size if series.labels["operation"] == "update" and isinstance(size, int) else None


def name_call(quantity: Quantity) -> str:
    """Name a call: "adding 1 element", "update with 100 examples", "compiled update with ..."."""
    size = quantity.number("size")
    if quantity.labels["operation"] == "add":
        return f"adding {count(size, 'element')}"
    variant = {"compiled": "compiled ", "graph": "recorded "}.get(
        str(quantity.labels["variant"]), ""
    )
    where = " on the CPU" if quantity.labels["variant"] == "cpu" else ""
    return f"{variant}update with {count(size, 'example')}{where}"


CALLS = ("add", "eager", "compiled", "graph", "cpu")
"""Additions, and the variants of an update; the last beside an accelerator."""

LEAST_SIZES = 3
"""Through two points any line goes, and nothing tells how well it fits."""


def calls(series: Sequence[Quantity]) -> dict[str, BySize]:
    """Return additions, then updates of each variant, by size; none that was not measured."""
    lines: dict[str, BySize] = {name: {} for name in CALLS}
    for q in sorted(series, key=lambda q: q.number("size")):
        name = str(q.labels["operation" if q.labels["operation"] == "add" else "variant"])
        lines[name][q.number("size")] = q
    return {name: line for name, line in lines.items() if line}


def updates(series: Sequence[Quantity], variant: str) -> BySize:
    """Return the updates of a variant by batch size, the smallest first."""
    return calls(series).get(variant, {})


def calls_of(result: Result) -> Iterator[tuple[str, dict[str, BySize]]]:
    """Yield each backend's calls in each experiment, in the order of the configuration."""
    every = quantities.of_kind(result, "overhead", of_records)
    for (_, backend), mine in itertools.groupby(every, lambda q: (q.experiment, q.backend)):
        yield backend, calls(list(mine))


@dataclass(frozen=True)
class StepModel:
    """An update's time as a line, a + c b."""

    fixed_s: float
    per_example_s: float
    # The largest deviation of a measured time from the line, relative to the line.
    deviation: float = 0.0

    def time_s(self, batch: float) -> float:
        """Return the seconds of an update with so many examples."""
        return self.fixed_s + self.per_example_s * batch

    def beside(self, times: Mapping[int, float]) -> StepModel:
        """Return the same line with its deviation from some times."""
        off = max(abs(seconds / self.time_s(batch) - 1) for batch, seconds in times.items())
        return dataclasses.replace(self, deviation=off)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What updates of one variant take, in parts.

    The line is fitted in each process to that process's medians, so that intervals, over
    processes, hold the fit's own uncertainty.
    """

    experiment: str
    fixed: Estimate
    per_example: Estimate
    # The batch that takes as long as what is fixed; None where examples take nothing.
    equal: Estimate | None
    # By batch size the share of an update that grows with its batch, c b / T(b).
    growing: dict[int, Estimate]
    line: StepModel
    lines: list[StepModel]  # those of the processes, and `line` the one that stands for all


def parts(line: Mapping[int, Quantity]) -> Parts | None:
    """Tell the parts of updates by batch size; None where no process has enough of them."""
    fits = [(times, one) for times in by_process(line) if (one := fit(times)) is not None]
    if not fits:
        return None
    first = next(iter(line.values()))
    key = first.name("update")
    fixed = over_replicates([one.fixed_s for _, one in fits], f"fixed part of {key}")
    each = over_replicates([one.per_example_s for _, one in fits], f"example of {key}")
    slopes = all(one.per_example_s for _, one in fits)
    batches = [one.fixed_s / one.per_example_s for _, one in fits] if slopes else []
    growing = {}
    for size, q in line.items():
        shares = [one.per_example_s * size / times[size] for times, one in fits if size in times]
        if shares:
            growing[size] = _at_most_all(over_replicates(shares), f"growing part of {q.name()}")
    times = {size: q.time().value for size, q in line.items()}
    return Parts(
        experiment=first.experiment,
        fixed=fixed,
        per_example=each,
        equal=over_replicates(batches, f"equal parts of {key}") if batches else None,
        growing=growing,
        line=StepModel(fixed.value, each.value).beside(times),
        lines=[one for _, one in fits],
    )


def by_process(line: Mapping[int, Quantity]) -> list[dict[int, float]]:
    """Return what each process measured: its medians by size."""
    processes = max((len(q.groups) for q in line.values()), default=0)
    each = [
        {size: median(q.groups[k]) for size, q in line.items() if q.groups[k]}
        for k in range(processes)
    ]
    return [times for times in each if times]


def _at_most_all(share: Estimate, key: str) -> Estimate:
    low, high = (None if e is None else min(1.0, max(0.0, e)) for e in (share.low, share.high))
    return dataclasses.replace(share, value=min(1.0, share.value), low=low, high=high, key=key)


def parts_of(result: Result, backend: str, variant: str = "eager") -> Parts | None:
    """Return the parts of updates in the first experiment that has enough batch sizes."""
    lines = (every.get(variant, {}) for each, every in calls_of(result) if each == backend)
    return next(filter(None, map(parts, lines)), None)


def fit(times: Mapping[int, float]) -> StepModel | None:
    """Fit a line to the seconds of an update by batch size.

    Minimizes the sum of ((a + c b) / T - 1)^2 with a, c >= 0, so that every batch size counts
    alike although the largest takes longest. It is linear in a and c: two normal equations, and
    where a solution is negative, that parameter is 0 and the other is fitted alone. Fewer than
    three batch sizes give no model.
    """
    if len(times) < LEAST_SIZES:
        return None
    rows = [(1 / seconds, batch / seconds) for batch, seconds in times.items()]
    aa, ac, cc = (math.fsum(u[i] * u[j] for u in rows) for i, j in ((0, 0), (0, 1), (1, 1)))
    a1, c1 = (math.fsum(u[i] for u in rows) for i in (0, 1))
    determinant = aa * cc - ac * ac
    if determinant <= 0:  # times so far apart that only one of them counts
        return None
    fixed, per_example = (cc * a1 - ac * c1) / determinant, (aa * c1 - ac * a1) / determinant
    if per_example < 0:
        fixed, per_example = a1 / aa, 0.0
    elif fixed < 0:
        fixed, per_example = 0.0, c1 / cc
    return StepModel(fixed, per_example).beside(times)


def doubled(line: Mapping[int, Quantity]) -> Estimate | None:
    """Estimate at how many elements a call takes twice as long as the shortest one."""
    found = [_crossing(times) for times in by_process(line)]
    sizes = [size for size in found if size is not None]
    key = f"doubled {next(iter(line.values())).name()}"
    return estimate([[size] for size in sizes], key) if len(sizes) == len(found) else None


def _crossing(times: Mapping[int, float]) -> float | None:
    twice = 2 * next(iter(times.values()))
    for (size, below), (larger, above) in itertools.pairwise(times.items()):
        if below < twice <= above:
            way = math.log(twice / below) / math.log(above / below)
            return float(size * (larger / size) ** way)
    return None


def times_per_doubling(small: Quantity, large: Quantity) -> Estimate:
    """Estimate by what factor examples per second grow, on average, where the batch doubles."""
    rates = ratio(large, small, "examples_per_s")
    doublings = math.log2(large.number("size") / small.number("size"))
    return rates.power(1 / doublings, f"per doubling {rates.key}")


def compiling(eager: Quantity, compiled: Quantity) -> tuple[bool, Estimate]:
    """Return whether an update takes longer once it is compiled, and the ratio that is above 1."""
    longer = compiled.time().value > eager.time().value
    return longer, ratio(compiled, eager) if longer else ratio(eager, compiled)
