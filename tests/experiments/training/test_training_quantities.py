"""What claims can ask of training runs: losses at epochs' ends, and the way to a loss."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from factories import small_results
from factories import training as made
from factories.small_results import record, run
from reading import said, some
from report.analysis.quantities import Question
from report.experiments.training import curves
from report.experiments.training.figures import figures
from report.experiments.training.kind import TRAINING
from report.experiments.training.quantities import METRICS, Case, cases
from report.experiments.training.runs import LEAST_EXCESS, ratio
from report.figures.figure import Number
from report.worker.records import PrintedRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.quantities import Quantity
    from report.results.result import Record, Result
    from report.worker.records import TrainingRun


def result_of(records: Sequence[Record]) -> Result:
    """Return a result whose data are the chapter's."""
    return small_results.result(records)


def case_of(records: Sequence[Record]) -> Case:
    """Return the same as a case."""
    return Case(name="", result=result_of(records), runs=[])


def asked(records: Sequence[Record], metric: str, **keys: Any) -> list[Quantity]:
    """Return what a claim would see."""
    return TRAINING.observe(result_of(records), records, Question(metric=metric, **keys))


TWO_SEEDS = [
    record("training", 0, run("a", [1.0, 0.5, 0.3], 0), run("b", [1.0, 0.4, 0.2], 0)),
    record("training", 1, run("a", [2.0, 0.6, 0.35], 1), run("b", [2.0, 0.45, 0.26], 1)),
]


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [(None, [[0.3], [0.35]]), (0, [[1.0], [2.0]]), (1, [[0.5], [0.6]]), (2, [[0.3], [0.35]])],
)
def test_loss_is_that_at_the_end_of_an_epoch(epoch: int | None, expected: list[Any]) -> None:
    """By seed; the last epoch unless it is said, and 0 for the untrained weights."""
    first, second = asked(TWO_SEEDS, "loss", epoch=epoch)
    assert (first.labels["run"], first.groups) == ("a", expected)
    assert len(second.groups) == len(first.groups)


def test_a_run_has_no_loss_after_its_last_epoch() -> None:
    """Three epochs of two were never trained; each seed keeps its empty place."""
    assert [one.groups for one in asked(TWO_SEEDS, "loss", epoch=3)] == [[[], []], [[], []]]


def test_excess_is_the_loss_above_the_lowest_possible() -> None:
    """Of the result's own data; what rounding puts below it counts as a very little above."""
    lowest = some(case_of([]).lowest)
    records = [record("training", 0, run("a", [1.0, lowest + 0.1, lowest - 1e-7], 0))]
    (first,) = asked(records, "excess", epoch=1)
    assert first.groups == [[pytest.approx(0.1)]]
    (last,) = asked(records, "excess")
    assert last.groups == [[LEAST_EXCESS]]


def test_a_seed_that_diverged_has_no_loss_at_the_end() -> None:
    """Its curve is cut where the loss was no longer a number; its place stays empty."""
    records = [
        record("training", 0, run("a", [1.0, 9.0], 0, epochs=3)),
        record("training", 1, run("a", [1.0, 0.5, 0.4, 0.3], 1, epochs=3)),
    ]
    (one,) = asked(records, "loss")
    assert one.groups == [[], [0.3]]


def test_examples_to_a_loss_are_counted_by_seed() -> None:
    """The first point at or below it: 0.5 after one epoch of 1500, and 0.35 after two."""
    (a, b) = asked(TWO_SEEDS, "examples_to_loss", loss=0.5)
    assert (a.groups, a.censored) == ([[1500.0], [3000.0]], 0)
    assert b.groups == [[1500.0], [1500.0]]


def test_seconds_to_a_loss_are_the_median_of_the_repeats_by_process() -> None:
    """Of 1, 1.2 and 9 s for an epoch it is 1.2; two seeds of a process are two samples of it."""
    slow = run("a", [1.0, 0.3], 0)
    slow = replace(slow, repeats=3, elapsed_s=[[0.0, 1.0], [0.0, 9.0], [0.0, 1.2]])
    records = [
        record("training", 0, slow, run("a", [1.0, 0.3], 2, epoch_s=2.0)),
        record("training", 1, run("a", [1.0, 0.3], 1, epoch_s=3.0)),
    ]
    (one,) = asked(records, "seconds_to_loss", loss=0.3)
    assert (one.groups, one.censored) == ([[1.2, 2.0], [3.0]], 0)


