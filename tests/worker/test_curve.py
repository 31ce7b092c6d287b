"""The loss curve: which points it has, what its seconds hold, and when it ends."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from report.worker.curve import EVERY, Curve, PrintedCurve
from report.worker.timing import Timer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EXAMPLES = 1500


def updates(batch_size: int, epochs: int, examples: int = EXAMPLES) -> Iterator[tuple[int, bool]]:
    """Yield the examples processed after each update, and whether an epoch ends with it."""
    for epoch in range(epochs):
        for begin in range(0, examples, batch_size):
            end = min(begin + batch_size, examples)
            yield epoch * examples + end, end == examples


def train(curve: Curve, batch_size: int, epochs: int, examples: int = EXAMPLES) -> None:
    """Do what a backend's training loop does, without any training."""
    curve.start()
    for n, ends in updates(batch_size, epochs, examples):
        if n >= curve.due:
            curve.point(n)
        if ends and not curve.end_epoch(n):
            break


def expected_points(batch_size: int, epochs: int, examples: int = EXAMPLES) -> list[int]:
    """Return the start, the first update on or past each multiple of 200, and epochs' ends."""
    counts = [n for n, _ in updates(batch_size, epochs, examples)]
    multiples = range(EVERY, counts[-1] + 1, EVERY)
    reached = {next(n for n in counts if n >= multiple) for multiple in multiples}
    ends = {examples * (epoch + 1) for epoch in range(epochs)}
    return sorted({0} | reached | ends)


def quiet() -> Curve:
    """Return a curve of a loss that never changes, on a device that need not be waited for."""
    return Curve(synchronize=lambda: None, evaluate=lambda: 0.25)


def test_batches_of_64_reach_the_multiples_late() -> None:
    """Written out by hand: 256 is the first multiple of 64 past 200, 448 past 400, and so on."""
    # The chapter's own rule, n % 200 == 0, would give none of them. The last batch has 28 examples.
    curve = quiet()
    train(curve, 64, 1)
    assert curve.examples == [0, 256, 448, 640, 832, 1024, 1216, 1408, 1500]


@settings(deadline=None)
@given(batch_size=st.integers(1, 700), epochs=st.integers(1, 4), examples=st.integers(1, 700))
@example(batch_size=1500, epochs=5, examples=EXAMPLES)
@example(batch_size=64, epochs=2, examples=EXAMPLES)
@example(batch_size=1, epochs=2, examples=EXAMPLES)
def test_points_lie_where_a_multiple_of_200_is_reached_or_passed(
    batch_size: int, epochs: int, examples: int
) -> None:
    """And at the start and at each epoch's end; nowhere else, and nowhere twice."""
    curve = quiet()
    train(curve, batch_size, epochs, examples)
    assert curve.examples == expected_points(batch_size, epochs, examples)
    assert len(curve.examples) == len(curve.loss) == len(curve.elapsed_s)


@pytest.mark.parametrize("batch_size", [1, 10, 64, 100, 1500])
def test_each_epoch_ends_once_at_its_own_point(batch_size: int) -> None:
    """An epoch's end that is also a multiple of 200 (6000 is) has one point, not two."""
    curve = quiet()
    train(curve, batch_size, 4)
    assert [curve.examples[index] for index in curve.epoch_ends] == [1500, 3000, 4500, 6000]
    assert curve.examples.count(6000) == 1


class Steps:
    """A clock that moves when an update, a wait or an evaluation takes its time."""

    def __init__(self, losses: Sequence[float] = ()) -> None:
        """Begin at an arbitrary time; the next evaluations find these losses."""
        self.now_s = 50.0
        self.losses = list(losses)

    def curve(self) -> Curve:
        """Return a curve of what happens here."""
        return Curve(synchronize=self.wait, evaluate=self.evaluate, clock=lambda: self.now_s)

    def wait(self) -> None:
        """Take a hundredth of a second until the device is done."""
        self.now_s += 0.01

    def evaluate(self) -> float:
        """Take a whole second to find the loss."""
        self.now_s += 1.0
        return self.losses.pop(0) if self.losses else 0.25


def test_seconds_hold_training_and_waiting_but_no_evaluation() -> None:
    """An update takes 1 ms here, a wait 10 ms and an evaluation 1 s."""
    # 1500 examples by tens are 150 updates: 20 to each of the first seven points, 10 to the last.
    world = Steps()
    curve = world.curve()
    curve.start()
    for n, ends in updates(10, 1):
        world.now_s += 0.001
        if n >= curve.due:
            curve.point(n)
        if ends:
            curve.end_epoch(n)
    expected = [0.0, *(0.03 * point for point in range(1, 8)), 7 * 0.03 + 0.02]
    assert curve.elapsed_s == pytest.approx(expected)


def test_the_untrained_model_is_the_first_point() -> None:
    """It has processed no examples in no time, and its loss is evaluated before any update."""
    curve = Steps([0.49]).curve()
    curve.start()
    assert (curve.examples, curve.loss, curve.elapsed_s) == ([0], [0.49], [0.0])


