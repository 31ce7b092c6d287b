"""What is drawn and said of calls and updates, also where data are odd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from factories.overhead import timed
from reading import column, curves, said, whole
from report.analysis.quantities import Question, ratio
from report.experiments.kind import Overlay, Subject
from report.experiments.overhead.kind import OVERHEAD
from report.experiments.overhead.quantities import calls, name_call, of_records
from report.figures.prose import digest, plain
from report.figures.shapes import Dots, Reference, Upright
from report.site.repeating import Listings
from report.text.numerals import NONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.experiments.kind import Noun
    from report.figures.figure import Figure
    from report.results.result import Result

ADDS = {("add", "eager", n): 1e-6 + 1e-10 * n for n in (1, 10, 1000, 100_000, 1_000_000)}
EAGER = {("update", "eager", b): 80e-6 + 20e-9 * b for b in (1, 10, 100, 1500)}
COMPILED = {("update", "compiled", b): 160e-6 + 20e-9 * b for b in (1, 1500)}


def by_question(result: Result) -> dict[str, Figure]:
    """Return the figures of the experiment by the question that they answer."""
    return {figure.question: figure for figure in OVERHEAD.figures(result, "one")}


def overlaid(*results: Result, floor: int | None = None) -> list[Figure]:
    """Return results on the same axes, as machines; as frameworks where one is the floor."""
    subjects = [
        Subject(name=one.machine.id, index=k, result=one, backend="pytorch", floor=k == floor)
        for k, one in enumerate(results)
    ]
    noun: Noun = "machine" if floor is None else "framework"
    return OVERHEAD.overlay(Overlay(noun=noun, experiment="one", subjects=subjects))


def test_every_question_has_a_figure_its_text_and_its_code() -> None:
    """And numbers to read and to download; the code is there to be shown."""
    drawn = by_question(timed(ADDS | EAGER | COMPILED))
    assert list(drawn) == ["dispatch", "update"]
    for question, figure in drawn.items():
        assert figure.name == f"one-pytorch-{question}"
        assert figure.words.asked
        assert figure.words.explanation
        whole(figure)
        code = Listings()
        assert code.add("", ["pytorch"], figure.code)
        listed = {one.name for one in code.every.values()}
        assert listed == {name.rpartition(".")[2] for name in figure.code}


def test_dispatch_is_the_shortest_addition_and_where_it_doubles() -> None:
    """1 µs and 0.1 ns an element: read off a sweep this coarse, 3,308 elements take 2 µs."""
    # A million take 101 µs, 0.101 ns each: the shortest call costs as much as 9,900 additions.
    figure = by_question(timed(ADDS, slowness=[1.0]))["dispatch"]
    assert plain(figure.words.title) == (
        "Adding 1 element takes 1.00 µs; about 3,310 elements take twice that"
    )
    assert "9.90 GFLOPS" in plain(figure.words.caption)
    assert "costs as much as 9,900 additions" in plain(figure.words.explanation)
    floor, twice = curves(figure).marks
    assert isinstance(floor, Reference)
    assert isinstance(twice, Upright)
    assert (floor.y, twice.x) == pytest.approx((1.0001e-6, 3308), rel=1e-3)
    assert column(figure.table, "times the shortest")["1,000,000"] == "101"


def test_a_call_that_never_doubles_is_not_said_to() -> None:
    """Ten elements take as long as one."""
    result = timed({("add", "eager", n): 1e-6 for n in (1, 10)}, slowness=[1.0])
    figure = by_question(result)["dispatch"]
    assert "10 elements less than twice that" in figure.words.title
    assert not any(isinstance(mark, Upright) for mark in curves(figure).marks)


def test_an_update_is_told_with_what_it_is_made_of() -> None:
    """110 against 80.02 µs is 1.37 times; 30 of 110 grow, 27.3 %; from 1 to 10 all but double."""
    # 30 b + 13 operations, 45,013 of them in 110 µs; 1,500 examples in 110 µs are 13.6 million a
    # second, and no batch could bring more than one each 20 ns, 50 million.
    result = timed(EAGER | COMPILED, slowness=[1.0])
    figure = by_question(result)["update"]
    words, table = figure.words, figure.table
    assert "1,500 examples takes 1.37 times as long as one with 1 example" in plain(words.title)
    assert "a straight-line fit gives 80.0 µs plus 20.0" in plain(words.caption)
    explanation = plain(words.explanation)
    assert "27.3 % of one with 1,500 examples" in explanation
    assert "multiplied per doubling by 1.86 from 100 to 1,500." in explanation
    assert "no more than 50.0 million" in explanation
    assert "takes 2.00 times as long with 1 example" in explanation
    assert column(table, "grows with the batch, %")["1,500"] == "27.3"
    assert column(table, "eager, thousand examples/s")["1,500"] == "13,600"
    assert column(table, "compiled / eager") == {
        "1": "2.00",
        "10": NONE,
        "100": NONE,
        "1,500": "1.73",
    }
    assert [(one.name, one.index) for one in curves(figure).lines] == [
        ("eager", 0),
        ("compiled", 1),
    ]


def test_numbers_carry_the_key_of_their_estimate() -> None:
    """The ratio in the title is the one that the quantities give, paired."""
    result = timed(EAGER)
    line = calls(of_records(result.of("one"), result.run))["eager"]
    key = digest(ratio(line[1500], line[1]).key)
    assert f'data-key="{key}"' in by_question(result)["update"].words.title


def test_no_difference_is_claimed_that_the_intervals_do_not_show() -> None:
    """Two samples of one process have no interval: times are told, and none is called longer."""
    result = timed(EAGER | COMPILED, slowness=[1.0], samples=2)
    words = by_question(result)["update"].words
    assert "times as long" not in words.title
    assert "takes about as long" in words.explanation


def test_strict_shares_stand_on_the_measured_peak(make_result: Callable[..., Result]) -> None:
    """Where matrix products were measured: operations at their rate take less than what grows."""
    figure = next(f for f in OVERHEAD.figures(make_result(), "overhead") if f.question == "update")
    strict = column(figure.table, "operations at the peak rate, %")
    growing = column(figure.table, "grows with the batch, %")
    for size, share in strict.items():
        assert 0 < float(share) < float(growing[size])


@pytest.mark.parametrize(("off", "rough"), [(1.2, False), (90.0, True)])
def test_times_that_are_no_line_are_said_to_be_none(
    off: float,
    rough: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    """A time far off the fit makes the fixed part and the shares doubtful, in words."""
    words = by_question(timed(EAGER | {("update", "eager", 200): off * 84e-6}))["update"].words
    assert ("describes the times badly" in words.caption) is rough
    assert ("roughly" in words.explanation) is rough
    assert ("However large the batch" in words.explanation) is not rough


@pytest.mark.parametrize(
    ("times", "questions"),
    [
        (ADDS, ["dispatch"]),
        (EAGER, ["update"]),
        (COMPILED, ["update"]),
        ({("update", "eager", 7): 1e-4}, ["update"]),
        ({("add", "eager", 5): 1e-6}, ["dispatch"]),
        ({("update", "eager", 1): 1e-4, ("update", "eager", 2): 9e-5}, ["update"]),
        ({("update", "eager", b): 1e-4 / b for b in (1, 2, 3)}, ["update"]),
        ({("update", "eager", 4): 1e-4, ("update", "compiled", 9): 1e-4}, ["update"]),
        ({}, []),
    ],
)
@pytest.mark.parametrize(("slowness", "samples"), [([1.0], 1), ([1.0, 1.3], 13)])
def test_odd_data_are_drawn_as_far_as_they_go(
    times: dict[Any, float], questions: list[str], slowness: list[float], samples: int
) -> None:
    """No compiled one, no eager one, a single size, falling times, one process, one sample."""
    result = timed(times, slowness=slowness, samples=samples)
    other = timed(times, machine_id="other-machine", slowness=slowness, samples=samples)
    both = overlaid(result, other)
    assert list(by_question(result)) == questions
    assert len(both) == bool(times)
    for figure in [*by_question(result).values(), *both]:
        whole(figure)
    assert bool(OVERHEAD.method(result.of("one"))) == bool(times)


def test_machines_are_compared_by_their_shortest_calls() -> None:
    """The slow one takes three times as long; of the fewest elements that both have."""
    slow = {key: 3 * seconds for key, seconds in (ADDS | EAGER).items() if key[2] > 1}
    both = [timed(ADDS | EAGER, machine_id="quick-one"), timed(slow, machine_id="slow-one")]
    (figure,) = overlaid(*both)
    assert figure.name == "compare-one-calls"
    assert plain(figure.words.title) == (
        "Adding 10 elements takes 3.0 times as long on slow-one as on quick-one"
    )
    assert isinstance(figure.shape, Dots)
    assert figure.shape.labels == ("adding 10 elements", "update with 10 examples")
    assert column(figure.table, "update with 10 examples, µs") == {
        "quick-one": "81.8",
        "slow-one": "245",
    }
    best = [[cell.best for cell in row if not isinstance(cell, str)] for row in figure.table.rows]
    assert best == [[True, True], [False, False]]
    same = [timed(ADDS, machine_id=name) for name in ("one-machine", "another")]
    assert "No difference" in overlaid(*same)[0].words.title
    assert overlaid(both[0], timed({})) == []


def test_frameworks_are_held_to_the_floor() -> None:
    """80 µs as written are 8 times the floor's compiled 10 µs, which has no update as written."""
    floor = {("add", "eager", 1): 1e-7, ("update", "compiled", 1): 1e-5}
    every = [
        timed(ADDS | EAGER | COMPILED, machine_id="lead", slowness=[1.0]),
        timed(floor, machine_id="floor", slowness=[1.0]),
    ]
    (figure,) = overlaid(*every, floor=1)
    table = figure.table
    assert column(table, "update with 1 example, times the floor") == {
        "lead": "8.00",
        "floor": NONE,
    }
    assert column(table, "compiled update with 1 example, times the floor")["floor"] == "1"
    assert "takes 8.0 times as long" in plain(figure.words.explanation)
    assert "takes 2.00 times as long in lead" in plain(figure.words.explanation)


