"""What made a measurement: the version of the code that measured, and of its checkout."""

from __future__ import annotations

import functools
import hashlib
import subprocess
from pathlib import Path

PACKAGE = Path(__file__).parents[1]

NOT_MADE = (".", ":!results", ":!site")
"""What counts as a change: not what runs and renderings themselves write into a checkout."""


@functools.cache
def measuring_code() -> str:
    """Return the SHA-256 of the worker side: registry, worker/, backends/, each measure.py.

    Pages and figures may change without making a measurement another one.
    """
    sources = [
        PACKAGE / "registry.py",
        *PACKAGE.glob("worker/*.py"),
        *PACKAGE.glob("backends/**/*.py"),
        *PACKAGE.glob("experiments/*/measure.py"),
    ]
    digest = hashlib.sha256()
    for source in sorted(sources):
        digest.update(source.relative_to(PACKAGE).as_posix().encode() + b"\0")
        digest.update(source.read_bytes() + b"\0")
    return digest.hexdigest()


def git_commit(folder: Path) -> str | None:
    """Return the commit checked out in a folder, with "+changes" if files differ from it."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", *NOT_MADE)
    except (OSError, subprocess.SubprocessError):
        return None
    return commit + ("+changes" if changed else "")


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    )
    return done.stdout.strip()
