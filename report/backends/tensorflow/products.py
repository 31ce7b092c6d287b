"""Matrix products, as the chapter writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from report.backends import allocating, by_strategy, largest_error, refusal

if TYPE_CHECKING:
    from report.worker.checks import Look

DTYPES: dict[str, tf.DType] = {
    name: getattr(tf, name) for name in ("float32", "float64", "bfloat16", "float16")
}


def why_not(dtype: str) -> str | None:
    """Return why a product of a dtype does not come out right; None if it does."""

    def product() -> object:
        twos = tf.fill((8, 8), tf.cast(2, DTYPES[dtype]))
        return tf.reduce_all(tf.matmul(twos, twos) == 32)

    return refusal(product)


class Products:
    """A, B and C, all of them variables, as the chapter has them."""

    def __init__(self, size: int, dtype: str, seed: int) -> None:
        """Draw B and C, n x n, from a standard normal distribution.

        Raises:
            Unavailable: There is not enough memory.
        """
        generator = tf.random.Generator.from_seed(seed)
        with allocating(tf.errors.ResourceExhaustedError):
            # Drawn in float32, so that every dtype gets the same numbers.
            self.B, self.C = (
                tf.Variable(tf.cast(generator.normal((size, size)), DTYPES[dtype]))
                for _ in range(2)
            )
            self.A = tf.Variable(tf.zeros_like(self.B))

    call = by_strategy

    def error(self, look: Look) -> float:
        """Return the largest error of A, and forget A: the next call must compute all of it."""
        matrices = self.A.numpy(), self.B.numpy(), self.C.numpy()
        found = largest_error(matrices, look, np.asarray)
        self.A.assign(tf.zeros_like(self.A))
        return found

    def element(self) -> None:
        """Compute each element as the dot product of a row and a column."""
        n = self.A.shape[0]
        for i in range(n):
            for j in range(n):
                self.one_element(i, j)

    def one_element(self, i: int, j: int) -> None:
        """Compute one element and store it."""
        self.A[i, j].assign(tf.tensordot(self.B[i, :], self.C[:, j], axes=1))

    def column(self) -> None:
        """Compute each column as B times a column of C."""
        A, B, C = self.A, self.B, self.C
        for j in range(A.shape[0]):
            A[:, j].assign(tf.tensordot(B, C[:, j], axes=1))

    def row(self) -> None:
        """Compute each row as a row of B times C."""
        A, B, C = self.A, self.B, self.C
        for i in range(A.shape[0]):
            A[i, :].assign(tf.tensordot(B[i, :], C, axes=1))

    def block(self, width: int) -> None:
        """Compute `width` columns at a time."""
        A, B, C = self.A, self.B, self.C
        for j in range(0, A.shape[0], width):
            A[:, j : j + width].assign(tf.tensordot(B, C[:, j : j + width], axes=1))

    def full(self) -> None:
        """Compute the product in one go, and assign it like the others."""
        self.A.assign(tf.tensordot(self.B, self.C, axes=1))

    def full_out(self) -> None:
        """Compute the product in one go with the call made for it, which tensordot ends in.

        TensorFlow writes into no memory that one hands it: the variable takes over the new one.
        """
        self.A.assign(tf.matmul(self.B, self.C))
