"""Training, from scratch and with the framework's own parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, Sampler, TensorDataset

from report.backends.pytorch import optimizers
from report.worker import schedules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from report.backends.pytorch.optimizers import Trainer
    from report.experiments.training.measure import Run
    from report.worker.curve import Curve

    Batches = Iterable[tuple[torch.Tensor, torch.Tensor]]


class _InOrder(Sampler[int]):
    """Hands the loader the order of the current epoch.

    The framework's own shuffling draws its order inside; here all runs and frameworks
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
    """Return, for each epoch, the batches of the framework's data loader, made beforehand."""
    sampler = _InOrder()
    loader = DataLoader(TensorDataset(features, targets), batch_size, sampler=sampler)

    def epochs() -> Iterator[Batches]:
        for order in orders:
            sampler.order = order
            if device.type == "cpu":
                yield loader
            else:
                yield ((X.to(device), y.to(device)) for X, y in loader)

    return epochs()


def sliced(
    features: torch.Tensor, targets: torch.Tensor, batch_size: int, order: torch.Tensor
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Bring both tensors into the epoch's order at once, then cut batches off them."""
    X, y = features[order], targets[order]
    for i in range(0, len(y), batch_size):
        yield X[i : i + batch_size], y[i : i + batch_size]


def linreg(X: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the linear model's outputs, (batch, 1)."""
    return torch.matmul(X, w) + b


def squared_loss(y_hat: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return half the squared error of each example, (batch, 1)."""
    return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2


def sgd(params: Sequence[Any], states: None, hyperparams: dict[str, float]) -> None:
    """Take one step of stochastic gradient descent and reset the gradients.

    As the chapter lists it, which is past autograd by `data`; every parameter has a gradient.
    """
    del states  # plain SGD keeps none
    for p in params:
        p.data.sub_(hyperparams["lr"] * p.grad)
        p.grad.data.zero_()


@dataclass(frozen=True, kw_only=True)
class Algorithm:
    """An optimizer, from scratch and as the framework has it, with the standard settings.

    Attributes:
        trainer_fn: Takes one step.
        init: Makes the states that it starts with.
        hyperparams: What it is told beside lr and momentum, under the names of the papers.
        concise: Makes the framework's own, with the same settings.
        scaled: Twice the gradient makes twice the step; an adaptive optimizer divides by it.
    """

    trainer_fn: Trainer
    init: Callable[[Sequence[torch.Tensor]], Any]
    hyperparams: dict[str, float] = field(default_factory=dict)
    concise: Callable[..., torch.optim.Optimizer]
    scaled: bool = False


ALGORITHMS = {
    "sgd": Algorithm(trainer_fn=sgd, init=lambda _: None, concise=torch.optim.SGD, scaled=True),
    "momentum": Algorithm(
        trainer_fn=optimizers.momentum,
        init=optimizers.init_states,
        concise=torch.optim.SGD,
        scaled=True,
    ),
    "adagrad": Algorithm(
        trainer_fn=optimizers.adagrad,
        init=optimizers.init_states,
        hyperparams={"eps": 1e-10},
        concise=partial(torch.optim.Adagrad, eps=1e-10),
    ),
    "rmsprop": Algorithm(
        trainer_fn=optimizers.rmsprop,
        init=optimizers.init_states,
        hyperparams={"gamma": 0.9, "eps": 1e-8},
        concise=partial(torch.optim.RMSprop, alpha=0.9, eps=1e-8),
    ),
    "adadelta": Algorithm(
        trainer_fn=optimizers.adadelta,
        init=optimizers.init_pairs_of_states,
        hyperparams={"rho": 0.9, "eps": 1e-6},
        concise=partial(torch.optim.Adadelta, rho=0.9, eps=1e-6),
    ),
    "adam": Algorithm(
        trainer_fn=optimizers.adam,
        init=optimizers.init_pairs_of_states,
        hyperparams={"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "t": 0},
        concise=partial(torch.optim.Adam, betas=(0.9, 0.999), eps=1e-8),
    ),
}


def train_scratch(
    run: Run,
    weights: torch.Tensor,
    data: tuple[torch.Tensor, torch.Tensor],
    epochs: Iterable[Batches],
    curve: Curve,
) -> None:
    """Train with the chapter's own model and loss, and an optimizer from scratch."""
    algorithm = ALGORITHMS[run.optimizer]
    trainer_fn = algorithm.trainer_fn
    # Twice the rate for a rate that belongs to a loss without 1/2: the same step.
    lr = run.lr * (2 if run.loss == "mse" else 1)
    hyperparams = {"lr": lr, **algorithm.hyperparams}
    if run.momentum is not None:
        hyperparams["momentum"] = run.momentum
    w = weights.reshape(-1, 1).clone().requires_grad_()
    b = torch.zeros(1, dtype=w.dtype, device=w.device, requires_grad=True)

    def evaluate() -> float:
        with torch.no_grad():
            return float(squared_loss(linreg(data[0], w, b), data[1]).mean())

    curve.evaluate = evaluate
    states = algorithm.init([w, b])
    curve.start()
    n = 0
    for epoch, batches in enumerate(epochs):
        hyperparams["lr"] = lr * schedules.factor(run.schedule, epoch, run.epochs)
        for X, y in batches:
            loss = squared_loss(linreg(X, w, b), y).mean()
            loss.backward()
            trainer_fn([w, b], states, hyperparams)
            n += X.shape[0]
            if n >= curve.due:
                curve.point(n)
        if not curve.end_epoch(n):
            break


def _half_squared(y_hat: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return half the framework's squared error of each example, (batch, 1)."""
    return nn.functional.mse_loss(y_hat, y, reduction="none") / 2


def _optimizer(run: Run, net: nn.Module) -> torch.optim.Optimizer:
    """Make the framework's optimizer, for the framework's loss where a rate can be."""
    algorithm = ALGORITHMS[run.optimizer]
    own = {} if run.momentum is None else {"momentum": run.momentum}
    halved = run.loss == "half_squared" and algorithm.scaled
    return algorithm.concise(net.parameters(), lr=run.lr / (2 if halved else 1), **own)


def _scheduler(run: Run, optimizer: torch.optim.Optimizer) -> lr_scheduler.LRScheduler | None:
    """Make the framework's scheduler, to be stepped after each epoch; None for no change."""
    if run.schedule == "constant":
        return None
    if run.schedule == "tenth":
        return lr_scheduler.ExponentialLR(optimizer, schedules.TENTH)
    if run.schedule == "step":
        thirds = schedules.step_epochs(run.epochs)
        return lr_scheduler.StepLR(optimizer, thirds, schedules.HALF)
    if run.schedule == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, T_max=run.epochs)
    return lr_scheduler.LambdaLR(
        optimizer, lambda epoch: schedules.factor(run.schedule, epoch, run.epochs)
    )


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
    mse = nn.MSELoss(reduction="none")
    # No rate makes up for a gradient twice as large where the optimizer divides by it.
    loss_fn = mse if ALGORITHMS[run.optimizer].scaled else _half_squared
    optimizer = _optimizer(run, net)
    scheduler = _scheduler(run, optimizer)

    def evaluate() -> float:
        with torch.no_grad():
            out = net(data[0])
            return float(mse(out, data[1].reshape(out.shape)).mean()) / 2

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
        if scheduler is not None:
            scheduler.step()
