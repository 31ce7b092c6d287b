"""What the chapter's listing prints, "loss ..., ... sec/epoch", beside the sound numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from report.experiments.book import BOOK
from report.experiments.training import curves
from report.experiments.training.quantities import Case, case_of
from report.experiments.training.runs import Run, ratio, typical
from report.figures import prose
from report.figures.figure import Columns, Figure, Number, Sheet, spread, table, together
from report.figures.shapes import BOOKS, BOOKS_WAY, Dots, Row, ranges, row
from report.registry import BACKENDS
from report.text.numerals import MILLI, NONE
from report.worker.timing import median

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate
    from report.experiments.kind import Overlay
    from report.worker.records import PrintedRun

MINIBATCH = 100
"""Of which the chapter says that an epoch takes less time than one of gradient descent."""

AGAIN = f"{BOOKS_WAY}, repeated"

CAPTION = (
    f"{BOOKS_WAY.capitalize()}: medians over processes, and their range; measured: 95 % intervals"
)


@dataclass(frozen=True)
class Printed:
    """A run as its listing prints it, with at most one line of a process in each turn."""

    run: Run

    def turn(self, turn: int) -> list[PrintedRun | None]:
        """Return what each process printed in a turn."""
        return [next((p for p in each if p.turn == turn), None) for each in self.run.prints]

    def seconds(self, turn: int = 0) -> list[float]:
        """Return the seconds per epoch of a turn: the first is that of a fresh process."""
        return [p.epoch_s for p in self.turn(turn) if p] if self.run.printed(turn) else []

    def collected(self, turn: int = 0) -> list[float]:
        """Return what of a turn's seconds per epoch the garbage collector took."""
        return [p.collected_s for p in self.turn(turn) if p]

    @property
    def book(self) -> tuple[float, float] | None:
        """Return the loss and the seconds per epoch that the book prints for it, if it does."""
        prints = BOOK.get(self.run.blank.backend)
        return prints.epochs.get(self.run.spec.batch_size) if prints else None


@dataclass(frozen=True)
class Order:
    """Whether the smaller batches have the quicker epoch, the book's way and as measured."""

    hundred: Printed
    full: Printed
    sound: Estimate | None  # the measured seconds of the smaller batches over those of the full one

    def quicker(self, turn: int = 0, *, collector: bool = True) -> tuple[int, int]:
        """Return in how many processes they print less than the full batch, and of how many."""
        pairs = zip(self.hundred.turn(turn), self.full.turn(turn), strict=True)
        seconds = [
            [one.epoch_s - (0 if collector else one.collected_s) for one in (a, b)]
            for a, b in pairs
            if a and b
        ]
        return sum(a < b for a, b in seconds), len(seconds)


def lines_of(case: Case) -> list[Printed]:
    """Return the runs of a case that print something."""
    return [Printed(run) for run in case.runs if run.printed() is not None]


def _order(case: Case) -> Order | None:
    """Return the chapter's pair, batches of 100 and all examples; None if one is missing."""
    lines = lines_of(case)
    hundred = [one for one in lines if one.run.spec.batch_size == MINIBATCH]
    full = [one for one in lines if one.run.full_batch(case.examples)]
    if not (hundred and full):
        return None
    sound = ratio(hundred[0].run.seconds, full[0].run.seconds)
    return Order(hundred[0], full[0], sound)


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
        book=BOOK.get(case.runs[0].blank.backend) if any(one.book for one in lines) else None,
        order=_order(case),
        queued=bool(BACKENDS[case.runs[0].blank.backend].listing),
        median=median,
    )


def overlay(over: Overlay) -> Figure | None:
    """Draw the same of every framework that has a listing, where there are several."""
    if over.noun != "framework":
        return None
    cases = [(s, case_of(s.result, over.experiment, s.backend)) for s in over.subjects]
    found = [(s, case, lines) for s, case in cases if case and (lines := lines_of(case))]
    if len(found) < 2:
        return None
    lines = [one for *_, mine in found for one in mine]
    names = [f"{s.name}, {one.run.spec.run}" for s, _, mine in found for one in mine]
    return prose.figure(
        curves.TEMPLATE,
        f"{over.name}-printed",
        "printed",
        _dots(names, lines),
        table=table("listing", names, _columns(lines), CAPTION),
        sheet=together(((s.name, _sheet(mine)) for s, _, mine in found), over.noun),
        code=["loaded", "train_scratch", "sgd", "Scratch.step"],
        backends=[s.backend for s, *_ in found],
        blocks="compared_printed",
        orders={s.name: order for s, case, _ in found if (order := _order(case))},
        # Whose framework only queues its work: some of its listings wait for it.
        queued=[s.name for s, *_ in found if BACKENDS[s.backend].listing],
        book=any(one.book for one in lines),
        median=median,
    )


def _columns(lines: Sequence[Printed]) -> Columns:
    columns: Columns = {
        "line of the first process": [_line(one.turn(0)) for one in lines],
        f"{BOOKS_WAY}, ms per epoch": [_spread(one.seconds()) for one in lines],
        "garbage collection in it": [_spread(one.collected()) for one in lines],
        f"{AGAIN}, ms per epoch": [_spread(one.seconds(1)) for one in lines],
        "garbage collection then": [_spread(one.collected(1)) for one in lines],
        "loss that it prints": [
            _spread([p.loss for each in one.run.prints for p in each if p.loss is not None], 1.0)
            for one in lines
        ],
        "measured, ms per epoch": curves.milliseconds([one.run.seconds for one in lines]),
    }
    if any(one.book for one in lines):
        losses, seconds = zip(*(one.book or (None, None) for one in lines), strict=True)
        columns[f"{BOOKS}, ms per epoch"] = [_spread([s] if s else []) for s in seconds]
        columns[f"{BOOKS}, loss"] = [_spread([loss] if loss else [], 1.0) for loss in losses]
    return columns


def _line(prints: Sequence[PrintedRun | None]) -> str:
    """Write what a listing prints, as it prints it; a dash where it printed nothing."""
    one = next(iter(prints), None)
    if one is None or one.loss is None:
        return NONE
    return f"loss: {one.loss:.3f}, {one.epoch_s:.3f} sec/epoch"


def _spread(values: Sequence[float], unit_factor: float = MILLI) -> Number:
    """Write the median of what processes print for a table, with the range beside it."""
    return spread(values, unit_factor, median(values) if values else None)


def _dots(names: Sequence[str], lines: Sequence[Printed]) -> Dots:
    rows = [row("measured", 0, [typical(one.run.seconds) for one in lines])]
    for turn, name in enumerate((BOOKS_WAY, AGAIN)):
        printed = [one.seconds(turn) for one in lines]
        values, low, high = (
            tuple(find(s) if s else None for s in printed) for find in (median, min, max)
        )
        if any(printed):
            mine = Row(name=name, index=0, values=values, low=low, high=high, hollow=True)
            rows.append(replace(mine, twin=1 + turn))
    if any(one.book for one in lines):
        rows.append(ranges(BOOKS, [[one.book[1]] if one.book else [] for one in lines]))
    return Dots(labels=tuple(names), x=curves.SECONDS, rows=tuple(rows))


def _sheet(lines: Sequence[Printed]) -> Sheet:
    return Sheet(
        header=["run", "process", "turn", "printed_epoch_s", "collected_s", "printed_loss"],
        rows=[
            [one.run.spec.run, process, each.turn, each.epoch_s, each.collected_s, each.loss]
            for one in lines
            for process, every in enumerate(one.run.prints)
            for each in every
        ],
    )
