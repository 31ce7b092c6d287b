"""Takes results from elsewhere into their folder, and results out of it."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

from report.errors import ResultError
from report.results import imported, runs, store

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from report.results.imported import Import
    from report.results.result import Result
    from report.results.store import LabelTypes, LeftOut, Saved


def add(path: Path, folder: Path, labels: LabelTypes, today: str) -> str:
    """Take a result file from elsewhere into a results folder, and return its place there.

    Raises:
        ResultError: It is no result, or as for `take`.
    """
    one = store.read(path, labels)
    return take(one, path, folder, labels, imported.of(one.content, path.name, today))


def take(one: Saved, path: Path | str, folder: Path, labels: LabelTypes, origin: Import) -> str:
    """Take what was read from a path or an address, and return its place in a results folder.

    It joins those of the same installation and hardware, and none of the owner's. A later state of
    a run takes the place of an earlier one.

    Raises:
        ResultError: It is there already, or the folder cannot be written.
    """
    if earlier := store.sums(folder).get(origin.sha256):
        raise ResultError(f"{path} is already there: {earlier}.")
    place = _place(one, path, folder / imported.FOLDER, labels)
    imports = imported.load(folder)
    imports[place.relative_to(folder).as_posix()] = origin
    # First the list: without a file, an entry says nothing, and without an entry, a file is taken
    # for the owner's.
    imported.save(folder, imports)
    imported.write(place, one.content, folder)
    return place.relative_to(folder).as_posix()


def bring(one: Saved, folder: Path, labels: LabelTypes) -> str:
    """Put a result that the folder's owner had measured elsewhere there, and return its place.

    Raises:
        ResultError: The folder cannot be written, or has another run in its place.
    """
    if earlier := store.sums(folder).get(one.sha256):
        return earlier.relative_to(folder).as_posix()
    place = _place(one, one.name, folder, labels)
    imported.write(place, one.content, folder)
    return place.relative_to(folder).as_posix()


def _place(one: Saved, path: Path | str, folder: Path, labels: LabelTypes) -> Path:
    place = _home(one.head, folder, labels) / Path(one.name).name
    for old in store.readable(place, labels):
        if old.head.run_id != one.head.run_id or old.head.finished_at:
            raise ResultError(f"{path} would replace {place}, which is another run, or later.")
    return place


def _home(result: Result, folder: Path, labels: LabelTypes) -> Path:
    """Return the folder of a machine from elsewhere: that of its earlier results, or a new one."""
    for number in itertools.count(1):
        home = folder / (result.machine.id if number == 1 else f"{result.machine.id}-{number}")
        earlier = next(
            (one.result for path in store.paths(home) for one in store.readable(path, labels)), None
        )
        if earlier is None or _owner(earlier) == _owner(result):
            break
    return home


def _owner(result: Result) -> tuple[object, ...]:
    return (result.installation, runs.hardware(result.machine))


def chosen(
    reference: str, folder: Path, saved: Sequence[Saved], left_out: Sequence[LeftOut], *, own: bool
) -> set[str]:
    """Return the places of the results in a folder that a person named, by machine or by file.

    Raises:
        ResultError: There are none; or one may not go: the folder's `own`, or what a link leads to.
    """
    # Links above the folder do not matter, nor whether the file itself is one as yet.
    root, paths = folder.resolve(), (Path(reference), folder / reference)
    whole = {path.parent.resolve() / path.name for path in paths}
    places = {path.relative_to(root).as_posix() for path in whole if path.is_relative_to(root)}
    found = [one for one in saved if one.head.machine.id == reference or one.place in places]
    if not found:
        reasons = (one.reason for one in left_out if one.name in places)
        reason = next(reasons, "is neither a machine nor a result there")
        raise ResultError(f"{reference} {reason}. `report list` shows what {folder} holds.")
    if not own and any(one.imported is None for one in found):
        raise ResultError(f"{reference} was measured here; --own removes it too.")
    for one in found:
        if (root / one.place).resolve() != root / one.place:
            raise ResultError(f"{one.place} lies behind a link; remove it by hand.")
    return {one.place for one in found}


def remove(places: Collection[str], folder: Path) -> None:
    """Delete results, the folders that they leave empty, and what is noted of imported ones.

    Raises:
        ResultError: A file cannot be deleted, or the list of imported ones cannot be written.
    """
    imports = imported.load(folder)
    for place in places:
        try:
            (folder / place).unlink()
        except OSError as error:
            raise ResultError(f"{place} cannot be deleted: {error.strerror}.") from None
        for parent in list(Path(place).parents)[:-1]:
            with contextlib.suppress(OSError):  # it holds something else
                (folder / parent).rmdir()
        # The list last: without an entry, a file that is left would be taken for the owner's.
        if imports.pop(place, None):
            imported.save(folder, imports)
