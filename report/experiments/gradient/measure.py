"""What a `gradient` experiment runs, in the framework's own interpreter."""

from __future__ import annotations

import itertools
import math
import random
import time
from array import array
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from report.worker.host import read_bundle
from report.worker.records import GradientNoise, Outcome, Series, Unavailable

ROUND = 10
"""Minibatches that a series draws before it is the next one's turn."""


@dataclass(frozen=True, kw_only=True)
class Examples:
    """The examples: `features` row by row, and `targets`, one for each row."""

    features: array[float]
    targets: array[float]
    dtype: str


class Gradients(Protocol):
    """Gradients of the loss (squared error / 2, mean over the batch) at one point.

    Attributes:
        length: |g|, of the gradient over all examples.
        population: Mean over all examples of |g_i - g|^2, exactly.
    """

    length: float
    population: float

    def deviations(self, batch_size: int, sampling: str, draws: int) -> list[list[float]]:
        """Draw minibatches and return g_B - g for each, (draws, d + 1).

        Sampling is with "replacement", or "permutation" for the first of a fresh permutation.
        """


class Session(Protocol):
    """What a backend must offer for this kind."""

    def gradients(self, examples: Examples, theta: array[float], seed: int) -> Gradients:
        """Prepare to take gradients at theta, the weights, then the bias; the seed is of draws.

        Raises:
            Unavailable: The device does not compute in this dtype.
        """


class Point(NamedTuple):
    """One series to measure, by its labels."""

    point: str
    batch_size: int
    sampling: str


def measure(session: Session, job: dict[str, Any]) -> Outcome:
    """Draw minibatches of every size at every point, while there is time.

    All series take turns, ten draws each, so that every one has as many when the time is up; the
    first round is always whole. Each process draws other minibatches.
    """
    settings = job["settings"]
    deadline = time.perf_counter() + job["budget_s"]
    points = [
        Point(point, size, sampling)
        for point, sampling, size in itertools.product(
            settings["point"], settings["sampling"], settings["batch_size"]
        )
    ]
    try:
        gradients = _gradients(session, job)
    except Unavailable as no:
        skipped = [Series(labels=p._asdict(), status="skipped", reason=str(no)) for p in points]
        return Outcome(series=skipped)
    deviations: dict[Point, list[list[float]]] = {point: [] for point in points}
    for drawn in range(0, settings["draws"], ROUND):
        begun = time.perf_counter()
        draws = min(ROUND, settings["draws"] - drawn)
        for point, found in deviations.items():
            at = gradients[point.point]
            found.extend(at.deviations(point.batch_size, point.sampling, draws))
        # Another round only if one as long as this one still fits.
        if 2 * time.perf_counter() - begun > deadline:
            break
    noise = [
        GradientNoise(
            labels=point._asdict(),
            draws=len(found),
            mean_square=math.fsum(x * x for each in found for x in each) / len(found),
            mean_deviation=math.fsum(
                (math.fsum(x) / len(found)) ** 2 for x in zip(*found, strict=True)
            ),
            population=gradients[point.point].population,
            gradient=gradients[point.point].length,
        )
        for point, found in deviations.items()
    ]
    return Outcome(noise=noise)


def _gradients(session: Session, job: dict[str, Any]) -> dict[str, Gradients]:
    settings, handed = job["settings"], job["bundle"]
    examples = Examples(
        features=read_bundle(handed, "features.f64", "d"),
        targets=read_bundle(handed, "targets.f64", "d"),
        dtype=settings["dtype"],
    )
    seeds = random.Random(f"{job['seed']} {job['process']}")
    return {
        name: session.gradients(examples, array("d", handed["points"][name]), seeds.getrandbits(63))
        for name in settings["point"]
    }
