"""results/ on disk: results/<machine>/<run>.json.gz, written whole or not at all."""

from __future__ import annotations

import contextlib
import functools
import gzip
import json
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from report.errors import ResultError, UsageError
from report.results import files, imported, limits, runs
from report.results.limits import MOST_BYTES, MOST_PACKED_BYTES
from report.results.machine import check_name
from report.results.result import VERSION, Result
from report.text.plain import showable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from report.registry import KindName
    from report.results.imported import Import

    LabelTypes = Mapping[KindName, type]
    """For each kind of experiment, the TypedDict of its labels."""

LEVEL = 4
"""Of packing, which happens after each record: 4.5 MB take 46 ms and become 1.08 MB; at the highest
level they take 256 ms and become 1.02 MB (measured here)."""

GZIP = b"\x1f\x8b"  # how a packed file begins, whatever its name

NOTHING_KEPT = files.Cache()

_ADAPTER = TypeAdapter(Result)
_VALIDATOR = limits.validator(_ADAPTER)


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A result file: what it is, and what it holds when somebody asks.

    Its bytes are passed on as they are: packing them again would give others wherever zlib is of
    another version.
    """

    head: Result  # of its records at most the first, without its outcome
    sha256: str
    size: int  # in bytes
    packed: bool  # one that a person unpacked ends with .json only
    whole: Callable[[], tuple[Result, bytes]]
    named: str = ""  # what its file calls the machine, where another one has that name
    imported: Import | None = None  # where it came from, if not from this folder's owner
    place: str = ""  # where it lies in the results folder that it was read from

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


def saved(result: Result, content: bytes) -> Saved:
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


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a result file."""
    return _ADAPTER.json_schema()


class TooLargeError(ResultError):
    """A result has grown beyond what can be read."""


def save(result: Result, folder: Path) -> Path:
    """Write a result, replacing an earlier state of the same run in one step.

    Raises:
        TooLargeError: Nobody could read it again.
        ResultError: The folder cannot be written.
    """
    head, records = _parts(result)
    content = _joined(head, records)
    packed, why = pack(content), None
    large = len(content) > MOST_BYTES or len(packed) > MOST_PACKED_BYTES
    many = len(records) > limits.MOST_OF["records"] or limits.too_many(result.records)
    if large or many:
        why = f"of {len(records):,} records and {len(content):,} bytes"
    try:
        limits.count(content)
        # Those before the last were looked over when they were written, or read.
        for part in (head, *records[-1:]):
            limits.parsed(part.encode())
    except limits.Refused as refused:
        why = f"that {refused}"
    if why:
        raise TooLargeError(f"A result {why} could not be read again.")
    path = folder / name_of(result)
    imported.write(path, packed, folder)
    return path


def dump(result: Result) -> bytes:
    """Return a result as JSON: a line for each record, so that a diff shows which changed."""
    return _joined(*_parts(result))


def _parts(result: Result) -> tuple[str, list[str]]:
    """Return as JSON what a result holds beside its records, and each of these."""
    fields = dict(vars(result))
    records = fields.pop("records")
    # Of the dataclasses within, `vars` gives the same as `asdict`, which copies all and takes
    # four times as long: half a second after each record of a long run (measured here).
    head = json.dumps(fields, default=vars, indent=1, allow_nan=False, ensure_ascii=False)
    return head, [
        json.dumps(kept, default=vars, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        for record in records
        for kept in [{name: value for name, value in vars(record).items() if name != "run"}]
    ]


def _joined(head: str, records: Sequence[str]) -> bytes:
    lines = ",\n".join(records)
    return f'{head[:-2]},\n "records": [\n{lines}\n ]\n}}\n'.encode()


def pack(content: bytes) -> bytes:
    """Return what a file holds as it lies there: the same bytes for the same content, here."""
    return gzip.compress(content, LEVEL, mtime=0)


def load(path: Path, labels: LabelTypes) -> Result:
    """Read a result file; see `read`."""
    return read(path, labels).result


def read(path: Path, labels: LabelTypes) -> Saved:
    """Read a result file, packed or not, whose labels are those of its kinds of experiment.

    Raises:
        ResultError: It is not one, is cut short, or is of another version.
    """
    return read_bytes(content_of(path), path, labels)


def read_bytes(content: bytes, path: Path | str, labels: LabelTypes) -> Saved:
    """Read what a result file holds, as `read` does; errors name its path or its address."""
    try:
        _, fields = limits.parsed(_unpacked(path, content))
    except limits.Refused as why:
        raise ResultError(f"{path} {why}; it is not a result file of this program.") from None
    except (ValueError, zlib.error):
        raise ResultError(
            f"{path} is not complete JSON; it may have been cut short. "
            "Measure again, or remove it from the folder."
        ) from None
    version = fields.get("version") if isinstance(fields, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise ResultError(f"{path} is not a result file of this program.")
    if version != VERSION:
        raise ResultError(
            f"{path} has format {version}; this program reads format {VERSION}. "
            "Use the program that wrote it, or measure again."
        )
    try:
        result: Result = _VALIDATOR.validate_python(fields)
        check_name(result.machine.id)
        _check_labels(result, labels)
    except UsageError as error:
        raise ResultError(f"{path}: {error.message}") from None
    except ValidationError as error:
        detail = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, detail["loc"]))
        raise ResultError(
            f"{path} is not a valid result file: {where}: {detail['msg']}. "
            "`report schema results` prints what is expected."
        ) from None
    if limits.too_many(result.records):
        raise ResultError(f"{path} holds more series than any result.")
    if wrong := result.contradiction():
        raise ResultError(f"{path} {wrong}; it is not a result of this program.")
    return saved(result, content)