def test_what_never_comes_to_the_loss_counts_with_its_end_and_as_a_bound() -> None:
    """The second seed ends at 0.35 after 3000 examples and two seconds."""
    for metric, end in (("examples_to_loss", 3000.0), ("seconds_to_loss", 2.0)):
        a, b = asked(TWO_SEEDS, metric, loss=0.3)
        assert (a.groups[1], a.censored) == ([end], 1)
        assert b.censored == 0


def test_what_starts_at_the_loss_took_no_time_and_has_no_ratio() -> None:
    """The untrained loss of the first seed is low enough already: nothing to compare with."""
    a, _ = asked(TWO_SEEDS, "examples_to_loss", loss=1.0)
    assert (a.groups, a.censored) == ([[], [1500.0]], 0)


def test_the_reports_own_target_is_taken_unless_one_is_named() -> None:
    """2 % above the lowest loss 0.2417, rounded up to two decimals: 0.25."""
    records = [record("training", 0, run("a", [1.0, 0.251, 0.249], 0))]
    assert case_of(records).target == 0.25
    (one,) = asked(records, "examples_to_loss")
    assert one.groups == [[3000.0]]


@pytest.mark.parametrize(
    ("lr", "loss", "factor"),
    [(1.0, "half_squared", 1.0985), (0.5, "mse", 1.0985), (0.1, "half_squared", 0.79015)],
)
def test_theory_follows_from_the_data_and_the_rate(lr: float, loss: str, factor: float) -> None:
    """The steepest curvature is 2.0985: stable below 2 / 2.0985; a step's factor 1 - 2.0985 lr."""
    # Past the limit that is without its sign; a rate for the loss without the 1/2 counts twice.
    # Every seed has the same value, one that diverged too.
    labels = {**run("a", [1.0]).labels, "lr": lr, "loss": loss}
    seeds = [run("a", losses, k, epochs=2) for k, losses in enumerate(([1.0, 0.5, 0.3], [1.0]))]
    records = [record("training", 0, *(replace(one, labels=labels) for one in seeds))]
    expected = {"lowest_loss": 0.2416879551, "stable_lr": 0.95307, "steepest_factor": factor}
    for metric, value in expected.items():
        (one,) = asked(records, metric)
        assert one.groups == [[pytest.approx(value, abs=1e-4)]] * 2, metric
        assert (one.metric, one.replicate, one.unit) == (metric, "seed", "")


def test_without_the_datas_moments_there_is_no_optimum_and_no_target() -> None:
    """Losses remain, and times to a loss that is named; theory says nothing."""
    records = [record("training", 0, run("a", [1.0, 0.3], 0))]
    result = result_of(records)
    result.moments = None
    found = {
        metric: bool(TRAINING.observe(result, records, Question(metric=metric)))
        for metric in METRICS
    }
    assert {metric for metric, some in found.items() if some} == {
        "seconds",
        "examples_per_s",
        "loss",
        "joules",
        "memory_bytes",
        "device_memory_bytes",
    }
    assert TRAINING.observe(result, records, Question(metric="seconds_to_loss", loss=0.3))


def test_a_process_that_failed_keeps_its_place_among_times() -> None:
    """So that what the others measured stays paired; among seeds it has none."""
    failed = record("training", 1, status="failed", reason="x", outcome=None)
    records = [TWO_SEEDS[0], failed, replace(TWO_SEEDS[1], process=2)]
    (times, _) = asked(records, "seconds_to_loss", loss=0.5)
    assert times.groups == [[1.0], [], [2.0]]
    (losses, _) = asked(records, "loss")
    assert losses.groups == [[0.3], [0.35]]


