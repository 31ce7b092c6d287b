"""How many CPU threads: those that a process may use, and those that an experiment asks for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def usable_cores() -> int:
    """Return on how many cores this process may run."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_counts(wanted: Sequence[int | str], most: int) -> list[int]:
    """Return the numbers of threads that an experiment's `threads` comes to, each once.

    Args:
        wanted: Numbers, auto (as many as are usable) or each (1, 2, 4 ... and all of them).
        most: How many are usable.
    """
    found: list[int] = []
    for item in wanted:
        if item == "each":
            found += [2**k for k in range(most.bit_length()) if 2**k < most] + [most]
        else:
            found.append(most if item == "auto" else int(item))
    return list(dict.fromkeys(found))
