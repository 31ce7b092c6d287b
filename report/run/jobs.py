"""What a run is made of, and how long that will take: a job is an experiment in one process."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from report.experiments.training.kind import EXAMPLES
from report.experiments.training.measure import offered, refusal
from report.registry import BACKENDS
from report.run.allocation import FIRST, Pair

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from report.config.plan import PlannedExperiment
    from report.results.result import Record

# --- how long things take, for forecasts only: from the records of the committed runs

START_S = {"pytorch": 1.5, "mxnet": 1.2, "tensorflow": 2.5, "jax": 0.6, "numpy": 0.2, "numba": 0.5}
"""A worker's start and the import of its framework."""

AROUND_S = 0.4
"""Around what each job measures: probes of the machine, checks, its record on the disk."""

COMPILING_S = {("overhead", "pytorch"): 6.3, ("overhead", "jax"): 7.5, ("bandwidth", "numba"): 6}
"""What a process takes at least, however small its budget: there is much to compile."""

UPDATE_S = {"pytorch": 1.4e-4, "mxnet": 6.3e-4, "tensorflow": 1.5e-3, "jax": 1.7e-5}
"""A training update, with its part of loading and evaluating; 10 µs in the others."""

ELEMENT_S = 7e-6  # a dot product of a product by element
LAUNCH = 4.5  # by so much both take longer on an accelerator, which has to be asked for each
GROUP_S = 4.5  # the start of a group of processes

STEADY_S = 20.0  # until this much has been measured, the first jobs say little of the others


@dataclass(frozen=True)
class Job:
    """One experiment in one process of one backend."""

    experiment: PlannedExperiment
    backend: str
    process: int  # which of the replicates, from 0
    idle: bool = False  # the framework is not there or does not start; nothing will be done
    repeats: int | None = None  # the most samples of a series; as planned where nothing is said
    accelerated: bool = False  # it runs on an accelerator

    @property
    def budget_s(self) -> float:
        """Return this process's part of the experiment's budget, in seconds."""
        elsewhere = self.experiment.settings.get("device_only") and not self.accelerated
        nothing = self.idle or elsewhere
        return 0.0 if nothing else self.experiment.budget_s / self.experiment.processes

    @property
    def key(self) -> tuple[str, str, int]:
        """Return what tells it from other jobs."""
        return (*self.pair, self.process)

    @property
    def pair(self) -> Pair:
        """Return what it has in common with its replicates."""
        return (self.experiment.name, self.backend)

    @functools.cached_property
    def expected_s(self) -> float:
        """Return about how many seconds it will measure.

        That is its budget, if so little suffices: each training run is done once at least, and no
        more often than planned; a product by element is many calls; some things are compiled.
        """
        if not self.budget_s or self.experiment.kind not in BACKENDS[self.backend].kinds:
            return 0.0
        if self.experiment.kind == "training":
            round_s = self._round_s()
            timed_s = min(max(self.budget_s, round_s), self.experiment.repeats * round_s)
            return timed_s + self._weighing_s()
        if self.experiment.kind == "scaling":
            return self.budget_s + GROUP_S
        compiles = "compiled" in self.experiment.settings.get("variant", ["compiled"])
        compiling_s = COMPILING_S.get((self.experiment.kind, self.backend), 0.0)
        timed_s = max(self.budget_s, compiles * compiling_s, self._elements_s())
        return timed_s + self._weighing_s()

    def _weighing_s(self) -> float:
        """Return what counting energy takes on an accelerator; few CPUs let anybody read theirs."""
        settings = self.experiment.settings
        if not self.accelerated or not settings.get("energy_s"):
            return 0.0
        if self.experiment.kind == "training":
            return float(settings["energy_s"]) * len([*offered(BACKENDS[self.backend], settings)])
        swept = (settings[name] for name in ("strategy", "dtype", "block_width", "tf32"))
        return float(settings["energy_s"]) * math.prod(map(len, swept))

    def _elements_s(self) -> float:
        """Return what a product by element takes: warmed up, sampled, and as printed twice."""
        settings, backend = self.experiment.settings, BACKENDS[self.backend]
        if "element" not in settings.get("strategy", ()):
            return 0.0
        every: int = max(settings["size"]) ** 2
        calls = min(every, backend.sampled_elements or every)
        return (2 + self._printed()) * calls * ELEMENT_S * (LAUNCH if self.accelerated else 1)

    def _round_s(self) -> float:
        """Return what it takes to train each run with each seed of a process, and as printed."""
        backend = BACKENDS[self.backend]
        updates = sum(
            run.epochs
            * math.ceil(EXAMPLES * run.copies / run.batch_size)
            * (1 + self._printed() if run.variant == "eager" else 1)
            for run in offered(backend, self.experiment.settings)
            if not refusal(backend, run)
        )
        seeds = max(1.0, self.experiment.seeds / self.experiment.processes)
        each_s = UPDATE_S.get(self.backend, 1e-5) * (LAUNCH if self.accelerated else 1)
        return updates * seeds * each_s

    def _printed(self) -> int:
        """Return how often it is also done as the chapter's listing times it."""
        return 2 * self.experiment.cold(self.backend)


