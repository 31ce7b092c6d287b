"""What a `gradient` experiment timed: nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.quantities import Quantity
    from report.results.result import Record


def quantities(records: Sequence[Record]) -> list[Quantity]:
    """Return no quantities: noise is counted in draws and not in seconds."""
    del records
    return []
