"""What a kind of experiment is made of: one object, with defaults for what a kind lacks."""

from __future__ import annotations

import collections
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from report.analysis.quantities import Highest, Metric, Quantity, Question, by_backend, ratio
from report.worker.timing import Method

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from report.experiments.settings import Settings
    from report.figures.figure import Card, Figure
    from report.registry import KindName
    from report.results.result import Record, Result

Noun = Literal["machine", "framework"]
PageName = Literal["products", "memory", "overhead", "training", "workers", "own"]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One machine, or one framework of a machine, beside others."""

    name: str
    index: int  # the place of its colour and marker
    result: Result
    backend: str  # whose records it stands for
    floor: bool = False  # what the others are held to: it calls no framework and no library

    def records(self, experiment: str) -> list[Record]:
        """Return its records of an experiment, in the order of the processes."""
        return by_backend(self.result.of(experiment)).get(self.backend, [])


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """At least two subjects that measured the same experiment."""

    noun: Noun
    experiment: str
    subjects: Sequence[Subject]

    @property
    def name(self) -> str:
        """Return what the names of its figures begin with."""
        return f"{'compare' if self.noun == 'machine' else 'frameworks'}-{self.experiment}"

    @property
    def backends(self) -> list[str]:
        """Return the backends to list functions of: all frameworks, but none across machines."""
        return [s.backend for s in self.subjects] if self.noun == "framework" else []

    def series(
        self, of_records: Callable[[Sequence[Record], str], list[Quantity]]
    ) -> dict[str, list[Quantity]]:
        """Return what each subject timed by its name, without those that timed nothing."""
        every = {
            s.name: of_records(s.records(self.experiment), s.result.run) for s in self.subjects
        }
        return {name: series for name, series in every.items() if series}


def ranking(tops: Mapping[str, Highest], metric: str) -> dict[str, Any]:
    """Return what sentences name of the highest of a rate of at least two subjects."""
    first, *others = sorted(tops, key=lambda name: -tops[name].estimate.value)
    gaps = {name: ratio(tops[first].quantity, tops[name].quantity, metric) for name in others}
    return {
        "tops": {name: tops[name] for name in (first, *others)},
        "first": first,
        "last": others[-1],
        "gap": gaps[others[-1]],
        "ties": [name for name, gap in gaps.items() if not gap.excludes(1)],
    }


def timing_facts(records: Sequence[Record]) -> dict[str, Any] | None:
    """Return how one experiment was timed on one backend, as `experiments/timing.html` names it."""
    outcomes = [record.outcome for record in records if record.outcome]
    timings = [series.timing for outcome in outcomes for series in outcome.series if series.timing]
    if not timings:
        return None
    samples, loops = [t.samples for t in timings], [t.inner_loops for t in timings]
    return {
        "processes": len(outcomes),
        "samples": (min(samples), max(samples)),
        "loops": (min(loops), max(loops)),
        "series": len(timings),
        "stopped": collections.Counter(str(t.stopped) for t in timings).most_common(),
        "elapsed_s": sum(record.elapsed_s for record in records),
        "method": Method(budget_s=1, repeats=1),
    }


def _nothing(*_: object) -> list[Any]:
    return []


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of experiment, on the parent's side."""

    name: KindName  # in experiments.yaml; its folder, and its template, have it too
    page: PageName  # of a machine's report, on which its experiments stand
    settings: type[Settings]  # what experiments.yaml can tell it
    labels: type  # what tells its series apart: a TypedDict that result files are held to
    metrics: Mapping[str, Metric]  # what can be asked of it, in claims and elsewhere
    figures: Callable[[Result, str], list[Figure]]  # (result, experiment) -> figures of one machine
    # (records) -> how one experiment was measured on one backend, in sentences.
    method: Callable[[Sequence[Record]], list[str]]
    # (records, run) -> what was timed in one experiment on one backend.
    quantities: Callable[[Sequence[Record], str], list[Quantity]] = _nothing
    # (result, records, question) -> one of the metrics of every series; else the quantities.
    observed: Callable[[Result, Sequence[Record], Question], list[Quantity]] | None = None
    # By which a claim can choose series, beside those of the series.
    open_labels: bool = False  # its series have further labels, which the configuration names
    claim_labels: tuple[str, ...] = ()
    # (overlay) -> figures of several machines, or frameworks, on the same axes.
    overlay: Callable[[Overlay], list[Figure]] = _nothing
    # (result) -> the numbers that stand at the top of a machine's page.
    cards: Callable[[Result], list[Card]] = _nothing
    # (result of one experiment on one backend) -> what says how it went; else its first card.
    headlines: Callable[[Result], list[Card]] | None = None
    sentences: Callable[[Result], list[str]] = _nothing  # (result) -> what could stand in a mail
    # (settings, seeds) -> what an experiment takes of a CPU's memory, beside the framework.
    memory_bytes: Callable[[Mapping[str, Any], int], int] = lambda *_: 0

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
