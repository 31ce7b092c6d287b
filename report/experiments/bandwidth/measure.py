"""What a `bandwidth` experiment runs, in the framework's own interpreter."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from report.backends import SCALAR
from report.worker import checks
from report.worker.host import thread_counts
from report.worker.records import Outcome, Series, Unavailable
from report.worker.timing import Made, Method, Stopwatch, measured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ITEM_BYTES = {"float32": 4, "float64": 8, "bfloat16": 2, "float16": 2, "uint64": 8}

CHECKED_BYTES = 2**20
"""Working sets up to this size are looked at once they are written."""

CHAIN = "uint64"
"""What a chase reads: the position of the next one."""

LINE_BYTES = 64
"""From one position of a chain to the next; no smaller than a cache line on most processors."""

INDEX_BYTES = 8
"""Of an index of a gather: frameworks take 64-bit integers by default."""

ARRAYS = {"read": 1, "copy": 2, "triad": 3, "strided": 1, "gather": 1, "chase": 1}
"""Arrays that share a working set. What a gather needs beside its table only streams past."""

SMALLEST_BYTES = 2**12
"""Of the working sets of `auto`: fits into any first cache."""

LEAST_LARGEST_BYTES, MOST_LARGEST_BYTES = 2**26, 2**32
"""Bounds of the largest working set of `auto`, where memory allows."""

ASSUMED_CACHE_BYTES = 2**28
"""Of a device that does not say: no smaller than any last cache known when this was written."""

ASSUMED_FREE_BYTES = 2**32
"""Of memory, where the system does not say."""

WINDOW_BYTES = 2**26
"""What one call goes through of a working set that no cache holds; the next call goes on there.

Some milliseconds, so that even the largest working set gives as many samples as the others.
"""

REREAD_BYTES = 2**25
"""A call of `read` goes through a small working set until it has read about this much.

Otherwise the cost of a call, a microsecond, would hide the speed of the nearest caches.
"""

STRIDED_ELEMENTS = 2**20
"""Elements that one strided call reads, whatever the stride."""

GATHERED_ELEMENTS = 2**18
"""The most values that one call looks up."""

CHASED_ELEMENTS = 2**14
"""Positions that one call visits, each read from where the last one lies: some milliseconds where
every one comes from memory."""


@dataclass(frozen=True)
class Access:
    """What is to be done to memory, counted in elements.

    Attributes:
        operation: read, copy, triad, strided, gather or chase.
        elements: Of each array in the working set.
        chunk: Elements of each array that one call takes up; calls go on where the last ended,
            from the end back to the beginning.
        parts: How many threads share a read; each keeps to its own part.
        repeats: How often one read goes through its chunk.
        seed: Of random positions.
    """

    operation: str
    dtype: str
    elements: int
    chunk: int
    parts: int = 1
    repeats: int = 1
    stride: int = 1
    order: str | None = None
    seed: int = 0


class Memory(Protocol):
    """A device's memory, one buffer of it, and the ways to go through that."""

    def free_bytes(self) -> int | None:
        """Return how much memory is free, or None where nothing says."""

    def reserve(self, size_bytes: int) -> None:
        """Take a buffer and write to all of it; working sets lie at its beginning.

        Raises:
            Unavailable: There is not so much memory.
        """

    def call(self, access: Access) -> Callable[[], object]:
        """Return a function that accesses the buffer once.

        Raises:
            Unavailable: The framework cannot do it.
        """

    def arrays(self, access: Access, count: int) -> Sequence[Any]:
        """Return the arrays that share a working set, one behind the other."""


class Session(checks.Threaded, Protocol):
    """What a backend must offer for this kind."""

    def synchronize(self) -> object:
        """Wait until the device has done what was queued."""

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads from now on."""

    def memory(self) -> Memory:
        """Return the device's memory."""


