"""What a `matmul` experiment runs, in the framework's own interpreter."""

from __future__ import annotations

import contextlib
import itertools
import random
import re
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from report.registry import BACKENDS
from report.worker import checks, sensors
from report.worker.host import thread_counts
from report.worker.records import AsPrinted, Outcome, Series, Unavailable
from report.worker.timing import Made, Method, Stopwatch, Timer, measured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from report.registry import Backend
    from report.worker.checks import Look
    from report.worker.sensors import Meter
    from report.worker.timing import DeviceTimer

    Places = list[tuple[int, int]]

PRINTED_FLOPS = 0.03e9
"""The chapter's figure for 2 * 256**3 = 33,554,432 operations."""

SAFE_SIZE = 512
"""Products up to this size are short everywhere, also where a dtype is only emulated."""

PRINTED_SIZE = 256

PRINTED_ORDER = ("element", "column", "full", "block")

BATCH = 256
"""Products in one call of the strategy batched, each of matrices of its own."""

ACCELERATOR_ONLY = "it is measured on an accelerator only"
"""Why there is nothing of an experiment on a CPU."""

ASSUMED_L2_BYTES = 64 * 2**20
"""Of an accelerator that does not tell: more than any has today, so that none keeps anything."""


class Products(Protocol):
    """Two matrices B, C (n x n), the ways to multiply them, and A, the last product."""

    A: Any

    def call(self, strategy: str, block_width: int) -> Callable[[], object]:
        """Return a function that computes A = BC once.

        Raises:
            Unavailable: The framework cannot do it.
        """

    def error(self, look: Look) -> float:
        """Return the largest error of A, relative to |b_i| |c_j|, and set A to zero."""


class ByElement(Protocol):
    """What products offer beside that where `Backend.sampled_elements` says how many to take."""

    def one_element(self, i: int, j: int) -> None:
        """Compute the element in row i and column j, and store it."""


class Session(checks.Threaded, Protocol):
    """What a backend must offer for this kind; TF32's switch only with `Backend.tf32`."""

    def synchronize(self) -> object:
        """Wait until the device has done what was queued."""

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads from now on."""

    def products(self, size: int, dtype: str, seed: int) -> Products:
        """Make B and C from a seed.

        Raises:
            Unavailable: The device cannot hold or multiply this dtype.
        """

    def has_tf32(self) -> bool:
        """Return whether the switch means anything on this device."""

    def set_tf32(self, allowed: bool) -> None:  # noqa: FBT001 (a switch)
        """Allow or forbid TF32 in float32 products from now on."""

    def allows_tf32(self) -> bool | None:
        """Return whether it is allowed now."""


class BatchedSession(Session, Protocol):
    """What it offers beside that for the strategy batched."""

    def batched(self, count: int, size: int, dtype: str, seed: int) -> Products:
        """Make so many pairs of matrices from a seed; A is the last product.

        Raises:
            Unavailable: The device cannot hold or multiply this dtype.
        """


class DeviceSession(Session, Protocol):
    """What it offers beside that on an accelerator, with `Backend.device_tools`."""

    def timer(self) -> DeviceTimer:
        """Return the device's own clock."""

    def flush(self, size_bytes: int) -> Callable[[], object]:
        """Return a call that writes so many bytes of the device's memory."""


class Point(NamedTuple):
    """One series to measure, by its labels."""

    strategy: str
    size: int
    dtype: str
    block_width: int | None
    threads: int
    tf32: bool | None

    @property
    def family(self) -> Point:
        """Return what all sizes have in common: the same cost for each operation in the large."""
        return self._replace(size=0)

    def flops(self, elements: int | None = None) -> int:
        """Return 2 n^3, the multiplications and additions of the product, or 2 n an element."""
        if self.strategy == "batched":
            return 2 * self.size**3 * BATCH
        return 2 * self.size * (self.size**2 if elements is None else elements)


