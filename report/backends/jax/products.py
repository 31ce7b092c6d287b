"""Matrix products, as the chapter writes them, on arrays that cannot be assigned to.

`A.at[i, j].set(...)` is a new matrix with one element replaced. Called by itself it copies all of A
for each element, so it is written as JAX's users write it: in a compiled function that A is donated
to, which may then write into A's memory. One call is still made for each element, column, row or
block, from a loop in Python.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from report.backends import allocating, by_strategy, largest_error, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.worker.checks import Look

DTYPES = ("float32", "float64", "bfloat16", "float16")


class Latest:
    """The result of the last call, which is all that there is to wait for.

    A device works off what it is given one after the other (tried on the CPU: of independent
    programs, none ran beside another, and the last to be called was the last to be done).
    """

    result: Any = ()

    def wait(self) -> None:
        """Wait until the result is there."""
        jax.block_until_ready(self.result)


def device_of(name: str) -> Any:
    """Return the device of a name such as "cpu" or "cuda:1"."""
    kind, _, index = name.partition(":")
    return jax.devices("gpu" if kind == "cuda" else kind)[int(index or 0)]


def why_not(device: str, dtype: str) -> str | None:
    """Return why a product of a dtype does not come out right on a device; None if it does."""

    def product() -> bool:
        with jax.default_device(device_of(device)), jax.enable_x64(dtype == "float64"):
            twos = jnp.full((8, 8), 2, dtype=dtype)
            A = jnp.matmul(twos, twos)
            return bool(A.dtype == dtype and (A == 32).all())

    return refusal(product)


@partial(jax.jit, donate_argnames="A")
def set_element(A: jax.Array, B: jax.Array, C: jax.Array, i: int, j: int) -> jax.Array:
    """Return A with one element set to the dot product of a row and a column."""
    return A.at[i, j].set(jnp.dot(B[i, :], C[:, j]))


@partial(jax.jit, donate_argnames="A")
def set_column(A: jax.Array, B: jax.Array, C: jax.Array, j: int) -> jax.Array:
    """Return A with one column set to B times a column of C."""
    return A.at[:, j].set(jnp.matmul(B, C[:, j]))


@partial(jax.jit, donate_argnames="A")
def set_row(A: jax.Array, B: jax.Array, C: jax.Array, i: int) -> jax.Array:
    """Return A with one row set to a row of B times C."""
    return A.at[i, :].set(jnp.matmul(B[i, :], C))


@partial(jax.jit, donate_argnames="A", static_argnames="width")
def set_block(A: jax.Array, B: jax.Array, C: jax.Array, j: int, *, width: int) -> jax.Array:
    """Return A with `width` columns from the j-th on set to B times those of C."""
    columns = lax.dynamic_slice_in_dim(C, j, width, axis=1)
    return lax.dynamic_update_slice_in_dim(A, jnp.matmul(B, columns), j, axis=1)


@partial(jax.jit, donate_argnames="A", keep_unused=True)
def set_all(A: jax.Array, B: jax.Array, C: jax.Array) -> jax.Array:
    """Return B times C in the memory of A."""
    del A  # only its memory is wanted
    return jnp.matmul(B, C)


class Products:
    """B and C, and the last product of them, A; all are n x n."""

    def __init__(self, size: int, dtype: str, seed: int, latest: Latest) -> None:
        """Draw B and C from a standard normal distribution.

        Raises:
            Unavailable: There is not enough memory.
        """
        self._latest, self._in_64_bits = latest, dtype == "float64"
        keys = jax.random.split(jax.random.key(seed))
        with allocating(RuntimeError, "RESOURCE_EXHAUSTED"):
            # Drawn in float32, so that every dtype gets the same numbers.
            B, C = (jax.random.normal(key, (size, size), jnp.float32) for key in keys)
            # With 64-bit numbers off, even a float64 array is multiplied in float32. They are on in
            # these calls only, so that nothing else is compiled for them.
            with jax.enable_x64(self._in_64_bits):
                self.B, self.C = B.astype(dtype), C.astype(dtype)
                self.A = jax.block_until_ready(jnp.zeros_like(self.B))

    def error(self, look: Look) -> float:
        """Return the largest error of A, and forget A: the next call must compute all of it."""
        matrices = jax.device_get((self.A, self.B, self.C))
        found = largest_error(matrices, look, np.asarray)
        with jax.enable_x64(self._in_64_bits):
            self._keep(jax.block_until_ready(jnp.zeros_like(self.B)))
        return found

    def call(self, strategy: str, block_width: int) -> Callable[[], object]:
        """Return a function that computes A = BC once."""
        method = by_strategy(self, strategy, block_width)
        return partial(_in_64_bits, method) if self._in_64_bits else method

    def element(self) -> None:
        """Compute each element as the dot product of a row and a column."""
        A, B, C = self.A, self.B, self.C
        n = len(A)
        for i in range(n):
            for j in range(n):
                A = set_element(A, B, C, i, j)
        self._keep(A)

    def column(self) -> None:
        """Compute each column as B times a column of C."""
        A, B, C = self.A, self.B, self.C
        for j in range(len(A)):
            A = set_column(A, B, C, j)
        self._keep(A)

    def row(self) -> None:
        """Compute each row as a row of B times C."""
        A, B, C = self.A, self.B, self.C
        for i in range(len(A)):
            A = set_row(A, B, C, i)
        self._keep(A)

    def block(self, width: int) -> None:
        """Compute `width` columns at a time; the last block may be narrower."""
        A, B, C = self.A, self.B, self.C
        n = len(A)
        for j in range(0, n, width):
            A = set_block(A, B, C, j, width=min(width, n - j))
        self._keep(A)

    def full(self) -> None:
        """Compute the product in one go, into new memory each time."""
        self._keep(jnp.matmul(self.B, self.C))

    def full_out(self) -> None:
        """Compute the product in one go, into the memory of the last one, which is donated."""
        self._keep(set_all(self.A, self.B, self.C))

    def _keep(self, A: Any) -> None:
        self.A = self._latest.result = A


def _in_64_bits(call: Callable[[], object]) -> None:
    """Call with 64-bit numbers switched on, which takes half a microsecond (measured here)."""
    with jax.enable_x64(True):  # noqa: FBT003 (a switch)
        call()
