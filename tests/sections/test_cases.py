"""Kernels at their intensity, below what bounds them: balance, sides and shares by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from report.experiments import catalogue
from report.experiments.matmul.quantities import number_format, product_bytes, product_calls
from report.sections.roofline.cases import at, cases, kernels

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.results.result import Result
    from report.sections.roofline.cases import Case, Kernel

    Made = Callable[..., Result]

N = 256

# Without noise every process measures the same, so that answers are exact.
EXACT = {"noise": 0.0}

PEAK = 2 * 4096**3 / (2e-6 + 2 * 4096**3 / (320e9 * 4096 / 4136))
"""Of the factory's largest float32 product: 2 us and so much a second."""


def the(among: list[Kernel], **labels: object) -> Kernel:
    """Return the kernel of these labels, which there must be."""
    found = at(among, **labels)
    assert found is not None
    return found


@pytest.fixture(name="case")
def an_exact_case(result_of: Made) -> Case:
    """Return the float32 roofline of a machine without noise."""
    return cases(result_of(**EXACT))[0]


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


def test_each_kernel_stands_once_however_many_experiments_measured_it(result_of: Made) -> None:
    """The block of 64 at n = 256 is in two sweeps of the factory; both hold the same labels."""
    found = kernels(catalogue.of_result(result_of()), "float32")
    names = [kernel.name for kernel in found]
    assert len(names) == len(set(names))
    assert names.count("block of 64, n = 256") == 1


def test_kernels_that_count_their_own_bytes_keep_their_count(result_of: Made) -> None:
    """An add reads two numbers and writes one for one operation: 1 / 12."""
    found = kernels(catalogue.of_result(result_of()), "float32")
    assert the(found, operation="add", size=256).intensity == pytest.approx(1 / 12)
    # Two operations for three numbers of 4 bytes.
    triad = the(found, operation="triad", working_set_bytes=2**18)
    assert triad.intensity == pytest.approx(1 / 6)


def test_another_format_has_its_products_only(result_of: Made) -> None:
    """Additions and updates are made of float32."""
    found = kernels(catalogue.of_result(result_of()), "bfloat16")
    assert {kernel.family for kernel in found} == {"full"}
    assert {number_format(kernel.quantity) for kernel in found} == {"bfloat16"}


def test_fewer_threads_are_left_out(result_of: Made) -> None:
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


def test_balance_is_peak_over_memory(case: Case) -> None:
    """Operations at the highest measured rate for each byte at 20 GB/s."""
    balance = case.balance()
    # Equal processes: an interval without width.
    assert [balance.low, balance.value, balance.high] == pytest.approx([PEAK / 20e9] * 3)
    # At 4 bytes an operand, and n / 6 operations for each byte that a product must move.
    assert case.demand().value == pytest.approx(4 * PEAK)
    assert case.demands().value == pytest.approx(4 * PEAK / 20e9)
    assert case.least_size() / 6 == pytest.approx(PEAK / 20e9, rel=0.02)


def test_more_bandwidth_lowers_the_balance(result_of: Made) -> None:
    """Twice the bytes a second, half the operations that each must be worth."""
    slow, fast = (cases(result_of(noise=0.0, bandwidths={2**28: rate}))[0] for rate in (20e9, 40e9))
    assert slow.balance().value == pytest.approx(2 * fast.balance().value)
    # No kernel's share of the higher roof is larger.
    for before, after in zip(slow.kernels, fast.kernels, strict=True):
        if before.family == "triad":
            continue  # made faster with the memory
        lower = slow.share(before, slow.memory).value
        assert fast.share(after, fast.memory).value <= lower * (1 + 1e-9)


def test_share_below_the_balance_is_of_the_sloped_roof(case: Case) -> None:
    """A column: 131,072 operations in 12 us, 0.496 of them a byte, against 20 and 200 GB/s."""
    column = the(case.kernels, strategy="column", size=256)
    rate, intensity = 131_072 / 12e-6, 131_072 / (66_048 * 4)
    memory, steepest = (case.share(column, roof).value for roof in (case.memory, case.steepest))
    assert memory == pytest.approx(rate / (intensity * 20e9))
    assert steepest == pytest.approx(rate / (intensity * 200e9))


def test_share_above_the_balance_is_of_the_peak(case: Case) -> None:
    """Whichever sloped roof is asked for; of the peak itself it is all, exactly."""
    full = the(case.kernels, strategy="full", size=256)
    best = the(case.kernels, strategy="full-out", size=4096, dtype="float32")
    for roof in (case.memory, case.steepest):
        assert case.share(full, roof).value == pytest.approx(2 * 256**3 / 110e-6 / PEAK)
        assert case.share(best, roof).value == 1


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.9, "memory"), (0.99, "either"), (1.01, "either"), (1.1, "arithmetic")],
)
def test_within_the_balances_interval_a_kernel_is_on_no_side(
    result_of: Made, share: float, expected: str
) -> None:
    """A difference that the interval does not show is not claimed."""
    case = cases(result_of(noise=0.1))[0]
    balance = case.balance()
    assert balance.low is not None
    assert balance.high is not None
    assert 0.9 < balance.low / balance.value < 0.99
    assert 1.01 < balance.high / balance.value < 1.1
    add = the(case.kernels, operation="add", size=1)
    flops = round(10**6 * balance.value * share)
    kernel = replace(add, quantity=replace(add.quantity, flops=flops, bytes_moved=10**6))
    assert case.side(kernel) == expected
