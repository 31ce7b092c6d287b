"""Optimizers from scratch on PyTorch: each step for step what torch.optim does."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import pytest
import torch

from report.backends.pytorch import optimizers, training
from report.run import surrogate

if TYPE_CHECKING:
    from collections.abc import Callable

THEIRS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "momentum": partial(torch.optim.SGD, momentum=0.9),
    "adagrad": partial(torch.optim.Adagrad, eps=1e-10),
    "rmsprop": partial(torch.optim.RMSprop, alpha=0.9, eps=1e-8),
    "adadelta": partial(torch.optim.Adadelta, rho=0.9, eps=1e-6),
    "adam": partial(torch.optim.Adam, betas=(0.9, 0.999), eps=1e-8),
}
STEPS = 20
BATCH = 10


def _params() -> list[torch.Tensor]:
    """Return w and b as runs begin, but not quite at 0."""
    w = torch.linspace(-0.02, 0.02, 5, dtype=torch.float64).reshape(-1, 1).requires_grad_()
    return [w, torch.zeros(1, dtype=torch.float64, requires_grad=True)]


def _gradients(params: list[torch.Tensor], step: int) -> None:
    """Add the gradient of a minibatch to `grad`, as training does."""
    rows = torch.tensor(surrogate.rows(0)[step * BATCH : (step + 1) * BATCH])
    out = training.linreg(rows[:, :-1], *params)
    training.squared_loss(out, rows[:, -1]).mean().backward()  # type: ignore[no-untyped-call]


def test_every_optimizer_is_compared() -> None:
    """One more in the registry needs its counterpart here."""
    assert set(training.ALGORITHMS) == set(THEIRS)


@pytest.mark.parametrize("lr", [0.01, 0.3])
@pytest.mark.parametrize("name", THEIRS)
def test_each_step_is_that_of_torch(name: str, lr: float) -> None:
    """Twenty steps on minibatches' gradients in float64, to 1e-10 after each of them."""
    # The eps stand where torch has them: with that of Adadelta or Adam inside another root the
    # first step would differ in the third digit already.
    ours, theirs = _params(), _params()
    algorithm = training.ALGORITHMS[name]
    states = algorithm.init(ours)
    hyperparams = {"lr": lr, "momentum": 0.9, **algorithm.hyperparams}
    optimizer = THEIRS[name](theirs, lr=lr)
    for step in range(STEPS):
        _gradients(ours, step)
        algorithm.trainer_fn(ours, states, hyperparams)
        optimizer.zero_grad()
        _gradients(theirs, step)
        optimizer.step()
        for mine, other in zip(ours, theirs, strict=True):
            assert mine.detach().numpy() == pytest.approx(other.detach().numpy(), rel=0, abs=1e-10)
    moved = torch.cat([(p - q).detach().flatten() for p, q in zip(ours, _params(), strict=True)])
    assert float(moved.abs().min()) > 1e-6


@pytest.mark.parametrize("name", THEIRS)
def test_a_step_resets_gradients_and_leaves_what_has_none(name: str) -> None:
    """So that the loop need not know its optimizer; a parameter may not be part of the loss."""
    params, aside = _params(), _params()[0]
    algorithm = training.ALGORITHMS[name]
    _gradients(params, 0)
    every = [*params, aside]
    algorithm.trainer_fn(
        every, algorithm.init(every), {"lr": 0.1, "momentum": 0.9, **algorithm.hyperparams}
    )
    assert [float(p.grad.abs().max()) for p in params if p.grad is not None] == [0, 0]
    assert torch.equal(aside, _params()[0])


def test_adams_first_step_is_as_long_as_the_rate() -> None:
    """After one step m / (1 - beta1) = g and v / (1 - beta2) = g^2: lr g / |g|, but for eps."""
    p = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    p.grad = torch.tensor([3.0, -0.02], dtype=torch.float64)
    hyperparams = {"lr": 0.1, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "t": 0}
    optimizers.adam([p], optimizers.init_pairs_of_states([p]), hyperparams)
    assert p.tolist() == pytest.approx([-0.1, 0.1], rel=1e-6)
    assert hyperparams["t"] == 1


def test_momentums_second_step_remembers_the_first() -> None:
    """With g = 1 twice and momentum 1/2 the steps are lr and 3/2 lr."""
    p = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    states = optimizers.init_states([p])
    for _ in range(2):
        p.grad = torch.ones(1, dtype=torch.float64)
        optimizers.momentum([p], states, {"lr": 0.1, "momentum": 0.5})
    assert math.isclose(p.item(), -0.25)
