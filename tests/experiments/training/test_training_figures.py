"""Figures of training experiments: which there are, and that they hold what they should."""

from __future__ import annotations

import functools
import itertools
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from factories import small_results
from factories.training import case_of, trained
from pages import overlay
from reading import row, said, some, whole
from report.analysis.quantities import ratio
from report.experiments.training import curves, heatmap, sizes
from report.experiments.training.figures import differ, figures, pairs_of_copies
from report.experiments.training.kind import TRAINING, chapters, sweep_of
from report.experiments.training.quantities import by_batch_size, cases, of_records
from report.figures.draw import drawing
from report.figures.prose import plain
from report.figures.shapes import Curves, Dots, Points
from report.text.numerals import NONE
from report.worker.records import Outcome
from results_factory import each_outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.figures.figure import Figure
    from report.results.result import Result
    from report.worker.records import TrainingRun

    Make = Callable[..., Result]
    Drawn = Callable[[str], list[Figure]]
    Change = Callable[[TrainingRun], TrainingRun | None]

FULL: dict[str, Any] = {"batch_size": 1500, "epochs": 8}
SIZES = {1: 0.01, 5: 0.04, 20: 0.1, 100: 0.35, 500: 0.7, 1500: 0.85}

ASKED: dict[str, list[dict[str, Any]]] = {
    "chapter": [{"run": "GD", **FULL, "lr": 1.0}, {"run": "batch 10"}],
    "loader": [{"run": "a", "loader": loader} for loader in ("dataloader", "sliced")],
    "implementation": [{"run": "a", "implementation": way} for way in ("scratch", "concise")],
    "listed": [
        {"run": "from scratch"},
        {"run": "as listed", "lr": 0.01, "loss": "mse", "implementation": "concise"},
        {"run": "same path", "lr": 0.025, "loss": "mse", "implementation": "concise"},
    ],
    "stability": [
        {"run": "lr 1", **FULL, "lr": 1.0},
        {"run": "lr 0.9", **FULL, "lr": 0.9},
        {"run": "ball", **FULL, "lr": 0.8, "optimizer": "momentum", "momentum": 0.3},
    ],
    "optimizer": [
        {"run": "plain"},
        {"run": "adam", "optimizer": "adam", "lr": 0.03},
        {"run": "late", "optimizer": "adagrad", "lr": 1e-4},
    ],
    "schedule": [
        {"run": name, "schedule": name, "epochs": 4}
        for name in ("constant", "tenth", "step", "inverse", "cosine")
    ],
    "sampling": [{"run": name, "sampling": name} for name in ("permutation", "replacement")],
    "copies": [
        {"run": "GD", **FULL, "lr": 0.1},
        {"run": "GD, twice", **FULL, "lr": 0.1, "copies": 2, "batch_size": 3000},
        {"run": "batch 100", "batch_size": 100, "lr": 0.1},
        {"run": "batch 100, twice", "batch_size": 100, "lr": 0.1, "copies": 2},
    ],
    "grid": [
        {"run": f"{size} {lr}", "batch_size": size, "lr": lr}
        for size in (10, 100, 1500)
        for lr in (0.01, 0.1, 2.0)
    ],
    "sizes": [
        {"run": f"batch {size}", "batch_size": size, "lr": lr, "epochs": 2}
        for size, lr in SIZES.items()
    ],
}
"""Runs that ask a question."""

ANSWERS = {"chapter": ["epochs", "time", "seconds"], "sizes": ["batch_size", "target"]}
"""The questions of the figures that answer, where it is not the same one alone."""


def each_run(result: Result, change: Callable[[TrainingRun], TrainingRun | None]) -> Result:
    """Return a result with every training run changed, or dropped."""
    return each_outcome(
        result, lambda outcome, _: Outcome(runs=[k for run in outcome.runs if (k := change(run))])
    )


def asked(name: str) -> Result:
    """Return a result whose experiment asks a question."""
    return trained(ASKED[name], every=0 if name == "grid" else 200)


@functools.cache
def drawn_of(name: str) -> list[Figure]:
    """Draw the experiment that asks a question, once for all tests."""
    return figures(asked(name), "one")


def only(drawn: list[Figure], question: str) -> Figure:
    """Return the figure of a question."""
    (figure,) = [each for each in drawn if each.question == question]
    return figure


def words_of(result: Result, question: str) -> dict[str, str]:
    """Return the words of the figure of a question."""
    return said(only(figures(result, "one"), question))


