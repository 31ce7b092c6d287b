"""Records -> quantities: what was measured, filtered once, ready to be estimated.

A quantity is one thing that an experiment measured on one backend, with its values grouped by
replicate. Figures, tables, headlines, claims and comparisons all read its estimate, so that no two
of them can disagree. What was disturbed is left out here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partialmethod
from typing import TYPE_CHECKING, Any, Literal

from report.analysis import between, estimate, noise
from report.analysis.estimate import Estimate, product
from report.analysis.factors import Factor
from report.worker.timing import median

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from report.results.machine import Conditions
    from report.results.result import Record, Result
    from report.worker.records import Labels, Scalar, Series, Timing

Key = tuple[str, str, str, tuple[tuple[str, "Scalar"], ...]]

Replicate = Literal["process", "seed"]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """Something that can be asked of an experiment."""

    unit: str  # in SI, as `numerals.scaled` takes it: "s", "FLOPS", "B/s"; empty for plain numbers
    timed: bool  # it comes from a clock, so a noisy machine spoils it
    words: str  # what it is, for people who write claims
    # For a rate: which of a quantity's amounts is divided by its seconds.
    amount: Literal["flops", "bytes_moved", "examples"] | None = None
    known: bool = False  # it follows from the plan and the data, whatever was measured


SECONDS = Metric(unit="s", timed=True, words="seconds of one call or one epoch")
FLOP_PER_S = Metric(
    unit="FLOPS", timed=True, words="floating point operations per second", amount="flops"
)
BYTES_PER_S = Metric(
    unit="B/s", timed=True, words="bytes read and written per second", amount="bytes_moved"
)
EXAMPLES_PER_S = Metric(
    unit="examples/s", timed=True, words="training examples per second", amount="examples"
)

DEVICE_SECONDS = Metric(
    unit="s", timed=True, words="seconds of one call by the accelerator's own clock"
)
COLD_SECONDS = Metric(
    unit="s", timed=True, words="the same with the accelerator's second cache emptied before it"
)
JOULES = Metric(unit="J", timed=True, words="energy of one call or one epoch, where it is readable")

RATES = {"flop_per_s": FLOP_PER_S, "bytes_per_s": BYTES_PER_S, "examples_per_s": EXAMPLES_PER_S}


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of each series."""

    metric: str = "seconds"
    # For what changes along a training run: at the end of which epoch; None for the last.
    epoch: int | None = None
    loss: float | None = None  # for times to a loss: which; None for the report's own target


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """Values of one thing, in SI units, by replicate.

    The amounts (`flops`, `bytes_moved`, `examples`) are those of its seconds, if they are counted.
    """

    experiment: str
    kind: str
    backend: str
    # What the values are: "seconds" of a call or an epoch, "loss", "std", ...; with what it was
    # asked for, if anything ("loss after epoch 2").
    metric: str = "seconds"
    labels: Labels  # what tells it from others of the experiment
    # Further labels by which a claim can choose it, which follow from the machine.
    also: Labels = field(default_factory=dict)
    # For each replicate its values; empty where it has none, or was left out. Replicates of one
    # experiment stand in the same order in all series, so that they can be paired.
    groups: list[list[float]]
    # What is repeated: a process, or a seed where the process does not matter.
    replicate: Replicate = "process"
    left_out: tuple[str, ...] = ()  # for each process that was too disturbed to count, why
    # How many of the values are only lower bounds: a run that ended before it came to a loss would
    # have taken longer.
    censored: int = 0
    # By which share the true values may be smaller: a loss is seen only where it is evaluated.
    coarse: float = 0.0
    unit: str = "s"
    flops: int | None = None
    bytes_moved: int | None = None
    examples: int | None = None
    run: str = ""  # the runs of the machine that it belongs to; others cannot be paired with it
    # For each process when its run began, where several runs stand together; else empty.
    runs: tuple[str, ...] = ()
    device: str = "cpu"

    @property
    def key(self) -> Key:
        """Return what the same quantity has in common on all machines."""
        return (self.experiment, self.backend, self.metric, tuple(sorted(self.labels.items())))

    @property
    def series_key(self) -> Key:
        """Return the same without the metric: what it has in common with others of its series."""
        return (self.experiment, self.backend, "", tuple(sorted(self.labels.items())))

    def name(self, metric: str | None = None) -> str:
        """Return the key of its values, or of a rate, as text: the same wherever it is written."""
        labels = "&".join(f"{k}={v}" for k, v in sorted(self.labels.items()) if v is not None)
        machine = self.run.partition(" ")[0]
        named = "/".join(filter(None, (machine, self.experiment, self.backend)))
        # The device's clock gives another rate than the host's, and energy another than time.
        by = f", {self.metric}" if metric and self.metric != "seconds" else ""
        return f"{named}/{metric or self.metric}{by}?{labels}"

    def number(self, label: str) -> int:
        """Return a label that is a whole number, such as a size."""
        return int(str(self.labels[label]))

    def factor(self, metric: str | None = None, weight: float = 1.0) -> Factor:
        """Return it, or one of `RATES`, as a factor of an estimate; a divisor has the weight -1.

        Raises:
            ValueError: The rate's amount is not counted.
        """
        amount, power = 1.0, weight
        if (rate := RATES.get(metric or "")) is not None:
            amount, power = float(getattr(self, str(rate.amount)) or 0), -weight
            if not amount:
                raise ValueError(f"{rate.amount} are not counted here")
        return Factor(
            groups=self.groups,
            weight=power,
            family=f"{self.run} {self.experiment} {self.backend} {self.replicate}",
            source=self.run,
            runs=self.runs if self.replicate == "process" else (),
            group=between.group(self.kind, self.labels, self.flops) if self.unit == "s" else None,
            constant=amount**weight,
            coarse=self.coarse,
            key=self.name(metric),
            below=weight < 0,
        )

    def estimate(self, metric: str | None = None) -> Estimate:
        """Return the one estimate of it, or of a rate: always the same number."""
        known: dict[str | None, Estimate] = self.__dict__.setdefault("_estimates", {})
        if metric not in known:
            known[metric] = product([self.factor(metric)])
        return known[metric]

    time = partialmethod(estimate)
    rate = partialmethod(estimate, "flop_per_s")
    bandwidth = partialmethod(estimate, "bytes_per_s")
    examples_per_s = partialmethod(estimate, "examples_per_s")
    """The estimate of its seconds, and those of its `RATES`."""

    def spreads(self) -> dict[str, float]:
        """Return by what fraction the slowest replicate of each run exceeds its fastest."""
        runs = self.runs or ("",) * len(self.groups)
        each = {
            run: estimate.spread([g for of, g in zip(runs, self.groups, strict=True) if of == run])
            for run in dict.fromkeys(runs)
        }
        return {run: spread for run, spread in each.items() if spread is not None}


