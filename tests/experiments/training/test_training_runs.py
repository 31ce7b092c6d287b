"""What runs over seeds tell: the way to a loss, heights above the optimum, pairs, limits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factories import small_results
from factories.training import case_of
from reading import some
from report.analysis import quantities
from report.experiments.training.quantities import decay, of_records, slowest
from report.experiments.training.runs import apart, lowest, names, towards, trained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.experiments.training.runs import Run


def run_of(*seeds: Sequence[float], epochs: int | None = None) -> Run:
    """Make a run of seeds with these losses at the ends of epochs of a second, each a process."""
    records = [
        small_results.record("training", k, small_results.run("a", losses, k, epochs=epochs))
        for k, losses in enumerate(seeds)
    ]
    (run,) = trained(records)
    return run


def test_time_to_a_loss_is_that_of_its_first_point_below() -> None:
    """Seeds get to 0.5 after 1 s and 2 s; over processes the geometric mean is sqrt(2) s."""
    fared = towards(run_of([1.0, 0.4, 0.6], [1.0, 0.9, 0.5]), 0.5)
    assert (fared.seeds, fared.at_least) == (2, None)
    assert fared.time is not None
    assert fared.examples is not None
    assert fared.time.value == pytest.approx(2**0.5)
    # 1,500 and 3,000 examples.
    assert fared.examples.value == pytest.approx(1500 * 2**0.5)


def test_a_run_that_one_seed_does_not_finish_has_a_bound_and_no_time() -> None:
    """The other seed was there after 1 s; this one was not after 4 s: at least sqrt(1 * 4) s."""
    fared = towards(run_of([1.0, 0.4, 0.3, 0.3, 0.3], [1.0, 0.9, 0.8, 0.7, 0.6]), 0.5)
    assert (fared.seeds, fared.time, fared.examples) == (1, None, None)
    assert fared.at_least is not None
    assert fared.at_least.value == pytest.approx(2.0)


def test_a_run_with_a_seed_that_diverged_has_no_end() -> None:
    """Where one did, where all did before their first evaluation, where one ended above itself."""
    whole = run_of([1.0, 0.5, 0.4], [1.0, 0.6, 0.3])
    some, none = run_of([1.0, 0.5, 0.4], [1.0, 9.0], epochs=2), run_of([1.0], [1.0], epochs=2)
    short = replace(some, seeds=[replace(seed, diverged=False) for seed in some.seeds])
    above = replace(whole, seeds=[replace(whole.seeds[0], diverged=True), whole.seeds[1]])
    assert whole.complete
    assert not any(run.complete for run in (some, none, short, above))
    assert [run.diverged for run in (whole, some, none, short, above)] == [0, 1, 2, 0, 1]
    # After the first epoch both seeds of one of them still have a loss.
    assert some.loss_of_all(1) is not None
    assert some.loss_of_all(2) is none.loss_of_all(1) is None


def test_heights_are_compared_by_seed() -> None:
    """Seeds differ; the same run twice has a ratio of 1 exactly, which is no difference."""
    case = case_of([{"run": "a"}, {"run": "b"}, {"run": "c", "lr": 0.01, "batch_size": 1500}])
    a, b, c = case.runs
    same, other = case.after(a, b), case.after(a, c)
    assert same is not None
    assert (same.value, same.low, same.high) == (1, 1, 1)
    assert other is not None
    assert other.excludes(1)
    assert other.value == pytest.approx(
        quantities.ratio(case.excess(c), case.excess(a)).value, rel=1e-9
    )


def test_soonest_names_its_ties_and_the_last() -> None:
    """A twin of the first takes as long; a run that never gets there takes no part."""
    case = case_of(
        [
            {"run": "slow", "batch_size": 1, "lr": 0.002},
            {"run": "first", "batch_size": 100, "lr": 0.3},
            {"run": "twin", "batch_size": 100, "lr": 0.3},
            {"run": "never", "batch_size": 1500, "lr": 0.001},
        ]
    )
    found = some(case.soonest)
    assert {found.run.name, *(run.name for run in found.ties)} == {"first", "twin"}
    assert (found.last.name, found.estimate.highest_of) == ("slow", 3)
    assert found.factor.value == pytest.approx(found.most.value / found.estimate.value)


def test_lowest_of_nothing_is_none() -> None:
    """Where no run has the quantity, none is named."""
    assert lowest(case_of([{"run": "a"}]).runs, lambda _: None) is None


def test_epochs_updates_and_examples_count_copies() -> None:
    """Of 1,500 rows in batches of 100 an epoch is 15 updates, of 3,000 rows it is 30."""
    # In batches of 400 it is 4, of which the last has 300.
    runs = [{"run": str(n), "batch_size": 100, "copies": n} for n in (1, 2)]
    case = case_of([*runs, {"run": "odd", "batch_size": 400}], every=0)
    assert [case.epochs(run) for run in case.runs] == [[0, 1, 2]] * 3
    assert [case.updates(run) for run in case.runs] == [[0, 15, 30], [0, 30, 60], [0, 4, 8]]
    assert [q.examples for q in of_records(case.result.records)] == [1500, 3000, 1500]


def test_runs_are_apart_by_their_worst_seed_that_did_not_diverge() -> None:
    """At the ends of epochs that both have: 0.1 and 0.03 in one seed, 0.2 in the other."""
    one = run_of([1.0, 0.5, 0.4], [1.0, 0.6, 0.3])
    other = run_of([1.0, 0.6, 0.43, 0.1], [1.0, 0.8, 0.3, 0.1])
    assert apart(one, other) == pytest.approx(0.2)
    wild = replace(other, seeds=[other.seeds[0], replace(other.seeds[1], diverged=True)])
    assert apart(one, wild) == apart(wild, one) == pytest.approx(0.1)
    assert apart(one, replace(other, seeds=[])) is None


def test_runs_are_named_in_the_fewest_words() -> None:
    """By their labels where these differ, else by what else they differ in."""
    (run,) = case_of([{"run": "one"}]).runs
    other = {**run.labels, "implementation": "concise"}
    assert names([run.labels, other]) == ["scratch", "concise"]
    assert names([run.labels, {**other, "run": "two"}]) == ["one", "two"]


def test_slowest_direction_is_that_of_theory() -> None:
    """Eigenvalues 0.1737 to 2.0985: lr 1 multiplies by |1 - 2.0985| = 1.0985, and 0.5 by 0.9131."""
    # With momentum m and complex roots in every direction the modulus is sqrt(m): here (1 + 0.81 -
    # 0.5 * lambda)^2 < 4 * 0.81 for lambda from 0.02 to 7.2, which holds all of them.
    problem = some(case_of([{"run": "one"}]).solved)
    assert slowest(problem, 1.0) == pytest.approx(1.0985, abs=1e-4)
    assert slowest(problem, 0.5) == pytest.approx(0.9131, abs=1e-4)
    assert slowest(problem, 0.5, 0.81) == pytest.approx(0.9)


def test_measured_decay_comes_to_that_of_theory() -> None:
    """After 40 steps only the slowest direction is left, below the limit and above it."""
    case = case_of(
        [
            {"run": "below", "batch_size": 1500, "lr": 0.5, "epochs": 40},
            {"run": "above", "batch_size": 1500, "lr": 1.0, "epochs": 40},
        ],
        every=0,
    )
    problem = some(case.solved)
    for run in case.runs:
        one = decay(problem, run)
        assert one.limit == pytest.approx(0.95307, abs=1e-4)
        assert one.measured is not None
        assert one.measured.value == pytest.approx(one.factor, rel=0.002)


def test_exact_path_is_of_plain_full_batches_only() -> None:
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
    gaps = {run.name: replace(case, runs=[run]).deviation() for run in case.runs}
    assert gaps["plain"] == pytest.approx(0, abs=1e-9)
    assert gaps["copied"] == pytest.approx(0, abs=1e-9)
    assert [gaps[name] for name in ("momentum", "cosine", "half of the copies")] == [None] * 3
