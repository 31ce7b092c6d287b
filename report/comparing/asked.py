"""The few numbers most people want, of several machines side by side. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from report.analysis.estimate import Estimate  # noqa: TC001 (pydantic reads it)
from report.comparing.common import judged_ratio
from report.comparing.comparison import NOT_MEASURED, grades, why_missing
from report.comparing.gate import differences, other_work, work
from report.comparing.verdict import LEVEL
from report.experiments.bandwidth import quantities as bandwidth
from report.experiments.matmul.quantities import peaks
from report.experiments.overhead.quantities import calls_of, name_call
from report.experiments.training.kind import WELL_KNOWN_BATCH, chapters
from report.figures.figure import Number, interval, number
from report.sections.frameworks import starts
from report.text.names import title
from report.text.numerals import prefix_exponent, scaled
from report.worker.sensors import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from report.analysis.quantities import Quantity
    from report.registry import KindName
    from report.results.result import Result

SMALL: dict[str, KindName] = {
    "one update": "overhead",
    "an epoch": "training",
    "time to a loss": "training",
}
PRODUCTS: dict[str, KindName] = dict.fromkeys(
    [f"peak, {dtype}" for dtype in ("float32", "TF32", "float64", "bfloat16", "float16")], "matmul"
)
CALL = "one call"

AMOUNTS: dict[str, KindName] = {
    "energy of an epoch": "training",
    "memory of training": "training",
    "cost of a million epochs": "training",
}
"""What is no time and no rate, so that less of it is not faster."""

MILLION = 1e6

TOPICS: dict[str, dict[str, KindName]] = {
    "Small models": {**SMALL, CALL: "overhead"},
    "Large products": PRODUCTS,
    "Memory": dict.fromkeys(("memory", "first cache"), "bandwidth"),
    "Start-up": {"start-up": "overhead"},
    "Energy, memory and cost": AMOUNTS,
}
"""What is asked, in this order, and which kind of experiment measures it."""

KINDS = {label: kind for asked in TOPICS.values() for label, kind in asked.items()}

RATES = {"flop_per_s": "FLOPS", "bytes_per_s": "B/s"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A number of one machine, and under which circumstances."""

    quantity: Quantity
    metric: str | None = None
    note: str = ""

    @property
    def estimate(self) -> Estimate:
        """Return it."""
        return self.quantity.estimate(self.metric)

    @property
    def unit(self) -> str:
        """Return its unit, without prefix."""
        return RATES.get(self.metric or "", self.quantity.unit)

    def over(self, other: Asked) -> Estimate:
        """Return how many times as fast it is as another, with a 99 % interval."""
        above, below = (self, other) if self.metric else (other, self)
        return judged_ratio(above.quantity, below.quantity, self.metric)


@dataclass(frozen=True, kw_only=True)
class Found:
    """The same, of which its samples are no longer needed."""

    estimate: Estimate
    metric: str | None  # None for a time or an amount, which is better if it is less
    unit: str
    note: str
    device: str
    noisy: bool  # the machine was, so that the number is shown and not judged
    work: list[str]  # what must be the same elsewhere for it to be of the same work

    @property
    def text(self) -> str:
        """Return the number with its unit."""
        return scaled(self.estimate.value, self.unit)

    @property
    def interval(self) -> str:
        """Return the ends of its 95 % interval, in the same unit; empty if there is none."""
        return interval(self.estimate, 10.0 ** prefix_exponent(self.estimate.value))

    def beats(self, other: Found) -> bool:
        """Return whether it is of the same work, and faster beyond the doubt of both intervals."""
        mine, its = self.estimate.at(LEVEL), other.estimate.at(LEVEL)
        if self.work != other.work or self.noisy or other.noisy or None in {mine.low, its.low}:
            return False
        better, worse = (mine.low, its.high) if self.metric else (its.low, mine.high)
        return better is not None and worse is not None and better > worse


