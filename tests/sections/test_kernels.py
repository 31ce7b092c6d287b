"""Arithmetic intensity: operations for each byte that a call must at least move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from report.experiments import catalogue
from report.sections.roofline.cases import at, kernels, number_format, product_bytes, product_calls

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.results.result import Result

N = 256


@pytest.mark.parametrize(
    ("strategy", "width", "intensity"),
    [
        # One dot product: 2 n operations, 2 n numbers read and 1 written, 4 bytes each.
        ("element", None, 512 / (513 * 4)),
        # A matrix times a vector: 2 n^2 operations, n^2 + n read and n written.
        ("column", None, 131_072 / (66_048 * 4)),
        ("row", None, 131_072 / (66_048 * 4)),
        # 64 columns: 2 n^2 64 operations, n^2 + 64 n read and 64 n written.
        ("block", 64, 8_388_608 / ((65_536 + 2 * 16_384) * 4)),
        # All: 2 n^3 operations, 2 n^2 read and n^2 written; 2 * 256 / 12 = 42.67.
        ("full", None, 42.6667),
        ("full-out", None, 42.6667),
    ],
)
def test_intensity_of_a_product_is_what_paper_and_pencil_give(
    strategy: str, width: int | None, intensity: float
) -> None:
    """In float32 at n = 256, each way of computing it."""
    moved = product_bytes(strategy, N, width, 4)
    assert 2 * N**3 / moved == pytest.approx(intensity, rel=1e-5)


def test_a_last_narrow_block_is_a_call_like_the_others() -> None:
    """100 columns in blocks of 64 are two calls: both read B, and together all of C and A."""
    assert product_calls("block", 100, 64) == 2
    # 2 n^2 for B twice, n^2 for C, n^2 for A: 4 * 100^2 numbers of 4 bytes.
    assert product_bytes("block", 100, 64, 4) == 160_000


@pytest.mark.parametrize("width", [1, 2, 8, 64, 256])
def test_wider_blocks_never_move_more(width: int) -> None:
    """From a column at a time, where they agree with that strategy, to the full product."""
    moved = product_bytes("block", N, width, 4)
    assert product_bytes("full", N, None, 4) <= moved <= product_bytes("column", N, None, 4)
    assert moved <= product_bytes("block", N, max(1, width // 2), 4)


def test_each_kernel_stands_once_however_many_experiments_measured_it(
    result_of: Callable[..., Result],
) -> None:
    """The block of 64 at n = 256 is in two sweeps of the factory; both hold the same labels."""
    found = kernels(catalogue.of_result(result_of()), "float32")
    names = [kernel.name for kernel in found]
    assert len(names) == len(set(names))
    assert names.count("block of 64, n = 256") == 1


def test_kernels_that_count_their_own_bytes_keep_their_count(
    result_of: Callable[..., Result],
) -> None:
    """An add reads two numbers and writes one for one operation: 1 / 12."""
    found = kernels(catalogue.of_result(result_of()), "float32")
    add = at(found, operation="add", size=256)
    triad = at(found, operation="triad", working_set_bytes=2**18)
    assert add is not None
    assert triad is not None
    assert add.intensity == pytest.approx(1 / 12)
    # Two operations for three numbers of 4 bytes.
    assert triad.intensity == pytest.approx(1 / 6)


def test_another_format_has_its_products_only(result_of: Callable[..., Result]) -> None:
    """Additions and updates are made of float32."""
    found = kernels(catalogue.of_result(result_of()), "bfloat16")
    assert {kernel.family for kernel in found} == {"full"}
    assert {number_format(kernel.quantity) for kernel in found} == {"bfloat16"}


def test_fewer_threads_are_left_out(result_of: Callable[..., Result]) -> None:
    """They would stand below other roofs."""
    result = result_of()
    for record in result.of("products"):
        assert record.outcome is not None
        for series in record.outcome.series:
            if series.labels["size"] == 64:
                series.labels["threads"] = 1
    found = kernels(catalogue.of_result(result), "float32")
    assert at(found, strategy="full-out", size=64) is None
    assert at(found, strategy="full-out", size=256) is not None
    # Each kind has its own most: those of the others are still there.
    assert at(found, operation="add", size=1) is not None
