"""What clock, cores and instructions promise: an upper bound, or a reason for none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import results_factory
from report.sections.roofline.hardware import (
    CHAPTER,
    CHAPTER_MEMORY,
    flop_per_cycle,
    peak,
    vector_estimate,
)

if TYPE_CHECKING:
    from report.results.machine import Machine


def machine(**fields: Any) -> Machine:
    """Return the factory's machine of two cores with other details of its processor."""
    made = results_factory.make_machine()
    return replace(made, cpu=replace(made.cpu, **fields))


@pytest.mark.parametrize(
    ("simd", "dtype", "flop"),
    [
        # Fused multiply-adds a cycle, times numbers in a register, times 2 operations.
        (["AVX2", "FMA"], "float32", 2 * 8 * 2),
        (["AVX2", "FMA"], "float64", 2 * 4 * 2),
        (["AVX2", "FMA", "AVX-512"], "float32", 2 * 16 * 2),
        (["NEON"], "float32", 4 * 4 * 2),
        # 16 x 16 x 32 multiply-adds in 16 cycles.
        (["AVX-512", "AMX", "AMX BF16"], "bfloat16", 16 * 16 * 32 * 2 // 16),
        # Widened to float32 without instructions of its own.
        (["AVX-512"], "bfloat16", 64),
        (["AVX-512", "AMX BF16"], "float16", 64),
        # AVX2 does not tell of fused multiply-add.
        (["AVX2"], "float32", None),
        ([], "float32", None),
        (["AVX-512"], "TF32", None),
    ],
)
def test_operations_in_a_cycle(simd: list[str], dtype: str, flop: int | None) -> None:
    """From widths and the most units that a core of the kind has."""
    assert flop_per_cycle(simd, dtype) == flop


def test_theoretical_peak_is_cores_times_clock_times_operations() -> None:
    """2 cores, 3 GHz, 64 operations."""
    promise = peak(machine(max_frequency_hz=3e9), "float32", "cpu")
    assert promise.flop_per_s == pytest.approx(2 * 3e9 * 64)
    assert "at most" in promise.words


@pytest.mark.parametrize(
    ("fields", "device", "reason"),
    [
        ({}, "cpu", "highest clock"),
        ({"max_frequency_hz": 3e9}, "cuda:0", "cuda:0"),
        ({"max_frequency_hz": 3e9, "simd": []}, "cpu", "no instructions"),
        ({"max_frequency_hz": 3e9, "simd": ["NEON", "SVE"]}, "cpu", "SVE"),
        ({"max_frequency_hz": 3e9, "simd": ["NEON"], "model": "Apple M2"}, "cpu", "matrix units"),
    ],
)
def test_what_is_not_known_is_not_guessed(fields: dict[str, Any], device: str, reason: str) -> None:
    """No peak, and the reason."""
    promise = peak(machine(**fields), "float32", device)
    assert promise.flop_per_s is None
    assert reason in promise.words


def test_chapters_estimate_is_ten_times_its_memory() -> None:
    """2e9 * 16 * 32 = 1.024e12 bytes a second against 100e9."""
    assert CHAPTER.bytes_per_s == pytest.approx(1.024e12)
    assert CHAPTER.bytes_per_s / CHAPTER_MEMORY == pytest.approx(10.24)


def test_same_arithmetic_here_says_which_clock_it_takes() -> None:
    """The highest where it is known, else the one that the system reports, marked as such."""
    # 3 GHz, two cores, 32 bytes; then the factory's 2.6 GHz.
    for fields, rate, nominal in (
        ({"max_frequency_hz": 3e9}, 1.92e11, False),
        ({}, 1.664e11, True),
    ):
        promise = vector_estimate(machine(**fields), "cpu")
        assert promise is not None
        assert promise.bytes_per_s == pytest.approx(rate)
        assert promise.nominal == nominal


def test_same_arithmetic_needs_a_clock_and_a_processor() -> None:
    """An accelerator's clock is not the processor's."""
    assert vector_estimate(machine(frequency_hz=None), "cpu") is None
    assert vector_estimate(machine(), "cuda:0") is None
