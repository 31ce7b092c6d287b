"""One operation, and one training update: what they cost beside their arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from report.backends.jax import training

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.backends.jax.dispatch import Latest

LR = 1e-9
"""So small that millions of updates of the same batch change nothing that a time could show."""


def addition(size: int, latest: Latest) -> Callable[[], object]:
    """Return a call that adds two vectors; the sum is a new one each time, as always in JAX.

    Args:
        size: Elements of each.
        latest: Keeps the sum.
    """
    a, b = (jnp.ones(size, jnp.float32) for _ in range(2))

    def add() -> None:
        # The sum must be kept: it is what there is to wait for.
        latest.result = jnp.add(a, b)

    return add


class Update:
    """The chapter's linear regression, about to be updated with one batch."""

    def __init__(self, size: int, features: int, seed: int, latest: Latest) -> None:
        """Draw a batch and initial weights, the same for the same seed.

        Args:
            size: Examples.
            features: Of each.
            seed: Of the draws.
            latest: Keeps the parameters.
        """
        keys = jax.random.split(jax.random.key(seed), 3)
        shapes = (size, features), (size,), (features, 1)
        self.X, self.y, w = (
            jax.random.normal(key, shape, jnp.float32)
            for key, shape in zip(keys, shapes, strict=True)
        )
        self.params = w, jnp.zeros(1, jnp.float32)
        self.lr = jnp.float32(LR)
        self._update: Callable[..., tuple[training.Params, jax.Array]] = training.update
        self._latest = latest

    def step(self) -> None:
        """Update once: forward, backward, a step of SGD."""
        self.params, _ = self._update(self.params, self.X, self.y, self.lr)
        self._latest.result = self.params

    def compile(self) -> None:
        """Compile the update for this batch size, then update once."""
        self._update = training.compiled_update
        self.step()
        self._latest.wait()
