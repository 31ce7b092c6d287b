"""Gradients of minibatches, by the framework's own automatic differentiation."""

from __future__ import annotations

import torch

from report.backends.pytorch.training import linreg, squared_loss


class Gradients:
    """The chapter's model and loss at one point; weights and bias make one vector of gradients."""

    def __init__(self, X: torch.Tensor, y: torch.Tensor, theta: torch.Tensor, seed: int) -> None:
        """Take the gradient over all examples, and each example's own.

        Args:
            X: Features, (n, d).
            y: Targets, (n).
            theta: Weights and bias, (d + 1).
            seed: Of the draws.
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

    def squares(self, batch_size: int, sampling: str, draws: int) -> list[float]:
        """Draw minibatches and return how far their gradients lie from the full one, squared."""
        found = []
        for _ in range(draws):
            indices = self.draw(batch_size, sampling).to(self._X.device)
            difference = self.gradient(self._X[indices], self._y[indices]) - self._full
            found.append(difference.square().sum())
        # Fetched from the device once for all of them.
        return [float(square) for square in torch.stack(found).tolist()]
