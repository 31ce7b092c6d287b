"""Makes folders that stand for the root of a machine that is not ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def tree(root: Path, files: Mapping[str, object]) -> Path:
    """Write files below a folder, each a line or more as the kernel's are; return the folder."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return root
