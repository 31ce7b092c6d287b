"""What the labels of a training run say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from report.worker.records import Labels, Scalar

SIZES = 5
"""So many batch sizes are a sweep; fewer are runs to compare one by one."""

_NAMING = ("run", "loader", "implementation", "variant")


def whole(labels: Labels, name: str) -> int:
    """Return a label that is a whole number: batch_size, epochs, copies."""
    return int(str(labels[name]))


def rate(labels: Labels) -> float:
    """Return the learning rate for the loss with the factor 1/2, the one that is shown.

    A rate that belongs to a loss without the 1/2 makes steps twice as long.
    """
    return float(str(labels["lr"])) * (2 if labels["loss"] == "mse" else 1)


def full_batch(labels: Labels, examples: int) -> bool:
    """Return whether every update sees all examples once (or each as often as it was copied)."""
    each_once = labels["sampling"] == "permutation"
    return each_once and whole(labels, "batch_size") >= examples * whole(labels, "copies")


def plain(labels: Labels) -> bool:
    """Return whether a run is gradient descent with a constant rate and nothing besides."""
    return (labels["optimizer"], labels["schedule"]) == ("sgd", "constant")


def names(every: Sequence[Labels]) -> list[str]:
    """Name runs by what tells them apart, in the fewest words."""
    differing = [name for name in quantities.varying(every) if name in _NAMING] or ["run"]
    if len({labels["run"] for labels in every}) == len(every):
        differing = ["run"]
    return [", ".join(str(labels[name]) for name in differing) for labels in every]


def without(labels: Labels, *left_out: str) -> tuple[tuple[str, Scalar], ...]:
    """Return all settings but some; runs with the same differ in nothing else."""
    return tuple(sorted((k, v) for k, v in labels.items() if k not in left_out))


def distinct(every: Iterable[Labels], name: str) -> Collection[Scalar]:
    """Return the values of a setting, each once, in their order."""
    return list(dict.fromkeys(labels[name] for labels in every))


def is_grid(every: Sequence[Labels]) -> bool:
    """Return whether each of several batch sizes was trained with each of several rates."""
    pairs = {(labels["batch_size"], labels["lr"]) for labels in every}
    sizes, rates = ({pair[k] for pair in pairs} for k in (0, 1))
    several = min(len(sizes), len(rates)) > 1
    return several and len(pairs) == len(sizes) * len(rates) == len(every)


def sweeps_sizes(every: Sequence[Labels]) -> bool:
    """Return whether so many batch sizes were trained that they make a curve, and no grid."""
    return len({labels["batch_size"] for labels in every}) >= SIZES and not is_grid(every)
