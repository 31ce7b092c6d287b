"""What a machine's `gradient` experiments come to at the top of its page: nothing.

The noise of a gradient is the same on every machine, and no headline of this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from report.figures.figure import Card
    from report.results.result import Result


def cards(result: Result) -> list[Card]:
    """Return the numbers that stand at the top of a machine's page."""
    del result
    return []


def sentences(result: Result) -> list[str]:
    """Return what could stand in a mail."""
    del result
    return []
