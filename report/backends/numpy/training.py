"""Training with arrays and nothing else, the gradient written out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from report.backends import rate

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from report.experiments.training.measure import Data, Run, Start
    from report.worker.curve import Curve

    Array = npt.NDArray[np.floating[Any]]


def sliced(
    features: Array, targets: Array, batch_size: int, order: npt.NDArray[np.intp]
) -> Iterator[tuple[Array, Array]]:
    """Bring both arrays into the epoch's order at once, then cut batches off them."""
    X, y = features[order], targets[order]
    for i in range(0, len(y), batch_size):
        yield X[i : i + batch_size], y[i : i + batch_size]


def linreg(X: Array, w: Array, b: Array) -> Array:
    """Return the linear model's outputs, (batch)."""
    return X @ w + b


def sgd(X: Array, y: Array, w: Array, b: Array, lr: float) -> None:
    """Take one step of stochastic gradient descent, in place.

    The derivative of half the squared error is the error, so that the loss itself is not needed.

    Args:
        X: Features of a batch, (batch, features).
        y: Targets, (batch).
        w: Weights, (features).
        b: Bias, (1).
        lr: Learning rate, of the mean of half the squared errors.
    """
    error = linreg(X, w, b) - y
    w -= lr / len(y) * (X.T @ error)
    b -= lr * error.mean()


def train(run: Run, data: Data, start: Start, curve: Curve) -> None:
    """Train once and fill the curve."""
    dtype = np.dtype(data.dtype)
    features = np.array(data.features, dtype).reshape(data.examples, -1)
    targets = np.array(data.targets, dtype)
    X_all, y_all = np.tile(features, (run.copies, 1)), np.tile(targets, run.copies)
    orders = [np.array(order, np.intp) for order in start.orders[: run.epochs]]
    lr = rate(run)
    w, b = np.array(start.weights, dtype), np.zeros(1, dtype)

    def evaluate() -> float:
        error = linreg(features, w, b) - targets
        return float((error**2).mean()) / 2

    curve.evaluate = evaluate
    curve.start()
    n = 0
    for order in orders:
        for X, y in sliced(X_all, y_all, run.batch_size, order):
            sgd(X, y, w, b, lr)
            n += len(y)
            if n >= curve.due:
                curve.point(n)
        if not curve.end_epoch(n):
            break
