"""Matrix products, as one writes them in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from report.backends import allocating, by_strategy, largest_error

if TYPE_CHECKING:
    from report.worker.checks import Look

DTYPES = ("float32", "float64", "float16")
"""It has no bfloat16."""


class Products:
    """B and C, and a place for A, n x n each."""

    def __init__(self, size: int, dtype: str, seed: int) -> None:
        """Draw B and C from a standard normal distribution.

        Raises:
            Unavailable: There is not enough memory.
        """
        rng = np.random.default_rng(seed)
        with allocating():
            # Drawn in float32, so that every dtype gets the same numbers.
            self.B, self.C = (
                rng.standard_normal((size, size), dtype=np.float32).astype(dtype) for _ in range(2)
            )
            self.A = np.zeros_like(self.B)

    call = by_strategy

    def error(self, look: Look) -> float:
        """Return the largest error of A, and forget A: the next call must compute all of it."""
        found = largest_error((self.A, self.B, self.C), look, np.asarray)
        self.A[:] = 0
        return found

    def element(self) -> None:
        """Compute each element as the dot product of a row and a column."""
        A, B, C = self.A, self.B, self.C
        n = len(A)
        for i in range(n):
            for j in range(n):
                A[i, j] = np.dot(B[i, :], C[:, j])

    def column(self) -> None:
        """Compute each column as B times a column of C."""
        A, B, C = self.A, self.B, self.C
        for j in range(len(A)):
            A[:, j] = np.dot(B, C[:, j])

    def row(self) -> None:
        """Compute each row as a row of B times C."""
        A, B, C = self.A, self.B, self.C
        for i in range(len(A)):
            A[i, :] = np.dot(B[i, :], C)

    def block(self, width: int) -> None:
        """Compute `width` columns at a time."""
        A, B, C = self.A, self.B, self.C
        for j in range(0, len(A), width):
            A[:, j : j + width] = np.dot(B, C[:, j : j + width])

    def full(self) -> None:
        """Compute the product in one go, into new memory each time."""
        self.A = np.dot(self.B, self.C)

    def full_out(self) -> None:
        """Compute the product in one go, into memory that is kept."""
        np.matmul(self.B, self.C, out=self.A)
