"""What an `overhead` experiment runs, in the framework's own interpreter."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from report.registry import BACKENDS
from report.worker import sensors
from report.worker.checks import Threaded, wrong_threads
from report.worker.records import Outcome, Series, Unavailable
from report.worker.timing import Made, Method, Stopwatch, measured, nanoseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from report.registry import Backend
    from report.worker.timing import DeviceTimer

FEATURES = 5
"""Of an example, as the chapter's data set has them."""

FLOAT_BYTES = 4
"""Everything here is float32."""

CHECKED_SIZE = 64
"""Sums of up to so many elements are looked at."""


class Update(Protocol):
    """A model about to be updated with one batch."""

    def step(self) -> object:
        """Update once: forward, squared loss, backward, a step of SGD, gradients to zero."""


class Session(Threaded, Protocol):
    """What a backend must offer for this kind."""

    def synchronize(self) -> object:
        """Wait until the device has done what was queued."""

    def addition(self, size: int) -> Callable[[], object]:
        """Return a call that adds two vectors of ones into a third that is kept, or returned."""

    def update(self, size: int, features: int, seed: int, *, compiled: bool) -> Update:
        """Return an update of a linear regression on a batch that is on the device already.

        Raises:
            Unavailable: It was to be compiled, and that cannot be done here.
        """


class DeviceSession(Session, Protocol):
    """What it offers beside that on an accelerator, with `Backend.device_tools`."""

    def timer(self) -> DeviceTimer:
        """Return the device's own clock."""

    def recorded(self, update: Update) -> Callable[[], object]:
        """Return a call that launches all of an update's kernels at once (CUDA only).

        Raises:
            Unavailable: That cannot be done here.
        """

    def on_cpu(self) -> Session:
        """Return a session on the CPU beside this one."""


class Point(NamedTuple):
    """One series to measure, by its labels."""

    operation: str
    size: int
    variant: str
    threads: int

    def flops(self, backend: Backend) -> int:
        """Return the floating point operations of one call."""
        if self.operation == "add":
            return self.size
        return update_flops(self.size, written_out=backend.training.written_out)

    def bytes_moved(self) -> int:
        """Return the bytes that one call must read and write at least."""
        if self.operation == "add":
            return 3 * FLOAT_BYTES * self.size  # two vectors read, one written
        return update_bytes(self.size)


def update_flops(batch: int, *, written_out: bool = False) -> int:
    """Count the operations of one update, as automatic differentiation carries them out.

    A sum of n terms counts n, as in the 2 n^3 of a product. With b examples and d features:

    - forward: the product with w takes 2 d b, the bias b;
    - loss: subtract, square and halve take b each, the mean b and one division;
    - backward: dividing by b takes b, the half b, the square 2 b, the gradient of the bias b and
      that of w, the product of the features with the errors, 2 d b;
    - step: lr times the gradient and its subtraction take 2 for each of the d + 1 parameters.

    In all (4 d + 10) b + 2 d + 3, which is 30 b + 13 with five features.

    With the gradient written out there is no loss, and the derivative of half the squared error is
    the error: 2 d b and twice b for the errors, 2 d b and b for the gradient, and for the step two
    divisions by b beside 2 for each parameter. In all (4 d + 3) b + 2 d + 4, 23 b + 14 here.
    """
    if written_out:
        return (4 * FEATURES + 3) * batch + 2 * FEATURES + 4
    return (4 * FEATURES + 10) * batch + 2 * FEATURES + 3


def update_bytes(batch: int) -> int:
    """Count the bytes that one update must move at least.

    The features and the target of each example are read, and each parameter and its gradient is
    read and written once. What lies in between (outputs, errors) could stay in registers.
    """
    return FLOAT_BYTES * ((FEATURES + 1) * batch + 4 * (FEATURES + 1))


def measure(session: Session, job: dict[str, Any]) -> Outcome:
    """Measure all series of the experiment, interleaved.

    Compiling comes before the rounds, and outside the budget: it takes seconds, and nothing that
    it starts may run beside a measurement.
    """
    backend = BACKENDS[job["backend"]]
    on_device = job["device"] != "cpu"
    tools = cast("DeviceSession", session) if on_device and backend.device_tools else None
    points = list(_points(job["settings"], job["threads"], job["device"], tools=tools is not None))
    method = Method(budget_s=job["budget_s"], repeats=job["repeats"])
    share_s = method.budget_s / len(points)
    board = sensors.board(job.get("board")) if on_device else None
    beside = tools.on_cpu() if tools else session
    made: dict[Point, Made] = {}
    # What is compiled comes last, so that the first call of the others is a cold one.
    for point in sorted(points, key=lambda point: point.variant == "compiled"):
        labels = point._asdict()
        on = beside if point.variant == "cpu" else session
        try:
            stopwatch = _stopwatch(on, point, method, job["seed"], cold=backend.compiles)
            if tools and on is session:
                stopwatch.timer, stopwatch.board = tools.timer(), board
        except Unavailable as reason:
            made[point] = Series(labels=labels, status="skipped", reason=str(reason)), None
        else:
            stopwatch.warm_up(share_s)
            stopwatch.note(wrong_threads(session, job["threads"]) or _wrong_sum(stopwatch, point))
            flops, moved = point.flops(backend), point.bytes_moved()
            made[point] = Series(labels=labels, flops=flops, bytes_moved=moved), stopwatch
    return Outcome(series=measured([made[point] for point in points], method, job))


def _points(settings: dict[str, Any], threads: int, device: str, *, tools: bool) -> Iterator[Point]:
    """Yield the additions, then the updates of each variant, in the order of the file.

    On an accelerator there are further batch sizes and variants; graphs are CUDA's.
    """
    for size in settings["add_size"]:
        yield Point("add", size, "eager", threads)
    further = settings["device_update_size"] if device != "cpu" else []
    sizes = list(dict.fromkeys([*settings["update_size"], *further]))
    for variant in settings["variant"]:
        if variant in {"graph", "cpu"} and not tools:
            continue
        if variant == "graph" and not device.startswith("cuda"):
            continue
        for size in settings["compiled_size"] if variant == "compiled" else sizes:
            yield Point("update", size, variant, threads)


def _stopwatch(
    session: Session, point: Point, method: Method, seed: int, *, cold: bool
) -> Stopwatch:
    """Return a stopwatch for a point; what compiling took is its first warm-up call.

    Where a framework compiles each operation when it first meets it, an update is `cold` until it
    has been called once, also as it is written.
    """
    if point.operation == "add":
        call = session.addition(point.size)
        return Stopwatch(call=call, synchronize=session.synchronize, method=method)
    compiled = point.variant == "compiled"
    begun = time.perf_counter()
    update = session.update(point.size, FEATURES, seed, compiled=compiled)
    step: Callable[[], object] = update.step
    if point.variant == "graph":
        step = cast("DeviceSession", session).recorded(update)
    if cold and not compiled:
        step()
        session.synchronize()
    first_s = nanoseconds(time.perf_counter() - begun)
    return Stopwatch(
        call=step,
        synchronize=session.synchronize,
        method=method,
        warmups=int(compiled or cold),
        warmup_s=[first_s] if compiled or cold else [],
    )


def _wrong_sum(stopwatch: Stopwatch, point: Point) -> str | None:
    """Look at the sum of two vectors of ones where that is cheap and the call returns it."""
    if point.operation != "add" or point.size > CHECKED_SIZE:
        return None
    total: Any = stopwatch.call()
    if total is None or [float(total[i]) for i in range(point.size)] == [2.0] * point.size:
        return None
    return "wrong result: 1 + 1 is not 2"
