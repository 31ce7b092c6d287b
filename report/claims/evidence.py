"""Finds in a result what a claim speaks of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from report.analysis.quantities import RATES, Question, by_backend, highest, quotient, undisturbed
from report.experiments.catalogue import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from report.analysis.factors import Factor
    from report.analysis.quantities import Highest, Quantity
    from report.results.result import Record, Result, StoredSide
    from report.worker.records import Scalar

    _Processes = dict[tuple[str, int], Record]


class Missing(Exception):  # noqa: N818 (it becomes the verdict "not run")
    """What a claim speaks of was not measured; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A side of a claim as factors of an effect, or a power of a label that quantities go with."""

    factors: list[Factor]
    unit: str  # in SI; empty for a plain number
    timed: bool  # whether a clock has a part in it
    x: Sequence[float] = ()  # of a sweep: the label's values, ascending, with a factor for each
    # It is only a lower bound, or some of a sweep are: the true value lies above.
    above: bool = False
    below: bool = False  # it is only an upper bound
    # Of the processes that it stands on, by experiment and process.
    records: _Processes = field(default_factory=dict)
    # Of processes that were too disturbed to count.
    left_out: _Processes = field(default_factory=dict)
    # The experiments of which more processes would tell more.
    by_process: frozenset[str] = frozenset()
    picked: Highest | None = None  # the pick, where it is the highest or lowest of several


class Evidence:
    """What was measured in one result; each question is answered once."""

    def __init__(self, result: Result) -> None:
        """Ask nothing yet."""
        self.result = result
        self._answers: dict[tuple[str, str, Question], list[Quantity]] = {}

    def side(self, backend: str, wanted: StoredSide) -> Found:
        """Find one quantity.

        Raises:
            Missing: It was not measured, several series fit, or it is zero.
        """
        records, fitting = self._observed(backend, wanted)
        if wanted["largest"]:
            fitting = _with_most(fitting, wanted["largest"])
        if not all(map(_positive, fitting)):
            raise Missing(f"{_named(wanted)} has a {wanted['metric']} of zero, which has no ratio")
        picked = None
        if len(fitting) > 1 and wanted["pick"]:
            picked = highest(fitting, _rate(wanted), lowest=wanted["pick"] == "lowest")
            fitting = [picked.quantity]
        if len(fitting) > 1:
            raise Missing(
                f"{len(fitting)} series of {wanted['experiment']} fit {_words(wanted['series'])}; "
                "name more labels, or pick the highest or lowest"
            )
        found = _found(records, wanted, fitting, picked=picked)
        if wanted["over"] is None:
            return found
        return divided(found, self.side(backend, wanted["over"]))

    def sweep(self, backend: str, wanted: StoredSide, along: str) -> Found:
        """Find a quantity at every value of a label.

        Series whose values are zero are left out: they have no place in a power law.

        Raises:
            Missing: There are fewer than three.
        """
        records, fitting = self._observed(backend, wanted)
        points: dict[float, Quantity] = {}
        for one in fitting:
            value = one.labels.get(along)
            if isinstance(value, int | float) and value > 0 and _positive(one):
                if value in points:
                    raise Missing(f"several series have {along} {value}; name more labels")
                points[float(value)] = one
        if len(points) < 3:
            raise Missing(f"a power law needs three values of {along}; there are {len(points)}")
        x = sorted(points)
        return _found(records, wanted, [points[value] for value in x], x=x)

    def _observed(self, backend: str, wanted: StoredSide) -> tuple[list[Record], list[Quantity]]:
        experiment = wanted["experiment"]
        planned = self.result.config["experiments"].get(experiment)
        if planned is None:
            raise Missing(f"there is no experiment {experiment}")
        records = by_backend(self.result.of(experiment)).get(backend, [])
        if not records:
            raise Missing(f"{planned['title']} has not been run")
        if wanted["metric"] not in KINDS[planned["kind"]].metrics:  # as a later version's may be
            raise Missing(f"{planned['title']} has no {wanted['metric']}")
        question = Question(metric=wanted["metric"], epoch=wanted["epoch"], loss=wanted["loss"])
        asked = (experiment, backend, question)
        if asked not in self._answers:
            observe = KINDS[planned["kind"]].observe
            self._answers[asked] = observe(self.result, records, question)
        labels = wanted["series"].items()
        named = [q for q in self._answers[asked] if labels <= {**q.labels, **q.also}.items()]
        fitting = _of_one_variant([one for one in named if any(one.groups)])
        if not fitting:
            lacking = f"has no {wanted['metric']}" if named else "was not measured"
            raise Missing(_why(records, wanted) or f"{_named(wanted)} {lacking}")
        return records, fitting


def divided(above: Found, below: Found) -> Found:
    """Return what one side is, divided by another."""
    return Found(
        factors=above.factors + [factor.inverse() for factor in below.factors],
        unit=quotient(above.unit, below.unit),
        timed=above.timed or below.timed,
        above=above.above or below.below,
        below=above.below or below.above,
        records=above.records | below.records,
        left_out=above.left_out | below.left_out,
        by_process=above.by_process | below.by_process,
    )


def _found(
    records: Sequence[Record], wanted: StoredSide, quantities: Sequence[Quantity], **more: Any
) -> Found:
    """Return quantities with the records of their experiment on which they stand."""
    metric, rate = KINDS[records[0].kind].metrics[wanted["metric"]], _rate(wanted)
    kept = undisturbed(records).records if any(q.left_out for q in quantities) else records
    # What is counted is the same in each process.
    varying = [q for q in quantities if len({x for group in q.groups for x in group}) > 1]
    return Found(
        factors=[q.factor(rate) for q in quantities],
        unit=metric.unit,
        timed=metric.timed,
        above=any(q.censored for q in quantities),
        records=_processes(
            record
            for index, record in enumerate(records)
            if any(q.replicate == "seed" or q.groups[index] for q in quantities)
        ),
        left_out=_processes(r for r, one in zip(records, kept, strict=True) if one is None),
        by_process=frozenset(q.experiment for q in varying if q.replicate == "process"),
        **more,
    )


def _processes(records: Iterable[Record]) -> _Processes:
    return {(record.experiment, record.process): record for record in records}


def _rate(wanted: StoredSide) -> str | None:
    return wanted["metric"] if wanted["metric"] in RATES else None


def _of_one_variant(fitting: Sequence[Quantity]) -> list[Quantity]:
    """Keep the series of the variant that comes first: what the framework's users would write.

    A claim that names no variant speaks of training in the ordinary way of each framework, and not
    of all that it offers beside.
    """
    return [one for one in fitting if one.labels.get("variant") == fitting[0].labels.get("variant")]


def _with_most(fitting: Sequence[Quantity], label: str) -> list[Quantity]:
    """Keep the series with the largest number as a label; all where none has a number."""
    numbers = [n for one in fitting if isinstance(n := one.labels.get(label), int | float)]
    return [one for one in fitting if not numbers or one.labels.get(label) == max(numbers)]


def _positive(one: Quantity) -> bool:
    return all(sample > 0 for group in one.groups for sample in group)


def _why(records: Sequence[Record], wanted: StoredSide) -> str | None:
    """Return why a series is missing: its own reason, or that of the experiment."""
    for series in [one for record in records if record.outcome for one in record.outcome.series]:
        fits = wanted["series"].items() <= series.labels.items()
        if fits and series.status != "ok" and series.reason:
            return series.reason
    failed = [record.reason for record in records if record.status != "ok" and record.reason]
    return failed[0] if failed and len(failed) == len(records) else None


def _named(wanted: StoredSide) -> str:
    return f"{wanted['experiment']} ({_words(wanted['series'])})"


def _words(series: dict[str, Scalar]) -> str:
    return ", ".join(f"{name} {value}" for name, value in series.items()) or "nothing in particular"
