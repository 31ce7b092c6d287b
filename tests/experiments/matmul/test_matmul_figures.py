"""What pages say of products."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factories.accelerator import COLDER, FASTER, accelerated
from factories.small_results import record, result, series
from reading import curves, said
from report.experiments.book import BOOK
from report.experiments.matmul.kind import MATMUL
from report.experiments.matmul.quantities import of_records
from report.figures.prose import plain
from report.figures.shapes import BOOKS
from report.text.numerals import digits
from report.worker.records import AsPrinted

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.results.result import Record, Result
    from report.worker.records import Series


def test_products_of_several_sizes_are_ranked_by_rate() -> None:
    """A small product takes less time and yet is slow: the fastest is 1 times as fast or more."""
    # Full at n = 1024: 2 * 10^9 operations in 0.2 s, 10^10 a second; at n = 256 3.2 * 10^7 in 0.08
    # s, 4 * 10^8 a second, a factor of 25.
    records = [
        record(
            "products",
            process,
            series("full", [0.08] * 3, size=256, flops=32_000_000),
            series("full", [0.2] * 3, size=1024, flops=2_000_000_000),
        )
        for process in range(3)
    ]
    first = MATMUL.figures(result(records), "products")[0]
    title = plain(first.words.title)
    assert re.search(r"\b25\b", title), title
    assert title.index("1,024") < title.index("256")
    columns = list(zip(*first.table.rows, strict=True))
    assert [getattr(cell, "text", cell) for cell in columns[-1]] == ["25.0", "1"]


SOME = series("element", [0.5] * 10, size=64, flops=2 * 64 * 256)
"""256 of the 4,096 elements of a product of 64 x 64, in half a second."""


def test_seconds_of_some_elements_are_scaled_to_the_whole_product() -> None:
    """Half a second for 256 of 4,096 elements is 8 s for all; the rate is that of the 256."""
    (quantity,) = of_records([record("products", 0, SOME)])
    assert quantity.time().value == pytest.approx(8)
    assert quantity.flops == 2 * 64**3
    assert quantity.rate().value == pytest.approx(2 * 64 * 256 / 0.5)


def test_page_names_how_many_elements_were_computed() -> None:
    """And says nothing of it where all were."""
    some = " ".join(MATMUL.method([record("products", process, SOME) for process in range(2)]))
    assert "256 of the 4,096 elements" in some
    assert "drawn at random" in some
    every = series("element", [0.5] * 10, size=64, flops=2 * 64**3)
    assert "drawn at random" not in " ".join(MATMUL.method([record("products", 0, every)]))


def wider(one: Series) -> Series:
    """Return a series of a larger product."""
    return replace(one, labels=one.labels | {"size": 1024})


def printed(process: int, *seconds: float) -> Record:
    """Return a process in which the full product took a second, and prints so many seconds."""
    cold = [
        AsPrinted(strategy="full", elapsed_s=s, gflops=0.03 / s if s else None) for s in seconds
    ]
    ways = [series(name, [1.0] * 3) for name in ("full", "column")]
    made = record("products", process, *ways)
    assert made.outcome is not None
    return replace(made, outcome=replace(made.outcome, as_printed=cold))


def test_prints_that_show_nothing_are_counted() -> None:
    """A clock that moves every 15.6 ms, as on Windows: one of eight prints shows a rate."""
    records = [printed(process, 0.0156 if process == 3 else 0.0) for process in range(8)]
    caption = plain(MATMUL.figures(result(records), "products")[0].words.caption)
    assert re.search(r"\b7 of 8 prints show nothing", caption), caption
    assert "1.92 GFLOPS" in caption
    blank = [printed(process, 0.0) for process in range(3)]
    caption = plain(MATMUL.figures(result(blank), "products")[0].words.caption)
    assert re.search(r"\b3 of 3 prints show nothing", caption), caption
    fine = [printed(process, 0.0156) for process in range(3)]
    assert "nothing" not in plain(MATMUL.figures(result(fine), "products")[0].words.caption)


def test_what_the_book_prints_stands_beside_what_was_timed_its_way() -> None:
    """Its newest print with the range of all, of the product that it times; else not at all."""
    first, *rest = BOOK["pytorch"].rates("full")
    there = MATMUL.figures(result([printed(k, 0.5) for k in range(3)]), "products")[0]
    (cell,) = [row[-1] for row in there.table.rows if row[0] == "full"]
    assert getattr(cell, "text", cell) == digits(first / 1e9)
    assert getattr(cell, "interval", "") == "\N{EN DASH}".join(
        digits(end([first, *rest]) / 1e9) for end in (min, max)
    )
    assert BOOK["pytorch"].newest.address in there.words.explanation
    untimed = [record("products", k, series("full", [1.0] * 3)) for k in range(3)]
    other = [
        replace(each, outcome=replace(outcome, series=[wider(one) for one in outcome.series]))
        for k in range(3)
        if (outcome := (each := printed(k, 0.5)).outcome)
    ]
    for records in (untimed, other):
        assert BOOKS not in str(MATMUL.figures(result(records), "products")[0].table)


# --- an accelerator's own clock


def test_device_and_its_caller_stand_side_by_side(make_result: Callable[..., Result]) -> None:
    """With the cache emptied as a third line; a CPU has no such figure."""
    on_cpu = make_result()
    names = [figure.name for figure in MATMUL.figures(on_cpu, "matrix-size")]
    assert names == ["matrix-size-pytorch"]
    _, clocks = MATMUL.figures(accelerated(on_cpu), "matrix-size")
    waits, works, cold = (line.y for line in curves(clocks).lines)
    assert works == pytest.approx([FASTER * y for y in waits])
    assert cold == pytest.approx([COLDER * y for y in waits])
    assert "1.25 times as long as the device works" in said(clocks)["title"]
    assert "times as long" in said(clocks)["caption"]


def test_many_products_in_one_call_are_held_against_a_call_each() -> None:
    """In one call twice as fast at n = 8, and as fast at n = 32: the title says the first."""
    seconds = {"full-out": (8e-6, 1e-5, 2e-5), "batched": (4e-6, 8e-6, 2e-5)}
    records = [
        record(
            "small",
            process,
            *(
                series(strategy, [each * (1 + process / 100)] * 3, size=size, flops=2 * size**3)
                for strategy, times in seconds.items()
                for size, each in zip((8, 16, 32), times, strict=True)
            ),
        )
        for process in range(3)
    ]
    (figure,) = MATMUL.figures(result(records), "small")
    assert figure.question == "batched"
    assert plain(figure.words.title) == (
        "At n = 8, products computed in one call are 2.0 times as fast as one call each"
    )
    assert "256 products in one call" in plain(figure.words.caption)
    assert "no memory is allocated" in plain(figure.words.caption)
