"""Comparisons in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from report.comparing import export
from report.comparing.gate import CODE
from report.comparing.verdict import LEVEL, margin
from report.terminal import columns
from report.text.numerals import count

if TYPE_CHECKING:
    from rich.console import RenderableType

    from report.comparing.comparison import Comparison


def comparison(compared: Comparison) -> list[RenderableType]:
    """Return what two results have in common: whether they can be compared, and the verdicts."""
    gate, names = compared.gate, compared.names
    because = [f"  - {why}" for why in gate.because]
    if gate.answer == "no" and any(one.name == CODE for one in gate.differences):
        because.append("  (--across-versions judges them anyway.)")
    shown: list[RenderableType] = ["Can these be compared? " + gate.answer, *map(escape, because)]
    differing = Table(*columns("differs", *names), title="What differs")
    for name, values in gate.weighty:
        differing.add_row(escape(name), *map(escape, values))
    shown.append(differing if differing.row_count else "Nothing that is recorded differs.")
    if gate.weightless:
        listed = "budgets, seeds, titles and the like; --format json lists them"
        shown.append(f"Ignored differences: {len(gate.weightless)} ({listed}).")
    table = Table(
        *columns("experiment", "what"),
        *columns(*names, "speed-up", "detects", right=True),
        *columns("verdict", "relative to the common factor", "noise"),
        title="Times",
        caption=f"In brackets: {margin(LEVEL)} intervals. Speed-up: the first's time divided by "
        "the second's. Detects: the smallest difference that a row would show four times in five.",
    )
    if compared.common:
        table.add_row("all rows", "common factor", "", "", export.speedup(compared.common))
    for one in compared.rows:
        noise = " / ".join(dict.fromkeys(one.grades))
        beside = str(one.relative or "")
        table.add_row(*map(escape, (*export.line(one), beside, noise)))
    if not compared.rows:
        return [*shown, *_one_sided(compared), "They share no measurement."]
    counted = f"{names[1]}: {compared.counts()}, of {count(len(compared.rows), 'row')}."
    return [*shown, table, *_one_sided(compared), counted]


def _one_sided(compared: Comparison) -> list[RenderableType]:
    if not compared.lacking:
        return []
    table = Table(*columns("experiment", "rows", "missing from", "why"), title="On one side only")
    for one in compared.lacking:
        of = f"{one.experiment}, {one.framework}"
        table.add_row(*map(escape, (of, str(one.count), compared.names[one.side], one.reason)))
    return [table]
