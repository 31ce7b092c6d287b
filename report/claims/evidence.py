"""Finds in a result what a claim speaks of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from report.analysis import bootstrap, observations, quantities
from report.analysis.bootstrap import Factor
from report.analysis.observations import Observed, Question
from report.machine import noise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from report.results.result import Record, Result, StoredClaim, StoredSide
    from report.worker.records import Labels, Scalar


class Missing(Exception):  # noqa: N818 (it becomes the verdict "not run")
    """What a claim speaks of was not measured; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A side of a claim as factors of an effect.

    Attributes:
        factors: What it is made of.
        unit: In SI; empty for a plain number.
        timed: Whether a clock has a part in it.
        above: It is only a lower bound: the true value lies above.
        below: It is only an upper bound.
        records: What was measured for it.
    """

    factors: list[Factor]
    unit: str
    timed: bool
    above: bool = False
    below: bool = False
    records: list[Record] = field(default_factory=list)

    def inverted(self) -> list[Factor]:
        """Return the factors of one divided by it."""
        return [
            Factor(groups=each.groups, weight=-each.weight, family=each.family)
            for each in self.factors
        ]


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Values along a label.

    Attributes:
        x: The label's values, ascending.
        groups: For each of them the values by replicate.
        family: What was measured together.
        unit: Of the values.
        timed: Whether a clock has a part in them.
        censored: Some of the values are only bounds.
        records: What was measured for it.
    """

    x: list[float]
    groups: list[list[list[float]]]
    family: str
    unit: str
    timed: bool
    censored: bool
    records: list[Record]


def side(result: Result, backend: str, wanted: StoredSide) -> Found:
    """Find one quantity.

    Raises:
        Missing: It was not measured, several series fit, or it is zero.
    """
    records, fitting = _observed(result, backend, wanted)
    if len(fitting) > 1 and wanted["largest"]:
        fitting = _with_most(fitting, wanted["largest"])
    if not all(_positive(one) for one in fitting):
        raise Missing(f"{_named(wanted)} has a {wanted['metric']} of zero, which has no ratio")
    if len(fitting) > 1 and wanted["pick"]:
        pick = max if wanted["pick"] == "highest" else min
        fitting = [pick(fitting, key=lambda one: bootstrap.typical(one.groups))]
    if len(fitting) > 1:
        raise Missing(
            f"{len(fitting)} series of {wanted['experiment']} fit {_words(wanted['series'])}; "
            "name more labels, or pick the highest or lowest"
        )
    metric = observations.of_kind(records[0].kind).METRICS[wanted["metric"]]
    (observed,) = fitting
    found = Found(
        factors=[
            Factor(groups=observed.groups, weight=1.0, family=_family(wanted, timed=metric.timed))
        ],
        unit=metric.unit,
        timed=metric.timed,
        above=observed.censored > 0,
        records=records,
    )
    if wanted["over"] is None:
        return found
    return _divided(found, side(result, backend, cast("StoredSide", wanted["over"])))


def sweep(result: Result, backend: str, wanted: StoredSide, along: str) -> Sweep:
    """Find a quantity at every value of a label.

    Series whose values are zero are left out: they have no place in a power law.

    Raises:
        Missing: There are fewer than three.
    """
    records, fitting = _observed(result, backend, wanted)
    metric = observations.of_kind(records[0].kind).METRICS[wanted["metric"]]
    points: dict[float, Observed] = {}
    for one in fitting:
        value = one.labels.get(along)
        if isinstance(value, int | float) and value > 0 and _positive(one):
            if value in points:
                raise Missing(f"several series have {along} {value}; name more labels")
            points[float(value)] = one
    if len(points) < 3:
        raise Missing(f"a power law needs three values of {along}; there are {len(points)}")
    return Sweep(
        x=sorted(points),
        groups=[points[x].groups for x in sorted(points)],
        family=_family(wanted, timed=metric.timed),
        unit=metric.unit,
        timed=metric.timed,
        censored=any(one.censored for one in points.values()),
        records=records,
    )


def backends(result: Result, claim: StoredClaim) -> list[str]:
    """Return the backends that ran, or were to run, what a claim is about."""
    names = claim["left"]["experiment"]
    planned = result.config["experiments"].get(names)
    return list(planned["backends"]) if planned else []


