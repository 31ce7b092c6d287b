"""The line through updates' times: that it is found where it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from factories import overhead
from report.experiments.overhead import model
from report.experiments.overhead.model import StepModel, fit, step_model
from report.experiments.overhead.quantities import of_records

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.analysis.quantities import Quantity
    from report.results.result import Result

SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1500]


@pytest.fixture(name="timed", scope="module")
def made_result() -> Callable[..., Result]:
    """Return a function that makes a result of given times; see `tests/factories/overhead.py`."""
    return overhead.timed


def line(
    fixed_s: float, per_example_s: float, variant: str = "eager"
) -> dict[tuple[str, str, int], float]:
    """Return the times of updates on a line."""
    return {("update", variant, b): fixed_s + per_example_s * b for b in SIZES}


def found(result: Result) -> dict[int, Quantity]:
    """Return the eager updates of a result."""
    return model.updates(of_records(result.of("one")), "eager")


def test_a_line_is_recovered_from_times_that_lie_on_it(timed: Callable[..., Result]) -> None:
    """Each variant's own: 80 and 140 µs, and 20 ns for each example."""
    times = line(80e-6, 20e-9) | line(140e-6, 20e-9, "compiled")
    result = timed(times, slowness=[1.0])
    for variant, fixed_s in (("eager", 80e-6), ("compiled", 140e-6)):
        fitted = step_model(result, "pytorch", variant)
        assert fitted is not None
        assert fitted.fixed_s == pytest.approx(fixed_s, rel=1e-9)
        assert fitted.per_example_s == pytest.approx(20e-9, rel=1e-9)
        assert fitted.deviation == pytest.approx(0, abs=1e-9)
        assert fitted.time_s(1000) == pytest.approx(fixed_s + 20e-6)


def test_a_model_takes_what_is_typical_of_several_processes(timed: Callable[..., Result]) -> None:
    """Slowness 1 and 1.21: their geometric mean, 1.1, multiplies both parts."""
    fitted = step_model(timed(line(80e-6, 20e-9), slowness=[1.0, 1.21]), "pytorch")
    assert fitted is not None
    assert fitted.fixed_s == pytest.approx(88e-6, rel=1e-9)
    assert fitted.per_example_s == pytest.approx(22e-9, rel=1e-9)


def test_there_is_no_model_without_enough_batch_sizes(timed: Callable[..., Result]) -> None:
    """Nor of a backend that was not measured, nor of a variant."""
    two = timed({("update", "eager", b): 1e-4 for b in (1, 10)})
    assert step_model(two, "pytorch") is None
    whole = timed(line(80e-6, 20e-9))
    assert step_model(whole, "numpy") is None
    assert step_model(whole, "pytorch", "compiled") is None


def test_every_batch_size_counts_alike() -> None:
    """A time that is 10 % too long at 1 and at 1500 moves the ends of the line by about as much.

    Plain least squares would give the small batches no say: 1500 takes a hundred times as long.
    """
    times = {b: 1e-6 + 1e-7 * b for b in SIZES}
    ends = [fit({**times, b: 1.1 * times[b]}) for b in (1, 1500)]
    moved = [one.time_s(b) / times[b] - 1 for one, b in zip(ends, (1, 1500), strict=True) if one]
    assert all(0.01 < each < 0.1 for each in moved)


def test_the_fit_tells_how_far_a_time_lies_off_the_line() -> None:
    """One of ten times is doubled: it lies 88 % or so above a line that it hardly moves."""
    fitted = fit({b: (2 if b == 20 else 1) * 1e-4 for b in SIZES})
    assert fitted is not None
    assert 0.7 < fitted.deviation <= 1


def test_no_part_of_the_line_is_negative() -> None:
    """Times that fall with the batch have no cost of an example, and those through 0 none fixed.

    The other part is fitted alone: for T = 3 and 2 and 1 the best constant is sum(1/T) /
    sum(1/T^2) = (11/6) / (49/36) = 66/49.
    """
    falling = fit({1: 3.0, 2: 2.0, 3: 1.0})
    assert falling is not None
    assert falling.fixed_s == pytest.approx(66 / 49)
    assert falling.per_example_s == 0.0
    steep = fit({1: 0.5, 2: 2.0, 4: 5.0})
    assert steep is not None
    assert steep.fixed_s == 0.0
    assert steep.per_example_s > 0


def test_shares_are_what_the_line_leaves(timed: Callable[..., Result]) -> None:
    """80 µs fixed and 20 ns an example: at 1500, 80 of 110 µs; slow processes change nothing."""
    shares = model.shares(found(timed(line(80e-6, 20e-9))))
    assert list(shares) == SIZES
    for size, share in shares.items():
        assert share.value == pytest.approx(80 / (80 + 0.02 * size))
        assert share.replicates == 3
        assert share.low == pytest.approx(share.value, rel=1e-6)


def test_shares_of_one_process_have_no_interval(timed: Callable[..., Result]) -> None:
    """One fit says nothing of how another would have come out."""
    shares = model.shares(found(timed(line(80e-6, 20e-9), slowness=[1.0])))
    assert {(share.low, share.high, share.replicates) for share in shares.values()} == {
        (None, None, 1)
    }


def test_shares_of_an_update_that_is_all_examples_are_zero(timed: Callable[..., Result]) -> None:
    """No fixed part at all: nothing is left, and no logarithm of it is taken."""
    shares = model.shares(found(timed(line(0.0, 1e-6))))
    assert all(share.value == pytest.approx(0, abs=1e-9) for share in shares.values())


@pytest.mark.parametrize(
    ("fixed_s", "per_example_s", "factor"), [(1e-4, 0.0, 2.0), (0.0, 1e-6, 1.0)]
)
def test_factor_per_doubling_is_two_where_only_calls_cost_and_one_where_only_examples_do(
    timed: Callable[..., Result], fixed_s: float, per_example_s: float, factor: float
) -> None:
    """Also from 2 to 5, which is more than one doubling: (5/2)^(1/log2(5/2)) = 2."""
    quantity = found(timed(line(fixed_s, per_example_s)))
    for small, large in ((1, 2), (2, 5), (500, 1500)):
        estimate = model.times_per_doubling(quantity[small], quantity[large])
        assert estimate.value == pytest.approx(factor)


def test_a_model_can_be_made_by_hand() -> None:
    """As those do who reckon with other machines' numbers."""
    assert StepModel(1e-4, 1e-8).time_s(100) == pytest.approx(1.01e-4)
