"""The chapter's linear regression, from scratch and with Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Sequence


def linreg(X: tf.Tensor, w: tf.Variable, b: tf.Variable) -> tf.Tensor:
    """Return the linear model's outputs, (batch, 1)."""
    return tf.matmul(X, w) + b


def squared_loss(y_hat: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Return half the squared error of each example, (batch, 1)."""
    return (y_hat - tf.reshape(y, (-1, 1))) ** 2 / 2


def sgd(params: Sequence[tf.Variable], grads: Sequence[tf.Tensor], lr: tf.Variable) -> None:
    """Take one step of stochastic gradient descent."""
    for p, grad in zip(params, grads, strict=True):
        p.assign_sub(lr * grad)


class Model(Protocol):
    """A linear regression that can be updated with one batch after the other."""

    def restart(self, weights: tf.Tensor, lr: float, loss: str) -> None:
        """Take initial weights, (features), a bias of 0, and the rate that belongs to a loss."""

    def step(self, X: tf.Tensor, y: tf.Tensor) -> None:
        """Update once: forward, backward, a step of SGD."""

    def loss(self, X: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """Return the mean of half the squared errors, a scalar."""


class Scratch:
    """The chapter's own model, loss and optimizer."""

    def __init__(self, features: int, dtype: tf.DType) -> None:
        """Have parameters of 0."""
        self.w = tf.Variable(tf.zeros((features, 1), dtype))
        self.b = tf.Variable(tf.zeros(1, dtype))
        # A plain number would be compiled in, so that every rate would be another program.
        self.lr = tf.Variable(0, dtype=dtype, trainable=False)

    def restart(self, weights: tf.Tensor, lr: float, loss: str) -> None:
        """Take initial weights, (features), a bias of 0, and the rate that belongs to a loss."""
        self.w.assign(tf.reshape(weights, (-1, 1)))
        self.b.assign(tf.zeros_like(self.b))
        # Twice the rate for a rate that belongs to a loss without 1/2: the same step.
        self.lr.assign(lr * (2 if loss == "mse" else 1))

    def step(self, X: tf.Tensor, y: tf.Tensor) -> None:
        """Update once: forward, backward, a step of SGD."""
        with tf.GradientTape() as tape:
            loss = self.loss(X, y)
        params = [self.w, self.b]
        sgd(params, tape.gradient(loss, params), self.lr)

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

    def restart(self, weights: tf.Tensor, lr: float, loss: str) -> None:
        """Take initial weights, (features), a bias of 0, and the rate that belongs to a loss."""
        kernel, bias = self.net.trainable_variables
        kernel.assign(tf.reshape(weights, (-1, 1)))
        bias.assign(tf.zeros_like(bias))
        # Half the rate for a rate that belongs to a loss with 1/2, which Keras' lacks.
        self.optimizer.learning_rate = lr / (2 if loss == "half_squared" else 1)

    def step(self, X: tf.Tensor, y: tf.Tensor) -> None:
        """Update once: forward, backward, a step of SGD."""
        with tf.GradientTape() as tape:
            loss = self.mse(y, self.net(X))
        params = self.net.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, params), params, strict=True))

    def loss(self, X: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """Return the mean of half the squared errors, a scalar."""
        return self.mse(y, self.net(X)) / 2
