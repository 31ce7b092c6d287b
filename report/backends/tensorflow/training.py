"""Training on TensorFlow: batch by batch, or a whole epoch as one compiled program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from report.backends.tensorflow.models import Model
    from report.experiments.training.measure import Run, Start
    from report.worker.timing import Curve

    Examples = tuple[tf.Tensor, tf.Tensor]


def in_order(X: tf.Tensor, y: tf.Tensor, order: tf.Tensor) -> Examples:
    """Bring features and targets into an epoch's order."""
    return tf.gather(X, order), tf.gather(y, order)


def loaded(X: tf.Tensor, y: tf.Tensor, batch_size: int) -> tf.data.Dataset:
    """Return TensorFlow's own data set of batches.

    Its own shuffling would draw the order inside; here all runs and frameworks must see the same.
    """
    return tf.data.Dataset.from_tensor_slices((X, y)).batch(batch_size)


def sliced(X: tf.Tensor, y: tf.Tensor, batch_size: int) -> Iterator[Examples]:
    """Cut batches off tensors."""
    for i in range(0, len(y), batch_size):
        yield X[i : i + batch_size], y[i : i + batch_size]


class Trainer:
    """A model, and what is compiled of its training.

    It is kept and restarted: another model would have to be compiled again.
    """

    def __init__(self, model: Model) -> None:
        """Compile nothing yet: that happens at the first call with each shape."""
        self.model = model
        self._step = tf.function(model.step)
        self._loaded_epoch = tf.function(self._over_loaded)
        self._sliced_epoch = tf.function(self._over_sliced)

    def _over_loaded(self, batches: tf.data.Dataset) -> None:
        for X, y in batches:
            self.model.step(X, y)

    def _over_sliced(self, X: tf.Tensor, y: tf.Tensor, batch_size: tf.Tensor) -> None:
        for i in tf.range(0, len(y), batch_size):
            self.model.step(X[i : i + batch_size], y[i : i + batch_size])

    def train(self, run: Run, data: Examples, start: Start, curve: Curve) -> None:
        """Train once and fill the curve.

        Args:
            run: How.
            data: Features, (examples, features), and targets, (examples).
            start: Initial weights and the epochs' orders.
            curve: Gets the losses on the data.
        """
        X, y = (tf.concat([values] * run.copies, axis=0) for values in data)
        orders = [tf.constant(order) for order in start.orders[: run.epochs]]
        self.model.restart(tf.constant(start.weights, X.dtype), run.lr, run.loss)
        curve.evaluate = lambda: float(self.model.loss(*data))
        size = run.batch_size
        ordered = (in_order(X, y, order) for order in orders)
        epochs: Iterable[Any] = ordered
        if run.loader == "dataloader":
            # Made beforehand, as the book makes its one: it takes longer than many an epoch.
            epochs = [loaded(X, y, size) for X, y in ordered]
        if run.variant == "epoch":
            _epoch_by_epoch(self._epoch(run), epochs, len(y), curve)
            return
        if run.loader == "sliced":
            epochs = (sliced(X, y, size) for X, y in ordered)
        _batch_by_batch(self._step if run.variant == "compiled" else self.model.step, epochs, curve)

    def _epoch(self, run: Run) -> Callable[[Any], object]:
        """Return the compiled program of an epoch, which takes a data set or ordered examples."""
        if run.loader == "dataloader":
            whole: Callable[[Any], object] = self._loaded_epoch
            return whole
        # As a plain number it would be compiled in, so that every size would be another program.
        batch_size = tf.constant(run.batch_size)
        return lambda ordered: self._sliced_epoch(*ordered, batch_size)


def _batch_by_batch(
    step: Callable[[tf.Tensor, tf.Tensor], object],
    epochs: Iterable[Iterable[Examples]],
    curve: Curve,
) -> None:
    curve.start()
    n = 0
    for batches in epochs:
        for X, y in batches:
            step(X, y)
            n += len(X)
            if n >= curve.due:
                curve.point(n)
        if not curve.end_epoch(n):
            break


def _epoch_by_epoch(
    epoch: Callable[[Any], object], epochs: Iterable[Any], examples: int, curve: Curve
) -> None:
    curve.start()
    for number, batches in enumerate(epochs, 1):
        epoch(batches)
        if not curve.end_epoch(number * examples):
            break
