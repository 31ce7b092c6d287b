"""One operation, and one training update: what it costs to call a compiled loop."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from report.backends.numba.compiling import compiled
from report.backends.numba.training import program

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.backends.numba.training import Array

LR = 1e-9
"""So small that millions of updates of the same batch change nothing that a time could show."""


@compiled
def add(a: Array, b: Array, c: Array) -> None:
    """Add a and b into c, element by element."""
    for i in range(len(c)):
        c[i] = a[i] + b[i]


def addition(size: int) -> Callable[[], object]:
    """Return a call that adds two vectors into a third that is kept; it is compiled.

    Args:
        size: Elements of each.
    """
    a, b, c = (np.ones(size, np.float32) for _ in range(3))
    add(a[:0], b[:0], c[:0])
    # Not a function of Python's own, whose call would be a good part of what is measured.
    return partial(add, a, b, c)


class Update:
    """The chapter's linear regression, about to be updated with one batch.

    Attributes:
        step: Updates once, in one compiled program: errors, gradient, a step of SGD.
    """

    step: Callable[[], object]

    def __init__(self, X: Array, y: Array, w: Array, lr: float = LR) -> None:
        """Take a batch, (batch, features) and (batch), and initial weights, (features).

        Compiles the update, and updates once.
        """
        self.X, self.y, self.lr = X, y, lr
        theta = np.append(w, w.dtype.type(0))
        self.w, self.b = theta[:-1], theta[-1:]
        compiled_loops = program(X.shape[1], X.dtype.name)
        self.step = partial(compiled_loops.step, X, y, theta, w.dtype.type(lr))
        self.step()


def draw(size: int, features: int, seed: int) -> Update:
    """Return an update whose batch is normal random numbers, the same for the same seed."""
    rng = np.random.default_rng(seed)
    X, y, w = (
        rng.standard_normal(shape, dtype=np.float32)
        for shape in ((size, features), (size,), (features,))
    )
    return Update(X, y, w)
