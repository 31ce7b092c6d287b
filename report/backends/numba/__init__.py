"""Numba: plain loops, compiled. Runs in the worker; the parent never imports it.

What the same arithmetic costs with no framework at all: nothing is dispatched but one call for each
product, epoch or update, and no library is called within it.
"""

from __future__ import annotations

from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

import numba
import numpy as np

from report.backends import UPDATE_LR
from report.backends.numba import training
from report.backends.numba.loops import Threads, add
from report.backends.numba.memory import Memory
from report.backends.numba.products import DTYPES, Products
from report.worker.records import Environment, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable


class Session:
    """Compiled loops on the CPU."""

    def __init__(self, device: str, threads: int) -> None:
        """Take the CPU and a number of its threads.

        Raises:
            Unavailable: Numba cannot use them.
        """
        if device != "cpu":
            raise Unavailable(f"Numba compiles for the CPU here and not for {device}")
        self._threads = Threads()
        self.set_threads(threads)

    def synchronize(self) -> None:
        """Wait for nothing: the CPU has done its work when a call returns."""

    def set_threads(self, threads: int) -> None:
        """Deal the rows of full products out to this many CPU threads from now on.

        All else takes one.
        """
        self._threads.set(threads)

    def threads(self) -> int:
        """Return how many CPU threads are used now."""
        return int(numba.get_num_threads())

    def products(self, size: int, dtype: str, seed: int) -> Products:
        """Make two normal n x n matrices from a seed."""
        if dtype not in DTYPES:
            raise Unavailable(f"Numba compiles loops over float32 and float64 here, not {dtype}")
        return Products(size, dtype, seed, self._threads)

    def memory(self) -> Memory:
        """Return the host's memory."""
        return Memory(lambda: self._threads.count)

    def addition(self, size: int) -> Callable[[], object]:
        """Return a call that adds two vectors; see `report.experiments.overhead.measure`."""
        return addition(size)

    def update(self, size: int, features: int, seed: int, *, compiled: bool) -> Update:
        """Return a training update on a fixed batch; compiling it takes about a second."""
        if not compiled:
            raise Unavailable("Numba compiles; there is nothing eager")
        return Update(size, features, seed)

    train = staticmethod(training.train)


def addition(size: int) -> Callable[[], object]:
    """Return a call that adds two vectors into a third that is kept; it is compiled.

    Args:
        size: Elements of each.
    """
    a, b, c = (np.ones(size, np.float32) for _ in range(3))
    add(a[:0], b[:0], c[:0])
    # Not a function of Python's own, whose call would be a good part of what is measured.
    return partial(add, a, b, c)


class Update:
    """The chapter's linear regression, updated with one batch in one compiled program."""

    step: Callable[[], object]

    def __init__(self, size: int, features: int, seed: int) -> None:
        """Draw a batch and initial weights from a seed; compile the update, and update once."""
        rng = np.random.default_rng(seed)
        X, y, w = (
            rng.standard_normal(shape, dtype=np.float32)
            for shape in ((size, features), (size,), (features,))
        )
        step, theta = training.program(features, "float32").step, np.append(w, np.float32(0))
        self.step = partial(step, X, y, theta, np.float32(UPDATE_LR))
        self.step()


def environment() -> Environment:
    """Describe Numba and what it stands on; no BLAS, since none is called."""
    threads = numba.config.NUMBA_NUM_THREADS
    numba.set_num_threads(threads)  # starts them, if nothing else has
    return Environment(
        backend="numba",
        versions={name: version(name) for name in ("numba", "llvmlite", "numpy")},
        threads=threads,
        pools=[f"{numba.threading_layer()}: Numba, {threads} threads"],
        dtypes={"cpu": [*DTYPES]},
    )
