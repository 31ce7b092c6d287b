"""What was computed once for each content, kept in the user's cache folder.

A key is a hash of everything that the content depends on, the program included, so that nothing in
the cache is ever out of date: what changes has another key.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from report.resources import PACKAGE, templates
from report.results import files

VARIABLE = "REPORT_CACHE_DIR"
"""Names another folder."""

MOST_FILES = 4000
"""When there are more, the older half goes."""

DRAWING_WITH = ("matplotlib", "numpy", "scipy", "jinja2", "pygments")
"""Packages whose version can change what is rendered."""


@dataclass(frozen=True)
class Cache:
    """A folder of contents by key.

    Attributes:
        folder: Where; None keeps nothing.
    """

    folder: Path | None

    def get(self, key: str) -> bytes | None:
        """Return what is kept for a key, or None."""
        if self.folder is None:
            return None
        try:
            content = (self.folder / key).read_bytes()
        except OSError:
            return None
        digest, _, kept = content.partition(b"\n")
        return kept if hashlib.sha256(kept).hexdigest().encode() == digest else None

    def put(self, key: str, content: bytes) -> None:
        """Keep a content; a cache that cannot be written is none."""
        if self.folder is None:
            return
        digest = hashlib.sha256(content).hexdigest().encode()
        with contextlib.suppress(OSError):
            files.write(self.folder / key, digest + b"\n" + content)

    def prune(self) -> None:
        """Make room, where much has come together."""
        if self.folder is None:
            return
        with contextlib.suppress(OSError):
            kept = sorted(self.folder.iterdir(), key=lambda path: path.stat().st_mtime)
            for path in kept[: len(kept) // 2] if len(kept) > MOST_FILES else ():
                path.unlink(missing_ok=True)


def of_user() -> Cache:
    """Return the cache in the user's folder for such."""
    named = os.environ.get(VARIABLE)
    base = Path(named) if named else Path(platformdirs.user_cache_dir("minibatch-report"))
    return Cache(base / "rendered")


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