def planned(
    experiments: Sequence[PlannedExperiment],
    backends: Sequence[str],
    lacking: Collection[str] = (),
    *,
    accelerator: bool = False,
) -> list[Job]:
    """Return the jobs of a plan of which nothing more is known yet.

    Backends that are `lacking` will be skipped; an `accelerator` is used by whatever may use one.
    """
    most = max((one.processes for one in experiments), default=0)
    return [
        Job(
            one,
            backend,
            process,
            backend in lacking,
            accelerated=accelerator and one.device != "cpu",
        )
        for process in range(most)
        for backend in backends
        for one in experiments
        if backend in one.backends and process < one.processes
    ]


class Forecast:
    """The seconds that jobs will take, corrected by what those that are done have taken.

    The first processes of all experiments run as planned. The others share what is left of all
    budgets (`report.run.allocation`).
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        """Look at all jobs, in the order of doing them, before the first."""
        self._limit_s = math.fsum(job.budget_s + own for job, own in _own_s(jobs))
        self._taken: dict[Pair, list[float]] = {}
        self._expected_s = self._measured_s = 0.0

    def learn(self, job: Job, record: Record) -> None:
        """Take in what a job has taken."""
        taken_s = record.measured_s or record.elapsed_s
        self._limit_s -= record.elapsed_s + (0.0 if job.idle else AROUND_S)
        if record.status == "ok":
            self._taken.setdefault(job.pair, []).append(taken_s)
            self._expected_s += job.expected_s
            self._measured_s += taken_s

    def by_experiment(self, waiting: Sequence[Job]) -> dict[str, float]:
        """Return what each experiment will still take, workers' starts included."""
        each = [(job, self._job_s(job) + own) for job, own in _own_s(waiting)]
        first_s = math.fsum(seconds for job, seconds in each if job.process < FIRST)
        later_s = math.fsum(seconds for job, seconds in each if job.process >= FIRST)
        left_s = max(0.0, self._limit_s - first_s)
        share = min(1.0, left_s / later_s) if later_s else 1.0
        found: dict[str, float] = {}
        for job, seconds in each:
            own = seconds if job.process < FIRST else seconds * share
            found[job.experiment.name] = found.get(job.experiment.name, 0.0) + own
        return found

    def seconds(self, waiting: Sequence[Job]) -> float:
        """Return what all of them will still take."""
        return math.fsum(self.by_experiment(waiting).values())

    def _job_s(self, job: Job) -> float:
        if taken := self._taken.get(job.pair):
            return fmean(taken)
        slower = (self._measured_s + STEADY_S) / (self._expected_s + STEADY_S)
        return job.expected_s * slower


def _own_s(jobs: Sequence[Job]) -> Iterator[tuple[Job, float]]:
    """Yield jobs, each with what it takes beside measuring: the start of its worker, if it is new.

    An idle one takes nothing.
    """
    worker: tuple[str, int] | None = None
    for job in jobs:
        now = (job.backend, job.process)
        starts = worker != now or job.experiment.fresh
        start_s = START_S.get(job.backend, 1.0) if starts else 0.0
        worker = now
        yield job, 0.0 if job.idle else AROUND_S + start_s
