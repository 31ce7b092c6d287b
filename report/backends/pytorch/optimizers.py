"""Optimizers from scratch, one function each, with the chapter's call signature.

`trainer_fn(params, states, hyperparams)` takes one step and resets the gradients; what it remembers
from step to step is made by `init_states(params)` or `init_pairs_of_states(params)`. Each does, to
rounding, what the class of its name in torch.optim does: the eps stand where they stand there.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Params = Sequence[torch.Tensor]
    States = list[torch.Tensor]
    PairsOfStates = list[tuple[torch.Tensor, torch.Tensor]]
    Hyperparams = dict[str, float]
    Trainer = Callable[[Params, Any, Hyperparams], None]


def init_states(params: Params) -> States:
    """Return zeros for each parameter: a velocity, or squares of its gradients."""
    return [torch.zeros_like(p) for p in params]


def init_pairs_of_states(params: Params) -> PairsOfStates:
    """Return two times zeros for each parameter: moments, or squares of gradients and changes."""
    return [(torch.zeros_like(p), torch.zeros_like(p)) for p in params]


def momentum(params: Params, states: States, hyperparams: Hyperparams) -> None:
    """Take one step of the heavy ball method.

    Source: B. T. Polyak, "Some methods of speeding up the convergence of iteration methods",
        USSR Computational Mathematics and Mathematical Physics 4, 1964. As in torch.optim.SGD
        the velocity is a sum of gradients, and the learning rate multiplies it in the step.
    """
    with torch.no_grad():
        for p, v in zip(params, states, strict=True):
            if p.grad is not None:
                v.mul_(hyperparams["momentum"]).add_(p.grad)
                p.sub_(hyperparams["lr"] * v)
                p.grad.zero_()


def adagrad(params: Params, states: States, hyperparams: Hyperparams) -> None:
    """Take one step of Adagrad: each coordinate's rate falls with the squares it has seen.

    Source: J. Duchi, E. Hazan and Y. Singer, "Adaptive Subgradient Methods for Online Learning
        and Stochastic Optimization", JMLR 12, 2011.
    """
    with torch.no_grad():
        for p, s in zip(params, states, strict=True):
            if p.grad is not None:
                s.add_(p.grad**2)
                p.sub_(hyperparams["lr"] * p.grad / (s.sqrt() + hyperparams["eps"]))
                p.grad.zero_()


def rmsprop(params: Params, states: States, hyperparams: Hyperparams) -> None:
    """Take one step of RMSProp: Adagrad with a leaky average; `gamma` is torch's alpha.

    Source: T. Tieleman and G. Hinton, "Lecture 6.5: RMSProp", COURSERA: Neural Networks for
        Machine Learning, 2012.
    """
    gamma = hyperparams["gamma"]
    with torch.no_grad():
        for p, s in zip(params, states, strict=True):
            if p.grad is not None:
                s.mul_(gamma).add_((1 - gamma) * p.grad**2)
                p.sub_(hyperparams["lr"] * p.grad / (s.sqrt() + hyperparams["eps"]))
                p.grad.zero_()


def adadelta(params: Params, states: PairsOfStates, hyperparams: Hyperparams) -> None:
    """Take one step of Adadelta: past changes give the scale, lr only multiplies them.

    Source: M. D. Zeiler, "ADADELTA: An Adaptive Learning Rate Method", arXiv:1212.5701, 2012,
        algorithm 1.
    """
    rho, eps = hyperparams["rho"], hyperparams["eps"]
    with torch.no_grad():
        for p, (s, delta) in zip(params, states, strict=True):
            if p.grad is not None:
                s.mul_(rho).add_((1 - rho) * p.grad**2)
                change = (delta + eps).sqrt() / (s + eps).sqrt() * p.grad
                delta.mul_(rho).add_((1 - rho) * change**2)
                p.sub_(hyperparams["lr"] * change)
                p.grad.zero_()


def adam(params: Params, states: PairsOfStates, hyperparams: Hyperparams) -> None:
    """Take one step of Adam; `hyperparams["t"]` counts the steps taken.

    Source: D. P. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015,
        algorithm 1.
    """
    beta1, beta2 = hyperparams["beta1"], hyperparams["beta2"]
    hyperparams["t"] += 1
    lr = hyperparams["lr"] / (1 - beta1 ** hyperparams["t"])
    scale = math.sqrt(1 - beta2 ** hyperparams["t"])
    with torch.no_grad():
        for p, (m, v) in zip(params, states, strict=True):
            if p.grad is not None:
                m.mul_(beta1).add_((1 - beta1) * p.grad)
                v.mul_(beta2).add_((1 - beta2) * p.grad**2)
                p.sub_(lr * m / (v.sqrt() / scale + hyperparams["eps"]))
                p.grad.zero_()
