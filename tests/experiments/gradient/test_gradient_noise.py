"""What theory says of minibatch noise, and the power that a run finds, on numbers made by hand."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats

from factories import small_results
from reading import some
from report.analysis.quantities import Quantity
from report.experiments.gradient.noise import Noise, correction, exponent, lessened, noises

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record


def noise_of(
    batch_size: int,
    by_process: Sequence[float | None],
    *,
    sampling: str = "replacement",
    point: str = "start",
    examples: int = 1500,
) -> Noise:
    """Return the noise of a series whose examples' gradients have a variance of 4."""
    return Noise(
        point=point,
        batch_size=batch_size,
        sampling=sampling,
        means={},
        examples=examples,
        quantity=Quantity(
            experiment="noise",
            kind="gradient",
            backend="pytorch",
            metric="std",
            labels={"point": point, "batch_size": batch_size, "sampling": sampling},
            groups=[[std] if std else [] for std in by_process],
        ),
        draws=10,
        population=4.0,
        gradient=0.1,
    )


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4])
@pytest.mark.parametrize("sampling", ["replacement", "permutation"])
def test_expected_noise_is_that_of_all_possible_batches(sampling: str, batch_size: int) -> None:
    """Every batch that can be drawn from four gradients, enumerated; no formula is used for it."""
    each = np.array([[1.0, 0.0], [0.0, 2.0], [-1.0, 1.0], [3.0, 5.0]])
    whole = each.mean(axis=0)
    batches = (
        itertools.product(range(4), repeat=batch_size)
        if sampling == "replacement"
        else itertools.permutations(range(4), batch_size)
    )
    squares = [float(((each[list(batch)].mean(axis=0) - whole) ** 2).sum()) for batch in batches]
    population = float(((each - whole) ** 2).sum(axis=1).mean())
    noise = noise_of(batch_size, [1.0], sampling=sampling, examples=4)
    expected = replace(noise, population=population).expected()
    assert expected**2 == pytest.approx(np.mean(squares), abs=1e-15)


def test_correction_at_two_thirds_of_the_data_is_known() -> None:
    """Of sqrt((1500 - 1000) / 1499), that is 0.5775."""
    assert correction(1000, 1500) == pytest.approx(0.57754, abs=1e-5)
    assert correction(1, 1500) == 1
    assert correction(1500, 1500) == 0
    # A stranger's file may hold anything; nobody can draw more than all.
    assert correction(2000, 1500) == 0


@pytest.mark.parametrize("sampling", ["replacement", "permutation"])
def test_even_batch_has_noise_as_long_as_the_gradient(sampling: str) -> None:
    """With P = 4 and |g| = 0.1 it is 400 with replacement; the noise there is 0.1 both ways."""
    even = some(noise_of(1, [2.0], sampling=sampling).even_batch())
    factor = 1.0 if sampling == "replacement" else (1500 - even) / 1499
    assert math.sqrt(4 / even * factor) == pytest.approx(0.1)
    if sampling == "replacement":
        assert even == pytest.approx(400)


def test_no_batch_is_even_where_the_gradient_is_rounding() -> None:
    """At the optimum its length is 1e-15 and not 0."""
    assert replace(noise_of(1, [2.0]), gradient=6e-15).even_batch() is None
    assert replace(noise_of(1, [2.0]), gradient=0.0, population=0.0).even_batch() is None


def falling(
    *powers: float, sizes: Sequence[int] = (1, 10, 100), point: str = "start"
) -> list[Noise]:
    """Return noise that falls with a power of the batch size, one for each process."""
    return [noise_of(b, [3 * b**power for power in powers], point=point) for b in sizes]


