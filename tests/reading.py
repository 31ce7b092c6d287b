"""What tests read off a figure: its words as text, its tables by name, and that it is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from report.figures.draw import drawing
from report.figures.prose import plain
from report.figures.shapes import Curves

if TYPE_CHECKING:
    from report.figures.figure import Figure, Number, Table

T = TypeVar("T")

WRONG = ("None", " nan", " inf", "  ", " .", "()", ": .", "Estimate(", "{")
"""What stands in words where a value was missing."""


def some(value: T | None) -> T:
    """Return a value that must not be missing."""
    assert value is not None
    return value


def text(html: str) -> str:
    """Return words without tags, and with spaces that break lines."""
    return plain(html).replace("\N{NO-BREAK SPACE}", " ")


def said(figure: Figure) -> dict[str, str]:
    """Return the words of a figure as plain text."""
    return {name: text(words) for name, words in vars(figure.words).items()}


def read(cell: str | Number) -> str:
    """Return a cell without its interval."""
    return cell if isinstance(cell, str) else cell.text


def row(table: Table, name: str) -> dict[str, str]:
    """Return the row of a name by the table's headers."""
    (found,) = [cells for cells in table.rows if cells[0] == name]
    return dict(zip(table.header, map(read, found), strict=True))


def column(table: Table, name: str) -> dict[str, str]:
    """Return the column of a header by the words of the first one."""
    at = table.header.index(name)
    return {read(cells[0]): read(cells[at]) for cells in table.rows}


def curves(figure: Figure) -> Curves:
    """Return the shape of a figure that has lines."""
    assert isinstance(figure.shape, Curves)
    return figure.shape


def whole(figure: Figure) -> None:
    """Fail unless a figure has all that the site asks of one, without gaps, and can be drawn."""
    words = said(figure)
    assert words["title"]
    assert words["title"] in text(figure.words.alt)
    assert words["caption"].endswith(".")
    assert figure.shape is not None
    assert words["alt"].startswith(figure.shape.alt)
    assert {len(cells) for cells in figure.table.rows} == {len(figure.table.header)}
    assert {len(cells) for cells in figure.sheet.rows} == {len(figure.sheet.header)}
    assert len(set(figure.sheet.header)) == len(figure.sheet.header)
    rows = [figure.table.header, *([_both(cell) for cell in cells] for cells in figure.table.rows)]
    for part in (*words.values(), *map(" | ".join, rows)):
        for wrong in WRONG:
            assert wrong not in part, (figure.name, part)
    assert drawing(figure.name, figure.words.alt, figure.shape).narrow


def _both(cell: str | Number) -> str:
    return cell if isinstance(cell, str) else f"{cell.text} {cell.interval}".strip()
