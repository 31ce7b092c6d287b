"""The data-parallel model: its formulas by hand, and what is said of it."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from report.experiments.catalogue import of_result
from report.experiments.matmul.quantities import number_format
from report.figures import prose
from report.figures.prose import plain
from report.figures.shapes import Curves, Points, Reference, Upright
from report.sections import data_parallel
from report.sections.data_parallel.model import (
    Cluster,
    Link,
    Setting,
    Work,
    all_reduce_s,
    inputs,
    ring_s,
    scenarios,
    tree_s,
)
from report.text.numerals import NONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.figures.figure import Figure
    from report.results.result import Result

    Made = Callable[..., Result]
    Drawn = Callable[..., list[Figure]]

LINK = Link(latency_s=1e-6, bytes_per_s=1e9)
INSIDE, NETWORK = Link(latency_s=5e-6, bytes_per_s=20e9), Link(latency_s=20e-6, bytes_per_s=1.25e9)
CLUSTER = Cluster(devices=8, servers=16, within=INSIDE, between=NETWORK)
ONE = Cluster(devices=1, servers=1, within=INSIDE, between=NETWORK)
WORK = Work(fixed_s=80e-6, per_example_s=13e-9, gradient_bytes=24)


@pytest.mark.parametrize(
    ("formula", "peers", "messages", "size"),
    [(ring_s, 4, 6, 1000), (tree_s, 4, 4, 4000), (tree_s, 5, 6, 4000)],
)
def test_all_reduce_is_so_many_messages(
    formula: Callable[..., float], peers: int, messages: int, size: int
) -> None:
    """A ring sends parts of the 4000 bytes, nearly the whole twice; a tree all, up and down."""
    assert formula(peers, 4000, LINK) == pytest.approx(messages * (1e-6 + size / 1e9))


def test_short_gradients_take_the_tree_and_long_ones_the_ring() -> None:
    """As in the paper: few messages against few bytes."""
    assert all_reduce_s(16, 24, NETWORK) == tree_s(16, 24, NETWORK) < ring_s(16, 24, NETWORK)
    long = 100_000_000
    assert all_reduce_s(16, long, NETWORK) == ring_s(16, long, NETWORK) < tree_s(16, long, NETWORK)


def test_one_worker_exchanges_nothing() -> None:
    """And so its speed-up over itself is 1 at any minibatch."""
    assert ONE.communication_s(10**9) == 0
    assert [WORK.speedup(batch, ONE) for batch in (1, 7, 1500)] == [1, 1, 1]


def test_step_is_the_sum_of_its_parts() -> None:
    """128 workers, 1500 examples: 12 each at most; 2 log2 8 messages inside, 2 log2 16 between."""
    communication = 6 * (5e-6 + 24 / 20e9) + 8 * (20e-6 + 24 / 1.25e9)
    assert WORK.step_s(1500, CLUSTER) == pytest.approx(80e-6 + 12 * 13e-9 + communication)


def test_each_worker_needs_an_example() -> None:
    """The chapter's lower bound: 8 devices in each of 16 servers, 128 examples."""
    assert CLUSTER.workers == 128
    assert WORK.step_s(128, CLUSTER) > 0
    with pytest.raises(ValueError, match="an example for each worker"):
        WORK.step_s(127, CLUSTER)


@pytest.mark.parametrize("size", [24, 10_000, 10**8])
@pytest.mark.parametrize("peers", [2, 3, 8, 16, 100])
def test_a_better_link_is_never_slower(peers: int, size: int) -> None:
    """More bandwidth, or less latency."""
    base = all_reduce_s(peers, size, NETWORK)
    assert all_reduce_s(peers, size, replace(NETWORK, bytes_per_s=12.5e9)) <= base
    assert all_reduce_s(peers, size, replace(NETWORK, latency_s=1e-6)) < base


def test_larger_shares_bring_more_speedup_and_never_more_than_the_workers() -> None:
    """Over minibatches that all share evenly."""
    speedups = [WORK.speedup(128 * 2**k, CLUSTER) for k in range(24)]
    assert speedups == sorted(speedups)
    assert speedups[0] < 1 < speedups[-1] < 128


