"""Quantities: what was measured, what is left out of it, and what is asked of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factories import small_results
from factories.measured import BUSY
from factories.small_results import products, record, run, series
from report.analysis.estimate import exponent
from report.analysis.quantities import (
    RATES,
    Quantity,
    Question,
    highest,
    of_series,
    power_law,
    quotient,
    ratio,
    undisturbed,
)
from report.experiments.catalogue import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate
    from report.registry import KindName
    from report.results.result import Record

UNITS = {"s", "FLOPS", "B/s", "examples/s", "examples", "B", "J", ""}


def of_strategy(records: Sequence[Record], strategy: str = "full") -> Quantity:
    """Return the seconds of the products of one strategy."""
    (found,) = (q for q in of_series(records) if q.labels["strategy"] == strategy)
    return found


def numbers(found: Estimate) -> tuple[float | None, float, float | None]:
    """Return an interval with its value."""
    return found.low, found.value, found.high


def disturbed(records: Sequence[Record], *which: int) -> list[Record]:
    """Return the records, of which some were made on a busy machine."""
    return [replace(r, conditions=BUSY) if k in which else r for k, r in enumerate(records)]


# --- what kinds can be asked


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_what_it_can_be_asked(kind: KindName) -> None:
    """Each metric has a unit that pages can write, and words for whoever writes claims."""
    metrics = KINDS[kind].metrics
    assert metrics
    assert {metric.unit for metric in metrics.values()} <= UNITS
    assert all(metric.words for metric in metrics.values())
    # A metric of the same name is the same everywhere.
    assert all(RATES.get(name, metric) == metric for name, metric in metrics.items())


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_was_observed_where_nothing_was_measured(kind: KindName) -> None:
    """A kind whose processes all failed has no series, whatever is asked."""
    names = {each: name for name, each in small_results.KINDS.items()}
    name = names.get(kind, kind)
    failed = record(name, 0, kind=kind, status="failed", reason="x", outcome=None)
    planned = {name: small_results.planned(name, kind)}
    result = small_results.result([failed], experiments=planned)
    for metric in KINDS[kind].metrics:
        assert KINDS[kind].observe(result, [failed], Question(metric=metric)) == []


def test_series_without_a_count_have_no_rate() -> None:
    """A product counts operations and bytes, and no examples: claims do not see those."""
    kind = replace(KINDS["matmul"], metrics=RATES)
    records = products(full=[[0.5]])
    result = small_results.result(records)
    assert len(kind.observe(result, records, Question(metric="flop_per_s"))) == 1
    assert kind.observe(result, records, Question(metric="examples_per_s")) == []
    with pytest.raises(ValueError, match="not counted"):
        of_strategy(records).estimate("examples_per_s")


# --- values by process


def test_seconds_are_those_of_one_call_by_process() -> None:
    """In the order of the processes, with an empty place where one lacks the series."""
    full, column = of_series(products(full=[[1.0, 2.0], [3.0]], column=[[5.0]]))
    assert (full.labels["strategy"], full.groups) == ("full", [[1.0, 2.0], [3.0]])
    assert (column.labels["strategy"], column.groups) == ("column", [[5.0], []])
    assert (full.censored, full.left_out, full.unit) == (0, (), "s")


def test_a_sample_of_several_calls_is_divided_by_them() -> None:
    """6 s of three calls are 2 s a call."""
    one = series("full", [6.0, 9.0])
    assert one.timing is not None
    one = replace(one, timing=replace(one.timing, inner_loops=3))
    assert of_strategy([record("products", 0, one)]).groups == [[2.0, 3.0]]


@pytest.mark.parametrize(
    ("which", "left_out"),
    [((), ()), ((1,), (1,)), ((0, 1), ()), ((0, 1, 2), ())],
    ids=["none", "one", "exactly half", "most"],
)
def test_disturbed_processes_are_left_out_where_most_are_left(
    which: tuple[int, ...], left_out: tuple[int, ...]
) -> None:
    """Each with its reason, its place empty; where half or more were disturbed, all count."""
    samples = [[1.0], [2.0], [3.0], [4.0]]
    found = of_strategy(disturbed(products(full=samples), *which))
    assert found.groups == [[] if k in left_out else one for k, one in enumerate(samples)]
    assert found.left_out == ("other programs kept 2 cores busy",) * len(left_out)


def test_pairs_stay_aligned_where_one_of_eight_is_left_out() -> None:
    """Twice as long in each of seven processes, whatever the eighth, which is the third, says."""
    slow = [1.0, 1.3, 0.7, 1.1, 2.0, 0.9, 1.7, 1.0]
    full, column = [[s] for s in slow], [[2 * s] for s in slow]
    column[2] = [50.0]
    records = disturbed(products(full=full, column=column), 2)
    found = ratio(of_strategy(records, "column"), of_strategy(records))
    assert numbers(found) == pytest.approx((2, 2, 2))
    assert found.replicates == 7


@pytest.mark.parametrize(("count", "kept"), [(1, 1), (2, 2), (3, 2)])
def test_the_only_other_process_is_not_enough(count: int, kept: int) -> None:
    """Of one or two processes a disturbed one counts; of three it is left out."""
    records = disturbed(products(full=[[1.0]] * count), 0)
    found = undisturbed(records)
    assert sum(record is not None for record in found.records) == kept
    assert len(found.records) == count


def test_training_leaves_out_the_times_of_a_process_and_keeps_its_losses() -> None:
    """No clock has a part in a loss."""
    records = disturbed(
        [record("training", k, run("a", [1.0, 0.5], seed=k, epoch_s=1.0 + k)) for k in range(3)], 1
    )
    result = small_results.result(records)
    kind = KINDS["training"]
    (seconds,) = kind.observe(result, records, Question(metric="seconds"))
    (loss,) = kind.observe(result, records, Question(metric="loss"))
    assert (seconds.groups, len(seconds.left_out)) == ([[1.0], [], [3.0]], 1)
    assert (loss.groups, loss.left_out) == ([[0.5], [0.5], [0.5]], ())


def test_a_run_that_only_a_disturbed_process_trained_counts_and_says_so() -> None:
    """Seeds are dealt out over processes, so that nothing else would be left of it."""
    records = disturbed(
        [record("training", k, run("ab"[k // 2], [1.0, 0.5], seed=k)) for k in range(3)], 2
    )
    result = small_results.result(records)
    a, b = KINDS["training"].observe(result, records, Question(metric="seconds"))
    assert (a.groups, len(a.left_out)) == ([[1.0], [1.0], []], 1)
    assert (b.groups, b.left_out) == ([[], [], [1.0]], ())


# --- estimates of them


def test_rates_are_exactly_the_amount_over_the_estimated_seconds() -> None:
    """One estimate, turned round: no digit is another's, of skewed samples in several processes."""
    records = products(full=[[0.31, 0.37, 0.9], [0.29, 0.5], [0.33]])
    quantity = of_strategy(records)
    time, rate = quantity.time(), quantity.rate()
    assert numbers(rate) == pytest.approx(numbers(time.reciprocal(1000)), rel=2e-10)
    assert rate.value == pytest.approx(1000 / (0.37 * 0.395 * 0.33) ** (1 / 3))
    moved = replace(quantity, bytes_moved=300, examples=70)
    assert moved.bandwidth().value == pytest.approx(0.3 * rate.value)
    assert moved.examples_per_s().value == pytest.approx(0.07 * rate.value)


