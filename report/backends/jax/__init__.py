"""JAX, as its practitioners write it. Runs in the worker; the parent never imports it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax

from report.backends.jax import products, steps, training
from report.backends.jax.dispatch import POOL, Latest
from report.backends.jax.environment import device_of, environment, multiplies
from report.worker.records import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.backends.jax.products import Products
    from report.backends.jax.steps import Update
    from report.experiments.training.measure import Data, Run, Start
    from report.worker.timing import Curve

__all__ = ["Session", "environment", "session"]


class Session:
    """JAX on one device."""

    def __init__(self, device: str, threads: int) -> None:
        """Take a device and a number of CPU threads, which only a process's first session sets."""
        self.device = device
        self._threads = threads
        self._latest = Latest()
        self.synchronize = self._latest.wait
        POOL.start(threads)
        jax.config.update("jax_default_device", device_of(device))
        if device != "cpu":
            # Else float32 is multiplied as TF32 where that exists.
            jax.config.update("jax_default_matmul_precision", "highest")

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads from now on.

        Raises:
            Unavailable: The process has started with another number.
        """
        POOL.require(threads)

    def products(self, size: int, dtype: str, seed: int) -> Products:
        """Make two normal n x n matrices from a seed."""
        if not multiplies(self.device, dtype):
            raise Unavailable(f"JAX multiplies no {dtype} on {self.device}")
        return products.draw(size, dtype, seed, self._latest)

    def addition(self, size: int) -> Callable[[], object]:
        """Return a call that adds two vectors; see `report.experiments.overhead.measure`."""
        POOL.require(self._threads)
        return steps.addition(size, self._latest)

    def update(self, size: int, features: int, seed: int, *, compiled: bool) -> Update:
        """Return a training update on a fixed batch; compiling it takes part of a second."""
        POOL.require(self._threads)
        update = steps.Update(size, features, seed, self._latest)
        if compiled:
            update.compile()
        return update

    def train(self, run: Run, data: Data, start: Start, curve: Curve) -> None:
        """Train once and fill the curve; see `report.experiments.training.measure`."""
        POOL.require(self._threads)
        with jax.enable_x64(data.dtype == "float64"):
            training.train(run, data, start, curve, self._latest)


session = Session
