"""Figures of training experiments: which there are, and that they hold what they should."""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from report.experiments.training import comparisons, headline, labels
from report.experiments.training.figures import figures
from report.experiments.training.method import method
from report.experiments.training.quantities import of_records
from report.experiments.training.questions import batchsizes, copies, grid, schedules
from report.resources import templates
from report.worker.records import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.experiments.training.case import Case
    from report.figures.figure import Figure
    from report.results.result import Record, Result
    from report.worker.records import Labels, TrainingRun

    Make = Callable[..., Result]
    Drawn = Callable[[str], list[Figure]]
    Change = Callable[[TrainingRun], TrainingRun | None]

FULL: dict[str, Any] = {"batch_size": 1500, "epochs": 8}
SIZES = {1: 0.01, 5: 0.04, 20: 0.1, 100: 0.35, 500: 0.7, 1500: 0.85}

# For each question: runs that ask it, and the questions of the figures that answer.
ASKED: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "chapter": (
        [{"run": "GD", **FULL, "lr": 1.0}, {"run": "batch 10"}],
        ["epochs", "time", "excess", "seconds"],
    ),
    "loader": (
        [{"run": "a", "loader": loader} for loader in ("dataloader", "sliced")],
        ["loader"],
    ),
    "implementation": (
        [{"run": "a", "implementation": way} for way in ("scratch", "concise")],
        ["epochs", "implementation"],
    ),
    "listed": (
        [
            {"run": "from scratch"},
            {"run": "as listed", "lr": 0.01, "loss": "mse", "implementation": "concise"},
            {"run": "same path", "lr": 0.025, "loss": "mse", "implementation": "concise"},
        ],
        ["listed"],
    ),
    "stability": (
        [
            {"run": "lr 1", **FULL, "lr": 1.0},
            {"run": "lr 0.9", **FULL, "lr": 0.9},
            {"run": "ball", **FULL, "lr": 0.8, "optimizer": "momentum", "momentum": 0.3},
        ],
        ["stability"],
    ),
    "optimizers": (
        [
            {"run": "plain"},
            {"run": "adam", "optimizer": "adam", "lr": 0.03},
            {"run": "late", "optimizer": "adagrad", "lr": 1e-4},
        ],
        ["optimizer", "descent"],
    ),
    "schedule": (
        [
            {"run": name, "schedule": name, "epochs": 4}
            for name in ("constant", "tenth", "step", "inverse", "cosine")
        ],
        ["schedule"],
    ),
    "sampling": (
        [{"run": name, "sampling": name} for name in ("permutation", "replacement")],
        ["sampling"],
    ),
    "copies": (
        [
            {"run": "GD", **FULL, "lr": 0.1},
            {"run": "GD, twice", **FULL, "lr": 0.1, "copies": 2, "batch_size": 3000},
            {"run": "batch 100", "batch_size": 100, "lr": 0.1},
            {"run": "batch 100, twice", "batch_size": 100, "lr": 0.1, "copies": 2},
        ],
        ["copies", "updates"],
    ),
    "grid": (
        [
            {"run": f"{size} {lr}", "batch_size": size, "lr": lr}
            for size in (10, 100, 1500)
            for lr in (0.01, 0.1, 2.0)
        ],
        ["grid"],
    ),
    "sizes": (
        [
            {"run": f"batch {size}", "batch_size": size, "lr": lr, "epochs": 2}
            for size, lr in SIZES.items()
        ],
        ["batch_size", "target"],
    ),
}


def each_run(result: Result, change: Change) -> Result:
    """Return a result with every training run changed, or dropped."""

    def record(one: Record) -> Record:
        runs = one.outcome.runs if one.outcome else []
        return replace(one, outcome=Outcome(runs=[k for run in runs if (k := change(run))]))

    return replace(result, records=[record(one) for one in result.records])


def asked(trained: Make, name: str) -> Result:
    """Return a result whose experiment asks a question."""
    return trained(ASKED[name][0], every=0 if name == "grid" else 200)


def only(drawn: list[Figure], question: str) -> Figure:
    """Return the figure of a question."""
    (figure,) = [each for each in drawn if each.question == question]
    return figure


