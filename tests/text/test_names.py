"""Tests of report.text.names: quantities and brands as people say them."""

from __future__ import annotations

import pytest

from report.text import names


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("Intel(R) Xeon(R) Processor", "Intel Xeon"),
        ("Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz", "Intel Xeon Platinum 8259CL"),
        ("12th Gen Intel(R) Core(TM) i7-1260P", "Intel Core i7-1260P"),
        ("AMD EPYC 7R13 Processor", "AMD EPYC 7R13"),
        ("AMD EPYC 9654 96-Core Processor", "AMD EPYC 9654"),
        ("AMD Ryzen 7 PRO 7840U w/ Radeon 780M Graphics", "AMD Ryzen 7 PRO 7840U"),
        ("Apple M2", "Apple M2"),
        ("Neoverse-N1", "Neoverse-N1"),
    ],
)
def test_brand_is_what_a_person_would_say(model: str, expected: str) -> None:
    """Trade marks, nominal clocks and core counts do not belong to a processor's name."""
    assert names.brand(model) == expected


@pytest.mark.parametrize(
    ("memory_bytes", "expected"),
    [
        (25276502016, "24 GiB"),
        (16 * 2**30, "16 GiB"),
        (int(15.3 * 2**30), "16 GiB"),
        (18 * 2**30, "18 GiB"),
        (int(125.7 * 2**30), "128 GiB"),
        (int(0.96 * 2**30), "1 GiB"),
        (490 * 2**20, "512 MiB"),
    ],
)
def test_memory_is_said_as_it_was_sold(memory_bytes: int, expected: str) -> None:
    """What the firmware keeps for itself does not make 24 GiB into 23.5."""
    assert names.memory_as_sold(memory_bytes) == expected


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [
        (0, "0 bytes"),
        (49152, "48 KiB"),
        (2**20 - 1, "1 MiB"),
        (25276502016, "23.5 GiB"),
        (2**50, "1024 TiB"),
    ],
)
def test_size_has_the_largest_fitting_unit(size_bytes: int, expected: str) -> None:
    """One decimal is enough, and none is shown where it would be a zero."""
    assert names.size(size_bytes) == expected


@pytest.mark.parametrize(
    ("value_hz", "expected"), [(2.6e9, "2.6 GHz"), (3e9, "3 GHz"), (9.8e8, "980 MHz")]
)
def test_clock_is_said_in_gigahertz_above_one(value_hz: float, expected: str) -> None:
    """A clock reads as on a data sheet."""
    assert names.hertz(value_hz) == expected