def measure(session: Session, job: dict[str, Any]) -> Outcome:
    """Measure all series of the experiment, interleaved; `Run._request` says what a job holds.

    Raises:
        Unavailable: The experiment is for an accelerator only.
    """
    settings, backend = job["settings"], BACKENDS[job["backend"]]
    if settings["device_only"] and job["device"] == "cpu":
        raise Unavailable(ACCELERATOR_ONLY)
    most = backend.sampled_elements if settings["elements"] == "auto" else None
    sample = _Sample(most, random.Random(f"{job['seed']} {job['process']} elements"))
    printed = _as_printed(session, job["seed"], backend, sample) if settings["as_printed"] else []
    tf32 = backend.tf32 and session.has_tf32()
    if job["device"] != "cpu":
        sizes = dict.fromkeys([*settings["size"], *settings["device_size"]])
        settings = {**settings, "size": list(sizes)}
    points = list(_points(settings, job["threads"], has_tf32=tf32))
    method = Method(budget_s=job["budget_s"], repeats=job["repeats"])
    switching = len({(point.threads, point.tf32) for point in points}) > 1
    maker = _Maker(
        session=session,
        job=job,
        method=method,
        share_s=method.budget_s / max(1, len(points)),
        sample=sample,
        switching=switching,
    )
    # From small to large, so that the next size's cost is known before it is paid.
    made = {p: maker.series(p) for p in sorted(points, key=lambda point: point.size)}
    cold = {p: made[p] for p in points} if maker.flush else {}
    cold = {p: (series, maker.cold(watch)) for p, (series, watch) in cold.items() if watch}
    # What checking took belongs to the budget.
    left_s = max(method.budget_s - maker.checked_s, method.budget_s / 2)
    every = [*(made[p] for p in points), *cold.values()]
    timed = measured(every, replace(method, budget_s=left_s), job)
    series = dict(zip(points, timed, strict=False))
    for point, flushed in zip(cold, timed[len(points) :], strict=True):
        series[point] = replace(series[point], cold=flushed.timing)
    source = None
    if settings["energy_s"]:
        counter = sensors.meter(job["device"], maker.board)
        source = counter if isinstance(counter, str) else counter.source
        if not isinstance(counter, str):
            _weigh(series, made, counter, settings["energy_s"])
    return Outcome(as_printed=printed, series=list(series.values()), energy=source)


def _weigh(
    series: dict[Point, Series], made: dict[Point, Made], counter: Meter, seconds: float
) -> None:
    """Add what the largest product of each kind takes in energy; the smaller are mostly calls."""
    largest = {p.family: p for p in sorted(series, key=lambda p: p.size) if series[p].timing}
    for point in largest.values():
        if (stopwatch := made[point][1]) is not None:
            energy = stopwatch.energy(counter, seconds)
            series[point] = replace(series[point], energy=energy)


class _Sample(NamedTuple):
    """Chooses the elements that stand for all of a product that is computed one by one."""

    most: int | None  # None for all
    rng: random.Random

    def places(self, strategy: str, size: int) -> Places | None:
        """Draw (row, column) of the elements that are computed; None for the whole product."""
        if strategy != "element" or self.most is None or self.most >= size**2:
            return None
        # In the order in which all of them would be visited.
        drawn = sorted(self.rng.sample(range(size**2), self.most))
        return [divmod(place, size) for place in drawn]

    def call(
        self, products: Products, strategy: str, block_width: int, places: Places | None
    ) -> Callable[[], object]:
        """Return a function that computes A = BC once, or the elements that stand for it."""
        if places is None:
            return products.call(strategy, block_width)
        one_element = cast("ByElement", products).one_element

        def some() -> None:
            for i, j in places:
                one_element(i, j)

        return some


