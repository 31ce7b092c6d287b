"""Plan -> workers -> records, each on disk before the next starts.

One worker process is one replicate of a backend: it imports its framework once and goes through
that backend's experiments. The replicates of all backends run in shuffled order, one at a time.
"""

from __future__ import annotations

import contextlib
import random
import tempfile
import time
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter, ValidationError

from report import __version__
from report.analysis import leastsquares
from report.claims import verdicts
from report.environments.process import Worker, WorkerFailure
from report.errors import ResultError, UsageError
from report.experiments.catalogue import LABELS
from report.experiments.gradient.noise import points_of_seed
from report.experiments.training.measure import run_specs
from report.machine.machine import last_cache_bytes, usable_cores
from report.machine.noise import Watch
from report.registry import BACKENDS, METHOD, WITH_DATA
from report.results import limits, store
from report.results.result import Record, Result
from report.results.runs import hardware
from report.results.store import name_of
from report.run import allocation, data, host
from report.run.jobs import Job
from report.text.numerals import count
from report.worker.records import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from report.config.plan import Plan, PlannedExperiment
    from report.run.host import Host

ANSWER = limits.validator(TypeAdapter(Answer))

Start = Literal["resume", "fresh", "again"]


class Observer:
    """Is told how a run proceeds, and makes nothing of it."""

    def begin(self, jobs: Sequence[Job], result: Result) -> None:
        """These jobs are to be done, in this order; the result grows by their records."""

    def start(self, job: Job) -> None:
        """A job starts."""

    def pause(self) -> None:
        """No worker runs, and the next one starts when this returns: nothing is being timed."""

    def finish(self, job: Job, record: Record) -> None:
        """A job has ended; its record is on disk."""


