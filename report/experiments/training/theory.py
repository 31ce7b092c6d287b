"""What least squares says of training runs: the lowest loss, the exact path, limits, decay."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.analysis import leastsquares, seeds
from report.analysis.quantities import ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.leastsquares import Problem
    from report.experiments.training.runs import Run
    from report.results.result import Result

LAST = 5
"""Steps at the end of a run over which its rate of decay is measured: the fast parts are gone."""

ROUNDING = 1e-6
"""A loss above the optimum below this is mostly float32's rounding, and its decay means nothing."""


def problem(result: Result) -> Problem | None:
    """Return the least-squares problem of a result's data, if the result tells its moments."""
    if result.moments is None:
        return None
    return leastsquares.problem_from_moments(result.moments)


def optimum(result: Result) -> float | None:
    """Return the lowest loss that any parameters have on the data of a result."""
    solved = problem(result)
    return None if solved is None else solved.optimum()[1]


def target(result: Result) -> float | None:
    """Return the loss to be reached: 2 % above the lowest, rounded up to two decimals.

    On the chapter's data this is 0.25, which every run of the chapter comes to.
    """
    lowest = optimum(result)
    return None if lowest is None else math.ceil(lowest * 1.02 * 100) / 100


def of_run(result: Result, run: Run, metric: str) -> float | None:
    """Return what follows from the data and a run's rate, whatever was measured.

    Args:
        result: Gives the data's moments.
        run: Gives the rate.
        metric: lowest_loss, stable_lr or steepest_factor.
    """
    solved = problem(result)
    if solved is None:
        return None
    limit = solved.stability_limit()
    return {
        "lowest_loss": solved.optimum()[1],
        "stable_lr": limit,
        "steepest_factor": abs(1 - 2 * run.step / limit),
    }[metric]


THEORY = ("lowest_loss", "stable_lr", "steepest_factor")


def deviation(result: Result, runs: Sequence[Run]) -> float | None:
    """Return how far plain full-batch runs are from their exact path, in float64, at most.

    Returns:
        None if none is plain and takes full batches, or the result lacks the moments.
    """
    solved = problem(result)
    worst: list[float] = []
    for run in runs if solved else ():
        if solved is None or not (run.plain and run.full_batch(result.config["examples"])):
            continue
        for seed in run.seeds:
            features = len(solved.hessian) - 1
            start = seeds.initial_weights(int(result.config["seed"]), seed.seed, features)
            path = solved.gradient_descent([*start, 0.0], run.step, run.epochs)
            ends = [0, *seed.epoch_ends]
            worst += [abs(seed.loss[at] - path[k]) for k, at in enumerate(ends)]
    return max(worst) if worst else None


@dataclass(frozen=True, kw_only=True)
class Decay:
    """By what an error of a full-batch run shrinks in a step.

    Attributes:
        run: Which.
        limit: The learning rate from which it diverges; None for optimizers without such a theory.
        factor: Of the slowest direction, by theory; above 1 it grows.
        measured: Square root of the factor of the loss above the optimum, over the last steps;
            None for runs too short, or too near to the optimum to tell.
    """

    run: Run
    limit: float | None
    factor: float | None
    measured: Estimate | None


def decay(solved: Problem, run: Run) -> Decay:
    """Return how fast a run's error shrinks, by theory and as measured."""
    optimizer = run.labels["optimizer"]
    known = optimizer in {"sgd", "momentum"} and run.labels["schedule"] == "constant"
    momentum = float(str(run.labels["momentum"] or 0)) if optimizer == "momentum" else 0.0
    return Decay(
        run=run,
        # The roots leave the unit circle at -1, where lr lambda is 2 (1 + m).
        limit=(1 + momentum) * solved.stability_limit() if known else None,
        factor=slowest(solved, run.step, momentum) if known else None,
        measured=_measured(run, solved.optimum()[1]),
    )


def _measured(run: Run, lowest: float) -> Estimate | None:
    last = run.points - 1
    if last <= LAST:
        return None
    end, before = run.at(last, lowest), run.at(last - LAST, lowest)
    if min(one.estimate().value for one in (end, before)) < ROUNDING:
        return None
    return ratio(end, before).power(1 / (2 * LAST), f"decay of {run.loss().name()}")


def slowest(solved: Problem, lr: float, momentum: float = 0.0) -> float:
    """Return by what a step multiplies the error along the direction that shrinks least.

    With v <- m v + g and theta <- theta - lr v, the errors of two steps along an eigenvector
    follow z^2 - (1 + m - lr lambda) z + m = 0; without momentum its root is 1 - lr lambda.

    Args:
        solved: Gives the eigenvalues lambda.
        lr: The learning rate, for the loss with the factor 1/2.
        momentum: m, from 0 to below 1.

    Returns:
        The largest modulus of a root over all directions.

    Source: B. T. Polyak, "Some methods of speeding up the convergence of iteration methods",
        1964; G. Goh, "Why Momentum Really Works", Distill 2017.
    """
    sums = [abs(1 + momentum - lr * curvature) for curvature in solved.hessian_eigenvalues()]
    # Of complex roots the product is m, and both are as long.
    return max(
        math.sqrt(momentum) if apart < 0 else (total + math.sqrt(apart)) / 2
        for total in sums
        for apart in [total * total - 4 * momentum]
    )
