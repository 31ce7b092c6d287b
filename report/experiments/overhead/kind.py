"""The `overhead` kind: single calls and updates, timed."""

from __future__ import annotations

from report.experiments.kind import Kind
from report.experiments.overhead.comparisons import comparisons
from report.experiments.overhead.figures import figures
from report.experiments.overhead.headline import sentences
from report.experiments.overhead.method import method
from report.experiments.overhead.quantities import METRICS, of_records
from report.experiments.overhead.spec import Labels

OVERHEAD = Kind(
    name="overhead",
    labels=Labels,
    metrics=METRICS,
    quantities=of_records,
    figures=figures,
    method=method,
    comparisons=comparisons,
    sentences=sentences,
)
