"""What claims can ask of any kind of experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from factories import small_results
from factories.small_results import record, run, series
from report.analysis import observations
from report.analysis.observations import TIMED, Question, quotient, timed
from report.registry import KINDS

if TYPE_CHECKING:
    from report.registry import KindName

UNITS = {"s", "FLOPS", "B/s", "examples/s", "examples", ""}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_what_it_can_be_asked(kind: str) -> None:
    """Each metric has a unit that pages can write, and words for whoever writes claims."""
    metrics = observations.of_kind(kind).METRICS
    assert metrics
    assert {metric.unit for metric in metrics.values()} <= UNITS
    assert all(metric.words for metric in metrics.values())
    # A metric of the same name is the same everywhere.
    assert all(TIMED.get(name, metric) == metric for name, metric in metrics.items())


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_was_observed_where_nothing_was_measured(kind: KindName) -> None:
    """A kind whose processes all failed has no series, whatever is asked."""
    module = observations.of_kind(kind)
    names = {each: name for name, each in small_results.KINDS.items()}
    failed = record(names[kind], 0, status="failed", reason="x", outcome=None)
    result = small_results.result([failed])
    for metric in module.METRICS:
        assert module.observe(result, [failed], Question(metric=metric)) == []


def test_seconds_are_those_of_one_call_by_process() -> None:
    """In the order of the processes, with an empty place where one lacks the series."""
    records = [
        record("products", 0, series("full", [1.0, 2.0]), series("column", [5.0])),
        record("products", 1, series("full", [3.0])),
    ]
    full, column = timed(records, "seconds")
    assert (full.labels["strategy"], full.groups) == ("full", [[1.0, 2.0], [3.0]])
    assert (column.labels["strategy"], column.groups) == ("column", [[5.0], []])
    assert full.censored == 0


def test_rates_are_amounts_by_seconds() -> None:
    """1000 operations in 0.5 and 0.25 s are 2000 and 4000 a second, sample by sample."""
    records = [record("products", 0, series("full", [0.5, 0.25], flops=1000))]
    (rate,) = timed(records, "flop_per_s")
    assert rate.groups == [[2000.0, 4000.0]]


@pytest.mark.parametrize("metric", ["bytes_per_s", "examples_per_s"])
def test_series_without_a_count_have_no_rate(metric: str) -> None:
    """A product counts operations, and neither bytes nor examples."""
    assert timed([record("products", 0, series("full", [0.5]))], metric) == []


def test_examples_per_second_are_an_epochs_over_its_seconds() -> None:
    """1500 examples in two seconds are 750 a second, in each of two epochs."""
    records = [record("training", 0, run("a", [1.0, 0.5, 0.3], epoch_s=2.0))]
    (rate,) = timed(records, "examples_per_s")
    assert rate.groups == [[750.0, 750.0]]


def test_like_divided_by_like_has_no_unit() -> None:
    """Operations by bytes are the machine's balance; what has no name of its own keeps both."""
    assert quotient("s", "s") == ""
    assert quotient("FLOPS", "B/s") == "FLOP/B"
    assert quotient("s", "FLOPS") == "s / FLOPS"
