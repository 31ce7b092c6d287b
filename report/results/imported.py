"""results/imported.json: which results came from elsewhere, and when they were added.

What stands there is shown as not verified; everything else in the folder is its owner's. Imported
files have a folder of their own, so that they join no run of the owner's machines, whatever they
call themselves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import ConfigDict, StringConstraints, TypeAdapter, ValidationError, with_config

from report.errors import ResultError
from report.results import files
from report.results.files import digest
from report.results.limits import MOST_BYTES
from report.text.plain import showable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LIST = "imported.json"
FOLDER = "imported"
"""In a results folder. No machine may have this name."""


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, kw_only=True)
class Import:
    """Where a result came from, when, and the SHA-256 of its file as it came.

    The address is that of the site that it was taken from; of a file its name, without folders.
    """

    address: Annotated[str, StringConstraints(max_length=2000)]
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
    added: Annotated[str, StringConstraints(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


_ADAPTER = TypeAdapter(dict[str, Import])


def of(content: bytes, address: str, today: str) -> Import:
    """Return the entry of a file that came today."""
    return Import(address=showable(address), sha256=digest(content), added=today)


def load(results: Path) -> dict[str, Import]:
    """Return what a results folder holds from elsewhere, by place in it.

    Raises:
        ResultError: The list cannot be read, and so nobody knows whose a result is.
    """
    path = results / LIST
    try:
        return _ADAPTER.validate_json(files.read(path, MOST_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValidationError):
        raise ResultError(
            f"{path} cannot be read. It says which results came from elsewhere: "
            "put an earlier version back, or remove it with the folder imported."
        ) from None


def save(results: Path, imports: Mapping[str, Import]) -> None:
    """Write the list; raises as `write` does."""
    shown = {place: vars(imports[place]) for place in sorted(imports)}
    write(results / LIST, (json.dumps(shown, indent=1) + "\n").encode(), results)


def write(path: Path, content: bytes, results: Path) -> None:
    """Write a file of a results folder.

    Raises:
        ResultError: The folder cannot be written.
    """
    try:
        files.sweep([path])  # what a program left that was killed while it wrote this
        files.write(path, content)
    except OSError as error:
        raise ResultError(f"Results cannot be written to {results}: {error.strerror}.") from None
