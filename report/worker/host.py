"""What a worker finds on its host: cores, memory, and the data that its parent has put there."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from array import array
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


ROOT = Path("/")
"""Tests stand another folder in its place, to show a machine that is not theirs."""

MEMORY_FILES = (
    ("memory.max", "memory.current"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes"),
)
"""A control group's limit and use of memory, in either version."""

NO_LIMIT_BYTES = 2**60
"""A limit of memory this high is none."""


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


def free_bytes(root: Path = ROOT) -> int | None:
    """Return how much memory this process may still take, or None where nothing says.

    That is what is free on the host, or what is left of a container's limit if that is less: beyond
    it the kernel would end the process, however much the host has.
    """
    host = read_text(root / "proc/meminfo") or ""
    found = re.search(r"^MemAvailable: +(\d+) kB", host, re.MULTILINE)
    free = int(found[1]) * 1024 if found else None
    if free is None:
        with contextlib.suppress(AttributeError, ValueError, OSError):  # Windows has none of this
            # How much of it is free cannot be read everywhere; half is a cautious guess.
            free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    left = [left for _, left in memory_limits(root)]
    return min((each for each in (free, *left) if each is not None), default=None)


class PeakMemory:
    """The most memory that this process has held since this was made.

    Source: "The /proc Filesystem", Linux kernel documentation: clear_refs, VmHWM.
    """

    def __init__(self, root: Path = ROOT) -> None:
        """Let the kernel forget what was held before, where it can."""
        self._status, self._restarted = root / "proc/self/status", False
        with contextlib.suppress(OSError):
            (root / "proc/self/clear_refs").write_text("5", encoding="ascii")
            self._restarted = True

    def read(self) -> int | None:
        """Return it in bytes; None where nothing says."""
        text = (read_text(self._status) or "") if self._restarted else ""
        found = re.search(r"^VmHWM:\s+(\d+) kB", text, re.MULTILINE)
        return int(found[1]) * 1024 if found else None


def read_text(path: Path) -> str | None:
    """Read a small file of the kernel's; None if it is missing, forbidden or empty."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \t\r\n") or None
    except OSError:
        return None


def control_groups(controller: str, root: Path = ROOT) -> Iterator[Path]:
    """Yield the folders of this process's control groups, each before those that hold it.

    A limit holds for all that is below it, so that the least of them is the one that bites. Version
    2 has one tree, version 1 one for each controller ("cpu", "memory").
    """
    for line in (read_text(root / "proc/self/cgroup") or "").splitlines():
        controllers, _, group = line.partition(":")[2].partition(":")
        if not controllers:
            mounts = ["sys/fs/cgroup", "sys/fs/cgroup/unified"]
        elif controller in controllers.split(","):
            mounts = [f"sys/fs/cgroup/{controllers}", f"sys/fs/cgroup/{controller}"]
        else:
            continue
        inner = PurePosixPath(group.lstrip("/"))
        if ".." in inner.parts:  # the group lies outside of what this container can see
            inner = PurePosixPath()
        for mount in dict.fromkeys(mounts):
            yield from (root / mount / part for part in (inner, *inner.parents))


def memory_limits(root: Path = ROOT) -> list[tuple[int, int]]:
    """Return the limits of memory that hold for this process, and what is left of each, in bytes.

    Files that the kernel would give up do not count as used.
    """
    found = []
    for folder in control_groups("memory", root):
        for names in MEMORY_FILES:
            limit, used = (read_text(folder / name) or "" for name in names)
            # Version 2 writes "max" for none, version 1 the largest number that it can.
            if limit.isdecimal() and int(limit) < NO_LIMIT_BYTES:
                stat = read_text(folder / "memory.stat") or ""
                # Version 1 counts those of the groups below apart, as total_inactive_file.
                files = re.findall(r"^(?:total_)?inactive_file (\d+)", stat, re.MULTILINE)
                kept = int(used if used.isdecimal() else 0) - max(map(int, files), default=0)
                found.append((int(limit), max(0, int(limit) - max(0, kept))))
    return found


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
