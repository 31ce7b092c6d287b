"""One folder a framework, on the worker's side, and the little that is no framework's own.

`report.registry` lists them.
"""

from __future__ import annotations

import itertools
import math
import re
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from report.worker.records import Unavailable, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from report.experiments.training.measure import Run
    from report.worker.checks import Look

UPDATE_LR = 1e-9
"""Of timed updates; so small that millions with the same batch change nothing that a time could
show."""

SCALAR = 0.5
"""s of a triad, a = b + s c; small, so that no value overflows however often it is computed."""

CHECKED_WHOLE = 64
"""Products up to this size are checked element by element; beyond it that takes too long."""

CHECKED_AT_ONCE = 2**17
"""Elements that are held in float64 at once: memory of a megabyte is used again, more is not."""

WINDOWS = 8
"""Lists of random positions that are gathered in turn, so that no call repeats the last one."""


def by_strategy(products: object, strategy: str, block_width: int) -> Callable[[], object]:
    """Return the method of products that has a strategy's name; it computes A = BC once."""
    method: Callable[..., object] = getattr(products, strategy.replace("-", "_"))
    return partial(method, block_width) if strategy == "block" else method


def refusal(product: Callable[[], Any]) -> str | None:
    """Try a product that is exact in every dtype; return None if it comes out right, else why not.

    What a framework raises where a device or a dtype is not for it is in no list.
    """
    try:
        right = bool(product())
    except Exception as error:  # noqa: BLE001 (whatever it says is the reason)
        return reason_of(error)
    return None if right else "a small product gave no right answer"


@contextmanager
def allocating(
    lacking: type[Exception] = MemoryError, words: str = "", where: str = ""
) -> Iterator[None]:
    """Skip what there is not enough memory for.

    Args:
        lacking: What a framework raises then.
        words: A pattern that its message has then, where the same is raised for other faults.
        where: The device, where there are several; its allocator's words are kept with it.

    Raises:
        Unavailable: There is not enough memory.
    """
    try:
        yield
    except lacking as error:
        if not re.search(words, str(error)):
            raise
        said = f" on {where}: {reason_of(error)}" if where else ""
        raise Unavailable(f"not enough memory{said}") from error


def largest_error(matrices: tuple[Any, Any, Any], look: Look, asarray: Callable[..., Any]) -> float:
    """Return the largest error of a product A = BC, relative to the lengths of what it sums.

    Small ones, and some places of others, are compared with sums in float64; large ones by what
    they make of a column of signs. No product is called: that may be what is wrong.

    Args:
        matrices: A, B and C, n x n.
        look: What to look at.
        asarray: Makes an array of a dtype, in the host's memory, of rows of a matrix or of a list.
    """
    double = partial(asarray, dtype="float64")
    A, B, C = matrices
    signs, places, n = look.signs, look.places, len(look.signs)
    found: list[float] = []
    if places is None and n > CHECKED_WHOLE:
        step = max(1, CHECKED_AT_ONCE // n)
        cuts = [slice(i, i + step) for i in range(0, n, step)]
        x, projected, squares = double(signs), [], 0.0
        for cut in cuts:
            c = double(C[cut])
            projected += (c * x).sum(1).tolist()
            squares += float((c * c).sum())
        y = double(projected)
        for cut in cuts:
            a, b = double(A[cut]), double(B[cut])
            error = abs((a * x).sum(1) - (b * y).sum(1)) / (b * b).sum(1) ** 0.5
            found.append(float(error.max()) / math.sqrt(squares))
        return _worst(found)
    a, b, c = double(A), double(B), double(C)
    for j in range(n):
        rows = slice(None) if places is None else [i for i, column in places if column == j]
        if rows != []:
            error = abs(a[rows, j] - (b[rows] * c[:, j]).sum(1)) / (b[rows] ** 2).sum(1) ** 0.5
            found.append(float(error.max()) / float((c[:, j] ** 2).sum()) ** 0.5)
    return _worst(found)


def _worst(errors: Sequence[float]) -> float:
    """Return the largest; infinity where one is no number."""
    return max(errors) if all(map(math.isfinite, errors)) else math.inf


def rate(run: Run) -> float:
    """Return a run's learning rate for the mean of half the squared errors.

    Twice the rate for a rate that belongs to a loss without 1/2: the same step.
    """
    return run.lr * (2 if run.loss == "mse" else 1)


def chunks(x: Any, size: int) -> list[Any]:
    """Cut a vector into pieces of one size; what is left at its end is not used."""
    return [x[i : i + size] for i in range(0, len(x) - size + 1, size)]


def cut(arrays: Sequence[Any], size: int) -> Iterator[tuple[Any, ...]]:
    """Cut vectors of one length alike, and return the pieces that lie at the same place."""
    return zip(*(chunks(x, size) for x in arrays), strict=True)


def in_turn(calls: Sequence[Callable[[], object]]) -> Callable[[], object]:
    """Return a call that makes these one after the other, one each time, over and over."""
    if len(calls) == 1:
        return calls[0]
    turns = itertools.cycle(calls)

    def call() -> None:
        next(turns)()

    return call
