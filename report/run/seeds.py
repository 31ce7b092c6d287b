"""What a seed decides, drawn by the parent for all frameworks alike, and handed to the workers.

Initial weights, and the order in which each epoch visits the examples.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from report.analysis.leastsquares import FloatArray
    from report.run.data import LoadedData


def permutations(seed: int, index: int, epochs: int, examples: int) -> npt.NDArray[np.int32]:
    """Shuffle the examples anew for each epoch.

    Sorting random words gives a permutation from PCG64's raw stream alone, which NumPy promises
    never to change (NEP 19); `Generator.permutation` has no such promise, and machines with
    different versions would train on different orders.

    Args:
        seed: The configuration's seed.
        index: Which of its repetitions.
        epochs: How many; asking for more leaves the first ones as they are.
        examples: How many examples an epoch has.

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

    Args:
        seed: The configuration's seed.
        index: Which of its repetitions.
        epochs: How many; asking for more leaves the first ones as they are.
        examples: How many examples there are, and an epoch has.

    Returns:
        Shape (epochs, examples), of 0 to examples - 1.

    Source: D. Lemire, "Fast Random Integer Generation in an Interval", ACM TOMACS 29, 2019,
        without its rejection of the uneven rest.
    """
    words = _bits(seed, index, stream=2).random_raw(epochs * examples)
    drawn = ((words >> np.uint64(32)) * np.uint64(examples)) >> np.uint64(32)
    return drawn.reshape(epochs, examples).astype(np.int32)


def initial_weights(seed: int, index: int, features: int) -> FloatArray:
    """Draw the weights that a run begins with from N(0, 0.01^2), as the chapter does.

    By the inverse of the distribution function, from raw words, for the reason that
    `permutations` gives.

    Args:
        seed: The configuration's seed.
        index: Which of its repetitions.
        features: How many weights.

    Returns:
        Shape (features,).
    """
    words = _bits(seed, index, stream=0).random_raw(features)
    normal = NormalDist(sigma=0.01)
    # 52 bits and a half: strictly between 0 and 1, and exact in float64.
    return np.array([normal.inv_cdf(((int(word) >> 12) + 0.5) / 2**52) for word in words])


Order = tuple[Literal["permutation", "replacement"], int]
"""How an epoch visits the examples: its sampling, and how many copies of the data it has."""

ONCE: Order = ("permutation", 1)
"""Each example once an epoch, in shuffled order."""


def write_bundle(  # noqa: PLR0913 (each is a number of its own)
    folder: Path,
    data: LoadedData,
    *,
    seed: int,
    seeds: int,
    epochs: int,
    orders: Collection[Order] = (ONCE,),
) -> dict[str, str | int]:
    """Write what workers train on, in a form that `array.array` reads without NumPy.

    Little-endian and without headers: `features.f64` (row by row) and `targets.f64`, and for each
    seed index k `seed-<k>.weights.f64` and `seed-<k>.<sampling>-<copies>.i32` (epoch by epoch,
    rows of so many copies of the data one after the other).

    Args:
        folder: Where; made if missing.
        data: What to train on.
        seed: The configuration's seed.
        seeds: Repetitions with weights and orders of their own.
        epochs: How many epochs each of them has.
        orders: The kinds of order that are asked for.

    Returns:
        folder, examples, features, seeds and epochs, for the worker's job.
    """
    examples, features = data.features.shape
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "features.f64", data.features)
    _write(folder / "targets.f64", data.targets)
    for index in range(seeds):
        _write(folder / f"seed-{index}.weights.f64", initial_weights(seed, index, features))
        for sampling, copies in orders:
            order = permutations if sampling == "permutation" else draws
            visited = order(seed, index, epochs, examples * copies)
            _write(folder / f"seed-{index}.{sampling}-{copies}.i32", visited)
    return {
        "folder": str(folder),
        "examples": examples,
        "features": features,
        "seeds": seeds,
        "epochs": epochs,
    }


def _write(path: Path, values: npt.NDArray[np.float64] | npt.NDArray[np.int32]) -> None:
    path.write_bytes(values.astype(values.dtype.newbyteorder("<")).tobytes())


def _bits(seed: int, index: int, *, stream: int) -> np.random.PCG64:
    """Return the raw stream of one purpose of one repetition, independent of all others."""
    return np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(index, stream)))