@dataclass(kw_only=True)
class Run:
    """A run of a plan that can be interrupted and taken up again."""

    plan: Plan
    host: Host
    results: Path
    only: Sequence[str] = ()
    """Names of experiments; empty for all."""
    start: Start | None = None
    """Abandon a run that could be continued (fresh), start another where the newest is finished
    (again), or also do again what failed in a finished one (resume)."""
    checkout: Path = field(default_factory=Path)
    """Of the configuration: its git commit is noted, and a relative dataset.path starts there."""
    say: Callable[[str], None] = lambda _: None
    """Told in words about the data."""

    def __post_init__(self) -> None:
        """Check the devices: one that no framework reaches is refused before anything is begun."""
        self._experiments = self.plan.only(self.only)
        refused: dict[str, str] = {}
        reached = set()
        for experiment in self._experiments:
            for backend in experiment.backends:
                if self.host.environments[backend].status == "ok":
                    try:
                        self.host.device(backend, experiment.device)
                        reached.add(experiment.device)
                    except UsageError as error:
                        refused.setdefault(experiment.device, error.message)
        for device, why in refused.items():
            if device not in reached:
                raise UsageError(why)
        self.result = self._resumed() or self._new()
        if self.start == "again" and self.finished:
            self.result = self._new()

    @property
    def finished(self) -> bool:
        """Whether all that was asked for has been tried."""
        tried = {_key(record) for record in self.result.records}
        return all(job.key in tried for job in self._jobs())

    def pending(self) -> list[Job]:
        """Return the jobs that are still to be done, in the order of doing them.

        Those that failed are among them, unless that is all that there is: a run whose records are
        all there is finished.
        """
        if self.finished and self.start != "resume":
            return []
        done = {_key(record) for record in self.result.records if record.status != "failed"}
        return [job for job in self._jobs() if job.key not in done]

    def _jobs(self) -> list[Job]:
        has = {share.experiment for share in self.result.allocations}
        names = [e.name for e in self._experiments if e.name not in has]
        # Once, as soon as the first processes have run.
        if names and allocation.ready(self.result, names):
            self.result.allocations += allocation.allocate(self.result, names)
        shares = {
            (e.name, backend): self.result.allocation(e.name, backend)
            for e in self._experiments
            for backend in e.backends
        }
        rng = random.Random(self.plan.seed)
        jobs = []
        for process in range(max(share.processes for share in shares.values())):
            # Shuffled, so that no backend always comes first.
            backends = self.plan.backends()
            rng.shuffle(backends)
            for backend in backends:
                idle = self.host.environments[backend].status != "ok"
                for experiment in self._experiments:
                    share = shares.get((experiment.name, backend))
                    if share is not None and process < share.processes:
                        repeats = share.repeats if process >= allocation.FIRST else None
                        device = self._device(experiment, backend)
                        fast = device not in {"cpu", "none"}
                        jobs.append(Job(experiment, backend, process, idle, repeats, fast))
        return jobs

    def _device(self, experiment: PlannedExperiment, backend: str) -> str:
        """Return where a framework runs an experiment: "none" if it does not."""
        if self.host.environments[backend].status == "ok":
            with contextlib.suppress(UsageError):
                return self.host.device(backend, experiment.device)
        return "none"

    def execute(self, observer: Observer) -> Result:
        """Do all pending jobs and return the result, which is on disk as well.

        Raises:
            ResultError: The results folder cannot be written.
            DataError: The data set is there but wrong.
        """
        jobs = self.pending()
        observer.begin(jobs, self.result)
        with tempfile.TemporaryDirectory(prefix="minibatch-report-") as folder:
            bundle = self._prepare_data(jobs, Path(folder))
            # Before anything is measured: a folder that cannot be written must not cost minutes.
            store.save(self.result, self.results)
            first = [job for job in jobs if job.process < allocation.FIRST]
            self._do(first, bundle, observer)
            # What these leave open decides who gets how many more.
            tried = {job.key for job in first}
            further = [job for job in self.pending() if job.key not in tried]
            if further != jobs[len(first) :]:
                observer.begin(further, self.result)
            self._do(further, bundle, observer)
            planned_s = sum(job.budget_s for job in jobs)
            if repeated := self._disturbed(first + further, planned_s):
                noisy = count(len(repeated), "record")
                self.say(f"The machine was noisy during {noisy}; measuring again.")
                observer.begin(repeated, self.result)
                self._do(repeated, bundle, observer)
        self.result.verdicts = verdicts.of_result(self.result)
        store.save(self.result, self.results)
        return self.result

    def _disturbed(self, jobs: list[Job], planned_s: float) -> list[Job]:
        """Return those of the jobs to do again, as far as the time that jobs may take suffices."""
        done = {_key(record): record for record in self.result.records}
        records = [done[job.key] for job in jobs]
        left_s = planned_s - sum(record.measured_s or record.elapsed_s for record in records)
        again_keys = {_key(record) for record in allocation.disturbed(records)}
        # Other hosts do not know, and would not take part.
        alone = [job for job in jobs if job.experiment.settings.get("nodes", 1) == 1]
        noisy = [job for job in alone if job.key in again_keys]
        return [noisy[k] for k in allocation.affordable([job.budget_s for job in noisy], left_s)]

    def do(self, jobs: Sequence[Job], observer: Observer) -> None:
        """Do these jobs alone, in this order; each record is on disk before the next starts."""
        with tempfile.TemporaryDirectory(prefix="minibatch-report-") as folder:
            self._do(jobs, self._prepare_data(jobs, Path(folder)), observer)

    def _do(self, jobs: Sequence[Job], bundle: dict[str, Any] | None, observer: Observer) -> None:
        worker: Worker | None = None
        replicate: tuple[object, ...] | None = None
        with contextlib.ExitStack() as workers:
            for job in jobs:
                cold = worker is not None and worker.used and job.experiment.fresh
                if replicate != (now := self._replicate(job)) or cold:
                    workers.close()
                    worker, replicate = None, now
                    observer.pause()
                observer.start(job)
                record = self._not_begun(job)
                if record is None:
                    try:
                        own = self.host.variables.get(job.backend)
                        command = self.host.command(job.backend)
                        worker = worker or workers.enter_context(Worker(command, own))
                        record = self._measure(job, worker, bundle)
                    except WorkerFailure as failure:
                        record = self._record(job, status="failed", reason=failure.reason)
                if record.status == "failed":
                    workers.close()
                    worker = None
                self._keep(record)
                observer.finish(job, record)

    def _replicate(self, job: Job) -> tuple[object, ...]:
        """Return what jobs must have in common to be done by one worker."""
        keeps = BACKENDS[job.backend].keeps_threads
        threads = self._threads(job.experiment) if keeps else None
        # What anybody's code does to a process must be no other experiment's.
        alone = job.experiment.name if job.experiment.kind == "python" else None
        return (job.backend, job.process, threads, alone)

    def _not_begun(self, job: Job) -> Record | None:
        """Return the record of a job that need not even be begun; None if it is to be done.

        A framework that is not there is skipped; one that is there and does not start has failed.
        """
        backend = BACKENDS[job.backend]
        if job.experiment.kind not in backend.kinds:
            reason = f"with {backend.title}, only {', '.join(backend.kinds)} can be measured"
            return self._record(job, status="skipped", reason=reason)
        if job.idle:
            environment = self.host.environments[job.backend]
            reason = environment.reason or "no reason was given"
            return self._record(job, status=environment.status, reason=reason)
        try:
            self.host.device(job.backend, job.experiment.device)
        except UsageError as error:
            return self._record(job, status="skipped", reason=error.message, device="none")
        return None

    def _measure(self, job: Job, worker: Worker, bundle: dict[str, Any] | None) -> Record:
        """Let a worker do a job; it can go on unless that failed."""
        started_at, begun = _now(), time.monotonic()
        watch = Watch(worker.pid)
        fields: dict[str, Any] = {"status": "failed"}
        seen: dict[str, Any] = {}
        try:
            answer = worker.ask(self._request(job, bundle), job.experiment.timeout_s)
            if "skipped" in answer:
                return self._record(job, status="skipped", reason=str(answer["skipped"]))
            fields = {"status": "ok", **vars(ANSWER.validate_python(answer))}
            seen = {end: fields.pop(f"probes_{end}") for end in ("before", "after")}
            timings = (series.timing for series in fields["outcome"].series)
            seen["readings"] = [reading for one in timings if one for reading in one.board]
        except WorkerFailure as failure:
            fields |= {"reason": failure.reason, "stderr_tail": failure.stderr_tail}
        except ValidationError as error:
            fields["reason"] = f"its answer is not an outcome: {error.errors()[0]['msg']}"
        fields |= {"elapsed_s": time.monotonic() - begun, "conditions": watch.stop(**seen)}
        return self._record(job, started_at=started_at, **fields)

    def _request(self, job: Job, bundle: dict[str, Any] | None) -> dict[str, Any]:
        experiment = job.experiment
        device = self.host.device(job.backend, experiment.device)
        return {
            "do": "job",
            "backend": job.backend,
            "kind": experiment.kind,
            "device": device,
            "threads": self._threads(experiment),
            "settings": experiment.settings,
            "seed": self.plan.seed,
            "process": job.process,
            "processes": experiment.processes,
            "seeds": experiment.seeds,
            "budget_s": job.budget_s,
            "repeats": job.repeats or experiment.repeats,
            "bundle": bundle,
            "last_cache_bytes": last_cache_bytes(self.host.machine, device),
            "board": self.host.board(device),
            "source": self._source(experiment),
        }

    def _source(self, experiment: PlannedExperiment) -> str | None:
        """Return where the file of a person's own function lies."""
        function = experiment.settings.get("function")
        return function and str(self.checkout.resolve() / function.rpartition(":")[0])

    def _threads(self, experiment: PlannedExperiment) -> int:
        wanted = experiment.settings.get("threads", "auto")
        if isinstance(wanted, list) and len(wanted) == 1:
            (wanted,) = wanted
        return wanted if isinstance(wanted, int) else usable_cores(self.host.machine)

    def _record(self, job: Job, **fields: Any) -> Record:
        if "device" not in fields:
            fields["device"] = self._device(job.experiment, job.backend)
        return Record(
            experiment=job.experiment.name,
            kind=job.experiment.kind,
            backend=job.backend,
            process=job.process,
            threads=self._threads(job.experiment),
            **{"started_at": _now(), "elapsed_s": 0.0, **fields},
        )

    def _keep(self, record: Record) -> None:
        """Put a record on disk, in place of a failed one of the same job or of a noisier one."""
        others = [one for one in self.result.records if _key(one) != _key(record)]
        for earlier in self.result.records:
            if _key(earlier) == _key(record) and earlier.status == "ok":
                record = allocation.better(earlier, record)
        self.result.records = [*others, record]
        complete = len(self.result.records) >= self.result.wanted
        # A clock that was set back meanwhile must not end a run before it began.
        ended = max(_now(), self.result.started_at)
        self.result.finished_at = ended if complete else None
        try:
            store.save(self.result, self.results)
        except store.TooLargeError as error:
            failed = replace(record, status="failed", reason=error.message, outcome=None)
            self.result.records[-1] = failed
            store.save(self.result, self.results)

    def _prepare_data(self, jobs: Sequence[Job], folder: Path) -> dict[str, Any] | None:
        dealt = {share.experiment for share in self.result.allocations}
        wanted = {job.experiment.name for job in jobs}
        training = [
            one
            for one in self._experiments
            if one.kind in WITH_DATA
            # It may get more processes once the first have run.
            and (one.name in wanted or (jobs and one.name not in dealt))
        ]
        if not training:
            return None
        path = self.plan.dataset_path
        loaded = data.load(
            self.checkout / path if path else None,
            self.plan.examples,
            seed=self.plan.seed,
            say=self.say,
        )
        earlier, now = self.result.dataset, loaded.dataset
        # Not its origin: what was downloaded at first lies in the cache the next time.
        if earlier and (earlier.source, earlier.sha1) != (now.source, now.sha1):
            raise ResultError(
                f"The unfinished run used different data ({earlier.origin}); "
                "use --fresh to start over."
            )
        self.result.dataset = earlier or now
        moments = leastsquares.measure_moments(loaded.features, loaded.targets)
        self.result.moments = moments.rounded()
        specs = [spec for e in training for spec in run_specs(e.settings)]
        bundle: dict[str, Any] = data.write_bundle(
            folder,
            loaded,
            seed=self.plan.seed,
            seeds=max(experiment.seeds for experiment in training),
            epochs=max((spec["epochs"] for spec in specs), default=1),
            orders={(s.get("sampling", "permutation"), s.get("copies", 1)) for s in specs},
        )
        return bundle | {"points": points_of_seed(self.result.moments, self.plan.seed)}

    def _new(self) -> Result:
        new = Result(
            run_id=str(uuid.uuid4()),
            installation=host.installation(),
            generator=f"minibatch-report {__version__}",
            code_hash=host.measuring_code(),
            method=METHOD,
            git_commit=host.git_commit(self.checkout),
            profile=self.plan.profile,
            started_at=_now(),
            config=self.plan.stored(),
            config_hash=self.plan.fingerprint(),
            machine=self.host.machine,
            environments=self.host.environments,
        )
        # The file is named by the second, and must not take the place of another run's.
        while (path := self.results / name_of(new)).exists() or path.with_suffix("").exists():
            time.sleep(0.05)
            new.started_at = _now()
        newest = next(self._earlier(), None)
        if newest is not None and newest.order[0] > new.started_at:
            new.follows = newest.order[0]
        return new

    def _earlier(self) -> Iterator[Result]:
        return store.newest_first(self.results / self.host.machine.id, LABELS, now=_now())

    def _resumed(self) -> Result | None:
        """Return this installation's newest result of the same plan, code, machine and frameworks.

        Another's is another run, though it may name the same machine: nothing is added to it.
        """
        plan, code, own = self.plan.fingerprint(), host.measuring_code(), host.installation()
        wanted = (plan, code, own, self.host.environments)
        for result in self._earlier():
            of_code = (result.config_hash, result.code_hash, result.installation)
            same = (*of_code, result.environments) == wanted
            if not (same and hardware(result.machine) == hardware(self.host.machine)):
                continue
            if self.start == "fresh":
                if not result.records:
                    (self.results / name_of(result)).unlink(missing_ok=True)
                return None
            result.config = self.plan.stored()
            return result
        return None


def _key(record: Record) -> tuple[str, str, int]:
    """Return what tells a record from others; it is that of its job."""
    return (record.experiment, record.backend, record.process)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
