"""The kinds of experiment, each with what the parent's side must know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.experiments.bandwidth import spec as bandwidth
from report.experiments.gradient import spec as gradient
from report.experiments.matmul import spec as matmul
from report.experiments.overhead import spec as overhead
from report.experiments.training import spec as training

if TYPE_CHECKING:
    from report.registry import KindName

LABELS: dict[KindName, type] = {
    "matmul": matmul.Labels,
    "bandwidth": bandwidth.Labels,
    "overhead": overhead.Labels,
    "gradient": gradient.Labels,
    "training": training.Labels,
}
"""What tells the series of a kind apart: result files are held to it when they are read."""
