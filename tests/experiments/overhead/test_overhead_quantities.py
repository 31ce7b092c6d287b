"""The line through updates' times: that it is found where it is known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factories.overhead import timed
from reading import some
from report.experiments.overhead import quantities
from report.experiments.overhead.quantities import fit, of_records, parts_of

if TYPE_CHECKING:
    from report.analysis.quantities import Quantity
    from report.results.result import Result

SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1500]


def line(
    fixed_s: float, per_example_s: float, variant: str = "eager"
) -> dict[tuple[str, str, int], float]:
    """Return the times of updates on a line."""
    return {("update", variant, b): fixed_s + per_example_s * b for b in SIZES}


def found(result: Result) -> dict[int, Quantity]:
    """Return the eager updates of a result."""
    return quantities.updates(of_records(result.of("one")), "eager")


def test_a_line_is_recovered_from_times_that_lie_on_it() -> None:
    """Each variant's own: 80 and 140 µs, and 20 ns for each example."""
    times = line(80e-6, 20e-9) | line(140e-6, 20e-9, "compiled")
    result = timed(times, slowness=[1.0])
    for variant, fixed_s in (("eager", 80e-6), ("compiled", 140e-6)):
        fitted = some(parts_of(result, "pytorch", variant)).line
        assert fitted.fixed_s == pytest.approx(fixed_s, rel=1e-9)
        assert fitted.per_example_s == pytest.approx(20e-9, rel=1e-9)
        assert fitted.deviation == pytest.approx(0, abs=1e-9)
        assert fitted.time_s(1000) == pytest.approx(fixed_s + 20e-6)


def test_a_model_takes_what_is_typical_of_several_processes() -> None:
    """Slowness 1 and 1.21: their geometric mean, 1.1, multiplies both parts."""
    fitted = some(parts_of(timed(line(80e-6, 20e-9), slowness=[1.0, 1.21]), "pytorch")).line
    assert fitted.fixed_s == pytest.approx(88e-6, rel=1e-9)
    assert fitted.per_example_s == pytest.approx(22e-9, rel=1e-9)


def test_there_is_no_model_without_enough_batch_sizes() -> None:
    """Nor of a backend that was not measured, nor of a variant."""
    two = timed({("update", "eager", b): 1e-4 for b in (1, 10)})
    assert parts_of(two, "pytorch") is None
    whole = timed(line(80e-6, 20e-9))
    assert parts_of(whole, "numpy") is None
    assert parts_of(whole, "pytorch", "compiled") is None


def test_every_batch_size_counts_alike() -> None:
    """A time that is 10 % too long at 1 and at 1500 moves the ends of the line by about as much."""
    # Plain least squares would give the small batches no say: 1500 takes a hundred times as long.
    times = {b: 1e-6 + 1e-7 * b for b in SIZES}
    ends = [fit({**times, b: 1.1 * times[b]}) for b in (1, 1500)]
    moved = [one.time_s(b) / times[b] - 1 for one, b in zip(ends, (1, 1500), strict=True) if one]
    assert all(0.01 < each < 0.1 for each in moved)


def test_the_fit_tells_how_far_a_time_lies_off_the_line() -> None:
    """One of ten times is doubled: it lies 88 % or so above a line that it hardly moves."""
    fitted = some(fit({b: (2 if b == 20 else 1) * 1e-4 for b in SIZES}))
    assert 0.7 < fitted.deviation <= 1


def test_no_part_of_the_line_is_negative() -> None:
    """Times that fall with the batch have no cost of an example, and those through 0 none fixed."""
    # The other part is fitted alone: for T = 3 and 2 and 1 the best constant is sum(1/T) /
    # sum(1/T^2) = (11/6) / (49/36) = 66/49.
    falling = some(fit({1: 3.0, 2: 2.0, 3: 1.0}))
    assert falling.fixed_s == pytest.approx(66 / 49)
    assert falling.per_example_s == 0.0
    steep = some(fit({1: 0.5, 2: 2.0, 4: 5.0}))
    assert steep.fixed_s == 0.0
    assert steep.per_example_s > 0


