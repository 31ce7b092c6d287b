"""What workers train on, written once for all frameworks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from report.analysis.seeds import draws, initial_weights, permutations

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from report.run.data import LoadedData

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
