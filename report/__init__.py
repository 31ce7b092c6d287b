"""Minibatch Report: the chapter's measurements, on your machine, with their doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from os import PathLike

    from report.notebook import Shown

__version__ = "0.1.0"


def load(
    path: str | PathLike[str] = "results", level: Literal["estimates", "samples"] = "estimates"
) -> Any:
    """Return the numbers of a results folder, or of one result file, as a tidy table.

    It has a row for each estimate that the pages are made of, or for each sample that these stand
    on, in SI units; `docs/guide.md` names the columns.

    Returns:
        A pandas DataFrame; where pandas is not installed, a dict of columns.

    Raises:
        ResultError: There are no results.
    """
    from pathlib import Path

    from report import frames

    return frames.load(Path(path), level)


def read(reference: str | PathLike[str], results: str | PathLike[str] = "results") -> Shown:
    """Return a result file, or a machine's runs in a results folder; a notebook shows it.

    Raises:
        UsageError: There is neither.
        ResultError: The file is no result.
    """
    from pathlib import Path

    from report import notebook

    return notebook.read(str(reference), Path(results))
