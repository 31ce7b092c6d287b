"""One folder a framework, on the worker's side, and the little that is no framework's own.

`report.registry` lists them.
"""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING, Any

from report.worker.records import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.experiments.training.measure import Run

UPDATE_LR = 1e-9
"""Of timed updates; so small that millions with the same batch change nothing that a time could
show."""

SCALAR = 0.5
"""s of a triad, a = b + s c; small, so that no value overflows however often it is computed."""

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


def rate(run: Run) -> float:
    """Return a run's learning rate for the mean of half the squared errors.

    Twice the rate for a rate that belongs to a loss without 1/2: the same step.
    """
    return run.lr * (2 if run.loss == "mse" else 1)


def chunks(x: Any, size: int) -> list[Any]:
    """Cut a vector into pieces of one size; what is left at its end is not used."""
    return [x[i : i + size] for i in range(0, len(x) - size + 1, size)]


def in_turn(calls: Sequence[Callable[[], object]]) -> Callable[[], object]:
    """Return a call that makes these one after the other, one each time, over and over."""
    if len(calls) == 1:
        return calls[0]
    turns = itertools.cycle(calls)

    def call() -> None:
        next(turns)()

    return call
