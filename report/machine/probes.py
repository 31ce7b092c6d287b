"""Short fixed computations, timed beside each record to see whether the machine is what it was."""

from __future__ import annotations

import functools
import hashlib
import time
from typing import TYPE_CHECKING

import numpy as np

from report.worker.records import Probe
from report.worker.timing import nanoseconds

if TYPE_CHECKING:
    from collections.abc import Callable

TIMED_S = 0.004
"""Of repetitions of each, without a break: taken in turn with the others, the same hash scatters
half as much again and drifts three times as far on a quiet machine (measured here)."""

LEAST = 3
"""Repetitions of each, also on a slow machine."""

# A core at rest needs time to wake up: its clock rises for as long as hashing becomes faster.
_SETTLED_S = 0.004
_LONGEST_S = 0.1

# Memory delivers it many times faster than it can be hashed, so that only the clock shows.
_BUFFER = bytes(2**20)

# So small that no BLAS takes a second thread for it: OpenBLAS does so above 2^18 multiplications.
_SIDE = 64
_PRODUCTS = 80

# Two of these are more than the caches of any one core (2 MiB where this was written), and 0.7 ms a
# copy there; the last cache of 480 MiB is shared with neighbours, and copies of 64 MiB take 10 ms.
_COPIED_BYTES = 2**23

_ADDITIONS = 10_000


def probes() -> list[Probe]:
    """Time the fixed computations; some 25 ms in all."""
    computations = _computations()
    _wake(computations["hash"])
    return [Probe(name=name, seconds=_block(each)) for name, each in computations.items()]


def _block(compute: Callable[[], object]) -> list[float]:
    """Return the seconds of each repetition, the first after one that does not count."""
    compute()
    seconds: list[float] = []
    start_s = time.perf_counter()
    while len(seconds) < LEAST or time.perf_counter() - start_s < TIMED_S:
        seconds.append(_seconds(compute))
    return seconds


def _wake(compute: Callable[[], object]) -> None:
    """Keep the core busy until it has not become faster for a while."""
    start_s = improved_s = end_s = time.perf_counter()
    best_s = float("inf")
    while end_s - improved_s < _SETTLED_S and end_s - start_s < _LONGEST_S:
        span_s, end_s = _seconds(compute), time.perf_counter()
        if span_s < 0.99 * best_s:  # anything less is no sign of a rising clock
            best_s, improved_s = span_s, end_s


def _seconds(compute: Callable[[], object]) -> float:
    begin_ns = time.perf_counter_ns()
    compute()
    return nanoseconds(max(1, time.perf_counter_ns() - begin_ns) / 1e9)


@functools.cache
def _computations() -> dict[str, Callable[[], object]]:
    """Make the computations, each called once: what was never written has no memory yet."""
    source, target = (np.ones(_COPIED_BYTES // 8) for _ in range(2))
    left, right, out = (np.ones((_SIDE, _SIDE), np.float32) for _ in range(3))

    def multiply() -> None:
        for _ in range(_PRODUCTS):
            np.matmul(left, right, out=out)

    made: dict[str, Callable[[], object]] = {
        "hash": lambda: hashlib.sha256(_BUFFER, usedforsecurity=False).digest(),
        "vector": multiply,
        "copy": lambda: np.copyto(target, source),
        "interpreter": _interpret,
    }
    for compute in made.values():
        compute()
    return made


def _interpret() -> int:
    total = 0
    for number in range(_ADDITIONS):
        total += number * number
    return total
