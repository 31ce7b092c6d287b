"""Matrix products, as the chapter writes them."""

from __future__ import annotations

import tensorflow as tf

from report.backends import by_strategy, refusal
from report.worker.records import Unavailable

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
    """B and C, and A, the last result.

    Only a variable can be written to in places. The product in one go makes a tensor instead, in
    new memory.
    """

    A: tf.Variable | tf.Tensor

    def __init__(self, size: int, dtype: str, seed: int) -> None:
        """Draw B and C, n x n, from a standard normal distribution.

        Raises:
            Unavailable: There is not enough memory.
        """
        generator = tf.random.Generator.from_seed(seed)
        try:
            # Drawn in float32, so that every dtype gets the same numbers.
            self.B, self.C = (
                tf.cast(generator.normal((size, size)), DTYPES[dtype]) for _ in range(2)
            )
            self._kept = tf.Variable(tf.zeros_like(self.B))
        except tf.errors.ResourceExhaustedError as error:
            raise Unavailable("not enough memory") from error
        self.A = self._kept

    call = by_strategy

    def element(self) -> None:
        """Compute each element as the dot product of a row and a column."""
        n = len(self.B)
        for i in range(n):
            for j in range(n):
                self.one_element(i, j)

    def one_element(self, i: int, j: int) -> None:
        """Compute one element and store it."""
        A = self.A = self._kept
        A[i, j].assign(tf.tensordot(self.B[i, :], self.C[:, j], axes=1))

    def column(self) -> None:
        """Compute each column as B times a column of C."""
        A, B, C = self._kept, self.B, self.C
        for j in range(len(B)):
            A[:, j].assign(tf.linalg.matvec(B, C[:, j]))
        self.A = A

    def row(self) -> None:
        """Compute each row as a row of B times C."""
        A, B, C = self._kept, self.B, self.C
        for i in range(len(B)):
            A[i, :].assign(tf.linalg.matvec(C, B[i, :], transpose_a=True))
        self.A = A

    def block(self, width: int) -> None:
        """Compute `width` columns at a time."""
        A, B, C = self._kept, self.B, self.C
        for j in range(0, len(B), width):
            A[:, j : j + width].assign(tf.matmul(B, C[:, j : j + width]))
        self.A = A

    def full(self) -> None:
        """Compute the product in one go, into new memory each time."""
        self.A = tf.matmul(self.B, self.C)

    def full_out(self) -> None:
        """Compute the product in one go, into the variable that is kept.

        TensorFlow writes into no memory that one hands it: the variable takes over the new one.
        """
        self.A = self._kept
        self._kept.assign(tf.matmul(self.B, self.C))
