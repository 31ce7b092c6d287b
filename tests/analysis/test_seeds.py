"""What a seed decides: orders, draws and weights."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from report.analysis import seeds

SEEDS = st.integers(0, 2**63 - 1)


@settings(deadline=None, max_examples=50)
@given(SEEDS, st.integers(0, 99), st.integers(1, 5), st.integers(1, 200))
def test_an_epoch_has_as_many_examples_as_there_are(
    seed: int, index: int, epochs: int, examples: int
) -> None:
    """Of those that there are, in the dtype that workers read; of a permutation each once."""
    for make in (seeds.permutations, seeds.draws):
        orders = make(seed, index, epochs, examples)
        assert orders.dtype == np.int32
        assert orders.shape == (epochs, examples)
        assert 0 <= orders.min() <= orders.max() < examples
    visited = np.sort(seeds.permutations(seed, index, epochs, examples), axis=1)
    assert visited.tolist() == [list(range(examples))] * epochs
    assert seeds.permutations(seed, index, 0, examples).shape == (0, examples)


@settings(deadline=None, max_examples=25)
@given(SEEDS, st.integers(0, 99), st.integers(1, 4), st.integers(1, 4))
def test_more_epochs_leave_the_first_ones_as_they_were(
    seed: int, index: int, fewer: int, extra: int
) -> None:
    """A longer run begins just as a shorter one does."""
    for make in (seeds.permutations, seeds.draws):
        short, long = (make(seed, index, epochs, 30) for epochs in (fewer, fewer + extra))
        assert long[:fewer].tolist() == short.tolist()


def test_epochs_repetitions_and_seeds_have_orders_of_their_own() -> None:
    """No two of them share an order of 100 examples; by chance one in 100! would."""
    for make in (seeds.permutations, seeds.draws):
        starts = itertools.product(range(3), range(3))
        rows = [tuple(row) for seed, k in starts for row in make(seed, k, 3, 100).tolist()]
        assert len(set(rows)) == len(rows) == 27


def test_every_place_of_an_order_is_as_likely() -> None:
    """Each of 24 orders about 125 times; chi-squared of 23 exceeds 49.7 once in a thousand."""
    orders = seeds.permutations(1, 0, 3000, 4) @ np.array([64, 16, 4, 1])
    _, counts = np.unique(orders, return_counts=True)
    assert len(counts) == 24
    assert float(((counts - 125) ** 2 / 125).sum()) < 49.7


def test_orders_draws_and_weights_never_change() -> None:
    """Seed 1 means the same on every machine and with every version of NumPy.

    Recorded with NumPy 2.4 on x86-64. If this fails, results old and new are no longer
    comparable example by example: change the code, not the numbers.
    """
    orders = [[6, 7, 0, 5, 3, 1, 2, 4], [3, 0, 5, 2, 6, 4, 7, 1]]
    draws = [[7, 6, 2, 3, 0, 5, 2, 2], [0, 2, 7, 1, 0, 4, 2, 0]]
    weights = [0.011827664378367839, 0.012509311396008757, -0.008306006200179157]
    assert seeds.permutations(1, 0, 2, 8).tolist() == orders
    assert seeds.draws(1, 0, 2, 8).tolist() == draws
    # Not ==: a compiler that fuses multiply and add may round the last bit otherwise.
    assert seeds.initial_weights(1, 0, 3) == pytest.approx(weights, rel=1e-12)


def test_every_example_is_as_likely_to_be_drawn() -> None:
    """Each of 30 about 1000 times; chi-squared of 29 exceeds 58.3 once in a thousand."""
    counts = np.bincount(seeds.draws(1, 0, 1000, 30).ravel(), minlength=30)
    assert float(((counts - 1000) ** 2 / 1000).sum()) < 58.3


def test_draws_repeat_some_examples_and_leave_out_others() -> None:
    """Of 1500 1 - 1/e are seen, within four deviations of sqrt(e^-1 (1 - 2 e^-1) / 1500)."""
    seen = len(set(seeds.draws(1, 0, 1, 1500)[0].tolist())) / 1500
    assert seen == pytest.approx(0.632, abs=0.032)


def test_initial_weights_are_normal_with_the_chapters_deviation() -> None:
    """Of 20000, within four standard errors: 7.1e-5, 5e-5, and 0.15 % of the 4.55 % far out."""
    weights = seeds.initial_weights(3, 0, 20000)
    assert weights.mean() == pytest.approx(0.0, abs=2.8e-4)
    assert weights.std() == pytest.approx(0.01, abs=2e-4)
    assert (np.abs(weights) > 0.02).mean() == pytest.approx(0.0455, abs=0.006)


def test_weights_are_independent_of_orders_and_of_other_repetitions() -> None:
    """Each repetition has its own weights; the first are the same whatever the number asked."""
    first, second = seeds.initial_weights(1, 0, 5), seeds.initial_weights(1, 1, 5)
    assert set(first.tolist()).isdisjoint(second.tolist())
    assert seeds.initial_weights(1, 0, 9)[:5].tolist() == first.tolist()
    # Sorting the weights' own words would give the first permutation, were the stream shared.
    assert np.argsort(first).tolist() != seeds.permutations(1, 0, 1, 5)[0].tolist()
