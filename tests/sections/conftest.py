"""A result with all that models draw on, made from plain formulas so that answers are known."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

import results_factory
from factories import measured, small_results
from report.sections.catalogue import SECTIONS
from report.worker.records import Series, Timing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from report.figures.figure import Figure
    from report.registry import KindName
    from report.results.result import Result
    from report.worker.records import Labels

PEAKS = {"float32": 320e9, "bfloat16": 1.9e12}
BANDWIDTHS = {2**14: 200e9, 2**16: 200e9, 2**18: 100e9, 2**20: 100e9, 2**28: 20e9}
ADD_S, UPDATE_S, EXAMPLE_S = 1e-6, 80e-6, 13e-9
UPDATES = [1, 10, 100, 1500]


@dataclass(frozen=True, kw_only=True)
class Model:
    """A machine as formulas.

    Attributes:
        noise: Times are up to so much longer, as a fraction.
        peaks: FLOP/s of a large product by dtype.
        bandwidths: Bytes per second by working set in bytes.
        triads: What a triad gets of them.
        leave_out: Kinds that were not measured.
        machine: Fields of the processor that differ from the factory's.
    """

    processes: int = 3
    noise: float = 0.02
    peaks: dict[str, float] = field(default_factory=lambda: dict(PEAKS))
    bandwidths: dict[int, float] = field(default_factory=lambda: dict(BANDWIDTHS))
    triads: float = 0.7
    fixed_s: float = UPDATE_S
    per_example_s: float = EXAMPLE_S
    leave_out: tuple[str, ...] = ()
    device: str = "cpu"
    machine: dict[str, Any] = field(default_factory=dict)
    backends: tuple[str, ...] = ("pytorch",)


@pytest.fixture(scope="session")
def result_of() -> Callable[..., Result]:
    """Return a function that makes a result of a `Model` with these fields."""

    def make(**fields: Any) -> Result:
        model = Model(**fields)
        machine = results_factory.make_machine()
        cpu = replace(machine.cpu, **model.machine)
        kinds: dict[str, tuple[KindName, Callable[[Model, int], Iterator[Series]]]] = {
            "products": ("matmul", _products),
            "memory": ("bandwidth", _streams),
            "steps": ("overhead", _steps),
        }
        records = []
        experiments = {}
        for name, (kind, series) in kinds.items():
            if kind in model.leave_out:
                continue
            device, backends = model.device, list(model.backends)
            experiments[name] = small_results.planned(
                name, kind, backends=backends, device=device, processes=model.processes
            )
            records += [
                small_results.record(name, k, *series(model, k), backend=backend, device=device)
                for backend in backends
                for k in range(model.processes)
            ]
        return small_results.result(
            records, experiments=experiments, machine=replace(machine, cpu=cpu), moments=None
        )

    return make


@pytest.fixture(scope="session")
def figures_of(result_of: Callable[..., Result]) -> Callable[..., list[Figure]]:
    """Return a function that draws a model of such a result, once for the same arguments."""
    drawn: dict[str, list[Figure]] = {}

    def draw(model: str, **fields: Any) -> list[Figure]:
        key = f"{model} {fields}"
        if key not in drawn:
            drawn[key] = SECTIONS[model].module.figures(result_of(**fields))
        return drawn[key]

    return draw


def _timing(seconds: float, model: Model, key: str) -> Timing:
    rng = random.Random(key)
    elapsed = [seconds * (1 + model.noise * rng.random()) for _ in range(9)]
    return measured.timing(elapsed)


def _products(model: Model, process: int) -> Iterator[Series]:
    pieces: list[tuple[str, int | None, float]] = [
        ("element", None, 256**2 * 9e-6),
        ("column", None, 256 * 12e-6),
        ("row", None, 256 * 9e-6),
        ("block", 64, 4 * 30e-6),
        ("full", None, 110e-6),
    ]
    for strategy, width, seconds in pieces:
        yield _product(model, process, (strategy, 256, "float32", width), seconds)
    for width in (1, 8, 32, 64, 128, 256):
        seconds = 256 / width * 8e-6 + 2 * 256**3 / 320e9
        yield _product(model, process, ("block", 256, "float32", width), seconds)
    for dtype, peak in model.peaks.items():
        for size in (64, 256, 1024, 4096):
            seconds = 2e-6 + 2 * size**3 / (peak * size / (size + 40))
            yield _product(model, process, ("full-out", size, dtype, None), seconds)


def _product(
    model: Model, process: int, what: tuple[str, int, str, int | None], seconds: float
) -> Series:
    names = ("strategy", "size", "dtype", "block_width")
    labels: Labels = dict(zip(names, what, strict=True))
    return Series(
        labels={**labels, "threads": 2, "tf32": None},
        flops=2 * what[1] ** 3,
        timing=_timing(seconds, model, f"{process} {what}"),
    )


def _streams(model: Model, process: int) -> Iterator[Series]:
    for working_set, bandwidth in model.bandwidths.items():
        for operation, share in (("read", 1.0), ("triad", model.triads)):
            moved = working_set - working_set % 12
            seconds, key = moved / bandwidth / share, f"{process} {operation} {working_set}"
            labels: Labels = {"operation": operation, "working_set_bytes": working_set}
            yield Series(
                labels={**labels, "stride": None, "order": None, "dtype": "float32", "threads": 2},
                flops=moved // 6 if operation == "triad" else None,
                bytes_moved=moved,
                timing=_timing(seconds, model, key),
            )


def _steps(model: Model, process: int) -> Iterator[Series]:
    def series(operation: str, size: int, variant: str, work: tuple[int, int], s: float) -> Series:
        return Series(
            labels={"operation": operation, "size": size, "variant": variant, "threads": 2},
            flops=work[0],
            bytes_moved=work[1],
            timing=_timing(s, model, f"{process} {operation} {size} {variant}"),
        )

    for size in (1, 256, 65_536):
        yield series("add", size, "eager", (size, 12 * size), ADD_S + size * 1e-10)
    for variant, extra in (("eager", 0.0), ("compiled", 40e-6)):
        for size in UPDATES:
            work = (30 * size + 13, 4 * (6 * size + 24))
            seconds = model.fixed_s + extra + size * model.per_example_s
            yield series("update", size, variant, work, seconds)