def told(figure: Figure) -> str:
    """Return all words of a figure, its table's too."""
    cells = [
        cell if isinstance(cell, str) else f"{cell.text} {cell.interval}".strip()
        for row in figure.table.rows
        for cell in row
    ]
    said = figure.words
    parts = [said.title, said.caption, said.explanation.strip(), *figure.table.header, *cells]
    return " | ".join(part for part in parts if part)


def whole(figure: Figure) -> None:
    """Fail unless a figure has all that the site asks of one."""
    said = figure.words
    assert said.title
    assert said.title in said.alt
    assert said.alt.startswith(("Curve of", "Curves of", "Dot plot of", "Heat map"))
    assert said.caption.endswith(".")
    assert all(len(row) == len(figure.table.header) for row in figure.table.rows)
    assert all(len(row) == len(figure.sheet.header) for row in figure.sheet.rows)
    assert len(set(figure.sheet.header)) == len(figure.sheet.header)
    assert {"elapsed_s", "epoch_s"} & set(figure.sheet.header)
    assert figure.code
    for wrong in ("None", " nan", " inf", "  ", " .", "()", ": ."):
        assert wrong not in told(figure)


@pytest.fixture(scope="module")
def drawn_of(trained: Make) -> Drawn:
    """Return a function that draws the experiment that asks a question, once for all tests."""

    def draw(name: str) -> list[Figure]:
        return figures(asked(trained, name), "one")

    return functools.cache(draw)


# Which figures there are


@pytest.mark.parametrize("name", ASKED)
def test_what_runs_differ_in_decides_what_is_drawn(drawn_of: Drawn, name: str) -> None:
    """Never the experiment's name, which is `one` for all of these."""
    drawn = drawn_of(name)
    assert [figure.question for figure in drawn] == ASKED[name][1]
    assert len({figure.name for figure in drawn}) == len(drawn)
    assert all(figure.name.startswith("one-pytorch") for figure in drawn)


@pytest.mark.parametrize("name", ASKED)
def test_every_figure_is_whole_and_has_numbers_in_its_words(drawn_of: Drawn, name: str) -> None:
    """Title and caption are of this run; table and sheet fit; the page has the question's text."""
    text = (templates() / "experiments" / "training.html").read_text(encoding="utf-8")
    for figure in drawn_of(name):
        whole(figure)
        assert re.search(r"\d", figure.words.title)
        assert re.search(r"\d", figure.words.caption)
        assert f'question == "{figure.question}"' in text


# Fewer of everything


def one_seed(result: Result) -> Result:
    """Keep one seed of one process."""
    alone = replace(result, records=result.records[:1])
    return each_run(alone, lambda run: run if run.seed == 0 else None)


def without_moments(result: Result) -> Result:
    """Forget the data's moments, and with them the optimum."""
    return replace(result, moments=None)


def first_diverges(result: Result) -> Result:
    """Let the first run's loss become infinite before its first point."""
    first = result.records[0].outcome
    assert first is not None
    name = first.runs[0].labels

    def change(run: TrainingRun) -> TrainingRun:
        if run.labels != name:
            return run
        return replace(
            run,
            loss=run.loss[:1],
            examples=run.examples[:1],
            epoch_ends=[],
            elapsed_s=[each[:1] for each in run.elapsed_s],
            diverged=True,
        )

    return each_run(result, change)


def all_diverge(result: Result) -> Result:
    """Let every loss grow a millionfold with each point."""
    return each_run(
        result,
        lambda run: replace(
            run,
            loss=[loss * 1e6**k for k, loss in enumerate(run.loss[:5])]
            + [1e30] * len(run.loss[5:]),
            diverged=True,
        ),
    )


def one_process_lacks_runs(result: Result) -> Result:
    """Let the last process have failed."""
    last = replace(result.records[-1], status="failed", reason="it crashed", outcome=None)
    return replace(result, records=[*result.records[:-1], last])


# The first three are shown with less in the tests of the site.
@pytest.mark.slow
@pytest.mark.parametrize(
    "change", [one_seed, without_moments, first_diverges, all_diverge, one_process_lacks_runs]
)
@pytest.mark.parametrize("name", list(ASKED)[3:])
def test_unusual_results_are_shown(
    trained: Make, name: str, change: Callable[[Result], Result]
) -> None:
    """Less than the usual, or worse, still gives figures whose words hold."""
    drawn = figures(change(asked(trained, name)), "one")
    assert drawn
    for figure in drawn:
        whole(figure)


