"""Minibatch Report: the chapter's measurements, on your machine, with their doubt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from report.notebook import Shown

__version__ = "0.1.0"


def load(
    path: str | Path = "results",
    level: Literal["estimates", "samples"] = "estimates",
    *,
    allow_private: bool = False,
) -> Any:
    """Return all numbers of a results folder, of one result file, or of a published report.

    docs/guide.md has the columns. An address is read as by `report add`, and nothing is kept of it.

    Returns:
        A pandas DataFrame; where pandas is not installed, a dict of columns.

    Raises:
        ResultError: There are no results.
        ValueError: The address is none.
    """
    from report import frames, notebook

    if "://" in str(path):
        return notebook.load(str(path), level, allow_private=allow_private)
    return frames.load(Path(path), level)


def read(reference: str | Path, results: str | Path = "results") -> Shown:
    """Return a result file, or a machine's runs in a results folder; a notebook shows it."""
    from report import notebook

    return notebook.read(str(reference), Path(results))