def test_ratios_of_losses_are_paired_by_seed() -> None:
    """Seeds differ a hundredfold, each pair by a factor of 2 exactly: the interval is a point."""
    # The third seed has no partner; where no seed has one there is no ratio.
    a = [run("a", [9.0, end], k) for k, end in enumerate((0.02, 2.0, 5.0))]
    b = [run("b", [9.0, end], k) for k, end in enumerate((0.01, 1.0))]
    above, below = asked([record("training", 0, *a, *b)], "loss")
    paired = some(ratio(above, below))
    assert (paired.low, paired.value, paired.high) == pytest.approx((2, 2, 2))
    assert paired.replicates == 2
    apart = [replace(q, groups=g) for q, g in ((above, [[1.0], []]), (below, [[], [1.0]]))]
    assert ratio(*apart) is None


SKEWED = (0.3, 0.31, 0.33, 0.8)
"""Last losses of four seeds: geometric mean 0.3957, median 0.32, mean 0.435."""


def test_centre_of_a_loss_is_one_number_in_curve_table_and_claim() -> None:
    """The geometric mean over seeds, in whatever process each of them was trained."""
    ends = [run("a", [2.0, 1.0, end], k) for k, end in enumerate(SKEWED)]
    records = [record("training", k, *ends[k::2]) for k in range(2)]
    (case,) = cases(result_of(records), "training")
    (line,) = curves.of_case(case, curves.EPOCHS).lines
    (loss,) = asked(records, "loss")
    (excess,) = asked(records, "excess")
    assert loss.estimate().value == pytest.approx((0.3 * 0.31 * 0.33 * 0.8) ** 0.25)
    assert line.y[-1] == excess.estimate().value
    assert (line.low[-1], line.high[-1]) == pytest.approx((0.3 - case.base, 0.8 - case.base))
    columns = curves.ends(case)
    for header, quantity in (("loss at the end", loss), ("above the optimum", excess)):
        (cell,) = columns[header]
        assert isinstance(cell, Number)
        assert cell.estimate == quantity.estimate(), header


@pytest.mark.parametrize("metric", METRICS)
def test_replicates_stand_in_one_order_in_all_runs(metric: str) -> None:
    """Whatever is asked, the runs of an experiment can be paired replicate by replicate."""
    records = [printing(0, a=2.0, b=1.0), printing(1, a=4.0, b=5.0)]
    a, b = asked(records if metric == "printed_seconds" else TWO_SEEDS, metric, loss=0.5)
    assert len(a.groups) == len(b.groups) == 2


def test_energy_to_a_loss_is_that_of_the_epochs_which_the_seed_takes() -> None:
    """50 J an epoch; 0.4 is reached after one epoch by the first seed, after two by the second."""
    seeds = [run("a", [1.0, 0.4, 0.2], 0), run("a", [1.0, 0.6, 0.4], 1)]
    records = [record("training", k, seed) for k, seed in enumerate(seeds)]
    (epoch,) = asked(records, "joules")
    assert (epoch.unit, epoch.groups) == ("J", [[50.0], [50.0]])
    (to_loss,) = asked(records, "joules_to_loss", loss=0.4)
    assert to_loss.groups == [[50.0], [100.0]]
    assert asked(records, "joules_to_loss", loss=0.3) == []  # the second does not come there


# --- what points that lie apart leave open


def coarse(examples: Sequence[int], losses: Sequence[float], seed: int, size: int) -> TrainingRun:
    """Return a run of one epoch with these points and batches of a size."""
    one = run("a", [losses[0], losses[-1]], seed)
    return replace(
        one,
        labels={**one.labels, "batch_size": size},
        examples=[*examples],
        epoch_ends=[len(examples) - 1],
        loss=[*losses],
        elapsed_s=[[n / 1000 for n in examples]],
    )


def test_examples_to_a_loss_may_be_fewer_than_the_point_that_shows_it() -> None:
    """Both seeds are seen there at 400, not yet at 200: by tens, 210 may have been enough."""
    points = [0, 200, 400, 1500]
    seeds = [coarse(points, [1.0, 0.5, 0.3, 0.2], k, 10) for k in range(2)]
    (one,) = asked(
        [record("training", k, seed) for k, seed in enumerate(seeds)], "examples_to_loss", loss=0.3
    )
    estimate = one.estimate()
    assert estimate.value == pytest.approx(400)
    assert (estimate.low, estimate.high) == pytest.approx((210, 400))
    # A divisor that may be smaller makes a ratio that may be larger.
    above = ratio(replace(one, coarse=0.0), one)
    assert (some(above).low, some(above).high) == pytest.approx((1, 400 / 210))


