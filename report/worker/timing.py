"""How a time is measured: warm up, calibrate, interleave in shuffled rounds, keep every sample.

Source: T. Kalibera and R. Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013, for
the levels (calls within samples within processes); the interval of the median is the
distribution-free one from order statistics (e.g. W. J. Conover, "Practical Nonparametric
Statistics", 3rd ed., section 3.2).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from report.worker.records import Timing

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Sequence

    from report.worker.records import Stopped

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


class Clock(Protocol):
    """Seconds from a steady, monotonic clock."""

    def __call__(self) -> float:
        """Return the time in seconds."""


def median_ranks(count: int, level: float = 0.95) -> tuple[int, int] | None:
    """Find the order statistics that bracket the median with at least this confidence.

    The number of samples below the median is binomial(count, 1/2), so the interval from the
    k-th smallest to the k-th largest covers it with 1 - 2 P(X < k). The largest such k is taken.

    Args:
        count: Number of samples.
        level: Confidence, between 0 and 1.

    Returns:
        Indices (from 0) into the sorted samples, or None where even the extremes cover less.
    """
    tail, total = 0, 2**count
    best = None
    for k in range(count // 2):
        tail += math.comb(count, k)
        if 1 - 2 * tail / total < level:
            break
        best = (k, count - 1 - k)
    return best


def median(samples: Iterable[float]) -> float:
    """Return the median of at least one sample."""
    ordered = sorted(samples)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def median_interval(samples: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of the median, or None below six samples, where there is none."""
    ranks = median_ranks(len(samples))
    if ranks is None:
        return None
    ordered = sorted(samples)
    return ordered[ranks[0]], ordered[ranks[1]]


@dataclass(kw_only=True)
class Stopwatch:
    """Takes the samples of one series.

    Attributes:
        call: What is timed. It must not return before the work is queued.
        synchronize: Waits until the device has done what was queued; runs inside the timed span.
        method: The settings.
        before: Puts the backend into the state that the series needs (threads, precision);
            outside the timed span.
        clock: Seconds; replaced in tests.
        inner_loops: Calls in one sample; 0 until warm.
    """

    call: Callable[[], object]
    synchronize: Callable[[], object]
    method: Method
    before: Callable[[], object] | None = None
    clock: Clock = time.perf_counter
    inner_loops: int = 0
    spent_s: float = 0.0
    warmups: int = 0
    warmup_s: list[float] = field(default_factory=list)
    elapsed_s: list[float] = field(default_factory=list)
    stopped: Stopped | None = None
    _best_s: float = math.inf

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
        """Return the seconds of one call; of the second one if the first was short enough.

        Args:
            enough_s: A call that takes longer than this is not repeated.
        """
        first = self._span(1)
        return first if first > enough_s else min(first, self._span(1))

    def warm_up(self, share_s: float) -> None:
        """Call until warm, then choose how many calls make one sample.

        Args:
            share_s: This series' share of the budget, in seconds; once a quarter of it is
                spent, the series counts as warm.
        """
        while True:
            elapsed = self._span(1)
            self.warmups += 1
            if len(self.warmup_s) < KEPT_WARMUPS:
                self.warmup_s.append(elapsed)
            self._best_s = min(self._best_s, elapsed)
            warm = self.spent_s >= self.method.warmup_s and self.warmups >= LEAST_WARMUPS
            # The first call may take a thousand times as long as the next, and says little alone.
            cold = self.warmups == 1 and elapsed < share_s / 2
            if warm or (self.spent_s >= share_s / 4 and not cold):
                break
        # The best span so far, because a disturbed one would make samples too short.
        self.inner_loops = self._loops_for(self._best_s)
        while self.inner_loops > 1 and self.spent_s < share_s / 2:
            if self._long_enough(self._span(self.inner_loops)):
                break

    def _long_enough(self, elapsed: float) -> bool:
        """Learn from a span of warm-up calls; take more calls for a sample if it was short."""
        self.warmups += self.inner_loops
        self._best_s = min(self._best_s, elapsed / self.inner_loops)
        if elapsed >= self.method.sample_s / 2:
            return True
        self.inner_loops = self._loops_for(self._best_s)
        return False

    def _loops_for(self, call_s: float) -> int:
        return max(1, round(self.method.sample_s / max(call_s, 1e-9)))

    def call_s(self) -> float:
        """Return about how long a call takes once warm, in seconds: the best so far."""
        return self._best_s

    def sample(self, share_s: float) -> None:
        """Take one sample and decide whether another is needed."""
        # What ran in between has taken the caches and let threads fall asleep. A quarter of a
        # sample untimed halves the differences between processes (measured here); a call as long
        # as a sample warms itself.
        short = self._best_s < self.method.sample_s
        untimed = max(1, self.inner_loops // 4) if short else 0
        elapsed = self._span(self.inner_loops, untimed)
        while not self.elapsed_s and elapsed < self.method.sample_s / 2:
            # All of the warm-up was disturbed, so that calls seemed longer than they are.
            self._long_enough(elapsed)
            elapsed = self._span(self.inner_loops)
        self.elapsed_s.append(elapsed)
        count = len(self.elapsed_s)
        if self._narrow():
            self.stopped = "narrow"
        elif count >= self.method.repeats:
            self.stopped = "repeats"
        elif self.spent_s >= share_s and count >= self._least(share_s):
            self.stopped = "budget"

    def _least(self, share_s: float) -> int:
        # A call as long as the whole share must not be repeated for form's sake.
        return 1 if self.call_s() > share_s / 2 else self.method.least

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
    its interval is narrow enough, or when it has all its repeats.

    Args:
        stopwatches: The series; their samples are kept in them.
        method: The settings.
        rng: Shuffles the rounds.
    """
    if not stopwatches:
        return
    share_s = method.budget_s / len(stopwatches)
    for stopwatch in stopwatches:
        if not stopwatch.inner_loops:
            stopwatch.warm_up(share_s)
    active = list(stopwatches)
    while active:
        rng.shuffle(active)
        for stopwatch in active:
            stopwatch.sample(share_s)
        active = [stopwatch for stopwatch in active if stopwatch.stopped is None]
