"""Which interpreter measures a framework: a person's own, one made for it, or this one."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from report.errors import UsageError
from report.registry import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FOLDER_VARIABLE = "REPORT_ENV_DIR"
"""Names another folder for environments than the user's cache."""

STAMP = "minibatch-report.txt"
"""The requirements, written when all of them are there; without it, nothing is believed."""

REQUIREMENTS = Path(__file__).parent / "requirements"


def root() -> Path:
    """Return the folder that holds all environments."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_cache_dir("minibatch-report"), "envs")


def folder_of(backend: str) -> Path:
    """Return the folder of a framework's environment, whether it is there or not."""
    return root() / backend


def python_in(folder: Path) -> Path:
    """Return the executable of an environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def stamp_of(backend: str) -> str | None:
    """Return the requirements from which an environment was made; None if it is not complete."""
    folder = folder_of(backend)
    try:
        requirements = (folder / STAMP).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    return requirements if requirements and python_in(folder).exists() else None


def names() -> list[str]:
    """Return the frameworks for which an environment can be made, sorted."""
    return sorted(path.stem for path in REQUIREMENTS.glob("*.txt"))


def lacking(backends: Iterable[str], configured: Mapping[str, str]) -> list[str]:
    """Return the frameworks that no interpreter has, as far as can be told without starting any.

    Args:
        backends: Names in the registry.
        configured: Paths or commands by backend; what a person names is taken to be there.
    """
    return [
        backend
        for backend in backends
        if backend not in configured
        and stamp_of(backend) is None
        and importlib.util.find_spec(BACKENDS[backend].package) is None
    ]


def find(backend: str, configured: Mapping[str, str], base: Path = Path()) -> str:
    """Return the interpreter that measures a framework.

    In this order: the one that experiments.yaml names, the environment that was made for it, the
    interpreter that runs this program.

    Args:
        backend: Name in the registry.
        configured: Paths or commands by backend, as experiments.yaml has them.
        base: The folder in which relative paths start; a command without a slash is none.

    Raises:
        UsageError: The one that is named is not there.
    """
    if backend in configured:
        wanted = configured[backend]
        # As text: a Path drops the ./ that tells a program in this folder from a command.
        named = os.path.expanduser(wanted)  # noqa: PTH111
        python = shutil.which(str(base / named) if os.path.dirname(named) else named)  # noqa: PTH120
        if python is None:
            raise UsageError(
                f"interpreters.{backend}: {wanted} is no program that can be started; "
                "name a Python, or remove the key"
            )
        return python
    return sys.executable if stamp_of(backend) is None else str(python_in(folder_of(backend)))