def quantity(records: Sequence[Record], **fields: Any) -> Quantity:
    """Return a quantity of the experiment and the backend that these records are of."""
    one, runs = records[0], tuple(record.run for record in records)
    fields |= {"runs": runs if any(runs) else (), "device": one.device}
    return Quantity(experiment=one.experiment, kind=one.kind, backend=one.backend, **fields)


def ratio(
    above: Quantity, below: Quantity, metric: str | None = None, per: str | None = None
) -> Estimate:
    """Estimate a ratio of values, or of rates, paired where the same replicates measured both."""
    return product([above.factor(metric), below.factor(per or metric, -1)])


def difference(above: Quantity, below: Quantity, scale: float = 1.0, key: str = "") -> Estimate:
    """Estimate `scale` times (above - below) of the same replicates, as a mean over them."""
    medians = [[median(group) if group else None for group in q.groups] for q in (above, below)]
    pairs = [(a, b) for a, b in zip(*medians, strict=False) if a is not None and b is not None]
    if not pairs:
        pairs = [(above.estimate().value, below.estimate().value)]
    values = [scale * (a - b) for a, b in pairs]
    return estimate.average(values, key or f"{above.name()} - {below.name()}")


@dataclass(frozen=True, kw_only=True)
class Highest:
    """The highest of several quantities by a rate."""

    quantity: Quantity
    estimate: Estimate  # its own, which says that it was picked
    ties: list[Quantity]  # those that the intervals do not separate from it


