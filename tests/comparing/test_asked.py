"""The few numbers that people ask for, and the answer that they make."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factories.accelerator import accelerated
from reading import some
from report.comparing import asked
from report.comparing.asked import AMOUNTS, CALL, SMALL
from results_factory import only

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.comparing.asked import Answer
    from report.results.result import Result

    Made = Callable[..., Result]

EXPERIMENTS = ("matrix-size", "overhead", "chapter-training")


@pytest.fixture(name="slow", scope="module")
def baseline(make_result: Made) -> Result:
    """Return a machine to compare others with."""
    return only(make_result("slow"), *EXPERIMENTS)


@pytest.fixture(name="fast", scope="module")
def twice_as_fast(make_result: Made) -> Result:
    """Return a machine that does everything in half of its time."""
    return only(make_result("fast", 2.0), *EXPERIMENTS)


def on(device: str, result: Result, kinds: set[str]) -> Result:
    """Return a result as if a device had done the work of some kinds."""
    records = [
        replace(one, device=device if one.kind in kinds else one.device) for one in result.records
    ]
    return replace(result, records=records)


def rows_of(first: Result, *others: Result) -> asked.Rows:
    """Return what is asked of machines, the first of which is the baseline."""
    columns = [asked.column(one) for one in (first, *others)]
    return asked.rows(columns, [asked.beside(first, one) for one in others])


def answer(*results: Result) -> Answer:
    """Return the answer of two machines."""
    (found,) = asked.answers(rows_of(*results))
    return found


def test_the_answer_says_who_is_faster_by_how_much(slow: Result, fast: Result) -> None:
    """Of either order the factor is above 1, and its interval excludes it."""
    for results, word in (((slow, fast), "faster"), ((fast, slow), "slower")):
        found = answer(*results)
        assert found.machines == (0, 1)
        assert [label for label, _ in found.products[word]] == ["peak, float32"]
        # Few seeds leave the time to a loss open.
        assert [label for label, _ in found.small[word] + found.small[""]] == list(SMALL)
        assert len(found.small[word]) == 2
        for _, cell in found.products[word] + found.small[word]:
            assert cell.ratio is not None
            assert cell.ratio.estimate is not None
            assert cell.ratio.estimate.value == pytest.approx(2, rel=0.08)
            low, high = map(float, cell.ratio.interval.split("\N{EN DASH}"))
            assert 1 < low < high


def test_what_the_intervals_do_not_tell_has_no_winner(slow: Result, make_result: Made) -> None:
    """A machine like the first: all stands under no word."""
    found = answer(slow, only(make_result("equal"), *EXPERIMENTS))
    assert {*found.products, *found.small} == {""}


def test_a_gpu_beside_a_cpu_is_said_to_be_one(slow: Result, fast: Result) -> None:
    """Which it is on either side, and that a call to it takes longer if it does."""
    kinds = {"matmul", "overhead", "training"}
    first, second = on("cuda:0", slow, kinds), on("cuda:0", fast, kinds)
    found = answer(first, fast)
    assert (found.accelerated, len(found.unlike)) == (0, found.shown)
    assert found.call is not None
    assert found.call.word == "faster"  # the second machine's, which is no GPU's
    found = answer(slow, second)
    assert (found.accelerated, found.call) == (1, None)
    for alike in (answer(slow, fast), answer(first, second)):
        assert (alike.unlike, alike.call) == ([], None)
    partly = answer(slow, on("cuda:0", fast, {"matmul"}))
    assert partly.unlike == ["peak, float32"]


def test_there_is_no_answer_where_nothing_of_it_was_measured(make_result: Made) -> None:
    """Rates of memory alone say nothing of products and training."""
    results = [only(make_result(name), "memory") for name in "ab"]
    assert rows_of(*results)
    assert asked.answers(rows_of(*results)) == []
    assert asked.answers({}) == []


def test_rows_say_where_they_were_computed(slow: Result, fast: Result) -> None:
    """Each has its device, and how large the work was where sizes differ."""
    rows = rows_of(slow, fast)
    cells = {label: cells[0] for topic in rows.values() for label, cells in topic}
    assert all("cpu" in cell.note for cell in cells.values())
    assert "element" in cells[CALL].note


@pytest.mark.parametrize("whose", [0, 1])
def test_a_noisy_machines_numbers_are_shown_and_not_judged(
    slow: Result, fast: Result, whose: int
) -> None:
    """Whichever of the two it was: each has its ratio, none is faster, and none is the best."""
    both = [slow, fast]
    both[whose] = replace(
        both[whose],
        records=[
            replace(one, conditions=one.conditions and replace(one.conditions, other_cores=1.5))
            for one in both[whose].records
        ],
    )
    rows = [row for topic in rows_of(*both).values() for _, row in topic]
    assert any(row[1].faster and row[1].faster.excludes(1) for row in rows)
    assert {row[1].word for row in rows} == {""}
    assert not any(cell.value and cell.value.best for row in rows for cell in row)
    # An import has no record of its own whose conditions were looked at.
    noted = ["noisy" in row[whose].note for row in rows if row[whose].value]
    assert sum(noted) >= len(noted) - 1


def test_amounts_are_compared_as_amounts(slow: Result, fast: Result) -> None:
    """How many times as much; cost only in the same currency, and nothing where one knows none."""
    priced = [
        replace(accelerated(one), config={**one.config, "price_per_hour": price, "currency": "USD"})
        for one, price in ((slow, 1.0), (fast, 4.0))
    ]
    cells = {label: row[1] for label, row in rows_of(*priced)["Energy, memory and cost"]}
    assert set(cells) == set(AMOUNTS)
    for label, factor in {"energy of an epoch": 0.5, "cost of a million epochs": 2}.items():
        assert cells[label].amount
        assert float(some(cells[label].ratio).text) == pytest.approx(factor, rel=0.1)
    dollars, euros = priced[0], replace(priced[1], config={**priced[1].config, "currency": "EUR"})
    cells = {label: row[1] for label, row in rows_of(dollars, euros)["Energy, memory and cost"]}
    assert cells["cost of a million epochs"].ratio is None
    assert "Energy, memory and cost" not in rows_of(slow, fast)
