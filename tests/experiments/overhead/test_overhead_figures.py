"""What is drawn and said of calls and updates, also where data are odd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from factories import overhead
from report.analysis.quantities import Question
from report.experiments.catalogue import LABELS
from report.experiments.overhead.comparisons import comparisons
from report.experiments.overhead.figures import figures
from report.experiments.overhead.headline import sentences
from report.experiments.overhead.kind import OVERHEAD
from report.experiments.overhead.method import method
from report.resources import templates
from report.results import store
from report.site.listing import listing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from report.figures.figure import Figure
    from report.results.result import Result

ADDS = {("add", "eager", n): 1e-6 + 1e-10 * n for n in (1, 10, 1000, 100_000, 1_000_000)}
EAGER = {("update", "eager", b): 80e-6 + 20e-9 * b for b in (1, 10, 100, 1500)}
COMPILED = {("update", "compiled", b): 160e-6 + 20e-9 * b for b in (1, 1500)}


@pytest.fixture(name="timed", scope="module")
def made_result() -> Callable[..., Result]:
    """Return a function that makes a result of given times; see `tests/factories/overhead.py`."""
    return overhead.timed


def by_question(result: Result) -> dict[str, Figure]:
    """Return the figures of the experiment by the question that they answer."""
    return {figure.question: figure for figure in figures(result, "one")}


def test_every_question_has_a_figure_its_text_and_its_code(timed: Callable[..., Result]) -> None:
    """And numbers to read and to download; the code is there to be shown."""
    drawn = by_question(timed(ADDS | EAGER | COMPILED))
    assert list(drawn) == ["dispatch", "update", "share", "throughput"]
    text = (templates() / "experiments" / "overhead.html").read_text(encoding="utf-8")
    for question, figure in drawn.items():
        assert f'question == "{question}"' in text
        assert figure.name == f"one-pytorch-{question}"
        assert {len(row) for row in figure.table.rows} == {len(figure.table.header)}
        assert {len(row) for row in figure.sheet.rows} == {len(figure.sheet.header)}
        code = listing("pytorch", figure.code)
        assert all(name.rpartition(".")[2] in code for name in figure.code)


def test_dispatch_is_the_shortest_addition_and_where_it_doubles(
    timed: Callable[..., Result],
) -> None:
    """1 µs and 0.1 ns an element: 10,000 elements take 2 µs.

    Read off between 1,000 (1.1 µs) and 100,000 (11 µs), on logarithms, it is
    1,000 x 100^(log(2.0002 / 1.1) / log(11 / 1.1)) = 3,308; a sweep this coarse gives no better.
    """
    figure = by_question(timed(ADDS, slowness=[1.0]))["dispatch"]
    assert figure.words.title == (
        "Adding one element takes 1.00 µs, and about 3,300 elements take twice that"
    )
    assert "1,000,000 elements: 101 µs" in figure.words.caption
    assert "9,900 million additions a second" in figure.words.caption


def test_a_call_that_never_doubles_is_not_said_to(timed: Callable[..., Result]) -> None:
    """Ten elements take as long as one."""
    result = timed({("add", "eager", n): 1e-6 for n in (1, 10)}, slowness=[1.0])
    title = by_question(result)["dispatch"].words.title
    assert title == "Adding one element takes 1.00 µs, and 10 elements less than twice that"


def test_updates_are_compared_where_the_interval_shows_it(timed: Callable[..., Result]) -> None:
    """110 against 80 µs is 1.37 times; the compiled one takes twice as long at batch 1."""
    words = by_question(timed(ADDS | EAGER | COMPILED))["update"].words
    assert (
        words.title
        == "An update with 1,500 examples takes 1.37 times as long as one with one example"
    )
    assert "Compiled, an update takes with one example 2.0" in words.explanation


def test_no_difference_is_claimed_that_the_intervals_do_not_show(
    timed: Callable[..., Result],
) -> None:
    """Two samples of one process have no interval: times are told, and none is called longer."""
    result = timed(EAGER | COMPILED, slowness=[1.0], samples=2)
    drawn = by_question(result)
    assert drawn["update"].words.title.startswith(
        "An update takes 80.0 µs with one example and 110 "
    )
    assert "no measurably different time" in drawn["update"].words.explanation
    assert drawn["throughput"].words.title.startswith("A batch of 1 handles 12,500 examples a sec")
    assert sentences(result) == ["An update with one example takes 80.0 µs."]


def test_shares_are_told_near_the_whole_too(timed: Callable[..., Result]) -> None:
    """80 of 80.02 µs is 99.975 %, which is not all; 80 of 110 µs is 72.7 %."""
    figure = by_question(timed(EAGER))["share"]
    assert figure.words.title == (
        "Of an update with one example, more than 99.9 % is not arithmetic; with 1,500 examples, "
        "73 %"
    )
    assert [cell if isinstance(cell, str) else cell.text for cell in figure.table.rows[-1]] == [
        "1,500",
        "112",
        "72.73",
    ]


def test_strict_shares_stand_on_the_measured_peak(make_result: Callable[..., Result]) -> None:
    """Beside the others where matrix products were measured: they leave nearly nothing."""
    result = make_result()
    figure = next(f for f in figures(result, "overhead") if f.question == "share")
    assert figure.table.header[-1] == "operations at the peak rate, %"
    strict = figure.sheet.header.index("not_operations_at_peak_rate")
    loose = figure.sheet.header.index("not_arithmetic")
    for row in figure.sheet.rows:
        assert float(str(row[loose])) <= float(str(row[strict])) < 1


def test_times_that_are_no_line_are_said_to_be_none(timed: Callable[..., Result]) -> None:
    """A time far off the fit makes the fixed part and the shares doubtful, in words."""
    drawn = by_question(timed(EAGER | {("update", "eager", 200): 9e-3}))
    assert "such a line describes these times badly" in drawn["update"].words.caption
    assert "These shares are rough" in drawn["share"].words.explanation


@pytest.mark.parametrize(
    ("times", "questions"),
    [
        (ADDS, ["dispatch"]),
        (EAGER, ["update", "share", "throughput"]),
        (COMPILED, ["update", "throughput"]),
        ({("update", "eager", 7): 1e-4}, ["update"]),
        ({("add", "eager", 5): 1e-6}, ["dispatch"]),
        ({("update", "eager", 1): 1e-4, ("update", "eager", 2): 9e-5}, ["update", "throughput"]),
        ({("update", "eager", b): 1e-4 / b for b in (1, 2, 3)}, ["update", "share", "throughput"]),
        ({("update", "eager", 4): 1e-4, ("update", "compiled", 9): 1e-4}, ["update"]),
        ({}, []),
    ],
)
@pytest.mark.parametrize(("slowness", "samples"), [([1.0], 1), ([1.0, 1.3], 13)])
def test_odd_data_are_drawn_as_far_as_they_go(
    timed: Callable[..., Result],
    times: dict[Any, float],
    questions: list[str],
    slowness: list[float],
    samples: int,
) -> None:
    """No compiled one, no eager one, a single size, falling times, one process, one sample."""
    result = timed(times, slowness=slowness, samples=samples)
    assert list(by_question(result)) == questions
    for figure in by_question(result).values():
        for words in (figure.words.title, figure.words.caption, figure.words.explanation):
            assert "nan" not in words
            assert "None" not in words
            assert "  " not in words
    assert OVERHEAD.cards(result) == []
    assert bool(method(result.of("one"))) == bool(times)
    machines = [result, timed(times, machine_id="other-machine", slowness=slowness)]
    assert len(comparisons(machines, "one")) <= 2


def test_machines_are_compared_by_call_and_by_update(timed: Callable[..., Result]) -> None:
    """The slow one takes three times as long; at sizes that both have."""
    slow = {key: 3 * seconds for key, seconds in (ADDS | EAGER).items()}
    slow.pop(("add", "eager", 10))
    both = [timed(ADDS | EAGER, machine_id="quick-one"), timed(slow, machine_id="slow-one")]
    dispatch, update = comparisons(both, "one")
    assert (dispatch.name, update.name) == ("compare-one-dispatch", "compare-one-update")
    assert dispatch.words.title == (
        "One addition of one element takes 3.0 times as long on slow-one as on quick-one"
    )
    assert "One update with one example takes 3.0 times" in update.words.title
    assert [row[0] for row in dispatch.table.rows] == ["1", "1,000", "100,000", "1,000,000"]
    same = [timed(ADDS, machine_id=name) for name in ("one-machine", "another")]
    assert comparisons(same, "one")[0].words.title.startswith("These runs show no difference")
    assert comparisons(both[:1], "one") == []


def test_claims_can_be_made_of_every_metric(timed: Callable[..., Result]) -> None:
    """Examples per second of updates only; an addition has none."""
    records = timed(ADDS | EAGER, slowness=[1.0]).of("one")
    result = timed(ADDS | EAGER, slowness=[1.0])
    assert set(OVERHEAD.metrics) == {"seconds", "flop_per_s", "examples_per_s"}
    seen = OVERHEAD.observe(result, records, Question(metric="examples_per_s"))
    assert [one.labels["size"] for one in seen] == [1, 10, 100, 1500]
    # 1,500 examples in 110 µs; 30 x 1,500 + 13 operations.
    assert seen[-1].examples_per_s().value == pytest.approx(1500 / 110e-6)
    assert seen[-1].rate().value == pytest.approx(45_013 / 110e-6)
    assert len(OVERHEAD.observe(result, records, Question(metric="seconds"))) == 9


def test_results_keep_what_was_measured(timed: Callable[..., Result], tmp_path: Path) -> None:
    """The labels are those that result files are held to when they are read."""
    result = timed(ADDS | EAGER | COMPILED)
    assert store.load(store.save(result, tmp_path), LABELS).records == result.records
