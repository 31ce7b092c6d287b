"""What curves over seeds tell: times to a loss, heights above the optimum, pairs, limits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factories import small_results
from report.analysis.quantities import Question
from report.experiments.training import curves, labels, tables, words
from report.experiments.training.kind import TRAINING
from report.experiments.training.quantities import (
    LEAST_EXCESS,
    Trained,
    of_records,
)
from report.experiments.training.quantities import trained as runs_of
from report.experiments.training.questions import stability
from report.worker.records import TrainingRun

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.experiments.training.case import Case
    from report.results.result import Result
    from report.worker.records import Labels

BASE: Labels = {
    "run": "one",
    "batch_size": 10,
    "lr": 0.1,
    "epochs": 2,
    "loss": "half_squared",
    "loader": "sliced",
    "implementation": "scratch",
}


def seed(number: int, loss: list[float], *, epoch: int = 10, step_s: float = 1.0) -> TrainingRun:
    """Make a seed's record: a point after each epoch of so many examples and seconds."""
    return TrainingRun(
        labels=dict(BASE),
        seed=number,
        examples=[epoch * k for k in range(len(loss))],
        epoch_ends=list(range(1, len(loss))),
        loss=loss,
        repeats=1,
        elapsed_s=[[step_s * k for k in range(len(loss))]],
    )


def run(*processes: list[TrainingRun]) -> Trained:
    """Put seeds of one run into processes."""
    records = [small_results.record("training", k, *mine) for k, mine in enumerate(processes)]
    (one,) = runs_of(records)
    return one


def test_time_to_a_loss_is_that_of_its_first_point_below() -> None:
    """Seeds come to 0.5 after 1 s and 2 s; over processes the geometric mean is sqrt(2) s."""
    fared = curves.towards(run([seed(0, [1.0, 0.4, 0.6])], [seed(1, [1.0, 0.9, 0.5])]), loss=0.5)
    assert (fared.seeds, fared.reached, fared.at_least) == (2, 2, None)
    assert fared.time is not None
    assert fared.examples is not None
    assert fared.time.value == pytest.approx(2**0.5)
    # 10 and 20 examples.
    assert fared.examples.value == pytest.approx(200**0.5)


def test_a_run_that_one_seed_does_not_finish_has_a_bound_and_no_time() -> None:
    """The other seed was there after 1 s; this one was not after 4 s: at least sqrt(1 * 4) s."""
    fared = curves.towards(
        run([seed(0, [1.0, 0.4])], [seed(1, [1.0, 0.9, 0.8, 0.7, 0.6])]), loss=0.5
    )
    assert (fared.seeds, fared.reached) == (2, 1)
    assert fared.time is None
    assert fared.examples is None
    assert fared.at_least is not None
    assert fared.at_least.value == pytest.approx(2.0)


def test_ratios_are_paired_by_seed() -> None:
    """Seeds differ a hundredfold, each pair by a factor of 2 exactly: the interval is a point."""
    a = [small_results.run("a", [9.0, end], k) for k, end in enumerate((0.02, 2.0, 5.0))]
    b = [small_results.run("b", [9.0, end], k) for k, end in enumerate((0.01, 1.0))]
    above, below = (one.loss() for one in runs_of([small_results.record("training", 0, *a, *b)]))
    ratio = curves.ratio(above, below)
    assert ratio is not None
    assert (ratio.low, ratio.value, ratio.high) == pytest.approx((2, 2, 2))
    assert ratio.replicates == 2
    apart = [replace(q, groups=g) for q, g in ((above, [[1.0], []]), (below, [[], [1.0]]))]
    assert curves.ratio(*apart) is None


SKEWED = (0.3, 0.31, 0.33, 0.8)
"""Last losses of four seeds: geometric mean 0.3957, median 0.32, mean 0.435."""


def test_centre_of_a_loss_is_one_number_in_curve_claim_and_excess() -> None:
    """The geometric mean over seeds, in whatever process each of them was trained."""
    names = [small_results.run("a", [2.0, 1.0, end], k) for k, end in enumerate(SKEWED)]
    records = [small_results.record("training", k, *names[k::2]) for k in range(2)]
    result = small_results.result(records)
    (line,) = curves.lines(result, "training", "pytorch")
    (claimed,) = TRAINING.observe(result, records, Question(metric="loss"))
    geometric = (0.3 * 0.31 * 0.33 * 0.8) ** 0.25
    assert claimed.estimate().value == line.loss[-1] == pytest.approx(geometric)
    assert (line.lowest[-1], line.highest[-1]) == (0.3, 0.8)
    lowest = curves.optimum(result)
    assert lowest is not None
    (excess,) = TRAINING.observe(result, records, Question(metric="excess"))
    assert excess.estimate().value == line.above(lowest)[-1]
    assert excess == curves.above(line.run, lowest)
    (row,) = tables.final_table([line], lowest).rows
    assert getattr(row[4], "text", "") == words.tiny(excess.estimate().value)
    assert line.loss[:2] == pytest.approx([2.0, 1.0])


def test_height_is_taken_at_the_end_of_an_epoch_above_the_base() -> None:
    """Base 0.25: after epoch 1 the heights are 0.75 and 0.5; a seed that ended early has none."""
    whole = run([seed(0, [2.0, 1.0, 0.5]), seed(1, [2.0, 0.75])])
    assert curves.above(whole, 0.25, epoch=1).groups == [[0.75], [0.5]]
    # The last of two epochs; the second seed diverged in it.
    assert curves.above(whole, 0.25).groups == [[0.25], []]
    # Without an optimum it is the loss.
    assert curves.above(whole, 0.0).groups == [[0.5], []]


