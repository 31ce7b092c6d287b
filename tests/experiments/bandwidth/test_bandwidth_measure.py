"""Going through memory: that it is done right, counted right, and that the sweep is as asked."""

from __future__ import annotations

import copy
import itertools
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from pydantic import TypeAdapter

from factories.jobs import SEED, job
from reading import some
from report.backends import SCALAR, WINDOWS, pytorch
from report.backends.pytorch.memory import Memory
from report.environments.process import Worker, command
from report.experiments.bandwidth.kind import BandwidthSettings, Labels
from report.experiments.bandwidth.measure import (
    Access,
    Point,
    bytes_moved,
    flops,
    measure,
    working_sets,
)
from report.worker.records import Answer, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.worker.records import Series


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    """Compute on one thread."""
    torch.set_num_threads(1)


KIB, MIB, GIB = 2**10, 2**20, 2**30


def job_of(*, budget_s: float = 0.3, **settings: Any) -> dict[str, Any]:
    """Return a job with these settings where the last cache has 2 MiB."""
    return job(
        BandwidthSettings.model_validate(settings),
        kind="bandwidth",
        budget_s=budget_s,
        last_cache_bytes=2 * MIB,
    )


def point_of(operation: str, size: int, **others: Any) -> Point:
    """Return a point in float32 on one thread."""
    fields = {"stride": None, "order": None, "dtype": "float32", "threads": 1, **others}
    return Point(operation=operation, working_set_bytes=size, **fields)


def access_of(point: Point, *, resident: int = 2 * MIB, parts: int = 1) -> Access:
    """Return how a point's calls go through memory."""
    return point.access(resident_bytes=resident, parts=parts, most_stride=64, seed=SEED)


# --- that they do what they say


def buffer_of(numbers: int) -> tuple[Memory, torch.Tensor]:
    """Return memory that holds 0, 1, 2, ... in float32, and a view of it."""
    memory = Memory(torch.device("cpu"))
    memory.reserve(4 * numbers)
    (flat,) = memory.arrays(access("read", numbers, 1), 1)
    flat.copy_(torch.arange(numbers))
    return memory, flat


def calls_of(monkeypatch: pytest.MonkeyPatch, function: str) -> list[tuple[Any, torch.Tensor]]:
    """Note a function's last argument and what it writes to its `out`, which is used again."""
    noted: list[tuple[Any, torch.Tensor]] = []
    real = getattr(torch, function)

    def noting(*args: Any, out: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        result: torch.Tensor = real(*args, out=out, **kwargs)
        noted.append((copy.deepcopy(args[-1]), out.clone()))
        return result

    monkeypatch.setattr(torch, function, noting)
    return noted


def access(operation: str, elements: int, chunk: int, **others: Any) -> Access:
    """Return how calls go through memory in float32."""
    return Access(operation=operation, dtype="float32", elements=elements, chunk=chunk, **others)


@pytest.mark.parametrize(
    ("one", "function", "expected"),
    [
        # Two threads sum 0+1+2+3 and 4+5+6+7, three times over in each call.
        (access("read", 8, 8, parts=2, repeats=3), "sum", [[[6] * 3, [22] * 3]] * 3),
        # Three of every second number: 0+2+4, then 6+8+10, then from the beginning.
        (access("strided", 13, 3, stride=2), "sum", [6, 24, 6]),
        # Four at a time, to the end of the table, and again.
        (
            access("gather", 8, 4, order="sequential"),
            "index_select",
            [[0, 1, 2, 3], [4, 5, 6, 7], [0, 1, 2, 3]],
        ),
    ],
    ids=["read", "strided", "gather"],
)
def test_calls_in_order_read_one_piece_after_the_other(
    monkeypatch: pytest.MonkeyPatch, one: Access, function: str, expected: list[Any]
) -> None:
    """Of 0, 1, 2, ..., as worked out by hand for three calls."""
    memory, _ = buffer_of(one.elements)
    noted = calls_of(monkeypatch, function)
    call = memory.call(one)
    for _ in range(3):
        call()
    assert [out.squeeze().tolist() for _, out in noted] == expected


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (access("copy", 4, 4), [[4, 5, 6, 7, 4, 5, 6, 7]] * 2),
        # Copies of two numbers: after two calls all four have been copied, and not before.
        (access("copy", 4, 2), [[4, 5, 2, 3, 4, 5, 6, 7], [4, 5, 6, 7, 4, 5, 6, 7]]),
        # b + s c with b = 3, 4, 5 and c = 6, 7, 8.
        (
            access("triad", 3, 3),
            [[3 + 6 * SCALAR, 4 + 7 * SCALAR, 5 + 8 * SCALAR, 3, 4, 5, 6, 7, 8]] * 2,
        ),
    ],
    ids=["copy", "copy in pieces", "triad"],
)
def test_what_is_written_replaces_the_beginning(one: Access, expected: list[Any]) -> None:
    """Downwards only, so that no value comes back and grows with every call."""
    memory, flat = buffer_of(len(expected[0]))
    call = memory.call(one)
    for each in expected:
        call()
        assert flat.tolist() == each


