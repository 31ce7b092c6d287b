"""Files that a crash, a full disk or a second program cannot spoil, and a cache made of them.

What was computed once for each content is kept in the user's cache folder. A key is a hash of
everything that the content depends on, the program included, so that nothing in the cache is ever
out of date: what changes has another key.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import glob
import hashlib
import importlib.metadata
import os
import stat
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import filelock
import platformdirs

from report.errors import UsageError
from report.resources import PACKAGE, templates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

VARIABLE = "REPORT_CACHE_DIR"  # names another folder for the cache

MOST_FILES = 40_000
"""When there are more in the cache, the older half goes. A machine has some 60 drawings."""

DRAWING_WITH = ("matplotlib", "numpy", "scipy", "jinja2", "pydantic", "pygments")
"""Packages whose version can change what is rendered."""


def digest(content: bytes) -> str:
    """Return a SHA-256 as it is written."""
    return hashlib.sha256(content).hexdigest()


def read(path: Path, most: int | None = None) -> bytes:
    """Return what a file holds; of one that is larger than `most` bytes, one more than that.

    Raises:
        OSError: It cannot be read, or is no file: a pipe keeps one waiting, a device never ends.
    """
    with open(path, "rb", opener=_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a file")
        return file.read(-1 if most is None else most + 1)


def _at_once(path: str, flags: int) -> int:
    """Open what may be a pipe without waiting until somebody writes to it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


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


def sweep(paths: Iterable[Path]) -> None:
    """Delete what a program that was killed left beside files that it was about to write."""
    for path in paths:
        for waiting in path.parent.glob(f".{glob.escape(path.name)}.????????.tmp"):
            waiting.unlink(missing_ok=True)


def write(path: Path, content: bytes) -> None:
    """Write a file: after a crash at any point it holds the old content or the new."""
    with staged(path, content) as waiting:
        waiting.replace(path)


@contextmanager
def sole_writer(folder: Path, doing: str) -> Iterator[None]:
    """Keep other builds out of a folder meanwhile, which are told what this one is doing there.

    The lock lies in the user's cache, not in the folder, which may be published.

    Raises:
        UsageError: Another process is at work there, or that cannot be found out.
    """
    locks = platformdirs.user_cache_path("minibatch-report") / "locks"
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:24]
    lock = filelock.FileLock(locks / f"{name}.lock")
    try:
        locks.mkdir(parents=True, exist_ok=True)
        held = lock.acquire(timeout=0)
    except filelock.Timeout:
        raise UsageError(
            f"Another report is {doing} {folder} at this moment. "
            "Wait for it, or choose another folder."
        ) from None
    except OSError as error:
        raise UsageError(
            f"{locks} cannot be written: {error.strerror}. It keeps two reports apart. "
            "Choose another folder for caches, on Linux with XDG_CACHE_HOME."
        ) from None
    with held:
        yield


@dataclass(frozen=True)
class Cache:
    """A folder of contents by key; where it cannot be made, as by default, nothing is kept."""

    folder: Path = Path(os.devnull)

    def is_empty(self) -> bool:
        """Return whether nothing is kept."""
        try:
            return not any(self.folder.iterdir())
        except OSError:
            return True

    def get(self, key: str) -> bytes | None:
        """Return what is kept for a key, or None."""
        try:
            content = (self.folder / key).read_bytes()
        except OSError:
            return None
        known, _, kept = content.partition(b"\n")
        return kept if digest(kept).encode() == known else None

    def put(self, key: str, content: bytes) -> None:
        """Keep a content, unless the cache cannot be written."""
        with contextlib.suppress(OSError):
            write(self.folder / key, digest(content).encode() + b"\n" + content)

    def prune(self) -> None:
        """Make room, where much has come together."""
        with contextlib.suppress(OSError):
            kept = sorted(self.folder.iterdir(), key=lambda path: path.stat().st_mtime)
            for path in kept[: len(kept) // 2] if len(kept) > MOST_FILES else ():
                path.unlink(missing_ok=True)


def user_cache() -> Cache:
    """Return the cache in the user's folder for such."""
    base = os.environ.get(VARIABLE) or platformdirs.user_cache_dir("minibatch-report")
    return Cache(Path(base, "rendered"))


def key(*parts: bytes | str) -> str:
    """Return the key of what depends on these parts alone, in this order."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()


@functools.cache
def program() -> str:
    """Return a hash of all of this program that takes part in rendering, and of its libraries."""
    sources = [*sorted(PACKAGE.rglob("*.py")), *sorted(templates().rglob("*.*"))]
    versions = [f"{name} {importlib.metadata.version(name)}" for name in DRAWING_WITH]
    return key(*versions, *(source.read_bytes() for source in sources))