def test_height_is_never_below_what_a_float_can_show() -> None:
    """A loss that rounding puts below the optimum still has a logarithm."""
    assert curves.above(run([seed(0, [1.0, 0.2, 0.2])]), 0.25).groups == [[LEAST_EXCESS]]


def test_soonest_names_those_that_intervals_do_not_tell_apart(
    case_of: Callable[..., Case],
) -> None:
    """A twin of the first takes as long; a run that never comes there takes no part."""
    case = case_of(
        [
            {"run": "slow", "batch_size": 1, "lr": 0.002},
            {"run": "first", "batch_size": 100, "lr": 0.3},
            {"run": "twin", "batch_size": 100, "lr": 0.3},
            {"run": "never", "batch_size": 1500, "lr": 0.001},
        ],
        every=200,
    )
    found = curves.soonest(case.lines, 0.25)
    assert found is not None
    assert {found.line.name, *(line.name for line in found.level)} == {"first", "twin"}


def test_epochs_and_updates_count_copies(case_of: Callable[..., Case]) -> None:
    """Of 3,000 rows in batches of 100, an epoch is 30 updates; of 1,500 it is 15."""
    case = case_of([{"run": str(n), "batch_size": 100, "copies": n} for n in (1, 2)], every=0)
    once, twice = case.lines
    assert (once.epochs, once.updates) == ([0, 1, 2], [0, 15, 30])
    assert (twice.epochs, twice.updates) == ([0, 1, 2], [0, 30, 60])


def test_a_smaller_last_batch_is_an_update_as_well(case_of: Callable[..., Case]) -> None:
    """1,500 rows in batches of 400: 4 updates an epoch, the last of 300."""
    (line,) = case_of([{"run": "one", "batch_size": 400}], every=0).lines
    assert line.updates == [0, 4, 8]


def test_quantities_count_the_examples_of_an_epoch(trained: Callable[..., Result]) -> None:
    """1,500 rows, and twice as many where each is there twice."""
    result = trained([{"run": str(n), "batch_size": 100, "copies": n} for n in (1, 2)])
    assert [q.examples for q in of_records(result.records)] == [1500, 3000]


def test_twins_differ_in_one_setting_alone(case_of: Callable[..., Case]) -> None:
    """Another rate makes another run."""
    case = case_of(
        [
            {"run": "a"},
            {"run": "b", "sampling": "replacement"},
            {"run": "c", "sampling": "replacement", "lr": 0.01},
        ]
    )
    pairs = curves.twins(case.lines, "sampling", "permutation", "replacement")
    assert [(one.name, other.name) for one, other in pairs] == [("a", "b")]


def test_runs_are_named_in_the_fewest_words() -> None:
    """By their labels where these differ, else by what else they differ in."""
    one, other = dict(BASE), {**BASE, "implementation": "concise"}
    assert labels.names([one, other]) == ["scratch", "concise"]
    assert labels.names([one, {**other, "run": "two"}]) == ["one", "two"]


def test_slowest_direction_is_that_of_theory(trained: Callable[..., Result]) -> None:
    """Eigenvalues 0.1737 to 2.0985: lr 1 multiplies by |1 - 2.0985| = 1.0985, and 0.5 by 0.9131.

    With momentum m and complex roots in every direction the modulus is sqrt(m): here
    (1 + 0.81 - 0.5 * lambda)^2 < 4 * 0.81 for lambda from 0.02 to 7.2, which holds all of them.
    """
    problem = curves.problem(trained([{"run": "one"}]))
    assert problem is not None
    assert stability.slowest(problem, 1.0) == pytest.approx(1.0985, abs=1e-4)
    assert stability.slowest(problem, 0.5) == pytest.approx(0.9131, abs=1e-4)
    assert stability.slowest(problem, 0.5, 0.81) == pytest.approx(0.9)


def test_measured_decay_comes_to_that_of_theory(case_of: Callable[..., Case]) -> None:
    """After 40 steps only the slowest direction is left, below the limit and above it."""
    case = case_of(
        [
            {"run": "below", "batch_size": 1500, "lr": 0.5, "epochs": 40},
            {"run": "above", "batch_size": 1500, "lr": 1.0, "epochs": 40},
        ],
        every=0,
    )
    problem = curves.problem(case.result)
    assert problem is not None
    for line in case.lines:
        one = stability.decay(case, problem, line)
        assert one.limit == pytest.approx(0.95307, abs=1e-4)
        assert one.measured == pytest.approx(one.theory, rel=0.002)


def test_exact_path_is_of_plain_full_batches_only(case_of: Callable[..., Case]) -> None:
    """With copies too, since the gradient is a mean; not with momentum or another schedule."""
    full = {"batch_size": 1500, "lr": 0.9, "epochs": 3}
    case = case_of(
        [
            {"run": "plain", **full},
            {"run": "copied", **full, "batch_size": 3000, "copies": 2},
            {"run": "momentum", **full, "optimizer": "momentum", "momentum": 0.5},
            {"run": "cosine", **full, "schedule": "cosine"},
            {"run": "half of the copies", **full, "copies": 2},
        ]
    )
    gaps = {line.name: curves.deviation(case.result, [line.run]) for line in case.lines}
    assert gaps["plain"] == pytest.approx(0, abs=1e-9)
    assert gaps["copied"] == pytest.approx(0, abs=1e-9)
    assert [gaps[name] for name in ("momentum", "cosine", "half of the copies")] == [None] * 3
