"""How loops are compiled: as a C compiler would, and without a library behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

Function = TypeVar("Function", bound="Callable[..., Any]")

SUMS = {"reassoc", "contract", "nsz"}
"""What the compiler may take for granted of floating point numbers.

A sum whose order is kept is not vectorized: a term must wait for the one before it. So sums may be
taken in any order, as every BLAS takes them, and a product and a sum may become one instruction,
as GCC does unasked. `fastmath=True` would also promise that no number is infinite or NaN, and runs
that diverge are told by just that.
"""


def compiled(function: Function) -> Function:
    """Decorate loops that are compiled when they are first called with a dtype."""
    # Without NumPy's division, every one would be looked at for a zero. Nothing is cached on disk:
    # the folder may be read-only, and compiling takes less than a second.
    return cast("Function", numba.njit(fastmath=SUMS, error_model="numpy", cache=False)(function))


def compiled_parallel(function: Function) -> Function:
    """Decorate loops of which those over `numba.prange` are dealt out to threads."""
    return cast(
        "Function",
        numba.njit(fastmath=SUMS, error_model="numpy", cache=False, parallel=True)(function),
    )