def test_half_the_workers_number_is_reached_where_the_formula_says() -> None:
    """B = (p (f + m) - 2 f) / c; there the examples take just less than half of a step."""
    half = WORK.half(CLUSTER)
    assert half is not None
    m = CLUSTER.communication_s(24)
    assert half == pytest.approx((128 * (80e-6 + m) - 160e-6) / 13e-9)
    even = 128 * math.ceil(half / 128)
    assert WORK.speedup(even - 128, CLUSTER) < 64 <= WORK.speedup(even, CLUSTER)
    examples_s = WORK.per_example_s * (even / 128 - 1)
    assert examples_s < WORK.step_s(even - 128, CLUSTER) / 2


@pytest.mark.parametrize(("per_example_s", "half"), [(0.0, None), (1.0, 128)])
def test_only_examples_that_cost_something_pay(per_example_s: float, half: float | None) -> None:
    """Else no minibatch does; where each takes a second, the smallest does already."""
    assert replace(WORK, per_example_s=per_example_s).half(CLUSTER) == half


@pytest.mark.parametrize("outlier", [1, 10])
def test_inputs_are_the_machines_own(result_of: Made, outlier: float) -> None:
    """A line through each process's medians, memory's bandwidth, and images at the peak."""
    result = result_of(noise=0.0)
    for record in result.records:
        for series in record.outcome.series[::2] if record.outcome else ():
            assert series.timing is not None
            series.timing.elapsed_s[-1] *= outlier
    (given,) = inputs(result)
    regression, resnet = given.works["regression"], given.works["resnet"]
    assert [work.fixed_s for work in regression] == [pytest.approx(80e-6)] * 3
    assert [work.per_example_s for work in regression] == [pytest.approx(13e-9)] * 3
    assert given.memory.estimate.value == pytest.approx(20e9)
    # Five weights and a bias in float32.
    assert regression[0].gradient_bytes == 24
    assert given.cluster(16, 10).between.bytes_per_s == pytest.approx(1.25e9)
    peak = max(
        product.rate().value
        for product in of_result(result)
        if product.kind == "matmul"
        if number_format(product) == "float32"
    )
    # 3.8e9 multiply-adds forward, and twice that backward.
    assert [work.per_example_s for work in resnet] == [pytest.approx(22.8e9 / peak)] * 3
    assert resnet[0].gradient_bytes == 102_400_000


def test_curves_begin_with_one_example_for_each_worker(result_of: Made) -> None:
    """And all points are shared evenly."""
    (given,) = inputs(result_of())
    for setting in itertools.chain(*scenarios(given).values()):
        batches = setting.batches()
        assert batches[0] == setting.workers
        assert all(batch % setting.workers == 0 for batch in batches)


def test_everything_is_called_a_model(result_of: Made) -> None:
    """Title, section, axis and sheet: nobody may take it for a measurement."""
    result = result_of()
    assert "a model, not a measurement" in data_parallel.TITLE
    figures = data_parallel.figures(result)
    assert [(figure.name, figure.question) for figure in figures] == [
        ("data-parallel-pytorch-regression", "regression"),
        ("data-parallel-pytorch-resnet", "resnet"),
    ]
    for figure in figures:
        assert figure.words.asked.startswith("<p>")
        assert figure.words.title.startswith("In the model, ")
        assert "predicted" in figure.words.caption
        assert isinstance(figure.shape, Curves)
        assert "model" in figure.shape.y.label
        assert "model" in figure.shape.y.narrow
        assert {"predicted_step_s", "predicted_speedup"} <= set(figure.sheet.header)
        assert all(len(row) == len(figure.sheet.header) for row in figure.sheet.rows)
        assert all(len(row) == len(figure.table.header) for row in figure.table.rows)


