"""Minibatch gradients on PyTorch, held to the exact formulas of sampling."""

from __future__ import annotations

import itertools
import math
from array import array
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import numpy as np
import pytest

import results_factory
from factories import jobs
from factories.jobs import SEED
from report.analysis import leastsquares, seeds
from report.backends import pytorch
from report.config.configuration import Config, load
from report.config.plan import plan
from report.errors import ConfigError
from report.experiments.gradient.kind import GradientSettings
from report.experiments.gradient.measure import ROUND, Examples, measure
from report.experiments.gradient.noise import points_of_seed
from report.run import data
from report.run.data import write_bundle
from report.run.host import Host
from report.run.runner import Run
from report.worker.records import GradientNoise, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from report.analysis.leastsquares import FloatArray
    from report.backends.pytorch.steps import Gradients
    from report.worker.records import Outcome

POINTS = ["start", "halfway", "optimum"]
SAMPLINGS = ["replacement", "permutation"]
N = 1500


ROWS = jobs.loaded(data.surrogate(3))
"""1500 rows with the moments of the real data."""

THETAS = points_of_seed(leastsquares.measure_moments(ROWS.features, ROWS.targets), SEED)
"""Weights and bias of every point."""


@pytest.fixture(name="bundle", scope="module")
def handed_over(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the parent hands to its workers."""
    folder = tmp_path_factory.mktemp("bundle")
    return {**write_bundle(folder, ROWS, seed=SEED, seeds=1, epochs=1), "points": THETAS}


def job_of(
    bundle: dict[str, Any], *, process: int = 0, budget_s: float = 60.0, **settings: Any
) -> dict[str, Any]:
    """Return a job with these settings."""
    asked = GradientSettings.model_validate(settings)
    return jobs.job(asked, bundle=bundle, process=process, budget_s=budget_s)


def squares_of(
    gradients: Gradients, batch_size: int, sampling: str, draws: int
) -> npt.NDArray[np.float64]:
    """Return how far drawn gradients lie from the full one, squared."""
    deviations = np.array(gradients.deviations(batch_size, sampling, draws))
    squares: npt.NDArray[np.float64] = (deviations**2).sum(axis=1)
    return squares


def gradients_of(
    theta: list[float], dtype: str = "float64", rows: data.LoadedData = ROWS
) -> Gradients:
    """Return the backend's gradients at a point."""
    examples = Examples(
        features=array("d", rows.features.ravel().tolist()),
        targets=array("d", rows.targets.tolist()),
        dtype=dtype,
    )
    return pytorch.Session("cpu", 1).gradients(examples, array("d", theta), 7)


def single_gradients(theta: list[float]) -> FloatArray:
    """Return the gradient of every example, by hand: residual times (x, 1)."""
    design = np.column_stack([ROWS.features, np.ones(N)])
    residuals = design @ np.array(theta) - ROWS.targets
    each: FloatArray = residuals[:, None] * design
    return each


# --- in experiments.yaml


HEAD = "version: 1\nexperiments:\n  g:\n    kind: gradient\n"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (HEAD + "    batch_size: [3, 1501]\n", "x.yaml:5: experiments.g.batch_size.1:"),
        (HEAD + "    batch_size: 1501\n", "x.yaml:5: experiments.g.batch_size:"),
        (HEAD + "    quick: {batch_size: 1501}\n", "x.yaml:5: experiments.g.quick.batch_size:"),
        (HEAD + "dataset: {examples: 1000}\n", "x.yaml:3: experiments.g.batch_size:"),
    ],
    ids=["in a list", "alone", "in one profile", "the built-in ones"],
)
def test_batch_larger_than_the_data_is_an_error(tmp_path: Path, text: str, where: str) -> None:
    """It names the line, the key and what is possible."""
    file = tmp_path / "x.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert where in str(caught.value)
    assert "a batch cannot be larger than the data; at most 1" in str(caught.value)


def test_one_thread_is_taken_unless_more_are_asked_for() -> None:
    """Two threads that wait for each other can make a draw take hundreds of times as long."""
    for asked, planned in (({}, 1), ({"threads": "auto"}, "auto"), ({"threads": 3}, 3)):
        written = {"version": 1, "experiments": {"g": {"kind": "gradient", **asked}}}
        (one,) = plan(Config.model_validate(written), "quick").experiments
        assert one.settings["threads"] == planned


# --- the points


def test_points_are_the_start_two_best_steps_and_the_solution() -> None:
    """The losses there are those of the exact path at the best fixed rate, and the lowest one."""
    problem = leastsquares.problem(ROWS.features, ROWS.targets)
    start = np.append(seeds.initial_weights(SEED, 0, 5), 0.0)
    path = problem.gradient_descent(start, problem.best_fixed_lr(), steps=2)
    assert THETAS["start"] == start.tolist()
    losses = [problem.loss(np.array(THETAS[name])) for name in POINTS]
    assert losses == pytest.approx([path[0], path[2], problem.optimum()[1]], rel=1e-12)