def undisturbed(records: Sequence[Record]) -> list[Record]:
    """Leave out processes during which the machine was noisy, if most are left.

    It is decided by what was seen of the machine, and not by what was measured, so that nothing is
    chosen for its result. Where most processes were disturbed, all are kept, and the noise of the
    whole forbids a verdict.

    Args:
        records: Of one experiment on one backend, a process each.
    """
    kept = [
        record
        for record in records
        if record.conditions is None or noise.grade([record.conditions]).level != "noisy"
    ]
    return kept if len(kept) > max(1, len(records) / 2) else list(records)


def _observed(
    result: Result, backend: str, wanted: StoredSide
) -> tuple[list[Record], list[Observed]]:
    """Return the records of an experiment, and those of its series that have the labels."""
    experiment = wanted["experiment"]
    planned = result.config["experiments"].get(experiment)
    if planned is None:
        raise Missing(f"there is no experiment {experiment}")
    records = quantities.by_backend(result.of(experiment)).get(backend, [])
    if not records:
        raise Missing(f"{planned['title']} has not been run")
    question = Question(metric=wanted["metric"], epoch=wanted["epoch"], loss=wanted["loss"])
    module = observations.of_kind(planned["kind"])
    if module.METRICS[wanted["metric"]].timed:
        records = undisturbed(records)
    found = module.observe(result, records, question)
    named = [one for one in found if _fits(one.labels, wanted["series"])]
    fitting = _of_one_variant([one for one in named if any(len(group) for group in one.groups)])
    if not fitting:
        lacking = f"has no {wanted['metric']}" if named else "was not measured"
        raise Missing(_why(records, wanted) or f"{_named(wanted)} {lacking}")
    return records, fitting


def _of_one_variant(fitting: Sequence[Observed]) -> list[Observed]:
    """Keep the series of the variant that comes first: what the framework's users would write.

    A claim that names no variant speaks of training in the ordinary way of each framework, and not
    of all that it offers beside.
    """
    return [one for one in fitting if one.labels.get("variant") == fitting[0].labels.get("variant")]


def _with_most(fitting: Sequence[Observed], label: str) -> list[Observed]:
    """Keep the series with the largest number as a label."""
    numbers = [one.labels.get(label) for one in fitting]
    most = max((n for n in numbers if isinstance(n, int | float)), default=None)
    return [one for one, number in zip(fitting, numbers, strict=True) if number == most]


def _positive(one: Observed) -> bool:
    return all(sample > 0 for group in one.groups for sample in group)


def _divided(above: Found, below: Found) -> Found:
    return Found(
        factors=above.factors + below.inverted(),
        unit=observations.quotient(above.unit, below.unit),
        timed=above.timed or below.timed,
        above=above.above or below.below,
        below=above.below or below.above,
        records=above.records + [r for r in below.records if r not in above.records],
    )


def _family(wanted: StoredSide, *, timed: bool) -> str:
    # Times stand by process and losses by seed: what has other replicates cannot be paired.
    return f"{wanted['experiment']} {'time' if timed else 'value'}"


def _fits(labels: Labels, wanted: dict[str, Scalar]) -> bool:
    return all(name in labels and labels[name] == value for name, value in wanted.items())


def _why(records: Sequence[Record], wanted: StoredSide) -> str | None:
    """Return why a series is missing: its own reason, or that of the experiment."""
    for labels, reason in _reasons(records):
        if _fits(labels, wanted["series"]):
            return reason
    failed = [record.reason for record in records if record.status != "ok" and record.reason]
    return failed[0] if failed and len(failed) == len(records) else None


def _reasons(records: Sequence[Record]) -> Iterator[tuple[Labels, str]]:
    for record in records:
        for series in record.outcome.series if record.outcome else ():
            if series.status != "ok" and series.reason:
                yield series.labels, series.reason


def _named(wanted: StoredSide) -> str:
    return f"{wanted['experiment']} ({_words(wanted['series'])})"


def _words(series: dict[str, Scalar]) -> str:
    return ", ".join(f"{name} {value}" for name, value in series.items()) or "nothing in particular"
