"""Makes a result of the default experiments without measuring: the same for the same arguments.

Times follow a simple model of a machine (a cost for each call, a rate for the arithmetic) with a
little noise; losses come from really training on rows with the data's moments, so that whatever is
computed from them fits theory. Many tests use it as the fixture `make_result`.
"""

from __future__ import annotations

import functools
import importlib
import random
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml

from factories import measured
from report.analysis import leastsquares
from report.claims import verdicts
from report.config.configuration import Config
from report.config.plan import Plan, plan
from report.experiments.matmul import measure as matmul
from report.resources import default_config
from report.results.machine import Cache, Cpu, Machine
from report.results.result import Dataset, Record, Result, fingerprint
from report.run import data
from report.worker.records import AsPrinted, Environment, Outcome, Series

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.config.plan import PlannedExperiment
    from report.results.result import ProfileName, StoredPlan

RUN_ID = "6f0b5a1e-3c1d-4b7a-9e55-0d2f8c7a4b10"
STARTED_AT = "2026-01-02T03:04:05Z"
INSTALLATION = "c2a6e6d4-7f1b-4a53-8d0e-5b9a1f3e2c77"
PROCESSES = 3
THREADS = 2
DTYPES = ["float32", "float64", "bfloat16", "float16"]
RATES = {"float32": 90e9, "float64": 45e9, "bfloat16": 180e9, "float16": 30e9}
"""Floating point operations per second of one thread."""

IMPORT_S = {
    "pytorch": 0.9,
    "mxnet": 0.8,
    "tensorflow": 1.6,
    "jax": 0.4,
    "numpy": 0.05,
    "numba": 0.2,
}

SLOWNESS = {
    "pytorch": 1.0,
    "mxnet": 4.0,
    "tensorflow": 9.0,
    "jax": 0.5,
    "numpy": 0.2,
    "numba": 0.001,
}
"""How many times longer than the first a framework takes for a call or an update."""

FAILED = "it was ended by SIGKILL, most often because memory ran out"
SKIPPED = "the device was taken by another program"
STDERR = 'Fatal Python error: Aborted\n  File "<report>/report/backends/pytorch.py", line 1'


def make_result(
    machine_id: str = "fixed-machine",
    speed: float = 1.0,
    *,
    started_at: str = STARTED_AT,
    profile: ProfileName = "quick",
    frameworks: tuple[str, ...] = ("pytorch",),
) -> Result:
    """Make a complete result: three processes; one record failed, one skipped, one series too.

    Args:
        machine_id: Name of the machine; its noise depends on it.
        speed: How many times faster than the model machine it is.
        started_at: UTC, ISO 8601.
        profile: Of the default experiments; `full` measures larger matrices.
        frameworks: Those that are there; what only others measure is left out.
    """
    planned = _plan(profile, frameworks)
    record = functools.partial(_record, machine_id=machine_id, speed=speed, started_at=started_at)
    result = bare(
        run_id=str(uuid.uuid5(uuid.UUID(RUN_ID), f"{machine_id} {started_at} {profile}")),
        installation=INSTALLATION,
        git_commit="0123456789abcdef0123456789abcdef01234567",
        profile=profile,
        started_at=started_at,
        finished_at=f"{started_at[:10]}T23:59:59Z",
        config=planned.stored(),
        config_hash=planned.fingerprint(),
        machine=make_machine(machine_id),
        environments={name: make_environment(name) for name in frameworks},
        dataset=Dataset(
            source="file", origin="a local copy", sha1=data.SHA1, examples=1500, features=5
        ),
        records=[
            record(experiment, backend, process)
            for process in range(PROCESSES)
            for experiment in planned.experiments
            for backend in experiment.backends
        ],
    )
    result.verdicts = verdicts.of_result(result)
    return result


def bare(**fields: Any) -> Result:
    """Make a result of the data's moments and of nothing else that is not among the fields."""
    rows, config = data.surrogate(0), fields.get("config")
    given: dict[str, Any] = {
        "run_id": RUN_ID,
        "generator": "minibatch-report 0.0.0",
        "code_hash": "c0de" * 16,
        "git_commit": None,
        "profile": "quick",
        "started_at": STARTED_AT,
        "config": {},
        "config_hash": fingerprint(config) if config else "0" * 64,
        "machine": make_machine(),
        "environments": {},
        "moments": leastsquares.measure_moments(rows[:, :-1], rows[:, -1]),
        "records": [],
    }
    return Result(**{**given, **fields})


def each_outcome(
    result: Result, change: Callable[[Outcome, Record], Outcome], experiment: str | None = None
) -> Result:
    """Return a result with every outcome changed, or those of one experiment."""
    return replace(
        result,
        records=[
            replace(record, outcome=change(record.outcome, record))
            if record.outcome and experiment in (None, record.experiment)
            else record
            for record in result.records
        ],
    )


def only(result: Result, *names: str) -> Result:
    """Return a result with these experiments alone."""
    experiments = {name: result.config["experiments"][name] for name in names}
    config: StoredPlan = {**result.config, "experiments": experiments}
    return replace(
        result,
        config=config,
        config_hash=fingerprint(config),
        records=[record for record in result.records if record.experiment in names],
    )