# Which figures there are


@pytest.mark.parametrize("name", ASKED)
def test_what_runs_differ_in_decides_what_is_drawn(name: str) -> None:
    """Never the experiment's name, which is `one` for all of these."""
    drawn = drawn_of(name)
    answers = ANSWERS.get(name, [name])
    assert [figure.question for figure in drawn] == answers
    assert [figure.name for figure in drawn] == [f"one-pytorch-{q}" for q in answers]


@pytest.mark.parametrize("name", ASKED)
def test_every_figure_is_whole_and_has_numbers_in_its_words(name: str) -> None:
    """A question before it, title and caption of this run, a table and a sheet that fit."""
    for figure in drawn_of(name):
        whole(figure)
        words = said(figure)
        assert words["asked"]
        assert re.search(r"\d", words["title"])
        assert words["caption"]
        assert figure.code


def test_of_a_long_run_no_more_points_are_drawn_than_a_drawing_has() -> None:
    """A thousand epochs on ten copies of the data have 75,000."""
    long = small_results.run("GD", [1 / (k + 1) for k in range(12_000)], epochs=1000)
    long = replace(long, epoch_ends=long.epoch_ends[:1000])
    result = small_results.result([small_results.record("training", 0, long)])
    shapes = [figure.shape for figure in figures(result, "training")]
    counts = [len(line.x) for s in shapes if isinstance(s, Curves) for line in s.lines]
    assert counts
    assert all(1000 < count <= 2 * curves.MOST_POINTS for count in counts)


@pytest.mark.parametrize("name", ASKED)
def test_a_number_has_one_value_wherever_it_stands(name: str) -> None:
    """In words, tables and sheets, numbers with one key are one number."""
    values: dict[str, set[float]] = {}
    for figure in drawn_of(name):
        for text in vars(figure.words).values():
            for value, key in re.findall(r'<data value="([^"]+)" data-key="([^"]+)"', text):
                values.setdefault(key, set()).add(float(value))
    assert values
    assert [key for key, found in values.items() if len(found) > 1] == []


def test_a_note_on_surrogate_data_leaves_the_numbers_before_it_alone() -> None:
    """They are elements with keys still, and not the text of their tags."""
    result = asked("chapter")
    assert result.dataset is not None
    made_up = replace(result, dataset=replace(result.dataset, source="surrogate"))
    for before, after in zip(figures(result, "one"), figures(made_up, "one"), strict=True):
        assert after.words.caption.startswith(before.words.caption + " Surrogate data: made up")
        assert "<data" not in plain(after.words.caption)


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
    first = some(result.records[0].outcome)
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
@pytest.mark.parametrize(
    "change", [one_seed, without_moments, first_diverges, all_diverge, one_process_lacks_runs]
)
@pytest.mark.parametrize("name", list(ASKED)[3:])
def test_unusual_results_are_shown(name: str, change: Callable[[Result], Result]) -> None:
    """Less than the usual, or worse, still gives figures whose words hold."""
    drawn = figures(change(asked(name)), "one")
    assert drawn
    for figure in drawn:
        whole(figure)


@pytest.mark.parametrize("name", ["chapter", "listed", "stability", "optimizer", "schedule"])
def test_a_run_that_diverged_at_once_shows_no_loss_and_is_never_best(name: str) -> None:
    """Its untrained loss is all that is known of it: that is no loss at the end, however low."""
    result = first_diverges(asked(name))
    label = str(_runs(result)[0].labels["run"])
    result = each_run(
        result, lambda run: replace(run, loss=[0.2418]) if run.labels["run"] == label else run
    )
    (case,) = cases(result, "one")
    every = [case.nearest, case.soonest, case.fastest]
    assert label not in {best.run.name for best in every if best}
    drawn = figures(result, "one")
    for figure in drawn:
        whole(figure)
        cells = row(figure.table, label)
        assert cells.get("loss at the end", "diverged") == "diverged"
        assert cells.get("above the optimum", NONE) == cells.get(case.height, NONE) == NONE
    told = " ".join(said(figure)["caption"] for figure in drawn)
    assert (f"{label} diverged" in told) or name in {"listed", "optimizer"}