def test_where_every_update_has_its_point_nothing_is_left_open() -> None:
    """Full batches: an epoch is one update, so that its end is exact."""
    a, _ = asked(TWO_SEEDS, "examples_to_loss", loss=0.5)
    b, _ = asked(TWO_SEEDS, "seconds_to_loss", loss=0.5)
    assert (a.coarse, b.coarse) == (0, 0)


def test_with_points_at_epochs_ends_alone_a_time_to_a_loss_is_an_upper_bound() -> None:
    """Of 1500 examples by tens, ten may have been enough; with points between, it is as it is."""
    ends, points = [0, 1500, 3000], [0, 200, 1500]
    whole = coarse(ends, [1.0, 0.3, 0.2], 0, 10)
    whole = replace(whole, epoch_ends=[1, 2])
    (bound,) = asked([record("training", 0, whole)], "seconds_to_loss", loss=0.3)
    (exact,) = asked(
        [record("training", 0, coarse(points, [1.0, 0.3, 0.2], 0, 10))], "seconds_to_loss", loss=0.3
    )
    assert (bound.groups, exact.groups) == ([[1.5]], [[0.2]])
    assert bound.coarse == pytest.approx(1490 / 1500)
    assert exact.coarse == 0


def test_an_upper_bound_is_said_to_be_one() -> None:
    """In a table and in a sentence."""
    runs: list[dict[str, Any]] = [{"run": "a"}, {"run": "b", "batch_size": 100, "lr": 0.4}]
    for every, bound in ((0, True), (200, False)):
        case = made.case_of(runs, every=every)
        (cells,) = [c for name, c in curves.way_to(case).items() if name.startswith("milliseconds")]
        texts = [cell if isinstance(cell, str) else cell.text for cell in cells]
        assert all(("\N{LESS-THAN OR EQUAL TO}" in text) is bound for text in texts)
        figure = next(f for f in figures(case.result, "one") if f.question == "time")
        assert ("at most" in said(figure)["caption"]) is bound


# --- what the chapter's listing prints


def printing(process: int, **seconds: float) -> Record:
    """Return a process that prints these seconds per epoch at first, and a tenth less again."""
    runs = [run(name, [1.0, 0.3]) for name in seconds]
    listed = [replace(one, labels={**one.labels, "loader": "dataloader"}) for one in runs]
    one = record("training", process, *listed)
    printed = [
        PrintedRun(run=name, turn=turn, epoch_s=s * (1 - turn / 10), loss=0.3, collected_s=0.0)
        for turn in range(2)
        for name, s in seconds.items()
    ]
    return replace(one, outcome=replace(some(one.outcome), printed_runs=printed))


def test_printed_seconds_are_those_of_the_first_turn_by_process() -> None:
    """One print is one value of its process; a later turn is no part of it."""
    a, b = asked([printing(0, a=2.0, b=1.0), printing(1, a=4.0, b=5.0)], "printed_seconds")
    assert (a.groups, b.groups) == ([[2.0], [4.0]], [[1.0], [5.0]])
    assert (a.unit, a.replicate, a.metric) == ("s", "process", "printed_seconds")


def test_only_a_run_as_listed_has_printed_seconds() -> None:
    """One of the same name with batches cut from a tensor is not what the chapter timed."""
    one = printing(0, a=2.0)
    sliced = replace(some(one.outcome), runs=[run("a", [1.0, 0.3])])
    assert asked([replace(one, outcome=sliced)], "printed_seconds") == []


def test_a_clock_that_was_set_back_prints_nothing_that_could_be_compared() -> None:
    """The chapter's clock can be: no time is zero or less."""
    assert asked([printing(0, a=-1.0), printing(1, a=2.0)], "printed_seconds") == []


def test_memory_counts_only_in_a_process_that_did_nothing_before() -> None:
    """What another experiment has left there is none of this one's."""
    fresh = record("training", 0, run("a", [1.0, 0.5], 0))
    later = record("training", 1, run("a", [1.0, 0.5], 1), import_s=None)
    (memory,) = asked([fresh, later], "memory_bytes")
    assert memory.groups == [[200 * 2.0**20], []]
    assert asked([later], "memory_bytes") == []