def make_machine(machine_id: str = "fixed-machine") -> Machine:
    """Make a machine with two cores."""
    return Machine(
        id=machine_id,
        cpu=Cpu(
            model="Intel(R) Xeon(R) Processor",
            vendor="GenuineIntel",
            architecture="x86_64",
            physical_cores=THREADS,
            logical_cores=THREADS,
            affinity_cores=THREADS,
            quota_cores=None,
            simd=["AVX2", "AVX-512"],
            caches=[
                Cache(level=1, type="data", size_bytes=49_152, shared_by=1),
                Cache(level=2, type="unified", size_bytes=2_097_152, shared_by=1),
            ],
            frequency_hz=2.6e9,
            max_frequency_hz=None,
            governor=None,
        ),
        memory_bytes=24 * 2**30,
        accelerators=[],
        os="Linux 6.18",
        virtualization=None,
        sources={
            "cpu.model": "/proc/cpuinfo",
            "cpu.governor": "not readable: no cpufreq",
            "memory_bytes": "psutil.virtual_memory",
            "accelerators": "no installed framework sees one",
        },
    )


def make_environment(backend: str = "pytorch") -> Environment:
    """Make a framework that can use the CPU only."""
    return Environment(
        backend=backend,
        python="3.11.7",
        versions={"torch": "2.13.0+cpu"},
        blas="Intel MKL 2024.2",
        threads=THREADS,
        simd="AVX512",
        pools=["openmp: libgomp, 2 threads"],
        dtypes={"cpu": DTYPES},
        steering={"OMP_NUM_THREADS": "2"},
        places={"HOME": "<home>"},
        packages={"numpy": "2.3.1", "torch": "2.13.0+cpu"},
    )


@functools.cache
def _plan(profile: ProfileName, frameworks: tuple[str, ...]) -> Plan:
    config = Config.model_validate(yaml.safe_load(default_config()))
    planned = plan(config, profile)
    few = [
        replace(e, processes=PROCESSES, seeds=PROCESSES, backends=there)
        for e in planned.experiments
        if (there := [name for name in e.backends if name in frameworks])
    ]
    return replace(planned, experiments=few)


def _record(
    experiment: PlannedExperiment,
    backend: str,
    process: int,
    *,
    machine_id: str,
    speed: float,
    started_at: str,
) -> Record:
    first = backend == "pytorch"
    rng = random.Random(f"{machine_id} {experiment.name} {'' if first else backend}{process}")
    # A process is faster or slower as a whole, since its memory lies elsewhere.
    calls = experiment.kind in {"overhead", "training"}
    slowness = (SLOWNESS[backend] if calls else 1.0) * (1 + 0.04 * rng.random()) / speed
    record = Record(
        experiment=experiment.name,
        kind=experiment.kind,
        backend=backend,
        process=process,
        device="cpu",
        threads=THREADS,
        status="ok",
        import_s=IMPORT_S[backend] * slowness if experiment.name == "vectorization" else None,
        started_at=started_at,
        elapsed_s=experiment.budget_s / experiment.processes,
        conditions=measured.QUIET,
    )
    if (experiment.name, process) == ("concise", 2) and first:
        return replace(record, status="failed", reason=FAILED, stderr_tail=STDERR)
    if (experiment.name, process) == ("threads", 1) and first:
        return replace(record, status="skipped", reason=SKIPPED)
    if experiment.settings.get("device_only"):
        return replace(record, status="skipped", reason=matmul.ACCELERATOR_ONLY)
    return replace(record, outcome=_outcome(experiment, backend, process, slowness, rng))


def _outcome(
    experiment: PlannedExperiment, backend: str, process: int, slowness: float, rng: random.Random
) -> Outcome:
    """Make what an experiment measures in a process; each newer kind has a file that does so."""
    if experiment.kind == "matmul":
        return _products(experiment, process, slowness, rng)
    own = {"backend": backend} if experiment.kind in {"overhead", "training"} else {}
    made: Outcome = _factory(experiment.kind)(experiment, process, slowness, rng, **own)
    return made


@functools.cache
def _factory(kind: str) -> Any:
    return importlib.import_module(f"factories.{kind}").outcome


def _products(
    experiment: PlannedExperiment, _: int, slowness: float, rng: random.Random
) -> Outcome:
    points = list(matmul._points(experiment.settings, THREADS, has_tf32=False))
    largest = max(point.size for point in points)
    return Outcome(
        series=[
            Series(
                labels=point._asdict(),
                status="skipped",
                reason="one product would take about 9 s, more than a quarter of a budget, 1 s",
            )
            if (point.size, point.dtype) == (largest, "float16")
            else Series(
                labels=point._asdict(),
                flops=point.flops(),
                timing=measured.drawn(_product_s(point) * slowness, rng),
            )
            for point in points
        ],
        as_printed=[
            AsPrinted(strategy=strategy, elapsed_s=elapsed, gflops=0.03 / elapsed)
            for strategy in (matmul.PRINTED_ORDER if experiment.settings["as_printed"] else ())
            for elapsed in [_cold_s(strategy) * slowness]
        ],
    )


def _product_s(point: matmul.Point) -> float:
    """Return the seconds of a product: so much for each call, and the arithmetic."""
    n = point.size
    calls = {"element": n * n, "column": n, "row": n, "block": -(-n // (point.block_width or n))}
    rate: float = RATES[point.dtype] * point.threads**0.9 * n / (n + 64)
    return calls.get(point.strategy, 1) * 4e-6 + point.flops() / rate


def _cold_s(strategy: str) -> float:
    point = matmul.Point(
        strategy=strategy, size=256, dtype="float32", block_width=64, threads=THREADS, tf32=None
    )
    return 3 * _product_s(point)
