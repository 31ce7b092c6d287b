"""Fixed computations on an accelerator, timed beside a job as the parent times its own."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from report.worker.records import Probe, Unavailable
from report.worker.timing import nanoseconds

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE = 2048
"""Of a product in float32: a third of a millisecond on a processor of 50 TFLOPS."""

ELEMENTS = 2**24
"""Of vectors that are added, in float32: three of them are more than any device's caches."""

TIMED_S, LEAST, MOST = 0.004, 3, 30
"""How long to repeat each, and how often at least and at most."""


def device_probes(module: Any, device: str, threads: int) -> list[Probe]:
    """Time a product, and an addition that streams through memory, with a backend; none on the CPU.

    What the device has no room for, or cannot do, is left out. The session is one of its own and
    is let go, so that a job finds the device as it would without.
    """
    if device == "cpu":
        return []
    found = []
    with contextlib.suppress(Unavailable, MemoryError, RuntimeError):
        session = module.Session(device, threads)
        multiply = session.products(SIDE, "float32", 0).call("full", 0)
        found.append(Probe(name="device-product", seconds=_timed(multiply, session.synchronize)))
        add = session.addition(ELEMENTS)
        found.append(Probe(name="device-memory", seconds=_timed(add, session.synchronize)))
    return found


def _timed(call: Callable[[], object], synchronize: Callable[[], object]) -> list[float]:
    """Return the seconds of each repetition, after two that wake the device up."""
    seconds: list[float] = []
    while len(seconds) < 2 + LEAST or (sum(seconds[2:]) < TIMED_S and len(seconds) < MOST):
        start_ns = time.perf_counter_ns()
        call()
        synchronize()
        seconds.append(nanoseconds(max(1, time.perf_counter_ns() - start_ns) / 1e9))
    return seconds[2:]
