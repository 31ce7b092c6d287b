"""The `gradient` kind: the noise of minibatch gradients, counted in draws."""

from __future__ import annotations

from report.experiments.gradient.figures import figures
from report.experiments.gradient.method import method
from report.experiments.gradient.noise import METRICS, observed
from report.experiments.gradient.spec import Labels
from report.experiments.kind import Kind

GRADIENT = Kind(
    name="gradient",
    labels=Labels,
    metrics=METRICS,
    observed=observed,
    figures=figures,
    method=method,
)
