"""How a time is measured: warm up, calibrate, interleave in shuffled rounds, keep every sample.

Source: T. Kalibera and R. Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013, for
the levels (calls within samples within processes); the interval of the median is the
distribution-free one from order statistics (e.g. W. J. Conover, "Practical Nonparametric
Statistics", 3rd ed., section 3.2).
"""

from __future__ import annotations

import itertools
import math
import random
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from report.worker.records import Series, Timing
from report.worker.sensors import STEP_S, spent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from report.worker.records import BoardReading, Energy, Stopped
    from report.worker.sensors import Board, Meter

KEPT_WARMUPS = 5
"""Warm-up calls whose seconds are kept; the rest are only counted."""

LEAST_WARMUPS = 3
"""Warm-up calls of a series whose calls are short against its share of the budget."""

KEPT_SAMPLES = 60
"""Samples kept for each series and process, so that a result file stays small: see
`docs/decisions/0009-result-files-grow-with-experiments.md`."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """The settings of a measurement.

    Attributes:
        budget_s: Time for all series of a job together, warm-up included.
        repeats: The most samples of one series.
        least: The fewest samples of one series, also beyond its share of the budget.
        sample_s: How long one sample should last: 2 ms is over 10,000 times the clock's
            resolution and its own cost, yet short beside the disturbances that a median sheds.
        warmup_s: How long to warm a series up. Thread pools start and caches, page tables and
            clocks settle within some tens of milliseconds (measured here).
        narrow: Half-width of the median's 95 % interval, relative to it, that is enough.
    """

    budget_s: float
    repeats: int
    least: int = 3
    sample_s: float = 0.002
    warmup_s: float = 0.03
    narrow: float = 0.005


def nanoseconds(seconds: float) -> float:
    """Drop the digits below the clock's resolution, which only the subtraction has made."""
    return round(seconds, 9)