@dataclass
class _Maker:
    """Makes warm stopwatches, and knows what a product of the last size cost."""

    session: Session
    job: dict[str, Any]
    method: Method
    share_s: float
    sample: _Sample
    switching: bool
    checked_s: float = 0.0
    timer: DeviceTimer | None = None
    flush: Callable[[], object] | None = None
    board: sensors.Board | None = None
    _products: dict[tuple[int, str, bool], Products] = field(default_factory=dict)
    _cost: dict[Point, tuple[int, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Take the device's tools where there are any."""
        on_device = self.job["device"] != "cpu"
        if on_device and BACKENDS[self.job["backend"]].device_tools:
            session = cast("DeviceSession", self.session)
            self.timer = session.timer()
            if self.job["settings"]["cold"]:
                cache_bytes = self.job["last_cache_bytes"] or ASSUMED_L2_BYTES
                with contextlib.suppress(Unavailable):  # no room: the products come first
                    self.flush = session.flush(2 * cache_bytes)
        self.board = sensors.board(self.job.get("board")) if on_device else None

    def cold(self, warm: Stopwatch) -> Stopwatch:
        """Return a stopwatch for the same calls, each with the device's cache emptied before it."""
        return Stopwatch(
            call=warm.call,
            synchronize=warm.synchronize,
            method=self.method,
            before=warm.before,
            timer=self.timer,
            flush=self.flush,
            fault=warm.fault,
        )

    def series(self, point: Point) -> Made:
        """Return a point's series with a warm stopwatch, or why there is none."""
        try:
            self._refuse_if_too_long(point, self.method.budget_s / 4)
            key = (point.size, point.dtype, point.strategy == "batched")
            if key not in self._products:
                self._products[key] = self._operands(point, point.size)
            places = self.sample.places(point.strategy, point.size)
            stopwatch = self._stopwatch(point, self._products[key], places)
            stopwatch.warm_up(self.share_s)
        except Unavailable as reason:
            return Series(labels=point._asdict(), status="skipped", reason=str(reason)), None
        self._cost[point.family] = point.size, stopwatch.call_s
        stopwatch.note(self._fault(point, self._products[key], places))
        flops = point.flops(None if places is None else len(places))
        return Series(labels=point._asdict(), flops=flops), stopwatch

    def _operands(self, point: Point, size: int) -> Products:
        """Make what a point multiplies, of some size.

        Raises:
            Unavailable: The framework or the device cannot do it.
        """
        if point.strategy != "batched":
            return self.session.products(size, point.dtype, self.job["seed"])
        if not hasattr(self.session, "batched"):
            title = BACKENDS[self.job["backend"]].title
            raise Unavailable(f"batches of products are not measured in {title}")
        session = cast("BatchedSession", self.session)
        return session.batched(BATCH, size, point.dtype, self.job["seed"])

    def _fault(self, point: Point, products: Products, places: Places | None) -> str | None:
        """Look at the product that the last call has made, in the state in which it is timed."""
        begun = time.perf_counter()
        (dtype, device), asked = _made(products.A), self.job["device"]
        if dtype != point.dtype or asked not in device:
            return f"asked for {point.dtype} on {asked}, has {dtype} on {device}"
        error = products.error(checks.Look(checks.signs(point.size, self.job["seed"]), places))
        bound = checks.rounding(point.size, point.dtype, tf32=bool(point.tf32))
        self.checked_s += time.perf_counter() - begun
        return checks.wrong_result(error, bound)

    def _refuse_if_too_long(self, point: Point, limit_s: float) -> None:
        """Estimate the seconds of one product before it is paid for.

        From the last size's cost by n^3; since small products are mostly overhead, doubled sizes
        are tried in between before a product counts as too long.

        Raises:
            Unavailable: It would take longer than the limit.
        """
        size, seconds = self._cost.get(point.family, (0, 0.0))
        if not size:
            if point.size <= SAFE_SIZE:
                return
            size, seconds = SAFE_SIZE, self._try(point, SAFE_SIZE, limit_s)
        while seconds <= limit_s < seconds * (point.size / size) ** 3 and 2 * size < point.size:
            size *= 2
            seconds = self._try(point, size, limit_s)
        expected_s = seconds * (point.size / size) ** 3
        if expected_s > limit_s:
            raise Unavailable(
                f"one product would take about {expected_s:.2g} s, more than a quarter of a "
                f"process's budget, {limit_s:.2g} s"
            )

    def _try(self, point: Point, size: int, limit_s: float) -> float:
        """Return the seconds of one product of another size, of the second if there is time."""
        products = self._operands(point, size)
        smaller = point._replace(size=size)
        places = self.sample.places(point.strategy, size)
        return self._stopwatch(smaller, products, places).try_out(limit_s / 8)

    def _stopwatch(self, point: Point, products: Products, places: Places | None) -> Stopwatch:
        call = self.sample.call(products, point.strategy, point.block_width or 0, places)

        def enter() -> None:
            self.session.set_threads(point.threads)
            if point.tf32 is not None:
                self.session.set_tf32(point.tf32)
                if self.session.allows_tf32() != point.tf32:
                    stopwatch.note(f"asked for {'' if point.tf32 else 'no '}TF32, has the other")
            # Also between samples.
            stopwatch.note(checks.wrong_threads(self.session, point.threads))

        def switch() -> None:
            enter()
            # A thread pool that has just changed its size starts its threads at first use.
            call()

        stopwatch = Stopwatch(
            call=call,
            synchronize=self.session.synchronize,
            method=self.method,
            before=switch if self.switching else None,
            compiles=BACKENDS[self.job["backend"]].compiles,
            timer=self.timer,
            board=self.board,
        )
        if not self.switching:
            enter()  # all series share one state
        return stopwatch


def _made(matrix: Any) -> tuple[str, str]:
    """Return the dtype and the device of any framework's matrix: "float32", "cuda:0"."""
    dtype = re.search(r"b?float\d+", str(matrix.dtype))
    # MXNet calls its devices contexts, and NumPy has none.
    device = getattr(matrix, "ctx", None) or getattr(matrix, "device", "cpu")
    return dtype[0] if dtype else str(matrix.dtype), str(device).lower()


def _points(settings: dict[str, Any], usable: int, *, has_tf32: bool) -> Iterator[Point]:
    """Yield every combination that makes sense, in the order of the file."""
    for size, dtype, strategy in itertools.product(
        settings["size"], settings["dtype"], settings["strategy"]
    ):
        widths = [width for width in settings["block_width"] if width <= size]
        modes = settings["tf32"] if has_tf32 and dtype == "float32" else [None]
        for width, threads, tf32 in itertools.product(
            widths if strategy == "block" else [None],
            thread_counts(settings["threads"], usable),
            modes,
        ):
            yield Point(strategy, size, dtype, width, threads, tf32)


def _as_printed(session: Session, seed: int, backend: Backend, sample: _Sample) -> list[AsPrinted]:
    """Time four products once each, cold, by the wall clock, and divide 0.03 by the seconds.

    This is the chapter's procedure in its order, and deliberately not a sound one: no warm-up,
    no repetition, a clock that can be set back, and a rounded count of operations. A framework
    that the chapter has no listing for prints nothing, and neither does a part of a product.
    """
    if backend.listing is None:
        return []
    products = session.products(PRINTED_SIZE, "float32", seed)
    printed = []
    for strategy in PRINTED_ORDER:
        places = sample.places(strategy, PRINTED_SIZE)
        call = sample.call(products, strategy, 64, places)
        wait = session.synchronize if strategy in backend.listing else lambda: None
        timer = Timer(time.time)
        call()
        wait()
        elapsed = timer.stop()
        session.synchronize()  # what has only been queued is not the next one's
        # It comes first and meets what is cold, for the others as well; but what it would print
        # for all elements nobody has seen.
        if places is not None:
            continue
        gflops = PRINTED_FLOPS / 1e9 / elapsed if elapsed > 0 else None
        printed.append(AsPrinted(strategy=strategy, elapsed_s=elapsed, gflops=gflops))
    return printed