# Batch sizes


def test_returns_are_for_a_tenfold_batch_at_either_end(trained: Make, drawn_of: Drawn) -> None:
    """By the model of time: 40 us an update and 0.2 us an example.

    Sizes 1 and 5 are as near to tenfold as there is no 10: in proportion, (40.2 / 41 * 5) ** (1 /
    log10(5)) = 9.73. At the other end 100 and 1500: (60 / 340 * 15) ** (1 / log10(15)) = 2.29.
    """
    found = of_records(asked(trained, "sizes").records)
    by_size = {batchsizes.size(q): q for q in found}
    small, large = batchsizes.returns([by_size[k] for k in (1, 5, 100, 1500)])
    assert small.factor.value == pytest.approx(9.73, rel=0.05)
    assert large.factor.value == pytest.approx(2.29, rel=0.05)
    said = only(drawn_of("sizes"), "batch_size").words
    assert "The returns diminish" in said.explanation


def test_returns_that_do_not_diminish_are_not_said_to(trained: Make) -> None:
    """Where each example costs the same however many there are, no size brings more."""

    def proportional(run: TrainingRun) -> TrainingRun:
        noise = 1 + 0.01 * run.seed
        return replace(run, elapsed_s=[[noise * 1e-6 * n for n in run.examples]])

    result = each_run(asked(trained, "sizes"), proportional)
    said = only(figures(result, "one"), "batch_size").words
    assert "diminish" not in said.title
    assert "The returns diminish" not in said.explanation


def test_run_that_does_not_reach_the_target_is_shown_as_open(trained: Make) -> None:
    """It has a mark of its own, its share of seeds, and a time that it takes at least."""
    runs = [*ASKED["sizes"][0], {"run": "lazy", "batch_size": 50, "lr": 1e-4}]
    figure = only(figures(trained(runs), "one"), "target")
    assert "50 in 0 of 3 seeds, so that it takes at least" in figure.words.caption
    for svg in (figure.drawing.wide, figure.drawing.narrow):
        assert "at least: not all seeds came there" in svg
    (row,) = [row for row in figure.table.rows if row[0] == "50"]
    assert "\N{GREATER-THAN OR EQUAL TO}" in told(
        replace(figure, table=replace(figure.table, rows=[row]))
    )


def test_a_difference_without_an_interval_is_not_claimed(trained: Make) -> None:
    """One process with one seed and a single repeat has no interval to tell sizes apart."""
    result = each_run(
        one_seed(asked(trained, "sizes")), lambda run: replace(run, elapsed_s=run.elapsed_s[:1])
    )
    figure = only(figures(result, "one"), "target")
    assert "The intervals do not tell it from" in figure.words.caption
    assert "tell it from all" not in figure.words.caption


# Stability


def test_runs_above_the_limit_are_named_with_where_they_turn(drawn_of: Drawn) -> None:
    """Lr 1 lies above 2 / lambda_max = 0.953; 0.9 and the momentum run do not."""
    said = only(drawn_of("stability"), "stability").words
    assert said.title.startswith("Plain steps longer than 0.953 cannot settle: lr 1 ends ")
    assert "Lr 1 takes 1.00: beyond the limit" in said.explanation
    assert "Lr 0.9 takes 0.900: the error along the slowest" in said.explanation
    # With momentum m the limit is (1 + m) times as high: 1.3 * 0.95307 = 1.239.
    assert "with its momentum may take up to 1.24" in said.explanation


def test_where_all_are_below_the_limit_none_is_named(trained: Make) -> None:
    """The title then only says which ends lowest."""
    runs = [{"run": f"lr {lr}", **FULL, "lr": lr} for lr in (0.3, 0.9)]
    said = only(figures(trained(runs), "one"), "stability").words
    assert "cannot settle" not in said.title
    assert "beyond the limit" not in said.explanation


# The grid


def test_cells_say_the_height_and_mark_divergence(trained: Make, drawn_of: Drawn) -> None:
    """Nine pairs, of which lr 2.0 diverges for all sizes of small batches: signs, not numbers."""
    result = asked(trained, "grid")
    figure = only(drawn_of("grid"), "grid")
    lost = sum(record.diverged for record in _runs(result) if record.seed == 0)
    assert lost > 0
    for svg in (figure.drawing.wide, figure.drawing.narrow):
        cells = re.findall(r">([\d.]+|\N{MULTIPLICATION SIGN})</text>", svg)
        assert cells.count(grid.DIVERGED) == lost
    assert f"{lost} of 9 pairs diverge" in figure.words.title


