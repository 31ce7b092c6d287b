"""Comparisons written: JSON, CSV and Markdown, and tables in the terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from report.comparing.comparison import detects
from report.comparing.gate import METHOD
from report.comparing.verdict import LEVEL, POWER, margin, smallest
from report.figures.figure import Sheet, interval
from report.terminal import columns
from report.text.numerals import count, digits, scaled, stable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from report.analysis.estimate import Estimate
    from report.comparing.comparison import Comparison, Row

COLUMNS = (
    *("experiment", "framework", "what", "first", "second", "first_s", "second_s", "speedup"),
    *("speedup_low99", "speedup_high99", "detects", "verdict", "beyond_least"),
    *("beside_common", "beside_low99", "beside_high99", "beside_verdict"),
    *("first_noise", "second_noise", "reason"),
)

HEADER = ("speed-up", "detects", "verdict", "relative to the common factor", "noise")
"""Of a row, after what it is and both times."""


def as_json(compared: Sequence[Comparison]) -> str:
    """Return all of it as JSON."""
    shown = [
        {
            "first": one.names[0],
            "second": one.names[1],
            "comparable": one.gate.answer,
            "because": one.gate.because,
            "least": one.least,
            "level": LEVEL,
            "power": POWER,
            "differences": [vars(each) for each in one.gate.differences],
            "common": _estimate(one.common),
            "common_verdict": one.overall.word if one.overall else None,
            "rows": [dict(zip(COLUMNS, _cells(one, row), strict=True)) for row in one.rows],
            "only_one_side": [vars(each) for each in one.lacking],
        }
        for one in compared
    ]
    return json.dumps(shown, indent=1, ensure_ascii=False)


def as_csv(compared: Sequence[Comparison]) -> str:
    """Return the rows as CSV, in SI units."""
    rows = [
        cells
        for one in compared
        for cells in (*_of_all(one), *(_cells(one, row) for row in one.rows))
    ]
    return Sheet(header=list(COLUMNS), rows=rows).csv().decode()


def as_markdown(compared: Sequence[Comparison]) -> str:
    """Return it as Markdown: the answer, then a table of the rows."""
    lines: list[str] = []
    for one in compared:
        because = f": {'; '.join(one.gate.because)}" if one.gate.because else ""
        lines += [f"**Can {' and '.join(one.names)} be compared?** {one.gate.answer}{because}.", ""]
        lines += [f"- {name}: {' against '.join(values)}" for name, values in one.gate.weighty]
        header = ("experiment", "what", *one.names, *HEADER)
        lines += ["", _line(header), _line(["---"] * len(header))]
        lines += [_line(each) for each in _lines(one)]
        lines += ["", one.counts() + ".", ""]
    return "\n".join(lines)


def _lines(compared: Comparison) -> list[list[str]]:
    """Return the rows as a person reads them, first the common factor."""
    if compared.common is None:
        return [_of_row(row) for row in compared.rows]
    common, says = compared.common, str(compared.overall or "")
    shows = detects(smallest(common, compared.least))
    first = ["all rows", "common factor", "", "", speedup(common), shows, says, "", ""]
    return [first, *map(_of_row, compared.rows)]


def _of_row(row: Row) -> list[str]:
    return [
        f"{row.experiment}, {row.framework}",
        row.what,
        *(scaled(q.time().value, "s") for q in (row.first, row.second)),
        speedup(row.ratio),
        row.detects,
        row.says,
        str(row.relative or ""),
        " / ".join(dict.fromkeys(row.grades)),
    ]


def speedup(ratio: Estimate | None) -> str:
    """Write a ratio with its interval: "1.25 (1.10-1.42)"."""
    return f"{digits(ratio.value)} ({interval(ratio) or 'none'})" if ratio else ""


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _estimate(one: Estimate | None) -> dict[str, float | None] | None:
    return {"value": one.value, "low99": one.low, "high99": one.high} if one else None


def _of_all(one: Comparison) -> list[list[Any]]:
    """Return the common factor as a row of its own, if there is one."""
    if one.common is None:
        return []
    said = one.overall
    shown: dict[str, Any] = dict.fromkeys(COLUMNS) | {
        "experiment": "all rows",
        "what": "common factor",
        "first": one.names[0],
        "second": one.names[1],
        "speedup": one.common.value,
        "speedup_low99": one.common.low,
        "speedup_high99": one.common.high,
        "verdict": said.word if said else None,
        "beyond_least": said.beyond if said else None,
    }
    return [list(shown.values())]


def _cells(one: Comparison, row: Row) -> list[Any]:
    ratio, beside = row.ratio, row.beside
    return [
        *(row.experiment, row.framework, row.what, *one.names),
        *(row.first.time().value, row.second.time().value),
        *((ratio.value, ratio.low, ratio.high) if ratio else (None, None, None)),
        stable(row.smallest) if row.smallest else None,
        *((row.verdict.word, row.verdict.beyond) if row.verdict else (None, None)),
        *((beside.value, beside.low, beside.high) if beside else (None, None, None)),
        row.relative.word if row.relative else None,
        *(*row.grades, row.reason or None),
    ]


def tables(compared: Comparison) -> list[RenderableType]:
    """Return what two results have in common: whether they can be compared, and the verdicts."""
    gate, names = compared.gate, compared.names
    because = [f"  - {why}" for why in gate.because]
    if gate.answer == "no" and any(one.name == METHOD for one in gate.differences):
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
        *columns(*names, *HEADER[:2], right=True),
        *columns(*HEADER[2:]),
        title="Times",
        caption=f"In brackets: {margin(LEVEL)} intervals. Speed-up: the first's time divided by "
        "the second's. Detects: the smallest difference that a row would show four times in five.",
    )
    for cells in _lines(compared):
        table.add_row(*map(escape, cells))
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
