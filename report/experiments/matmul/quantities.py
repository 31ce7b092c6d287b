"""What a `matmul` experiment measured: seconds of one product."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.quantities import Quantity, of_series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results import Record


def quantities(records: Sequence[Record]) -> list[Quantity]:
    """Return one quantity for each series; without a count of operations there is no rate."""
    return of_series(records, wanted=lambda series: bool(series.flops))
