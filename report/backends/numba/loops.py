"""The product of two matrices in plain loops: what it costs if no library is called.

All matrices are n x n and lie row by row. No loop is blocked for caches or registers by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba

from report.backends.numba.compiling import compiled, compiled_parallel

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Matrix = npt.NDArray[np.floating[Any]]


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
