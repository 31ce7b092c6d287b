"""The site's folder: written whole or not at all, and nobody else's files touched.

`data/manifest.json` lists what was written, with SHA-256. A file that is not in it, or no longer
has its sum, is a person's: it is neither replaced nor deleted.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from report.errors import SiteError
from report.results import files
from report.results.files import digest
from report.results.published import INDEX, SCHEMA
from report.site.contents import Contents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MANIFEST = "data/manifest.json"

FIXED = (
    *("index.html", "method.html", "404.html", "style.css", "script.js"),
    *(MANIFEST, INDEX, SCHEMA),
)
"""Files that every site has."""

Sums = dict[str, set[str]]
"""For each file the SHA-256 of what this program wrote there; two while it is being replaced."""


def sum_of(path: Path) -> str | None:
    """Return the SHA-256 of a file as it is now."""
    content = _current(path)
    return None if content is None else digest(content)


def write_files(files_of_site: Mapping[str, bytes], folder: Path) -> int:
    """Write a site of bytes by path relative to the folder, which is made if missing.

    Returns how many files changed.

    All files are first written beside their places and flushed to the disk; only when every one
    is there are they renamed into place, with interrupts held back meanwhile. Whatever stops it
    before leaves the old site as it was. Meanwhile the manifest vouches for the old and the new
    of each file, so that after a power cut amid the renaming the next rendering can go on.

    Raises:
        SiteError: The folder cannot be written, or a file of somebody else's is in the way.
    """
    old, contents = _manifest(folder), Contents(files_of_site)
    contents.add({MANIFEST: _list(contents.sums)})
    changed = [name for name in contents if sum_of(folder / name) != contents.sums[name]]
    left_over = [name for name in old if name not in contents and _is_ours(folder, name, old)]
    _refuse_others(folder, changed, old)
    files.sweep(folder / name for name in contents)
    if not changed:
        return 0
    try:
        with contextlib.ExitStack() as waiting:
            staged = {
                name: waiting.enter_context(files.staged(folder / name, contents[name]))
                for name in dict.fromkeys((*changed, MANIFEST))
            }
            waiting.enter_context(_uninterrupted())
            files.write(folder / MANIFEST, _list(contents.sums, replacing=old))
            manifest = staged.pop(MANIFEST)
            for name, path in staged.items():
                path.replace(folder / name)
            for name in left_over:
                (folder / name).unlink()
                with contextlib.suppress(OSError):  # others are in there still
                    (folder / name).parent.rmdir()
            manifest.replace(folder / MANIFEST)
    except OSError as error:
        raise SiteError(
            f"The site cannot be written to {folder}: {error.strerror}. Choose another with -o."
        ) from None
    return len(changed)


def check(folder: Path, results: Path, names: Iterable[str] = ()) -> None:
    """Look whether a site with files of these names, among others, can be written to a folder.

    Raises:
        SiteError: It lies in a repository's own folder, or it and the results in one another;
            nothing can be written there; or a file of somebody else's is in the way.
    """
    site, kept = folder.resolve(), results.resolve()
    if ".git" in site.parts or site == kept or site in kept.parents or kept in site.parents:
        raise SiteError(
            f"A site cannot be written to {folder}: it must not be in .git or in {results}, "
            f"and {results} must not be in it. Choose another folder with -o."
        )
    there = next(each for each in (site, *site.parents) if each.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise SiteError(
            f"A site cannot be written to {folder}: nothing can be written to {there}. "
            "Choose another folder with -o."
        )
    _refuse_others(folder, (*FIXED, *names), _manifest(folder))


def _refuse_others(folder: Path, names: Iterable[str], sums: Sums) -> None:
    for name in names:
        if _linked(folder, name) or ((folder / name).exists() and not _is_ours(folder, name, sums)):
            raise SiteError(
                f"{folder / name} was not written by this program, or was changed since. "
                "Move it away, or choose another folder with -o."
            )


def mixture(folder: Path) -> list[str]:
    """Say what keeps a folder from being one whole site, as this program wrote it; empty if it is.

    The manifest is written last, so that a site is whole if all that it lists is there.
    """
    sums = _manifest(folder)
    if not sums:
        return [f"{MANIFEST} is missing, or cannot be read"]
    wrong = [name for name in sums if not _is_ours(folder, name, sums)]
    return [f"{name} is missing, or was changed" for name in wrong] + [
        f"{name} was being replaced" for name, several in sums.items() if len(several) > 1
    ]


def listed(folder: Path) -> list[str]:
    """Return the files of a site by its manifest, which is one of them."""
    return sorted(_manifest(folder))


def holds(folder: Path, manifest: bytes) -> bool:
    """Return whether a site is still what a manifest lists, and nothing of it was changed."""
    sums = _manifest(folder)
    untouched = all(_is_ours(folder, name, sums) for name in sums)
    return _current(folder / MANIFEST) == manifest and untouched


def stale_files(contents: Mapping[str, bytes], folder: Path) -> list[str]:
    """Return the files of a site that are missing, differ, or should no longer be there."""
    sums = Contents(contents).sums
    sums[MANIFEST] = digest(_list(sums))
    names = {*sums, *_manifest(folder)}
    return sorted(name for name in names if sum_of(folder / name) != sums.get(name))


def _list(contents: Mapping[str, str], replacing: Sums | None = None) -> bytes:
    listed: dict[str, Any] = {"files": {name: contents[name] for name in sorted(contents)}}
    if replacing:
        listed["replacing"] = {name: sorted(sums) for name, sums in sorted(replacing.items())}
    return (json.dumps(listed, indent=1) + "\n").encode()


def _manifest(folder: Path) -> Sums:
    """Return the sums of what was written last, its own too; nothing if that cannot be read."""
    content = _current(folder / MANIFEST) or b""
    sums: Sums = {MANIFEST: {digest(content)}}
    try:
        listed = json.loads(content)
        for name, known in listed["files"].items():
            sums.setdefault(name, set()).add(str(known))
        for name, digests in listed.get("replacing", {}).items():
            sums.setdefault(name, set()).update(map(str, digests))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {name: digests for name, digests in sums.items() if _inside(name)}


def _inside(name: str) -> bool:
    """Return whether a name stays in the folder; a manifest may come from anywhere."""
    parts = name.split("/")
    return not name.startswith("/") and ".." not in parts and not set("\\:\0") & set(name)


def _current(path: Path) -> bytes | None:
    try:
        return files.read(path)
    except OSError:
        return None


def _is_ours(folder: Path, name: str, sums: Sums) -> bool:
    content = None if _linked(folder, name) else _current(folder / name)
    return content is not None and digest(content) in sums.get(name, ())


def _linked(folder: Path, name: str) -> bool:
    """Return whether a link lies on the way to a file: behind it is somebody else's folder."""
    *parts, _ = (PurePosixPath(name), *PurePosixPath(name).parents)
    return any((folder / part).is_symlink() for part in parts)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back for the few milliseconds of renaming; it only ever ends the main thread."""
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