def test_a_random_gather_looks_up_what_its_indices_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values equal their positions here; other calls look elsewhere, all over the table."""
    memory, flat = buffer_of(4096)
    seen = calls_of(monkeypatch, "index_select")
    call = memory.call(access("gather", 4096, 1024, order="random", seed=SEED))
    for _ in range(WINDOWS + 1):
        call()
    assert all(torch.equal(out, flat[index]) for index, out in seen)
    assert len({tuple(index.tolist()) for index, _ in seen}) == WINDOWS
    # 1024 positions drawn from 4096: that none lies in the last quarter has probability 0.75^1024.
    assert all(index.max() >= 3072 and index.min() < 1024 for index, _ in seen)


def test_results_go_to_memory_that_is_kept() -> None:
    """A call that allocates would measure the allocator."""
    memory, _ = buffer_of(2**20)
    size = 2**18
    for operation, order in (("copy", None), ("triad", None), ("gather", "random")):
        call = memory.call(access(operation, size, size, order=order))
        call()
        with torch.profiler.profile(
            activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
        ) as profile:
            call()
        assert sum(max(0, event.cpu_memory_usage) for event in profile.events()) == 0, operation


# --- what is counted


def test_bytes_are_those_read_and_written_each_once() -> None:
    """A working set of 12,288 bytes in float32."""
    # Read: 3,072 numbers of 4 bytes, gone through 2^25 // 12,288 = 2,730 times. Copy: 1,536 read
    # and written, all 12,288 bytes. Triad: 1,024 times two read and one written, all of them too; a
    # product and a sum each, 2,048 operations. Gather: 3,072 times 8 + 4 + 4.
    size = 12_288
    assert bytes_moved(access_of(point_of("read", size))) == 2_730 * size
    assert bytes_moved(access_of(point_of("copy", size))) == size
    triad = access_of(point_of("triad", size))
    assert (bytes_moved(triad), flops(triad)) == (size, 2_048)
    gather = access_of(point_of("gather", size, order="random"))
    assert bytes_moved(gather) == 3_072 * 16
    assert flops(gather) is None


def test_a_read_gives_every_thread_as_much() -> None:
    """1,000 numbers for three threads: 333 each, the last is left out, also of the count."""
    read = access_of(point_of("read", 4_000, threads=3), parts=3)
    assert read.chunk == 999
    assert bytes_moved(read) == 999 * 4 * read.repeats


def test_every_stride_reads_as_many_elements() -> None:
    """Of 64 MiB, 2^24 numbers; at stride 64 there are 2^18 of them, so that all read 2^18."""
    reads = [access_of(point_of("strided", 64 * MIB, stride=s)) for s in (1, 16, 64)]
    assert {(read.chunk, bytes_moved(read)) for read in reads} == {(2**18, 2**20)}


def test_a_set_that_may_stay_in_a_cache_is_gone_through_as_a_whole() -> None:
    """256 MiB are one call where a cache could hold them, else pieces of 64 MiB: 2^23 pairs."""
    point = point_of("copy", 256 * MIB)
    assert access_of(point, resident=480 * MIB).chunk == 2**25
    assert access_of(point, resident=32 * MIB).chunk == 2**23


# --- working sets


@pytest.mark.parametrize(
    ("settings", "last_cache", "most", "sizes"),
    [
        # Four times 480 MiB are 1,920; the next power of two is 2 GiB. 2^12 ... 2^31 are 20 sizes.
        ({}, 480 * MIB, 8 * GIB, [2**k for k in range(12, 32)]),
        # Twice 480 MiB are 960, so 1 GiB, which is no fourth power from 4 KiB.
        (
            {"step": 4, "beyond": 2},
            480 * MIB,
            8 * GIB,
            [4 * KIB, 64 * KIB, MIB, 16 * MIB, 256 * MIB, GIB],
        ),
        # Of 1,000 MiB free a quarter is 250: 128 MiB is the largest power of two in it.
        ({}, 480 * MIB, 250 * MIB, [2**k for k in range(12, 28)]),
        ({}, 480 * MIB, 1, [4 * KIB]),
        # 256 MiB where the caches are not known.
        ({}, None, 8 * GIB, [2**k for k in range(12, 31)]),
        # At least 64 MiB, enough to outlast the cost of a call.
        ({}, MIB, 8 * GIB, [2**k for k in range(12, 27)]),
        # Those of the file in their order, beside those of auto, and none twice.
        (
            {"working_set": [5000, "auto", 4096], "step": 8},
            MIB,
            8 * GIB,
            [5000, 4 * KIB, MIB, 64 * MIB],
        ),
    ],
    ids=["doubles", "fewer", "memory of others", "no memory", "unknown", "small caches", "a file"],
)
def test_working_sets_go_from_4_kib_to_far_beyond_the_last_cache(
    settings: dict[str, Any], last_cache: int | None, most: int, sizes: list[int]
) -> None:
    """By powers of the step, of no more than the memory that may be taken."""
    chosen = BandwidthSettings.model_validate(settings).model_dump(mode="json")
    assert working_sets(chosen, last_cache, most) == sizes


# --- the sweep


def labels(series: list[Series]) -> list[tuple[Any, ...]]:
    """Return operation, working set, stride and order of each."""
    return [
        tuple(one.labels[name] for name in ("operation", "working_set_bytes", "stride", "order"))
        for one in series
    ]


def test_a_real_small_job_through_a_worker_gives_every_series() -> None:
    """Every operation at every size, but strides in the largest only; labels as they are stored."""
    job = job_of(working_set=[4096, 65_536], stride=[1, 16])
    with Worker(command()) as worker:
        answer = TypeAdapter(Answer).validate_python(worker.ask(job, 120))
    series = answer.outcome.series
    assert [one.status for one in series] == ["ok"] * len(series)
    streams = itertools.product(["read", "copy", "triad"], [4096, 65_536])
    expected: list[tuple[Any, ...]] = [(*one, None, None) for one in streams]
    expected += [("strided", 65_536, stride, None) for stride in (1, 16)]
    expected += [
        ("gather", size, None, order)
        for size in (4096, 65_536)
        for order in ("sequential", "random")
    ]
    assert labels(series) == expected
    for one in series:
        TypeAdapter(Labels).validate_python(one.labels, strict=True)
        assert one.bytes_moved
        assert (one.flops is not None) == (one.labels["operation"] == "triad")


class Scarce(Memory):
    """PyTorch's memory, of which there may be less.

    Attributes:
        asked: What calls it was asked for.
        threads: As set, one after the other.
    """

    def __init__(self, free: int | None = None, *, gives: bool = True) -> None:
        """Take how much of it there seems to be, and whether it is there."""
        super().__init__(torch.device("cpu"))
        self._free, self._gives = free, gives
        self.asked: list[Access] = []
        self.threads: list[int] = []

    def free_bytes(self) -> int | None:
        """Return what was said."""
        return self._free

    def reserve(self, size_bytes: int) -> None:
        """Take it, if it is there."""
        if not self._gives:
            raise Unavailable("none left")
        super().reserve(size_bytes)

    def call(self, access: Access) -> Callable[[], object]:
        """Note what is asked for."""
        self.asked.append(access)
        return super().call(access)

    def measured(self, job: dict[str, Any]) -> list[Series]:
        """Carry out a job with this memory."""
        session: Any = SimpleNamespace(
            memory=lambda: self,
            set_threads=self.threads.append,
            threads=lambda: None,
            synchronize=lambda: None,
        )
        return measure(session, job).series


def test_a_set_that_takes_too_much_memory_is_skipped_and_the_others_are_measured() -> None:
    """A quarter of 16 KiB is 4 KiB."""
    kept, skipped = Scarce(16_384).measured(job_of(operation="copy", working_set=[4096, 8192]))
    assert (kept.status, skipped.status) == ("ok", "skipped")
    assert re.search(r"8,192 bytes, more than .* 4,096", some(skipped.reason))


def test_no_memory_skips_every_series_with_the_reason() -> None:
    """The system may say that memory is free, and yet give none."""
    series = Scarce(gives=False).measured(job_of(working_set=[4096]))
    assert {(one.status, one.reason) for one in series} == {("skipped", "none left")}


def test_a_dtype_that_a_device_lacks_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are measured."""
    monkeypatch.setattr(
        "report.backends.pytorch.memory.why_not",
        lambda _, dtype: "not implemented" if dtype == "float16" else None,
    )
    job = job_of(operation="triad", working_set=4096, dtype=["float16", "float32"])
    assert [(one.status, one.reason) for one in Scarce().measured(job)] == [
        ("skipped", "PyTorch computes with no float16 on cpu: not implemented"),
        ("ok", None),
    ]


