"""What the chapter's listing prints, "loss ..., ... sec/epoch", beside the sound numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from report.experiments.training import curves
from report.experiments.training.quantities import case_of
from report.experiments.training.runs import ratio, typical
from report.figures import prose
from report.figures.figure import Number, Sheet, table, together
from report.figures.shapes import Dots, Row, row
from report.registry import BACKENDS
from report.text.numerals import MILLI, NONE, digits
from report.worker.timing import median

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate
    from report.experiments.kind import Overlay
    from report.experiments.training.quantities import Case
    from report.experiments.training.runs import Run
    from report.figures.figure import Columns, Figure

MINIBATCH = 100
"""Of which the chapter says that an epoch takes less time than one of gradient descent."""

CAPTION = "As printed: medians over processes, and their range; measured: 95 % intervals"


@dataclass(frozen=True)
class Spread:
    """What processes print: some values, at least one."""

    values: list[float]

    @property
    def middle(self) -> float:
        """Return the median."""
        return median(self.values)

    def number(self, unit_factor: float) -> Number:
        """Write the median for a table, with the range beside it."""
        low, high = (digits(end / unit_factor) for end in (min(self.values), max(self.values)))
        return Number(text=digits(self.middle / unit_factor), interval=f"{low}\N{EN DASH}{high}")


@dataclass(frozen=True)
class Printed:
    """A run as its listing prints it."""

    run: Run

    def seconds(self, turn: int) -> Spread | None:
        """Return the seconds per epoch of one turn; None where there was none."""
        quantity = self.run.printed(turn)
        return Spread([one for group in quantity.groups for one in group]) if quantity else None

    @property
    def cold(self) -> Spread | None:
        """Return the seconds per epoch in a fresh process."""
        return self.seconds(0)

    @property
    def again(self) -> Spread | None:
        """Return the same when all runs are done once more."""
        return self.seconds(1)

    def collected(self, turn: int) -> Spread | None:
        """Return what of a turn's seconds per epoch the garbage collector took."""
        found = [p.collected_s for each in self.run.prints for p in each if p.turn == turn]
        return Spread(found) if found else None

    def without(self, turn: int) -> list[float | None]:
        """Return, by process, what a turn's seconds per epoch are without the collector."""
        turns = [[p for p in each if p.turn == turn] for each in self.run.prints]
        return [mine[0].epoch_s - mine[0].collected_s if mine else None for mine in turns]

    @property
    def loss(self) -> Spread | None:
        """Return the loss."""
        losses = [p.loss for each in self.run.prints for p in each if p.loss is not None]
        return Spread(losses) if losses else None


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
        both = [(a, b) for a, b in zip(one.groups, other.groups, strict=True) if a and b]
        return sum(a < b for a, b in both), len(both)

    def without(self, turn: int = 0) -> tuple[int, int]:
        """Return the same, of what is left without the garbage collector's part."""
        pairs = zip(self.hundred.without(turn), self.full.without(turn), strict=True)
        both = [a < b for a, b in pairs if a is not None and b is not None]
        return sum(both), len(both)

    @cached_property
    def sound(self) -> Estimate | None:
        """Return the measured seconds of the smaller batches over those of the full one."""
        return ratio(self.hundred.run.seconds, self.full.run.seconds)


def lines_of(case: Case) -> list[Printed]:
    """Return the runs of a case that print something."""
    return [Printed(run) for run in case.runs if run.printed() is not None]


def _order(case: Case) -> Order | None:
    """Return the chapter's pair, batches of 100 and all examples; None if one is missing."""
    lines = lines_of(case)
    hundred = [one for one in lines if one.run.spec.batch_size == MINIBATCH]
    full = [one for one in lines if one.run.full_batch(case.examples)]
    return Order(hundred[0], full[0]) if hundred and full else None


def _queues(backend: str) -> bool:
    """Return whether a framework only queues its work: then some of its listings wait for it."""
    return bool(BACKENDS[backend].listing)


def figure(case: Case) -> Figure | None:
    """Draw what the chapter's listing prints beside what was measured."""
    lines = lines_of(case)
    if not lines:
        return None
    names = [one.run.name for one in lines]
    return curves.answer(
        case,
        "printed",
        _dots(names, lines),
        table("run", names, _columns(lines), CAPTION),
        sheet=_sheet(lines),
        code=["loaded", "train_scratch", "sgd"],
        lines=lines,
        order=_order(case),
        queued=_queues(case.runs[0].blank.backend),
    )


def overlay(over: Overlay) -> Figure | None:
    """Draw the same of every framework that has a listing, where there are several."""
    framework = over.noun == "framework"
    cases = [(s, case_of(s.result, over.experiment, s.backend)) for s in over.subjects if framework]
    found = [(s, case) for s, case in cases if case is not None and lines_of(case)]
    if len(found) < 2:
        return None
    lines = [one for _, case in found for one in lines_of(case)]
    names = [f"{s.name}, {one.run.spec.run}" for s, case in found for one in lines_of(case)]
    return prose.figure(
        curves.TEMPLATE,
        f"{over.name}-printed",
        "printed",
        _dots(names, lines),
        table=table("listing", names, _columns(lines), CAPTION),
        sheet=together(((s.name, _sheet(lines_of(case))) for s, case in found), over.noun),
        code=["loaded", "train_scratch", "sgd", "Scratch.step"],
        backends=[subject.backend for subject, _ in found],
        blocks="compared_printed",
        orders={s.name: order for s, case in found if (order := _order(case))},
        queued=[subject.name for subject, _ in found if _queues(subject.backend)],
    )


def _columns(lines: Sequence[Printed]) -> Columns:
    def spreads(found: Sequence[Spread | None], factor: float = MILLI) -> list[Number]:
        return [one.number(factor) if one else Number(text=NONE) for one in found]

    return {
        "loss as printed": spreads([one.loss for one in lines], 1.0),
        "as printed, ms per epoch": spreads([one.cold for one in lines]),
        "of it garbage collection": spreads([one.collected(0) for one in lines]),
        "printed again, ms per epoch": spreads([one.again for one in lines]),
        "garbage collection then": spreads([one.collected(1) for one in lines]),
        "measured, ms per epoch": curves.milliseconds([one.run.seconds for one in lines]),
    }


def _dots(names: Sequence[str], lines: Sequence[Printed]) -> Dots:
    rows = [row("measured", 0, [typical(one.run.seconds) for one in lines])]
    for turn, name in enumerate(("as printed", "printed again")):
        spreads = [one.seconds(turn) for one in lines]
        values, low, high = (
            tuple(find(s.values) if s else None for s in spreads) for find in (median, min, max)
        )
        if any(spreads):
            index = 1 + turn
            rows.append(Row(name=name, index=index, values=values, low=low, high=high, hollow=True))
    return Dots(labels=tuple(names), x=curves.SECONDS, rows=tuple(rows))


def _sheet(lines: Sequence[Printed]) -> Sheet:
    """Return what every process printed."""
    return Sheet(
        header=["run", "process", "turn", "printed_epoch_s", "collected_s", "printed_loss"],
        rows=[
            [one.run.spec.run, process, each.turn, each.epoch_s, each.collected_s, each.loss]
            for one in lines
            for process, every in enumerate(one.run.prints)
            for each in every
        ],
    )
