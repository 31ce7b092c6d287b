"""The chapter's linear regression, from scratch and with Keras.

Trained batch by batch, or a whole epoch as one compiled program.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from report.backends import rate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from report.experiments.training.measure import Run, Start
    from report.worker.curve import Curve

    Examples = tuple[tf.Tensor, tf.Tensor]


def linreg(X: tf.Tensor, w: tf.Variable, b: tf.Variable) -> tf.Tensor:
    """Return the linear model's outputs, (batch, 1)."""
    return tf.matmul(X, w) + b


def squared_loss(y_hat: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Return half the squared error of each example, (batch, 1)."""
    return (y_hat - tf.reshape(y, (-1, 1))) ** 2 / 2


def sgd(
    params: Sequence[tf.Variable],
    grads: Sequence[tf.Tensor],
    states: None,
    hyperparams: dict[str, Any],
) -> None:
    """Take one step of stochastic gradient descent."""
    del states  # plain SGD keeps none
    for param, grad in zip(params, grads, strict=True):
        param.assign_sub(hyperparams["lr"] * grad)


class Scratch:
    """The chapter's own model, loss and optimizer."""

    def __init__(self, features: int, dtype: tf.DType) -> None:
        """Have parameters of 0."""
        self.w = tf.Variable(tf.zeros((features, 1), dtype))
        self.b = tf.Variable(tf.zeros(1, dtype))
        self.hyperparams = {"lr": 0.0}
        # A plain number would be compiled in, so that every rate would be another program.
        self.compiled_hyperparams = {"lr": tf.Variable(0, dtype=dtype, trainable=False)}

    def restart(self, weights: tf.Tensor, lr: float) -> None:
        """Take initial weights, (features), a bias of 0, and a rate for half the squared errors."""
        self.w.assign(tf.reshape(weights, (-1, 1)))
        self.b.assign(tf.zeros_like(self.b))
        self.hyperparams["lr"] = lr
        self.compiled_hyperparams["lr"].assign(lr)

    def step(self, X: tf.Tensor, y: tf.Tensor) -> None:
        """Update once: forward, backward, a step of SGD."""
        with tf.GradientTape() as tape:
            loss = self.loss(X, y)
        params = [self.w, self.b]
        eager = tf.executing_eagerly()
        hyperparams = self.hyperparams if eager else self.compiled_hyperparams
        sgd(params, tape.gradient(loss, params), None, hyperparams)

    def loss(self, X: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """Return the mean of half the squared errors, a scalar."""
        return tf.reduce_mean(squared_loss(linreg(X, self.w, self.b), y))


class Concise:
    """Keras' layer, loss and optimizer."""

    def __init__(self, features: int, dtype: tf.DType) -> None:
        """Have parameters of 0."""
        layer = tf.keras.layers.Dense(1, dtype=dtype.name)
        self.net = tf.keras.Sequential([tf.keras.Input((features,), dtype=dtype.name), layer])
        # Without its dtype it would compute in float32 whatever it is given.
        self.mse = tf.keras.losses.MeanSquaredError(dtype=dtype.name)
        self.optimizer = tf.keras.optimizers.SGD()
        self.optimizer.build(self.net.trainable_variables)

    def restart(self, weights: tf.Tensor, lr: float) -> None:
        """Take initial weights, (features), a bias of 0, and a rate for half the squared errors."""
        kernel, bias = self.net.trainable_variables
        kernel.assign(tf.reshape(weights, (-1, 1)))
        bias.assign(tf.zeros_like(bias))
        self.optimizer.learning_rate = lr / 2  # of a loss without the 1/2, as Keras' is

    def step(self, X: tf.Tensor, y: tf.Tensor) -> None:
        """Update once: forward, backward, a step of SGD."""
        with tf.GradientTape() as tape:
            loss = self.mse(y, self.net(X))
            params = self.net.trainable_variables
            # Within the tape, as in the chapter's listing, so that this is recorded as well.
            grads = tape.gradient(loss, params)
        self.optimizer.apply_gradients(zip(grads, params, strict=True))

    def loss(self, X: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """Return the mean of half the squared errors, a scalar."""
        return self.mse(y, self.net(X)) / 2


def in_order(X: tf.Tensor, y: tf.Tensor, order: tf.Tensor) -> Examples:
    """Bring features and targets into an epoch's order."""
    return tf.gather(X, order), tf.gather(y, order)


BUFFER = 1000
"""Examples among which the book's loader draws the next one."""

_SEED = 1


@functools.cache
def _places(examples: int) -> tf.Tensor:
    """Return which example the shuffling brings first, second, ...: each time the same."""
    shuffled = _shuffled(tf.data.Dataset.range(examples))
    return next(iter(shuffled.batch(examples)))


def _shuffled(examples: tf.data.Dataset) -> tf.data.Dataset:
    return examples.shuffle(BUFFER, seed=_SEED, reshuffle_each_iteration=False)


def loaded(X: tf.Tensor, y: tf.Tensor, batch_size: int, order: tf.Tensor) -> tf.data.Dataset:
    """Return TensorFlow's own data set of batches, shuffled as the book does it.

    All runs and frameworks must see the same order, so that the shuffling has a fixed seed, and the
    examples are handed to it such that it brings them into the order that is wanted.
    """
    places = _places(order.shape[0])
    before = tf.scatter_nd(places[:, tf.newaxis], order, places.shape)
    examples = tf.data.Dataset.from_tensor_slices(in_order(X, y, before))
    return _shuffled(examples).batch(batch_size)


def sliced(X: tf.Tensor, y: tf.Tensor, batch_size: int) -> Iterator[Examples]:
    """Cut batches off tensors."""
    for i in range(0, len(y), batch_size):
        yield X[i : i + batch_size], y[i : i + batch_size]


class Trainer:
    """A model, and what is compiled of its training.

    It is kept and restarted: another model would have to be compiled again.
    """

    def __init__(self, model: Scratch | Concise) -> None:
        """Compile nothing yet: that happens at the first call with each shape."""
        self.model = model
        self._step = tf.function(model.step)
        self._loaded_epoch: Callable[[Any], object] = tf.function(self._over_loaded)
        self._sliced_epoch = tf.function(self._over_sliced)

    def _over_loaded(self, batches: tf.data.Dataset) -> None:
        for X, y in batches:
            self.model.step(X, y)

    def _over_sliced(self, X: tf.Tensor, y: tf.Tensor, batch_size: tf.Tensor) -> None:
        for i in tf.range(0, len(y), batch_size):
            self.model.step(X[i : i + batch_size], y[i : i + batch_size])

    def train(self, run: Run, data: Examples, start: Start, curve: Curve) -> None:
        """Train once on features, (n, d), and targets, (n), and fill the curve."""
        X, y = (tf.concat([values] * run.copies, axis=0) for values in data)
        orders = [tf.constant(order) for order in start.orders[: run.epochs]]
        self.model.restart(tf.constant(start.weights, X.dtype), rate(run))
        curve.evaluate = lambda: float(self.model.loss(*data))
        size = run.batch_size
        ordered = (in_order(X, y, order) for order in orders)
        epochs: Iterable[Any] = ordered
        if run.loader == "dataloader":
            # Made beforehand, as the book makes its one: it takes longer than many an epoch.
            epochs = [loaded(X, y, size, order) for order in orders]
        elif run.variant != "epoch":
            epochs = (sliced(X, y, size) for X, y in ordered)
        step = self._step if run.variant == "compiled" else self.model.step
        whole_epoch = self._epoch(run)
        curve.start()
        n = 0
        for batches in epochs:
            if run.variant == "epoch":
                whole_epoch(batches)
                n += len(y)
            else:
                for X_batch, y_batch in batches:
                    step(X_batch, y_batch)
                    n += X_batch.shape[0]
                    if n >= curve.due:
                        curve.point(n)
            if not curve.end_epoch(n):
                break

    def _epoch(self, run: Run) -> Callable[[Any], object]:
        """Return the compiled program of an epoch, which takes a data set or ordered examples."""
        if run.loader == "dataloader":
            return self._loaded_epoch
        # As a plain number it would be compiled in, so that every size would be another program.
        batch_size = tf.constant(run.batch_size)
        return lambda ordered: self._sliced_epoch(*ordered, batch_size)
