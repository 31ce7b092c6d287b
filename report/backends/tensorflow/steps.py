"""One operation, and one training update: what they cost beside their arithmetic."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import tensorflow as tf

from report.backends.tensorflow.models import Scratch

if TYPE_CHECKING:
    from collections.abc import Callable

LR = 1e-9
"""So small that millions of updates of the same batch change nothing that a time could show."""


def addition(size: int) -> Callable[[], object]:
    """Return a call that adds two vectors; the sum is new each time, for want of an `out`.

    Args:
        size: Elements of each.
    """
    a, b = tf.ones(size), tf.ones(size)
    # Not a function of Python's own, whose call would be a good part of what is measured.
    return partial(tf.add, a, b)


class Update:
    """The chapter's linear regression, about to be updated with one batch."""

    def __init__(self, size: int, features: int, seed: int, *, compiled: bool) -> None:
        """Draw a batch and initial weights, the same for the same seed.

        Args:
            size: Examples.
            features: Of each.
            seed: Of the draws.
            compiled: Compile the update for this size, then update once.
        """
        generator = tf.random.Generator.from_seed(seed)
        X, y, weights = (
            generator.normal(shape) for shape in ((size, features), (size,), (features,))
        )
        self.model = Scratch(features, tf.float32)
        self.model.restart(weights, LR, "half_squared")
        step = tf.function(self.model.step) if compiled else self.model.step
        self.step: Callable[[], object] = partial(step, X, y)
        if compiled:
            self.step()
