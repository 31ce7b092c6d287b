"""Linear least squares solved exactly: what every training run is held against.

The chapter trains y = Xw + b on the loss mean((Xw + b - y)^2) / 2, a quadratic in the
parameters. With x~ = (x, 1) and theta = (w, b) it is

    loss(theta) = (theta' H theta - 2 c' theta + s) / 2
    H = E[x~ x~'],  c = E[x~ y],  s = E[y^2]

so means and second moments (27 numbers for five features) are all that there is to know of the
data: the optimum, the largest stable learning rate and the whole path of full-batch gradient
descent follow from them. A result file keeps them, and whoever reads it needs no data.

Everything is computed in plain floats with +, -, *, / and square roots, which every processor
rounds alike. A BLAS rounds as its kernel for the processor does, and a page would show it.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.results.result import Moments

if TYPE_CHECKING:
    from collections.abc import Collection

    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

Vector = tuple[float, ...]
Matrix = tuple[Vector, ...]

SWEEPS = 12
"""Of Jacobi's rotations, which converge quadratically: six parameters need half of them."""

ROUNDING = 1e-10
"""Result files keep moments to twelve digits: a curvature this far below the largest is none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """One least-squares problem, with p parameters theta = (w, b), the bias last."""

    hessian: Matrix  # H = E[x~ x~'], shape (p, p); the same everywhere
    cross: Vector  # c = E[x~ y], shape (p,)
    target_power: float  # s = E[y^2]

    def optimum(self) -> tuple[list[float], float]:
        """Return the parameters of the lowest loss, shape (p,), and that loss.

        They solve H theta = c. Where fewer examples than parameters leave several solutions,
        it is the shortest of them.
        """
        axes = _principal_axes(self.hessian)
        # As NumPy's lstsq: what rounding leaves of a curvature that is zero counts as zero.
        least = ROUNDING * axes[-1][0]
        theta = [0.0] * len(axes)
        for curvature, direction in axes:
            if curvature > least:
                along = _dot(direction, self.cross) / curvature
                theta = [t + along * d for t, d in zip(theta, direction, strict=True)]
        return theta, self.loss(theta)

    def gradient(self, theta: Collection[float]) -> list[float]:
        """Return H theta - c, the gradient of the loss, shape (p,)."""
        return [_dot(row, theta) - c for row, c in zip(self.hessian, self.cross, strict=True)]

    def loss(self, theta: Collection[float]) -> float:
        """Return mean((Xw + b - y)^2) / 2 at these parameters, shape (p,)."""
        linear = _dot(theta, self.gradient(theta)) - _dot(theta, self.cross)
        return (linear + self.target_power) / 2

    def hessian_eigenvalues(self) -> list[float]:
        """Return the curvatures along the principal directions, ascending, shape (p,)."""
        return [curvature for curvature, _ in _principal_axes(self.hessian)]

    def stability_limit(self) -> float:
        """Return the learning rate from which full-batch gradient descent stops converging.

        A step multiplies the error along an eigenvector by 1 - lr * lambda, which shrinks for
        every lambda only if lr < 2 / lambda_max.

        Source: G. Goh, "Why Momentum Really Works", Distill 2017, on decomposing the error;
        S. Boyd and L. Vandenberghe, "Convex Optimization", 2004, section 9.3.
        """
        # H's last diagonal entry is 1, so its largest eigenvalue is never below 1.
        return 2 / self.hessian_eigenvalues()[-1]

    def best_fixed_lr(self) -> float:
        """Return the fixed learning rate with the best rate of convergence that is assured.

        2 / (lambda_min + lambda_max) makes the slowest and the stiffest direction shrink by the
        same factor, and any other choice makes one of the two slower.

        Source: Y. Nesterov, "Introductory Lectures on Convex Optimization", 2004, section 2.1.5.
        """
        eigenvalues = self.hessian_eigenvalues()
        return 2 / (eigenvalues[0] + eigenvalues[-1])

    def path(self, theta0: Collection[float], lr: float, steps: int) -> list[list[float]]:
        """Follow full-batch gradient descent from theta0: theta <- theta - lr (H theta - c).

        Returns:
            The parameters before the first step and after each, which is an epoch, shape
            (steps + 1, p). A diverging path ends in inf or NaN.
        """
        # Python's own floats: NumPy's would warn where a path diverges, which is an answer here.
        thetas = [[float(t) for t in theta0]]
        for _ in range(steps):
            theta = thetas[-1]
            step = zip(theta, self.gradient(theta), strict=True)
            thetas.append([t - lr * slope for t, slope in step])
        return thetas

    def gradient_descent(self, theta0: Collection[float], lr: float, steps: int) -> list[float]:
        """Return the losses along `path`: before the first step and after each."""
        return [self.loss(theta) for theta in self.path(theta0, lr, steps)]


@functools.lru_cache(maxsize=16)
def _principal_axes(matrix: Matrix) -> list[tuple[float, list[float]]]:
    """Return the eigenvalues of a symmetric matrix, ascending, each with its eigenvector.

    Source: G. H. Golub and C. F. Van Loan, "Matrix Computations", 4th edition 2013, section 8.5:
        Jacobi's method, cyclic by rows.
    """
    size = len(matrix)
    a = [list(row) for row in matrix]
    axes = [[float(i == j) for j in range(size)] for i in range(size)]
    for p, q in list(itertools.combinations(range(size), 2)) * SWEEPS:
        if a[p][q] == 0:
            continue
        tau = (a[q][q] - a[p][p]) / (2 * a[p][q])
        tangent = math.copysign(1 / (abs(tau) + math.sqrt(1 + tau * tau)), tau)
        cosine = 1 / math.sqrt(1 + tangent * tangent)
        sine = tangent * cosine
        for row in a:
            row[p], row[q] = cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]
        for rows in (a, axes):
            pairs = list(zip(rows[p], rows[q], strict=True))
            rows[p] = [cosine * x - sine * y for x, y in pairs]
            rows[q] = [sine * x + cosine * y for x, y in pairs]
    return sorted((a[i][i], axes[i]) for i in range(size))


def _dot(a: Collection[float], b: Collection[float]) -> float:
    # Not by `sum`, which compensates for rounding from Python 3.12 on, nor by `math.fsum`, which
    # refuses the infinities of a diverging path.
    return functools.reduce(operator.add, map(operator.mul, a, b), 0.0)


def measure_moments(features: FloatArray, targets: FloatArray) -> Moments:
    """Measure moments of features, shape (n, d), and targets, shape (n,), without rounding.

    Returns:
        d + 1 means and (d + 1)(d + 2) / 2 second moments.
    """
    columns, rows = [*features.T.tolist(), targets.tolist()], len(targets)
    pairs = itertools.combinations_with_replacement(columns, 2)
    return Moments(
        mean=[math.fsum(column) / rows for column in columns],
        second=[math.fsum(map(operator.mul, a, b)) / rows for a, b in pairs],
    )


def second_matrix(moments: Moments) -> Matrix:
    """Unfold the upper triangle into the symmetric matrix E[z z'], shape (d + 1, d + 1)."""
    size = len(moments.mean)
    places = itertools.combinations_with_replacement(range(size), 2)
    at = dict(zip(places, moments.second, strict=True))
    return tuple(tuple(at[min(i, j), max(i, j)] for j in range(size)) for i in range(size))


def problem_from_moments(moments: Moments) -> Problem:
    """Build the problem from stored moments; the data is not needed."""
    *features, target = second_matrix(moments)
    *means, target_mean = moments.mean
    rows = [(*row[:-1], mean) for row, mean in zip(features, means, strict=True)]
    return Problem(
        hessian=(*rows, (*means, 1.0)), cross=(*target[:-1], target_mean), target_power=target[-1]
    )


def problem(features: FloatArray, targets: FloatArray) -> Problem:
    """Build the problem of fitting these targets, shape (n,), from features, shape (n, d)."""
    return problem_from_moments(measure_moments(features, targets))