@dataclass(frozen=True, kw_only=True)
class Column:
    """What a machine has of all that is asked, by label, and why it lacks the rest."""

    found: dict[str, Found]
    missing: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A table cell for a machine: a number and its ratio to the baseline, or why there is none."""

    value: Number | None = None
    note: str = ""
    device: str = ""
    faster: Estimate | None = None  # how many times as fast as the baseline; None for other work
    ratio: Number | None = None  # the same above 1, whichever is faster, unless nothing tells
    noisy: bool = False  # either machine was, so that the ratio is not judged
    amount: bool = False  # no time and no rate: the ratio is how many times as much it is
    missing: str = ""

    @property
    def word(self) -> str:
        """Return whether it is faster than the baseline, or slower; empty if nothing tells."""
        if self.noisy or self.faster is None or not self.faster.excludes(1):
            return ""
        return "faster" if self.faster.value > 1 else "slower"

    @property
    def shade(self) -> str:
        """Return how much faster or slower it is as a class of the style sheet; may be empty."""
        if not self.word or self.faster is None:
            return ""
        by = max(self.faster.value, 1 / self.faster.value)
        return f"{self.word}-{sum(by >= factor for factor in (2, 5))}"


Rows = dict[str, list[tuple[str, list[Cell]]]]
"""By topic: what is asked, with a cell for each machine."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What tells a machine from the baseline, in short."""

    machines: tuple[int, int]  # the baseline's place, and its own
    products: dict[str, list[tuple[str, Cell]]]  # by the cell's word: the peak that both have
    small: dict[str, list[tuple[str, Cell]]]  # by word: what a small model takes
    shown: int  # how many rows that is
    unlike: list[str]  # what one of them computed on its CPU, and the other on an accelerator
    accelerated: int  # the place of the one with the accelerator
    call: Cell | None  # how many times as long a call takes there; None if it takes no longer


def answers(rows: Rows) -> list[Answer]:
    """Return each machine beside the first, where they have something of the answer in common."""
    number = len(next(iter(rows.values()))[0][1]) if rows else 0
    return [found for k in range(1, number) if (found := _answer(rows, k))]


def _answer(rows: Rows, k: int) -> Answer | None:
    cells = {label: (row[0], row[k]) for topic in rows.values() for label, row in topic}
    both = [label for label, pair in cells.items() if pair[1].faster]
    shown = [*[label for label in both if label in PRODUCTS][:1], *(n for n in both if n in SMALL)]
    if not shown:
        return None
    unlike = [n for n in shown if len({one.device == "cpu" for one in cells[n]}) > 1]
    accelerated = 0 if unlike and cells[unlike[0]][0].device != "cpu" else k
    call = cells[CALL][1] if CALL in both else None
    longer = call and call.word == ("faster" if accelerated == 0 else "slower")

    def by_word(of: Iterable[str]) -> dict[str, list[tuple[str, Cell]]]:
        found: dict[str, list[tuple[str, Cell]]] = {}
        for label in (label for label in shown if label in of):
            found.setdefault(cells[label][1].word, []).append((label, cells[label][1]))
        return found

    return Answer(
        machines=(0, k),
        products=by_word(PRODUCTS),
        small=by_word(SMALL),
        shown=len(shown),
        unlike=unlike,
        accelerated=accelerated,
        call=call if longer else None,
    )


def column(result: Result) -> Column:
    """Return what is asked of a machine."""
    asked = numbers(result)
    noisy = {where for where, grade in grades(result).items() if grade.level == "noisy"}
    return Column(
        found={
            label: Found(
                estimate=one.estimate,
                metric=one.metric,
                unit=one.unit,
                note=one.note,
                device=one.quantity.device,
                noisy=(one.quantity.experiment, one.quantity.backend) in noisy,
                work=work(result, one.quantity.experiment, one.quantity.kind),
            )
            for label, one in asked.items()
        },
        missing={label: _missing(kind, result) for label, kind in KINDS.items()} | _unknown(result),
    )


def beside(first: Result, other: Result) -> dict[str, Estimate]:
    """Return how many times as fast another machine is as the first, where the work is the same."""
    mine, found = numbers(first), differences([first, other])
    return {
        label: one.over(mine[label])
        for label, one in numbers(other).items()
        if label in mine and one.unit == mine[label].unit
        if not other_work(found, one.quantity.experiment, one.quantity.kind)
    }


def rows(columns: Sequence[Column], ratios: Sequence[Mapping[str, Estimate]]) -> Rows:
    """Return what is asked, with a cell for each machine; the first machine is the baseline.

    `ratios` has what each of the others is beside it.
    """
    every = {
        topic: [
            (label, _cells(label, columns, [{}, *ratios]))
            for label in asked
            if any(label in one.found for one in columns)
        ]
        for topic, asked in TOPICS.items()
    }
    return {topic: found for topic, found in every.items() if found}


