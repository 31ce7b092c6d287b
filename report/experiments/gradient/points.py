"""Where gradients are looked at: parameters at the start, halfway, and at the end of training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import leastsquares, seeds

if TYPE_CHECKING:
    from report.analysis.leastsquares import FloatArray, Problem
    from report.results.result import Moments

HALFWAY_STEPS = 2
"""Full-batch steps to the point halfway. On the chapter's data the gradient's length falls from
0.59 to 0.11 in them, while the noise is already what it is at the optimum, within 2 %."""


def points(problem: Problem, weights: FloatArray) -> dict[str, list[float]]:
    """Return the parameters of each point by name, the bias last.

    Args:
        problem: The least-squares problem.
        weights: Where training starts, shape (features,); the bias starts at 0.
    """
    path = problem.path([*weights, 0.0], problem.best_fixed_lr(), HALFWAY_STEPS)
    return {"start": path[0], "halfway": path[-1], "optimum": problem.optimum()[0]}


def of_seed(moments: Moments, seed: int) -> dict[str, list[float]]:
    """Return the points of a run: of its data, from the weights of its first seed.

    Args:
        moments: The data's.
        seed: The configuration's.
    """
    problem = leastsquares.problem_from_moments(moments)
    features = len(problem.hessian) - 1
    return points(problem, seeds.initial_weights(seed, 0, features))
