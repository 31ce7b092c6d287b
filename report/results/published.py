"""data/index.json of a published report: its runs, for whoever takes them into another report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from report.errors import ResultError
from report.results import limits, store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.store import Saved

INDEX = "data/index.json"
SCHEMA = "data/result.schema.json"

MOST_INDEX_BYTES = 2_000_000
MOST_RUNS = 5_000  # an entry takes some 350 bytes

# An index must not lead to another host or out of the site.
_PATH = r"^data/[a-z0-9][a-z0-9._-]*/[0-9A-Za-z-]+\.json(\.gz)?$"


class PublishedRun(TypedDict):
    """A result file on a site."""

    path: Annotated[str, StringConstraints(pattern=_PATH)]  # from the site's address on
    size_bytes: int  # of the file as it lies there; so is the sum
    sha256: str
    machine: str  # the id under which the site shows it
    started_at: str
    profile: str
    format: int
    imported_from: str | None  # an address or a file's name, if the site's owner did not measure it


class Index(TypedDict):
    """data/index.json. Later versions may say more, which is passed over."""

    version: Literal[1]
    runs: Annotated[list[PublishedRun], Field(max_length=MOST_RUNS)]


_INDEX = TypeAdapter(Index)


def listed(saved: Sequence[Saved]) -> dict[str, bytes]:
    """Make the index of a site of results, and the schema of its result files, by path."""
    runs = [
        PublishedRun(
            path=f"data/{one.name}",
            size_bytes=one.size,
            sha256=one.sha256,
            machine=one.head.machine.id,
            started_at=one.head.started_at,
            profile=one.head.profile,
            format=one.head.version,
            imported_from=one.imported.address if one.imported else None,
        )
        for one in saved
    ]
    return {INDEX: _json(Index(version=1, runs=runs)), SCHEMA: _json(store.schema())}


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=1) + "\n").encode()


def read(content: bytes, address: str) -> list[PublishedRun]:
    """Read the index that lies at an address.

    Raises:
        ResultError: It is none, or lists more than a report has.
    """
    try:
        _, fields = limits.parsed(content)
        return _INDEX.validate_python(fields, strict=True)["runs"]
    except ValidationError as error:
        detail = error.errors(include_url=False, include_context=False, include_input=False)[0]
        why = f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}"
    except ValueError as error:  # it is no JSON, or more than a result may hold
        why = str(error)
    raise ResultError(f"{address} is not the index of a report: {why}.")
