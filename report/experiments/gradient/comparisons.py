"""Figures of a `gradient` experiment with several machines on the same axes: there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.figures.figure import Figure
    from report.results.result import Result


def comparisons(results: Sequence[Result], experiment: str) -> list[Figure]:
    """Draw nothing: a gradient's noise belongs to the data and the point, not to the machine.

    Two machines that were given the same data must find the same, whatever their speed, so that
    a figure of both would show one line twice; each is held against theory on its own page.
    """
    del results, experiment
    return []
