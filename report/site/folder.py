"""The site's folder: written whole or not at all, and nobody else's files touched.

`data/manifest.json` lists what was written, with SHA-256. A file that is not in it, or no longer
has its sum, is a person's: it is neither replaced nor deleted.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from report.errors import SiteError
from report.results import files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MANIFEST = "data/manifest.json"

Sums = dict[str, set[str]]
"""For each file the SHA-256 of what this program wrote there; two while it is being replaced."""


@dataclass(frozen=True)
class Rendered:
    """A site that was written.

    Attributes:
        index: Its start page.
        written: How many files changed.
    """

    index: Path
    written: int


def write_files(contents: Mapping[str, bytes], folder: Path) -> Rendered:
    """Write a site.

    All files are first written beside their places and flushed to the disk; only when every one
    is there are they renamed into place, with interrupts held back meanwhile. Whatever stops it
    before leaves the old site as it was. Meanwhile the manifest vouches for the old and the new
    of each file, so that after a power cut amid the renaming the next rendering can go on.

    Args:
        contents: Bytes by path relative to the folder.
        folder: Where; made if missing.

    Raises:
        SiteError: The folder cannot be written, or a file of somebody else's is in the way.
    """
    old = _manifest(folder)
    contents = {**contents, MANIFEST: _list(contents)}
    changed = {name: new for name, new in contents.items() if _current(folder / name) != new}
    for name in changed:
        _check_ours(folder, name, old)
    staged: dict[str, Path] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in changed.items():
            staged[name] = files.stage(folder / name, content)
        with _uninterrupted():
            if changed:
                files.write(folder / MANIFEST, _list(contents, replacing=old))
            for name in sorted(staged, key=lambda name: name == MANIFEST):
                if name == MANIFEST:
                    _remove_stale(folder, old, contents)
                staged[name].replace(folder / name)
    except OSError as error:
        raise SiteError(
            f"The site cannot be written to {folder}: {error.strerror}. Choose another with -o."
        ) from None
    finally:
        for path in staged.values():
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
    return Rendered(index=(folder / "index.html").resolve(), written=len(changed))


def stale_files(contents: Mapping[str, bytes], folder: Path) -> list[str]:
    """Return the files of a site that are missing, differ, or should no longer be there."""
    contents = {**contents, MANIFEST: _list(contents)}
    wrong = [name for name, content in contents.items() if _current(folder / name) != content]
    left_over = [name for name in _manifest(folder) if name not in contents]
    return sorted(wrong + [name for name in left_over if _current(folder / name) is not None])


def _list(contents: Mapping[str, bytes], replacing: Sums | None = None) -> bytes:
    listed: dict[str, Any] = {"files": {name: _sum(contents[name]) for name in sorted(contents)}}
    if replacing:
        listed["replacing"] = {name: sorted(sums) for name, sums in sorted(replacing.items())}
    return (json.dumps(listed, indent=1) + "\n").encode()


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _manifest(folder: Path) -> Sums:
    """Return the sums of what was written last; nothing if that cannot be read."""
    return _sums(_current(folder / MANIFEST) or b"") or {}


def _sums(manifest: bytes) -> Sums | None:
    """Return the sums that a manifest lists, or None if this program did not write it."""
    sums: Sums = {}
    try:
        listed = json.loads(manifest)
        for name, digest in listed["files"].items():
            sums.setdefault(str(name), set()).add(str(digest))
        for name, digests in listed.get("replacing", {}).items():
            sums.setdefault(str(name), set()).update(map(str, digests))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return {name: digests for name, digests in sums.items() if _inside(name)}


def _inside(name: str) -> bool:
    """Return whether a name stays in the folder; a manifest may come from anywhere."""
    parts = name.split("/")
    return not name.startswith("/") and ".." not in parts and not set("\\:\0") & set(name)


def _current(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _check_ours(folder: Path, name: str, old: Sums) -> None:
    path = folder / name
    if not path.exists():
        return
    content = _current(path)
    ours = content is not None and (
        _sum(content) in old.get(name, ()) or (name == MANIFEST and _sums(content) is not None)
    )
    if ours:
        return
    raise SiteError(
        f"{path} was not written by this program, or was changed since. "
        "Move it away, or choose another folder with -o."
    )


def _remove_stale(folder: Path, old: Sums, new: Mapping[str, bytes]) -> None:
    """Delete what an earlier rendering wrote, this one did not, and nobody changed."""
    for name, sums in old.items():
        path = folder / name
        content = _current(path)
        if name in new or content is None:
            continue
        if _sum(content) in sums:
            path.unlink()
            # Only folders that are empty now; rmdir refuses others.
            with contextlib.suppress(OSError):
                path.parent.rmdir()


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back for the few milliseconds of renaming."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if held:
            raise KeyboardInterrupt
