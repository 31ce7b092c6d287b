"""Makes what `overhead` experiments measure, without measuring.

A call has its cost and each element adds its time; so has an update, with each example. Compiling
takes seconds once, and then calls take longer than eager ones, as on a machine that was measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import results_factory
from factories import measured, small_results
from report.experiments.overhead import measure as overhead
from report.registry import BACKENDS
from report.worker.records import Outcome, Series

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from report.config.plan import PlannedExperiment
    from report.results.result import Record, Result

    Times = Mapping[tuple[str, str, int], float]

THREADS = 2
ADD_S, ELEMENT_S = 9e-7, 1.2e-10
UPDATE_S, EXAMPLE_S = 8e-5, 2e-8
COMPILED_S = 6e-5
"""What the compiled update takes longer, at any batch."""


def outcome(
    experiment: PlannedExperiment,
    process: int,
    slowness: float,
    rng: random.Random,
    *,
    backend: str = "pytorch",
) -> Outcome:
    """Make the outcome of one process on the model machine; Numba has no eager update."""
    series = []
    for point in overhead._points(experiment.settings, THREADS, "cpu", tools=False):
        if backend == "numba" and (point.operation, point.variant) == ("update", "eager"):
            series.append(Series(labels=point._asdict(), status="skipped", reason="it compiles"))
            continue
        call_s = _seconds(point) * slowness
        loops = max(1, round(0.002 / call_s))
        compiling_s = 2.0 if process else 14.0
        first_s = compiling_s if point.variant == "compiled" else 9 * call_s
        elapsed = [loops * call_s * (1 + 0.02 * rng.random()) for _ in range(12)]
        series.append(_series(point, first_s, loops, elapsed))
    return Outcome(series=series)


def timed(
    times: Times,
    *,
    slowness: Sequence[float] = (1.0, 1.02, 1.04),
    samples: int = 13,
    machine_id: str = "fixed-machine",
) -> Result:
    """Make a result of one experiment, `one`, whose times are given.

    Args:
        times: Seconds of a call by (operation, variant, size).
        slowness: For each process, what multiplies them.
        samples: Of each series in a process; the median of an odd number is exactly the time.
        machine_id: Name of the machine.
    """
    return small_results.result(
        [_record(times, process, slow, samples) for process, slow in enumerate(slowness)],
        experiments={"one": small_results.planned("one", "overhead", processes=len(slowness))},
        machine=results_factory.make_machine(machine_id),
        environments={"pytorch": results_factory.make_environment()},
    )


def _record(times: Times, process: int, slowness: float, samples: int) -> Record:
    series = []
    for number, ((operation, variant, size), seconds) in enumerate(times.items()):
        point = overhead.Point(operation=operation, variant=variant, size=size, threads=THREADS)
        # As many above as below, but farther away, and not as far in each series.
        steps = [k - samples // 2 for k in range(samples)]
        spread = [1 + (0.002 * (1 + number % 3) if k > 0 else 0.001) * k for k in steps]
        elapsed = [seconds * slowness * part for part in spread]
        series.append(_series(point, 9 * seconds, 1, elapsed))
    return small_results.record("one", process, *series, kind="overhead")


def _seconds(point: overhead.Point) -> float:
    if point.operation == "add":
        return ADD_S + ELEMENT_S * point.size
    extra = COMPILED_S if point.variant == "compiled" else 0.0
    return UPDATE_S + extra + EXAMPLE_S * point.size


def _series(point: overhead.Point, first_s: float, loops: int, elapsed: list[float]) -> Series:
    return Series(
        labels=point._asdict(),
        flops=point.flops(BACKENDS["pytorch"]),
        bytes_moved=point.bytes_moved(),
        timing=measured.timing(elapsed, loops=loops, first_s=first_s),
    )
