"""The notebook that shows how to use the numbers: it runs as it is, on the committed results."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"


def notebook() -> Any:
    """Read the notebook."""
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]


def outputs(cell: Any, kind: str) -> list[str]:
    """Return what a cell shows in one form."""
    return [output.data[kind] for output in cell.outputs if kind in output.get("data", {})]


def test_notebook_is_committed_without_outputs() -> None:
    """They would be of one machine's day, and make each change of it unreadable."""
    cells = notebook().cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert len(code) > 4
    assert [cell for cell in code if cell.outputs or cell.execution_count] == []


@pytest.mark.slow
def test_every_cell_of_the_notebook_runs(tmp_path: Path) -> None:
    """In a copy, and shows a table, a figure, the same estimate twice, and a result."""
    shutil.copytree(ROOT / "results", tmp_path / "results")
    (tmp_path / "docs").mkdir()
    book = notebook()
    where = {"metadata": {"path": str(tmp_path / "docs")}}
    NotebookClient(book, timeout=300, kernel_name="python3", resources=where).execute()
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.source for cell in code if not cell.outputs] == []
    assert sum(bool(outputs(cell, "image/png")) for cell in code) == 1
    assert "vectorization" in outputs(code[0], "text/html")[0]
    (same,) = outputs(code[-2], "text/plain")
    again, value = (
        float(part.strip("() ").removeprefix("np.float64(")) for part in same.split(",")
    )
    assert again == pytest.approx(value, rel=1e-9)
    (shown,) = outputs(code[-1], "text/html")
    assert "GFLOPS" in shown
    assert "<svg" in shown
    (line,) = outputs(code[-1], "text/plain")
    assert len(line) < 200
