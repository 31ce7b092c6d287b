"""What a kind of experiment is made of: one object, with defaults for what a kind lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from report.analysis.quantities import Metric, Quantity, Question, by_backend

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from report.experiments.settings import Settings
    from report.figures.figure import Card, Figure
    from report.registry import KindName
    from report.results.result import Record, Result


Noun = Literal["machine", "framework"]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One machine, or one framework of a machine, beside others.

    Attributes:
        name: As shown.
        index: The place of its colour and marker.
        result: The run.
        backend: Whose records it stands for.
        floor: What the others are held to: it calls no framework and no library.
    """

    name: str
    index: int
    result: Result
    backend: str
    floor: bool = False

    def records(self, experiment: str) -> list[Record]:
        """Return its records of an experiment, in the order of the processes."""
        return by_backend(self.result.of(experiment)).get(self.backend, [])


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """Subjects that measured the same experiment.

    Attributes:
        noun: What they are.
        experiment: Its name.
        subjects: At least two.
    """

    noun: Noun
    experiment: str
    subjects: Sequence[Subject]

    @property
    def name(self) -> str:
        """Return what the names of its figures begin with."""
        return f"{'compare' if self.noun == 'machine' else 'frameworks'}-{self.experiment}"


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