@pytest.mark.parametrize("lost", [math.nan, math.inf, -math.inf])
def test_training_ends_with_the_epoch_in_which_the_loss_is_lost(lost: float) -> None:
    """The next epoch would teach nothing; the points up to the end of this one are there."""
    curve = Steps([0.49, 0.3, 3e30, lost, lost]).curve()
    train(curve, 500, 8)
    assert curve.examples == [0, 500, 1000, 1500]
    assert curve.epoch_ends == [3]
    assert curve.loss[:3] == [0.49, 0.3, 3e30]


def test_training_goes_on_while_the_loss_is_finite_however_large() -> None:
    """A loss that grows is a result; only one that is no number ends the run."""
    curve = Steps([0.49, 1e300, 1e308]).curve()
    train(curve, 1500, 2)
    assert curve.examples == [0, 1500, 3000]


def test_an_epoch_in_one_program_shares_its_seconds_among_its_examples() -> None:
    """Points that nobody could stop at: 15 ms and a wait of 10 ms for 1500 examples, then again."""
    world = Steps()
    curve = world.curve()
    curve.start()
    for epoch in range(2):
        world.now_s += 0.015
        ends = [epoch * EXAMPLES + n for n in (200, 1000, EXAMPLES)]
        curve.passed(ends, (world.evaluate() for _ in ends))
        assert curve.end_epoch(ends[-1])
    assert curve.examples == [0, 200, 1000, 1500, 1700, 2500, 3000]
    assert curve.epoch_ends == [3, 6]
    assert curve.elapsed_s == pytest.approx([0.025 * n / 1500 for n in curve.examples])
    assert curve.due == 3200


def printed(world: Steps, batch_size: int, epochs: int, update_s: float) -> PrintedCurve:
    """Train as a backend does, by the chapter's timer on this world's clock."""
    curve = PrintedCurve(
        synchronize=world.wait,
        evaluate=world.evaluate,
        timer=Timer(lambda: world.now_s),
    )
    curve.start()
    for n, ends in updates(batch_size, epochs):
        world.now_s += update_s
        if n >= curve.due:
            curve.point(n)
        if ends:
            assert curve.end_epoch(n)
    return curve


def test_the_chapters_timer_stops_at_multiples_of_200_and_waits_for_nothing() -> None:
    """Its seconds are those of updates; evaluation is outside, and so is any wait."""
    curve = printed(Steps(), 10, 2, 0.001)
    assert curve.examples == list(range(200, 3001, 200))
    assert curve.timer.times == pytest.approx([0.02] * 15)


def test_the_chapter_sees_every_second_epoch_of_gradient_descent() -> None:
    """1500 is no multiple of 200, 3000 is: five points of ten epochs, all of whose time counts."""
    curve = printed(Steps([0.3, 0.2]), 1500, 10, 0.5)
    assert curve.examples == [3000, 6000, 9000, 12000, 15000]
    assert curve.loss[:2] == [0.3, 0.2]
    assert curve.timer.sum() == pytest.approx(5.0)


def test_what_comes_after_the_last_point_is_not_printed() -> None:
    """Three epochs of 1500: the third ends past 3000, and its seconds are nowhere."""
    assert printed(Steps(), 1500, 3, 0.5).timer.sum() == pytest.approx(1.0)


def test_the_chapters_timer_knows_what_the_garbage_collector_took_of_it() -> None:
    """Collections during updates count, those during an evaluation or after the end do not."""
    world = Steps()

    def collect() -> None:
        curve.collection("start", {})
        world.now_s += 0.06
        curve.collection("stop", {})

    def evaluate() -> float:
        collect()
        return 0.25

    curve = PrintedCurve(
        synchronize=world.wait,
        evaluate=evaluate,
        timer=Timer(lambda: world.now_s),
        clock=lambda: world.now_s,
    )
    curve.start()
    for n in (200, 400):
        world.now_s += 0.01
        collect()
        curve.point(n)
    collect()
    assert curve.collected_s == pytest.approx(0.12)
    assert curve.timer.sum() == pytest.approx(0.14)


def test_a_timer_keeps_its_times_and_sums_them_up() -> None:
    """It starts by itself; what runs between stop and the next start is not timed."""
    readings = iter([10.0, 11.0, 20.0, 22.0, 30.0, 33.0])
    timer = Timer(partial(next, readings))
    assert timer.stop() == 1.0
    for _ in range(2):
        timer.start()
        timer.stop()
    assert timer.times == [1.0, 2.0, 3.0]
    assert (timer.mean(), timer.sum()) == (2.0, 6.0)
    assert timer.cumulative() == [1.0, 3.0, 6.0]


def test_a_timer_runs_by_a_clock_that_cannot_be_set_back() -> None:
    """Unless it is given another: two readings are never the wrong way round."""
    timer = Timer()
    assert timer.stop() >= 0
    assert sum(1 for _ in timer.times) == 1
