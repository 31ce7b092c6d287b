"""What claims can ask of products: the bytes that their calls must move, and at which rate."""

from __future__ import annotations

from dataclasses import replace

import pytest

from factories import small_results
from factories.small_results import record, series
from report.analysis.quantities import Question
from report.experiments.matmul.kind import MATMUL

SECONDS = {"element": [2.0, 2.0], "column": [1.0], "full": [0.5, 0.5]}
RECORDS = [
    record(
        "products",
        process,
        *(
            series(strategy, [times[process]], flops=2 * 256**3)
            for strategy, times in SECONDS.items()
            if process < len(times)
        ),
    )
    for process in range(2)
]

# Numbers of 4 bytes that n = 256 moves, by hand: n^2 (2 n + 1), n^3 + 2 n^2 and 3 n^2.
BYTES = {"element": 4 * 256**2 * 513, "column": 4 * 256**2 * 258, "full": 4 * 256**2 * 3}


@pytest.mark.parametrize("strategy", BYTES)
def test_moved_bytes_are_counted_where_a_product_was_measured(strategy: str) -> None:
    """The same in each process that has the series; a process that lacks it counts none."""
    result = small_results.result(RECORDS)
    found = MATMUL.observe(result, RECORDS, Question(metric="moved_bytes"))
    (one,) = [q for q in found if q.labels["strategy"] == strategy]
    assert one.groups == [[BYTES[strategy]], [] if strategy == "column" else [BYTES[strategy]]]
    assert (one.metric, one.unit) == ("moved_bytes", "B")
    assert not MATMUL.metrics["moved_bytes"].timed


def test_a_claim_can_ask_for_float32_without_tf32() -> None:
    """TF32 is a number format of its own, though its operands are stored as float32."""
    plain = series("full", [0.5], flops=2 * 256**3)
    fast = replace(plain, labels={**plain.labels, "tf32": True})
    records = [record("products", 0, plain, fast)]
    found = MATMUL.observe(small_results.result(records), records, Question(metric="flop_per_s"))
    assert [q.also["format"] for q in found] == ["float32", "TF32"]


def test_bytes_per_second_are_those_of_the_measured_time() -> None:
    """By element twice the bytes in twice the seconds: about the same rate."""
    result = small_results.result(RECORDS)
    found = MATMUL.observe(result, RECORDS, Question(metric="bytes_per_s"))
    rates = {str(q.labels["strategy"]): q.bandwidth().value for q in found}
    assert rates["element"] == pytest.approx(BYTES["element"] / 2.0)
    assert rates["column"] == pytest.approx(BYTES["column"] / 1.0)
