"""What work takes beside seconds: shown where it is known, and never made up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factories.accelerator import HELD_BYTES, WATTS, accelerated
from reading import read
from report.sections import resources
from results_factory import each_outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.figures.figure import Figure, Table
    from report.results.result import Result

    Made = Callable[..., Result]


@pytest.fixture(name="result", scope="module")
def on_an_accelerator(make_result: Made) -> Result:
    """Return a made-up result of a machine with an accelerator."""
    return accelerated(make_result())


def numbers(table: Table, name: str) -> list[float]:
    """Return a column of a table, row by row."""
    at = table.header.index(name)
    return [float(read(cells[at]).replace(",", "")) for cells in table.rows]


def figure(result: Result, name: str) -> Figure:
    """Return one of the section's figures."""
    return next(one for one in resources.figures(result) if one.name == f"resources-{name}")


def test_energy_memory_and_seconds_stand_in_one_row(result: Result) -> None:
    """An epoch's joules are its watts by its seconds; memory is in megabytes."""
    table = figure(result, "training").table
    seconds, joules = numbers(table, "epoch, ms"), numbers(table, "epoch, J")
    # The energy is of the run as it was timed once, the seconds are over its repeats.
    for ms, joule in zip(seconds, joules, strict=True):
        assert joule == pytest.approx(WATTS * ms / 1e3, rel=0.1)
    held = numbers(table, "peak on the device, MB")
    assert held == [pytest.approx(HELD_BYTES / 1e6, rel=0.01)] * len(table.rows)


def test_memory_alone_takes_a_row_for_each_framework(result: Result) -> None:
    """It is the framework's more than the run's, of which the largest counts."""
    bare = each_outcome(
        result,
        lambda outcome, _: replace(outcome, runs=[replace(r, energy=None) for r in outcome.runs]),
    )
    every, few = (figure(one, "training").table for one in (result, bare))
    assert "run" not in few.header
    assert [read(cells[0]) for cells in few.rows] == [
        *dict.fromkeys(read(c[0]) for c in every.rows)
    ]
    assert numbers(few, "peak memory, MB")[0] == max(numbers(every, "peak memory, MB"))


def test_cost_is_the_share_of_an_hour(result: Result) -> None:
    """At 3.6 an hour a millisecond costs a millionth: a million epochs of 5 ms cost 5."""
    assert not any("epochs" in name for name in figure(result, "training").table.header)
    priced = replace(result, config={**result.config, "price_per_hour": 3.6, "currency": "EUR"})
    table = figure(priced, "training").table
    assert numbers(table, "a million epochs, EUR") == [
        pytest.approx(ms, rel=0.01) for ms in numbers(table, "epoch, ms")
    ]


def test_operations_for_a_joule(result: Result) -> None:
    """The rate of a product over the power that it draws."""
    table = figure(result, "products").table
    assert numbers(table, "power, W") == [pytest.approx(WATTS, rel=0.02)] * len(table.rows)
    rate, joules = numbers(table, "GFLOPS/W"), numbers(table, "a product, J")
    # The first are those of the chapter's size.
    for k in range(5):
        assert rate[k] * joules[k] == pytest.approx(2 * 256**3 / 1e9, rel=0.02)


def test_what_is_not_readable_is_told_and_has_no_column(make_result: Made) -> None:
    """The worker's own words say why; a result without memory has no section."""
    plain = make_result()
    assert resources.figures(plain) == []
    on_device = accelerated(plain)
    records = [
        replace(
            record,
            outcome=replace(
                record.outcome,
                energy="not readable: no RAPL",
                series=[replace(one, energy=None) for one in record.outcome.series],
                runs=[replace(one, energy=None) for one in record.outcome.runs],
            ),
        )
        if record.outcome
        else record
        for record in on_device.records
    ]
    (only,) = resources.figures(replace(on_device, records=records))
    assert "not readable: no RAPL" in only.words.caption
    assert not any("J" in name.split(", ")[1:] for name in only.table.header)
