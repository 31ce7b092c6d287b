"""Matrix products, as one writes them in NumPy."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from report.backends.numpy.environment import DTYPES
from report.worker.records import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Matrix = npt.NDArray[np.floating[Any]]


def draw(size: int, dtype: str, seed: int) -> Products:
    """Return B and C, n x n, drawn from a standard normal distribution.

    Raises:
        Unavailable: There is not enough memory.
    """
    rng = np.random.default_rng(seed)
    try:
        # Drawn in float32, so that every dtype gets the same numbers.
        B, C = (
            rng.standard_normal((size, size), dtype=np.float32).astype(DTYPES[dtype])
            for _ in range(2)
        )
        return Products(B, C)
    except MemoryError as error:
        raise Unavailable("not enough memory") from error


class Products:
    """B and C, and a place for A, n x n each."""

    def __init__(self, B: Matrix, C: Matrix) -> None:
        """Take B and C."""
        self.B, self.C, self.A = B, C, np.zeros_like(B)

    def call(self, strategy: str, block_width: int) -> Callable[[], object]:
        """Return a function that computes A = BC once."""
        methods: dict[str, Callable[[], object]] = {
            "element": self.element,
            "column": self.column,
            "row": self.row,
            "block": partial(self.block, block_width),
            "full": self.full,
            "full-out": self.full_out,
        }
        return methods[strategy]

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
