"""Takes results out of their folder, and nothing else."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from report.errors import ResultError
from report.results import imported

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from report.results.store import LeftOut, Saved


def chosen(
    reference: str, folder: Path, saved: Sequence[Saved], left_out: Sequence[LeftOut], *, own: bool
) -> list[Saved]:
    """Return the results that a person named, by machine or by file, of those in a folder.

    Raises:
        ResultError: There are none; or it is not one that may go: the folder's `own`, unless that
            is wanted, or behind a link.
    """
    places = {_place(Path(reference), folder), _place(folder / reference, folder)}
    found = [one for one in saved if one.result.machine.id == reference or one.place in places]
    if not found:
        reasons = (one.reason for one in left_out if one.name in places)
        reason = next(reasons, "is neither a machine nor a result there")
        raise ResultError(f"{reference} {reason}. `report list` shows what {folder} holds.")
    for one in found:
        if one.imported is None and not own:
            raise ResultError(f"{reference} was measured here; --own removes it too.")
        if (folder / one.place).resolve() != folder.resolve() / one.place:
            raise ResultError(f"{one.place} lies behind a link; remove it by hand.")
    return found


def _place(path: Path, folder: Path) -> str | None:
    """Return where a path lies in a folder, whichever links lead to both."""
    whole, root = path.parent.resolve() / path.name, folder.resolve()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else None


def remove(found: Iterable[Saved], folder: Path) -> None:
    """Delete results, the folders that they leave empty, and what is noted of imported ones.

    Raises:
        ResultError: A file cannot be deleted, or the list of imported ones cannot be written.
    """
    imports = imported.load(folder)
    try:
        for one in found:
            path = folder / one.place
            path.unlink()
            for parent in path.relative_to(folder).parents[:-1]:
                with contextlib.suppress(OSError):  # it holds something else
                    (folder / parent).rmdir()
            # The list last: without an entry, a file that is left would be taken for the owner's.
            if imports.pop(one.place, None):
                imported.save(folder, imports)
    except OSError as error:
        raise ResultError(f"{one.place} cannot be deleted: {error.strerror}.") from None
