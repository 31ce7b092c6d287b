"""What the chapter's listing prints, as a page shows it beside the sound numbers."""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from factories.training import trained
from reading import row, said, some, whole
from report.experiments.book import BOOK
from report.experiments.training import printed
from report.experiments.training.figures import figures
from report.experiments.training.overlay import overlay
from report.experiments.training.quantities import cases
from report.figures.shapes import BOOKS, BOOKS_WAY, Dots
from report.registry import BACKENDS
from report.sections.frameworks import over_frameworks
from report.worker.records import PrintedRun
from results_factory import each_outcome, make_result

if TYPE_CHECKING:
    from report.figures.figure import Figure
    from report.results.result import Result

WAY = f"{BOOKS_WAY}, ms per epoch"

RUNS: list[dict[str, Any]] = [
    {"run": "GD", "batch_size": 1500, "epochs": 10, "lr": 1.0, "loader": "dataloader"},
    {"run": "batch 100", "batch_size": 100, "lr": 0.4, "loader": "dataloader"},
]
Turn = dict[str, tuple[float, ...]]

FIRST: Turn = {"GD": (0.05, 0.04, 0.06), "batch 100": (0.02, 0.05, 0.03)}
AGAIN: Turn = {"GD": (0.01, 0.01, 0.01), "batch 100": (0.02, 0.03, 0.02)}


def result(*turns: Turn) -> Result:
    """Return three processes that print these seconds per epoch, turn by turn."""
    made = trained(RUNS)
    records = [
        replace(
            record,
            outcome=replace(
                some(record.outcome),
                printed_runs=[
                    PrintedRun(
                        run=name,
                        turn=turn,
                        epoch_s=seconds[k],
                        loss=0.25,
                        collected_s=0.031 if (name, turn) == ("GD", 0) else 0.0,
                    )
                    for turn, each in enumerate(turns)
                    for name, seconds in each.items()
                ],
            ),
        )
        for k, record in enumerate(made.records)
    ]
    return replace(made, records=records)


def figure(*turns: Turn) -> Figure:
    """Return the figure of what they print."""
    (found,) = [each for each in figures(result(*turns), "one") if each.question == "printed"]
    return found


def test_every_print_stands_beside_the_sound_number() -> None:
    """The median of 50, 40 and 60 ms and their range, the loss, and the measured time."""
    drawn = figure(FIRST, AGAIN)
    whole(drawn)
    cells = dict(zip(drawn.table.header, drawn.table.rows[0], strict=True))
    assert row(drawn.table, "GD")[WAY] == "50.0"
    assert cells[WAY].interval == "40.0\N{EN DASH}60.0"  # type: ignore[union-attr]
    assert row(drawn.table, "GD")[f"{printed.AGAIN}, ms per epoch"] == "10.0"
    assert row(drawn.table, "GD")["line of the first process"] == "loss: 0.250, 0.050 sec/epoch"
    assert row(drawn.table, "GD")["loss that it prints"] == "0.250"
    assert cells["measured, ms per epoch"].estimate is not None  # type: ignore[union-attr]


def test_what_the_book_prints_is_a_mark_of_its_own() -> None:
    """20 and 25 ms from its notebook for PyTorch, which contradict its text; none by other ways."""
    drawn = figure(FIRST)
    assert isinstance(drawn.shape, Dots)
    assert drawn.shape.rows[-1].marker not in {one.marker for one in drawn.shape.rows[:-1]}
    book = f"{BOOKS}, ms per epoch"
    assert row(drawn.table, "GD")[book] == "20.0"
    assert row(drawn.table, "batch 100")[book] == "25.0"
    explanation = said(drawn)["explanation"]
    assert BOOK["pytorch"].newest.address in drawn.words.explanation
    assert "contradict the chapter\N{RIGHT SINGLE QUOTATION MARK}s text" in explanation


def test_the_title_says_in_how_many_processes_the_chapters_order_comes_out() -> None:
    """20 of 50, 50 of 40 and 30 of 60 ms: in two of three batches of 100 are quicker."""
    title = said(figure(FIRST, AGAIN))["title"]
    assert "2 of 3 processes" in title
    assert re.search(r"measured, it takes [\d.]+ times as long", title)


def test_what_the_garbage_collector_takes_is_told_and_what_is_left_without_it() -> None:
    """Of 50 ms it takes 31; without its part batches of 100 are never quicker."""
    both = said(figure(FIRST, AGAIN))["explanation"]
    assert "31.0 ms" in both
    assert re.search(r"Without the collector.s part, batch 100 is never quicker .3 processes", both)
    assert "same process" in both
    assert "same process" not in said(figure(FIRST))["explanation"]


def test_what_no_process_printed_has_no_figure() -> None:
    """An experiment that did not ask for it looks as it always did."""
    assert [f.question for f in figures(trained(RUNS), "one")] == ["epochs", "time", "seconds"]
    assert printed.lines_of(cases(trained(RUNS), "one")[0]) == []


def test_the_reader_of_the_chapters_plot_is_told_what_is_not_on_it() -> None:
    """Its points are epochs 2, 4 ... 10 of gradient descent; most is gained before the first."""
    (epochs,) = [f for f in figures(result(FIRST), "one") if f.question == "epochs"]
    explanation = said(epochs)["explanation"]
    assert "begins after epoch 2" in explanation
    left = re.search(r"by its first point, only ([\d.]+) %", explanation)
    assert 0 < float(some(left)[1]) < 20


def test_sheet_has_a_row_for_every_print() -> None:
    """Three processes, two turns, two runs."""
    sheet = figure(FIRST, AGAIN).sheet
    at = sheet.header.index("printed_epoch_s")
    assert len(sheet.rows) == 12
    assert {cells[at] for cells in sheet.rows} == {0.01, 0.02, 0.03, 0.04, 0.05, 0.06}


@functools.cache
def of_frameworks() -> Figure:
    """Return the figure of all frameworks of a made-up result."""
    every = make_result(frameworks=tuple(BACKENDS))
    drawn = overlay(over_frameworks(every, "chapter-training"))
    (found,) = [each for each in drawn if each.name.endswith("-printed")]
    return found


def test_frameworks_with_a_listing_stand_side_by_side() -> None:
    """The three that the chapter has, each with its four runs; the others print nothing."""
    names = [str(cells[0]) for cells in of_frameworks().table.rows]
    assert len(names) == 12
    assert {name.partition(",")[0] for name in names} == {"PyTorch", "MXNet", "TensorFlow"}
    title = said(of_frameworks())["title"]
    assert all(name in title for name in ("PyTorch", "MXNet", "TensorFlow"))
    assert "In MXNet operations are queued" in said(of_frameworks())["explanation"]


@pytest.mark.parametrize("kept", ["pytorch", "mxnet"])
def test_one_listing_alone_is_no_comparison(kept: str) -> None:
    """Its own section has it already."""
    every = make_result(frameworks=tuple(BACKENDS))
    lone = each_outcome(
        every,
        lambda outcome, record: (
            outcome if record.backend == kept else replace(outcome, printed_runs=[])
        ),
    )
    drawn = overlay(over_frameworks(lone, "chapter-training"))
    assert not [each for each in drawn if each.name.endswith("-printed")]
