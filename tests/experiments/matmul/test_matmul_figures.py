"""What figures of products say."""

from __future__ import annotations

import re

from factories.small_results import record, result, series
from report.experiments.matmul.kind import MATMUL
from report.figures.prose import plain


def test_products_of_several_sizes_are_ranked_by_rate() -> None:
    """A small product takes less time and yet is slow: the fastest is never below 1 times as fast.

    Full at n = 1024: 2 * 10^9 operations in 0.2 s, 10^10 a second; at n = 256 3.2 * 10^7 in 0.08 s,
    4 * 10^8 a second, a factor of 25.
    """
    records = [
        record(
            "products",
            process,
            series("full", [0.08] * 3, size=256, flops=32_000_000),
            series("full", [0.2] * 3, size=1024, flops=2_000_000_000),
        )
        for process in range(3)
    ]
    first = MATMUL.figures(result(records), "products")[0]
    title = plain(first.words.title)
    assert re.search(r"\b25\b", title), title
    assert title.index("1,024") < title.index("256")
    columns = list(zip(*first.table.rows, strict=True))
    assert [getattr(cell, "text", cell) for cell in columns[-1]] == ["25.0", "1"]
