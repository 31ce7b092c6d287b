"""Takes results out of their folder, and nothing else."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from report.errors import ResultError
from report.results import imported

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from report.results.resultfile import Saved
    from report.results.store import LeftOut


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
