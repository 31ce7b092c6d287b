"""The few numbers most people want, of several machines side by side. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from report.comparing.common import judged_ratio
from report.comparing.gate import differences, other_work
from report.comparing.pairs import NOT_MEASURED, why_missing
from report.experiments.bandwidth import quantities as bandwidth
from report.experiments.matmul.quantities import peaks
from report.experiments.overhead.quantities import calls_of, name_call
from report.experiments.training.kind import WELL_KNOWN_BATCH, chapters
from report.figures.figure import Number, number
from report.sections.frameworks import starts
from report.text.names import title
from report.text.numerals import scaled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from report.analysis.estimate import Estimate
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

TOPICS: dict[str, dict[str, KindName]] = {
    "Small models": {**SMALL, CALL: "overhead"},
    "Large products": PRODUCTS,
    "Memory": dict.fromkeys(("memory", "first cache"), "bandwidth"),
    "Start-up": {"start-up": "overhead"},
}
"""What is asked, in this order, and which kind of experiment measures it."""

UNITS = {"flop_per_s": "FLOPS", "bytes_per_s": "B/s", None: "s"}


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

    def over(self, other: Asked) -> Estimate:
        """Return how many times as fast it is as another, with a 99 % interval."""
        above, below = (self, other) if self.metric else (other, self)
        return judged_ratio(above.quantity, below.quantity, self.metric)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A table cell for a machine: a number and its ratio to the baseline, or why there is none.

    Attributes:
        faster: How many times as fast as the baseline; None where that would be of other work.
        ratio: The same above 1, whichever is faster; as it is where the interval does not tell.
    """

    value: Number | None = None
    note: str = ""
    device: str = ""
    faster: Estimate | None = None
    ratio: Number | None = None
    missing: str = ""

    @property
    def word(self) -> str:
        """Return whether it is faster than the baseline, or slower; empty if nothing tells."""
        if self.faster is None or not self.faster.excludes(1):
            return ""
        return "faster" if self.faster.value > 1 else "slower"


Rows = dict[str, list[tuple[str, list[Cell]]]]
"""By topic: what is asked, with a cell for each machine."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What tells a machine from the baseline, in short.

    Attributes:
        machines: The baseline's place, and its own.
        products: By word, as the cell has it: the peak that both have.
        small: By word: what a small model takes.
        shown: How many rows that is.
        unlike: What one of them computed on its CPU, and the other on an accelerator.
        accelerated: The place of the one with the accelerator.
        call: How many times as long a call takes there; None if it does not take longer.
    """

    machines: tuple[int, int]
    products: dict[str, list[tuple[str, Cell]]]
    small: dict[str, list[tuple[str, Cell]]]
    shown: int
    unlike: list[str]
    accelerated: int
    call: Cell | None


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


def rows(results: Sequence[Result]) -> Rows:
    """Return what is asked, with a cell for each machine; the first machine is the baseline."""
    columns = [numbers(result) for result in results]
    every = {
        topic: [
            (label, _cells(kind, results, [column.get(label) for column in columns]))
            for label, kind in asked.items()
            if any(label in column for column in columns)
        ]
        for topic, asked in TOPICS.items()
    }
    return {topic: found for topic, found in every.items() if found}


def numbers(result: Result) -> dict[str, Asked]:
    """Return what a result has of what is asked, by its label."""
    finders = (_products, _memory, _calls, _training)
    return dict(found for find in finders for found in find(result.led()))


def _cells(kind: KindName, results: Sequence[Result], found: Sequence[Asked | None]) -> list[Cell]:
    first, cells = found[0], []
    there = [(k, one) for k, one in enumerate(found) if one is not None]
    k, best = max(there, key=lambda each: each[1].estimate.value * (1 if each[1].metric else -1))
    same = [_same_work(results, k, j, best) for j, _ in there]
    alone = all(same) and all(best.over(one).excludes(1) for _, one in there if one is not best)
    for j, (result, one) in enumerate(zip(results, found, strict=True)):
        if one is None:
            cells.append(Cell(missing=_missing(kind, result)))
            continue
        faster = one.over(first) if j and first and _same_work(results, 0, j, one) else None
        value = Number(
            text=scaled(one.estimate.value, UNITS[one.metric]),
            best=alone and one is best and len(there) > 1,
            estimate=one.estimate,
        )
        device = one.quantity.device
        note = f"{one.note}, {device}" if one.note else device
        cell = Cell(value=value, note=note, device=device, faster=faster)
        if faster:
            inverse = faster.reciprocal(key=f"inverse of {faster.key}")
            cell = replace(cell, ratio=number(inverse if cell.word == "slower" else faster))
        cells.append(cell)
    return cells


def _same_work(results: Sequence[Result], one: int, other: int, asked: Asked) -> bool:
    found = differences([results[one], results[other]])
    return not other_work(found, asked.quantity.experiment, asked.quantity.kind)


def _missing(kind: KindName, result: Result) -> str:
    """Say why a machine lacks a number: what failed, was skipped or was not measured."""
    for name, planned in result.config["experiments"].items():
        backend = result.lead(name)
        if planned["kind"] == kind and backend:
            return why_missing(result, name, backend)
    return NOT_MEASURED


def _products(result: Result) -> Iterator[tuple[str, Asked]]:
    for dtype, top in peaks(result).items():
        note = f"n = {top.quantity.number('size'):,}"
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
    for run in case.runs:
        if run.spec.batch_size == WELL_KNOWN_BATCH and run.seconds is not None:
            yield "an epoch", Asked(quantity=run.seconds, note=f"batch {WELL_KNOWN_BATCH}")
            break
    if case.target and (first := case.soonest):
        note = f"{case.target:g}, {first.run.name}"
        yield "time to a loss", Asked(quantity=first.run.seconds_to(case.target), note=note)
