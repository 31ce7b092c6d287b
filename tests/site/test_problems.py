"""What was skipped or failed, as a page lists it: each reason once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from report.site import problems
from report.worker.records import Outcome, Series

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.results.result import Record, Result


@pytest.fixture(name="result")
def made(make_result: Callable[..., Result]) -> Result:
    """Return a made-up result of two frameworks."""
    return make_result(frameworks=("pytorch", "numpy"))


def with_series(result: Result, labels: Sequence[dict[str, Any]], reason: str) -> Result:
    """Let NumPy skip these series of the first experiment in every process, and nothing else."""

    def changed(record: Record) -> Record:
        mine = (record.experiment, record.backend) == ("vectorization", "numpy")
        series = [Series(labels=each, status="skipped", reason=reason) for each in labels]
        return replace(record, status="ok", reason=None, outcome=Outcome(series=series * mine))

    return replace(result, records=[changed(record) for record in result.records])


def test_series_that_share_a_reason_are_one_entry(result: Result) -> None:
    """Seven sizes of two dtypes in three processes: 42 times the same is said once."""
    labels = [
        {"strategy": "full-out", "size": 2**k, "dtype": dtype, "tf32": None}
        for k in range(6, 13)
        for dtype in ("bfloat16", "float16")
    ]
    (found,) = problems.of_result(with_series(result, labels, "it has no such format"))
    assert found.what == (
        "Vectorization, NumPy: strategy full-out, size 64 to 4096, dtype bfloat16, float16 "
        "(in 3 processes)"
    )
    assert (found.status, found.reason) == ("skipped", "it has no such format")


def test_what_was_measured_is_not_among_what_was_skipped(result: Result) -> None:
    """Sizes and dtypes each listed by themselves would name 1,024 in float32 as well."""
    skipped = [(1024, "float16"), (1024, "bfloat16"), (2048, "float32"), (2048, "float16")]
    skipped += [(2048, "bfloat16")]
    labels = [{"size": size, "dtype": dtype} for size, dtype in skipped]
    (found,) = problems.of_result(with_series(result, labels, "it would take too long"))
    assert found.what == (
        "Vectorization, NumPy: size 1024, dtype float16, bfloat16; "
        "size 2048, dtype float32, float16, bfloat16 (in 3 processes)"
    )


def test_blocks_name_each_combination_once(result: Result) -> None:
    """Whatever is missing from the square, what is said is what was skipped, and all of it."""
    dtypes = ("a", "b", "c")
    every = [(size, dtype) for size in (1, 2, 3) for dtype in dtypes]
    for gap in range(len(every)):
        left = every[:gap] + every[gap + 1 + gap % 3 :]
        labels = [{"size": size, "dtype": dtype} for size, dtype in left]
        (found,) = problems.of_result(with_series(result, labels, "no"))
        told = []
        for block in found.what.partition(": ")[2].removesuffix(" (in 3 processes)").split("; "):
            sizes, _, names = block.removeprefix("size ").partition(", dtype ")
            told += [(int(n), name) for n in sizes.split(", ") for name in names.split(", ")]
        assert sorted(told) == sorted(left)


def test_span_leaves_out_nothing_that_was_measured(result: Result) -> None:
    """From 64 to 4096 would name 512, which has a number on the page."""
    sizes = [2**k for k in range(6, 13)]
    skipped = with_series(result, [{"size": size} for size in sizes], "no")
    for outcome in filter(None, (record.outcome for record in skipped.records)):
        for k, one in enumerate(outcome.series):
            if one.labels["size"] == 512:
                outcome.series[k] = replace(one, status="ok", reason=None)
    (found,) = problems.of_result(skipped)
    assert "size 64, 128, 256, 1024, 2048, 4096 " in found.what


def test_series_of_some_processes_is_told_from_one_of_all(result: Result) -> None:
    """A budget that is just enough lets two of three processes measure what the third skips."""
    skipped = with_series(result, [{"size": 64}, {"size": 128}], "no")
    first = next(r.outcome for r in skipped.records if r.outcome and r.outcome.series)
    first.series.pop()
    (found,) = problems.of_result(skipped)
    assert found.what.endswith(": size 64 (in 3 processes); size 128 (in 2 of 3 processes)")


def test_reasons_that_differ_in_numbers_only_are_one(result: Result) -> None:
    """Predicted seconds are never the same twice; those of other words stay apart."""
    skipped = with_series(result, [{"strategy": "full", "size": 64}], "")
    reasons = [f"it would take about {seconds} s" for seconds in ("3.2", "3.4", "2.9e+02")]
    outcomes = [r.outcome for r in skipped.records if r.outcome and r.outcome.series]
    for outcome, reason in zip(outcomes, reasons, strict=True):
        outcome.series[0] = replace(outcome.series[0], reason=reason)
    found = problems.of_result(skipped)
    assert [problem.reason for problem in found] == [reasons[0], reasons[2]]


def test_a_run_is_named_by_its_label(result: Result) -> None:
    """Which stands for its batch size, rate and all the rest."""
    named: dict[str, Any] = {"run": "batch 10", "implementation": "concise", "variant": "eager"}
    labels = [{**named, "lr": lr} for lr in (0.01, 0.3)]
    (found,) = problems.of_result(with_series(result, labels, "it has no layers"))
    assert "run batch 10, implementation concise, variant eager" in found.what
    assert "lr" not in found.what.partition(":")[2]


def test_framework_that_is_not_there_comes_first_and_once(result: Result) -> None:
    """With how many experiments it would have measured, and what would bring it here."""
    environment = replace(
        result.environments["numpy"], status="skipped", reason="it is not installed: get it"
    )
    gone = replace(result, environments=result.environments | {"numpy": environment})
    first, *others = problems.of_result(gone)
    assert first.what.startswith("NumPy (")
    assert first.reason == "it is not installed: get it"
    assert not any("NumPy" in problem.what for problem in others)