def test_limit_stands_between_the_rates_below_and_above_it(case_of: Callable[..., Case]) -> None:
    """0.95307 for the loss with 1/2; a rate for the loss without it is half as large."""
    runs = ASKED["grid"][0]
    case = case_of(runs, every=0)
    assert grid.limit(case, grid.grid(case)) == pytest.approx(0.95307, abs=1e-4)
    halved = case_of([{**run, "loss": "mse"} for run in runs], every=0)
    assert grid.limit(halved, grid.grid(halved)) == pytest.approx(0.95307 / 2, abs=1e-4)
    mixed = case_of([{**runs[0], "loss": "mse"}, *runs[1:]], every=0)
    assert grid.limit(mixed, grid.grid(mixed)) is None


def test_shades_go_in_equal_factors_from_lowest_to_highest() -> None:
    """Edges 1, 10, 100, 1000: a height takes the first shade whose edge is not below it."""
    edges = [1.0, 10.0, 100.0, 1000.0]
    assert [grid.shade(h, edges) for h in (0.1, 1.0, 5.0, 50.0, 500.0, 5000.0)] == [
        grid.SHADES[k] for k in (0, 0, 1, 2, 3, 4)
    ]


def test_seconds_of_a_grid_are_pooled_over_rates(trained: Make) -> None:
    """Three sizes, each with the samples of three rates."""
    found = of_records(asked(trained, "grid").records)
    pooled = grid.by_batch_size(found)
    assert [batchsizes.size(q) for q in pooled] == [10, 100, 1500]
    for one in pooled:
        same = [q for q in found if batchsizes.size(q) == batchsizes.size(one)]
        assert sum(map(len, one.groups)) == sum(len(group) for q in same for group in q.groups)


def test_an_incomplete_grid_is_no_heat_map() -> None:
    """One pair is missing; a single row or column is no grid either."""
    runs: list[Labels] = [{"batch_size": b, "lr": lr} for b in (1, 10) for lr in (0.1, 0.2)]
    assert labels.is_grid(runs)
    assert not labels.is_grid(runs[:-1])
    assert not labels.is_grid(runs[:2])


# Schedules, sampling, copies, optimizers


def test_a_schedule_is_compared_with_the_constant_rate_by_seed(
    case_of: Callable[..., Case],
) -> None:
    """The ratio is the one of the two heights at the end; it stands in the title where it holds."""
    case = case_of(ASKED["schedule"][0], seeds=6)
    base = schedules.constant(case.lines)
    assert base is not None
    best = min(case.lines, key=lambda line: (schedules.end(case, line) or _never()).value)
    ratio = schedules.against(case, best, base)
    assert ratio is not None
    title = only(figures(case.result, "one"), "schedule").words.title
    assert ("of the loss above the optimum that a constant rate leaves" in title) == ratio.excludes(
        1
    )


def test_same_runs_are_not_said_to_differ(trained: Make) -> None:
    """A schedule that is the constant rate under another name, and sampling that is the same."""

    def renamed(run: TrainingRun) -> TrainingRun:
        said = {"run": "other", "schedule": "cosine"} if run.labels["run"] == "b" else {}
        return replace(run, labels={**run.labels, **said})

    result = each_run(trained([{"run": "a"}, {"run": "b"}]), renamed)
    title = only(figures(result, "one"), "schedule").words.title
    assert title.startswith(("3 seeds do not show", "No schedule ends lower"))

    def drawn(run: TrainingRun) -> TrainingRun:
        said = {"sampling": "replacement"} if run.labels["run"] == "b" else {}
        return replace(run, labels={**run.labels, **said})

    result = each_run(trained([{"run": "a"}, {"run": "b"}]), drawn)
    title = only(figures(result, "one"), "sampling").words.title
    assert title == (
        "After 2 epochs, 3 seeds do not tell drawing with replacement from each once: ratio 1.00"
    )


