"""Training, from scratch and with the parts of Gluon, MXNet's own library of layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as onp  # noqa: ICN001 (np is MXNet's own here)
from mxnet import autograd, gluon, init, np
from mxnet.gluon import nn

from report.backends import rate
from report.worker import schedules

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterable, Iterator, Sequence

    from report.experiments.training.measure import Run
    from report.worker.curve import Curve

    Batches = Iterable[tuple[np.ndarray, np.ndarray]]


class _InOrder(gluon.data.Sampler):  # type: ignore[misc]  # MXNet carries no types
    """Hands the loader the order of the current epoch.

    MXNet's own shuffling draws its order inside; here all runs and frameworks must see the same.
    """

    order: array[int]

    def __iter__(self) -> Iterator[int]:
        # Integers of NumPy's, as its own sampler hands them out.
        return iter(onp.array(self.order))

    def __len__(self) -> int:
        return len(self.order)


def loaded(
    X: np.ndarray, y: np.ndarray, batch_size: int, orders: Sequence[array[int]]
) -> Iterator[Batches]:
    """Return, for each epoch, the batches of MXNet's data loader, which is made beforehand."""
    sampler = _InOrder()
    sampler.order = orders[0]
    dataset = gluon.data.ArrayDataset(X, y)
    loader = gluon.data.DataLoader(dataset, batch_size, sampler=sampler)

    def epochs() -> Iterator[Batches]:
        for order in orders:
            sampler.order = order
            yield loader

    return epochs()


def sliced(
    X: np.ndarray, y: np.ndarray, batch_size: int, order: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Bring both arrays into the epoch's order at once, then cut batches off them."""
    X, y = X[order], y[order]
    for i in range(0, len(y), batch_size):
        yield X[i : i + batch_size], y[i : i + batch_size]


def linreg(X: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the linear model's outputs, (batch, 1)."""
    return np.dot(X, w) + b


def squared_loss(y_hat: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return half the squared error of each example, (batch, 1)."""
    return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2


def sgd(params: Sequence[np.ndarray], states: None, hyperparams: dict[str, float]) -> None:
    """Take one step of stochastic gradient descent; the next gradients replace these."""
    del states  # plain SGD keeps none
    for p in params:
        p[:] -= hyperparams["lr"] * p.grad


def train_scratch(
    run: Run,
    weights: np.ndarray,
    data: tuple[np.ndarray, np.ndarray],
    epochs: Iterable[Batches],
    curve: Curve,
) -> None:
    """Train with the chapter's own model, loss and optimizer."""
    w = weights.reshape(-1, 1).copy()
    b = np.zeros(1, dtype=w.dtype)
    w.attach_grad()
    b.attach_grad()
    hyperparams = {"lr": rate(run)}

    def evaluate() -> float:
        return float(squared_loss(linreg(data[0], w, b), data[1]).mean())

    curve.evaluate = evaluate
    curve.start()
    n = 0
    for batches in epochs:
        for X, y in batches:
            with autograd.record():
                loss = squared_loss(linreg(X, w, b), y).mean()
            loss.backward()
            sgd([w, b], None, hyperparams)
            n += X.shape[0]
            if n >= curve.due:
                curve.point(n)
        if not curve.end_epoch(n):
            break


def train_concise(
    run: Run,
    weights: np.ndarray,
    data: tuple[np.ndarray, np.ndarray],
    epochs: Iterable[Batches],
    curve: Curve,
) -> None:
    """Train with Gluon's layer, loss and optimizer; hybridized in the variant "compiled".

    The optimizer keeps its rate as a float32, also in float64: losses then differ in the ninth
    digit from those of the training from scratch.
    """
    compiled = run.variant == "compiled"
    net = nn.HybridSequential() if compiled else nn.Sequential()
    net.add(nn.Dense(1, in_units=len(weights), dtype=weights.dtype))
    net.initialize(init.Zero())  # MXNet's random start can only be float32
    net[0].weight.set_data(weights.reshape(1, -1))
    l2_loss = gluon.loss.L2Loss()  # has the 1/2
    lr = rate(run)
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": lr})
    if compiled:
        net.hybridize()
        l2_loss.hybridize()
        _compile(net, l2_loss, data, run.batch_size)

    def evaluate() -> float:
        return float(l2_loss(net(data[0]), data[1]).mean())

    curve.evaluate = evaluate
    curve.start()
    n = 0
    for epoch, batches in enumerate(epochs):
        if run.schedule != "constant":
            trainer.set_learning_rate(lr * schedules.factor(run.schedule, epoch, run.epochs))
        for X, y in batches:
            with autograd.record():
                loss = l2_loss(net(X), y)
            loss.backward()
            trainer.step(X.shape[0])  # divides the sum of the gradients by it
            n += X.shape[0]
            if n >= curve.due:
                curve.point(n)
        if not curve.end_epoch(n):
            break


def _compile(
    net: gluon.Block, loss_fn: gluon.loss.Loss, data: tuple[np.ndarray, np.ndarray], batch_size: int
) -> None:
    """Let the graphs be made before the time is taken: forward and back, without a step."""
    with autograd.record():
        loss = loss_fn(net(data[0][:batch_size]), data[1][:batch_size])
    loss.backward()