def test_updates_of_other_sizes_are_not_set_against_each_other() -> None:
    """Compiled for 9 examples only, an update is no measure of one with 1."""
    large = {("update", "compiled", 9): 1e-5}
    every = [
        timed(ADDS | EAGER | large, machine_id="lead", slowness=[1.0]),
        timed(ADDS | large, machine_id="floor", slowness=[1.0]),
    ]
    (figure,) = overlaid(*every, floor=1)
    assert "times as long" not in figure.words.explanation
    assert column(figure.table, "update with 1 example, times the floor")["lead"] == NONE


def test_claims_can_be_made_of_every_metric() -> None:
    """Examples per second of updates only; an addition has none. A CPU has no clock of its own."""
    result = timed(ADDS | EAGER, slowness=[1.0])
    records = result.of("one")
    metrics = {"seconds", "device_seconds", "flop_per_s", "examples_per_s"}
    assert set(OVERHEAD.metrics) == metrics
    assert OVERHEAD.observe(result, records, Question(metric="device_seconds")) == []
    seen = OVERHEAD.observe(result, records, Question(metric="examples_per_s"))
    assert [name_call(one) for one in seen] == [
        "update with 1 example",
        *(f"update with {n} examples" for n in ("10", "100", "1,500")),
    ]
    # 1,500 examples in 110 µs; 30 x 1,500 + 13 operations.
    assert seen[-1].examples_per_s().value == pytest.approx(1500 / 110e-6)
    assert seen[-1].rate().value == pytest.approx(45_013 / 110e-6)
    assert len(OVERHEAD.observe(result, records, Question(metric="seconds"))) == 9


