"""Which interpreter measures a framework: a person's own, one made for it, or this one."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import platformdirs

from report.errors import UsageError
from report.registry import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FOLDER_VARIABLE = "REPORT_ENV_DIR"
"""Names another folder for environments than the user's cache."""

STAMP = "minibatch-report.json"
"""Written into an environment when all of it is there; without it, nothing is believed."""

REQUIREMENTS = Path(__file__).parent / "requirements"

Origin = Literal["configured", "created", "own"]


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """A Python that can be started.

    Attributes:
        python: Its executable.
        origin: Named in experiments.yaml, made by `report env create`, or the one that runs this.
    """

    python: str
    origin: Origin


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


def stamp_of(backend: str) -> dict[str, str] | None:
    """Return what was noted when an environment was complete; None if it is not."""
    folder = folder_of(backend)
    try:
        noted = json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return noted if isinstance(noted, dict) and python_in(folder).exists() else None


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


def find(backend: str, configured: Mapping[str, str], base: Path = Path()) -> Interpreter:
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
        return Interpreter(python=python, origin="configured")
    if stamp_of(backend) is not None:
        return Interpreter(python=str(python_in(folder_of(backend))), origin="created")
    return Interpreter(python=sys.executable, origin="own")
