"""Frameworks side by side: true for any data, also where frameworks or parts are missing."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reading import column
from report.figures import plotting
from report.figures.shapes import Dots
from report.figures.svg import INK
from report.registry import BACKENDS
from report.sections import frameworks
from report.sections.frameworks import FLOOR, experiments, index_of
from report.text.numerals import NONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.figures.figure import Figure
    from report.results.result import Record, Result

    Made = Callable[..., Result]

EVERY = tuple(BACKENDS)
STATED = ["PyTorch", "MXNet", "TensorFlow", "JAX", "NumPy", "Numba"]


@pytest.fixture(name="result", scope="module")
def all_six(make_result: Made) -> Result:
    """Return a made-up result of every framework."""
    return make_result(profile="full", frameworks=EVERY)


@pytest.fixture(name="drawn", scope="module")
def drawn_once(result: Result) -> dict[str, Figure]:
    """Return the figures of all six by name."""
    return {figure.name: figure for figure in frameworks.figures(result)}


def only(result: Result, wanted: Callable[[Record], bool]) -> Result:
    """Return a result with some of its records."""
    return replace(result, records=[record for record in result.records if wanted(record)])


# --- what is drawn


def test_every_comparison_of_the_issue_is_drawn(drawn: dict[str, Figure]) -> None:
    """Products by strategy and by size, epochs, losses, versions from scratch, calls, start-up."""
    assert list(drawn) == [
        "frameworks-vectorization-strategies",
        "frameworks-matrix-size-size",
        "frameworks-chapter-training-seconds",
        "frameworks-chapter-training-time",
        "frameworks-chapter-training-printed",
        "frameworks-loader-loaders",
        "frameworks-concise-implementations",
        "frameworks-overhead-calls",
        "frameworks-memory",
        "frameworks-startup",
    ]


def test_every_framework_is_in_what_it_measured(drawn: dict[str, Figure]) -> None:
    """By the name that its makers write, in the table and in the picture."""
    for name in ("frameworks-overhead-calls", "frameworks-startup"):
        figure = drawn[name]
        assert isinstance(figure.shape, Dots)
        rows = [str(row[0]) for row in figure.table.rows]
        assert [row.removesuffix(" (loop)") for row in rows] == STATED
        assert [row.name for row in figure.shape.rows] == rows
        assert [row.index for row in figure.shape.rows] == [index_of(b) for b in EVERY]


def test_in_short_has_the_numbers_of_the_figures(result: Result, drawn: dict[str, Figure]) -> None:
    """A call, an update and an epoch of each framework are those of the tables below."""
    table = frameworks.brief(result)
    assert table is not None
    assert [str(row[0]).removesuffix(" (loop)") for row in table.rows] == STATED
    calls = drawn["frameworks-overhead-calls"].table
    for k, head in enumerate(table.header[1:4], 1):
        below = [row[calls.header.index(head)] for row in calls.rows]
        assert [row[k] for row in table.rows] == [replace(one, best=False) for one in below]  # type: ignore[type-var]
    epochs = drawn["frameworks-chapter-training-seconds"].table
    column_of = epochs.header.index("batch 100, ms per epoch")
    for row in table.rows:
        mine = [
            each[column_of]
            for each in epochs.rows
            if str(each[0]).removesuffix(")").split(" (compiled")[0]
            == str(row[0]).removesuffix(")")
        ]
        quickest = min(mine, key=lambda cell: cell.estimate.value)  # type: ignore[union-attr]
        assert row[4] == replace(quickest, best=False)  # type: ignore[type-var]


def test_one_framework_has_nothing_in_short(make_result: Made) -> None:
    """There is nothing beside it."""
    assert frameworks.brief(make_result()) is None


def test_where_some_elements_stand_for_all_is_said_at_the_figure(
    result: Result, drawn: dict[str, Figure]
) -> None:
    """How many of how many, in which framework: and nothing of those that computed each."""

    def few(record: Record) -> Record:
        if (record.experiment, record.backend) != ("vectorization", "tensorflow"):
            return record
        assert record.outcome is not None
        series = [
            replace(one, flops=2 * 256 * 256) if one.labels["strategy"] == "element" else one
            for one in record.outcome.series
        ]
        return replace(record, outcome=replace(record.outcome, series=series))

    first, *_ = frameworks.figures(replace(result, records=[few(r) for r in result.records]))
    caption = first.words.caption
    assert "only 256 of 65,536 elements in TensorFlow were computed, drawn at random" in caption
    assert "drawn at random" not in drawn[first.name].words.caption


def test_one_framework_is_no_comparison(make_result: Callable[..., Result]) -> None:
    """The section is left out."""
    alone = make_result()
    assert (frameworks.figures(alone), frameworks.experiments(alone)) == ([], [])


def test_order_is_that_of_the_plan_and_not_of_the_processes(
    result: Result, drawn: dict[str, Figure]
) -> None:
    """Replicates run in shuffled order, which must not decide whose the first line is."""
    shuffled = list(result.records)
    random.Random(1).shuffle(shuffled)
    assert {f.name: f for f in frameworks.figures(replace(result, records=shuffled))} == drawn


@pytest.mark.parametrize("missing", ["pytorch", FLOOR, "tensorflow"])
def test_figures_stand_without_a_framework(result: Result, missing: str) -> None:
    """Without the first, the next leads; without the floor, nothing is divided by it."""
    rest = only(result, lambda record: record.backend != missing)
    figures = frameworks.figures(rest)
    assert figures
    titles = {str(row[0]) for figure in figures for row in figure.table.rows}
    assert not any(title.startswith(BACKENDS[missing].title) for title in titles)
    headers = [name for figure in figures for name in figure.table.header]
    assert any("times the floor" in name for name in headers) is (missing != FLOOR)


@pytest.mark.parametrize("kind", ["matmul", "overhead", "training", "bandwidth"])
def test_figures_stand_without_a_kind(result: Result, drawn: dict[str, Figure], kind: str) -> None:
    """Each part is drawn from what there is."""
    rest = only(result, lambda record: record.kind != kind)
    assert set() < {figure.name for figure in frameworks.figures(rest)} < drawn.keys()


def test_framework_that_failed_everywhere_is_left_out(result: Result) -> None:
    """Why stands under what failed."""
    records = [
        replace(r, status="failed", reason="it was ended by SIGSEGV", outcome=None, import_s=None)
        if r.backend == "mxnet"
        else r
        for r in result.records
    ]
    broken = replace(result, records=records)
    for figure in frameworks.figures(broken):
        assert "MXNet" not in {row[0] for row in figure.table.rows}
    assert "mxnet" not in frameworks.starts(broken)


# --- names and looks


def test_a_framework_keeps_its_colour() -> None:
    """The same in every figure and on every page, whoever else is there; the floor is ink."""
    places = [index_of(backend) for backend in BACKENDS if backend != FLOOR]
    assert places == list(range(len(BACKENDS) - 1))
    assert plotting.colour(index_of(FLOOR)) == INK
    assert index_of("a framework of a newer version") == len(BACKENDS)


# --- numbers


def test_numba_has_no_update_as_written(drawn: dict[str, Figure]) -> None:
    """A dash and no number, and its compiled update is the floor of the others."""
    table = drawn["frameworks-overhead-calls"].table
    assert column(table, "update with 1 example, µs")["Numba (loop)"] == NONE
    floor = column(table, "compiled update with 1 example, times the floor")
    assert floor["Numba (loop)"] == "1"


def test_start_up_is_kept_apart_from_what_lasts(result: Result) -> None:
    """Import from each process, the first update with its compilation, and one of the later."""
    found = frameworks.starts(result)
    assert list(found) == list(EVERY)
    imports = [r.import_s for r in result.records if r.backend == "jax" and r.import_s]
    assert found["jax"]["import"].groups == [[seconds] for seconds in imports]
    pytorch = found["pytorch"]
    assert pytorch["first_compiled"].time().value > 1  # of 2 s and 14 s
    assert pytorch["later"].time().value < 1e-3
    assert "first" not in found[FLOOR]


def test_a_disturbed_process_has_no_part_in_start_up(result: Result) -> None:
    """As in all other figures: its import took longer because something else ran."""
    of_jax = [r for r in result.records if r.backend == "jax"]
    first = of_jax[0]
    assert first.conditions is not None
    stolen = replace(first.conditions, steal_fraction=0.5)
    noisy = replace(first, conditions=stolen, import_s=1000.0)
    more = [replace(first, process=k) for k in (10, 11, 12)]
    rest = [r for r in result.records if r is not first]
    found = frameworks.starts(replace(result, records=[noisy, *rest, *more]))
    assert [1000.0] not in found["jax"]["import"].groups


def test_kernels_of_a_library_are_told_where_it_says_them(result: Result) -> None:
    """MXNet's may be for an older processor: the page says for which."""
    mxnet, floor = result.environments["mxnet"], result.environments[FLOOR]
    changed = {
        "mxnet": replace(mxnet, blas="OpenBLAS 0.3.13", simd="OpenBLAS for Prescott"),
        FLOOR: replace(floor, blas=None, simd=None),
    }
    figures = frameworks.figures(replace(result, environments=result.environments | changed))
    said = figures[0].words.explanation
    assert "MXNet, OpenBLAS 0.3.13 (OpenBLAS for Prescott)" in said
    assert "Numba (loop), loops of its own" in said


def test_method_names_what_each_computes_with(result: Result) -> None:
    """Versions and library of every framework, and how far apart the losses are."""
    said = frameworks.method(result)
    for title in STATED:
        assert any(sentence.startswith(f"{title}: ") for sentence in said)
    assert sum("differ between any framework" in sentence for sentence in said) == 4
    assert all(sentence.endswith(".") for sentence in said)


def test_only_what_several_measured_is_compared(result: Result) -> None:
    """Eight of the default experiments, memory among them."""
    planned = result.config["experiments"].items()
    assert experiments(result) == [name for name, e in planned if len(e["backends"]) > 1]
    assert len(experiments(result)) == 8
