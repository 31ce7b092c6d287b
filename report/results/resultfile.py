"""A result file, as those who need many of them hold it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from report.results import files

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.results.imported import Import
    from report.results.result import Result

GZIP = b"\x1f\x8b"
"""How a packed file begins, whatever its name."""


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A result file: what it is, and what it holds when somebody asks.

    Its bytes are passed on as they are: packing them again would give others wherever zlib is of
    another version.

    Attributes:
        head: The result, of its records at most the first, without its outcome.
        sha256: Of the file.
        size: Of the file, in bytes.
        packed: Whether it is; one that a person unpacked ends with .json only.
        named: What its file calls the machine, where another one has that name.
        imported: Where it came from, if not from this folder's owner.
        place: Where it lies in the results folder that it was read from.
    """

    head: Result
    sha256: str
    size: int
    packed: bool
    whole: Callable[[], tuple[Result, bytes]]
    named: str = ""
    imported: Import | None = None
    place: str = ""

    @property
    def name(self) -> str:
        """Return its place in a results folder."""
        name = name_of(self.head)
        return name if self.packed else name.removesuffix(".gz")

    @property
    def result(self) -> Result:
        """Return what was measured, under the machine's name."""
        return replace(self.whole()[0], machine=self.head.machine)

    @property
    def content(self) -> bytes:
        """Return the file's bytes."""
        return self.whole()[1]


def of(result: Result, content: bytes) -> Saved:
    """Return a result that is at hand, with the bytes of its file."""
    return Saved(
        head=result,
        sha256=files.digest(content),
        size=len(content),
        packed=content.startswith(GZIP),
        whole=lambda: (result, content),
    )


def name_of(result: Result) -> str:
    """Return a result's place in a results folder: "<machine>/<time>-<profile>.json.gz"."""
    stamp = result.started_at.replace("-", "").replace(":", "")
    return f"{result.machine.id}/{stamp}-{result.profile}.json.gz"