def test_a_ratio_of_rates_is_that_of_the_seconds_turned_round() -> None:
    """2000 operations in 2 s against 1000 in 0.5 s: half the rate, in each process."""
    records = [
        record(
            "products", k, series("full", [0.5 * slow]), series("column", [2.0 * slow], flops=2000)
        )
        for k, slow in enumerate((1.0, 1.4))
    ]
    column, full = of_strategy(records, "column"), of_strategy(records)
    assert numbers(ratio(column, full, "flop_per_s")) == pytest.approx((0.5, 0.5, 0.5))
    assert numbers(ratio(column, full)) == pytest.approx((4, 4, 4))


def test_the_highest_names_its_ties() -> None:
    """Full and row differ by less than processes do; columns take twice as long in each."""
    records = products(
        full=[[1.0], [1.0], [1.0]], row=[[1.1], [0.9], [1.02]], column=[[2.0], [2.0], [2.0]]
    )
    quantities = of_series(records)
    best = highest(quantities, "flop_per_s")
    assert best.quantity.labels["strategy"] == "full"
    assert [tie.labels["strategy"] for tie in best.ties] == ["row"]
    own = best.quantity.rate()
    assert best.estimate == replace(own, highest_of=3)
    assert own.highest_of == 0
    slowest = highest(quantities)
    assert (slowest.quantity.labels["strategy"], slowest.ties) == ("column", [])
    assert highest(quantities, lowest=True).quantity.labels["strategy"] == "full"


