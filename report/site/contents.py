"""The files of a site, most of which nobody need read again."""

from __future__ import annotations

import functools
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from report.errors import SiteError
from report.results.files import Cache, digest


class Contents(Mapping[str, bytes]):
    """Bytes by path relative to the site: at hand, or read where they are kept when asked for."""

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        """Begin with some files at hand."""
        self.sums: dict[str, str] = {}
        self.readers: dict[str, Callable[[], bytes]] = {}
        self.add(files or {})

    def add(self, files: Mapping[str, bytes]) -> None:
        """Add files that are at hand, or all of another one's."""
        if isinstance(files, Contents):
            self.sums |= files.sums
            self.readers |= files.readers
            return
        for name, content in files.items():
            self.refer(name, digest(content), functools.partial(bytes, content))

    def refer(self, name: str, sha256: str, read: Callable[[], bytes]) -> None:
        """Add a file that is read when it is asked for."""
        self.sums[name], self.readers[name] = sha256, read

    def __getitem__(self, name: str) -> bytes:
        """Return what a file holds."""
        return self.readers[name]()

    def __contains__(self, name: object) -> bool:
        """Return whether there is a file, without reading it."""
        return name in self.sums

    def __iter__(self) -> Iterator[str]:
        """Go through the paths."""
        return iter(self.sums)

    def __len__(self) -> int:
        """Return how many files there are."""
        return len(self.sums)


class Bundle:
    """Files that are made together, with what other pages say of them: kept as one."""

    def __init__(self, facts: Any, files: Mapping[str, bytes]) -> None:
        """Hold facts as JSON knows them, and files."""
        self.facts = facts
        self.files = Contents(files)

    @classmethod
    def kept(cls, cache: Cache, key: str) -> Bundle | None:
        """Return what the cache has, without the files' bytes; None if it has nothing."""
        content = cache.get(key)
        if content is None:
            return None
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            head = json.loads(archive.read(HEAD))
        files = Contents()
        for name, known in head["sums"].items():
            files.refer(name, known, functools.partial(_member, cache, key, name))
        return cls(head["facts"], files)

    def keep(self, cache: Cache, key: str) -> Bundle:
        """Put it into the cache, and return it as it is there, or itself if nothing can be."""
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr(HEAD, json.dumps({"facts": self.facts, "sums": self.files.sums}))
            for name, content in self.files.items():
                archive.writestr(name, content)
        cache.put(key, made.getvalue())
        return Bundle.kept(cache, key) or self


HEAD = "facts and sums"  # of a bundle, beside its files; no path has spaces


def _member(cache: Cache, key: str, name: str) -> bytes:
    return _archive(cache, key).read(name)


@functools.lru_cache(maxsize=2)
def _archive(cache: Cache, key: str) -> zipfile.ZipFile:
    content = cache.get(key)
    if content is None:
        raise SiteError(f"{cache.folder} was emptied meanwhile. Render again.")
    return zipfile.ZipFile(io.BytesIO(content))
