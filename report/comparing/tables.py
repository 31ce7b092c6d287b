"""Comparisons in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from report.comparing import export
from report.comparing.gate import CODE
from report.comparing.verdict import LEVEL, margin
from report.terminal import columns

if TYPE_CHECKING:
    from rich.console import RenderableType

    from report.comparing.comparison import Comparison


def comparison(compared: Comparison) -> list[RenderableType]:
    """Return what two results have in common: whether they may be compared, and the verdicts."""
    gate, names = compared.gate, compared.names
    because = [f"  because {why}" for why in gate.because]
    if gate.answer == "no" and any(one.name == CODE for one in gate.differences):
        because.append("  --across-versions judges them all the same.")
    shown: list[RenderableType] = ["May these be compared? " + gate.answer, *map(escape, because)]
    differing = Table(*columns("differs", *names), title="What differs")
    for name, values in gate.weighty:
        differing.add_row(escape(name), *map(escape, values))
    shown.append(differing if differing.row_count else "Nothing that is recorded differs.")
    if weightless := ", ".join(name for name, _ in gate.weightless):
        shown.append(escape(f"Different, but without weight: {weightless}."))
    table = Table(
        *columns("experiment", "what"),
        *columns(*names, "speed-up", "shows from", right=True),
        *columns("verdict", "beside the common factor", "noise"),
        title="Times",
        caption=f"In brackets: {margin(LEVEL)} intervals. Speed-up: time of the first divided by "
        "time of the second. Shows from: the smallest difference that four of five such rows show.",
    )
    if compared.common:
        table.add_row("all rows", "common factor", "", "", export.speedup(compared.common))
    for one in compared.rows:
        noise = " / ".join(dict.fromkeys(one.grades))
        beside = str(one.relative or "")
        table.add_row(*map(escape, (*export.line(one), beside, noise)))
    if not compared.rows:
        return [*shown, *_one_sided(compared), "They have no measurement in common."]
    return [*shown, table, *_one_sided(compared), f"{compared.counts()}.".capitalize()]


def _one_sided(compared: Comparison) -> list[RenderableType]:
    if not compared.lacking:
        return []
    table = Table(*columns("experiment", "rows", "lacks them", "why"), title="On one side only")
    for one in compared.lacking:
        of = f"{one.experiment}, {one.framework}"
        table.add_row(*map(escape, (of, str(one.count), compared.names[one.side], one.reason)))
    return [table]