def test_sets_that_a_cache_holds_are_fetched_before_each_sample() -> None:
    """4 KiB fit into 2 MiB and are read before a copy; 4 MiB do not."""
    memory = Scarce()
    memory.measured(job_of(operation="copy", working_set=[4096, 4 * MIB]))
    fetched = [a for a in memory.asked if a.operation == "read"]
    assert [(a.elements, a.repeats) for a in fetched] == [(1024, 1)]


def test_threads_are_set_before_every_sample_where_they_vary() -> None:
    """And named in the labels."""
    memory = Scarce()
    job = job_of(operation="copy", working_set=4096, threads=[1, 2], budget_s=0.05)
    assert [one.labels["threads"] for one in memory.measured(job)] == [1, 2]
    assert set(memory.threads) == {1, 2}


# --- real curves, in the large


def test_a_real_machine_has_nearer_and_further_memory() -> None:
    """A set of 256 MiB gives fewer bytes a second than small ones, and slower random look-ups."""
    # By the fastest of many samples on one thread, which a busy machine spoils least.
    sizes = [16 * KIB, 64 * KIB, 256 * MIB]
    job = job_of(operation=["read", "gather"], working_set=sizes, order="random", budget_s=2)
    best = {
        (one.labels["operation"], one.labels["working_set_bytes"]): (
            min(one.timing.elapsed_s) / one.timing.inner_loops / (one.bytes_moved or 1)
        )
        for one in Scarce().measured(job | {"repeats": 30})
        if one.timing
    }
    for operation in ("read", "gather"):
        near = min(best[operation, size] for size in sizes[:2])
        assert near < best[operation, 256 * MIB], operation


def test_free_memory_is_known_and_less_than_all() -> None:
    """On the systems that the tests run on."""
    free = some(Memory(torch.device("cpu")).free_bytes())
    assert free > MIB


def test_what_is_not_as_meant_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """A triad that adds nothing, and threads that were not taken: failures with their reasons."""
    real = torch.add
    monkeypatch.setattr(torch, "add", lambda b, _, *, out, **__: real(b, 0, out=out))
    job = job_of(operation=["copy", "triad"], working_set=4096)
    copied, added = measure(pytorch.Session("cpu", 1), job).series
    assert (copied.status, added.status, added.timing) == ("ok", "failed", None)
    assert str(added.reason).startswith("wrong result: ")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    (read,) = measure(pytorch.Session("cpu", 1), job_of(operation="read", working_set=4096)).series
    assert (read.status, read.reason) == ("failed", "asked for 1 thread, has 2")
