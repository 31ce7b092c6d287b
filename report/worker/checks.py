"""Whether what is timed is what was meant: a product's error, and what was set, read back.

The largest error of a product A = BC is compared with what rounding explains. Where B and C hold
random numbers around zero, the error of an element is, whatever n, a few units in the last place of
|b_i| |c_j|, the lengths of its row and column (N. J. Higham and T. Mary, "Sharper Probabilistic
Backward Error Analysis for Basic Linear Algebra Kernels with Random Data", SIAM J. Sci. Comput.
42(5), 2020): `UNIT` of the sum, and `UNIT` of the number that is stored, which is about
|b_i| |c_j| / sqrt(n). Multiplied by a column of random signs, A x against B (C x), errors of
a row add up as a random walk: the same with all of C in place of c_j (R. Freivalds, "Probabilistic
Machines Can Use Less Running Time", IFIP 1977).
"""

from __future__ import annotations

import math
import random
from typing import NamedTuple, Protocol

UNIT = {"float64": 2.0**-53, "float32": 2.0**-24, "bfloat16": 2.0**-8, "float16": 2.0**-11}
"""Half the distance from 1 to the next number."""

TF32_UNIT = 2 * 2.0**-11
"""Of a product whose two factors are rounded to TF32 first."""

MARGIN = 8
"""How far the largest of a million errors may lie beyond a typical one; 4 was seen in PyTorch, and
a product with one column left out lies beyond 8 up to n = 4,096 in bfloat16."""


class Look(NamedTuple):
    """What to look at of a product: a column of signs, and (row, column) of what was computed."""

    signs: list[float]
    places: list[tuple[int, int]] | None = None  # None for all


class Threaded(Protocol):
    """A session that knows how many threads its framework takes."""

    def threads(self) -> int | None:
        """Return how many CPU threads are used now, or None where nothing says."""


def signs(size: int, seed: int) -> list[float]:
    """Return a column of random signs."""
    return random.Random(f"{seed} signs").choices((-1.0, 1.0), k=size)


def rounding(size: int, dtype: str, *, tf32: bool) -> float:
    """Return the largest error that rounding explains, relative to |b_i| |c_j|.

    Half-width products are summed in float32 and rounded at the end, as every library does it.
    """
    stored = TF32_UNIT if tf32 else UNIT[dtype]
    summed = min(UNIT[dtype], UNIT["float32"])
    return MARGIN * (summed + stored / math.sqrt(size))


def wrong_result(error: float, bound: float) -> str | None:
    """Return what is wrong with a product of some error, or None."""
    if error <= bound:
        return None
    far = (
        f"{error / bound:.2g} times too far"
        if math.isfinite(error)
        else "not a number, or infinitely far"
    )
    return f"wrong result: {far} from the product in float64, beyond what rounding explains"


def wrong_threads(session: Threaded, asked: int) -> str | None:
    """Return what is wrong with the number of threads, or None."""
    has = session.threads()
    if has in {asked, None}:
        return None
    return f"asked for {asked} thread{'s' if asked != 1 else ''}, has {has}"
