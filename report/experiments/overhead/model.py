"""What an update costs by its batch: T(b) = a + c b, fitted to measured times."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from report.analysis import quantities
from report.analysis.estimate import average
from report.experiments.overhead.quantities import of_records
from report.worker.timing import median

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.results.result import Result

LEAST_SIZES = 3
"""Through two points any line goes, and nothing tells how well it fits."""


@dataclass(frozen=True)
class StepModel:
    """An update's time as a line.

    Attributes:
        fixed_s: Seconds that any update takes, whatever its batch.
        per_example_s: Seconds that each example adds.
        deviation: The largest deviation of a measured time from the line, relative to the line.
    """

    fixed_s: float
    per_example_s: float
    deviation: float = 0.0

    def time_s(self, batch: float) -> float:
        """Return the seconds of an update with so many examples."""
        return self.fixed_s + self.per_example_s * batch


def step_model(result: Result, backend: str, variant: str = "eager") -> StepModel | None:
    """Fit the updates of the first experiment of a result that has enough batch sizes.

    Args:
        result: Of one machine.
        backend: Name in the registry.
        variant: eager or compiled.

    Returns:
        The model, or None with fewer than three batch sizes.
    """
    for experiment in result.config["experiments"]:
        records = quantities.by_backend(result.of(experiment)).get(backend, [])
        if records and records[0].kind == "overhead":
            found = updates(of_records(records, result.run), variant)
            model = fit({size: q.time().value for size, q in found.items()})
            if model is not None:
                return model
    return None


def updates(found: Sequence[Quantity], variant: str) -> dict[int, Quantity]:
    """Return the updates of a variant by batch size, the smallest first."""
    chosen = {
        int(str(q.labels["size"])): q
        for q in found
        if (q.labels["operation"], q.labels["variant"]) == ("update", variant)
    }
    return dict(sorted(chosen.items()))


def fit(times: Mapping[int, float]) -> StepModel | None:
    """Fit a line to times by least squares of the relative deviations.

    Minimizes the sum of ((a + c b) / T - 1)^2 with a, c >= 0, so that every batch size counts
    alike although the largest takes longest. It is linear in a and c: two normal equations, and
    where a solution is negative, that parameter is 0 and the other is fitted alone.

    Args:
        times: Seconds of an update by batch size.

    Returns:
        The model, or None with fewer than three batch sizes.
    """
    if len(times) < LEAST_SIZES:
        return None
    rows = [(1 / seconds, batch / seconds) for batch, seconds in times.items()]
    aa, ac, cc = (math.fsum(u[i] * u[j] for u in rows) for i, j in ((0, 0), (0, 1), (1, 1)))
    a1, c1 = (math.fsum(u[i] for u in rows) for i in (0, 1))
    determinant = aa * cc - ac * ac
    fixed, per_example = (
        (cc * a1 - ac * c1) / determinant,
        (aa * c1 - ac * a1) / determinant,
    )
    if per_example < 0:
        fixed, per_example = a1 / aa, 0.0
    elif fixed < 0:
        fixed, per_example = 0.0, c1 / cc
    line = StepModel(fixed, per_example)
    deviation = max(abs(seconds / line.time_s(batch) - 1) for batch, seconds in times.items())
    return StepModel(fixed, per_example, deviation)


def shares(found: Mapping[int, Quantity]) -> dict[int, Estimate]:
    """Estimate the share of an update that does not grow with its batch: 1 - c b / T(b).

    The line is fitted in each process to that process's medians, so that the interval, over
    processes, holds the fit's own uncertainty.

    Args:
        found: Updates by batch size.

    Returns:
        Shares from 0 to 1 by batch size; empty with fewer than three of them.
    """
    processes = max((len(q.groups) for q in found.values()), default=0)
    by_size: dict[int, list[float]] = {size: [] for size in found}
    for process in range(processes):
        medians = {
            size: median(q.groups[process]) for size, q in found.items() if q.groups[process]
        }
        model = fit(medians)
        if model is None:
            continue
        for size, seconds in medians.items():
            by_size[size].append(1 - model.per_example_s * size / seconds)
    return {size: _estimate(values) for size, values in by_size.items() if values}


def _estimate(values: Sequence[float]) -> Estimate:
    """Estimate a share, which is never below 0 or above 1."""
    share = average(values)
    low, high = (
        None if end is None else min(1.0, max(0.0, end)) for end in (share.low, share.high)
    )
    return replace(share, value=max(0.0, share.value), low=low, high=high)


def times_per_doubling(small: Quantity, large: Quantity) -> Estimate:
    """Estimate by what factor the examples per second grow where the batch doubles.

    Two batch sizes may lie more than a doubling apart; the factor is the one that, as often as
    there are doublings between them, makes the whole.

    Args:
        small: Updates with the smaller batch.
        large: With the larger.
    """
    sizes = [int(str(q.labels["size"])) for q in (small, large)]
    rates = quantities.ratio(large, small, "examples_per_s")
    return rates.power(1 / math.log2(sizes[1] / sizes[0]))