def test_copies_leave_full_batches_where_they_were(case_of: Callable[..., Case]) -> None:
    """The mean gradient of all rows does not change; an epoch of copies takes longer."""
    case = case_of(ASKED["copies"][0], seeds=5)
    (full, small) = copies._pairs(case)
    same = copies.per_epoch(case, full)
    assert same is not None
    assert same.value == pytest.approx(1, abs=1e-6)
    assert not copies._differs(same)
    # Twice the updates: after 2 epochs of 15 updates batch 100 is still on its way down.
    further = copies.per_epoch(case, small)
    assert further is not None
    assert further.value < 0.7
    title = only(figures(case.result, "one"), "copies").words.title
    assert "batch 100 is at" in title
    assert "no difference shown for GD" in title


def test_optimizer_that_never_comes_there_is_not_left_out(drawn_of: Drawn) -> None:
    """It stands in its row with a mark that points on, and in the words."""
    figure = only(drawn_of("optimizers"), "optimizer")
    assert "late in 0 of 3 seeds, so that it takes at least" in figure.words.caption
    assert "at least: not all seeds came there" in figure.drawing.narrow
    # By the model of time an update costs 40 us, 70 us and 90 us, and 2 us for ten examples.
    assert re.search(r"late [\d.]+ µs more, 1\.7\d", figure.words.explanation)
    assert re.search(r"adam [\d.]+ µs more, 2\.\d", figure.words.explanation)


def test_same_path_in_two_implementations_is_said_to_be_one(drawn_of: Drawn) -> None:
    """Steps of 0.05 for the loss with 1/2, and of 0.025 for that without it."""
    said = only(drawn_of("listed"), "listed").words
    assert "From scratch and same path take the same steps; their losses differ not at all" in (
        said.explanation
    )
    assert "as listed take the same steps" not in said.explanation


# Top of the page, method, several machines


def test_best_batch_size_is_a_headline(trained: Make, drawn_of: Drawn) -> None:
    """The card names the size that the figure names, and how long it takes."""
    result = asked(trained, "sizes")
    card = headline.cards(result)[-1]
    assert card.label == "best batch size to a loss of 0.25"
    title = only(drawn_of("sizes"), "target").words.title
    assert f"{card.value} is first at a loss of 0.25" in title
    assert any("is first at a loss of 0.25" in said for said in headline.sentences(result))


def test_headlines_are_of_the_experiment_that_compares_a_few_sizes(trained: Make) -> None:
    """Not of a grid that stands before it, nor of a sweep."""
    parts = {name: asked(trained, name) for name in ("grid", "sizes", "chapter")}
    records = [
        replace(record, experiment=name)
        for name, result in parts.items()
        for record in result.records
    ]
    planned = parts["grid"].config["experiments"]["one"]
    result = replace(
        parts["grid"],
        config={**parts["grid"].config, "experiments": dict.fromkeys(parts, planned)},
        records=records,
    )
    assert headline._chapters(result) == "chapter"
    assert headline._sweep(result) == "sizes"


def test_method_tells_of_draws_copies_and_points(trained: Make) -> None:
    """What holds of all runs is not said of some of them."""
    said = " ".join(method(asked(trained, "sampling").records))
    assert "permutation, or examples drawn with replacement" in said
    assert "every 200 examples and after each epoch" in said
    said = " ".join(method(asked(trained, "grid").records))
    assert "the same fresh permutation." in said
    assert "evaluated after each epoch" in said
    said = " ".join(method(asked(trained, "copies").records))
    assert "more than once have their own" in said


@pytest.mark.parametrize("name", ASKED)
def test_machines_are_compared(trained: Make, name: str) -> None:
    """Seconds per epoch of every run, of a grid for every batch size; and loss against time."""
    here = asked(trained, name)
    there = replace(here, machine=replace(here.machine, id="another"))
    drawn = comparisons.comparisons([here, there], "one")
    assert drawn[0].name == "compare-one-seconds"
    rows = {"grid": 3, "implementation": 2, "loader": 2}.get(name, len(ASKED[name][0]))
    assert len(drawn[0].table.rows) == rows
    for figure in drawn:
        assert "another" in figure.drawing.wide


def _runs(result: Result) -> list[TrainingRun]:
    return [run for r in result.records for run in (r.outcome.runs if r.outcome else ())]


def _never() -> Any:
    pytest.fail("a run that has an end was expected")
