"""Writing files so that a crash, a full disk or a second program cannot spoil them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import filelock
import platformdirs

from report.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def staged(path: Path, content: bytes) -> Iterator[Path]:
    """Write a file beside its place, down to the disk, and delete it unless it is renamed.

    Yields:
        The temporary file. Renaming it to `path` replaces the old content in one step.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    waiting = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files that only their owner can read; a site is for everyone.
        waiting.chmod(0o644)
        yield waiting
    finally:
        waiting.unlink(missing_ok=True)


def write(path: Path, content: bytes) -> None:
    """Write a file: after a crash at any point it holds the old content or the new."""
    with staged(path, content) as waiting:
        waiting.replace(path)


@contextmanager
def sole_writer(folder: Path, doing: str) -> Iterator[None]:
    """Keep other builds out of a folder meanwhile.

    The lock lies in the user's cache, not in the folder, which may be published.

    Args:
        folder: Where this process is going to write.
        doing: What it does there, for the other's message.

    Raises:
        UsageError: Another process is at work there, or that cannot be found out.
    """
    locks = platformdirs.user_cache_path("minibatch-report") / "locks"
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:24]
    lock = filelock.FileLock(locks / f"{name}.lock")
    try:
        locks.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise UsageError(
            f"Another report is {doing} {folder} at this moment. "
            "Wait for it, or choose another folder."
        ) from None
    except OSError as error:
        raise UsageError(
            f"{locks}, which keeps two reports apart, cannot be written: {error.strerror}. "
            "Name another folder for caches, on Linux in XDG_CACHE_HOME."
        ) from None
    try:
        yield
    finally:
        lock.release()
