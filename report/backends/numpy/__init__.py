"""NumPy, as one trains with it by hand. Runs in the worker; the parent never imports it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from report.backends.numpy import blas, products, steps, training
from report.backends.numpy.environment import environment, multiplies
from report.worker.records import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.backends.numpy.products import Products
    from report.backends.numpy.steps import Update
    from report.experiments.training.measure import Data, Run, Start
    from report.worker.timing import Curve

__all__ = ["Session", "environment", "session"]


class Session:
    """NumPy on the CPU."""

    def __init__(self, device: str, threads: int) -> None:
        """Take the CPU and a number of its threads.

        Raises:
            Unavailable: NumPy cannot use them.
        """
        if device != "cpu":
            raise Unavailable(f"NumPy computes on the CPU and not on {device}")
        self.set_threads(threads)

    def synchronize(self) -> None:
        """Wait for nothing: the CPU has done its work when a call returns."""

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads in products from now on."""
        blas.set_threads(threads)

    def products(self, size: int, dtype: str, seed: int) -> Products:
        """Make two normal n x n matrices from a seed."""
        if not multiplies(dtype):
            raise Unavailable(f"NumPy has no {dtype}")
        return products.draw(size, dtype, seed)

    def addition(self, size: int) -> Callable[[], object]:
        """Return a call that adds two vectors; see `report.experiments.overhead.measure`."""
        return steps.addition(size)

    def update(self, size: int, features: int, seed: int, *, compiled: bool) -> Update:
        """Return a training update on a fixed batch."""
        if compiled:
            raise Unavailable("NumPy compiles nothing")
        return steps.draw(size, features, seed)

    def train(self, run: Run, data: Data, start: Start, curve: Curve) -> None:
        """Train once and fill the curve; see `report.experiments.training.measure`."""
        # A run that diverges is told by its loss.
        with np.errstate(over="ignore", invalid="ignore"):
            training.train(run, data, start, curve)


session = Session
