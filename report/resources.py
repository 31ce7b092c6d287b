"""Finds the files that are no code: templates/, the default experiments.yaml and its claims.

They are top-level in the repository. A wheel carries them inside the package; an editable
install does not, so the package's folder is tried first and the repository's second.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent

SCHEMA_NAME = "experiments.schema.json"
"""The file that the first line of experiments.yaml names, for editors."""


def _find(name: str) -> Path:
    for folder in (PACKAGE, PACKAGE.parent):
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(f"{name} is missing from this installation; reinstall it")


def templates() -> Path:
    """Return the folder of templates."""
    return _find("templates")


def default_config() -> str:
    """Return the default experiments.yaml."""
    return _find("experiments.yaml").read_text(encoding="utf-8")


def starter_config() -> str:
    """Return a short experiments.yaml to start from."""
    return (templates() / "starter.yaml").read_text(encoding="utf-8")


def chapter_claims() -> Path:
    """Return the file of the chapter's claims."""
    return _find("claims.yaml")


def write_workflows(folder: Path) -> list[str]:
    """Write the workflows for a repository of results; return the names of those that were there.

    These stay as they are.
    """
    there = []
    for source in sorted((templates() / "github").glob("*.yml")):
        target = folder / ".github" / "workflows" / source.name
        if target.exists():
            there.append(source.name)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    return there


@functools.cache
def project_urls() -> dict[str, str]:
    """Return the project's addresses by label, as pyproject.toml names them; none without it."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        named = importlib.metadata.metadata("minibatch-report").get_all("Project-URL") or []
        return dict(each.split(", ", 1) for each in named)
    return {}
