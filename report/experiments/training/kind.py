"""The `training` kind: runs of the optimizer, timed, with their losses."""

from __future__ import annotations

from report.experiments.kind import Kind
from report.experiments.training.comparisons import comparisons
from report.experiments.training.curves import observed
from report.experiments.training.figures import figures
from report.experiments.training.headline import cards, sentences
from report.experiments.training.method import method
from report.experiments.training.quantities import METRICS, of_records
from report.experiments.training.spec import Labels

TRAINING = Kind(
    name="training",
    labels=Labels,
    metrics=METRICS,
    quantities=of_records,
    observed=observed,
    figures=figures,
    method=method,
    comparisons=comparisons,
    cards=cards,
    sentences=sentences,
)