@pytest.mark.parametrize(
    ("series", "power", "half"),
    [
        (falling(-0.5, -0.5), -0.5, 0),
        (falling(-0.3, -0.3, sizes=(1, 10, 100, 1000)), -0.3, 0),
        # Squared distances from the mean, -0.5, are 0.01, 0.0025 and 0.0225; t has 2 degrees.
        (falling(-0.4, -0.45, -0.65), -0.5, stats.t.ppf(0.975, 2) * math.sqrt(0.035 / 2 / 3)),
        # Two points count alike in each process, whatever the sizes at each: no spread is left.
        (
            falling(-0.4, -0.4) + falling(-0.7, -0.7, sizes=(1, 2, 5, 10), point="optimum"),
            -0.55,
            0,
        ),
        # Without replacement the correction is put back; a batch of all examples has no slope.
        (
            [
                noise_of(b, [2 * b**-0.5 * correction(b, 1500)] * 2, sampling="permutation")
                for b in (1, 10, 1000, 1500)
            ],
            -0.5,
            0,
        ),
    ],
    ids=["exact", "not by theory", "over processes", "two points", "without replacement"],
)
def test_exponent_is_the_mean_over_processes_with_students_interval(
    series: list[Noise], power: float, half: float
) -> None:
    """Each process has the mean of its points' slopes."""
    found = some(exponent(series))
    assert [found.value, found.low, found.high] == pytest.approx(
        [power, power - half, power + half]
    )


@pytest.mark.parametrize(
    "series",
    [
        [],
        [noise_of(10, [1.0, 2.0]), noise_of(20, [1.0, 2.0])],
        [noise_of(b, [0.0]) for b in (10, 20, 30)],
        [noise_of(b, [1.0], point=p) for b, p in ((1, "start"), (2, "start"), (3, "optimum"))],
    ],
    ids=["nothing", "two sizes", "zeros", "at different points"],
)
def test_exponent_needs_three_sizes_at_a_point(series: list[Noise]) -> None:
    """Nothing is made up for what lacks them."""
    assert exponent(series) is None


def test_single_process_has_no_interval() -> None:
    """One slope says nothing of how slopes scatter."""
    found = some(exponent([noise_of(b, [b**-0.5]) for b in (1, 10, 100)]))
    assert (found.value, found.low, found.high) == (-0.5, None, None)


def test_ratio_is_the_geometric_mean_over_points() -> None:
    """Ratios 0.4 and 0.9 give sqrt(0.36) = 0.6 in each process, however noisy it is as a whole."""
    pairs = [
        noise_of(1000, [std, 2 * std], point=point, sampling=sampling)
        for point, without in (("start", 0.4), ("optimum", 0.9))
        for sampling, std in (("replacement", 1.0), ("permutation", without))
    ]
    (found,) = lessened(pairs)
    assert found.ratio is not None
    assert [found.ratio.value, found.ratio.low, found.ratio.high] == pytest.approx([0.6] * 3)
    assert found.expected == pytest.approx(0.57754, abs=1e-5)


def test_batch_of_all_examples_has_a_rest_and_no_ratio() -> None:
    """Logarithms of rounding would mean nothing; the largest that was seen is kept."""
    for without, rest in (([1e-15, 4e-15], 2e-15), ([0.0, 0.0], 0.0)):
        pair = [noise_of(1500, [2.0, 2.0]), noise_of(1500, without, sampling="permutation")]
        (found,) = lessened(pair)
        assert found.ratio is None
        assert found.rest == pytest.approx(rest)
        assert found.expected == 0


def test_ratio_needs_both_ways_in_a_process() -> None:
    """A process that failed lacks both; one way alone is no ratio."""
    assert lessened([noise_of(10, [1.0]), noise_of(20, [1.0], sampling="permutation")]) == []
    pair = [noise_of(10, [1.0, None, 2.0]), noise_of(10, [0.5, None, 1.0], sampling="permutation")]
    (found,) = lessened(pair)
    assert found.ratio is not None
    assert (found.ratio.value, found.ratio.replicates) == (0.5, 2)


def test_processes_without_an_outcome_keep_their_place() -> None:
    """So that series pair; the root is taken of each process's mean square, and draws add up."""

    def of_process(process: int, std: float) -> Record:
        return small_results.record("noise", process, small_results.noise(10, std))

    failed = small_results.record("noise", 1, status="failed", outcome=None)
    (found,) = noises([of_process(0, 2.0), failed, of_process(2, 3.0)], 1500)
    assert found.quantity.groups == [[2.0], [], [3.0]]
    assert found.draws == 200
    std = some(found.std())
    assert std.value == pytest.approx(math.sqrt(6))
    assert std.replicates == 2
