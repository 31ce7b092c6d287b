"""One operation, one training update, and gradients: all that is computed beside a training."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import torch

from report.backends import UPDATE_LR
from report.backends.pytorch.training import linreg, sgd, squared_loss
from report.worker.records import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

_FOLDERS = re.compile(r"[^\s'\"(),]*[/\\]")


def addition(size: int, device: torch.device) -> Callable[[], object]:
    """Return a call that adds two vectors into a third that is kept.

    Args:
        size: Elements of each.
        device: Where they lie.
    """
    a, b, c = (torch.ones(size, device=device) for _ in range(3))
    # Not a function of Python's own, whose call would be a good part of what is measured.
    return partial(torch.add, a, b, out=c)


def mean_loss(X: torch.Tensor, y: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the mean of half the squared errors, a scalar."""
    return squared_loss(linreg(X, w, b), y).mean()


class Update:
    """The chapter's linear regression, about to be updated with one batch."""

    def __init__(self, size: int, features: int, seed: int, device: torch.device) -> None:
        """Draw a batch and initial weights, the same for the same seed."""
        generator = torch.Generator().manual_seed(seed)
        self.X, self.y, w = (
            torch.randn(shape, generator=generator).to(device)
            for shape in ((size, features), (size,), (features, 1))
        )
        self.w, self.b = w.requires_grad_(), torch.zeros(1, device=device, requires_grad=True)
        self.lr = UPDATE_LR
        self.mean_loss: Callable[..., torch.Tensor] = mean_loss

    def step(self) -> None:
        """Update once: forward, backward, a step of SGD, gradients back to zero."""
        loss = self.mean_loss(self.X, self.y, self.w, self.b)
        loss.backward()
        sgd([self.w, self.b], None, {"lr": self.lr})

    def compile(self) -> None:
        """Compile the loss and its gradient for this batch size, then update once.

        Raises:
            Unavailable: Something that this needs is missing, a C++ compiler for example.
        """
        try:
            compile_in_this_process()
            self.mean_loss = torch.compile(mean_loss, dynamic=False, fullgraph=True)
            self.step()
        except Exception as error:
            raise Unavailable(_reason(error)) from error


def compile_in_this_process() -> None:
    """Keep the compiler from starting a pool of processes, which would stay on the cores."""
    # Importing it takes a second, which only those should pay who compile.
    import torch._inductor.config as inductor  # noqa: PLC0415

    inductor.compile_threads = 1


def _reason(error: Exception) -> str:
    """Return the first line of what went wrong, without folders, which may name a person."""
    lines = str(error).strip().splitlines()
    return f"torch.compile: {_FOLDERS.sub('', lines[0]) if lines else type(error).__name__}"


class Gradients:
    """The chapter's model and loss at one point; weights and bias make one vector of gradients."""

    def __init__(self, X: torch.Tensor, y: torch.Tensor, theta: torch.Tensor, seed: int) -> None:
        """Take the gradient over all examples, and each example's own.

        X is (n, d), y is (n), and theta, weights and bias, (d + 1); the seed is that of the draws.
        """
        self._X, self._y = X, y
        self._w = theta[:-1].reshape(-1, 1).clone().requires_grad_()
        self._b = theta[-1:].clone().requires_grad_()
        # On the CPU, so that every device gets the same minibatches.
        self._generator = torch.Generator().manual_seed(seed)
        self._full = self.gradient(X, y)
        self.length = float(self._full.norm())
        self.population = float((self.each() - self._full).square().sum(dim=1).mean())

    def gradient(self, X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the gradient of the mean loss over a batch, (d + 1)."""
        loss = squared_loss(linreg(X, self._w, self._b), y).mean()
        return torch.cat([g.flatten() for g in torch.autograd.grad(loss, [self._w, self._b])])

    def each(self) -> torch.Tensor:
        """Return the gradient of every example alone, (n, d + 1)."""
        # A copy of the parameters for each example: one pass back leaves each its own gradient.
        n = len(self._y)
        w = self._w.detach().expand(n, -1, 1).clone().requires_grad_()
        b = self._b.detach().expand(n, 1, 1).clone().requires_grad_()
        loss = squared_loss(linreg(self._X.unsqueeze(1), w, b), self._y).sum()
        return torch.cat([g.flatten(1) for g in torch.autograd.grad(loss, [w, b])], dim=1)

    def draw(self, batch_size: int, sampling: str) -> torch.Tensor:
        """Draw the indices of a minibatch, (batch)."""
        n = len(self._y)
        if sampling == "permutation":
            return torch.randperm(n, generator=self._generator)[:batch_size]
        return torch.randint(n, (batch_size,), generator=self._generator)

    def deviations(self, batch_size: int, sampling: str, draws: int) -> list[list[float]]:
        """Draw minibatches and return how far their gradients lie from the full one, by entry."""
        found = []
        for _ in range(draws):
            indices = self.draw(batch_size, sampling).to(self._X.device)
            found.append(self.gradient(self._X[indices], self._y[indices]) - self._full)
        # Fetched from the device once for all of them.
        every: list[list[float]] = torch.stack(found).tolist()
        return every