def test_a_run_of_which_one_seed_diverged_is_not_best() -> None:
    """The seeds that are left tell where these end, and not where the run does."""
    result = asked("schedule")

    def change(run: TrainingRun) -> TrainingRun:
        lost = run.labels["run"] == "cosine" and run.seed == 0
        return replace(run, diverged=True) if lost else run

    before = words_of(result, "schedule")["title"]
    after = only(figures(each_run(result, change), "one"), "schedule")
    assert "osine" in before
    assert "osine" not in said(after)["title"]
    assert "cosine diverged in 1 of 3 seeds" in said(after)["caption"]


# Batch sizes


def test_returns_are_for_a_tenfold_batch_at_either_end() -> None:
    """By the model of time: 40 us an update and 0.2 us an example."""
    # Sizes 1 and 5 are as near to tenfold as there is no 10: in proportion, (40.2 / 41 * 5) ** (1 /
    # log10(5)) = 9.73. At the other end 100 and 1500: (60 / 340 * 15) ** (1 / log10(15)) = 2.29.
    found = {q.labels["batch_size"]: q for q in of_records(asked("sizes").records)}
    small, large = sizes.returns([found[size] for size in (1, 5, 100, 1500)])
    assert small.factor.value == pytest.approx(9.73, rel=0.05)
    assert large.factor.value == pytest.approx(2.29, rel=0.05)
    words = said(only(drawn_of("sizes"), "batch_size"))
    assert "The returns diminish" in words["explanation"]
    assert small.factor.low is not None


@pytest.mark.parametrize(
    ("example_s", "told"),
    [
        (lambda _: 1e-6, "shows no change"),
        (lambda size: 1e-4 / size, "10 times the examples per second at the small end, 10 times"),
    ],
    ids=["an example costs the same everywhere", "an update costs the same whatever it holds"],
)
def test_returns_that_do_not_diminish_are_not_said_to(
    example_s: Callable[[int], float], told: str
) -> None:
    """Where no size brings more, and where ten times the batch is ten times as fast throughout."""

    def timed(run: TrainingRun) -> TrainingRun:
        each = (1 + 0.01 * run.seed) * example_s(int(str(run.labels["batch_size"])))
        return replace(run, elapsed_s=[[each * n for n in run.examples]])

    words = words_of(each_run(asked("sizes"), timed), "batch_size")
    assert told in words["title"]
    assert "The returns diminish" not in words["explanation"]


def test_run_that_does_not_reach_the_target_is_shown_as_open() -> None:
    """It has a mark of its own, its share of seeds, and a time that it takes at least."""
    runs = [*ASKED["sizes"], {"run": "lazy", "batch_size": 50, "lr": 1e-4}]
    figure = only(figures(trained(runs), "one"), "target")
    assert "50 in 0 of 3 seeds, so it takes at least" in said(figure)["caption"]
    assert isinstance(figure.shape, Curves)
    (bound,) = [m for m in figure.shape.marks if isinstance(m, Points) and m.marker == "^"]
    assert 50 in bound.x
    assert 50 not in figure.shape.lines[0].x
    cells = row(figure.table, "50")
    assert cells["seeds that reach 0.25"] == "0 of 3"
    assert cells["milliseconds until then"].startswith("\N{GREATER-THAN OR EQUAL TO}")


def test_a_difference_without_an_interval_is_not_claimed() -> None:
    """One process with one seed and a single repeat has no interval to separate sizes."""
    result = each_run(
        one_seed(asked("sizes")), lambda run: replace(run, elapsed_s=run.elapsed_s[:1])
    )
    words = words_of(result, "target")
    assert "tied" in words["title"]
    assert "times as long" not in words["caption"]


# Stability


def test_runs_above_the_limit_are_named_with_where_they_turn() -> None:
    """Lr 1 lies above 2 / lambda_max = 0.953; 0.9 and the momentum run do not."""
    words = said(only(drawn_of("stability"), "stability"))
    assert words["title"].startswith("Above a learning rate of 0.953, ")
    assert re.search("a rate of 1 is .* above the optimum; ", words["title"])
    assert "A rate of 1: beyond the limit" in words["explanation"]
    assert "A rate of 0.9: the error along the slowest" in words["explanation"]
    # With momentum m the limit is (1 + m) times as high: 1.3 * 0.95307 = 1.239.
    assert "with its momentum the limit is 1.24" in words["explanation"]


def test_where_all_are_below_the_limit_none_is_named() -> None:
    """The title then only says which ends lowest."""
    runs = [{"run": f"lr {lr}", **FULL, "lr": lr} for lr in (0.3, 0.9)]
    words = words_of(trained(runs), "stability")
    assert "cannot settle" not in words["title"]
    assert "beyond the limit" not in words["explanation"]


