"""What the chapter's listing prints, "loss ..., ... sec/epoch", beside the sound numbers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from report.analysis.quantities import difference
from report.experiments.training import curves
from report.experiments.training.quantities import case_of
from report.experiments.training.runs import ratio, typical
from report.figures import prose
from report.figures.figure import Number, Sheet, quantity_sheet, table, together
from report.figures.shapes import Dots, Row, row
from report.registry import BACKENDS
from report.text import numerals
from report.text.numerals import MILLI, digits
from report.worker.timing import median

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.experiments.kind import Overlay, Subject
    from report.experiments.training.quantities import Case
    from report.experiments.training.runs import Run
    from report.figures.figure import Columns, Figure

MINIBATCH = 100
"""Of which the chapter says that an epoch takes less time than one of gradient descent."""


@dataclass(frozen=True)
class Spread:
    """What processes print: the middle of it, and from where to where it goes."""

    values: list[float]

    @property
    def middle(self) -> float:
        """Return the median."""
        return median(self.values)

    def number(self, unit_factor: float) -> Number:
        """Write it for a table."""
        low, high = (digits(end / unit_factor) for end in (min(self.values), max(self.values)))
        return Number(text=digits(self.middle / unit_factor), interval=f"{low}\N{EN DASH}{high}")


def _spread(quantity: Quantity | None) -> Spread | None:
    return Spread([one for group in quantity.groups for one in group]) if quantity else None


@dataclass(frozen=True)
class Printed:
    """A run as its listing prints it, in a fresh process and again in the same one."""

    run: Run

    @cached_property
    def cold(self) -> Spread | None:
        """Return the seconds per epoch that it prints."""
        return _spread(self.run.printed())

    @cached_property
    def again(self) -> Spread | None:
        """Return what it prints when all runs are done once more; None where they were not."""
        return _spread(self.run.printed(turn=1))

    @cached_property
    def loss(self) -> Spread | None:
        """Return the loss that it prints."""
        losses = [p.loss for each in self.run.prints for p in each if p.loss is not None]
        return Spread(losses) if losses else None

    @cached_property
    def once(self) -> Estimate | None:
        """Return the seconds per epoch that the first time takes beyond the second."""
        first, second = self.run.printed(), self.run.printed(turn=1)
        if first is None or second is None:
            return None
        return difference(first, second, key=f"once in a process: {first.name()}")


@dataclass(frozen=True)
class Order:
    """Whether the smaller batches have the quicker epoch, as printed and as measured."""

    hundred: Printed
    full: Printed

    def quicker(self, turn: int = 0) -> tuple[int, int]:
        """Return in how many processes they print less than the full batch, and of how many."""
        one, other = self.hundred.run.printed(turn), self.full.run.printed(turn)
        if one is None or other is None:
            return 0, 0
        both = [(a[0], b[0]) for a, b in zip(one.groups, other.groups, strict=True) if a and b]
        return sum(a < b for a, b in both), len(both)

    @cached_property
    def sound(self) -> Estimate | None:
        """Return the measured seconds of the smaller batches over those of the full one."""
        return ratio(self.hundred.run.seconds, self.full.run.seconds)


def lines_of(case: Case) -> list[Printed]:
    """Return the runs of a case that print something."""
    return [Printed(run) for run in case.runs if run.printed() is not None]


def order_of(case: Case) -> Order | None:
    """Return the chapter's pair, batches of 100 and all examples; None if one is missing."""
    lines = lines_of(case)
    hundred = [one for one in lines if one.run.spec.batch_size == MINIBATCH]
    full = [one for one in lines if one.run.full_batch(case.examples)]
    return Order(hundred[0], full[0]) if hundred and full else None


def figure(case: Case) -> Figure | None:
    """Draw what the chapter's listing prints beside what was measured."""
    lines = lines_of(case)
    if not lines:
        return None
    return curves.answer(
        case,
        "printed",
        _dots([(one.run.name, one) for one in lines]),
        table("run", [one.run.name for one in lines], _columns(lines), CAPTION),
        sheet=_sheet(lines),
        code=["loaded", "train_scratch", "sgd"],
        lines=lines,
        order=order_of(case),
        queued=_queues(case.runs[0].blank.backend),
    )


def _queues(backend: str) -> bool:
    """Return whether a framework only queues its work: then some of its listings wait for it."""
    return bool(BACKENDS[backend].listing)


CAPTION = "As printed: medians over processes, and their range; measured, with 95 % intervals"


def _columns(lines: Sequence[Printed]) -> Columns:
    def spreads(name: str, factor: float = MILLI) -> list[Number]:
        found = (getattr(one, name) for one in lines)
        return [one.number(factor) if one else Number(text=numerals.NONE) for one in found]

    return {
        "loss as printed": spreads("loss", 1.0),
        "as printed, ms per epoch": spreads("cold"),
        "printed again, ms per epoch": spreads("again"),
        "measured, ms per epoch": curves.milliseconds([one.run.seconds for one in lines]),
    }


def _dots(named: Sequence[tuple[str, Printed]]) -> Dots:
    rows = [row("measured", 0, [typical(one.run.seconds) for _, one in named])]
    for index, (name, what) in enumerate({"as printed": "cold", "printed again": "again"}.items()):
        spreads = [getattr(one, what) for _, one in named]
        if any(spreads):
            rows.append(
                Row(
                    name=name,
                    index=1 + index,
                    values=tuple(s and s.middle for s in spreads),
                    low=tuple(s and min(s.values) for s in spreads),
                    high=tuple(s and max(s.values) for s in spreads),
                    hollow=True,
                )
            )
    return Dots(labels=tuple(name for name, _ in named), x=curves.SECONDS, rows=tuple(rows))


def _sheet(lines: Sequence[Printed]) -> Sheet:
    """Return what every process printed, and the measured seconds."""
    sheet = quantity_sheet([one.run.seconds or one.run.blank for one in lines], {"epoch_s": None})
    printed = Sheet(
        header=["process", "turn", "printed_epoch_s", "printed_loss"],
        rows=[
            [process, each.turn, each.epoch_s, each.loss]
            for one in lines
            for process, every in enumerate(one.run.prints)
            for each in every
        ],
    )
    counts = [sum(map(len, one.run.prints)) for one in lines]
    rows = list(itertools.chain(*([r] * k for r, k in zip(sheet.rows, counts, strict=True))))
    return curves.beside(Sheet(header=sheet.header, rows=rows), printed)


def overlay(over: Overlay) -> Figure | None:
    """Draw the same of every framework that has a listing, where there are several."""
    found: list[tuple[Subject, Case]] = []
    for subject in over.subjects if over.noun == "framework" else ():
        case = case_of(subject.result, over.experiment, subject.backend)
        if case is not None and lines_of(case):
            found.append((subject, case))
    if len(found) < 2:
        return None
    named = [(f"{s.name}, {one.run.spec.run}", one) for s, case in found for one in lines_of(case)]
    columns = _columns([one for _, one in named])
    return prose.figure(
        curves.TEMPLATE,
        f"{over.name}-printed",
        "printed",
        _dots(named),
        table=table("listing", [name for name, _ in named], columns, CAPTION),
        sheet=together(((s.name, _sheet(lines_of(case))) for s, case in found), over.noun),
        code=["loaded", "train_scratch", "sgd", "Scratch.step"],
        backends=[subject.backend for subject, _ in found],
        blocks="compared_printed",
        orders={s.name: o for s, case in found if (o := order_of(case))},
        queued=[subject.name for subject, _ in found if _queues(subject.backend)],
    )
