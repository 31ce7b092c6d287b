"""One operation, and one training update: what they cost beside their arithmetic."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import mxnet
from mxnet import autograd, gluon, np, npx

from report.backends.mxnet.products import MOST_SEEDS
from report.backends.mxnet.training import linreg, sgd, squared_loss

if TYPE_CHECKING:
    from collections.abc import Callable

LR = 1e-9
"""So small that millions of updates of the same batch change nothing that a time could show."""


def addition(size: int) -> Callable[[], object]:
    """Return a call that adds two vectors into a third that is kept.

    Args:
        size: Elements of each.
    """
    a, b, c = (np.ones(size) for _ in range(3))
    # Not a function of Python's own, whose call would be a good part of what is measured.
    return partial(np.add, a, b, out=c)


def mean_loss(X: np.ndarray, y: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the mean of half the squared errors, a scalar."""
    return squared_loss(linreg(X, w, b), y).mean()


class MeanLoss(gluon.HybridBlock):  # type: ignore[misc]  # MXNet carries no types
    """The same, of which Gluon can make a graph."""

    def hybrid_forward(self, F: Any, X: Any, y: Any, w: Any, b: Any) -> Any:
        """Return the mean of half the squared errors, a scalar."""
        y_hat = F.np.dot(X, w) + b
        return ((y_hat - y.reshape((-1, 1))) ** 2 / 2).mean()


class Update:
    """The chapter's linear regression, about to be updated with one batch."""

    def __init__(self, X: np.ndarray, y: np.ndarray, w: np.ndarray, lr: float = LR) -> None:
        """Take a batch, (batch, features) and (batch), and initial weights, (features, 1)."""
        self.X, self.y, self.lr = X, y, lr
        self.w, self.b = w.copy(), np.zeros(1, dtype=w.dtype)
        self.w.attach_grad()
        self.b.attach_grad()
        self.mean_loss: Callable[..., np.ndarray] = mean_loss

    def step(self) -> None:
        """Update once: forward, backward, a step of SGD; the next gradients replace these."""
        with autograd.record():
            loss = self.mean_loss(self.X, self.y, self.w, self.b)
        loss.backward()
        sgd([self.w, self.b], None, {"lr": self.lr})

    def compile(self) -> None:
        """Let Gluon make a graph of the loss and of its gradient, then update once."""
        self.mean_loss = MeanLoss()
        self.mean_loss.hybridize()
        self.step()
        npx.waitall()


def draw(size: int, features: int, seed: int) -> Update:
    """Return an update whose batch is normal random numbers, the same for the same seed."""
    mxnet.random.seed(seed % MOST_SEEDS)
    shapes = (size, features), (size,), (features, 1)
    return Update(*(np.random.normal(0, 1, shape) for shape in shapes))