def test_exponents_of_rates_have_the_opposite_sign_and_keys_of_their_own() -> None:
    """Seconds that go as n^2 for the same operations are a rate that goes as n^-2."""
    sizes = (2, 4, 8)
    records = [
        record("products", k, *(series("full", [slow * n**2], size=n) for n in sizes))
        for k, slow in enumerate((1.0, 1.2, 0.7))
    ]
    curve = (sizes, of_series(records))
    time = power_law([curve], [[1.0] * len(sizes)])
    rate = exponent([(sizes, [q.factor("flop_per_s") for q in curve[1]])])
    assert [*numbers(time), *numbers(rate)] == pytest.approx([2, 2, 2, -2, -2, -2])
    corrected = power_law([curve], [[1 / n**2 for n in sizes]])
    assert corrected.value == pytest.approx(0, abs=1e-9)
    assert len({time.key, rate.key, corrected.key}) == 3


# --- keys


def test_the_same_quantity_has_the_same_key_however_it_was_come_by() -> None:
    """Experiment, backend, metric and labels; what is None tells nothing apart."""
    records = products(full=[[1.0, 3.0, 4.0], [2.0]])
    one, again = of_strategy(records), of_strategy(list(records))
    key = "products/pytorch/seconds?dtype=float32&size=256&strategy=full&threads=2"
    assert one.time().key == again.time().key == key
    assert one.time() == again.time()
    assert one.rate().key == key.replace("seconds", "flop_per_s")
    assert ratio(one, again).key == f"{key} / {key}"
    for change in (
        {"labels": {**one.labels, "size": 512}},
        {"experiment": "other"},
        {"backend": "numpy"},
        {"metric": "loss"},
    ):
        assert replace(one, **change).time().key != key


def test_like_divided_by_like_has_no_unit() -> None:
    """Operations by bytes are the machine's balance; what has no name of its own keeps both."""
    assert quotient("s", "s") == ""
    assert quotient("FLOPS", "B/s") == "FLOP/B"
    assert quotient("s", "FLOPS") == "s / FLOPS"


def test_quantities_of_other_runs_or_replicates_are_not_paired() -> None:
    """Twice as slow in each, and yet nothing tells that the first went with the first."""
    slow = of_strategy(products(full=[[2.0], [20.0]]))
    fast = of_strategy(products(full=[[1.0], [10.0]]))
    assert numbers(ratio(slow, fast)) == pytest.approx((2, 2, 2))
    for other in (replace(fast, run="another"), replace(fast, replicate="seed")):
        found = ratio(slow, other)
        assert found.value == pytest.approx(2)
        assert found.low is not None
        assert math.log(2 / found.low) > 1
