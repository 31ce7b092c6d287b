"""What colour, marker and dash a thing has: the same in every figure, by what it is.

A strategy, a batch size, an optimizer keeps its look on all pages, also where others are missing
or stand in another order. Things of different sorts share the few colours that can be told apart.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

WHOLE = "all"
"""A batch of all examples, however many there are."""

KNOWN: dict[str, tuple[str, ...]] = {
    "strategy": ("full", "block", "column", "row", "element", "full-out"),
    "dtype": ("float32", "float64", "bfloat16", "float16", "TF32", "uint64"),
    "size": ("256", "1024", "4096", "512", "2048", "128", "64", "8192"),
    "operation": ("read", "copy", "triad", "strided", "gather", "chase"),
    "order": ("sequential", "random"),
    "point": ("start", "halfway", "optimum"),
    "batch_size": (WHOLE, "1", "100", "10", "50", "500", "20", "200"),
    "optimizer": ("sgd", "momentum", "adam", "adagrad", "rmsprop", "adadelta"),
    "schedule": ("constant", "tenth", "cosine", "step", "inverse"),
    "sampling": ("permutation", "replacement"),
    "implementation": ("scratch", "concise"),
}
"""Things by their sort, each in the place of its colour. Others get one by their name."""

COLOURS = 8


def places(sort: str, values: Iterable[object]) -> list[int]:
    """Return the place of each thing's colour: a known one, or one by its name that is free."""
    values = list(values)
    wanted = list(dict.fromkeys(map(str, values)))
    known = KNOWN.get(sort, ())
    found = {name: known.index(name) for name in wanted if name in known}
    for name in (name for name in wanted if name not in found):
        first = zlib.crc32(name.encode()) % COLOURS
        free = (k for n in range(COLOURS) if (k := (first + n) % COLOURS) not in found.values())
        found[name] = next(free, len(found))
    return [found[str(value)] for value in values]
