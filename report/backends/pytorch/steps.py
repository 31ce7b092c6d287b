"""One operation, and one training update: what they cost beside their arithmetic."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import torch

from report.backends.pytorch.training import linreg, sgd, squared_loss
from report.worker.records import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

LR = 1e-9
"""So small that millions of updates of the same batch change nothing that a time could show."""

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

    def __init__(self, X: torch.Tensor, y: torch.Tensor, w: torch.Tensor, lr: float = LR) -> None:
        """Take a batch, (batch, features) and (batch), and initial weights, (features, 1)."""
        self.X, self.y, self.lr = X, y, lr
        self.w = w.clone().requires_grad_()
        self.b = torch.zeros(1, dtype=w.dtype, device=w.device, requires_grad=True)
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


def draw(size: int, features: int, seed: int, device: torch.device) -> Update:
    """Return an update whose batch is normal random numbers, the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    X, y, w = (
        torch.randn(shape, generator=generator).to(device)
        for shape in ((size, features), (size,), (features, 1))
    )
    return Update(X, y, w)


def _reason(error: Exception) -> str:
    """Return the first line of what went wrong, without folders, which may name a person."""
    lines = str(error).strip().splitlines()
    return f"torch.compile: {_FOLDERS.sub('', lines[0]) if lines else type(error).__name__}"
