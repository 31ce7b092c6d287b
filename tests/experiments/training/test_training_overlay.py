"""Training by framework, above the floor: ways, seconds, the path that all walk, listings."""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reading import row
from report.analysis.quantities import ratio
from report.experiments.training.overlay import gap, overlay, ways_of
from report.figures.prose import plain
from report.figures.shapes import YARDSTICK, Curves
from report.registry import BACKENDS
from report.sections.frameworks import over_frameworks
from results_factory import each_outcome, make_result

if TYPE_CHECKING:
    from report.experiments.training.overlay import Way
    from report.figures.figure import Figure
    from report.results.result import Record, Result
    from report.worker.records import Outcome

FLOOR = "Numba (loop)"
WAYS = [
    "PyTorch",
    "MXNet",
    "TensorFlow",
    "TensorFlow (compiled update)",
    "TensorFlow (compiled epoch)",
    "JAX (compiled update)",
    "JAX (compiled epoch)",
    "NumPy",
    FLOOR,
]
RUNS = ["GD", "SGD", "batch 100", "batch 10"]


@functools.cache
def of_all() -> Result:
    """Return a made-up result of every framework."""
    return make_result(profile="full", frameworks=tuple(BACKENDS))


@functools.cache
def drawn() -> dict[str, Figure]:
    """Return the figures of all training experiments that several frameworks measured, by name."""
    overs = (over_frameworks(of_all(), name) for name in ("chapter-training", "loader", "concise"))
    return {figure.name: figure for over in overs for figure in overlay(over)}


def ways(experiment: str = "chapter-training", result: Result | None = None) -> dict[str, Way]:
    """Return the ways of an experiment by name."""
    return {way.name: way for way in ways_of(over_frameworks(result or of_all(), experiment))}


def test_ways_are_named_by_no_more_than_tells_them_apart() -> None:
    """A variant where there are several, a loader where both were used."""
    assert list(ways()) == WAYS
    loaders = [f"{name} ({how})" for name in WAYS[:3] for how in ("dataloader", "sliced")]
    assert list(ways("loader")) == loaders


def test_times_the_floor_is_the_ratio_of_two_times() -> None:
    """Of processes that are not the same: their intervals hold the spread of both."""
    table = drawn()["frameworks-chapter-training-seconds"].table
    found = ways()
    mine, floor = (found[name].seconds["SGD"] for name in ("PyTorch", FLOOR))
    factor = ratio(mine, floor)
    assert factor.value == pytest.approx(mine.time().value / floor.time().value)
    assert factor.low is not None
    assert row(table, FLOOR)["SGD, times the floor"] == "1"
    shown = float(row(table, "PyTorch")["SGD, times the floor"].replace(",", ""))
    assert shown == pytest.approx(factor.value, rel=0.01)


def test_title_says_where_the_floor_matters() -> None:
    """At the smallest batch and at the largest, for the framework that leads."""
    title = plain(drawn()["frameworks-chapter-training-seconds"].words.title)
    found = re.fullmatch(
        r"In batches of 1, an epoch in PyTorch takes ([\d,]+) times as long as the same epoch in "
        r"a Numba loop; in batches of 1,500, ([\d,.]+) times",
        title,
    )
    assert found is not None


def test_without_a_floor_nothing_is_said_of_it() -> None:
    """Then the slowest way is held against the fastest, as an average with an interval."""
    rest = replace(of_all(), records=[r for r in of_all().records if r.backend != "numba"])
    figure = overlay(over_frameworks(rest, "chapter-training"))[0]
    assert "floor" not in " ".join(figure.table.header)
    title = plain(figure.words.title)
    assert re.search(
        r"times as long in TensorFlow as in JAX \(.*, on average over 4 settings", title
    )


def test_lines_keep_their_framework_and_say_their_variant() -> None:
    """Colours are the frameworks', dashes the variants'; the floor is drawn in ink."""
    shape = drawn()["frameworks-chapter-training-seconds"].shape
    assert isinstance(shape, Curves)
    lines = {line.name: line for line in shape.lines}
    same = {name: lines[name].index for name in WAYS if name.startswith("TensorFlow")}
    assert len(set(same.values())) == 1
    assert len({lines[name].dash for name in same}) == len(same)
    assert lines[FLOOR].index == YARDSTICK
    assert list(lines["PyTorch"].x) == [1, 10, 100, 1500]
    loaders = drawn()["frameworks-loader-loaders"].shape
    assert isinstance(loaders, Curves)
    dashes = {line.name: line.dash for line in loaders.lines}
    assert dashes["PyTorch (sliced)"] == dashes["MXNet (sliced)"] != dashes["PyTorch (dataloader)"]


def test_whose_seconds_hold_a_loader_is_said() -> None:
    """Three have one, the others cut batches off an array: no fair comparison unsaid."""
    words = plain(drawn()["frameworks-chapter-training-seconds"].words.explanation)
    assert "own loader in PyTorch, MXNet and TensorFlow" in words
    assert f"JAX, NumPy and {FLOOR} slice them" in words


def test_times_to_the_target_are_of_every_run_and_way() -> None:
    """A row for each way: a framework with three variants has three."""
    table = drawn()["frameworks-chapter-training-time"].table
    assert table.header == ["framework", *(f"{run}, ms to 0.25" for run in RUNS)]
    assert [row[0] for row in table.rows] == WAYS


def test_listings_with_rates_of_their_own_stand_beside_the_first() -> None:
    """MXNet's and TensorFlow's 0.05, of which the second makes twice the step."""
    words = plain(drawn()["frameworks-concise-implementations"].words.explanation)
    for name, lr, step in (("PyTorch", 0.01, 0.02), ("TensorFlow", 0.05, 0.1)):
        assert f"{name}, at a rate of {lr}, which is {step} for a loss with 1/2" in words
    assert "MXNet, at a rate of 0.05, comes to" in words


def test_frameworks_that_walk_one_path_are_not_apart() -> None:
    """The made-up runs are all one; a loss that one framework is off by is found."""
    assert gap([*ways().values()]) == 0

    def off(outcome: Outcome, record: Record) -> Outcome:
        runs = [
            replace(run, loss=[*run.loss[:-1], run.loss[-1] + 3e-5])
            if (record.backend, run.labels["run"]) == ("jax", "batch 10")
            else run
            for run in outcome.runs
        ]
        return replace(outcome, runs=runs)

    moved = each_outcome(of_all(), off)
    assert gap([*ways(result=moved).values()]) == pytest.approx(3e-5, rel=1e-6)


def test_code_of_each_framework_is_shown() -> None:
    """What is compared can be read: the figure names functions and whose they are."""
    figure = drawn()["frameworks-chapter-training-seconds"]
    assert figure.backends == list(BACKENDS)
    assert {"sgd", "program", "update_epoch"} <= set(figure.code)
