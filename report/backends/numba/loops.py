"""Plain loops, how they are compiled, and how many threads they are dealt out to.

They are compiled as a C compiler would, and without a library behind them. All matrices are n x n
and lie row by row. No loop is blocked for caches or registers by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numba

from report.worker.records import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    Vector = npt.NDArray[np.floating[Any]]
    Matrix = npt.NDArray[np.floating[Any]]

Function = TypeVar("Function", bound="Callable[..., Any]")

SUMS = {"reassoc", "contract", "nsz"}
"""What the compiler may take for granted of floating point numbers.

A sum whose order is kept is not vectorized: a term must wait for the one before it. So sums may be
taken in any order, as every BLAS takes them, and a product and a sum may become one instruction,
as GCC does unasked. `fastmath=True` would also promise that no number is infinite or NaN, and runs
that diverge are told by just that.
"""

# Compiled when they are first called with a dtype. Without NumPy's division, every one would be
# looked at for a zero. Nothing is cached on disk: the folder may be read-only, and compiling takes
# less than a second.
compiled: Callable[[Function], Function] = numba.njit(fastmath=SUMS, error_model="numpy")
compiled_parallel: Callable[[Function], Function] = numba.njit(
    fastmath=SUMS, error_model="numpy", parallel=True
)
"""Deals loops over `numba.prange` out to threads."""


class Threads:
    """Numba's threads: how many are used, and the most there are, which only its start decides."""

    def __init__(self) -> None:
        """Use as many as there are."""
        self.count = self.most = int(numba.config.NUMBA_NUM_THREADS)

    def set(self, threads: int) -> None:
        """Use this many from now on.

        Raises:
            Unavailable: There are not as many.
        """
        if threads > self.most:
            raise Unavailable(f"Numba has started with {self.most} threads, fewer than {threads}")
        numba.set_num_threads(threads)
        self.count = threads


@compiled
def add(a: Vector, b: Vector, c: Vector) -> None:
    """Add a and b into c, element by element."""
    for i in range(len(c)):
        c[i] = a[i] + b[i]


@compiled
def element(A: Matrix, B: Matrix, C: Matrix) -> None:
    """Compute one element after the other, as the sum over a row and a column."""
    n = len(A)
    for i in range(n):
        for j in range(n):
            total = A.dtype.type(0)
            for k in range(n):
                total += B[i, k] * C[k, j]
            A[i, j] = total


@compiled
def column(A: Matrix, B: Matrix, C: Matrix) -> None:
    """Compute one column after the other: each row of B times a column of C."""
    n = len(A)
    for j in range(n):
        for i in range(n):
            total = A.dtype.type(0)
            for k in range(n):
                total += B[i, k] * C[k, j]
            A[i, j] = total


@compiled
def one_row(A: Matrix, B: Matrix, C: Matrix, i: int) -> None:
    """Compute one row, as a sum of the rows of C."""
    n = len(A)
    for j in range(n):
        A[i, j] = 0
    for k in range(n):
        for j in range(n):
            A[i, j] += B[i, k] * C[k, j]


@compiled
def row(A: Matrix, B: Matrix, C: Matrix) -> None:
    """Compute one row after the other."""
    for i in range(len(A)):
        one_row(A, B, C, i)


@compiled_parallel
def row_parallel(A: Matrix, B: Matrix, C: Matrix) -> None:
    """Compute the rows, dealt out to threads."""
    # The row's own loops stand in a function of their own: here they would not be vectorized,
    # and two threads be slower than one.
    for i in numba.prange(len(A)):
        one_row(A, B, C, i)


@compiled
def block(A: Matrix, B: Matrix, C: Matrix, width: int) -> None:
    """Compute `width` columns at a time, each of their rows as a sum of parts of the rows of C."""
    n = len(A)
    for first in range(0, n, width):
        end = min(first + width, n)
        for i in range(n):
            # Parts of rows, counted from 0: an index that might be negative, and so count from the
            # end, would keep the loops from being vectorized.
            a = A[i, first:end]
            for j in range(len(a)):
                a[j] = 0
            for k in range(n):
                c = C[k, first:end]
                for j in range(len(a)):
                    a[j] += B[i, k] * c[j]
