"""Linear least squares solved exactly: what every training run is held against.

The chapter trains y = Xw + b on the loss mean((Xw + b - y)^2) / 2, a quadratic in the
parameters. With x~ = (x, 1) and theta = (w, b) it is

    loss(theta) = (theta' H theta - 2 c' theta + s) / 2
    H = E[x~ x~'],  c = E[x~ y],  s = E[y^2]

so means and second moments (27 numbers for five features) are all that there is to know of the
data: the optimum, the largest stable learning rate and the whole path of full-batch gradient
descent follow from them. A result file keeps them, and whoever reads it needs no data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from report.results.dataset import Moments

FloatArray = npt.NDArray[np.float64]

ROUNDING = 1e-10
"""Result files keep moments to twelve digits: a curvature this far below the largest is none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """One least-squares problem, with p parameters theta = (w, b), the bias last.

    Attributes:
        moments: The numbers that it was built from; what a result file keeps.
        hessian: H = E[x~ x~'], shape (p, p); the same everywhere.
        cross: c = E[x~ y], shape (p,).
        target_power: s = E[y^2].
    """

    moments: Moments
    hessian: FloatArray
    cross: FloatArray
    target_power: float

    def optimum(self) -> tuple[FloatArray, float]:
        """Return the parameters of the lowest loss and that loss.

        They solve H theta = c. Where fewer examples than parameters leave several solutions,
        it is the shortest of them.

        Returns:
            theta, shape (p,), and its loss.
        """
        solution = np.linalg.lstsq(self.hessian, self.cross, rcond=ROUNDING)[0]
        theta = np.asarray(solution, dtype=np.float64)
        return theta, self.loss(theta)

    def loss(self, theta: FloatArray) -> float:
        """Return mean((Xw + b - y)^2) / 2 at these parameters, shape (p,)."""
        quadratic = theta @ self.hessian @ theta - 2 * self.cross @ theta
        return float(quadratic + self.target_power) / 2

    def hessian_eigenvalues(self) -> FloatArray:
        """Return the curvatures along the principal directions, ascending, shape (p,)."""
        return np.asarray(np.linalg.eigvalsh(self.hessian), dtype=np.float64)

    def stability_limit(self) -> float:
        """Return the learning rate from which full-batch gradient descent stops converging.

        A step multiplies the error along an eigenvector by 1 - lr * lambda, which shrinks for
        every lambda only if lr < 2 / lambda_max.

        Source: G. Goh, "Why Momentum Really Works", Distill 2017, on decomposing the error;
        S. Boyd and L. Vandenberghe, "Convex Optimization", 2004, section 9.3.
        """
        # H's last diagonal entry is 1, so its largest eigenvalue is never below 1.
        return 2 / float(self.hessian_eigenvalues()[-1])

    def best_fixed_lr(self) -> float:
        """Return the fixed learning rate with the best rate of convergence that is assured.

        2 / (lambda_min + lambda_max) makes the slowest and the stiffest direction shrink by the
        same factor, and any other choice makes one of the two slower.

        Source: Y. Nesterov, "Introductory Lectures on Convex Optimization", 2004, section 2.1.5.
        """
        eigenvalues = self.hessian_eigenvalues()
        return 2 / float(eigenvalues[0] + eigenvalues[-1])

    def gradient_descent(self, theta0: FloatArray, lr: float, steps: int) -> FloatArray:
        """Follow full-batch gradient descent: theta <- theta - lr (H theta - c).

        Args:
            theta0: Where it starts, shape (p,).
            lr: The learning rate.
            steps: How many steps, one an epoch.

        Returns:
            The loss before the first step and after each, shape (steps + 1,). A diverging path
            ends in inf or NaN.
        """
        theta = np.asarray(theta0, dtype=np.float64)
        losses = np.empty(steps + 1)
        # Divergence is an answer here, not a fault to warn of.
        with np.errstate(over="ignore", invalid="ignore"):
            losses[0] = self.loss(theta)
            for step in range(1, steps + 1):
                theta = theta - lr * (self.hessian @ theta - self.cross)
                losses[step] = self.loss(theta)
        return losses


def measure_moments(features: FloatArray, targets: FloatArray) -> Moments:
    """Measure means and second moments of a data set.

    Args:
        features: Shape (n, d).
        targets: Shape (n,).

    Returns:
        d + 1 means and (d + 1)(d + 2) / 2 second moments.
    """
    columns = np.column_stack([features, targets])
    second = columns.T @ columns / len(columns)
    return Moments(
        mean=columns.mean(axis=0).tolist(),
        second=second[np.triu_indices(columns.shape[1])].tolist(),
    )


def second_matrix(moments: Moments) -> FloatArray:
    """Unfold the upper triangle into the symmetric matrix E[z z'], shape (d + 1, d + 1)."""
    size = len(moments.mean)
    rows, columns = np.triu_indices(size)
    matrix = np.empty((size, size))
    matrix[rows, columns] = matrix[columns, rows] = moments.second
    return matrix


def problem_from_moments(moments: Moments) -> Problem:
    """Build the problem from stored moments; the data is not needed."""
    second = second_matrix(moments)
    mean = np.array(moments.mean)
    hessian = np.block([[second[:-1, :-1], mean[:-1, None]], [mean[None, :-1], np.ones((1, 1))]])
    cross = np.append(second[:-1, -1], mean[-1])
    return Problem(
        moments=moments, hessian=hessian, cross=cross, target_power=float(second[-1, -1])
    )


def problem(features: FloatArray, targets: FloatArray) -> Problem:
    """Build the problem of fitting these targets, shape (n,), from features, shape (n, d)."""
    return problem_from_moments(measure_moments(features, targets))
