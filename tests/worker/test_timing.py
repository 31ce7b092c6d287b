"""How times are measured, held to in a world where time passes only by what is done.

In it each reading of the clock costs 60 ns, as a real one does, and each call what its script
says, so that every promise can be checked to the nanosecond and nothing depends on the machine.
"""

from __future__ import annotations

import itertools
import math
import random
from typing import TYPE_CHECKING

import pytest
from scipy.stats import binom

from report.worker.timing import (
    KEPT_SAMPLES,
    KEPT_WARMUPS,
    Method,
    Stopwatch,
    measure,
    median,
    median_interval,
    median_ranks,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Call = Callable[[], object]

READING_S = 60e-9
QUEUEING_S = 5e-6


class World:
    """A clock, and things that take time on it: a device has a queue, and a test may log."""

    def __init__(self) -> None:
        """Begin at an arbitrary time, like a monotonic clock."""
        self.now_s = 1000.0
        self.queued_s = 0.0
        self.log: list[str] = []

    def clock(self) -> float:
        """Return the time; that takes time, too."""
        self.now_s += READING_S
        return self.now_s

    def working(self, costs: Iterable[float]) -> Callable[[], None]:
        """Return a function of which the n-th call takes the n-th of these seconds."""
        script = iter(costs)

        def call() -> None:
            self.now_s += next(script)

        return call

    def queueing(self, cost_s: float) -> Callable[[], None]:
        """Return a function that returns at once and leaves the work to a device."""

        def call() -> None:
            self.now_s += QUEUEING_S
            self.queued_s += cost_s

        return call

    def synchronize(self) -> None:
        """Wait until the device has done what was queued."""
        self.now_s += self.queued_s
        self.queued_s = 0.0

    def logging(self, name: str) -> Callable[[], None]:
        """Return a function that only leaves its name in the log."""
        return lambda: self.log.append(name)

    def stopwatch(self, call: Call, method: Method, before: Call | None = None) -> Stopwatch:
        """Return a stopwatch on this world's clock."""
        wait, clock = self.synchronize, self.clock
        return Stopwatch(call=call, synchronize=wait, method=method, before=before, clock=clock)

    def warm(self, costs: Iterable[float], budget_s: float) -> Stopwatch:
        """Return a stopwatch that has been warmed up for calls that take these seconds."""
        stopwatch = self.stopwatch(self.working(costs), method_of(budget_s))
        stopwatch.warm_up(share_s=budget_s)
        return stopwatch

    def measured(self, call: Call, method: Method, before: Call | None = None) -> Stopwatch:
        """Return a stopwatch that has been measured alone."""
        stopwatch = self.stopwatch(call, method, before)
        measure([stopwatch], method, random.Random(1))
        return stopwatch


@pytest.fixture(name="world")
def fresh_world() -> World:
    """Return a world in which nothing has happened."""
    return World()


def method_of(
    budget_s: float = 1.0, *, repeats: int = 8, least: int = 3, narrow: float = 0.005
) -> Method:
    """Return settings; with fewer than ten repeats a series is never narrow enough."""
    return Method(budget_s=budget_s, repeats=repeats, least=least, narrow=narrow)


def noisy(typical_s: float, seed: int = 1) -> Iterator[float]:
    """Yield seconds that vary by a factor of two."""
    rng = random.Random(seed)
    while True:
        yield typical_s * rng.uniform(0.7, 1.4)


# --- the median and its interval


def test_median_is_the_middle_or_the_mean_of_the_two_middle_samples() -> None:
    """The order of the samples does not matter."""
    assert median([5.0, 1.0, 3.0]) == 3.0
    assert median([4.0, 1.0, 3.0, 2.0]) == 2.5
    assert median([7.0]) == 7.0


@pytest.mark.parametrize(
    ("count", "ranks"),
    [
        (0, None),
        (1, None),
        (5, None),  # even the extremes cover only 1 - 2/32 = 93.75 %
        (6, (0, 5)),
        (8, (0, 7)),
        (9, (1, 7)),
        (10, (1, 8)),
        (20, (5, 14)),
        (30, (9, 20)),
    ],
)
def test_median_ranks_are_those_of_the_printed_tables(
    count: int, ranks: tuple[int, int] | None
) -> None:
    """Counted from 0; tables (Conover, A3) count from 1 and give 10 and 21 for 30 samples."""
    assert median_ranks(count) == ranks


def test_median_ranks_are_the_narrowest_with_the_binomial_coverage() -> None:
    """SciPy's binomial distribution, an independent implementation, gives the same ranks."""
    # The interval misses the median if at most k of n samples lie below it, or above it.
    for count in range(1, 151):
        covering = [k for k in range(count // 2) if 1 - 2 * binom.cdf(k, count, 0.5) >= 0.95]
        expected = (covering[-1], count - 1 - covering[-1]) if covering else None
        assert median_ranks(count) == expected, count


@pytest.mark.parametrize("count", [6, 10, 17, 30])
def test_median_interval_covers_the_true_median_as_often_as_it_says(count: int) -> None:
    """Over 3000 sets of skewed samples the coverage is the binomial one, and so at least 95 %."""
    # The exponential distribution's median is ln 2. The tolerance is four standard errors.
    ranks = median_ranks(count)
    assert ranks is not None
    promised = 1 - 2 * float(binom.cdf(ranks[0], count, 0.5))
    assert promised >= 0.95
    rng, sets, hits = random.Random(count), 3000, 0
    for _ in range(sets):
        interval = median_interval([rng.expovariate(1.0) for _ in range(count)])
        assert interval is not None
        hits += interval[0] <= math.log(2) <= interval[1]
    assert hits / sets == pytest.approx(promised, abs=4 * math.sqrt(0.05 * 0.95 / sets))


def test_five_samples_have_no_median_interval_and_six_have_their_extremes() -> None:
    """Of five they would claim 95 % and cover 93.75 %."""
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0]) is None
    assert median_interval([6.0, 2.0, 3.0, 4.0, 5.0, 1.0]) == (1.0, 6.0)


# --- calibration


@pytest.mark.parametrize("cost_s", [50e-9, 1e-6, 30e-6, 0.4e-3, 1.3e-3, 1.4e-3, 5e-3, 0.2, 1.0])
def test_a_sample_is_long_whatever_a_call_costs(world: World, cost_s: float) -> None:
    """A sample lasts about sample_s or one call, whichever is longer."""
    # "About" is two thirds: of a call that takes 1/1.5 of a sample, one makes a sample.
    method = method_of(100.0)
    stopwatch = world.measured(world.working(itertools.repeat(cost_s)), method)
    shortest, longest = min(stopwatch.elapsed_s), max(stopwatch.elapsed_s)
    assert shortest >= method.sample_s * 2 / 3
    assert longest <= max(method.sample_s * 1.5, cost_s * 1.01)


@pytest.mark.parametrize("disturbance_s", [0.002, 0.02, 0.1])
@pytest.mark.parametrize("disturbed", [1, 2, 3])
def test_slow_first_calls_do_not_make_samples_short(
    world: World, disturbed: int, disturbance_s: float
) -> None:
    """Libraries that load and threads that start delay the first calls, and not the rest."""
    # Taken for typical they would leave one 20 µs call in a sample of 2 ms.
    method = method_of(1.0)
    costs = itertools.chain([disturbance_s] * disturbed, itertools.repeat(20e-6))
    stopwatch = world.measured(world.working(costs), method)
    assert min(stopwatch.elapsed_s) >= method.sample_s / 2
    assert stopwatch.timing().median_s == pytest.approx(20e-6, rel=0.01)


def test_one_cold_call_is_not_taken_for_what_a_call_costs(world: World) -> None:
    """A second call is made although the first took a quarter of the share."""
    # What a call costs decides whether a larger product is affordable.
    stopwatch = world.warm(itertools.chain([0.4], itertools.repeat(30e-6)), 1.0)
    assert stopwatch.call_s == pytest.approx(30e-6, rel=0.01)


def test_a_disturbance_while_calibrating_is_forgotten(world: World) -> None:
    """The best span decides: one slow call among quick ones changes nothing."""
    costs = itertools.chain([40e-6] * 3, [0.25], itertools.repeat(40e-6))
    stopwatch = world.warm(costs, 10.0)
    assert stopwatch.inner_loops == 50


def test_warm_up_lasts_its_time_and_keeps_the_cold_calls(world: World) -> None:
    """Warm means 30 ms of calls, of which the first few are kept, the cold one first."""
    stopwatch = world.warm(itertools.chain([4e-3], itertools.repeat(1e-3)), 10.0)
    # 4 ms and 26 of 1 ms make 30 ms; then one sample of two calls to see that it is long enough.
    assert stopwatch.warmups == 27 + 2
    assert len(stopwatch.warmup_s) == KEPT_WARMUPS
    assert stopwatch.warmup_s == pytest.approx([4e-3, 1e-3, 1e-3, 1e-3, 1e-3], rel=1e-3)


def test_warm_up_ends_when_half_the_share_is_spent(world: World) -> None:
    """A small budget leaves time for samples: 10 ms of it for calls of 1 ms, not 30."""
    stopwatch = world.warm(itertools.repeat(1e-3), 0.01)
    assert stopwatch.spent_s <= 0.01 / 2 + 2e-3


# --- what is timed


def test_a_sample_is_the_time_of_its_calls_and_one_reading_of_the_clock(world: World) -> None:
    """Nothing else is in it, and the median divides it by the calls."""
    timing = world.measured(world.working(itertools.repeat(1e-4)), method_of()).timing()
    assert timing.inner_loops == 20
    assert timing.elapsed_s == pytest.approx([20e-4 + READING_S] * 8, rel=1e-9)
    assert timing.median_s == pytest.approx(1e-4 + READING_S / 20, rel=1e-9)


def test_what_prepares_the_backend_is_not_timed_but_spends_the_share(world: World) -> None:
    """Changing threads takes 50 ms here; no sample shows it, and the budget ends sooner."""
    change = world.working(itertools.repeat(0.05))
    method = method_of(1.0, repeats=1000)
    stopwatch = world.measured(world.working(noisy(1e-3)), method, before=change)
    assert max(stopwatch.elapsed_s) < 0.01
    # 1 s holds no more than 20 changes.
    assert stopwatch.timing().samples <= 20
    assert stopwatch.timing().stopped == "budget"


def test_work_that_a_device_does_later_is_timed(world: World) -> None:
    """The device is waited for inside the span, else only the queueing would be seen."""
    stopwatch = world.measured(world.queueing(300e-6), method_of())
    assert stopwatch.timing().median_s == pytest.approx(305e-6, rel=1e-3)


def test_work_that_others_have_queued_is_not_timed(world: World) -> None:
    """The device is waited for before the span as well."""
    other = world.queueing(0.5)
    stopwatch = world.measured(world.queueing(300e-6), method_of(), before=other)
    assert stopwatch.timing().median_s == pytest.approx(305e-6, rel=1e-3)


def test_all_calls_of_a_sample_are_made_in_its_own_state(world: World) -> None:
    """Also the untimed ones, which warm the caches: one thread must not wake eight."""
    method = method_of(0.2)
    state = ""
    foreign: list[tuple[str, str]] = []

    def series(name: str) -> Stopwatch:
        work = world.working(noisy(1e-4))

        def enter() -> None:
            nonlocal state
            state = name

        def call() -> None:
            if state != name:
                foreign.append((name, state))
            work()

        return world.stopwatch(call, method, before=enter)

    measure([series("one thread"), series("eight threads")], method, random.Random(1))
    assert foreign == []


# --- rounds, and when they end


def test_series_are_sampled_in_turn_in_shuffled_rounds(world: World) -> None:
    """Each round holds each series once, and not always in the same order."""
    method = method_of(10.0, repeats=9)
    stopwatches = [
        world.stopwatch(world.working(noisy(1e-3)), method, world.logging(name)) for name in "abc"
    ]
    for stopwatch in stopwatches:
        stopwatch.warm_up(1.0)
    world.log.clear()
    measure(stopwatches, method, random.Random(1))
    rounds = ["".join(world.log[i : i + 3]) for i in range(0, len(world.log), 3)]
    assert len(rounds) == 9
    assert {"".join(sorted(order)) for order in rounds} == {"abc"}
    assert len(set(rounds)) >= 3


def test_the_order_of_the_rounds_follows_the_seed() -> None:
    """Two runs with one seed time in the same order, and with another seed in another."""

    def order(seed: int) -> list[str]:
        world, method = World(), method_of(10.0)
        stopwatches = [
            world.stopwatch(world.working(noisy(1e-3)), method, world.logging(name))
            for name in "abcde"
        ]
        measure(stopwatches, method, random.Random(seed))
        return world.log

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_a_series_ends_when_its_interval_is_narrow(world: World) -> None:
    """Samples that all agree need no repetition, but ten they must be."""
    method = method_of(10.0, repeats=1000)
    timing = world.measured(world.working(itertools.repeat(1e-3)), method).timing()
    assert (timing.stopped, timing.samples) == ("narrow", 10)


@pytest.mark.parametrize(("apart", "stopped"), [(1.008, "narrow"), (1.012, "repeats")])
def test_narrow_means_within_half_a_percent_on_either_side(
    world: World, apart: float, stopped: str
) -> None:
    """Samples at two values 0.8 % apart are within 0.4 % of the median; 1.2 % apart are not."""
    # A few that take ten times as long change nothing.
    costs = itertools.cycle([*[0.1, 0.1 * apart] * 6, 1.0])
    stopwatch = world.measured(world.working(costs), method_of(1000.0, repeats=100))
    assert stopwatch.timing().stopped == stopped


def test_a_series_ends_after_its_repeats(world: World) -> None:
    """Exactly so many samples are taken, of each series."""
    method = method_of(100.0, repeats=17)
    stopwatches = [
        world.stopwatch(world.working(noisy(cost_s, seed)), method)
        for seed, cost_s in enumerate([1e-2, 2e-2, 3e-2])
    ]
    measure(stopwatches, method, random.Random(1))
    timings = [stopwatch.timing() for stopwatch in stopwatches]
    assert [(timing.stopped, timing.samples) for timing in timings] == [("repeats", 17)] * 3


def test_a_series_ends_when_its_share_is_spent(world: World) -> None:
    """Equal shares: the slow series gets few samples, and the quick one is not cut for it."""
    method = method_of(4.0, repeats=1000)
    slow = world.stopwatch(world.working(noisy(0.2)), method)
    quick = world.stopwatch(world.working(noisy(0.015)), method)
    measure([slow, quick], method, random.Random(1))
    assert slow.timing().stopped == quick.timing().stopped == "budget"
    # 2 s each, less what the warm-up took.
    assert 5 <= slow.timing().samples <= 10
    assert 100 <= quick.timing().samples <= 200


@pytest.mark.parametrize("cost_s", [20e-6, 1e-3, 8e-3, 0.03])
def test_all_that_is_done_stays_within_the_budget(world: World, cost_s: float) -> None:
    """Untimed calls count as well: at most the last sample of each series goes beyond."""
    method = method_of(1.0, repeats=100_000)
    stopwatches = [world.stopwatch(world.working(noisy(cost_s, n)), method) for n in range(4)]
    begun_s = world.now_s
    measure(stopwatches, method, random.Random(1))
    sample_s = max(max(stopwatch.elapsed_s) for stopwatch in stopwatches)
    assert world.now_s - begun_s <= 1.0 + 4 * 2.5 * sample_s
    assert world.now_s - begun_s >= 0.9


def test_a_few_samples_are_taken_also_beyond_the_share(world: World) -> None:
    """Three, of a call that takes two fifths of the share."""
    timing = world.measured(world.working(noisy(0.4)), method_of(1.0)).timing()
    assert (timing.stopped, timing.samples) == ("budget", 3)


def test_a_call_longer_than_its_share_is_sampled_once(world: World) -> None:
    """One warm-up call and one sample, no more, is all that it gets."""
    begun_s = world.now_s
    timing = world.measured(world.working(itertools.repeat(1.5)), method_of(1.0)).timing()
    assert world.now_s - begun_s == pytest.approx(2 * 1.5, rel=1e-6)
    assert (timing.warmups, timing.samples, timing.inner_loops) == (1, 1, 1)
    assert timing.stopped == "budget"
    assert (timing.low_s, timing.high_s) == (None, None)
    assert timing.median_s == pytest.approx(1.5)


def test_a_series_that_is_warm_is_not_warmed_up_again(world: World) -> None:
    """`measure` takes stopwatches that were tried out before."""
    stopwatch = world.warm(noisy(0.01), 10.0)
    warmups = stopwatch.warmups
    measure([stopwatch], method_of(10.0), random.Random(1))
    assert stopwatch.timing().warmups == warmups


def test_measuring_nothing_takes_no_time() -> None:
    """No series, no samples, no error."""
    measure([], method_of(), random.Random(1))


# --- what is stored


def test_kept_samples_are_capped_and_counted(world: World) -> None:
    """The first 60 are stored; how many there were, and the median of all of them, are too."""
    # Of 200 samples the first 60 take 20 ms and the other 140 take 30 ms, and each 1 µs more than
    # the last, because equal ones would be narrow enough.
    method = method_of(1000.0, repeats=200, narrow=0.0)
    costs = ((0.02 if n < 3 + KEPT_SAMPLES else 0.03) + n * 1e-6 for n in itertools.count())
    timing = world.measured(world.working(costs), method).timing()
    assert (timing.warmups, timing.samples) == (3, 200)
    expected = [0.02 + n * 1e-6 for n in range(3, 3 + KEPT_SAMPLES)]
    assert timing.elapsed_s == pytest.approx(expected, rel=1e-5)
    assert timing.median_s == pytest.approx(0.03, rel=0.01)


def test_samples_are_stored_in_the_order_taken(world: World) -> None:
    """Not sorted: the order shows drift."""
    costs = [0.02] * 3 + [0.05, 0.03, 0.04, 0.02, 0.06, 0.03, 0.05, 0.04]
    timing = world.measured(world.working(costs), method_of(1000.0)).timing()
    assert timing.elapsed_s == pytest.approx(costs[3:], rel=1e-4)
    assert (timing.low_s, timing.high_s) == pytest.approx((0.02, 0.06), rel=1e-4)
