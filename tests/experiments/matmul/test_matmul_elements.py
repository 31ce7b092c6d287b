"""Products element by element where a framework takes minutes for all, and what it prints."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from factories import measured
from report.experiments.matmul import measure as matmul
from report.experiments.matmul.kind import MATMUL, MatmulSettings
from report.experiments.matmul.measure import measure
from report.experiments.matmul.quantities import of_records
from report.results.result import Record
from report.worker.records import Outcome, Series

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.worker.records import Labels

SLOW, SAMPLED = "tensorflow", 256
"""A framework of which so many elements are measured; see `report.backends`."""


class Fake:
    """A backend that multiplies nothing, and notes what it is told.

    Attributes:
        elements: Places of the elements that were asked for one by one.
        called: Strategies of whole products.
        log: "element", a strategy, or "wait", in order.
    """

    def __init__(self) -> None:
        """Have been told nothing."""
        self.elements: list[tuple[int, int]] = []
        self.called: list[str] = []
        self.log: list[str] = []

    def synchronize(self) -> None:
        """Note it."""
        self.log.append("wait")

    def set_threads(self, threads: int) -> None:
        """Have no threads."""

    def has_tf32(self) -> bool:
        """Have no TF32."""
        return False

    def products(self, size: int, dtype: str, seed: int) -> Fake:
        """Be products of any size."""
        del size, dtype, seed
        return self

    def call(self, strategy: str, block_width: int) -> Callable[[], object]:
        """Return a function that notes itself."""
        del block_width

        def call() -> None:
            self.called.append(strategy)
            self.log.append(strategy)

        return call

    def one_element(self, i: int, j: int) -> None:
        """Note the place."""
        self.elements.append((i, j))
        self.log.append("element")


def job_of(backend: str, process: int = 0, **settings: Any) -> dict[str, Any]:
    """Return a job as the runner sends it."""
    return {
        "backend": backend,
        "settings": MatmulSettings.model_validate(settings).model_dump(mode="json"),
        "seed": 1,
        "threads": 1,
        "process": process,
        "budget_s": 0.01,
        "repeats": 3,
    }


def visited(process: int) -> list[tuple[int, int]]:
    """Return the elements of the first of a process's products of 32 x 32."""
    fake = Fake()
    measure(fake, job_of(SLOW, process, strategy="element", size=32))
    assert fake.called == []
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
    outcome = measure(Fake(), job_of(SLOW, strategy=["element", "column"], size=32))
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
    (series,) = measure(fake, job_of(backend, strategy="element", **settings)).series
    assert fake.elements == []
    assert set(fake.called) == {"element"}
    assert series.flops == 2 * settings["size"] ** 3


def record(flops: int, process: int = 0) -> Record:
    """Return what a process measured: 64 x 64 element by element in half a second."""
    labels: Labels = {"strategy": "element", "size": 64, "dtype": "float32", "block_width": None}
    series = Series(labels=labels, flops=flops, timing=measured.timing([0.5] * 10))
    return Record(
        experiment="products",
        kind="matmul",
        backend=SLOW,
        process=process,
        device="cpu",
        threads=1,
        status="ok",
        started_at="2026-11-22T10:00:00Z",
        elapsed_s=5.0,
        outcome=Outcome(series=[series]),
    )


def test_seconds_of_some_elements_are_scaled_to_the_whole_product() -> None:
    """Half a second for 256 of 4,096 elements is 8 s for all; the rate is that of the 256."""
    (quantity,) = of_records([record(2 * 64 * 256)])
    assert quantity.time().value == pytest.approx(8)
    assert quantity.flops == 2 * 64**3
    assert quantity.rate().value == pytest.approx(2 * 64 * 256 / 0.5)


def test_page_names_how_many_elements_were_computed() -> None:
    """And says nothing of it where all were."""
    some = " ".join(MATMUL.method([record(2 * 64 * 256, process) for process in range(2)]))
    assert "256 of the 4,096 elements" in some
    assert "drawn at random" in some
    assert "drawn at random" not in " ".join(MATMUL.method([record(2 * 64**3)]))


# --- as printed


def test_a_listing_that_waits_is_timed_until_it_has_waited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """MXNet's calls return before they are done, and the chapter's listings wait for them.

    PyTorch's do not wait, and neither does what is printed for it.
    """
    now = iter(range(100))
    for backend, seconds, waits in (("mxnet", 2, True), ("pytorch", 1, False)):
        fake = Fake()
        clock = SimpleNamespace(time=lambda log=fake.log: next(now) + log.count("wait"))
        monkeypatch.setattr(matmul, "time", clock)
        printed = measure(fake, job_of(backend, as_printed=True, size=4)).as_printed
        assert [one.strategy for one in printed][-3:] == ["column", "full", "block"]
        assert [one.elapsed_s for one in printed][-3:] == [seconds] * 3
        until_block = fake.log[: fake.log.index("block") + 2]
        assert ("wait" in until_block[:-1]) is waits


def test_a_part_of_a_product_prints_nothing_but_is_computed_first() -> None:
    """Nobody has seen what all elements would print; the others meet a process that is as warm."""
    fake = Fake()
    printed = measure(fake, job_of(SLOW, as_printed=True, size=4)).as_printed
    assert [one.strategy for one in printed] == ["column", "full", "block"]
    assert fake.log[: SAMPLED + 1] == ["element"] * SAMPLED + ["column"]


@pytest.mark.parametrize("backend", ["jax", "numpy", "numba"])
def test_frameworks_without_a_listing_in_the_chapter_print_nothing(backend: str) -> None:
    """There is nothing to repeat."""
    fake = Fake()
    assert measure(fake, job_of(backend, as_printed=True, size=4)).as_printed == []
    assert set(fake.called) == {"full"}
