"""What a figure is: a finding, a drawing, its numbers, and how they were measured."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from report.text.numerals import NONE, digits, prefix_exponent, scaled, stable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.figures.shapes import Shape

Cell = str | int | float | None


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number in a table, without its unit, and the ends of its interval, smaller beside it."""

    text: str
    interval: str = ""
    best: bool = False
    estimate: Estimate | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """Numbers under a figure: column names with units, and rows of words first, then numbers."""

    header: list[str]
    rows: list[list[str | Number]]
    caption: str = "Values with their 95 % intervals"


Columns = dict[str, "Sequence[str | Number]"]
"""Columns of a table by their headers, a cell for each row."""


def table(
    first: str,
    rows: Sequence[str],
    columns: Mapping[str, Sequence[str | Number]],
    caption: str = Table.caption,
) -> Table:
    """Return a table of columns; `first` is the one with the heads of the rows."""
    cells = zip(rows, *columns.values(), strict=True)
    return Table(header=[first, *columns], rows=[list(each) for each in cells], caption=caption)


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The figure's data for download, in SI units, to 12 digits; a column's name has its unit."""

    header: list[str]
    rows: list[list[Cell]]

    def csv(self) -> bytes:
        """Return it as RFC 4180 CSV in UTF-8."""
        file = io.StringIO()
        rows: list[Sequence[Cell]] = [self.header, *self.rows]
        csv.writer(file).writerows(map(_csv_cell, row) for row in rows)
        return file.getvalue().encode()


@dataclass(frozen=True, kw_only=True)
class Card:
    """A headline figure: its number in a unit with prefix, and under which circumstances."""

    label: str
    value: str
    unit: str
    interval: str  # its ends in the same unit; empty if there are none
    note: str
    estimate: Estimate | None = None


def card(label: str, estimate: Estimate, unit: str, note: str) -> Card:
    """Return a headline figure of an estimate, value and interval with one prefix."""
    value, _, unit = scaled(estimate.value, unit).partition(" ")
    ends = interval(estimate, 10.0 ** prefix_exponent(estimate.value))
    return Card(label=label, value=value, unit=unit, interval=ends, note=note, estimate=estimate)


@dataclass(frozen=True, kw_only=True)
class Words:
    """What is said about a figure, in this run's numbers; question and explanation may be empty."""

    asked: str = ""
    title: str
    caption: str
    explanation: str = ""
    alt: str  # what a person would say about it on the phone


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure with all that belongs to it."""

    name: str  # unique on its page
    question: str  # which of its kind's questions it answers; the kind's template holds the text
    words: Words
    shape: Shape | None  # what is drawn, as data; None where the table says it all
    table: Table
    sheet: Sheet
    # Names of the timed functions in the backend's file.
    code: list[str] = field(default_factory=list)
    # Whose functions they are, where the section is about several.
    backends: list[str] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        """Return what tells its drawing from others: all that it is made from."""
        kind = type(self.shape)
        content = f"{self.name}\0{self.words.alt}\0{kind.__module__}\0{self.shape!r}"
        return hashlib.sha256(content.encode()).hexdigest()


def number(
    estimate: Estimate | None,
    unit_factor: float = 1.0,
    *,
    best: bool = False,
    write: Callable[[float], str] = digits,
) -> Number:
    """Write an estimate, in SI units, for a table; a dash where there is none.

    `unit_factor` is what one of the column's units is in SI: 1e9 for GFLOPS, 1e-3 for ms.
    """
    if estimate is None:
        return Number(text=NONE)
    text, ends = write(estimate.value / unit_factor), interval(estimate, unit_factor, write)
    return Number(text=text, interval=ends, best=best, estimate=estimate)


def spread(
    values: Sequence[float], unit_factor: float = 1.0, middle: float | None = None
) -> Number:
    """Write single numbers for a table: the first of them, or their middle, and their range."""
    if not values:
        return Number(text=NONE)
    first, *ends = (values[0] if middle is None else middle, min(values), max(values))
    text, low, high = (digits(each / unit_factor) for each in (first, *ends))
    return Number(text=text, interval="" if low == high else f"{low}\N{EN DASH}{high}")


def interval(
    estimate: Estimate, unit_factor: float = 1.0, write: Callable[[float], str] = digits
) -> str:
    """Write the ends of an interval, or nothing where there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    low, high = write(estimate.low / unit_factor), write(estimate.high / unit_factor)
    return f"{low}\N{EN DASH}{high}"


def shared_prefix(values: Sequence[float]) -> float:
    """Return the factor of the SI prefix that suits the middle of some values."""
    ordered = sorted(values)
    return 10.0 ** prefix_exponent(ordered[len(ordered) // 2])


def quantity_sheet(
    quantities: Sequence[Quantity],
    metrics: Mapping[str, str | None],
    counts: Mapping[str, str] | None = None,
) -> Sheet:
    """Return quantities with the same labels, in SI units, a row for each.

    `metrics` names the columns of each estimate: of a rate, or of the values for None; `counts`
    those of further attributes.
    """
    names, counts = list(quantities[0].labels), counts or {}
    numbers = [name for metric in metrics for name in columns(metric)[:3]]
    rows: list[list[Cell]] = []
    for one in quantities:
        row: list[Cell] = [one.labels[name] for name in names]
        row += [getattr(one, attribute) for attribute in counts.values()]
        known = any(one.groups)
        estimates = [one.estimate(metric) if known else None for metric in metrics.values()]
        row += [cell for estimate in estimates for cell in cells(estimate)[:3]]
        rows.append([*row, *cells(estimates[0])[3:], one.name(next(iter(metrics.values())))])
    return Sheet(header=[*names, *counts, *numbers, *columns("")[3:], "key"], rows=rows)


def cells(estimate: Estimate | None) -> list[Cell]:
    """Return value, low, high, replicates and samples for a sheet."""
    if estimate is None:
        return [None] * 5
    return [estimate.value, estimate.low, estimate.high, estimate.replicates, estimate.samples]


def together(sheets: Iterable[tuple[str, Sheet]], column: str = "machine") -> Sheet:
    """Return one sheet of several with the same columns; the first column says what each is of."""
    named = list(sheets)
    rows = [[name, *row] for name, sheet in named for row in sheet.rows]
    return Sheet(header=[column, *named[0][1].header], rows=rows)


def columns(name: str) -> list[str]:
    """Return the names of the columns that `cells` fills."""
    return [name, f"{name}_low95", f"{name}_high95", "replicates", "samples"]


def _csv_cell(cell: Cell) -> Cell:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return stable(cell)
    # A spreadsheet would run a label of somebody's that begins like a formula.
    if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return f"'{cell}"
    return cell
