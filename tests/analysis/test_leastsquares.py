"""Least squares against hand calculation, brute force and the chapter's known numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from report.analysis import leastsquares
from report.results.result import Moments
from report.run.data import MOMENTS

if TYPE_CHECKING:
    from report.analysis.leastsquares import Problem

# Two points, (1, 2) and (3, 0), through which y = 3 - x passes. Then E[x^2] = 5, E[x] = 2,
# E[xy] = 1, E[y] = 1 and E[y^2] = 2, so H = [[5, 2], [2, 1]], c = (1, 1) and s = 2.
X = np.array([[1.0], [3.0]])
Y = np.array([2.0, 0.0])


@pytest.fixture(name="airfoil")
def chapter_problem() -> Problem:
    """Return the chapter's problem, from the moments of its 1500 rows."""
    return leastsquares.problem_from_moments(MOMENTS)


def _random_data(examples: int = 40, features: int = 3) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(7)
    return (generator.normal(0.5, 2.0, (examples, features)), generator.normal(1.0, 3.0, examples))


def test_optimum_is_what_least_squares_on_the_rows_finds() -> None:
    """Moments lose nothing: NumPy's solver, given all rows, comes to the same parameters."""
    features, targets = _random_data()
    design = np.column_stack([features, np.ones(len(targets))])
    theta, residual, *_ = np.linalg.lstsq(design, targets)
    found, loss = leastsquares.problem(features, targets).optimum()
    assert found == pytest.approx(theta)
    assert loss == pytest.approx(residual[0] / len(targets) / 2)


def test_loss_is_half_the_mean_squared_error_of_the_rows() -> None:
    """At any parameters the loss from moments is that of the definition."""
    features, targets = _random_data()
    theta = np.array([0.3, -1.0, 2.0, 5.0])
    errors = features @ theta[:-1] + theta[-1] - targets
    expected = np.mean(errors**2) / 2
    assert leastsquares.problem(features, targets).loss(theta) == pytest.approx(expected)


def test_optimum_eigenvalues_and_learning_rates_of_two_points_are_exact() -> None:
    """Trace 6, determinant 1: 3 -+ 2 sqrt(2); limit 2 / (3 + 2 sqrt(2)), best fixed rate 2 / 6."""
    problem = leastsquares.problem(X, Y)
    root = 2 * math.sqrt(2)
    theta, loss = problem.optimum()
    assert theta == pytest.approx([-1.0, 3.0])
    assert loss == pytest.approx(0.0, abs=1e-14)
    assert problem.hessian_eigenvalues() == pytest.approx([3 - root, 3 + root])
    assert problem.stability_limit() == pytest.approx(6 - 2 * root)
    assert problem.best_fixed_lr() == pytest.approx(1 / 3)


@pytest.mark.parametrize("examples", [2, 5, 40])
@pytest.mark.parametrize("features", [1, 5, 11])
def test_curvatures_and_optimum_are_those_of_numpy(examples: int, features: int) -> None:
    """Also where examples are fewer than parameters, so that some curvatures are zero."""
    problem = leastsquares.problem(*_random_data(examples, features))
    largest = np.linalg.eigvalsh(problem.hessian)[-1]
    assert problem.hessian_eigenvalues() == pytest.approx(
        np.linalg.eigvalsh(problem.hessian), rel=1e-12, abs=1e-14 * largest
    )
    shortest = np.linalg.lstsq(problem.hessian, problem.cross)[0]
    assert problem.optimum()[0] == pytest.approx(shortest, rel=1e-9)


def test_equal_curvatures_are_found_as_they_are() -> None:
    """Whitened data has them, and nothing to turn."""
    problem = leastsquares.problem(np.array([[1.0], [-1.0]]), np.array([2.0, 0.0]))
    assert problem.hessian_eigenvalues() == [1.0, 1.0]
    assert problem.optimum() == ([1.0, 1.0], 0.0)


def test_one_step_of_gradient_descent_is_the_one_done_by_hand() -> None:
    """From 0 with lr 1/3 to c / 3; from s / 2 = 1 to ((5 + 2 * 2 + 1) / 9 - 4 / 3 + 2) / 2."""
    losses = leastsquares.problem(X, Y).gradient_descent(np.zeros(2), 1 / 3, 1)
    assert losses == pytest.approx([1.0, 8 / 9])


def test_gradient_descent_follows_the_closed_form_of_a_quadratic(airfoil: Problem) -> None:
    """In H's eigenbasis the error's parts shrink by (1 - lr lambda)^k, whatever the start."""
    start, lr, steps = np.array([1.0, -2.0, 0.5, 3.0, 0.0, -1.0]), 0.6, 30
    optimum, lowest = airfoil.optimum()
    eigenvalues, vectors = np.linalg.eigh(airfoil.hessian)
    error = vectors.T @ (start - optimum)
    factors = (1 - lr * eigenvalues) ** (2 * np.arange(steps + 1)[:, None])
    expected = lowest + (factors * eigenvalues * error**2).sum(axis=1) / 2
    before = start.copy()
    assert airfoil.gradient_descent(start, lr, steps) == pytest.approx(expected, rel=1e-12)
    assert start.tolist() == before.tolist()  # which is the caller's


