"""Training, from scratch and with the framework's own parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.utils.data import DataLoader, Sampler, TensorDataset

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from report.experiments.training.measure import Run
    from report.worker.curve import Curve

    Batches = Iterable[tuple[torch.Tensor, torch.Tensor]]


class _InOrder(Sampler[int]):
    """Hands the loader the permutation of the current epoch.

    The framework's own shuffling draws its permutation inside; here all runs and frameworks
    must see the same ones. Turning the tensor into a list is what its sampler does as well.
    """

    order: torch.Tensor

    def __iter__(self) -> Iterator[int]:
        return iter(self.order.tolist())

    def __len__(self) -> int:
        return len(self.order)


def loaded(
    features: torch.Tensor,
    targets: torch.Tensor,
    batch_size: int,
    orders: Sequence[torch.Tensor],
    device: torch.device,
) -> Iterator[Batches]:
    """Yield, for each epoch, the batches of the framework's data loader."""
    sampler = _InOrder()
    loader = DataLoader(TensorDataset(features, targets), batch_size, sampler=sampler)
    for order in orders:
        sampler.order = order
        if device.type == "cpu":
            yield loader
        else:
            yield ((X.to(device), y.to(device)) for X, y in loader)


def sliced(
    features: torch.Tensor, targets: torch.Tensor, batch_size: int, order: torch.Tensor
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Shuffle both tensors once, then cut batches off them."""
    X, y = features[order], targets[order]
    for i in range(0, len(y), batch_size):
        yield X[i : i + batch_size], y[i : i + batch_size]


def linreg(X: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the linear model's outputs, (batch, 1)."""
    return torch.matmul(X, w) + b


def squared_loss(y_hat: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return half the squared error of each example, (batch, 1)."""
    return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2


def sgd(params: Sequence[torch.Tensor], states: None, hyperparams: dict[str, float]) -> None:
    """Take one step of stochastic gradient descent and reset the gradients."""
    del states  # plain SGD keeps none
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p.sub_(hyperparams["lr"] * p.grad)
                p.grad.zero_()


def train_scratch(
    run: Run,
    weights: torch.Tensor,
    data: tuple[torch.Tensor, torch.Tensor],
    epochs: Iterable[Batches],
    curve: Curve,
) -> None:
    """Train with the chapter's own model, loss and optimizer."""
    # Twice the rate for a rate that belongs to a loss without 1/2: the same step.
    hyperparams = {"lr": run.lr * (2 if run.loss == "mse" else 1)}
    w = weights.reshape(-1, 1).clone().requires_grad_()
    b = torch.zeros(1, dtype=w.dtype, device=w.device, requires_grad=True)

    def evaluate() -> float:
        with torch.no_grad():
            return float(squared_loss(linreg(data[0], w, b), data[1]).mean())

    curve.evaluate = evaluate
    curve.start()
    n = 0
    for batches in epochs:
        for X, y in batches:
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
    weights: torch.Tensor,
    data: tuple[torch.Tensor, torch.Tensor],
    epochs: Iterable[Batches],
    curve: Curve,
) -> None:
    """Train with the framework's layer, loss and optimizer."""
    layer = nn.Linear(len(weights), 1, dtype=weights.dtype, device=weights.device)
    with torch.no_grad():
        layer.weight.copy_(weights.reshape(1, -1))
        layer.bias.zero_()
    net = nn.Sequential(layer)
    loss_fn = nn.MSELoss(reduction="none")
    lr = run.lr / (2 if run.loss == "half_squared" else 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)

    def evaluate() -> float:
        with torch.no_grad():
            out = net(data[0])
            return float(loss_fn(out, data[1].reshape(out.shape)).mean()) / 2

    curve.evaluate = evaluate
    curve.start()
    n = 0
    for batches in epochs:
        for X, y in batches:
            optimizer.zero_grad()
            out = net(X)
            loss = loss_fn(out, y.reshape(out.shape))
            loss.mean().backward()
            optimizer.step()
            n += X.shape[0]
            if n >= curve.due:
                curve.point(n)
        if not curve.end_epoch(n):
            break
