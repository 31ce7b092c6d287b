"""Training from scratch: the chapter's model, loss and SGD as functions that JAX transforms."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax

from report.backends import rate

if TYPE_CHECKING:
    from report.backends.jax.products import Latest
    from report.experiments.training.measure import Data, Run, Start
    from report.worker.curve import Curve

    Params = tuple[jax.Array, jax.Array]


def linreg(X: jax.Array, w: jax.Array, b: jax.Array) -> jax.Array:
    """Return the linear model's outputs, (batch, 1)."""
    return jnp.matmul(X, w) + b


def squared_loss(y_hat: jax.Array, y: jax.Array) -> jax.Array:
    """Return half the squared error of each example, (batch, 1)."""
    return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2


def mean_loss(params: Params, X: jax.Array, y: jax.Array) -> jax.Array:
    """Return the mean of half the squared errors, a scalar."""
    return squared_loss(linreg(X, *params), y).mean()


def sgd(params: Params, grads: Params, lr: jax.Array) -> Any:
    """Return the parameters after one step of stochastic gradient descent."""
    return jax.tree.map(lambda p, grad: p - lr * grad, params, grads)


def update(params: Params, X: jax.Array, y: jax.Array, lr: jax.Array) -> tuple[Params, jax.Array]:
    """Update once with a batch; return the parameters after it and the loss before it."""
    loss, grads = jax.value_and_grad(mean_loss)(params, X, y)
    return sgd(params, grads, lr), loss


def update_slice(  # noqa: PLR0913, PLR0917 (all that one program needs)
    params: Params, X: jax.Array, y: jax.Array, begin: int, size: int, lr: jax.Array
) -> tuple[Params, jax.Array]:
    """Cut a batch off all examples, then update once with it."""
    X, y = (lax.dynamic_slice_in_dim(values, begin, size) for values in (X, y))
    return update(params, X, y, lr)


def update_epoch(  # noqa: PLR0913, PLR0917 (all that one program needs)
    params: Params, X: jax.Array, y: jax.Array, order: jax.Array, size: int, lr: jax.Array
) -> tuple[Params, jax.Array]:
    """Bring all examples into an order, then update with one batch after the other.

    A last batch that is smaller has another shape, so it does not belong to the scan.
    """
    X, y = shuffle(X, y, order)
    count = len(y) // size
    whole = count * size
    batches = X[:whole].reshape(count, size, X.shape[1]), y[:whole].reshape(count, size)
    params, losses = lax.scan(lambda p, batch: update(p, batch[0], batch[1], lr), params, batches)
    if whole < len(y):
        params, _ = update(params, X[whole:], y[whole:], lr)
    return params, losses


def shuffle(X: jax.Array, y: jax.Array, order: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the examples in an order."""
    return X[order], y[order]


# Each is compiled once for every shape, and the programs stay for as long as the process lives.
compiled_loss = jax.jit(mean_loss)
compiled_update = jax.jit(update)
compiled_shuffle = jax.jit(shuffle)
compiled_update_slice = jax.jit(update_slice, static_argnames="size")
compiled_update_epoch = jax.jit(update_epoch, static_argnames="size")


def train(run: Run, data: Data, start: Start, curve: Curve, latest: Latest) -> None:
    """Train once and fill the curve: with a call for each update, or for each epoch."""
    asarray = partial(jnp.array, dtype=data.dtype)
    features = asarray(data.features).reshape(data.examples, -1)
    targets = asarray(data.targets)
    X_all, y_all = jnp.tile(features, (run.copies, 1)), jnp.tile(targets, run.copies)
    orders = [jnp.array(order) for order in start.orders[: run.epochs]]
    lr, total = asarray(rate(run)), len(y_all)
    compiled = run.variant == "compiled"
    in_order, step = (
        (compiled_shuffle, compiled_update_slice) if compiled else (shuffle, update_slice)
    )
    latest.result = asarray(start.weights).reshape(-1, 1), asarray([0])
    curve.evaluate = lambda: float(compiled_loss(latest.result, features, targets))
    curve.start()
    n = 0
    for order in orders:
        if run.variant == "epoch":
            latest.result, _ = compiled_update_epoch(
                latest.result, X_all, y_all, order, run.batch_size, lr
            )
            n += total
        else:
            X, y = in_order(X_all, y_all, order)
            for begin in range(0, total, run.batch_size):
                size = min(run.batch_size, total - begin)
                latest.result, _ = step(latest.result, X, y, begin, size, lr)
                n += size
                if n >= curve.due:
                    curve.point(n)
        if not curve.end_epoch(n):
            break