def highest(
    quantities: Sequence[Quantity], metric: str | None = None, *, lowest: bool = False
) -> Highest:
    """Pick the highest of at least one quantity by a rate or its values, with what is tied."""
    pick = min if lowest else max
    best = pick(quantities, key=lambda q: q.estimate(metric).value)
    ties = [q for q in quantities if q is not best and not ratio(best, q, metric).excludes(1)]
    picked = replace(best.estimate(metric), highest_of=len(quantities))
    return Highest(quantity=best, estimate=picked, ties=ties)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The processes of an experiment on one backend that count for times."""

    records: list[Record | None]  # all of them, in order; what was left out is None
    left_out: tuple[str, ...]  # for each that was left out, why


def undisturbed(records: Sequence[Record]) -> Kept:
    """Leave out processes during which the machine was noisy, if most are left.

    It is decided by what was seen of the machine, and not by what was measured, so that nothing is
    chosen for its result. Where half of the processes or more were disturbed, all are kept, and
    the grade of the whole says that it was noisy. The records are of one experiment on one
    backend, a process each.
    """
    grades = [noise.grade([r.conditions] if r.conditions else []) for r in records]
    out = {k: "; ".join(each.reasons) for k, each in enumerate(grades) if each.level == "noisy"}
    if len(out) >= len(records) / 2:
        out = {}
    kept = [None if k in out else record for k, record in enumerate(records)]
    return Kept(records=kept, left_out=tuple(out.values()))


def surroundings(records: Iterable[Record]) -> noise.Grade:
    """Grade what went on beside the processes that count; how far they differ is in the intervals.

    Of several runs it is the grade in the middle: the worst of many is always bad.
    """
    groups: dict[tuple[str, str], list[Record]] = {}
    seen: dict[str, list[Conditions]] = {}
    for record in records:
        groups.setdefault((record.experiment, record.backend), []).append(record)
        seen.setdefault(record.run, [])
    for record in (one for mine in groups.values() for one in undisturbed(mine).records if one):
        seen[record.run] += [record.conditions] if record.conditions else []
    grades = sorted(map(noise.grade, seen.values()), key=lambda grade: grade.severity)
    return grades[len(grades) // 2]


def _calls(timing: Timing | None, device: bool = False) -> list[float]:  # noqa: FBT001, FBT002
    """Return the seconds of one call by each sample, by the host's clock or the device's."""
    spans = () if timing is None else timing.device_s if device else timing.elapsed_s
    return [elapsed / timing.inner_loops for elapsed in spans] if timing else []


CLOCKS: dict[str, Callable[[Series], list[float]]] = {
    "device_seconds": lambda series: _calls(series.timing, device=True),
    "cold_seconds": lambda series: _calls(series.cold),
}
"""How a call was timed otherwise than by the host's clock with what it needs in the caches."""

_VALUES: dict[str, Callable[[Series], list[float]]] = CLOCKS | {
    "seconds": lambda series: _calls(series.timing),
    "joules": lambda series: [series.energy.joules / series.energy.calls] if series.energy else [],
}


def of_series(
    records: Sequence[Record],
    *,
    run: str = "",
    metric: str = "seconds",
    wanted: Callable[[Series], bool] = lambda _: True,
    examples: Callable[[Series], int | None] = lambda _: None,
) -> list[Quantity]:
    """Return one quantity for each wanted series that any process measured, of one call.

    The records are of one experiment on one backend, a process each; `examples` says how many
    training examples a call of a series processes. The metric is seconds, one of `CLOCKS`, or
    joules.
    """
    kept = undisturbed(records)
    groups: dict[str, list[list[float]]] = {}
    first: dict[str, Series] = {}
    for index, record in enumerate(kept.records):
        for series in record.outcome.series if record and record.outcome else ():
            if not (values := _VALUES[metric](series)) or not wanted(series):
                continue
            key = repr(series.labels)
            first.setdefault(key, series)
            # A place for each process, so that ratios can pair what one process measured.
            mine = groups.setdefault(key, [[] for _ in records])
            mine[index] = values
    own = {"unit": "J"} if metric == "joules" else {}
    return [
        quantity(
            records,
            **own,
            metric=metric,
            labels=series.labels,
            groups=groups[key],
            left_out=kept.left_out,
            flops=series.flops,
            bytes_moved=series.bytes_moved,
            examples=examples(series),
            run=run,
        )
        for key, series in first.items()
    ]


def of_kind(
    result: Result, kind: str, of_records: Callable[[Sequence[Record], str], list[Quantity]]
) -> list[Quantity]:
    """Return the quantities of all experiments of a kind, in the order of the configuration."""
    return [
        quantity
        for name, planned in result.config["experiments"].items()
        if planned["kind"] == kind
        for records in by_backend(result.of(name)).values()
        for quantity in of_records(records, result.run)
    ]


def power_law(
    curves: Sequence[tuple[Sequence[float], Sequence[Quantity]]],
    constants: Sequence[Sequence[float]],
) -> Estimate:
    """Estimate the power of ascending x with which quantities times constants go, over curves."""
    found = estimate.exponent(
        [
            (x, [replace(q.factor(), constant=c) for q, c in zip(line, each, strict=True)])
            for (x, line), each in zip(curves, constants, strict=True)
        ]
    )
    corrected = any(c != 1 for each in constants for c in each)
    return replace(found, key=f"{found.key}, corrected") if corrected else found


def by_backend(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Group records by backend, each group in the order of its processes."""
    groups: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda record: record.process):
        groups.setdefault(record.backend, []).append(record)
    return groups


def varying(labels: Sequence[Labels]) -> list[str]:
    """Return the labels that differ among these, in the order in which they are stored."""
    return [
        name
        for name in (labels[0] if labels else ())
        if len({repr(each.get(name)) for each in labels}) > 1
    ]


def quotient(above: str, below: str) -> str:
    """Return the unit of one metric divided by another; that of a plain number is empty."""
    if above == below:
        return ""
    return {("FLOPS", "B/s"): "FLOP/B"}.get((above, below), f"{above} / {below}")
