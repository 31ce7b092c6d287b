"""The time of an access that waits for the last one, by what it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from factories import bandwidth as model
from report.experiments.bandwidth import caches, figures, latency
from report.experiments.bandwidth.lines import each
from report.experiments.bandwidth.measure import CHAIN, CHASED_ELEMENTS, Point, bytes_moved
from report.experiments.bandwidth.quantities import of_records
from report.experiments.bandwidth.roofs import working_set

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.analysis.quantities import Quantity
    from report.results.result import Result


@pytest.fixture(name="result", scope="module")
def with_numba(make_result: Callable[..., Result]) -> Result:
    """Return a made-up result: L1 of 48 KiB and L2 of 2 MiB a core."""
    return make_result(frameworks=("pytorch", "numba"), profile="full")


@pytest.fixture(name="chases")
def of_the_experiment(result: Result) -> list[Quantity]:
    """Return its chases, the smallest working set first."""
    return sorted(of_records(result.of("latency")), key=working_set)


def test_an_access_is_one_of_as_many_as_a_call_makes(chases: list[Quantity]) -> None:
    """The seconds of a call by the positions that it visits, whatever the working set."""
    for quantity in chases:
        assert quantity.bytes_moved == 8 * CHASED_ELEMENTS
        assert each(quantity).value == pytest.approx(
            quantity.time().value / CHASED_ELEMENTS, rel=1e-9
        )


def test_chain_visits_as_many_positions_in_any_working_set() -> None:
    """One thread, 64-bit positions; a small chain is gone round many times."""
    for size in (2**12, 2**30):
        point = Point(
            operation="chase",
            working_set_bytes=size,
            stride=None,
            order="random",
            dtype=CHAIN,
            threads=1,
        )
        access = point.access(resident_bytes=2**21, parts=1, most_stride=1, seed=1)
        assert (access.elements, access.chunk) == (size // 8, CHASED_ELEMENTS)
        assert bytes_moved(access) == 8 * CHASED_ELEMENTS


def test_each_cache_and_memory_has_its_time(result: Result, chases: list[Quantity]) -> None:
    """1.5 ns, 6 ns and 120 ns on the model machine, each from the largest set that it holds."""
    known = caches.levels(result.machine.cpu, 1)
    found = latency.by_level(chases, known)
    assert list(found) == ["L1", "L2", "memory"]
    times = [each(quantity).value for quantity in found.values()]
    assert times == pytest.approx([1.5e-9, 6e-9, 120e-9], rel=0.1)
    assert working_set(found["L1"]) <= model.L1_BYTES < working_set(found["L2"])


def test_figure_says_what_an_access_takes_from_where(result: Result) -> None:
    """The first and the last in the title, each level in the caption."""
    (figure,) = figures.figures(result, "latency")
    assert figure.question == "latency"
    assert figure.words.title.startswith("An access that nothing foresees takes 1.")
    for level in ("From the L1 cache", "from the L2 cache", "from memory"):
        assert level in figure.words.caption
    assert figure.table.header == ["working set", "ns"]
    assert len(figure.table.rows) == len({row[1] for row in figure.sheet.rows})


def test_caches_that_are_not_known_leave_the_curve(chases: list[Quantity]) -> None:
    """Only memory, the largest of all, has a name then."""
    assert list(latency.by_level(chases, [])) == ["memory"]
    said = latency.words(chases, [])
    assert "from memory" in said.caption.lower()