def test_parts_are_told_over_processes() -> None:
    """80 µs fixed and 20 ns an example: at 1500, 30 of 110 µs grow; slow processes change none."""
    # The fixed part itself is their geometric mean: 80 µs times the cube root of 1.02 x 1.04.
    parts = some(quantities.parts(found(timed(line(80e-6, 20e-9)))))
    assert list(parts.growing) == SIZES
    for size, share in parts.growing.items():
        assert share.value == pytest.approx(0.02 * size / (80 + 0.02 * size))
        assert share.replicates == 3
        assert share.low == pytest.approx(share.value, rel=1e-6)
    assert parts.fixed.value == pytest.approx(80e-6 * (1.02 * 1.04) ** (1 / 3))
    assert parts.fixed.low is not None
    assert parts.fixed.low < 80e-6 < parts.fixed.value
    assert parts.equal is not None
    assert parts.equal.value == pytest.approx(4000)


def test_parts_of_one_process_have_no_interval() -> None:
    """One fit says nothing of how another would have come out."""
    parts = some(quantities.parts(found(timed(line(80e-6, 20e-9), slowness=[1.0]))))
    every = [parts.fixed, parts.per_example, *parts.growing.values()]
    assert {(one.low, one.high, one.replicates) for one in every} == {(None, None, 1)}


@pytest.mark.parametrize(("fixed_s", "per_example_s", "share"), [(0.0, 1e-6, 1), (1e-4, 0.0, 0)])
def test_a_part_may_be_nothing(fixed_s: float, per_example_s: float, share: float) -> None:
    """All of an update grows, or nothing does: no logarithm of zero, and never more than all."""
    parts = some(quantities.parts(found(timed(line(fixed_s, per_example_s)))))
    for one in parts.growing.values():
        assert one.value == pytest.approx(share, abs=1e-9)
        assert one.high is not None
        assert one.high <= 1


def test_no_more_than_all_of_an_update_grows() -> None:
    """Where the line through zero lies above a time, which it may."""
    times = {("update", "eager", b): t for b, t in ((1, 0.5), (2, 2.0), (4, 5.0))}
    parts = some(quantities.parts(found(timed(times))))
    assert parts.line.time_s(1) > 0.5 * 1.05
    assert parts.growing[1].value == 1
    assert 0 < parts.growing[4].value < 1


def test_doubling_is_read_off_in_each_process() -> None:
    """1 µs and 0.1 ns an element, between 1,000 (1.1 µs) and 100,000 (11 µs) on logarithms."""
    # It is 1,000 x 100^(log(2.0002 / 1.1) / log(11 / 1.1)) = 3,308 in each process, slow or not.
    times = {("add", "eager", n): 1e-6 + 1e-10 * n for n in (1, 10, 1000, 100_000)}
    adds = quantities.calls(of_records(timed(times).of("one")))["add"]
    twice = some(quantities.doubled(adds))
    assert twice.value == pytest.approx(3308, rel=1e-3)
    assert twice.replicates == 3
    one = replace(adds[100_000], groups=[adds[1].groups[0], *adds[100_000].groups[1:]])
    assert quantities.doubled({**adds, 100_000: one}) is None  # one process comes to no such size


@pytest.mark.parametrize(
    ("eager", "compiled", "expected"), [(2, 3, (True, 1.5)), (3, 2, (False, 1.5))]
)
def test_compiling_is_told_by_a_ratio_above_one(
    eager: float, compiled: float, expected: tuple[bool, float]
) -> None:
    """Whichever way it goes."""
    times = {("update", "eager", 1): 1e-5 * eager, ("update", "compiled", 1): 1e-5 * compiled}
    lines = quantities.calls(of_records(timed(times).of("one")))
    longer, factor = quantities.compiling(lines["eager"][1], lines["compiled"][1])
    assert longer is expected[0]
    assert factor.value == pytest.approx(expected[1])


@pytest.mark.parametrize(
    ("fixed_s", "per_example_s", "factor"), [(1e-4, 0.0, 2.0), (0.0, 1e-6, 1.0)]
)
def test_factor_per_doubling_is_two_where_only_calls_cost_and_one_where_only_examples_do(
    fixed_s: float, per_example_s: float, factor: float
) -> None:
    """Also from 2 to 5, which is more than one doubling: (5/2)^(1/log2(5/2)) = 2."""
    quantity = found(timed(line(fixed_s, per_example_s)))
    for small, large in ((1, 2), (2, 5), (500, 1500)):
        estimate = quantities.times_per_doubling(quantity[small], quantity[large])
        assert estimate.value == pytest.approx(factor)