def content_of(path: Path) -> bytes:
    """Return what a file of a results folder holds.

    Raises:
        ResultError: It cannot be read, or is no file, or too large for a result.
    """
    try:
        content = files.read(path, MOST_BYTES)
    except OSError as error:
        raise ResultError(f"{path} cannot be read: {error.strerror}.") from None
    if len(content) > MOST_BYTES:
        raise _too_large(path)
    return content


def _unpacked(path: Path | str, content: bytes) -> bytes:
    """Return a file's JSON; no more of it is unpacked than a result can have."""
    if not content.startswith(GZIP):
        return content
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    unpacked = unpacker.decompress(content, MOST_BYTES + 1)
    if len(content) > MOST_PACKED_BYTES or len(unpacked) > MOST_BYTES:
        raise _too_large(path)
    if not unpacker.eof or unpacker.unused_data:  # it was cut short, or something follows it
        raise ValueError(path)
    return unpacked


def _too_large(path: Path | str) -> ResultError:
    return ResultError(f"{path} is too large to be a result file.")


def _check_labels(result: Result, types: LabelTypes) -> None:
    """Refuse labels that no figure could be drawn from, which a stranger's file may have."""
    for record in result.records:
        for labels in limits.labels_of(record):
            _adapter(types[record.kind]).validate_python(labels)


@functools.cache
def _adapter(labels: type) -> TypeAdapter[Any]:
    # Those of a person's own code are theirs to name.
    named = getattr(labels, "__pydantic_config__", {"extra": "forbid"})["extra"]
    return TypeAdapter(with_config(ConfigDict(extra=named))(labels))


def paths(folder: Path) -> list[Path]:
    """Return the result files in a machine's folder, oldest first.

    Where a person has unpacked one beside itself, it is the packed one: a run that goes on writes
    that.
    """
    try:
        packed, plain = set(folder.glob("*.json.gz")), set(folder.glob("*.json"))
    except FileNotFoundError:  # it was taken away meanwhile
        return []
    return sorted(packed | plain - {path.with_suffix("") for path in packed})


def files_in(folder: Path) -> list[Path]:
    """Return the result files below a results folder, or the single file itself."""
    if folder.is_file():
        return [folder]
    machines = sorted([*folder.glob("*/"), *folder.glob(f"{imported.FOLDER}/*/")])
    return [path for machine in machines for path in paths(machine)]


def newest_first(folder: Path, labels: LabelTypes, *, now: str) -> Iterator[Result]:
    """Read a machine's results, those that were made last first; what is no result is passed over.

    They are read one by one, unless the newest seems yet to come: it was made before the clock was
    set back, and names are no order then.
    """
    found = (one.result for path in reversed(paths(folder)) for one in readable(path, labels))
    newest = next(found, None)
    if newest is None:
        return
    if newest.started_at <= now:
        yield newest
        yield from found
    else:
        yield from sorted([newest, *found], key=lambda result: result.order, reverse=True)


def readable(path: Path, labels: LabelTypes) -> list[Saved]:
    """Return the result in a file, if it is one."""
    with contextlib.suppress(ResultError):
        return [read(path, labels)]
    return []


def files_below(path: Path) -> list[Path]:
    """Return the result files of a folder, in it or in its machines' folders, or a single file."""
    return [path] if path.is_file() else [*paths(path), *files_in(path)]


def sources(folder: Path) -> list[Path]:
    """Return all files that a site depends on: the results, and the list of imported ones."""
    return [*files_in(folder), *folder.glob(imported.LIST)]


@dataclass(frozen=True)
class LeftOut:
    """A file among results that cannot be read: its place in their folder, and why."""

    name: str
    reason: str


