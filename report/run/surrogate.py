"""A stand-in for the airfoil data on a machine that has neither the file nor a network.

Gradient descent on least squares sees only the data's moments (`report.analysis.leastsquares`), so
rows that share the moments share the optimum, the curvature and the full path of full-batch
gradient descent. Minibatch runs differ in their noise alone, and pages say where this data was
used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from report.analysis.leastsquares import second_matrix
from report.results.result import Moments

if TYPE_CHECKING:
    from report.analysis.leastsquares import FloatArray

# Moments of the chapter's rows: the file (SHA-1 76e5be15...), all 1503 rows brought to mean 0 and
# population standard deviation 1 in float64, then of the first 1500 the means E[z_i] and, for
# i <= j, E[z_i z_j], each summed without rounding by math.fsum and divided by 1500. They are not
# exactly 0 and 1 because three of the rows that were whitened are not among them.
MOMENTS = Moments(
    mean=[
        -0.001404792910198979, -0.0029808860442933215, 0.0007474790806724397,
        0.0014466896670671844, -0.006345545011490208, 0.005556150171647709,
    ],
    second=[
        1.0008347328676073, -0.27540382901548555, -0.003142933493594369,
        0.1349473080792122, -0.23502465611866816, -0.3875030393054904,
        0.9975571591954455, -0.5047638110837879, 0.06103329276738334,
        0.7454428989397678, -0.14813861914950804,
        1.0017206375119885, 0.003253516893760049, -0.21891253470035402, -0.2387103884000646,
        1.000953544503578, 0.0006080559900943481, 0.1213339938424982,
        0.9818670292535706, -0.2956664447867555,
        0.9865179438540732,
    ],
)  # fmt: skip

ROWS = 1500


def rows(seed: int) -> FloatArray:
    """Draw 1500 rows whose sample moments are `MOMENTS`, whatever the seed.

    Gaussian rows are centred and whitened by their own sample covariance, then given the wanted
    covariance and mean, so the moments hold for this sample and not just on average. They hold
    for all 1500 rows together; the first few rows of them have others.

    The seed chooses among such data sets. NumPy may change how it draws Gaussians between versions,
    and the rows with it; the moments stay.

    Returns:
        Shape (1500, 6): five features, then the target.
    """
    mean = np.array(MOMENTS.mean)
    drawn = np.random.default_rng(seed).standard_normal((ROWS, len(mean)))
    centred = drawn - drawn.mean(axis=0)
    own = np.linalg.cholesky(centred.T @ centred / ROWS)
    wanted = np.linalg.cholesky(second_matrix(MOMENTS) - np.outer(mean, mean))
    white = np.linalg.solve(own, centred.T)
    coloured: FloatArray = (wanted @ white).T + mean
    return coloured