def test_chapter_path_at_learning_rate_one_turns_back_after_six_steps(airfoil: Problem) -> None:
    """The chapter's full-batch losses, computed from the data file and not by this code."""
    expected = [0.27571, 0.25031, 0.24649, 0.24550, 0.24513]
    expected += [0.24508, 0.24526, 0.24564, 0.24622, 0.24699]
    losses = airfoil.gradient_descent(np.zeros(6), 1.0, 10)
    assert losses[1:] == pytest.approx(expected, abs=5e-6)
    assert int(np.argmin(losses)) == 6


def test_chapter_optimum_and_curvature_are_the_known_ones(airfoil: Problem) -> None:
    """As designed for; 2 / 2.09848341 = 0.953069, 2 / (0.17368647 + 2.09848341) = 0.880216."""
    assert airfoil.optimum()[1] == pytest.approx(0.2416879551, abs=5e-11)
    eigenvalues = airfoil.hessian_eigenvalues()
    assert [eigenvalues[0], eigenvalues[-1]] == pytest.approx([0.17368647, 2.09848341], abs=5e-9)
    assert airfoil.stability_limit() == pytest.approx(0.953069, abs=5e-7)
    assert airfoil.best_fixed_lr() == pytest.approx(0.880216, abs=5e-7)


def test_stability_limit_parts_converging_from_diverging_rates(airfoil: Problem) -> None:
    """1 % off it the stiffest error is multiplied by 0.98^2000 = 3e-18 or by 1.02^2000 = 2e17."""
    limit, (_, lowest) = airfoil.stability_limit(), airfoil.optimum()
    below = airfoil.gradient_descent(np.zeros(6), 0.99 * limit, 2000)
    above = airfoil.gradient_descent(np.zeros(6), 1.01 * limit, 2000)
    assert below[-1] == pytest.approx(lowest, rel=1e-12)
    assert above[-1] > 1e6


def test_no_other_fixed_rate_has_a_better_worst_direction(airfoil: Problem) -> None:
    """The best fixed rate minimises the largest |1 - lr lambda| over the eigenvalues."""
    rates = np.linspace(0.01, 1.0, 991)
    worst = np.abs(1 - rates[:, None] * airfoil.hessian_eigenvalues()).max(axis=1)
    assert rates[worst.argmin()] == pytest.approx(airfoil.best_fixed_lr(), abs=1e-3)


def test_divergence_is_returned_and_not_warned_of(airfoil: Problem) -> None:
    """Each step multiplies the loss by about 2000^2; warnings would fail this test."""
    losses = airfoil.gradient_descent(np.zeros(6), 1000.0, 60)
    assert math.isfinite(losses[1])
    assert not math.isfinite(losses[-1])


def test_fewer_examples_than_parameters_still_have_an_optimum() -> None:
    """Two rows with three features leave many solutions; the one returned fits them exactly."""
    features, targets = _random_data(examples=2)
    moments = leastsquares.measure_moments(features, targets)
    theta, loss = leastsquares.problem_from_moments(moments).optimum()
    assert features @ theta[:-1] + theta[-1] == pytest.approx(targets)
    assert loss == pytest.approx(0.0, abs=1e-12)
    # Rounded, they would have another solution, far away, if rounding counted as curvature.
    again, loss = leastsquares.problem_from_moments(moments.rounded()).optimum()
    assert again == pytest.approx(theta)
    assert loss == pytest.approx(0.0, abs=1e-9)


def test_moments_are_stored_to_twelve_digits() -> None:
    """Where a library sums in another order, the last bits differ, and what is stored does not."""
    features, targets = _random_data()
    moments = leastsquares.measure_moments(features, targets)
    nudged = Moments(
        mean=[math.nextafter(x, math.inf) for x in moments.mean],
        second=[math.nextafter(x, -math.inf) for x in moments.second],
    )
    assert nudged != moments
    assert nudged.rounded() == moments.rounded()
    assert moments.rounded().second == pytest.approx(moments.second, rel=1e-11, abs=0)


def test_moments_are_written_row_by_row_of_the_upper_triangle() -> None:
    """With z = (x, y) the means are 2, 1, and E[xx] = 5, E[xy] = 1, E[yy] = 2 in this order."""
    moments = leastsquares.measure_moments(X, Y)
    assert moments == Moments(mean=[2.0, 1.0], second=[5.0, 1.0, 2.0])
    assert leastsquares.second_matrix(moments) == ((5.0, 1.0), (1.0, 2.0))


def test_problem_read_back_from_json_is_the_same(airfoil: Problem) -> None:
    """A result file holds the moments, and whoever reads it computes the very same numbers."""
    adapter = TypeAdapter(Moments)
    moments = adapter.validate_json(adapter.dump_json(MOMENTS))
    again = leastsquares.problem_from_moments(moments)
    assert moments == MOMENTS
    assert again.hessian == airfoil.hessian
    assert again.optimum()[1] == airfoil.optimum()[1]


@pytest.mark.parametrize(
    "stored",
    [
        '{"mean": [0.0, 0.0], "second": [1.0, 0.0]}',  # two columns have three products
        '{"mean": [], "second": []}',
        '{"mean": [0.0], "second": [1e999]}',  # JSON's way to infinity
        '{"mean": [0.0], "second": [1.0], "third": []}',
    ],
)
def test_moments_that_no_data_can_have_are_refused(stored: str) -> None:
    """A stranger's result file with such moments is refused on reading, not later in NumPy."""
    with pytest.raises(ValidationError):
        TypeAdapter(Moments).validate_json(stored)