# The grid


def test_cells_say_the_height_and_mark_divergence() -> None:
    """Nine pairs, of which lr 2.0 diverges for small batches: signs, not numbers."""
    figure = only(drawn_of("grid"), "grid")
    lost = sum(run.diverged for run in _runs(asked("grid")) if run.seed == 0)
    assert 0 < lost < 9
    assert isinstance(figure.shape, heatmap.HeatMap)
    assert [h for row in figure.shape.heights for h in row].count(None) == lost
    for svg in vars(drawing("g", "", figure.shape)).values():
        cells = re.findall(r">([\d.]+|\N{MULTIPLICATION SIGN})</text>", svg)
        assert cells.count(heatmap.DIVERGED) == lost
    assert f"{lost} of 9 pairs" in said(figure)["title"] + said(figure)["caption"]


def test_that_the_best_rate_grows_is_a_finding_only_where_the_seeds_show_it() -> None:
    """From one end to the other, and not where a rate may be the best of both."""
    runs = [
        {"run": f"{size}, {lr}", "batch_size": size, "lr": lr}
        for size, lr in itertools.product((1, 1500), (0.001, 0.9))
    ]
    title = said(only(figures(trained(runs, every=0), "one"), "grid"))["title"]
    assert re.search(r"rises with the batch: 0\.001 \(the lowest tried\) for single .* 0\.9", title)
    alone = one_seed(trained(runs, every=0))
    assert "rises" not in said(only(figures(alone, "one"), "grid"))["title"]


def test_limit_stands_between_the_rates_below_and_above_it() -> None:
    """0.95307 for the loss with 1/2; a rate for the loss without it is half as large."""
    runs = ASKED["grid"]
    assert sizes.limit(case_of(runs, every=0)) == pytest.approx(0.95307, abs=1e-4)
    halved = case_of([{**run, "loss": "mse"} for run in runs], every=0)
    assert sizes.limit(halved) == pytest.approx(0.95307 / 2, abs=1e-4)
    mixed = case_of([{**runs[0], "loss": "mse"}, *runs[1:]], every=0)
    assert sizes.limit(mixed) is None


def test_shades_go_in_equal_factors_from_lowest_to_highest() -> None:
    """Edges 1, 10, 100, 1000: a height takes the first shade whose edge is not below it."""
    edges = [1.0, 10.0, 100.0, 1000.0]
    assert [heatmap.shade(h, edges) for h in (0.1, 1.0, 5.0, 50.0, 500.0, 5000.0)] == [
        heatmap.SHADES[k] for k in (0, 0, 1, 2, 3, 4)
    ]


def test_seconds_of_a_grid_are_pooled_over_rates() -> None:
    """Three sizes, each with the samples of three rates."""
    found = of_records(asked("grid").records)
    pooled = by_batch_size(found)
    assert [q.labels["batch_size"] for q in pooled] == [10, 100, 1500]
    for one in pooled:
        same = [q for q in found if q.labels["batch_size"] == one.labels["batch_size"]]
        assert sum(map(len, one.groups)) == sum(len(group) for q in same for group in q.groups)


def test_an_incomplete_grid_is_no_heat_map() -> None:
    """One pair is missing; a single row or column is no grid either."""
    runs = [{"run": f"{b} {lr}", "batch_size": b, "lr": lr} for b in (500, 1500) for lr in (0.1, 1)]
    assert [case_of(runs[:k], every=0).is_grid for k in (4, 3, 2)] == [True, False, False]


# Loaders, implementations, schedules, sampling, copies, optimizers


def test_a_loaders_share_is_what_is_gone_without_it() -> None:
    """By the model 8 us of 8 + 4 an example are the loader's, and 0.2 are left: 7.8 / 12 = 65 %."""
    words = said(only(drawn_of("loader"), "loader"))
    assert re.search(r"The loader takes (64|65) % of an epoch of a", words["title"])
    assert re.search(r"adds (7\.[789]|8\.[01])\d µs per example with a", words["explanation"])


def test_versions_on_one_path_are_said_to_be() -> None:
    """The curves coincide, so that no drawing of them is needed; the losses stand in the table."""
    figure = only(drawn_of("implementation"), "implementation")
    assert "their losses do not differ" in said(figure)["explanation"]
    cells = row(figure.table, "a")
    assert cells["loss at the end, scratch"] == cells["loss at the end, concise"] != ""
    assert float(cells["concise / scratch"]) > 1.1


