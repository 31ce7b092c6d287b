"""The few numbers most people want, of several machines side by side. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.comparing.common import judged_ratio
from report.comparing.gate import differences, other_work
from report.comparing.pairs import NOT_MEASURED, why_missing
from report.experiments.bandwidth import quantities as bandwidth
from report.experiments.matmul.quantities import peaks
from report.experiments.overhead.quantities import calls_of
from report.experiments.training.kind import WELL_KNOWN_BATCH, chapters
from report.figures.figure import Number, number
from report.sections.frameworks import starts
from report.text.numerals import scaled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.registry import KindName
    from report.results.result import Result

KINDS_ASKED: dict[str, KindName] = {
    **dict.fromkeys(
        [f"peak, {dtype}" for dtype in ("float32", "TF32", "float64", "bfloat16", "float16")],
        "matmul",
    ),
    **dict.fromkeys(("memory", "first cache"), "bandwidth"),
    **dict.fromkeys(("one call", "one update"), "overhead"),
    **dict.fromkeys(("an epoch", "time to a loss"), "training"),
    "start-up": "overhead",
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
    """A table cell for a machine: a number and its ratio to the baseline, or why there is none."""

    value: Number | None = None
    note: str = ""
    faster: Number | None = None
    missing: str = ""


def rows(results: Sequence[Result]) -> list[tuple[str, list[Cell]]]:
    """Return what is asked, with a cell for each machine; the first machine is the baseline."""
    finders = (_products, _memory, _calls, _training)
    columns = [dict(found for find in finders for found in find(r.led())) for r in results]
    return [
        (label, _cells(label, results, [column.get(label) for column in columns]))
        for label in KINDS_ASKED
        if any(label in column for column in columns)
    ]


def _cells(label: str, results: Sequence[Result], found: Sequence[Asked | None]) -> list[Cell]:
    first, cells = found[0], []
    there = [(k, one) for k, one in enumerate(found) if one is not None]
    k, best = max(there, key=lambda each: each[1].estimate.value * (1 if each[1].metric else -1))
    same = [_same_work(results, k, j, best) for j, _ in there]
    alone = all(same) and all(best.over(one).excludes(1) for _, one in there if one is not best)
    for j, (result, one) in enumerate(zip(results, found, strict=True)):
        if one is None:
            cells.append(Cell(missing=_missing(label, result)))
            continue
        faster = one.over(first) if j and first and _same_work(results, 0, j, one) else None
        value = Number(
            text=scaled(one.estimate.value, UNITS[one.metric]),
            best=alone and one is best and len(there) > 1,
            estimate=one.estimate,
        )
        cells.append(Cell(value=value, note=one.note, faster=number(faster) if faster else None))
    return cells


def _same_work(results: Sequence[Result], one: int, other: int, asked: Asked) -> bool:
    found = differences([results[one], results[other]])
    return not other_work(found, asked.quantity.experiment, asked.quantity.kind)


def _missing(label: str, result: Result) -> str:
    """Say why a machine lacks a number: what failed, was skipped or was not measured."""
    for name, planned in result.config["experiments"].items():
        backend = result.lead(name)
        if planned["kind"] == KINDS_ASKED[label] and backend:
            return why_missing(result, name, backend)
    return NOT_MEASURED


def _products(result: Result) -> Iterator[tuple[str, Asked]]:
    for dtype, top in peaks(result).items():
        note = f"n = {top.quantity.number('size'):,}, {top.quantity.device}"
        yield f"peak, {dtype}", Asked(quantity=top.quantity, metric="flop_per_s", note=note)


def _memory(result: Result) -> Iterator[tuple[str, Asked]]:
    backends = dict.fromkeys(q.backend for q in bandwidth.of_result(result))
    roofs = next((r for name in backends if (r := bandwidth.roofs(result, name))), {})
    for place, roof in roofs.items():
        top, memory = roof.quantity, place == bandwidth.MEMORY
        if memory or place == next(iter(roofs)):
            note = top.device if memory else f"{place}, {top.device}"
            asked = Asked(quantity=top, metric="bytes_per_s", note=note)
            yield "memory" if memory else "first cache", asked


def _calls(result: Result) -> Iterator[tuple[str, Asked]]:
    for backend, lines in calls_of(result):
        for label, name in (("one call", "add"), ("one update", "eager")):
            if line := lines.get(name):
                yield label, Asked(quantity=line[min(line)], note=line[min(line)].device)
        if start := starts(result).get(backend, {}).get("import"):
            yield "start-up", Asked(quantity=start, note="importing the framework")
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
        note = f"{case.target:g}, by {first.run.name}"
        yield "time to a loss", Asked(quantity=first.run.seconds_to(case.target), note=note)