def read_all(
    folder: Path, labels: LabelTypes, cache: files.Cache = NOTHING_KEPT, *, least: int = 1
) -> tuple[list[Saved], list[LeftOut]]:
    """Read every result below a folder, oldest first, and say which files are none.

    Machines of other hardware have other names in what is returned, whatever their files say.
    Those of the folder's owner are named first. What the cache knows already is read only when it
    is asked for.

    Raises:
        ResultError: There are fewer than `least`, 1 or 0; or it is a single file, and cannot be
            read; or nobody knows which of them were imported.
    """
    imports = imported.load(folder)
    # For a moment the last few are at hand.
    reader = functools.lru_cache(maxsize=8)(functools.partial(_unchanged, labels))
    first: dict[str, tuple[Saved, str]] = {}
    left_out = []
    for path in files_in(folder):
        place = path.relative_to(folder).as_posix()
        try:
            one = replace(_listed(path, reader, cache, imports.get(place)), place=place)
            # A copy in another folder is no other machine.
            first.setdefault(one.sha256, (one, place.rpartition("/")[0]))
        except ResultError as error:
            if folder.is_file():
                raise
            name = showable(place)
            left_out.append(LeftOut(name, error.message.removeprefix(str(path)).lstrip(": ")))
    if len(first) < least:
        why = "".join(f"\n{one.name} {one.reason}" for one in left_out)
        raise ResultError(f"There are no results in {folder}. `report run` measures some.{why}")
    found = sorted(
        first.values(),
        key=lambda each: (each[0].imported is not None, each[0].head.order, each[0].name),
    )
    told = runs.apart([one.head for one, _ in found], [place for _, place in found])
    named = [
        one if head is one.head else replace(one, head=head, named=one.head.machine.id)
        for (one, _), head in zip(found, told, strict=True)
    ]
    return sorted(named, key=lambda one: (one.head.order, one.name)), left_out


def _listed(
    path: Path,
    reader: Callable[[Path, str], tuple[Result, bytes]],
    cache: files.Cache,
    origin: Import | None,
) -> Saved:
    """Return a result file of which only the head is read, if the cache has that."""
    content = content_of(path)
    digest = files.digest(content)
    if origin is not None and origin.sha256 != digest:
        raise ResultError(f"{path} is no longer what was imported.")
    whole = functools.partial(reader, path, digest)
    mine = files.key("head", files.program(), digest)
    kept = cache.get(mine)
    if kept is None:
        result = whole()[0]
        first = [replace(record, outcome=None) for record in result.records[:1]]
        head = replace(result, records=first, verdicts=[])
        cache.put(mine, dump(head))
    else:
        head = _ADAPTER.validate_json(kept)
    return replace(saved(head, content), whole=whole, imported=origin)


def _unchanged(labels: LabelTypes, path: Path, digest: str) -> tuple[Result, bytes]:
    one = read(path, labels)
    if one.sha256 != digest:
        raise ResultError(f"{path} was changed meanwhile. Render again.")
    return one.result, one.content


def by_machine(every: Sequence[Saved]) -> list[list[Saved]]:
    """Return the files of the runs that each machine's page is about, as `runs.by_machine` does."""
    of_head = {id(one.head): one for one in every}
    machines = runs.by_machine(one.head for one in every)
    return [[of_head[id(head)] for head in same] for same in machines]


def sums(folder: Path) -> dict[str, Path]:
    """Return the files below a results folder that can be read, by their SHA-256."""
    found = {}
    for each in files_in(folder):
        with contextlib.suppress(ResultError):  # it is told when it is taken for a result
            found[files.digest(content_of(each))] = each
    return found


def find(
    reference: str, folder: Path, labels: LabelTypes, warn: Callable[[str], object] = lambda _: None
) -> Result:
    """Return the result in a file, or a machine's runs in a folder, as a person typed it.

    Warns of the machine's files that cannot be read.

    Raises:
        UsageError: There is neither.
    """
    if Path(reference).is_file():
        return load(Path(reference), labels)
    every, left_out = read_all(folder, labels) if folder.is_dir() else ([], [])
    known = {same[0].head.machine.id: same for same in by_machine(every)}
    if reference in known:
        for one in left_out:
            if reference in one.name.split("/"):
                warn(f"Left out: {one.name} {one.reason}")
        return runs.together([one.result for one in known[reference]])
    ids = ", ".join(known) or "none"
    wrong = "".join(f"\n{one.name} {one.reason}" for one in left_out)
    raise UsageError(
        f"{reference!r} is neither a result file nor a machine in {folder}. Machines: {ids}.{wrong}"
    )