def test_a_schedule_is_compared_with_the_constant_rate_by_seed() -> None:
    """The ratio is the one of the two heights at the end; it stands in the title where it holds."""
    case = case_of(ASKED["schedule"], seeds=6)
    base = next(run for run in case.runs if run.name == "constant")
    best = some(case.nearest)
    gained = some(case.above(best.run, base))
    assert gained.replicates == 6
    title = words_of(case.result, "schedule")["title"]
    told = "of a constant rate\N{RIGHT SINGLE QUOTATION MARK}s loss above the optimum" in title
    assert told == gained.excludes(1)


def test_same_runs_are_not_said_to_differ() -> None:
    """A schedule that is the constant rate under another name, and sampling that is the same."""
    twins = trained([{"run": "a"}, {"run": "b"}])

    def renamed(**labels: Any) -> Result:
        def change(run: TrainingRun) -> TrainingRun:
            other = labels if run.labels["run"] == "b" else {}
            return replace(run, labels={**run.labels, **other})

        return each_run(twins, change)

    title = words_of(renamed(schedule="cosine"), "schedule")["title"]
    assert title.startswith(("3 seeds do not show", "No schedule ends lower"))
    title = words_of(renamed(sampling="replacement"), "sampling")["title"]
    assert "3 seeds show no difference" in title
    assert title.endswith("ratio 1.00")


def test_copies_leave_full_batches_where_they_were() -> None:
    """The mean gradient of all rows does not change; an epoch of copies takes longer."""
    case = case_of(ASKED["copies"], seeds=5)
    (full, small) = pairs_of_copies(case)
    same, further = case.after(*full), case.after(*small)
    assert same is not None
    assert same.value == pytest.approx(1, abs=1e-6)
    # Twice the updates: after 2 epochs of 15 updates batch 100 is still on its way down.
    assert further is not None
    assert further.value < 0.7
    assert differ({full[0]: same, small[0]: further}) == ([small[0]], [full[0]])
    # After as many updates there is nothing to tell: 30 of the one, 30 of the other.
    alike = some(case.after_updates(*small))
    assert not alike.excludes(1)
    expected = ratio(case.excess(small[1], 1), case.excess(small[0], 2))
    assert alike.value == pytest.approx(expected.value)
    figure = only(figures(case.result, "one"), "copies")
    title = said(figure)["title"]
    assert "batch 100 ends at" in title
    assert "no difference is shown for GD" in title
    assert isinstance(figure.shape, Curves)
    assert [line.hollow for line in figure.shape.lines] == [False, True, False, True]
    # By what they are, full batches and batches of 100, as on every other page.
    assert [line.index for line in figure.shape.lines] == [0, 0, 2, 2]


def test_optimizer_that_never_gets_there_is_not_left_out() -> None:
    """It stands in its row with a mark that points on, and in the words."""
    figure = only(drawn_of("optimizer"), "optimizer")
    words = said(figure)
    assert "late in 0 of 3 seeds, so it takes at least" in words["caption"]
    assert isinstance(figure.shape, Dots)
    reached, bound = figure.shape.rows
    late = figure.shape.labels.index("late")
    assert (reached.values[late], bound.marker) == (None, ">")
    assert [k for k, value in enumerate(bound.values) if value is not None] == [late]
    # By the model of time an update costs 40 us, 60 us and 90 us, and 2 us for ten examples.
    assert re.search(r"late takes 1\.[45]\d .* as long, 2\d", words["explanation"])
    assert re.search(r"Adam takes 2\.\d.* as long, 5\d", words["explanation"])


def test_same_path_in_two_implementations_is_said_to_be_one() -> None:
    """Steps of 0.05 for the loss with 1/2, and of 0.025 for that without it."""
    words = said(only(drawn_of("listed"), "listed"))
    assert (
        "From scratch and same path take the same steps; their losses do not differ"
        in (words["explanation"])
    )
    assert "as listed take the same steps" not in words["explanation"]


# Top of the page, method, several machines


