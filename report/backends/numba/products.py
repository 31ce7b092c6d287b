"""Matrix products in compiled loops. No library is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from report.backends import allocating, by_strategy, largest_error
from report.backends.numba import loops

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.worker.checks import Look

DTYPES = ("float32", "float64")


class Products:
    """B and C, and a place for A, n x n each."""

    def __init__(self, size: int, dtype: str, seed: int, threads: loops.Threads) -> None:
        """Draw B and C from a standard normal distribution; full products are dealt out to threads.

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
        self._threads = threads

    def call(self, strategy: str, block_width: int) -> Callable[[], object]:
        """Return a function that computes A = BC once; it is compiled when this returns."""
        self._compile(strategy)
        return by_strategy(self, strategy, block_width)

    def error(self, look: Look) -> float:
        """Return the largest error of A, and forget A: the next call must compute all of it."""
        found = largest_error((self.A, self.B, self.C), look, np.asarray)
        self.A[:] = 0
        return found

    def element(self) -> None:
        """Compute each element as the sum over a row and a column."""
        loops.element(self.A, self.B, self.C)

    def column(self) -> None:
        """Compute each column as B times a column of C."""
        loops.column(self.A, self.B, self.C)

    def row(self) -> None:
        """Compute each row as a sum of the rows of C."""
        loops.row(self.A, self.B, self.C)

    def block(self, width: int) -> None:
        """Compute `width` columns at a time."""
        loops.block(self.A, self.B, self.C, width)

    def full(self) -> None:
        """Compute the product in one go, into new memory each time."""
        self.A = np.empty_like(self.B)
        self.full_out()

    def full_out(self) -> None:
        """Compute the product in one go, row by row; several at once where there are threads."""
        multiply = loops.row_parallel if self._threads.count > 1 else loops.row
        multiply(self.A, self.B, self.C)

    def _compile(self, strategy: str) -> None:
        """Compile what a strategy calls for this dtype, by calling it with small matrices."""
        A, B, C = (np.zeros((2, 2), self.B.dtype) for _ in range(3))
        match strategy:
            case "block":
                loops.block(A, B, C, 1)
            case "element" | "column":
                getattr(loops, strategy)(A, B, C)
            case _:
                loops.row(A, B, C)
                if strategy != "row" and self._threads.most > 1:
                    loops.row_parallel(A, B, C)
