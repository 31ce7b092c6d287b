"""Before any number: what differs, of which sort, and whether results can be compared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from report.comparing.comparison import Comparison, compare
from report.comparing.gate import differences
from results_factory import only

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.results.result import Result

    Made = Callable[..., Result]

NAMES = ("block-width", "chapter-training")


@pytest.fixture(name="left")
def left_result(make_result: Made) -> Result:
    """Return what the other side is made from."""
    return only(make_result("a"), *NAMES)


@pytest.fixture(name="right")
def right_result(make_result: Made) -> Result:
    """Return another machine with the same hardware, versions and settings."""
    return only(make_result("b"), *NAMES)


def planned(result: Result, name: str, **changes: Any) -> Result:
    """Return a result one of whose experiments had other keys, or settings."""
    experiment = result.config["experiments"][name]
    settings = {k: v for k, v in changes.items() if k in experiment["settings"]}
    own = {k: v for k, v in changes.items() if k not in settings}
    changed = {**experiment, **own, "settings": {**experiment["settings"], **settings}}
    experiments = {**result.config["experiments"], name: changed}
    return replace(result, config={**result.config, "experiments": experiments})  # type: ignore[typeddict-item]


def barred(compared: Comparison) -> set[str]:
    """Return the kinds of the rows that are not of the same work."""
    return {row.first.kind for row in compared.rows if row.ratio is None}


def test_nothing_differs_between_equal_results(left: Result, right: Result) -> None:
    """The gate says that one run each leaves to be taken from elsewhere, and nothing more."""
    assert differences([left, right]) == []
    gate = compare(left, right).gate
    assert gate.answer == "with care"
    assert [why.partition(",")[0] for why in gate.because] == ["each side has a single run"]


def test_newer_code_is_compared_with_care(left: Result, right: Result) -> None:
    """It may measure more; what it timed as before is judged, and the code is named."""
    compared = compare(left, replace(right, code_hash="beef" * 16))
    assert (compared.gate.answer, barred(compared)) == ("with care", set())
    assert [name for name, _ in compared.gate.weighty] == ["Measuring code"]


def test_other_way_of_measuring_is_other_work(left: Result, right: Result) -> None:
    """It covers all that is timed: no row is judged, but across versions, which is then said."""
    right = replace(right, method=2)
    compared = compare(left, right)
    assert compared.gate.answer == "no"
    assert "way of measuring" in compared.gate.because[0]
    assert barred(compared) == {"matmul", "training"}
    assert all(row.verdict is None for row in compared.rows)
    across = compare(left, right, across_versions=True)
    assert (across.gate.answer, barred(across)) == ("with care", set())
    assert any("different code" in why for why in across.gate.because)


@pytest.mark.parametrize(
    "change",
    [
        lambda r: replace(r, dataset=replace(r.dataset, source="surrogate", sha1=None)),
        lambda r: replace(r, dataset=replace(r.dataset, sha1="0" * 40)),
        lambda r: replace(r, config={**r.config, "examples": 750}),
        lambda r: planned(r, "chapter-training", dtype="float64"),
        lambda r: planned(r, "chapter-training", evaluate="epochs"),
    ],
    ids=["surrogate", "another file", "fewer examples", "another dtype", "another evaluation"],
)
def test_other_data_or_work_bars_what_depends_on_it(
    left: Result, right: Result, change: Callable[[Result], Result]
) -> None:
    """Training is not compared then, with the reason beside each row; products are."""
    compared = compare(left, change(right))
    assert barred(compared) == {"training"}
    assert compared.gate.answer == "with care"
    reasons = {row.reason for row in compared.rows if row.ratio is None}
    assert len(reasons) == 1
    assert "differs" in reasons.pop()
    assert any(row.verdict for row in compared.rows)


@pytest.mark.parametrize(
    "change",
    [
        lambda r: planned(r, "block-width", budget_s=77.0, timeout_s=9.0, title="Other"),
        lambda r: planned(r, "block-width", processes=9, repeats=5, seeds=2),
        lambda r: planned(r, "block-width", block_width=[1, 2]),
        lambda r: replace(r, profile="full", config={**r.config, "seed": 5}),
        lambda r: replace(r, config_hash="1" * 64),
    ],
    ids=["budgets and titles", "processes", "other widths", "profile and seed", "hash of the plan"],
)
def test_what_decides_no_time_has_no_weight(
    left: Result, right: Result, change: Callable[[Result], Result]
) -> None:
    """Rows are judged, and the answer is as it was; the difference is told apart."""
    gate = compare(left, change(right)).gate
    assert gate.because == compare(left, right).gate.because
    assert gate.weighty == []
    assert all(one.sort == "weightless" for one in gate.differences)


@pytest.mark.parametrize(
    ("change", "sort"),
    [
        (lambda r: {"machine": replace(r.machine, memory_bytes=2**36)}, "hardware"),
        (lambda r: _environment(r, versions={"torch": "9.9"}), "software"),
        (lambda r: _environment(r, steering={"MKL_CBWR": "COMPATIBLE"}), "variables"),
        (lambda r: {"records": [replace(one, device="cuda:0") for one in r.records]}, "device"),
        (lambda r: {"records": [replace(one, threads=9) for one in r.records]}, "device"),
    ],
    ids=["hardware", "version", "variable", "device", "threads"],
)
def test_the_subject_of_a_comparison_is_named_and_bars_nothing(
    left: Result, right: Result, change: Callable[[Result], dict[str, Any]], sort: str
) -> None:
    """A processor, a version, a variable, a device or threads are what one compares."""
    compared = compare(left, replace(right, **change(right)))
    assert {one.sort for one in compared.gate.differences} == {sort}
    assert compared.gate.weighty
    assert barred(compared) == set()


def _environment(result: Result, **changes: Any) -> dict[str, Any]:
    changed = replace(result.environments["pytorch"], **changes)
    return {"environments": {"pytorch": changed}}


def test_two_subjects_at_once_call_for_care(left: Result, right: Result) -> None:
    """With another machine and another version, a ratio tells of neither alone."""
    machine = replace(right.machine, memory_bytes=2**36)
    both = replace(right, machine=machine, **_environment(right, versions={"torch": "9.9"}))
    assert any("hardware and software" in why for why in compare(left, both).gate.because)


def test_nothing_in_common_may_not_be_compared(make_result: Made) -> None:
    """Each did another experiment: no, and no rows; what each lacks is listed."""
    compared = compare(only(make_result("a"), "memory"), only(make_result("b"), "overhead"))
    assert (compared.gate.answer, compared.rows) == ("no", [])
    assert {one.side for one in compared.lacking} == {0, 1}