def _cells(
    label: str, columns: Sequence[Column], ratios: Sequence[Mapping[str, Estimate]]
) -> list[Cell]:
    there = [one.found[label] for one in columns if label in one.found]
    sign = 1 if there[0].metric else -1
    best = max(there, key=lambda one: sign * one.estimate.value)
    alone = len(there) > 1 and all(best.beats(one) for one in there if one is not best)
    cells = []
    for column, mine in zip(columns, ratios, strict=True):
        one = column.found.get(label)
        if one is None:
            cells.append(Cell(missing=column.missing[label]))
            continue
        value = Number(text=one.text, best=alone and one is best, estimate=one.estimate)
        first = columns[0].found.get(label, one)
        noted = [note for note in (one.note, one.device, "noisy" * one.noisy) if note]
        faster = mine.get(label)
        cell = Cell(
            value=value,
            note=", ".join(noted),
            device=one.device,
            noisy=one.noisy or first.noisy,
            faster=faster,
        )
        if faster:
            inverse = faster.reciprocal(key=f"inverse of {faster.key}")
            less = cell.word == "slower" or label in AMOUNTS
            cell = replace(cell, amount=label in AMOUNTS, ratio=number(inverse if less else faster))
        cells.append(cell)
    return cells


def numbers(result: Result) -> dict[str, Asked]:
    """Return what a result has of what is asked, by its label."""
    led = result.led()
    finders = (_products, _memory, _calls, _training)
    return dict(found for find in finders for found in find(led))


def _missing(kind: KindName, result: Result) -> str:
    """Say why a machine lacks a number: what failed, was skipped or was not measured."""
    for name, planned in result.config["experiments"].items():
        backend = result.lead(name)
        if planned["kind"] == kind and backend:
            return why_missing(result, name, backend)
    return NOT_MEASURED


def _unknown(result: Result) -> dict[str, str]:
    """Say why an epoch that was timed has no energy, and no cost."""
    told = [r.outcome.energy for r in result.led().records if r.outcome and r.kind == "training"]
    why = next((words for words in told if words and words.startswith(UNREADABLE)), None)
    found = {"energy of an epoch": why} if why else {}
    if "price_per_hour" not in result.config:
        found["cost of a million epochs"] = "an hour has no price"
    return found


def _products(result: Result) -> Iterator[tuple[str, Asked]]:
    for dtype, top in peaks(result).items():
        # The highest of several experiments: others have the same product, with another rate.
        title_of = result.config["experiments"][top.quantity.experiment]["title"]
        note = f"n = {top.quantity.number('size'):,}, {title_of.lower()}"
        yield f"peak, {dtype}", Asked(quantity=top.quantity, metric="flop_per_s", note=note)


def _memory(result: Result) -> Iterator[tuple[str, Asked]]:
    backends = dict.fromkeys(q.backend for q in bandwidth.of_result(result))
    roofs = next((r for name in backends if (r := bandwidth.roofs(result, name))), {})
    for place, roof in roofs.items():
        top, memory = roof.quantity, place == bandwidth.MEMORY
        if memory or place == next(iter(roofs)):
            note = "" if memory else place
            asked = Asked(quantity=top, metric="bytes_per_s", note=note)
            yield "memory" if memory else "first cache", asked


def _calls(result: Result) -> Iterator[tuple[str, Asked]]:
    for backend, lines in calls_of(result):
        for label, name in (("one call", "add"), ("one update", "eager")):
            if line := lines.get(name):
                yield label, Asked(quantity=line[min(line)], note=name_call(line[min(line)]))
        if start := starts(result).get(backend, {}).get("import"):
            yield "start-up", Asked(quantity=start, note=f"importing {title(backend)}")
        return


def _training(result: Result) -> Iterator[tuple[str, Asked]]:
    case = chapters(result)
    if case is None:
        return
    batch = f"batch {WELL_KNOWN_BATCH}"
    run = next((r for r in case.runs if r.spec.batch_size == WELL_KNOWN_BATCH and r.seconds), None)
    if run and run.seconds:
        yield "an epoch", Asked(quantity=run.seconds, note=batch)
        if joules := run.joules():
            yield "energy of an epoch", Asked(quantity=joules, note=batch)
        if memory := run.memory():
            yield "memory of training", Asked(quantity=memory, note="of the whole process")
        price = result.config.get("price_per_hour")
        if price and (cost := run.cost(price * MILLION, result.config.get("currency", ""))):
            yield "cost of a million epochs", Asked(quantity=cost, note=batch)
    if case.target and (first := case.soonest):
        note = f"{case.target:g}, {first.run.name}"
        yield "time to a loss", Asked(quantity=first.run.seconds_to(case.target), note=note)
