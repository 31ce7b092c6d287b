"""Two results side by side: rows, the common factor, noise, and what one side lacks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from report.comparing.comparison import compare, names_of
from report.results.runs import together
from report.text.names import series_name
from report.worker.records import Probe
from results_factory import each_outcome, only

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.results.result import Record, Result
    from report.worker.records import Outcome, Series

    Made = Callable[..., Result]

NAMES = ("block-width", "overhead", "memory", "chapter-training")


def slowed(result: Result, factor: float, experiment: str | None = None) -> Result:
    """Return a result all of whose timed series, or those of one experiment, took longer."""

    def change(outcome: Outcome, _: Record) -> Outcome:
        series = [
            replace(
                one,
                timing=replace(
                    one.timing, elapsed_s=[factor * each for each in one.timing.elapsed_s]
                ),
            )
            if one.timing
            else one
            for one in outcome.series
        ]
        return replace(outcome, series=series)

    return each_outcome(result, change, experiment)


@pytest.fixture(name="both", scope="module")
def two_runs(make_result: Made) -> tuple[Result, Result]:
    """Return two machines of the same speed."""
    return only(make_result("a"), *NAMES), only(make_result("b"), *NAMES)


def test_equal_machines_are_not_told_apart(both: tuple[Result, Result]) -> None:
    """No row says faster or slower, and each says from where on it would have."""
    rows = compare(*both).rows
    assert len(rows) > 30
    assert {row.verdict.word for row in rows if row.verdict} <= {"undecided", "the same"}
    assert all(row.smallest and 1.1 < row.smallest < 2 for row in rows)


def test_verdicts_are_mirrored(both: tuple[Result, Result]) -> None:
    """What is faster one way is slower the other, with reciprocal ends."""
    one, other = both[0], slowed(both[1], 1.6)
    there, back = (compare(*pair).rows for pair in ((one, other), (other, one)))
    mirrored = {"faster": "slower", "slower": "faster"}
    for row, turned in zip(there, back, strict=True):
        assert row.ratio is not None
        assert turned.ratio is not None
        assert row.verdict is not None
        assert turned.verdict is not None
        assert turned.verdict.word == mirrored.get(row.verdict.word, row.verdict.word)
        assert row.ratio.value == pytest.approx(1 / turned.ratio.value)
        assert row.ratio.low == pytest.approx(1 / (turned.ratio.high or 0))


def test_what_all_rows_share_is_told_apart_from_what_one_changed(
    both: tuple[Result, Result],
) -> None:
    """All take 1.6 times as long and calls 2.4 times: beside the factor only calls differ."""
    other = slowed(slowed(both[1], 1.6), 1.5, "overhead")
    compared = compare(both[0], other)
    assert compared.common is not None
    timed = [row for row in compared.rows if row.first.kind != "training"]
    assert compared.common.value == pytest.approx(1 / 1.6, rel=0.05)
    for row in timed:
        assert row.verdict is not None
        assert row.relative is not None
        assert row.verdict.word == "slower"
        called = row.first.kind == "overhead"
        assert (row.relative.word == "slower") == called, row.what


def test_beside_the_common_factor_less_shows(both: tuple[Result, Result]) -> None:
    """A row's interval is narrower there, for what runs share is no part of its variance."""
    widths = [
        (
            (row.beside.high or 0) / (row.beside.low or 1),
            (row.ratio.high or 0) / (row.ratio.low or 1),
        )
        for row in compare(*both).rows
        if row.beside and row.ratio
    ]
    assert widths
    assert all(beside < plain for beside, plain in widths)


def test_rows_of_a_noisy_machine_are_shown_and_not_judged(both: tuple[Result, Result]) -> None:
    """On either side; the reason says what was seen, and the ratio stands all the same."""
    loaded = [
        replace(one, conditions=replace(one.conditions, other_cores=22.0))
        if one.conditions and one.experiment == "overhead"
        else one
        for one in both[1].records
    ]
    noisy = replace(both[1], records=loaded)
    for compared in (compare(both[0], noisy), compare(noisy, both[0])):
        for row in compared.rows:
            assert (row.verdict is None) == (row.first.experiment == "overhead")
            assert row.ratio is not None
            assert bool(row.reason) == (row.verdict is None)
        assert any("noisy" in why for why in compared.gate.because)
        assert "not judged" in compared.counts()


def test_runs_in_different_states_of_one_machine_are_not_judged(
    both: tuple[Result, Result],
) -> None:
    """Its probes say that it was another machine then: what else changed cannot be told."""
    first, second = both
    slow = [Probe(name="hash", seconds=[1.2e-3])]
    usual = [Probe(name="hash", seconds=[1e-3])]

    def met(result: Result, probes: list[Probe]) -> Result:
        return replace(
            result,
            machine=first.machine,
            records=[
                replace(r, conditions=replace(seen, probes_before=probes, probes_after=probes))
                for r in result.records
                if (seen := r.conditions) is not None
            ],
        )

    second = replace(second, started_at="2026-05-06T07:08:09Z")
    other = compare(met(first, usual), met(second, slow))
    assert other.gate.answer == "no"
    assert "20 % slower" in other.gate.because[0]
    assert all(row.verdict is None and row.reason for row in other.rows)
    alike = compare(met(first, usual), met(second, usual))
    assert any(row.verdict for row in alike.rows)
    # Copying scatters more from run to run than it tells of their times.
    copies = [[*usual, Probe(name="copy", seconds=[seconds])] for seconds in (1.0, 1.2)]
    scattered = compare(met(first, copies[0]), met(second, copies[1]))
    assert any(row.verdict for row in scattered.rows)


