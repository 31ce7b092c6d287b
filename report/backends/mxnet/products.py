"""Matrix products, as the chapter writes them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import mxnet
import numpy  # noqa: ICN001 (np is MXNet's)
from mxnet import np, npx
from mxnet.base import MXNetError

from report.backends import allocating, by_strategy, largest_error, refusal

if TYPE_CHECKING:
    from report.worker.checks import Look

DTYPES = ("float32", "float64", "bfloat16", "float16")

MOST_SEEDS = 2**31
"""MXNet takes its seed as an int of C."""


@functools.cache
def why_not(dtype: str) -> str | None:
    """Return why a product of a dtype does not come out right on the CPU; None if it does."""

    def product() -> bool:
        twos = np.full((8, 8), 2.0, dtype=dtype)
        # What fails does so in the engine, and is raised here, where it is waited for.
        return bool((np.dot(twos, twos) == 32).all())

    return refusal(product)


class Products:
    """B and C, and a place for A, n x n each.

    Every call returns when its operations are queued, before they are done.
    """

    def __init__(self, size: int, dtype: str, seed: int) -> None:
        """Draw B and C from a standard normal distribution.

        Raises:
            Unavailable: There is not enough memory.
        """
        mxnet.random.seed(seed % MOST_SEEDS)
        with allocating(MXNetError, "(?i)memory"):
            # Drawn in float32, so that every dtype gets the same numbers.
            self.B, self.C = (np.random.normal(0, 1, (size, size)).astype(dtype) for _ in range(2))
            self.A = np.zeros_like(self.B)
            npx.waitall()

    call = by_strategy

    def error(self, look: Look) -> float:
        """Return the largest error of A, and forget A: the next call must compute all of it."""
        matrices = self.A.asnumpy(), self.B.asnumpy(), self.C.asnumpy()
        found = largest_error(matrices, look, numpy.asarray)
        self.A[:] = 0
        npx.waitall()
        return found

    def element(self) -> None:
        """Compute each element as the dot product of a row and a column."""
        n = len(self.A)
        for i in range(n):
            for j in range(n):
                self.one_element(i, j)

    def one_element(self, i: int, j: int) -> None:
        """Compute the element in row i and column j, and store it."""
        self.A[i, j] = np.dot(self.B[i, :], self.C[:, j])

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
        np.dot(self.B, self.C, out=self.A)
