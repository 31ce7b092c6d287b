"""What a seed decides, drawn by the parent for all frameworks alike.

Initial weights, and the order in which each epoch visits the examples.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from report.analysis.leastsquares import FloatArray


def permutations(seed: int, index: int, epochs: int, examples: int) -> npt.NDArray[np.int32]:
    """Shuffle the examples again for each epoch, by a seed and which of its repetitions it is.

    Sorting random words gives a permutation from PCG64's raw stream alone, which NumPy promises
    never to change (NEP 19); `Generator.permutation` has no such promise, and machines with
    different versions would train on different orders. More epochs leave the first ones as they
    are.

    Returns:
        Shape (epochs, examples); each row holds 0 to examples - 1 once.
    """
    words = _bits(seed, index, stream=1).random_raw(epochs * examples)
    return words.reshape(epochs, examples).argsort(axis=1, kind="stable").astype(np.int32)


def draws(seed: int, index: int, epochs: int, examples: int) -> npt.NDArray[np.int32]:
    """Draw as many examples as there are for each epoch, with replacement.

    From raw words as well, for the reason that `permutations` gives: the upper 32 bits of a word
    times the number of examples, divided by 2^32. One example is more likely than
    another by at most examples / 2^32.

    Returns:
        Shape (epochs, examples), of 0 to examples - 1.

    Source: D. Lemire, "Fast Random Integer Generation in an Interval", ACM TOMACS 29, 2019,
        without its rejection of the uneven rest.
    """
    words = _bits(seed, index, stream=2).random_raw(epochs * examples)
    drawn = ((words >> np.uint64(32)) * np.uint64(examples)) >> np.uint64(32)
    return drawn.reshape(epochs, examples).astype(np.int32)


def initial_weights(seed: int, index: int, features: int) -> FloatArray:
    """Draw a run's first weights, one a feature, from N(0, 0.01^2), by raw words as above."""
    words = _bits(seed, index, stream=0).random_raw(features)
    normal = NormalDist(sigma=0.01)
    # 52 bits and a half: strictly between 0 and 1, and exact in float64.
    return np.array([normal.inv_cdf(((int(word) >> 12) + 0.5) / 2**52) for word in words])


def _bits(seed: int, index: int, *, stream: int) -> np.random.PCG64:
    """Return the raw stream of one purpose of one repetition, independent of all others."""
    return np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(index, stream)))
