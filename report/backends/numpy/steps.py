"""One operation, and one training update: what they cost beside their arithmetic."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from report.backends.numpy.training import sgd

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.backends.numpy.training import Array

LR = 1e-9
"""So small that millions of updates of the same batch change nothing that a time could show."""


def addition(size: int) -> Callable[[], object]:
    """Return a call that adds two vectors into a third that is kept.

    Args:
        size: Elements of each.
    """
    a, b, c = (np.ones(size, np.float32) for _ in range(3))
    # Not a function of Python's own, whose call would be a good part of what is measured.
    return partial(np.add, a, b, out=c)


class Update:
    """The chapter's linear regression, about to be updated with one batch."""

    def __init__(self, X: Array, y: Array, w: Array, lr: float = LR) -> None:
        """Take a batch, (batch, features) and (batch), and initial weights, (features)."""
        self.X, self.y, self.lr = X, y, lr
        self.w, self.b = w.copy(), np.zeros(1, w.dtype)

    def step(self) -> None:
        """Update once: forward, errors, gradient, a step of SGD."""
        sgd(self.X, self.y, self.w, self.b, self.lr)


def draw(size: int, features: int, seed: int) -> Update:
    """Return an update whose batch is normal random numbers, the same for the same seed."""
    rng = np.random.default_rng(seed)
    X, y, w = (
        rng.standard_normal(shape, dtype=np.float32)
        for shape in ((size, features), (size,), (features,))
    )
    return Update(X, y, w)
