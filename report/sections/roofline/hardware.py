"""What the hardware's own numbers promise: cores times clock times operations in a cycle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.machine.machine import usable_cores
from report.text.names import hertz
from report.text.numerals import count

if TYPE_CHECKING:
    from report.results.machine import Machine

VECTOR_BYTES = 32
"""Of the chapter's estimate: what a core takes in a cycle."""

CHAPTER_MEMORY = 100e9
"""Bytes per second of the chapter's midrange server."""

FLOP_PER_CYCLE: dict[str, dict[str, int]] = {
    "AVX-512": {"float32": 64, "float64": 32},
    "AVX2": {"float32": 32, "float64": 16},
    "NEON": {"float32": 32, "float64": 16},
    "AVX-512 BF16": {"bfloat16": 128},
    "AVX-512 FP16": {"float16": 128},
    "AMX BF16": {"bfloat16": 1024},
    "AMX FP16": {"float16": 1024},
    "NEON FP16": {"float16": 64},
    "NEON BF16": {"bfloat16": 128},
}
"""Floating point operations of one core in one cycle, at most, by instruction set and dtype.

A fused multiply-add counts 2. Per cycle: two of 512 bits (AVX-512), two of 256 bits (AVX2 with
FMA), four of 128 bits (NEON). That is as many units as the widest cores have; some processors with
AVX-512 have one such unit, and most with NEON two, so that these are upper bounds. A bfloat16 dot
product instruction does twice the operations of float32 at the same width, NEON's BFMMLA four
times. An AMX tile product of 16 x 16 x 32 bfloat16 takes 16 cycles: 2 * 8192 / 16 = 1024.

Source: Intel 64 and IA-32 Architectures Optimization Reference Manual, chapters on AVX-512 and on
AMX; Arm Neoverse V1 Software Optimization Guide, instruction throughput.
"""

UNKNOWN_UNITS = ("SVE", "SVE2", "SME", "SME2")
"""Instruction sets whose width is not detected."""


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What the hardware's numbers promise at most, and how that comes about; or why it is None."""

    flop_per_s: float | None
    words: str


def peak(machine: Machine, dtype: str, device: str) -> Promise:
    """Return the theoretical peak of a number format, on the device where the kernels ran."""
    cpu, cores = machine.cpu, usable_cores(machine)
    clock, flops = cpu.max_frequency_hz, flop_per_cycle(cpu.simd, dtype)
    wide = next((name for name in UNKNOWN_UNITS if name in cpu.simd), None)
    if device != "cpu":
        words = f"what {device} does in a cycle is not known"
    elif clock is None:
        words = "the highest clock of its processor is not known"
    elif wide:
        words = f"the width of its {wide} units is not known"
    elif "apple" in f"{cpu.vendor} {cpu.model}".lower():
        words = "what its matrix units do in a cycle is not known"
    elif flops is None:
        words = f"no instructions are known here that compute in {dtype}"
    else:
        each = f"with at most {flops:,} operations in a cycle each"
        words = f"{count(cores, 'core')} at {hertz(clock)}, {each}"
        return Promise(flop_per_s=cores * clock * flops, words=words)
    return Promise(flop_per_s=None, words=words)


def flop_per_cycle(simd: list[str], dtype: str) -> int | None:
    """Return what a core with these instructions does in a cycle, at most; None if not known."""
    # AVX2 alone does not tell of fused multiply-add; every core with AVX-512 has it.
    known = [FLOP_PER_CYCLE.get(n, {}) for n in simd if n != "AVX2" or "FMA" in simd]
    found = [flops[dtype] for flops in known if dtype in flops]
    if not found and dtype in {"bfloat16", "float16"}:
        # Without instructions of their own, short numbers are widened and computed in float32.
        return flop_per_cycle(simd, "float32")
    return max(found, default=None)


@dataclass(frozen=True, kw_only=True)
class VectorEstimate:
    """The chapter's arithmetic: what vector units take in, from a clock and a count of cores."""

    clock_hz: float
    cores: int
    nominal: bool = False  # whether the clock is not known to be the highest

    @property
    def bytes_per_s(self) -> float:
        """Return the product of the factors."""
        return self.clock_hz * self.cores * VECTOR_BYTES

    @property
    def words(self) -> str:
        """Return the factors: "2.6 GHz x 2 cores x 32 B"."""
        factors = hertz(self.clock_hz), count(self.cores, "core"), f"{VECTOR_BYTES} B"
        return " \N{MULTIPLICATION SIGN} ".join(factors)


CHAPTER = VectorEstimate(clock_hz=2e9, cores=16)
"""The processor of the chapter's own."""


def vector_estimate(machine: Machine, device: str) -> VectorEstimate | None:
    """Return the same arithmetic for this machine's processor; None where no clock is known."""
    clock = machine.cpu.max_frequency_hz or machine.cpu.frequency_hz
    if clock is None or device != "cpu":
        return None
    nominal = machine.cpu.max_frequency_hz is None
    return VectorEstimate(clock_hz=clock, cores=usable_cores(machine), nominal=nominal)