def test_title_tells_what_the_least_minibatch_brings(figures_of: Drawn) -> None:
    """(80 us + 128 * 13 ns) / (80 us + 13 ns + 190 us) = 0.302 = 1 / 3.3."""
    title = plain(figures_of("data-parallel", noise=0.0)[0].words.title)
    assert "take 3.3 times as long as one" in title


def test_drawing_marks_half_of_each_number_of_workers(figures_of: Drawn) -> None:
    """On the curves; with what bounds them, and how many examples there are."""
    shape = figures_of("data-parallel", noise=0.0)[0].shape
    assert isinstance(shape, Curves)
    assert [mark.y for mark in shape.marks if isinstance(mark, Points)] == [(4, 64)]
    assert [mark.x for mark in shape.marks if isinstance(mark, Upright)] == [1500]
    assert [mark.y for mark in shape.marks if isinstance(mark, Reference)] == [1, 8, 128]


def test_words_name_the_larger_of_what_is_not_shared(figures_of: Drawn) -> None:
    """Eight workers exchange in 30 us; 128 in 190 us, more than the 80 us of an update."""
    words = figures_of("data-parallel", noise=0.0)[0].words.explanation
    eight, many = words.split("With 128 workers")
    assert "the larger of the two is the fixed cost of an update." in eight
    assert "the larger of the two is the exchange of the gradient." in many
    assert "there are 1,500 examples in all" in many


def test_updates_that_do_not_grow_are_not_divided_by(figures_of: Drawn) -> None:
    """The fit gives 0 for each example: no minibatch is named."""
    figures = figures_of("data-parallel", noise=0.0, per_example_s=0.0)
    assert "do not say which minibatch would reach a speed-up of 64" in figures[0].words.explanation
    assert [getattr(row[5], "text", "") for row in figures[0].table.rows] == [NONE, NONE]


def test_without_a_peak_there_is_no_resnet(result_of: Made) -> None:
    """The chapter's own model needs none."""
    result = result_of(leave_out=("matmul",))
    assert [f.question for f in data_parallel.figures(result)] == ["regression"]
    assert data_parallel.experiments(result) == ["memory", "steps"]
    assert not any("ResNet" in sentence for sentence in data_parallel.method(result))
    said = " ".join(map(plain, data_parallel.method(result_of(noise=0.0))))
    assert "an update takes 80.0 µs plus 13.0 ns for each example" in said.replace("\xa0", " ")
    assert "25.6 million" in said


def test_one_process_makes_a_prediction_without_an_interval(figures_of: Drawn) -> None:
    """There is one fit, and nothing that tells how far it would differ."""
    caption = plain(figures_of("data-parallel", processes=1)[0].words.caption)
    assert "95 %" not in caption
    assert "no interval" in caption


def many(result: Result, costs: list[float]) -> Setting:
    """Return 128 workers, with what an example costs in each process."""
    (given,) = inputs(result)
    setting = scenarios(given)["regression"][-1]
    works = [replace(setting.works[0], per_example_s=cost) for cost in costs]
    return replace(setting, works=works)


def test_a_prediction_whose_interval_holds_one_claims_no_difference(result_of: Made) -> None:
    """Processes that disagree whether 128 workers are faster leave it open."""
    result = result_of()
    # T(128, 1) / T(128, 128): far below 1 with cheap examples, far above it with expensive ones.
    for costs, said in (
        ([1e-9, 1e-5, 1e-3], "no faster and no slower than one"),
        ([1e-9, 1e-9, 1e-9], "times as long as one"),
    ):
        title = prose.block(
            data_parallel.TEMPLATE, "regression_title", settings=[many(result, costs)], trained="it"
        )
        assert said in title


def test_where_a_process_saw_no_cost_of_examples_no_minibatch_is_named(result_of: Made) -> None:
    """It could be of any size; what the other processes name is left out with it."""
    none, both, same = (
        many(result_of(), costs).half() for costs in ([0.0, 1e-8, 4e-8], [1e-8, 4e-8], [2e-8])
    )
    assert none is None
    assert both is not None
    assert same is not None
    assert both.value == pytest.approx(same.value)
