"""Training in compiled loops: what the arithmetic costs with no framework at all."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from report.backends import rate
from report.backends.numba.loops import compiled

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from report.experiments.training.measure import Data, Run, Start
    from report.worker.curve import Curve

    Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class Program:
    """Compiled loops for examples of one number of features and one dtype.

    Attributes:
        epoch: (X, y, order, batch_size, theta, lr, ends, passed): takes all steps of an epoch, and
            keeps theta in the rows of `passed` after as many examples as `ends` says.
        step: (X, y, theta, lr): takes one step with a batch.
        loss: (X, y, theta): returns the mean of half the squared errors.
    """

    epoch: Callable[..., None]
    step: Callable[..., None]
    loss: Callable[..., float]


@functools.cache
def program(features: int, dtype: str) -> Program:  # noqa: C901 (its parts are compiled together)
    """Return compiled loops.

    The number of features is a constant of theirs, so that the compiler can unroll what goes over
    the features of one example, as it can in a program written for one data set. `theta` is the
    weights and, last, the bias; all numbers are of the one dtype, float32 or float64.
    """
    number = np.dtype(dtype).type

    @compiled
    def error(X: Array, y: Array, row: int, theta: Array) -> Any:
        difference = theta[features] - y[row]
        for j in range(features):
            difference += X[row, j] * theta[j]
        return difference

    @compiled
    def add_gradient(X: Array, y: Array, row: int, theta: Array, gradient: Array) -> None:
        # The derivative of half the squared error is the error: the loss itself is not needed.
        difference = error(X, y, row, theta)
        for j in range(features):
            gradient[j] += difference * X[row, j]
        gradient[features] += difference

    @compiled
    def sgd(theta: Array, gradient: Array, rate: Any) -> None:
        for j in range(features + 1):
            theta[j] -= rate * gradient[j]

    @compiled
    def epoch(  # noqa: PLR0913, PLR0917 (an epoch is one call)
        X: Array,
        y: Array,
        order: npt.NDArray[np.uint32],
        batch_size: int,
        theta: Array,
        lr: Any,
        ends: npt.NDArray[np.int64],
        passed: Array,
    ) -> None:
        gradient = np.empty(features + 1, X.dtype)
        point = 0
        for begin in range(0, len(order), batch_size):
            end = min(begin + batch_size, len(order))
            gradient[:] = 0
            for i in range(begin, end):
                add_gradient(X, y, order[i], theta, gradient)
            sgd(theta, gradient, lr / number(end - begin))
            if end == ends[point]:
                passed[point] = theta
                point += 1

    @compiled
    def step(X: Array, y: Array, theta: Array, lr: Any) -> None:
        gradient = np.zeros(features + 1, X.dtype)
        for i in range(len(y)):
            add_gradient(X, y, i, theta, gradient)
        sgd(theta, gradient, lr / number(len(y)))

    @compiled
    def loss(X: Array, y: Array, theta: Array) -> float:
        total = 0.0  # in float64: a sum of many should not add to the error of each
        for i in range(len(y)):
            total += error(X, y, i, theta) ** 2
        return total / len(y) / 2

    return Program(epoch=epoch, step=step, loss=loss)


def train(run: Run, data: Data, start: Start, curve: Curve) -> None:
    """Train once and fill the curve; each epoch is one call, which keeps what a point needs."""
    dtype = np.dtype(data.dtype)
    features = np.array(data.features, dtype).reshape(data.examples, -1)
    targets = np.array(data.targets, dtype)
    X, y = np.tile(features, (run.copies, 1)), np.tile(targets, run.copies)
    # Unsigned: a signed index could be negative, and count from the end.
    orders = [np.array(order, np.uint32) for order in start.orders[: run.epochs]]
    lr = dtype.type(rate(run))
    theta = np.append(np.array(start.weights, dtype), dtype.type(0))
    compiled_loops = program(features.shape[1], data.dtype)
    epoch, loss = compiled_loops.epoch, compiled_loops.loss
    every = [_ends(k * len(y), len(y), run.batch_size, curve.every) for k in range(len(orders))]
    passed = np.empty((max(map(len, every)), len(theta)), dtype)
    # Compiles, and takes no step.
    epoch(X, y, orders[0][:0], run.batch_size, theta, lr, every[0], passed)

    curve.evaluate = lambda: float(loss(features, targets, theta))
    curve.start()
    n = 0
    for order, ends in zip(orders, every, strict=True):
        epoch(X, y, order, run.batch_size, theta, lr, ends, passed)
        losses = (float(loss(features, targets, each)) for each in passed[: len(ends)])
        curve.passed((n + ends).tolist(), losses)
        n += len(order)
        if not curve.end_epoch(n):
            break


def _ends(before: int, examples: int, batch_size: int, every: int) -> npt.NDArray[np.int64]:
    """Return after how many examples of an epoch points fall due, as in any other curve.

    The last is the epoch's end; `before` is how many examples came before the epoch.
    """
    updates = [0, *range(batch_size, examples, batch_size), examples]
    found = [
        end
        for begin, end in itertools.pairwise(updates)
        if (before + end) // every > (before + begin) // every or end == examples
    ]
    return np.array(found, np.int64)
