"""The `matmul` kind: square products, timed."""

from __future__ import annotations

from report.experiments.kind import Kind
from report.experiments.matmul.comparisons import comparisons
from report.experiments.matmul.figures import figures
from report.experiments.matmul.headline import cards, sentences
from report.experiments.matmul.method import method
from report.experiments.matmul.quantities import METRICS, of_records
from report.experiments.matmul.spec import Labels

MATMUL = Kind(
    name="matmul",
    labels=Labels,
    metrics=METRICS,
    quantities=of_records,
    figures=figures,
    method=method,
    comparisons=comparisons,
    cards=cards,
    sentences=sentences,
)
