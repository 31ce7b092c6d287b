"""Learning rate schedules, by epoch: the same factors for every framework and implementation."""

from __future__ import annotations

import math

TENTH = 0.1
"""What `tenth` leaves of the rate after each epoch: the chapter's second exercise."""

HALF = 0.5
"""What `step` leaves of the rate after each third of the epochs."""


def step_epochs(epochs: int) -> int:
    """Return after how many epochs `step` halves the rate: a third of all, rounded up."""
    return math.ceil(epochs / 3)


def factor(schedule: str, epoch: int, epochs: int) -> float:
    """Return what the learning rate of an epoch is multiplied with.

    Args:
        schedule: constant, tenth (0.1 ** epoch), step (half after each third of the epochs),
            inverse (1 / (1 + epoch), the decay of Robbins and Monro) or cosine (from 1 to 0
            along half a period).
        epoch: Which epoch, from 0, for which every schedule gives 1.
        epochs: How many the run has.

    Raises:
        ValueError: There is no such schedule.

    Source: H. Robbins and S. Monro, "A Stochastic Approximation Method", 1951; I. Loshchilov
    and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, equation 5.
    """
    if schedule == "constant":
        return 1.0
    if schedule == "tenth":
        return TENTH**epoch
    if schedule == "step":
        return HALF ** (epoch // step_epochs(epochs))
    if schedule == "inverse":
        return 1 / (1 + epoch)
    if schedule == "cosine":
        return (1 + math.cos(math.pi * epoch / epochs)) / 2
    raise ValueError(f"there is no schedule {schedule!r}")
