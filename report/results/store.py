"""results/ on disk: results/<machine>/<run>.json, written whole or not at all."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from report.errors import ResultError, UsageError
from report.results import files, formats
from report.results.machine import check_name
from report.results.result import VERSION, Result

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from report.registry import KindName

    LabelTypes = Mapping[KindName, type]

MOST_BYTES = 20_000_000
"""Twenty times what a full profile may take; anything larger is no result file."""

_ADAPTER = TypeAdapter(Result)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a result file."""
    return _ADAPTER.json_schema()


def name_of(result: Result) -> str:
    """Return a result's place in a results folder: "<machine>/<time>-<profile>.json"."""
    stamp = result.started_at.replace("-", "").replace(":", "")
    return f"{result.machine.id}/{stamp}-{result.profile}.json"


def save(result: Result, folder: Path) -> Path:
    """Write a result, replacing an earlier state of the same run in one step.

    Raises:
        ResultError: The folder cannot be written.
    """
    path = folder / name_of(result)
    try:
        files.write(path, dump(result))
    except OSError as error:
        raise ResultError(f"Results cannot be written to {folder}: {error.strerror}.") from None
    return path


def dump(result: Result) -> bytes:
    """Return a result as JSON: a line for each record, so that a diff shows which changed."""
    fields = dataclasses.asdict(result)
    records = fields.pop("records")
    head = json.dumps(fields, indent=1, allow_nan=False, ensure_ascii=False)
    lines = ",\n".join(
        json.dumps(record, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        for record in records
    )
    return f'{head[:-2]},\n "records": [\n{lines}\n ]\n}}\n'.encode()


def load(path: Path, labels: LabelTypes) -> Result:
    """Read a result file.

    Args:
        path: Where it lies.
        labels: For each kind of experiment, the TypedDict of its labels.

    Raises:
        ResultError: It is not one, is cut short, or comes from a newer version.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ResultError(f"{path} is too large to be a result file.")
        content = json.loads(path.read_bytes(), parse_constant=_refuse)
    except OSError as error:
        raise ResultError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise ResultError(
            f"{path} is no complete JSON; it may have been cut short. "
            "Measure again, or take it out of the folder."
        ) from None
    version = content.get("version") if isinstance(content, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise ResultError(f"{path} is no result file of this program.")
    if version > VERSION:
        raise ResultError(
            f"{path} has format {version}; this program knows up to {VERSION}. Update it."
        )
    try:
        result = _ADAPTER.validate_python(formats.upgraded(content))
        check_name(result.machine.id)
        _check_labels(result, labels)
        dump(result)
    except UsageError as error:
        raise ResultError(f"{path}: {error.message}") from None
    except UnicodeEncodeError:
        raise ResultError(f"{path} holds half a character; it cannot be shown.") from None
    except ValidationError as error:
        detail = error.errors()[0]
        where = ".".join(str(part) for part in detail["loc"])
        raise ResultError(
            f"{path} is no valid result file: {where}: {detail['msg']}. "
            "`report schema results` prints what is expected."
        ) from None
    return result


def _check_labels(result: Result, types: LabelTypes) -> None:
    """Hold the labels of what was measured to what their kind of experiment says of them.

    Raises:
        ValidationError: A stranger's file has others; no figure could be drawn from it.
    """
    for record in result.records:
        if record.outcome is None:
            continue
        adapter = _adapter(types[record.kind])
        for labels in (
            *(series.labels for series in record.outcome.series),
            *(run.labels for run in record.outcome.runs),
            *(noise.labels for noise in record.outcome.noise),
        ):
            adapter.validate_python(labels)


@functools.cache
def _adapter(labels: type) -> TypeAdapter[Any]:
    return TypeAdapter(with_config(ConfigDict(extra="forbid"))(labels))


def _refuse(constant: str) -> None:
    # Python's parser takes NaN and Infinity; JSON has neither, and no figure can show them.
    raise ValueError(constant)


def load_all(folder: Path, labels: LabelTypes) -> list[Result]:
    """Read every result below a folder, oldest first.

    Raises:
        ResultError: There is none, or one cannot be read.
    """
    if folder.is_file():
        return [load(folder, labels)]
    results = [load(path, labels) for path in sorted(folder.glob("*/*.json"))]
    if not results:
        raise ResultError(f"There are no results in {folder}. `report run` measures some.")
    return sorted(results, key=lambda result: (result.started_at, result.machine.id))


def latest(results: list[Result]) -> list[Result]:
    """Return the newest result of each machine, in the order of the machines' ids.

    A run that was interrupted before its first record shows nothing, and so gives way to an
    older one.
    """
    order = sorted(results, key=lambda result: (bool(result.records), result.started_at))
    newest = {result.machine.id: result for result in order}
    return [newest[machine] for machine in sorted(newest)]


def find(reference: str, folder: Path, as_path: Path, labels: LabelTypes) -> Result:
    """Return a result by file, or the newest one of a machine.

    Args:
        reference: A file or a machine's id, as a person typed it.
        folder: The results folder.
        as_path: The same reference as a path.
        labels: As for `load`.

    Raises:
        UsageError: There is neither.
    """
    if as_path.is_file():
        return load(as_path, labels)
    known = latest(load_all(folder, labels)) if folder.is_dir() else []
    for result in known:
        if result.machine.id == reference:
            return result
    ids = ", ".join(result.machine.id for result in known) or "none"
    raise UsageError(
        f"{reference!r} is neither a result file nor a machine in {folder}. Machines: {ids}."
    )
