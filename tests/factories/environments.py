"""Makes what looks like a framework's environment without installing anything."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from report.environments import venvs

if TYPE_CHECKING:
    from pathlib import Path


def stand_in(root: Path, backend: str = "numba", stamp: str = "numba==0.1") -> Path:
    """Put one into a folder, made by this program; without a stamp it is not complete."""
    python = venvs.python_in(root / backend)
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    if stamp:
        (root / backend / venvs.STAMP).write_text(stamp)
    (root / f"{backend}.made").touch()
    return python
