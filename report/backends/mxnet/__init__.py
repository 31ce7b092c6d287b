"""MXNet, as the chapter writes it. Runs in the worker; the parent never imports it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mxnet import np, npx

from report.backends.mxnet import products, steps, threads, training
from report.backends.mxnet.environment import environment, multiplies
from report.worker.records import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.backends.mxnet.products import Products
    from report.backends.mxnet.steps import Update
    from report.experiments.training.measure import Data, Run, Start
    from report.worker.timing import Curve

__all__ = ["Session", "environment", "session"]

npx.set_np()


class Session:
    """MXNet on the CPU."""

    def __init__(self, device: str, threads: int) -> None:
        """Take a device and a number of CPU threads."""
        if device != "cpu":
            raise Unavailable("MXNet is measured on the CPU only")
        self.set_threads(threads)
        # Operations are queued; this waits for all of them, and raises what went wrong in one.
        self.synchronize = npx.waitall

    def set_threads(self, count: int) -> None:
        """Use this many CPU threads from now on."""
        threads.use(count)

    def products(self, size: int, dtype: str, seed: int) -> Products:
        """Make two normal n x n matrices from a seed."""
        if not multiplies(dtype):
            raise Unavailable(f"MXNet multiplies no {dtype} on a CPU")
        return products.draw(size, dtype, seed)

    def addition(self, size: int) -> Callable[[], object]:
        """Return a call that adds two vectors; see `report.experiments.overhead.measure`."""
        return steps.addition(size)

    def update(self, size: int, features: int, seed: int, *, compiled: bool) -> Update:
        """Return a training update on a fixed batch."""
        update = steps.draw(size, features, seed)
        if compiled:
            update.compile()
        return update

    def train(self, run: Run, data: Data, start: Start, curve: Curve) -> None:
        """Train once and fill the curve; see `report.experiments.training.measure`."""
        features, targets, weights = (
            np.array(values, dtype=data.dtype)
            for values in (data.features, data.targets, start.weights)
        )
        features = features.reshape(data.examples, -1)
        X, y = (np.concatenate([values] * run.copies) for values in (features, targets))
        orders = start.orders[: run.epochs]
        if run.loader == "dataloader":
            epochs = training.loaded(X, y, run.batch_size, orders)
        else:
            indices = [np.array(order, dtype="int32") for order in orders]
            epochs = (training.sliced(X, y, run.batch_size, order) for order in indices)
        train = (
            training.train_concise if run.implementation == "concise" else training.train_scratch
        )
        train(run, weights, (features, targets), epochs, curve)


session = Session
