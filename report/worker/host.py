"""What a worker finds on its host: cores, memory, and the data that its parent has put there."""

from __future__ import annotations

import os
import sys
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def usable_cores() -> int:
    """Return on how many cores this process may run."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_counts(wanted: Sequence[int | str], most: int) -> list[int]:
    """Return the numbers of threads that an experiment's `threads` comes to, each once.

    Wanted are numbers, auto (as many as are usable) or each (1, 2, 4 ... and all of them).
    """
    found: list[int] = []
    for item in wanted:
        if item == "each":
            found += [2**k for k in range(most.bit_length()) if 2**k < most] + [most]
        else:
            found.append(most if item == "auto" else int(item))
    return list(dict.fromkeys(found))


def free_bytes() -> int | None:
    """Return how much of the host's memory is free, or None where nothing says."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # not Linux
    try:
        # How much of it is free is not to be had everywhere; half is a cautious guess.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return None


def read_bundle(bundle: dict[str, Any], name: str, typecode: str) -> array[Any]:
    """Read one of the files in which the parent hands its data set to workers.

    `report.run.data.write_bundle` says which there are; the typecode is as `array` has it, "d" for
    .f64, "i" for .i32.
    """
    values = array(typecode, (Path(bundle["folder"]) / name).read_bytes())
    # The files are little-endian everywhere.
    if sys.byteorder == "big":
        values.byteswap()
    return values
