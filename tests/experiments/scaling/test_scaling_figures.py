"""What pages say of groups of processes, and of the model beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from factories import measured, small_results
from factories.overhead import timed
from factories.scaling import labels
from reading import column, said
from report.experiments.scaling.kind import SCALING
from report.experiments.scaling.quantities import bus_bandwidth, by_world, efficiency, of_records
from report.sections import data_parallel
from report.worker.records import Series

if TYPE_CHECKING:
    from collections.abc import Mapping

    from report.results.result import Record, Result

EPOCH_S = {(1, 100): 1.5e-3, (2, 100): 3e-3, (1, 1500): 200e-6, (2, 1500): 125e-6}
"""By processes and batch: with 100, two take twice as long; with 1,500 they are faster."""


def records(epochs: Mapping[tuple[int, int], float] = EPOCH_S) -> list[Record]:
    """Make three processes' records of such epochs, and of an all-reduce of 100 µs."""
    series = [
        Series(
            labels=labels("epoch", world, batch_size=batch),
            examples=1500,
            timing=measured.timing([seconds] * 6),
        )
        for (world, batch), seconds in epochs.items()
    ]
    series += [
        Series(
            labels=labels("all-reduce", 2, message_bytes=size),
            bytes_moved=size,
            timing=measured.timing([100e-6] * 6),
        )
        for size in (24, 1_000_000)
    ]
    return [small_results.record("groups", k, *series, kind="scaling") for k in range(3)]


def result(every: list[Record]) -> Result:
    """Make a result of these records, with updates that take 80 µs and 20 ns an example."""
    updates = timed({("update", "eager", b): 80e-6 + 20e-9 * b for b in (1, 10, 100, 1500)})
    planned = {
        "one": small_results.planned("one", "overhead"),
        "groups": small_results.planned("groups", "scaling", settings={"loss": 0.25}),
    }
    return small_results.result([*updates.records, *every], experiments=planned)


def test_efficiency_is_the_speed_up_for_each_process() -> None:
    """200 µs alone and 125 µs together: 1.6 times as fast, 0.8 for each of two."""
    epochs = by_world(of_records(records()), "epoch")
    share = efficiency(epochs[1500], 2)
    assert share is not None
    assert share.value == pytest.approx(0.8)
    assert efficiency(epochs[1500], 1) is None


def test_bus_bandwidth_is_what_a_link_carries() -> None:
    """Of two processes each sends and receives half of the message twice: all of it, once."""
    (_, longest) = by_world(of_records(records()), "all-reduce").values()
    assert bus_bandwidth(longest[2]).value == pytest.approx(1e6 / 100e-6)


def test_titles_say_whether_processes_help() -> None:
    """Of the largest batch, which has most to share out."""
    figures = {f.question: f for f in SCALING.figures(result(records()), "groups")}
    assert "1.60 times as fast" in said(figures["epochs"])["title"]
    slow = {**EPOCH_S, (2, 1500): 400e-6}
    figures = {f.question: f for f in SCALING.figures(result(records(slow)), "groups")}
    assert "slower" in said(figures["epochs"])["title"]
    assert "1 million" not in said(figures["messages"])["title"]


def test_group_of_one_has_no_messages() -> None:
    """Nothing is sent, and nothing is said of sending."""
    alone = {key: seconds for key, seconds in EPOCH_S.items() if key[0] == 1}
    every = [
        small_results.record(
            "groups",
            k,
            *(
                Series(
                    labels=labels("epoch", world, batch_size=batch),
                    examples=1500,
                    timing=measured.timing([seconds] * 6),
                )
                for (world, batch), seconds in alone.items()
            ),
            kind="scaling",
        )
        for k in range(3)
    ]
    (figure,) = SCALING.figures(result(every), "groups")
    assert figure.question == "epochs"
    title = said(figure)["title"]
    assert "1 process " in title
    assert "examples/s" in title


def test_model_stands_beside_what_was_measured() -> None:
    """One update of 1,500 by two: 80 + 15 µs and an exchange of 100, where 125 µs were measured."""
    (figure, *_) = [f for f in data_parallel.figures(result(records())) if f.question == "measured"]
    both = "batch 1,500, 2 processes"
    assert float(column(figure.table, "model, ms")[both]) == pytest.approx(0.195, rel=0.02)
    assert float(column(figure.table, "measured / model")[both]) == pytest.approx(0.64, rel=0.02)
    assert "off by a factor of" in said(figure)["title"]