class Point(NamedTuple):
    """One series to measure, by its labels."""

    operation: str
    working_set_bytes: int
    stride: int | None
    order: str | None
    dtype: str
    threads: int

    def access(self, *, resident_bytes: int, parts: int, most_stride: int, seed: int) -> Access:
        """Decide how its calls go through memory, with a read shared by `parts` threads.

        Working sets up to `resident_bytes` may stay in a cache between calls, so that every call
        goes through all of them. All strides up to `most_stride` read as many elements.
        """
        share = ITEM_BYTES[self.dtype] * ARRAYS[self.operation]
        elements = self.working_set_bytes // share
        chunk = elements
        if self.operation == "strided":
            chunk = max(1, min(STRIDED_ELEMENTS, elements // most_stride))
        elif self.operation == "gather":
            chunk = min(elements, GATHERED_ELEMENTS)
        elif self.operation == "chase":
            chunk = CHASED_ELEMENTS
        elif self.working_set_bytes > max(resident_bytes, WINDOW_BYTES):
            chunk = WINDOW_BYTES // share
        again = 1
        if self.operation == "read":
            chunk -= chunk % parts
            again = max(1, REREAD_BYTES // (chunk * share))
        return Access(
            operation=self.operation,
            dtype=self.dtype,
            elements=elements,
            chunk=chunk,
            parts=parts,
            repeats=again,
            stride=self.stride or 1,
            order=self.order,
            seed=seed,
        )


def bytes_moved(access: Access) -> int:
    """Count the bytes that one call reads and writes, each once.

    No bytes are added for what a cache fetches beside them: not the rest of a line of which one
    element is wanted, nor the line that is read before it is written. Sums are not counted.
    """
    item = ITEM_BYTES[access.dtype]
    one = {
        "read": item * access.repeats,
        "copy": 2 * item,
        "triad": 3 * item,
        "strided": item,
        "gather": INDEX_BYTES + 2 * item,
        "chase": item,
    }
    return access.chunk * one[access.operation]


def flops(access: Access) -> int | None:
    """Count the floating point operations of one call: of a triad, where they are the point."""
    return 2 * access.chunk if access.operation == "triad" else None


def measure(session: Session, job: dict[str, Any]) -> Outcome:
    """Measure all series of the experiment, interleaved; `Run._request` says what a job holds."""
    begun = time.perf_counter()
    settings, on_cpu = job["settings"], job["device"] == "cpu"
    last_cache = job["last_cache_bytes"]
    memory = session.memory()
    free = memory.free_bytes()
    most_bytes = (ASSUMED_FREE_BYTES if free is None else free) // 4
    sets = working_sets(settings, last_cache, most_bytes)
    points = list(_points(settings, sets, job["threads"]))
    fitting = [p.working_set_bytes for p in points if p.working_set_bytes <= most_bytes]
    try:
        memory.reserve(max(fitting, default=SMALLEST_BYTES))
    except Unavailable as reason:
        return Outcome(series=[_skipped(point, reason) for point in points])
    # Writing to that much memory for the first time takes seconds, which belong to the budget.
    left_s = max(job["budget_s"] - (time.perf_counter() - begun), job["budget_s"] / 2)
    method = Method(budget_s=left_s, repeats=job["repeats"])
    maker = _Maker(
        session=session,
        memory=memory,
        method=method,
        most_bytes=most_bytes,
        resident_bytes=WINDOW_BYTES if last_cache is None else last_cache,
        switching=len({point.threads for point in points}) > 1,
    )
    accesses = [
        point.access(
            resident_bytes=maker.resident_bytes,
            parts=point.threads if on_cpu else 1,
            most_stride=max(settings["stride"]),
            seed=job["seed"],
        )
        for point in points
    ]
    made = [maker.series(*each) for each in zip(points, accesses, strict=True)]
    return Outcome(series=measured(made, method, job))


def working_sets(
    settings: dict[str, Any], last_cache_bytes: int | None, most_bytes: int
) -> list[int]:
    """Return the sizes to measure, in bytes: those of the file, or what `auto` comes to.

    That is at most `most_bytes`, and depends on the last cache, whose size need not be known.
    """
    sizes: list[int] = []
    for item in settings["working_set"]:
        if item != "auto":
            sizes.append(int(item))
            continue
        wanted = settings["beyond"] * (last_cache_bytes or ASSUMED_CACHE_BYTES)
        bounded = min(max(wanted, LEAST_LARGEST_BYTES), MOST_LARGEST_BYTES)
        enough = (bounded - 1).bit_length()
        largest = min(enough, max(most_bytes, SMALLEST_BYTES).bit_length() - 1)
        smallest = SMALLEST_BYTES.bit_length() - 1
        powers = [*range(smallest, largest, settings["step"]), largest]
        sizes += [2**power for power in powers]
    return list(dict.fromkeys(sizes))


def _points(settings: dict[str, Any], sets: Sequence[int], usable: int) -> Iterator[Point]:
    """Yield every combination that makes sense, in the order of the file."""
    for dtype, threads, operation in itertools.product(
        settings["dtype"], thread_counts(settings["threads"], usable), settings["operation"]
    ):
        if operation == "chase":
            continue
        sizes = [max(sets)] if operation == "strided" else sets
        strides = settings["stride"] if operation == "strided" else [None]
        orders = settings["order"] if operation == "gather" else [None]
        for size, stride, order in itertools.product(sizes, strides, orders):
            yield Point(operation, size, stride, order, dtype, threads)
    # A chain is followed by one thread, whatever its values stand for.
    for size in sets if "chase" in settings["operation"] else ():
        yield Point("chase", size, stride=None, order="random", dtype=CHAIN, threads=1)


@dataclass(frozen=True, kw_only=True)
class _Maker:
    session: Session
    memory: Memory
    method: Method
    most_bytes: int  # no working set may take more
    resident_bytes: int  # a working set up to this size may stay in a cache between calls
    switching: bool  # the series need different numbers of threads

    def series(self, point: Point, access: Access) -> Made:
        """Return a point's series with its stopwatch, or why there is none."""
        needed = point.working_set_bytes
        if needed > self.most_bytes:
            why = f"it would take {needed:,} bytes, more than a quarter of the memory that is free"
            return _skipped(point, f"{why}, {self.most_bytes:,}"), None
        try:
            call = self.memory.call(access)
            fetch = self._fetch(point, access)
        except Unavailable as reason:
            return _skipped(point, reason), None

        def enter() -> None:
            self.session.set_threads(point.threads)
            stopwatch.note(checks.wrong_threads(self.session, point.threads))

        def before() -> None:
            if self.switching:
                enter()
            if fetch is not None:
                fetch()
            elif self.switching:
                # A thread pool that has just changed its size starts its threads at first use.
                call()

        stopwatch = Stopwatch(
            call=call,
            synchronize=self.session.synchronize,
            method=self.method,
            before=before if self.switching or fetch is not None else None,
        )
        enter()
        stopwatch.note(self._fault(point, access, call))
        moved = bytes_moved(access)
        return Series(labels=point._asdict(), flops=flops(access), bytes_moved=moved), stopwatch

    def _fault(self, point: Point, access: Access, call: Callable[[], object]) -> str | None:
        """Look at what was written, where that is small and one call writes all of it."""
        count = ARRAYS[point.operation]
        small = point.working_set_bytes <= CHECKED_BYTES and access.chunk == access.elements
        if point.operation not in {"copy", "triad"} or not small:
            return None
        call()
        self.session.synchronize()
        arrays = self.memory.arrays(access, count)
        for k in (0, access.elements // 2, access.elements - 1):
            values = [float(array[k]) for array in arrays]
            expected = values[1] if count == 2 else values[1] + SCALAR * values[2]
            if values[0] != expected:
                return f"wrong result: {values[0]}, not {expected}"
        return None

    def _fetch(self, point: Point, access: Access) -> Callable[[], object] | None:
        """Return what reads a working set once, to bring it into the caches that can hold it.

        The series that were timed in between have taken their place there.
        """
        if point.working_set_bytes > self.resident_bytes:
            return None
        elements, parts = point.working_set_bytes // ITEM_BYTES[point.dtype], access.parts
        chunk = elements - elements % parts
        whole = Access("read", point.dtype, elements=elements, chunk=chunk, parts=parts)
        return self.memory.call(whole)


def _skipped(point: Point, reason: object) -> Series:
    return Series(labels=point._asdict(), status="skipped", reason=str(reason))
