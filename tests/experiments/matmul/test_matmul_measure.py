"""Matrix products: that they are right, and that the sweep is the one asked for."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, get_args

import pytest
import torch

from factories import accelerator
from factories.jobs import SEED, job
from report.backends import pytorch
from report.experiments.matmul import measure as matmul
from report.experiments.matmul.kind import MatmulSettings, Strategy
from report.experiments.matmul.measure import BATCH, PRINTED_ORDER, measure
from report.worker import sensors
from report.worker.checks import Look, rounding, signs
from report.worker.records import Unavailable
from report.worker.timing import Stopwatch, measured

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.worker.records import Labels, Outcome

SLOW, SAMPLED = "tensorflow", 256
"""A framework of which so many elements are measured; see `report.backends`."""


def job_of(
    *,
    backend: str = "pytorch",
    usable: int = 1,
    process: int = 0,
    budget_s: float = 0.05,
    device: str = "cpu",
    **settings: Any,
) -> dict[str, Any]:
    """Return a job with these settings on a machine of so many usable cores."""
    asked = MatmulSettings.model_validate(settings)
    return job(
        asked, backend=backend, device=device, threads=usable, process=process, budget_s=budget_s
    )


class Fake:
    """A backend that multiplies nothing, and notes what it is told.

    Attributes:
        call_s: Seconds of a product by strategy and size.
        tf32: Whether its device has TF32.
        lacking: Dtypes that it cannot multiply.
        obeys: Whether it takes another number of threads once it has one.
        taken: Threads as last set; 0 if never.
        wrong: The error of its products, relative to what they sum.
        tf32_allowed: As last set; None if never.
        multiplied: (strategy, size, threads, TF32) of each product.
        widths: The block width that each strategy was last given.
        elements: Places of the elements that were asked for one by one.
        log: "element", a strategy, or "wait", in order.
    """

    def __init__(
        self,
        call_s: Callable[[str, int], float] = lambda *_: 0.0,
        *,
        tf32: bool = False,
        lacking: str = "",
        obeys: bool = True,
        wrong: float = 0.0,
    ) -> None:
        """Take what the device is like."""
        self.call_s, self.tf32, self.lacking = call_s, tf32, lacking
        self.obeys, self.wrong = obeys, wrong
        self.taken = 0
        self.tf32_allowed: bool | None = None
        self.multiplied: list[tuple[str, int, int, bool | None]] = []
        self.widths: dict[str, int] = {}
        self.elements: list[tuple[int, int]] = []
        self.log: list[str] = []

    def synchronize(self) -> None:
        """Note it."""
        self.log.append("wait")

    def timer(self) -> accelerator.Timer:
        """Return a clock of its own."""
        return accelerator.Timer()

    def set_threads(self, threads: int) -> None:
        """Note it."""
        self.taken = threads if self.obeys else self.taken or threads

    def threads(self) -> int:
        """Say how many it takes."""
        return self.taken

    def set_tf32(self, allowed: bool) -> None:  # noqa: FBT001 (the interface)
        """Note it."""
        self.tf32_allowed = allowed

    def allows_tf32(self) -> bool | None:
        """Say what was last set."""
        return self.tf32_allowed

    def has_tf32(self) -> bool:
        """Say whether the device has it."""
        return self.tf32

    def products(self, size: int, dtype: str, seed: int) -> SimpleNamespace:
        """Return products of one size, which take their time."""
        assert seed == SEED
        if dtype == self.lacking:
            raise Unavailable(f"no {dtype} here")

        def call(strategy: str, block_width: int) -> Callable[[], object]:
            self.widths[strategy] = block_width
            return lambda: self._multiply(strategy, size)

        def one_element(i: int, j: int) -> None:
            self.elements.append((i, j))
            self.log.append("element")

        return SimpleNamespace(
            call=call,
            one_element=one_element,
            A=SimpleNamespace(dtype=dtype),
            error=lambda *_: self.wrong,
        )

    def _multiply(self, strategy: str, size: int) -> None:
        self.log.append(strategy)
        self.multiplied.append((strategy, size, self.taken, self.tf32_allowed))
        if call_s := self.call_s(strategy, size):
            time.sleep(call_s)


def labels(outcome: Outcome, *names: str) -> list[tuple[Any, ...]]:
    """Return these labels of all series, in order."""
    return [tuple(series.labels[name] for name in names) for series in outcome.series]


# --- the products


@pytest.mark.parametrize("size", [1, 7, 8])
@pytest.mark.parametrize(
    ("strategy", "width"),
    [
        ("element", 0),
        ("column", 0),
        ("row", 0),
        ("full", 0),
        ("full-out", 0),
        *(("block", width) for width in (1, 2, 3, 7, 8, 100)),
    ],
)
def test_every_strategy_computes_the_product(strategy: str, width: int, size: int) -> None:
    """Every element of it, to 1e-12 in float64, also where blocks do not divide the matrix."""
    products = pytorch.Session("cpu", 1).products(size, "float64", SEED)
    products.A.fill_(float("nan"))
    products.call(strategy, width)()
    expected = products.B.numpy() @ products.C.numpy()
    assert products.A.shape == (size, size)
    assert products.A.numpy() == pytest.approx(expected, rel=0, abs=1e-12)


def test_matrices_follow_the_seed_and_are_the_same_in_every_dtype() -> None:
    """Dtypes differ in speed, not in the task; B is not C."""
    session = pytorch.Session("cpu", 1)
    wide, narrow = (session.products(6, dtype, SEED) for dtype in ("float64", "bfloat16"))
    assert torch.equal(wide.B.to(torch.bfloat16), narrow.B)
    assert torch.equal(wide.C.to(torch.bfloat16), narrow.C)
    assert not torch.equal(wide.B, wide.C)
    assert not torch.equal(wide.B, session.products(6, "float64", SEED + 1).B)


def test_a_size_beyond_the_memory_is_unavailable() -> None:
    """4 TiB of float32: said in words, so that the other sizes are measured all the same."""
    with pytest.raises(Unavailable, match="not enough memory on cpu"):
        pytorch.Session("cpu", 1).products(2**20, "float32", SEED)


def test_a_session_begins_without_tf32() -> None:
    """A worker does several jobs, and one that ended with TF32 must not leave it to the next."""
    pytorch.Session("cpu", 1).set_tf32(True)
    assert torch.get_float32_matmul_precision() == "high"
    pytorch.Session("cpu", 1)
    assert torch.get_float32_matmul_precision() == "highest"


# --- series


def test_real_products_are_timed_and_their_operations_counted() -> None:
    """2 n^3 for each product, whatever a call does inside; the times are numbers above zero."""
    strategies = get_args(Strategy)
    outcome = measure(
        pytorch.Session("cpu", 1),
        job_of(strategy=list(strategies), size=[4, 9], block_width=[2], budget_s=0.2),
    )
    assert labels(outcome, "size", "strategy") == [(n, s) for n in (4, 9) for s in strategies]
    for series in outcome.series:
        assert series.status == "ok"
        products = BATCH if series.labels["strategy"] == "batched" else 1
        assert series.flops == products * {4: 128, 9: 1458}[int(str(series.labels["size"]))]
        assert series.timing is not None
        assert series.timing.median_s > 0


@pytest.mark.parametrize(
    ("device", "settings", "names", "expected"),
    [
        # Sizes, then dtypes, then strategies; only block has widths, and these none wider than n.
        (
            {},
            {
                "size": [16, 4],
                "dtype": ["float64", "float32"],
                "strategy": ["block", "full"],
                "block_width": [2, 16, 5, 4],
            },
            ("size", "dtype", "strategy", "block_width"),
            [
                (size, dtype, *way)
                for size, widths in ((16, (2, 16, 5, 4)), (4, (2, 4)))
                for dtype in ("float64", "float32")
                for way in (*(("block", width) for width in widths), ("full", None))
            ],
        ),
        # TF32 is of float32 where the device has it; elsewhere its label is null.
        (
            {"tf32": True},
            {"dtype": ["float32", "float64"], "tf32": [False, True]},
            ("dtype", "tf32"),
            [("float32", False), ("float32", True), ("float64", None)],
        ),
        (
            {},
            {"dtype": ["float32", "float64"], "tf32": [False, True]},
            ("dtype", "tf32"),
            [("float32", None), ("float64", None)],
        ),
        # Sizes for an accelerator are not the processor's; each once, though both lists have it.
        ({}, {"size": [2, 4], "device_size": [4, 8]}, ("size",), [(2,), (4,)]),
        (
            {},
            {"size": [2, 4], "device_size": [4, 8], "device": "cuda:0"},
            ("size",),
            [(2,), (4,), (8,)],
        ),
    ],
    ids=["combinations", "with TF32", "without TF32", "processor", "accelerator"],
)
def test_a_sweep_is_every_combination_in_the_order_of_the_file(
    device: dict[str, Any], settings: dict[str, Any], names: tuple[str, ...], expected: list[Any]
) -> None:
    """Of what means something there, and nothing twice."""
    assert labels(measure(Fake(**device), job_of(**settings)), *names) == expected


def test_labels_tell_everything_that_distinguishes_a_series() -> None:
    """Those, and no others, are what machines are compared by."""
    (series,) = measure(Fake(), job_of(usable=3)).series
    expected: Labels = {
        "strategy": "full",
        "size": 256,
        "dtype": "float32",
        "block_width": None,
        "threads": 3,
        "tf32": None,
    }
    assert series.labels == expected


@pytest.mark.parametrize(
    ("usable", "threads", "counts"),
    [
        (1, "each", [1]),
        (2, "each", [1, 2]),
        (3, "each", [1, 2, 3]),
        (6, "each", [1, 2, 4, 6]),
        (8, "each", [1, 2, 4, 8]),
        (6, "auto", [6]),
        (6, 2, [2]),
        (6, [3, "each"], [3, 1, 2, 4, 6]),
        (6, ["each", "auto", 12], [1, 2, 4, 6, 12]),
    ],
)
def test_thread_counts_may_be_mixed_and_each_occurs_once(
    usable: int, threads: int | str | list[int | str], counts: list[int]
) -> None:
    """In the order of the file; `each` is the powers of two, and all cores that are usable."""
    outcome = measure(Fake(), job_of(usable=usable, threads=threads))
    assert labels(outcome, "threads") == [(count,) for count in counts]


@pytest.mark.parametrize("threads", [[2], [1, 2, 4]])
@pytest.mark.parametrize("tf32", [[True], [False], [False, True]])
def test_every_product_runs_with_the_threads_and_precision_of_its_labels(
    threads: list[int], tf32: list[bool]
) -> None:
    """Also where all series have the same ones, and the session began with others."""
    fake = Fake(tf32=True)
    outcome = measure(fake, job_of(usable=8, threads=threads, tf32=tf32))
    states = labels(outcome, "threads", "tf32")
    assert states == [(count, allowed) for count in threads for allowed in tf32]
    assert {(count, allowed) for _, _, count, allowed in fake.multiplied} == set(states)


class Resizing(Fake):
    """A backend whose first product after a change of threads takes a hundred times as long.

    Attributes:
        now_s: What its clock shows.
    """

    def __init__(self) -> None:
        """Begin with a pool of no size."""
        super().__init__()
        self.now_s, self.sized = 0.0, 0

    def synchronize(self) -> None:
        """Let the product that was just asked for take its time."""
        for *_, threads, _ in self.multiplied:
            self.now_s += 0.05 if threads == self.sized else 5.0
            self.sized = threads
        self.multiplied.clear()


def test_a_change_of_threads_is_followed_by_a_product_that_is_not_timed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A pool starts its threads at first use, which is no part of any sample or warm-up."""
    fake = Resizing()

    class Ticking(Stopwatch):
        def __init__(self, **fields: Any) -> None:
            super().__init__(clock=lambda: fake.now_s, **fields)

    monkeypatch.setattr(matmul, "Stopwatch", Ticking)
    outcome = measure(fake, job_of(usable=4, budget_s=1000.0, threads=[1, 4], size=[4, 8]))
    timings = [series.timing for series in outcome.series if series.timing]
    assert len(timings) == 4
    for timing in timings:
        assert timing.inner_loops == 1
        assert [*timing.warmup_s, *timing.elapsed_s] == pytest.approx(
            [0.05] * (len(timing.warmup_s) + 3)
        )


