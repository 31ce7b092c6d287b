"""Finds the files that are no code: templates/ and the default experiments.yaml.

They are top-level in the repository. A wheel carries them inside the package; an editable
install does not, so the package's folder is tried first and the repository's second.
"""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def _find(name: str) -> Path:
    for folder in (PACKAGE, PACKAGE.parent):
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(f"{name} is missing from this installation; install it anew")


def templates() -> Path:
    """Return the folder of templates."""
    return _find("templates")


def default_config() -> str:
    """Return the default experiments.yaml."""
    return _find("experiments.yaml").read_text(encoding="utf-8")
