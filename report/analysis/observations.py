"""What claims can be made of: observed values of a metric, grouped by replicate.

A kind of experiment says in its `observations.py` which metrics it has, and observes them. Times
are only one of them: a loss or a gradient's noise does not depend on how quiet the machine was.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from report.analysis import quantities

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.analysis.quantities import Quantity
    from report.results.result import Record, Result
    from report.worker.records import Labels


@dataclass(frozen=True, kw_only=True)
class Metric:
    """Something that can be asked of an experiment.

    Attributes:
        unit: In SI, as `numerals.scaled` takes it: "s", "FLOPS", "B/s"; empty for plain numbers.
        timed: Whether it comes from a clock, so that a noisy machine spoils it.
        words: What it is, for people who write claims.
    """

    unit: str
    timed: bool
    words: str


SECONDS = Metric(unit="s", timed=True, words="seconds of one call or one epoch")
FLOP_PER_S = Metric(unit="FLOPS", timed=True, words="floating point operations per second")
BYTES_PER_S = Metric(unit="B/s", timed=True, words="bytes read and written per second")
EXAMPLES_PER_S = Metric(unit="examples/s", timed=True, words="training examples per second")

TIMED = {
    "seconds": SECONDS,
    "flop_per_s": FLOP_PER_S,
    "bytes_per_s": BYTES_PER_S,
    "examples_per_s": EXAMPLES_PER_S,
}


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a claim asks of each series.

    Attributes:
        metric: Its name in the kind's METRICS.
        epoch: For what changes along a training run: at the end of which epoch; None for the last.
        loss: For times to a loss: which; None for the report's own target.
    """

    metric: str
    epoch: int | None = None
    loss: float | None = None


@dataclass(frozen=True, kw_only=True)
class Observed:
    """A metric of one series.

    Attributes:
        labels: Of the series.
        groups: For each replicate (a process, or a seed where processes do not matter) its values;
            empty where it has none. Replicates of one experiment stand in the same order in all
            series, so that they can be paired.
        censored: How many of the values are only lower bounds: a run that ended before it came to
            a loss would have taken longer.
    """

    labels: Labels
    groups: list[list[float]]
    censored: int = 0


def quotient(above: str, below: str) -> str:
    """Return the unit of one metric divided by another; that of a plain number is empty."""
    if above == below:
        return ""
    return {("FLOPS", "B/s"): "FLOP/B"}.get((above, below), f"{above} / {below}")


class ObservationModule(Protocol):
    """What a kind's `observations.py` offers."""

    METRICS: Mapping[str, Metric]

    def observe(
        self, result: Result, records: Sequence[Record], question: Question
    ) -> list[Observed]:
        """Return a metric of every series of one experiment on one backend."""


def of_kind(kind: str) -> ObservationModule:
    """Return what a kind of experiment can be asked."""
    module = importlib.import_module(f"report.experiments.{kind}.observations")
    return cast("ObservationModule", module)


def labels(kind: str) -> list[str]:
    """Return the labels by which a claim can choose series of a kind.

    They are those of its series, and what its `observations.py` adds as `LABELS`, if anything.
    """
    own = importlib.import_module(f"report.experiments.{kind}.spec").Labels.__annotations__
    return [*own, *getattr(of_kind(kind), "LABELS", ())]


def timed(records: Sequence[Record], metric: str) -> list[Observed]:
    """Observe one of the metrics in `TIMED`; series that do not count it are left out.

    Args:
        records: Of one experiment on one backend.
        metric: Its name.
    """
    found = []
    for quantity in quantities.of_records(records):
        amount = _amount(quantity, metric)
        if amount is None:
            continue
        groups = quantity.groups
        if metric != "seconds":
            groups = [[amount / seconds for seconds in group] for group in groups]
        found.append(Observed(labels=quantity.labels, groups=groups))
    return found


def _amount(quantity: Quantity, metric: str) -> int | None:
    amounts = {
        "seconds": 1,
        "flop_per_s": quantity.flops,
        "bytes_per_s": quantity.bytes_moved,
        "examples_per_s": quantity.examples,
    }
    return amounts[metric]
