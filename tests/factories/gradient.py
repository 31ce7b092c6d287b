"""Makes the outcome of a `gradient` experiment without a framework: theory, with some noise."""

from __future__ import annotations

import functools
import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from report.analysis import leastsquares
from report.experiments.gradient.noise import correction, points_of_seed
from report.run import data
from report.worker.records import GradientNoise, Outcome

if TYPE_CHECKING:
    import random

    from report.config.plan import PlannedExperiment

ROUNDING = 1e-32
"""What float64 leaves of a squared distance that is zero."""


def outcome(
    experiment: PlannedExperiment, process: int, slowness: float, rng: random.Random
) -> Outcome:
    """Make what a process measures; a slower one has the time for fewer draws."""
    del process
    settings = experiment.settings
    draws = min(settings["draws"], round(300 / slowness))
    noise = []
    for point, sampling, size in itertools.product(
        settings["point"], settings["sampling"], settings["batch_size"]
    ):
        length, population, examples = _theory(point)
        replaced = sampling == "replacement"
        share = 1.0 if replaced else correction(size, examples)
        # A mean of squares of some degrees of freedom a draw.
        spread = math.sqrt(1 / draws)
        square = share**2 * population / size * rng.lognormvariate(0, spread) + ROUNDING
        noise.append(
            GradientNoise(
                labels={"point": point, "batch_size": size, "sampling": sampling},
                draws=draws,
                mean_square=square,
                mean_deviation=square / draws * rng.lognormvariate(0, 0.6),
                population=population,
                gradient=length,
            )
        )
    return Outcome(noise=noise)


@functools.cache
def _theory(point: str) -> tuple[float, float, int]:
    """Return the gradient's length, the variance of single examples' gradients, and n."""
    rows = data.surrogate(0)
    inputs = np.column_stack([rows[:, :-1], np.ones(len(rows))])
    moments = leastsquares.measure_moments(rows[:, :-1], rows[:, -1])
    theta = np.array(points_of_seed(moments, 20190826)[point])
    each = (inputs @ theta - rows[:, -1])[:, None] * inputs
    whole = each.mean(axis=0)
    population = float(((each - whole) ** 2).sum(axis=1).mean())
    return float(np.linalg.norm(whole)), population, len(rows)