def test_method_says_what_an_update_is() -> None:
    """Its features and operations, by number; what was compiled, only where something was."""
    whole = " ".join(map(plain, OVERHEAD.method(timed(ADDS | EAGER | COMPILED).of("one"))))
    assert "5 features" in whole
    assert "30 b + 13 operations" in whole
    assert "into a third that is kept" in whole
    assert "1.44 ms to" in whole  # nine times 160 µs, and the rest of 1 example
    few = " ".join(OVERHEAD.method(timed(EAGER).of("one")))
    assert "Compiling" not in few
    assert "Each addition" not in few


# --- on an accelerator, beside the CPU


def test_crossing_is_where_the_accelerator_is_faster_for_good() -> None:
    """At 100 the CPU is still faster, from 1,500 on it is not; what is between is not claimed."""
    cpu = {("update", "cpu", size): s for size, s in {10: 10e-6, 100: 60e-6, 1500: 500e-6}.items()}
    device = {("update", "eager", size): 100e-6 for size in (10, 100, 1500)}
    (figure,) = OVERHEAD.figures(timed(device | cpu), "one")
    caption = said(figure)["caption"]
    assert "From a batch of 1,500 on" in caption
    assert "up to 100, it is not" in caption
    assert column(figure.table, "CPU / accelerator")["1,500"] == "5.00"


@pytest.mark.parametrize(("cpu_s", "words"), [(1e-3, "at every batch"), (1e-6, "not faster")])
def test_accelerator_may_be_faster_everywhere_or_nowhere(cpu_s: float, words: str) -> None:
    """Both are told, and no batch is named from which on it would be."""
    sizes = (10, 100, 1500)
    times = {("update", "eager", size): 100e-6 for size in sizes}
    times |= {("update", "cpu", size): cpu_s for size in sizes}
    (figure,) = OVERHEAD.figures(timed(times), "one")
    assert words in said(figure)["caption"]
