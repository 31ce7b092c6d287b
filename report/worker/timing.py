"""How a time is measured: warm up, calibrate, interleave in shuffled rounds, keep every sample.

And how a training is timed: by a curve of its loss, which is evaluated outside the timer.

Source: T. Kalibera and R. Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013, for
the levels (calls within samples within processes); the interval of the median is the
distribution-free one from order statistics (e.g. W. J. Conover, "Practical Nonparametric
Statistics", 3rd ed., section 3.2).
"""

from __future__ import annotations

import itertools
import math
import random
import sys
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from report.worker.records import Series, Timing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from report.worker.records import Stopped

KEPT_WARMUPS = 5
"""Warm-up calls whose seconds are kept; the rest are only counted."""

LEAST_WARMUPS = 3
"""Warm-up calls of a series whose calls are short against its share of the budget."""

KEPT_SAMPLES = 60
"""Samples kept for each series and process, so that a result file stays small: see
`docs/decisions/0009-result-files-grow-with-experiments.md`."""

EVERY = 200
"""Examples between two points of a curve, as in the chapter."""

EPOCHS_ONLY = sys.maxsize
"""As `every`: no points but the ends of epochs."""


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


@dataclass(kw_only=True)
class Stopwatch:
    """Takes the samples of one series.

    Attributes:
        call: What is timed. It must not return before the work is queued.
        synchronize: Waits until the device has done what was queued; runs inside the timed span.
        before: Puts the backend into the state that the series needs (threads, precision);
            outside the timed span.
        compiles: The first call compiles, so that only the second says what a call takes.
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
    clock: Callable[[], float] = time.perf_counter
    inner_loops: int = 0
    spent_s: float = 0.0
    warmups: int = 0
    warmup_s: list[float] = field(default_factory=list)
    elapsed_s: list[float] = field(default_factory=list)
    stopped: Stopped | None = None
    call_s: float = math.inf
    fault: str | None = None

    def note(self, fault: str | None) -> None:
        """Keep the first thing that is not as it was meant, if this is one."""
        self.fault = self.fault or fault

    def _span(self, loops: int, untimed: int = 0) -> float:
        call, clock = self.call, self.clock
        begun = clock()
        if self.before is not None:
            self.before()
        for _ in range(untimed):
            call()
        self.synchronize()
        start = clock()
        for _ in range(loops):
            call()
        self.synchronize()
        end = clock()
        self.spent_s += end - begun
        return nanoseconds(end - start)

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
        count = len(self.elapsed_s)
        # A call as long as the whole share must not be repeated for form's sake.
        least = 1 if self.call_s > share_s / 2 else self.method.least
        if self._narrow():
            self.stopped = "narrow"
        elif count >= self.method.repeats:
            self.stopped = "repeats"
        elif self.spent_s >= share_s and count >= least:
            self.stopped = "budget"

    def _narrow(self) -> bool:
        interval = median_interval(self.elapsed_s)
        # Ten at least: six or seven quick samples can agree by luck.
        if interval is None or len(self.elapsed_s) < 10:
            return False
        low, high = interval
        return (high - low) / 2 <= self.method.narrow * median(self.elapsed_s)

    def timing(self) -> Timing:
        """Return what was measured."""
        per_call = [elapsed / self.inner_loops for elapsed in self.elapsed_s]
        low, high = median_interval(per_call) or (None, None)
        return Timing(
            warmups=self.warmups,
            warmup_s=self.warmup_s,
            inner_loops=self.inner_loops,
            samples=len(self.elapsed_s),
            elapsed_s=self.elapsed_s[:KEPT_SAMPLES],
            stopped=self.stopped or "budget",
            median_s=median(per_call),
            low_s=low,
            high_s=high,
        )


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


@dataclass(kw_only=True)
class Curve:
    """Collects (examples, seconds, loss) while a run trains.

    A training loop calls `start` once, then compares its count of examples with `due` after
    each update (one integer comparison, as cheap as the chapter's own `n % 200`), calls `point`
    where it is reached, and `end_epoch` after each epoch. The chapter's rule skips most points
    when the batch size does not divide 200; here a point falls due at the first update on or
    past each multiple of `every`, which is 200, and at every epoch's end.

    Attributes:
        synchronize: Waits for the device; called inside the timer.
        evaluate: Returns the loss on all examples; called outside the timer. The backend sets
            it, because it needs the run's own parameters.
        examples: Examples processed at each point.
        epoch_ends: Indices of the points at which an epoch ended.
        loss: Loss at each point; the last one may be infinite or NaN.
        elapsed_s: Seconds of training up to each point.
        due: Number of examples at which the next point falls due.
    """

    synchronize: Callable[[], object]
    evaluate: Callable[[], float] = lambda: float("nan")
    clock: Callable[[], float] = time.perf_counter
    every: int = EVERY
    examples: list[int] = field(default_factory=list)
    epoch_ends: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    elapsed_s: list[float] = field(default_factory=list)
    due: int = 0
    _trained_s: float = 0.0
    _since: float = 0.0

    def start(self) -> None:
        """Evaluate the untrained model, then start the timer."""
        self._add(0)

    def point(self, examples: int) -> None:
        """Stop the timer, evaluate, start it again."""
        self.synchronize()
        self._trained_s += self.clock() - self._since
        self._add(examples)

    def passed(self, examples: Sequence[int], losses: Iterable[float]) -> None:
        """Add the points that an epoch in one program has passed, the last of them its end.

        Nobody could stop a timer there: the seconds are shared out evenly among the examples.

        Args:
            examples: Examples processed at each point.
            losses: The loss at each; computed as they are asked for, outside the timer.
        """
        self.synchronize()
        begun, first = self._trained_s, self.examples[-1]
        share_s = (self.clock() - self._since) / (examples[-1] - first)
        for n, loss in zip(examples, losses, strict=True):
            self._trained_s = begun + share_s * (n - first)
            self._add(n, loss)

    def end_epoch(self, examples: int) -> bool:
        """Mark the end of an epoch; return whether it is worth going on: the loss is finite."""
        if self.examples[-1] != examples:
            self.point(examples)
        self.epoch_ends.append(len(self.examples) - 1)
        return math.isfinite(self.loss[-1])

    def _add(self, examples: int, loss: float | None = None) -> None:
        self.examples.append(examples)
        self.loss.append(self.evaluate() if loss is None else loss)
        self.elapsed_s.append(nanoseconds(self._trained_s))
        self.due = (examples // self.every + 1) * self.every
        self._since = self.clock()


@dataclass(kw_only=True)
class PrintedCurve(Curve):
    """Times a run as the chapter's listing does, and evaluates where that does.

    The timer is its own, by the wall clock. It is stopped, without waiting for a device, only where
    the count of examples is a multiple of 200; what comes after the last such point has no part.

    Attributes:
        collected_s: What of the timed seconds Python's garbage collector took.
    """

    timer: Timer = field(default_factory=lambda: Timer(time.time))
    collected_s: float = 0.0
    _collecting: float = 0.0
    _since_start_s: float = 0.0

    def collection(self, phase: str, _: object) -> None:
        """Take the seconds of a collection, as one of `gc.callbacks`."""
        if phase == "start":
            self._collecting = self.clock()
        else:
            self._since_start_s += self.clock() - self._collecting

    def start(self) -> None:
        """Start the timer; the untrained model is not evaluated."""
        self.due = self.every
        self._since_start_s = 0.0
        self.timer.start()

    def point(self, examples: int) -> None:
        """Stop the timer, evaluate, start it again; do nothing between multiples of 200."""
        self.due = (examples // self.every + 1) * self.every
        if examples % self.every == 0:
            self.timer.stop()
            self.collected_s += self._since_start_s
            self.examples.append(examples)
            self.loss.append(self.evaluate())
            self._since_start_s = 0.0
            self.timer.start()

    def end_epoch(self, examples: int) -> bool:
        """Go on, whatever the loss is; there is no point here."""
        del examples
        return True