def test_points_are_named_as_a_configuration_names_them() -> None:
    """Whatever point an experiment may ask for, the parent computes."""
    assert list(THETAS) == GradientSettings().point


def test_on_the_real_data_the_gradient_shrinks_and_its_noise_does_not(real_file: Path) -> None:
    """What the report says of the points: lengths 0.588, 0.109 and 0, as measured here once."""
    # The noise of single examples is 6.92 (squared) at the start and 3.32 halfway, nearly the 3.24
    # of the optimum. So the batch whose noise is as long as the gradient grows from 20 to 280
    # examples.
    airfoil = data.load(real_file)
    at = points_of_seed(leastsquares.measure_moments(airfoil.features, airfoil.targets), SEED)
    found = {name: gradients_of(theta, rows=airfoil) for name, theta in at.items()}
    lengths = [found[name].length for name in POINTS]
    assert lengths == pytest.approx([0.58796, 0.10894, 0.0], abs=1e-5)
    populations = [found[name].population for name in POINTS]
    assert populations == pytest.approx([6.9154, 3.3246, 3.2432], abs=1e-4)


# --- against theory


@pytest.mark.parametrize("point", POINTS)
def test_population_and_length_are_those_of_the_single_examples(point: str) -> None:
    """PyTorch's per-example gradients, their mean and their variance, against NumPy's."""
    found = gradients_of(THETAS[point])
    each = single_gradients(THETAS[point])
    whole = each.mean(axis=0)
    assert found.each().numpy() == pytest.approx(each, rel=1e-12, abs=1e-14)
    variance = float(((each - whole) ** 2).sum(axis=1).mean())
    assert found.population == pytest.approx(variance, rel=1e-12)
    # At the optimum the gradient is zero, and its length what rounding leaves.
    assert found.length == pytest.approx(float(np.linalg.norm(whole)), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("batch_size", [1, 7, 100, 1000])
@pytest.mark.parametrize("point", POINTS)
def test_mean_square_is_that_of_the_formula(point: str, batch_size: int, sampling: str) -> None:
    """E|g_B - g|^2 = P / b with replacement, P / b * (n - b) / (n - 1) without."""
    # P comes from NumPy. The mean of 600 draws must lie within four standard errors, taken from the
    # draws themselves: by chance it would not once in ten thousand times, and the draws are seeded.
    # At b = 1000 the two formulas differ by a factor of 3, far more than that.
    each = single_gradients(THETAS[point])
    population = float(((each - each.mean(axis=0)) ** 2).sum(axis=1).mean())
    expected = population / batch_size
    if sampling == "permutation":
        expected *= (N - batch_size) / (N - 1)
    squares = squares_of(gradients_of(THETAS[point]), batch_size, sampling, 600)
    error = squares.std(ddof=1) / math.sqrt(len(squares))
    assert abs(squares.mean() - expected) < 4 * error
    assert error < 0.12 * expected


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("point", POINTS)
def test_the_expectation_is_the_full_gradient(point: str, sampling: str) -> None:
    """The mean of many draws is as far from it as chance puts it, whatever the batch."""
    # |mean deviation|^2 over its expectation is a weighted mean of some chi squares with one degree
    # of freedom each: a bias of a tenth of the noise would make it 41 with 4000 draws.
    deviations = np.array(gradients_of(THETAS[point]).deviations(5, sampling, 4000))
    expected = (deviations**2).sum(axis=1).mean() / len(deviations)
    assert (deviations.mean(axis=0) ** 2).sum() < 8 * expected


@pytest.mark.parametrize(("dtype", "most"), [("float64", 1e-28), ("float32", 1e-12)])
def test_batch_of_all_examples_has_no_noise(dtype: str, most: float) -> None:
    """Without replacement b = n is the full gradient, summed in another order: rounding is left."""
    # With replacement it is P / n = 6.9 / 1500 = 5e-3 on average.
    found = gradients_of(THETAS["start"], dtype)
    assert max(squares_of(found, N, "permutation", 20)) < most
    assert np.mean(squares_of(found, N, "replacement", 20)) > 1e-3


def test_permutation_holds_no_example_twice_and_replacement_does() -> None:
    """Drawn with replacement, 1500 of 1500 examples hold some 950 different ones: 1 - 1/e."""
    found = gradients_of(THETAS["start"])
    for size in (1, 10, N):
        indices = found.draw(size, "permutation").tolist()
        assert len(set(indices)) == size
        assert set(indices) <= set(range(N))
    assert 880 < len(set(found.draw(N, "replacement").tolist())) < 1020


def test_every_minibatch_is_drawn_anew() -> None:
    """Also within one call."""
    found = gradients_of(THETAS["start"])
    for sampling in SAMPLINGS:
        assert len(set(squares_of(found, 10, sampling, 50).tolist())) == 50


# --- the job


def noise_of(outcome: Outcome) -> dict[tuple[Any, ...], GradientNoise]:
    """Return the noise by point, sampling and batch size."""
    return {
        (noise.labels["point"], noise.labels["sampling"], noise.labels["batch_size"]): noise
        for noise in outcome.noise
    }


def test_every_series_has_its_draws(bundle: dict[str, Any]) -> None:
    """All points, ways of sampling and sizes, in that order; 13 draws are a round and a bit."""
    assert ROUND == 10
    outcome = measure(pytorch.Session("cpu", 1), job_of(bundle, batch_size=[1, 50], draws=13))
    found = noise_of(outcome)
    assert list(found) == [(p, s, b) for p in POINTS for s in SAMPLINGS for b in (1, 50)]
    assert {noise.draws for noise in found.values()} == {13}
    assert outcome.series == []


def test_time_is_shared_fairly(bundle: dict[str, Any]) -> None:
    """When it is up at once, every series has had one round: no point goes without."""
    job = job_of(bundle, batch_size=[1, 50], draws=1000, budget_s=1e-6)
    found = noise_of(measure(pytorch.Session("cpu", 1), job))
    assert {noise.draws for noise in found.values()} == {ROUND}
    assert {key[0] for key in found} == set(POINTS)


def test_processes_draw_other_minibatches_and_one_process_the_same(bundle: dict[str, Any]) -> None:
    """They are replicates of the statistics; a run can be repeated."""
    session = pytorch.Session("cpu", 1)
    jobs = [job_of(bundle, process=p, batch_size=10, draws=5) for p in (0, 1, 0)]
    first, second, again = (noise_of(measure(session, job)) for job in jobs)
    for key, noise in first.items():
        assert noise.mean_square == again[key].mean_square
        assert noise.mean_square != second[key].mean_square
        assert noise.population == second[key].population


def test_mean_is_that_of_the_draws(bundle: dict[str, Any]) -> None:
    """Over rounds, and each series counts its own."""
    count = itertools.count(1)

    def deviations(batch_size: int, sampling: str, draws: int) -> list[list[float]]:
        del batch_size, sampling
        return [[math.sqrt(next(count)), 0.0] for _ in range(draws)]

    def gradients(examples: Examples, theta: array[float], seed: int) -> SimpleNamespace:
        assert len(examples.features) == 5 * len(examples.targets) == 5 * N
        assert len(theta) == 6
        assert 0 <= seed < 2**63
        return SimpleNamespace(length=0.5, population=2.0, deviations=deviations)

    job = job_of(bundle, point="start", batch_size=4, sampling="replacement", draws=25)
    session: Any = SimpleNamespace(gradients=gradients)
    (noise,) = measure(session, job).noise
    # (1 + 2 + ... + 25) / 25 = 13, and the mean of the roots, of which the deviations are made.
    mean = sum(math.sqrt(k) for k in range(1, 26)) / 25
    assert (noise.draws, noise.population, noise.gradient) == (25, 2.0, 0.5)
    assert noise.labels == {"point": "start", "batch_size": 4, "sampling": "replacement"}
    assert noise.mean_square == pytest.approx(13.0, rel=1e-12)
    assert noise.mean_deviation == pytest.approx(mean**2, rel=1e-12)


def test_device_without_the_dtype_is_a_skip_with_its_reason(
    bundle: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Apple's GPUs have no float64."""
    monkeypatch.setattr(pytorch, "why_not", lambda *_: "none here")
    job = job_of(bundle, batch_size=[1, 2], sampling="permutation")
    outcome = measure(pytorch.Session("cpu", 1), job)
    assert outcome.noise == []
    assert [series.status for series in outcome.series] == ["skipped"] * 6
    assert {s.reason for s in outcome.series} == {"PyTorch multiplies no float64 on cpu: none here"}
    with pytest.raises(Unavailable):
        pytorch.Session("cpu", 1).gradients(
            Examples(features=array("d"), targets=array("d"), dtype="float64"), array("d"), 0
        )


# --- through a worker


def test_small_job_goes_through_a_real_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a configuration to records, with the points of the data that was loaded."""
    monkeypatch.setattr(data, "load", lambda *_, **__: ROWS)
    host = Host(
        machine=results_factory.make_machine(),
        environments={"pytorch": results_factory.make_environment()},
    )
    settings = {"batch_size": [1, 1500], "draws": 20, "processes": 2, "budget_s": 20}
    experiments = {"noise": {"kind": "gradient", **settings}}
    written = {"version": 1, "seed": SEED, "experiments": experiments}
    planned = plan(Config.model_validate(written), "quick")
    run = Run(plan=planned, host=host, results=tmp_path / "results", checkout=tmp_path)
    result = run.execute(Mock())
    assert [(r.status, r.reason, r.threads) for r in result.records] == [("ok", None, 1)] * 2
    for record in result.records:
        assert record.outcome is not None
        found = noise_of(record.outcome)
        assert len(found) == 3 * 2 * 2
        for (point, _, _), noise in found.items():
            assert noise.draws == 20
            each = single_gradients(THETAS[point])
            length = float(np.linalg.norm(each.mean(axis=0)))
            # At the optimum it is what rounding leaves: stored moments have twelve digits.
            assert noise.gradient == pytest.approx(length, rel=1e-9, abs=1e-11)
    first, second = (replace(r.outcome, series=[]) for r in result.records if r.outcome)
    assert first != second