def test_a_session_with_threads_of_its_own_is_told_those_of_the_series() -> None:
    """PyTorch's real switch: two usable cores, but the file asks for one thread."""
    session = pytorch.Session("cpu", 2)
    assert torch.get_num_threads() == 2
    measure(session, job_of(usable=2, threads=1, size=8))
    assert torch.get_num_threads() == 1


# --- what cannot be measured


def test_a_dtype_that_the_device_lacks_is_skipped_with_the_reason() -> None:
    """The others are measured, and all keep their places."""
    dtypes = ["float32", "bfloat16", "float64"]
    outcome = measure(Fake(lacking="bfloat16"), job_of(dtype=dtypes, size=[4, 8]))
    assert labels(outcome, "size", "dtype") == [(n, d) for n in (4, 8) for d in dtypes]
    for series in outcome.series:
        lacked = series.labels["dtype"] == "bfloat16"
        assert series.status == ("skipped" if lacked else "ok")
        assert series.reason == ("no bfloat16 here" if lacked else None)
        assert (series.timing is None) == lacked


def test_pytorch_says_which_dtype_it_cannot_multiply(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dtype counts as lacking if a small product of it fails or is wrong."""

    def without_halves(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        if first.dtype == torch.float16:
            raise RuntimeError("\"addmm_impl_cpu_\" not implemented for 'Half'")
        right = torch.matmul(first, second)
        return right + 1 if first.dtype == torch.bfloat16 else right

    monkeypatch.setattr(torch, "mm", without_halves)
    dtypes = ["float32", "float16", "bfloat16"]
    outcome = measure(pytorch.Session("cpu", 1), job_of(dtype=dtypes, size=4, strategy="column"))
    first, half, brain = [series.reason for series in outcome.series]
    assert first is None
    assert str(half).startswith("PyTorch multiplies no float16 on cpu: ")
    assert "not implemented for 'Half'" in str(half)
    assert str(brain).startswith("PyTorch multiplies no bfloat16 on cpu: ")
    assert "no right answer" in str(brain)


def test_a_size_whose_product_would_take_too_long_is_skipped() -> None:
    """At 40 ms for size 20, size 200 would take 40 s; a quarter of the budget is 0.1 s."""
    # Size 40 is tried before that is believed: it takes 0.32 s, so that 200 is out of reach.
    fake = Fake(lambda _, size: 5e-6 * size**3)
    outcome = measure(fake, job_of(size=[200, 20], strategy="full-out", budget_s=0.4))
    large, small = outcome.series
    assert (small.labels["size"], small.status) == (20, "ok")
    assert (large.labels["size"], large.status) == (200, "skipped")
    assert large.timing is None
    assert large.reason is not None
    # A sleep may last longer than asked for, so that its digits are not told.
    assert large.reason.startswith("one product would take about ")
    assert large.reason.endswith(" s, more than a quarter of a process's budget, 0.1 s")
    assert {size for _, size, _, _ in fake.multiplied} == {20, 40}


def test_a_small_size_that_is_all_overhead_does_not_skip_a_large_one() -> None:
    """A product of size 2 takes as long as one of 64 here: n^3 from it would mean 32,768 times."""
    fake = Fake(lambda *_: 1e-3)
    outcome = measure(fake, job_of(size=[2, 64], strategy="full-out", budget_s=0.4))
    assert [series.status for series in outcome.series] == ["ok", "ok"]


@pytest.mark.parametrize(("backend", "skipped"), [("jax", 0), ("pytorch", 2)])
def test_what_a_first_product_compiles_is_no_sign_of_the_next_size(
    backend: str, skipped: int
) -> None:
    """Where a framework compiles, a second one tells; elsewhere a slow one is taken at its word."""
    fake = Fake(lambda _, size: 0.05 if [n for _, n, *_ in fake.multiplied].count(size) == 1 else 0)
    done = measure(fake, job_of(backend=backend, size=[2, 4, 8], budget_s=0.1))
    assert [one.status for one in done.series].count("skipped") == skipped


def test_a_large_first_size_is_approached_from_below() -> None:
    """With no smaller size to go by, 512 is tried: 0.67 s there, and 4096 would take minutes."""
    fake = Fake(lambda _, size: 5e-9 * size**3)
    outcome = measure(fake, job_of(size=4096, strategy="full-out", budget_s=0.4))
    assert [series.status for series in outcome.series] == ["skipped"]
    assert {size for _, size, _, _ in fake.multiplied} == {512}


def test_what_one_strategy_costs_says_nothing_of_another() -> None:
    """Element by element is too slow for the larger size; the full product is measured there."""
    fake = Fake(lambda strategy, size: 5e-6 * size**3 if strategy == "element" else 0.0)
    outcome = measure(fake, job_of(size=[20, 200], strategy=["element", "full"], budget_s=0.4))
    statuses = [series.status for series in outcome.series]
    assert dict(zip(labels(outcome, "size", "strategy"), statuses, strict=True)) == {
        (20, "element"): "ok",
        (20, "full"): "ok",
        (200, "element"): "skipped",
        (200, "full"): "ok",
    }


def test_blocks_that_are_all_wider_than_the_matrix_are_refused() -> None:
    """An experiment that could measure nothing is an error in the configuration."""
    with pytest.raises(ValueError, match="every block is wider than the matrix"):
        job_of(size=4, strategy="block", block_width=64)


# --- some elements that stand for all


def visited(process: int) -> list[tuple[int, int]]:
    """Return the elements of the first of a process's products of 32 x 32."""
    fake = Fake()
    measure(fake, job_of(backend=SLOW, process=process, strategy="element", size=32))
    assert fake.multiplied == []
    return fake.elements[:SAMPLED]


def test_some_elements_drawn_at_random_stand_for_all() -> None:
    """256 of 1,024, no two alike, in the order of a loop over all, and others in each process."""
    first = visited(0)
    assert len(set(first)) == SAMPLED
    assert first == sorted(first)
    assert {k for place in first for k in place} == set(range(32))
    assert visited(0) == first
    assert visited(1) != first


def test_only_what_was_computed_is_counted() -> None:
    """2 n operations for each of 256 elements; the other strategies compute the whole product."""
    outcome = measure(Fake(), job_of(backend=SLOW, strategy=["element", "column"], size=32))
    assert [series.flops for series in outcome.series] == [2 * 32 * SAMPLED, 2 * 32**3]


@pytest.mark.parametrize(
    ("backend", "settings"),
    [
        pytest.param(SLOW, {"size": 32, "elements": "all"}, id="asked for"),
        pytest.param(SLOW, {"size": 16}, id="no more than would be drawn"),
        pytest.param("pytorch", {"size": 32}, id="a framework that is quick enough"),
    ],
)
def test_every_element_is_computed(backend: str, settings: dict[str, Any]) -> None:
    """In one call of the framework's own, with all operations counted."""
    fake = Fake()
    (series,) = measure(fake, job_of(backend=backend, strategy="element", **settings)).series
    assert fake.elements == []
    assert {strategy for strategy, *_ in fake.multiplied} == {"element"}
    assert series.flops == 2 * settings["size"] ** 3


# --- the chapter's own way


def test_as_printed_is_the_chapters_four_products_in_its_order() -> None:
    """Each of 256 x 256 once, before anything else has been warmed up, with blocks of 64."""
    fake = Fake()
    outcome = measure(fake, job_of(as_printed=True, size=4))
    assert PRINTED_ORDER == ("element", "column", "full", "block")
    assert [printed.strategy for printed in outcome.as_printed] == list(PRINTED_ORDER)
    assert [product[:2] for product in fake.multiplied[:4]] == [(s, 256) for s in PRINTED_ORDER]
    assert {size for _, size, _, _ in fake.multiplied[4:]} == {4}
    assert fake.widths["block"] == 64


def test_as_printed_divides_three_hundredths_by_the_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the wall clock, which here shows a quarter, half, no and minus one second."""
    readings = iter([10.0, 10.25, 20.0, 20.5, 30.0, 30.0, 40.0, 39.0])
    monkeypatch.setattr(
        matmul, "time", SimpleNamespace(time=lambda: next(readings), perf_counter=lambda: 0)
    )
    printed = measure(Fake(), job_of(as_printed=True, size=4)).as_printed
    assert [one.elapsed_s for one in printed] == [0.25, 0.5, 0.0, -1.0]
    assert [one.gflops for one in printed] == [pytest.approx(0.12), pytest.approx(0.06), None, None]


def test_a_listing_that_waits_is_timed_until_it_has_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    """MXNet's calls return before they are done; the chapter waits for all but the block."""
    # PyTorch's do not wait, and neither does what is printed for it.
    now = iter(range(100))
    for backend, seconds in (("mxnet", [2, 2, 1]), ("pytorch", [1, 1, 1])):
        fake = Fake()
        clock = SimpleNamespace(
            time=lambda log=fake.log: next(now) + log.count("wait"), perf_counter=lambda: 0
        )
        monkeypatch.setattr(matmul, "time", clock)
        printed = measure(fake, job_of(backend=backend, as_printed=True, size=4)).as_printed
        assert [one.strategy for one in printed][-3:] == ["column", "full", "block"]
        assert [one.elapsed_s for one in printed][-3:] == seconds


def test_a_part_of_a_product_prints_nothing_but_is_computed_first() -> None:
    """Nobody has seen what all elements would print; the others meet a process that is as warm."""
    fake = Fake()
    printed = measure(fake, job_of(backend=SLOW, as_printed=True, size=4)).as_printed
    assert [one.strategy for one in printed] == ["column", "full", "block"]
    computed = [entry for entry in fake.log if entry != "wait"]
    assert computed[: SAMPLED + 1] == ["element"] * SAMPLED + ["column"]


@pytest.mark.parametrize(
    ("backend", "as_printed"),
    [("pytorch", False), ("jax", True), ("numpy", True), ("numba", True)],
)
def test_nothing_is_printed_unless_asked_for_and_in_the_chapter(
    backend: str,
    as_printed: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    """The four products cost seconds in a slow framework, and of some there is no listing."""
    fake = Fake()
    assert measure(fake, job_of(backend=backend, as_printed=as_printed, size=4)).as_printed == []
    assert {(strategy, size) for strategy, size, *_ in fake.multiplied} == {("full", 4)}


# --- what is timed is what was meant


def statuses(outcome: Outcome, label: str) -> dict[Any, tuple[str, str]]:
    """Return status and reason of each series by a label."""
    return {one.labels[label]: (one.status, one.reason or "") for one in outcome.series}


def test_threads_that_did_not_take_effect_are_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only the first call of PyTorch's set_num_threads counts, there is no time for 1."""
    real = torch.set_num_threads
    first: list[int] = []

    def once(count: int) -> None:
        if not first:
            first.append(count)
            real(count)

    before = torch.get_num_threads()
    monkeypatch.setattr(torch, "set_num_threads", once)
    try:
        job = job_of(strategy="full-out", size=32, threads=[1, 2], usable=2)
        found = statuses(measure(pytorch.Session("cpu", 2), job), "threads")
    finally:
        real(before)
    assert found[1] == ("failed", "asked for 1 thread, has 2")
    assert found[2][0] == "ok"


def test_threads_that_are_lost_while_measuring_are_no_number() -> None:
    """What the warm-up had is not what the samples have: each is read back."""
    fake = Fake()
    job = job_of(size=4, threads=[1, 2], usable=2)

    def losing(*args: Any) -> Any:
        fake.obeys = False
        return measured(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matmul, "measured", losing)
        series = measure(fake, job).series
    failed = [one for one in series if one.status == "failed"]
    assert [one.reason for one in failed] == ["asked for 1 thread, has 2"]
    assert all(one.timing is None for one in failed)


def test_product_that_is_wrong_at_its_size_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be right at n = 64 and in float32: what is timed is what is looked at."""
    real = torch.mm

    def broken(a: Any, b: Any, out: Any = None) -> Any:
        if a.shape[0] >= 512 and a.dtype == torch.bfloat16:
            return torch.zeros_like(a) if out is None else out.zero_()
        return real(a, b) if out is None else real(a, b, out=out)

    monkeypatch.setattr(torch, "mm", broken)
    session = pytorch.Session("cpu", 1)
    settings: dict[str, Any] = {"strategy": "full-out", "size": [64, 512], "budget_s": 2}
    narrow = statuses(measure(session, job_of(dtype="bfloat16", **settings)), "size")
    assert narrow[64][0] == "ok"
    assert narrow[512][0] == "failed"
    assert narrow[512][1].startswith("wrong result")
    wide = statuses(measure(session, job_of(dtype="float32", **settings)), "size")
    assert {status for status, _ in wide.values()} == {"ok"}


DTYPES = ["float32", "float64", "bfloat16", "float16"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [2, 48, 64, 65, 200, 512])
def test_right_products_are_within_the_bound(dtype: str, size: int) -> None:
    """By each strategy that takes no minutes; the next call has to compute all of A again."""
    session = pytorch.Session("cpu", 1)
    products, bound = session.products(size, dtype, SEED), rounding(size, dtype, tf32=False)
    for strategy in ("column", "row", "block", "full", "full-out"):
        products.call(strategy, 7)()
        assert products.error(Look(signs(size, SEED))) < bound / 1.5, strategy
        assert not products.A.any()
        assert products.error(Look(signs(size, SEED))) > bound


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [48, 200, 512])
def test_column_that_is_left_out_is_a_wrong_result(dtype: str, size: int) -> None:
    """The last of the product, as where blocks do not divide it."""
    products = pytorch.Session("cpu", 1).products(size, dtype, SEED)
    products.full()
    products.A[:, -1] = 0
    assert products.error(Look(signs(size, SEED))) > rounding(size, dtype, tf32=False)


@pytest.mark.parametrize("size", [48, 512])
def test_a_number_that_is_none_is_a_wrong_result(size: int) -> None:
    """NaN is larger and smaller than nothing; no comparison may let it pass."""
    products = pytorch.Session("cpu", 1).products(size, "float32", SEED)
    products.full()
    products.A[3, 1] = float("nan")
    assert products.error(Look(signs(size, SEED))) == float("inf")


def test_product_in_tf32_is_a_wrong_float32_product() -> None:
    """Factors with 10 bits: within the bound of TF32, far beyond that of float32."""
    products = pytorch.Session("cpu", 1).products(512, "float32", SEED)
    rounded = [
        (matrix.view(torch.int32) + 0x1000 & ~0x1FFF).view(torch.float32)
        for matrix in (products.B, products.C)
    ]
    products.A[:] = torch.mm(*rounded)
    error = products.error(Look(signs(512, SEED)))
    assert rounding(512, "float32", tf32=False) < error < rounding(512, "float32", tf32=True)


def test_some_elements_are_looked_at_by_themselves() -> None:
    """Where the others are not computed: they are right, and one that is wrong is found."""
    products = pytorch.Session("cpu", 1).products(100, "float32", SEED)
    places = [(0, 0), (7, 99), (8, 99), (99, 3)]
    for i, j in places:
        products.A[i, j] = torch.dot(products.B[i], products.C[:, j])
    kept = products.A.clone()
    bound = rounding(100, "float32", tf32=False)
    assert products.error(Look(signs(100, SEED), places)) < bound
    kept[8, 99] += 1
    products.A[:] = kept
    assert products.error(Look(signs(100, SEED), places)) > bound


def test_what_was_not_taken_is_told() -> None:
    """A dtype that becomes another on the way, TF32 that stays off, a product that is wrong."""

    class Stubborn(Fake):
        def products(self, size: int, dtype: str, seed: int) -> SimpleNamespace:
            made = super().products(size, dtype, seed)
            made.A.dtype = "float32"
            return made

        def allows_tf32(self) -> bool:
            return False

    found = statuses(measure(Stubborn(), job_of(dtype=["float32", "float64"], size=4)), "dtype")
    assert found["float32"][0] == "ok"
    assert found["float64"] == ("failed", "asked for float64 on cpu, has float32 on cpu")
    job = job_of(tf32=[False, True], size=4, device="cpu")
    found = statuses(measure(Stubborn(tf32=True), job), "tf32")
    assert found[False][0] == "ok"
    assert found[True] == ("failed", "asked for TF32, has the other")
    (only,) = measure(Fake(wrong=0.5), job_of(size=4)).series
    assert only.status == "failed"


# --- on an accelerator


def test_device_is_timed_by_its_own_clock_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the host's, by sample; and alone, with twice its cache emptied before each call."""
    monkeypatch.setattr(sensors, "board", lambda _: sensors.Board(accelerator.Nvml(), object()))
    monkeypatch.setattr(matmul, "_made", lambda _: ("float32", "cuda:0"))
    session = accelerator.Session()
    asked = job_of(device="cuda:0", strategy="full", size=[32, 64], cold=True, energy_s=0.03)
    outcome = measure(session, asked | {"last_cache_bytes": 1000})
    small, large = outcome.series
    for series in (small, large):
        assert series.timing is not None
        assert series.cold is not None
        assert len(series.timing.device_s) == len(series.timing.elapsed_s)
        both = zip(series.timing.device_s, series.timing.elapsed_s, strict=True)
        assert all(device < host for device, host in both)
        assert series.cold.device_s == []  # it has no other
        # The board is read at both ends of the samples.
        assert [one.power_w for one in series.timing.board] == [100.0, 100.0]
    assert set(session.flushed) == {2000}
    # The energy is that of the largest product of a kind; what draws 100 W, and for how long.
    assert small.energy is None
    assert large.energy is not None
    assert large.energy.joules / large.energy.elapsed_s == pytest.approx(100, rel=0.5)
    assert "NVML" in str(outcome.energy)


def test_cpu_has_no_cold_products_and_says_why_energy_is_not_known() -> None:
    """Nothing is estimated in its place."""
    asked = job_of(strategy="full", size=[8], cold=True, energy_s=0.01)
    outcome = measure(pytorch.Session("cpu", 1), asked)
    (series,) = outcome.series
    assert (series.cold, series.energy) == (None, None)
    assert str(outcome.energy).startswith("not readable") or Path("/sys/class/powercap").exists()


def test_wrong_product_of_a_batch_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """All products of a batch are computed in one call, and the last of them is looked at."""
    monkeypatch.setattr(torch, "bmm", torch.mul)  # element by element
    outcome = measure(pytorch.Session("cpu", 1), job_of(strategy="batched", size=[8]))
    (series,) = outcome.series
    assert series.status == "failed"
    assert "wrong result" in str(series.reason)


def test_batches_are_skipped_where_they_are_not_written() -> None:
    """With the framework's name."""
    outcome = measure(Fake(), job_of(backend="numpy", strategy="batched", size=[8]))
    assert [(one.status, "NumPy" in str(one.reason)) for one in outcome.series] == [
        ("skipped", True)
    ]
