"""The `bandwidth` kind: going through memory, timed."""

from __future__ import annotations

from report.experiments.bandwidth.comparisons import comparisons
from report.experiments.bandwidth.figures import figures
from report.experiments.bandwidth.headline import cards, sentences
from report.experiments.bandwidth.method import method
from report.experiments.bandwidth.quantities import METRICS, of_records
from report.experiments.bandwidth.roofs import with_levels
from report.experiments.bandwidth.spec import Labels
from report.experiments.kind import Kind

BANDWIDTH = Kind(
    name="bandwidth",
    labels=Labels,
    metrics=METRICS,
    quantities=of_records,
    observed=with_levels,
    # Sizes of caches differ between machines, so that a claim cannot name working sets.
    claim_labels=("level",),
    figures=figures,
    method=method,
    comparisons=comparisons,
    cards=cards,
    sentences=sentences,
)