def test_best_batch_size_is_a_headline() -> None:
    """The card names the size that the figure names, and how long it takes."""
    result = asked("sizes")
    card = TRAINING.cards(result)[-1]
    assert card.label == "best batch size for a loss of 0.25, without loader"
    title = said(only(drawn_of("sizes"), "target"))["title"]
    assert f"{card.value} and 100 reach a loss of 0.25 first" in title
    told = [plain(sentence) for sentence in TRAINING.sentences(result)]
    assert any(f"{card.value} and batch 100 reach a loss of 0.25 first" in each for each in told)


def test_headlines_are_of_the_experiment_that_compares_a_few_sizes() -> None:
    """Not of a grid that stands before it, nor of a sweep."""
    parts = {name: asked(name) for name in ("grid", "sizes", "chapter")}
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
    chapter, sweep = chapters(result), sweep_of(result)
    assert chapter is not None
    assert sweep is not None
    assert (chapter.name, sweep.name) == ("chapter-pytorch", "sizes-pytorch")


def test_method_tells_of_draws_copies_and_points() -> None:
    """What holds of all runs is not said of some of them."""

    def method(name: str) -> str:
        return " ".join(map(plain, TRAINING.method(asked(name).records)))

    assert "permutation, or examples drawn with replacement" in method("sampling")
    assert "every 200 examples and after each epoch" in method("sampling")
    assert "the same fresh permutation." in method("grid")
    assert "evaluated after each epoch" in method("grid")
    assert "more than once have their own" in method("copies")


COMPARED = {
    "chapter": ["compare-one-seconds"],
    "implementation": ["compare-one-implementations"],
    "sizes": ["compare-one-seconds", "compare-one-time"],
    "grid": ["compare-one-seconds", "compare-one-time"],
}
"""Where two batch sizes are no curve, and seconds per epoch say it all, nothing else is drawn."""


@pytest.mark.parametrize("name", ASKED)
def test_machines_are_compared(name: str) -> None:
    """Seconds per epoch of every run, of a grid for every batch size, and how much longer."""
    here = asked(name)

    def slower(run: TrainingRun) -> TrainingRun:
        return replace(run, elapsed_s=[[2 * each for each in times] for times in run.elapsed_s])

    there = each_run(replace(here, machine=replace(here.machine, id="another")), slower)
    drawn = overlay([here, there], "one")
    assert [figure.name for figure in drawn] == COMPARED.get(name, ["compare-one-seconds"])
    for figure in drawn:
        whole(figure)
        heads = " ".join([*figure.table.header, *(str(row[0]) for row in figure.table.rows)])
        assert here.machine.id in heads
        assert "another" in heads
    if name != "implementation":
        title = said(drawn[0])["title"]
        assert title.startswith("An epoch takes 2.0 times as long on another as on ")
        rows = {"grid": 3}.get(name, len(ASKED[name]))
        measured = [each for row in drawn[0].table.rows for each in row[1:]]
        assert len(measured) == rows * 2


def test_machines_of_one_speed_show_no_difference() -> None:
    """The interval of the average holds 1, so that no machine is called faster."""
    here = asked("sizes")
    there = replace(here, machine=replace(here.machine, id="another"))
    for figure in overlay([here, there], "one"):
        assert "no difference is shown" in said(figure)["title"].lower()


def test_a_ratio_that_the_interval_does_not_show_is_no_part_of_a_title() -> None:
    """Concise is 1.5 times as slow here; there a fifth either way, too wide for "no difference"."""

    def timed(factor: Callable[[TrainingRun], float]) -> Callable[[TrainingRun], TrainingRun]:
        def change(run: TrainingRun) -> TrainingRun:
            scratch = run.labels["implementation"] == "scratch"
            each = 1e-6 * (1.0 if scratch else factor(run)) * (1 + 0.001 * run.seed)
            return replace(run, elapsed_s=[[each * n for n in run.examples]] * 3)

        return change

    here = each_run(asked("implementation"), timed(lambda _: 1.5))
    there = each_run(asked("implementation"), timed(lambda run: (0.8, 1.25)[run.seed % 2]))
    there = replace(there, machine=replace(there.machine, id="another"))
    (figure,) = overlay([here, there], "one")
    title = said(figure)["title"]
    assert title.startswith("The concise version takes 1.50 times as long as the one from scratch")
    assert title.endswith("on another the interval is too wide to tell")
    (figure,) = overlay([there, replace(there, machine=here.machine)], "one")
    assert "times" not in said(figure)["title"]


def _runs(result: Result) -> list[TrainingRun]:
    return [run for r in result.records for run in (r.outcome.runs if r.outcome else ())]