def median_ranks(count: int) -> tuple[int, int] | None:
    """Return which of so many sorted samples, from 0, bracket the median with 95 % confidence.

    The number of samples below the median is binomial(count, 1/2), so the interval from the
    k-th smallest to the k-th largest covers it with 1 - 2 P(X < k). The largest such k is taken;
    below six samples even the extremes cover less, and there is None.
    """
    tail, best = 0, None
    for k in range(count // 2):
        tail += math.comb(count, k)
        if 1 - 2 * tail / 2**count < 0.95:
            break
        best = (k, count - 1 - k)
    return best


def median(samples: Iterable[float]) -> float:
    """Return the median of at least one sample."""
    ordered = sorted(samples)
    middle = len(ordered) // 2
    return (ordered[middle] + ordered[~middle]) / 2


def median_interval(samples: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of the median, or None below six samples, where there is none."""
    ranks, ordered = median_ranks(len(samples)), sorted(samples)
    return ranks and (ordered[ranks[0]], ordered[ranks[1]])


def summary(elapsed_s: Sequence[float], inner_loops: int, **counted: Any) -> Timing:
    """Return what samples of so many calls each say, with what else was counted."""
    per_call = [elapsed / inner_loops for elapsed in elapsed_s]
    low, high = median_interval(per_call) or (None, None)
    return Timing(
        inner_loops=inner_loops,
        samples=len(elapsed_s),
        elapsed_s=[*elapsed_s[:KEPT_SAMPLES]],
        median_s=median(per_call),
        low_s=low,
        high_s=high,
        **counted,
    )


class DeviceTimer(Protocol):
    """The clock of a device, which is read where the work passes by and not when it was queued."""

    def start(self) -> None:
        """Mark where the timed work begins in the device's queue."""

    def stop(self) -> None:
        """Mark where it ends."""

    def seconds(self) -> float:
        """Return the seconds of all spans since it was last asked; the device is done with them."""


@dataclass(kw_only=True)
class Stopwatch:
    """Takes the samples of one series.

    Attributes:
        call: What is timed. It must not return before the work is queued.
        synchronize: Waits until the device has done what was queued; runs inside the timed span.
        before: Puts the backend into the state that the series needs (threads, precision);
            outside the timed span.
        compiles: The first call compiles, so that only the second says what a call takes.
        timer: The device's own clock, which is read beside the host's.
        flush: Empties the device's cache. It runs before each call, and the time is then that of
            the calls alone, by the device's clock.
        board: Its sensors are read after the first sample and after the last one.
        inner_loops: Calls in one sample; 0 until warm.
        spent_s: Seconds that all of this has taken, warm-up included.
        call_s: Seconds of one call: the best so far, because a disturbed one says little.
        fault: How what is timed differs from what was meant; no number comes of it then.
    """

    call: Callable[[], object]
    synchronize: Callable[[], object]
    method: Method
    before: Callable[[], object] | None = None
    compiles: bool = False
    timer: DeviceTimer | None = None
    flush: Callable[[], object] | None = None
    board: Board | None = None
    clock: Callable[[], float] = time.perf_counter
    inner_loops: int = 0
    spent_s: float = 0.0
    warmups: int = 0
    warmup_s: list[float] = field(default_factory=list)
    elapsed_s: list[float] = field(default_factory=list)
    device_s: list[float] = field(default_factory=list)
    readings: list[BoardReading] = field(default_factory=list)
    stopped: Stopped | None = None
    call_s: float = math.inf
    fault: str | None = None
    _device_s: float | None = None

    def note(self, fault: str | None) -> None:
        """Keep the first thing that is not as it was meant, if this is one."""
        self.fault = self.fault or fault

    def _span(self, loops: int, untimed: int = 0) -> float:
        call, clock, timer = self.call, self.clock, self.timer
        begun = clock()
        if self.before is not None:
            self.before()
        for _ in range(untimed):
            call()
        self.synchronize()
        if timer is not None and self.flush is not None:
            return self._flushed(loops, timer, begun)
        if timer is not None:
            timer.start()
        start = clock()
        for _ in range(loops):
            call()
        if timer is not None:
            timer.stop()
        self.synchronize()
        end = clock()
        if timer is not None:
            self._device_s = nanoseconds(timer.seconds())
        self.spent_s += end - begun
        return nanoseconds(end - start)

    def _flushed(self, loops: int, timer: DeviceTimer, begun: float) -> float:
        """Return the device's seconds of calls that find nothing in its cache.

        While the device empties its cache, the call is already being queued, so that its time holds
        nothing of what the host takes for that.
        """
        for _ in range(loops):
            self.flush()  # type: ignore[misc] # there is one
            timer.start()
            self.call()
            timer.stop()
        self.synchronize()
        self.spent_s += self.clock() - begun
        return nanoseconds(timer.seconds())

    def try_out(self, enough_s: float) -> float:
        """Return the seconds of one call; of the better of two if the first says little alone."""
        first = self._span(1)
        if first > enough_s and not self.compiles:
            return first
        return min(first, self._span(1))

    def warm_up(self, share_s: float) -> None:
        """Call until warm, then choose how many calls make one sample.

        A series also counts as warm once a quarter of its share of the budget is spent.
        """
        while True:
            elapsed = self._span(1)
            self.warmups += 1
            if len(self.warmup_s) < KEPT_WARMUPS:
                self.warmup_s.append(elapsed)
            self.call_s = min(self.call_s, elapsed)
            warm = self.spent_s >= self.method.warmup_s and self.warmups >= LEAST_WARMUPS
            # The first call may take a thousand times as long as the next, and says little alone.
            cold = self.warmups == 1 and (self.compiles or elapsed < share_s / 2)
            if warm or (self.spent_s >= share_s / 4 and not cold):
                break
        self.inner_loops = self._loops()
        while self.inner_loops > 1 and self.spent_s < share_s / 2:
            if self._long_enough(self._span(self.inner_loops)):
                break

    def _long_enough(self, elapsed: float) -> bool:
        """Learn from a span of warm-up calls; take more calls for a sample if it was short."""
        self.warmups += self.inner_loops
        self.call_s = min(self.call_s, elapsed / self.inner_loops)
        if elapsed >= self.method.sample_s / 2:
            return True
        self.inner_loops = self._loops()
        return False

    def _loops(self) -> int:
        return max(1, round(self.method.sample_s / max(self.call_s, 1e-9)))

    def sample(self, share_s: float) -> None:
        """Take one sample and decide whether another is needed."""
        # What ran in between has taken the caches and let threads fall asleep. A quarter of a
        # sample untimed halves the differences between processes (measured here); a call as long
        # as a sample warms itself.
        short = self.call_s < self.method.sample_s
        untimed = max(1, self.inner_loops // 4) if short else 0
        elapsed = self._span(self.inner_loops, untimed)
        while not self.elapsed_s and elapsed < self.method.sample_s / 2:
            # All of the warm-up was disturbed, so that calls seemed longer than they are.
            self._long_enough(elapsed)
            elapsed = self._span(self.inner_loops)
        self.elapsed_s.append(elapsed)
        if self._device_s:
            self.device_s.append(self._device_s)
        count = len(self.elapsed_s)
        # A call as long as the whole share must not be repeated for form's sake.
        least = 1 if self.call_s > share_s / 2 else self.method.least
        if self._narrow():
            self.stopped = "narrow"
        elif count >= self.method.repeats:
            self.stopped = "repeats"
        elif self.spent_s >= share_s and count >= least:
            self.stopped = "budget"
        if self.board is not None and (count == 1 or self.stopped):
            self.readings.append(self.board.reading())

    def _narrow(self) -> bool:
        interval = median_interval(self.elapsed_s)
        # Ten at least: six or seven quick samples can agree by luck.
        if interval is None or len(self.elapsed_s) < 10:
            return False
        low, high = interval
        return (high - low) / 2 <= self.method.narrow * median(self.elapsed_s)

    def timing(self) -> Timing:
        """Return what was measured."""
        return summary(
            self.elapsed_s,
            self.inner_loops,
            warmups=self.warmups,
            warmup_s=self.warmup_s,
            stopped=self.stopped or "budget",
            device_s=self.device_s[:KEPT_SAMPLES],
            board=self.readings,
        )

    def energy(self, meter: Meter, seconds: float) -> Energy | None:
        """Call for so many seconds or longer, and return what a counter says that it took."""
        loops = max(1, round(STEP_S / max(self.call_s, 1e-9)))

        def work() -> None:
            for _ in range(loops):
                self.call()
            self.synchronize()

        if self.before is not None:
            self.before()
        found = spent(work, meter, seconds, self.clock)
        return found and replace(found, calls=found.calls * loops)


def measure(stopwatches: Sequence[Stopwatch], method: Method, rng: random.Random) -> None:
    """Measure several series together, so that a drifting machine hits all of them alike.

    Every series that is not warm is warmed up. Then each is sampled once a round, in shuffled
    order. Each has an equal share of the budget, and leaves the rounds when it has spent it, when
    its interval is narrow enough, or when it has all its repeats. Stopwatches keep their samples.
    """
    share_s = method.budget_s / max(1, len(stopwatches))
    for stopwatch in stopwatches:
        if not stopwatch.inner_loops:
            stopwatch.warm_up(share_s)
    active = list(stopwatches)
    while active:
        rng.shuffle(active)
        for stopwatch in active:
            stopwatch.sample(share_s)
        active = [stopwatch for stopwatch in active if stopwatch.stopped is None]


Made = tuple[Series, Stopwatch | None]
"""A series to be timed and its stopwatch; one that was skipped has none."""


def measured(made: Sequence[Made], method: Method, job: dict[str, Any]) -> list[Series]:
    """Measure a job's series together; each process takes them in an order of its own."""
    stopwatches = [stopwatch for _, stopwatch in made if stopwatch and not stopwatch.fault]
    measure(stopwatches, method, random.Random(f"{job['seed']} {job['process']}"))
    return [_result(*each) for each in made]


def _result(series: Series, stopwatch: Stopwatch | None) -> Series:
    if stopwatch is None:
        return series
    if stopwatch.fault:
        return Series(labels=series.labels, status="failed", reason=stopwatch.fault)
    return replace(series, timing=stopwatch.timing())


class Timer:
    """Takes many times, one after the other, as the chapter's own timer does.

    It starts when it is made. `stop` keeps the seconds since the last start and returns them; what
    runs until the next `start` is not timed.

        timer = Timer()
        A = B @ C
        timer.stop()
        print(timer.mean(), timer.sum(), timer.cumulative())

    Attributes:
        times: Seconds, in the order taken.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        """Start; the chapter's clock is `time.time`, which can be set back."""
        self.clock = clock
        self.times: list[float] = []
        self.start()

    def start(self) -> None:
        """Start to take the next time."""
        self._since = self.clock()

    def stop(self) -> float:
        """Keep the seconds since the last start, and return them."""
        self.times.append(self.clock() - self._since)
        return self.times[-1]

    def mean(self) -> float:
        """Return the mean of all times, in seconds.

        Raises:
            ZeroDivisionError: None was taken.
        """
        return self.sum() / len(self.times)

    def sum(self) -> float:
        """Return the sum of all times, in seconds."""
        return math.fsum(self.times)

    def cumulative(self) -> list[float]:
        """Return the seconds up to the end of each time."""
        return list(itertools.accumulate(self.times))
