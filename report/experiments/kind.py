"""What a kind of experiment is made of: one object, with defaults for what a kind lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from report.analysis.quantities import Metric, Quantity, Question
    from report.experiments.settings import Settings
    from report.experiments.subject import Overlay
    from report.figures.figure import Card, Figure
    from report.registry import KindName
    from report.results.result import Record, Result


def _nothing_timed(_records: Sequence[Record], _run: str) -> list[Quantity]:
    return []


def _nothing_compared(_over: Overlay) -> list[Figure]:
    return []


def _no_cards(_result: Result) -> list[Card]:
    return []


def _no_sentences(_result: Result) -> list[str]:
    return []


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of experiment, on the parent's side.

    Attributes:
        name: In experiments.yaml; its folder, and its template, have it too.
        settings: What experiments.yaml can tell it.
        labels: What tells its series apart: a TypedDict that result files are held to.
        metrics: What can be asked of it, in claims and elsewhere.
        figures: (result, experiment) -> figures of one machine.
        method: (records) -> how one experiment was measured on one backend, in sentences.
        quantities: (records, run) -> what was timed in one experiment on one backend.
        observed: (result, records, question) -> one of the metrics of every series; else the
            quantities.
        claim_labels: By which a claim can choose series, beside those of the series.
        overlay: (overlay) -> figures of several machines, or frameworks, on the same axes.
        cards: (result) -> the numbers that stand at the top of a machine's page.
        sentences: (result) -> what could stand in a mail.
    """

    name: KindName
    settings: type[Settings]
    labels: type
    metrics: Mapping[str, Metric]
    figures: Callable[[Result, str], list[Figure]]
    method: Callable[[Sequence[Record]], list[str]]
    quantities: Callable[[Sequence[Record], str], list[Quantity]] = _nothing_timed
    observed: Callable[[Result, Sequence[Record], Question], list[Quantity]] | None = None
    claim_labels: tuple[str, ...] = ()
    overlay: Callable[[Overlay], list[Figure]] = _nothing_compared
    cards: Callable[[Result], list[Card]] = _no_cards
    sentences: Callable[[Result], list[str]] = _no_sentences

    def observe(
        self, result: Result, records: Sequence[Record], question: Question
    ) -> list[Quantity]:
        """Return a metric of every series of one experiment on one backend.

        For a rate these are the seconds that it is made from; what does not count its amount is
        left out.
        """
        if self.observed is not None:
            quantities = self.observed(result, records, question)
        else:
            quantities = self.quantities(records, result.run)
        amount = self.metrics[question.metric].amount
        return [q for q in quantities if amount is None or getattr(q, amount)]

    def label_names(self) -> list[str]:
        """Return the labels by which a claim can choose series."""
        return [*self.labels.__annotations__, *self.claim_labels]