def test_one_process_a_side_gives_no_verdict(both: tuple[Result, Result]) -> None:
    """One against one was called faster in half of the cases."""
    first, second = (
        replace(one, records=[record for record in one.records if record.process == 0])
        for one in both
    )
    compared = compare(first, second)
    assert compared.rows
    assert all(row.verdict is None and "single process" in row.reason for row in compared.rows)


def test_several_runs_are_not_said_to_be_one(make_result: Made) -> None:
    """Three runs a side on different days: a smaller difference shows, and no word of one run."""
    sides = []
    for name in ("a", "b"):
        days = [f"2026-01-0{day}T10:00:00Z" for day in (1, 2, 3)]
        runs = [only(make_result(name, started_at=day), *NAMES) for day in days]
        sides.append((runs[0], together(runs)))
    one, three = (compare(*pair) for pair in zip(*sides, strict=True))
    assert not any("run" in why for why in three.gate.because)
    pairs = list(zip(one.rows, three.rows, strict=True))
    assert all((b.smallest or 9) < (a.smallest or 0) for a, b in pairs)


def test_all_threads_are_the_same_work_on_more_cores(both: tuple[Result, Result]) -> None:
    """A product on all of two cores is compared with one on all of four, under its own name."""

    def more(outcome: Outcome, _: Record) -> Outcome:
        labelled = [
            replace(one, labels={**one.labels, "threads": 4}) if "threads" in one.labels else one
            for one in outcome.series
        ]
        return replace(outcome, series=labelled)

    wide = each_outcome(both[1], more)
    wide = replace(wide, records=[replace(one, threads=4) for one in wide.records])
    assert len(compare(both[0], wide).rows) == len(compare(*both).rows)
    narrow = replace(wide, records=[replace(one, threads=8) for one in wide.records])
    kinds = {row.first.kind for row in compare(both[0], narrow).rows}
    assert kinds == {"training"}  # four of eight threads are other work than all of two


def test_no_tf32_is_the_same_where_there_is_none(both: tuple[Result, Result]) -> None:
    """A processor knows no TF32, and an accelerator that does without it does the same work."""

    def without(outcome: Outcome, _: Record) -> Outcome:
        labelled: list[Series] = [
            replace(one, labels={**one.labels, "tf32": False}) if "tf32" in one.labels else one
            for one in outcome.series
        ]
        return replace(outcome, series=labelled)

    assert len(compare(both[0], each_outcome(both[1], without)).rows) == len(compare(*both).rows)


def test_tf32_is_named_where_products_differ_by_it() -> None:
    """As people call it, not by the value of a switch."""
    names = [
        series_name({"size": 64, "tf32": one}, ["size", "tf32"]) for one in (True, False, None)
    ]
    assert names == ["n = 64, TF32", "n = 64, no TF32", "n = 64"]


def test_what_one_side_lacks_is_listed_with_its_reason(both: tuple[Result, Result]) -> None:
    """A failure by its reason, an experiment that was not planned as not measured."""
    records = [
        replace(one, status="failed", reason="out of memory", outcome=None)
        if one.experiment == "memory"
        else one
        for one in both[1].records
    ]
    failed = replace(
        only(both[1], "memory"), records=[r for r in records if r.experiment == "memory"]
    )
    lacking = compare(both[0], failed).lacking
    assert {one.side for one in lacking} == {1}
    reasons = {one.experiment: one.reason for one in lacking}
    planned = both[0].config["experiments"]
    assert reasons[planned["memory"]["title"]] == "failed: out of memory"
    assert reasons[planned["overhead"]["title"]] == "not measured"
    counted = sum(one.count for one in lacking)
    assert counted == len(compare(*both).rows)


def test_what_was_measured_in_turns_is_paired(both: tuple[Result, Result]) -> None:
    """No variance between runs is in it: a tenth shows that two runs would hide."""
    pair = "6f0b5a1e-3c1d-4b7a-9e55-0d2f8c7a4b10"
    one = replace(both[0], pair=pair)
    # The same processes, each of which slows both sides alike.
    other = replace(slowed(both[0], 1.1), pair=pair, started_at="2026-01-02T03:04:06Z")
    apart = compare(both[0], slowed(both[1], 1.1))
    assert not [r for r in apart.rows if r.verdict and r.verdict.word == "slower"]
    compared = compare(one, other)
    assert compared.names == ("A", "B")
    assert compared.gate.answer == "yes"
    timed = [row for row in compared.rows if row.first.kind != "training"]
    assert {row.verdict.word for row in timed if row.verdict} == {"slower"}


def test_runs_of_one_machine_are_named_by_their_times(both: tuple[Result, Result]) -> None:
    """Its id alone would stand above both columns."""
    later = replace(both[0], started_at="2026-05-06T07:08:09Z")
    first, second = names_of((both[0], later))
    assert first != second
    assert both[0].machine.id in first
    assert names_of(both) == ("a", "b")
