"""Going through memory in compiled loops: what reading and writing takes if no library is called.

Where several threads take part, each keeps to its own part of the numbers.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from report.backends import SCALAR, WINDOWS, allocating, chunks, cut, in_turn
from report.backends.numba.loops import compiled, compiled_parallel
from report.backends.numba.products import DTYPES
from report.worker import host
from report.worker.records import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from report.experiments.bandwidth.measure import Access

    Array = npt.NDArray[Any]

CHAIN = np.dtype("uint64")

LINE_ITEMS = 8
"""Positions of a chain lie so many items apart, 64 bytes: each on a cache line of its own."""


@compiled
def total(x: Array) -> Any:
    """Return the sum of some numbers."""
    found = x.dtype.type(0)
    for i in range(len(x)):
        found += x[i]
    return found


@compiled_parallel
def read(x: Array, parts: int, repeats: int, out: Array) -> None:
    """Read all numbers, as fast as a sum does, so many times over; `out` is (parts, repeats)."""
    length = len(x) // parts
    for part in numba.prange(parts):
        mine = x[part * length : (part + 1) * length]
        for again in range(repeats):
            out[part, again] = total(mine)


@compiled
def copy_part(dst: Array, src: Array) -> None:
    """Copy numbers on one thread."""
    for i in range(len(dst)):
        dst[i] = src[i]


@compiled_parallel
def copy(dst: Array, src: Array, parts: int) -> None:
    """Copy numbers."""
    length = len(dst) // parts
    for part in numba.prange(parts):
        begin = part * length
        end = len(dst) if part == parts - 1 else begin + length
        copy_part(dst[begin:end], src[begin:end])


@compiled
def triad_part(a: Array, b: Array, c: Array, s: Any) -> None:
    """Compute a = b + s c on one thread."""
    for i in range(len(a)):
        a[i] = b[i] + s * c[i]


@compiled_parallel
def triad(a: Array, b: Array, c: Array, s: Any, parts: int) -> None:
    """Compute a = b + s c."""
    length = len(a) // parts
    for part in numba.prange(parts):
        begin = part * length
        end = len(a) if part == parts - 1 else begin + length
        triad_part(a[begin:end], b[begin:end], c[begin:end], s)


@compiled
def strided_part(x: Array, stride: int) -> Any:
    """Return the sum of numbers that lie at a distance from each other."""
    found = x.dtype.type(0)
    for i in range(0, len(x), stride):
        found += x[i]
    return found


@compiled_parallel
def strided(x: Array, stride: int, out: Array, parts: int) -> None:
    """Read numbers that lie at a distance from each other; `out` has a place for each part."""
    length = len(x) // stride // parts * stride
    for part in numba.prange(parts):
        begin = part * length
        end = len(x) if part == parts - 1 else begin + length
        out[part] = strided_part(x[begin:end], stride)


@compiled
def gather(values: Array, index: Array, out: Array) -> None:
    """Look values up, on one thread."""
    for i in range(len(index)):
        out[i] = values[index[i]]


@compiled
def chase(chain: Array, at: Array, steps: int) -> None:
    """Visit positions, each read from where the last one lies: none can be fetched ahead."""
    here = at[0]
    for _ in range(steps):
        here = chain[here]
    at[0] = here


class Memory:
    """One buffer; all working sets lie at its beginning, but for chains, which have their own."""

    def __init__(self, threads: Callable[[], int]) -> None:
        """Take what says how many threads are used."""
        self._threads = threads
        self._buffer = np.empty(0, np.float32)
        self._chains: dict[int, Array] = {}

    free_bytes = staticmethod(host.free_bytes)

    def reserve(self, size_bytes: int) -> None:
        """Take a buffer and write to all of it: what was never written has no place of its own.

        Raises:
            Unavailable: There is not so much memory.
        """
        with allocating():
            self._buffer = np.full(-(-size_bytes // 4), 1, np.float32)

    def call(self, access: Access) -> Callable[[], object]:
        """Return a function that accesses the buffer once; it is compiled when this returns.

        Raises:
            Unavailable: There is not enough memory, or no such dtype.
        """
        if access.dtype not in (*DTYPES, CHAIN.name):
            raise Unavailable(f"Numba computes with float32 and float64 here, not {access.dtype}")
        calls: list[Callable[[], object]] = getattr(self, f"_{access.operation}")(access)
        calls[0]()  # compiles it
        return in_turn(calls)

    def arrays(self, access: Access, count: int) -> list[Array]:
        """Return the arrays that share a working set, one behind the other."""
        if access.dtype == CHAIN.name:
            return [self.chain(access.elements, access.seed)]
        flat = self._buffer.view(access.dtype)
        return [flat[k * access.elements : (k + 1) * access.elements] for k in range(count)]

    def chain(self, elements: int, seed: int) -> Array:
        """Return a chain that visits every line of so many elements once, in random order.

        Each position holds the next, and the last one the first (one cycle, so that no part of it
        is visited over and over).

        Raises:
            Unavailable: There is not enough memory.
        """
        if elements not in self._chains:
            lines = max(1, elements // LINE_ITEMS)
            with allocating():
                order = np.random.default_rng(seed).permutation(lines).astype(CHAIN) * LINE_ITEMS
                chain = np.zeros(elements, CHAIN)
                chain[order] = np.roll(order, -1)
            self._chains[elements] = chain
        return self._chains[elements]

    def _read(self, access: Access) -> list[Callable[[], object]]:
        (x,) = self.arrays(access, 1)
        out = np.empty((access.parts, access.repeats), x.dtype)
        parts, repeats = access.parts, access.repeats
        return [partial(read, chunk, parts, repeats, out) for chunk in chunks(x, access.chunk)]

    def _copy(self, access: Access) -> list[Callable[[], object]]:
        pieces = cut(self.arrays(access, 2), access.chunk)
        return [self._on_threads(copy, *each) for each in pieces]

    def _triad(self, access: Access) -> list[Callable[[], object]]:
        arrays = self.arrays(access, 3)
        s = arrays[0].dtype.type(SCALAR)
        return [self._on_threads(triad, *each, s) for each in cut(arrays, access.chunk)]

    def _on_threads(self, loop: Callable[..., None], *arguments: Any) -> Callable[[], object]:
        # Asked at each call: series take turns, and each has its own number of threads.
        return lambda: loop(*arguments, self._threads())

    def _strided(self, access: Access) -> list[Callable[[], object]]:
        (x,) = self.arrays(access, 1)
        out = np.empty(os.cpu_count() or 1, x.dtype)
        stride = access.stride
        return [
            self._on_threads(strided, chunk, stride, out)
            for chunk in chunks(x, access.chunk * stride)
        ]

    def _gather(self, access: Access) -> list[Callable[[], object]]:
        (x,) = self.arrays(access, 1)
        out = np.empty(access.chunk, x.dtype)
        if access.order == "sequential":
            index = np.arange(access.chunk, dtype=CHAIN)
            return [partial(gather, chunk, index, out) for chunk in chunks(x, access.chunk)]
        rng = np.random.default_rng(access.seed)
        lists = 1 if access.chunk == access.elements else WINDOWS
        positions = rng.integers(access.elements, size=(lists, access.chunk), dtype=CHAIN)
        return [partial(gather, x, index, out) for index in positions]

    def _chase(self, access: Access) -> list[Callable[[], object]]:
        chain = self.chain(access.elements, access.seed)
        return [partial(chase, chain, np.zeros(1, CHAIN), access.chunk)]
