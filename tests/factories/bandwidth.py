"""Makes what a `bandwidth` experiment measures, without measuring.

A call has its cost; bytes come at the rate of the nearest cache that holds the working set; what is
read at a distance brings whole lines with it; at random, each look-up waits for its value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factories import measured
from report.experiments.bandwidth import measure as bandwidth
from report.worker.records import Outcome, Series

if TYPE_CHECKING:
    import random

    from report.config.plan import PlannedExperiment
    from report.experiments.bandwidth.measure import Access, Point

THREADS = 2
L1_BYTES, L2_BYTES = 49_152, 2_097_152
FREE_BYTES = 20 * 2**30
CALL_S = 1e-6
LINE_BYTES = 64


def outcome(
    experiment: PlannedExperiment, process: int, slowness: float, rng: random.Random
) -> Outcome:
    """Make the outcome of one process."""
    del process
    settings = experiment.settings
    sets = bandwidth.working_sets(settings, L2_BYTES, FREE_BYTES // 4)
    series = []
    for point in bandwidth._points(settings, sets, THREADS):
        access = point.access(
            resident_bytes=L2_BYTES,
            parts=point.threads,
            most_stride=max(settings["stride"]),
            seed=1,
        )
        series.append(
            Series(
                labels=point._asdict(),
                flops=bandwidth.flops(access),
                bytes_moved=bandwidth.bytes_moved(access),
                timing=measured.drawn(seconds(point, access) * slowness, rng),
            )
        )
    return Outcome(series=series)


def rate(working_set_bytes: int, threads: int) -> float:
    """Return the bytes per second of the nearest cache that holds a working set, or of memory."""
    if working_set_bytes <= threads * L1_BYTES:
        return 100e9 * threads
    if working_set_bytes <= threads * L2_BYTES:
        return 50e9 * threads
    return 20e9


def latency_s(working_set_bytes: int) -> float:
    """Return the seconds of an access that waits for the last one."""
    if working_set_bytes <= L1_BYTES:
        return 1.5e-9
    return 6e-9 if working_set_bytes <= L2_BYTES else 120e-9


def seconds(point: Point, access: Access) -> float:
    """Return the seconds of one call on the model machine."""
    item = bandwidth.ITEM_BYTES[point.dtype]
    if point.operation == "chase":
        return CALL_S + access.chunk * latency_s(point.working_set_bytes)
    near = rate(point.working_set_bytes, point.threads)
    if point.operation == "strided":
        return CALL_S + access.chunk * min(LINE_BYTES, item * access.stride) / near
    if point.operation == "gather":
        waiting_s = 0.5e-9
        if point.order == "random":
            waiting_s *= max(1.0, (point.working_set_bytes / L1_BYTES) ** 0.5)
        return CALL_S + access.chunk * waiting_s
    return CALL_S + bandwidth.bytes_moved(access) / near
