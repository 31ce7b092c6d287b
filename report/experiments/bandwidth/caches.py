"""How far the caches reach that a processor's threads have between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.text import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.machine import Cpu
    from report.results.result import Record


@dataclass(frozen=True, kw_only=True)
class Level:
    """The caches of one level that some threads use.

    Attributes:
        name: "L1", "L2", ...
        size_bytes: Of one of them.
        copies: How many of them the threads have.
    """

    name: str
    size_bytes: int
    copies: int

    @property
    def reach_bytes(self) -> int:
        """Return what they hold together, where each thread keeps to its own part."""
        return self.copies * self.size_bytes

    @property
    def words(self) -> str:
        """Return it for a figure: "L1 2 x 48 KiB", "L3 480 MiB"."""
        size = names.size(self.size_bytes)
        if self.copies == 1:
            return f"{self.name} {size}"
        return f"{self.name} {self.copies} \N{MULTIPLICATION SIGN} {size}"


def levels(cpu: Cpu, threads: int) -> list[Level]:
    """Return the caches for data, the nearest first.

    Threads are taken to run on cores of their own that lie side by side; where it is not known who
    shares a cache, it counts once.

    Args:
        cpu: The processor.
        threads: How many threads share the work.
    """
    siblings = max(1, (cpu.logical_cores or 1) // (cpu.physical_cores or cpu.logical_cores or 1))
    found = []
    for cache in sorted(cpu.caches, key=lambda cache: cache.level):
        if cache.type == "instruction":
            continue
        cores = threads if cache.shared_by is None else max(1, cache.shared_by // siblings)
        found.append(
            Level(
                name=f"L{cache.level}",
                size_bytes=cache.size_bytes,
                copies=-(-threads // cores),
            )
        )
    return found


def on_processor(records: Sequence[Record]) -> bool:
    """Return whether an experiment ran on the processor: its caches say nothing of others."""
    return all(record.device in {"cpu", "none"} for record in records)
