"""Runs: failures cost only themselves, nothing measured is lost, and what is there is not redone.

The workers are real processes that speak the real protocol and measure nothing; see
`fakeworker.py`.
"""

from __future__ import annotations

import gzip
import json
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from pydantic import ValidationError

from factories.measured import BUSY, QUIET
from processes import gone, start_program
from report.errors import DataError, ResultError, UsageError
from report.experiments.catalogue import LABELS
from report.machine.noise import Watch
from report.results import store
from report.results.result import Allocation, Dataset
from report.results.runs import by_machine
from report.run import allocation, data, host, runner
from report.worker.records import Environment

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

    from conftest import FakeWorker
    from report.config.plan import Plan
    from report.results.result import Record, Result
    from report.run.jobs import Job


class Diary(runner.Observer):
    """An observer that notes what it is told, and what lies on disk at that moment."""

    def __init__(self, results: Path | None = None) -> None:
        """Begin with nothing; results are the folder to look into as jobs start and end."""
        self._results = results
        self.planned: list[tuple[str, str, int]] = []
        self.started: list[tuple[str, str, int]] = []
        self.finished: list[tuple[str, str | None]] = []
        self.on_disk: list[int] = []

    def begin(self, jobs: Sequence[Job], result: Result) -> None:
        """Note what is to be done."""
        del result
        self.planned = [job.key for job in jobs]

    def start(self, job: Job) -> None:
        """Note a start."""
        self.started.append(job.key)
        self._look()

    def finish(self, job: Job, record: Record) -> None:
        """Note an end; the record is that of the job."""
        assert (record.experiment, record.backend, record.process) == job.key
        self.finished.append((record.status, record.reason))
        self._look()

    def _look(self) -> None:
        if self._results is not None:
            self.on_disk.append(len(only_result(self._results).records))


def only_result(results: Path) -> Result:
    """Return the one result of a folder, read from disk; nothing else lies there."""
    (path,) = [path for path in results.rglob("*") if path.is_file()]
    return store.load(path, LABELS)


def measured(worker: FakeWorker, experiments: dict[str, str], **fields: Any) -> Result:
    """Return the result of a run of a plan with these fields."""
    return worker.run(worker.plan(experiments, **fields)).execute(Diary())


def text_of(worker: FakeWorker) -> str:
    """Return what stands in the one file of the fake worker's runs."""
    (path,) = worker.results.rglob("*.json.gz")
    return gzip.decompress(path.read_bytes()).decode()


def statuses(result: Result) -> dict[str, str]:
    """Return each experiment's status, which is the same in all of its processes."""
    found: dict[str, str] = {}
    for record in result.records:
        assert found.setdefault(record.experiment, record.status) == record.status
    return found


def keys(jobs: Sequence[dict[str, Any]]) -> list[tuple[int, int]]:
    """Return the size and process of jobs that a fake worker noted."""
    return [(job["size"], job["process"]) for job in jobs]


def test_records_of_a_good_run_are_complete(fake_worker: FakeWorker) -> None:
    """Every experiment has a record of every process, and the file says that all is done."""
    plan = fake_worker.plan({"first": "answer", "second": "answer"}, processes=2)
    diary = Diary()
    result = fake_worker.run(plan).execute(diary)
    assert diary.started == diary.planned
    assert [(r.experiment, r.process, r.status) for r in result.records] == [
        (name, process, "ok") for process in range(2) for name in ("first", "second")
    ]
    for record in result.records:
        assert record.outcome is not None
        assert record.outcome.series[0].labels["threads"] == record.process + 1
        assert record.measured_s is not None
        assert record.conditions is not None
    assert result.finished_at is not None
    assert only_result(fake_worker.results) == result


def test_worker_is_told_what_the_plan_says(fake_worker: FakeWorker) -> None:
    """Settings, seed, process, its part of the budget: a worker knows nothing else."""
    measured(fake_worker, {"first": "answer"}, processes=2, budget_s=3.0, seed=77)
    told = fake_worker.jobs()[1]
    where = {"backend": "pytorch", "kind": "matmul", "device": "cpu", "threads": 2}
    what = {"settings": {"size": [8], "as_printed": False}, "seeds": 1, "bundle": None}
    part = {"seed": 77, "process": 1, "processes": 2, "budget_s": 1.5, "repeats": 3}
    assert (where | what | part).items() <= told.items()


def with_threads(plan: Plan, *threads: Any) -> Plan:
    """Let each of a plan's experiments have these threads."""
    experiments = [
        replace(one, settings=one.settings | {"threads": wanted})
        for one, wanted in zip(plan.experiments, threads, strict=True)
    ]
    return replace(plan, experiments=experiments)


def test_worker_starts_with_the_threads_that_its_experiment_has(fake_worker: FakeWorker) -> None:
    """One number, alone or in a list; where several are swept, all usable cores."""
    plan = fake_worker.plan(dict.fromkeys(("one", "listed", "swept", "every"), "answer"))
    result = fake_worker.run(with_threads(plan, 1, [1], [1, 2], ["each"])).execute(Diary())
    assert [job["threads"] for job in fake_worker.jobs()] == [1, 1, 2, 2]
    assert [record.threads for record in result.records] == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("backend", "workers"), [("tensorflow", [0, 0, 1]), ("pytorch", [0, 0, 0])]
)
def test_framework_that_keeps_its_threads_gets_a_worker_for_each_number(
    fake_worker: FakeWorker, backend: str, workers: list[int]
) -> None:
    """Its first operation starts them for good; others can change them as they go."""
    plan = fake_worker.plan(dict.fromkeys(("a", "b", "c"), "answer"), backends=[backend])
    fake_worker.run(with_threads(plan, [2], 2, [1])).execute(Diary())
    pids = [job["pid"] for job in fake_worker.jobs()]
    assert [list(dict.fromkeys(pids)).index(pid) for pid in pids] == workers


NO_OUTCOME = ("no outcome", "nothing", "no time", "wrong shape")
FAILURES = {
    "crash": "it was ended by SIGSEGV",
    "leave a child": "it was ended by SIGABRT",
    "fail": "out of memory",
    "garbage": "its answer could not be read",
    **dict.fromkeys([*NO_OUTCOME, "stranger's key"], "its answer is not an outcome: "),
    **dict.fromkeys(["not a number", "infinity"], "its answer has an invalid number: "),
}
"""How else a worker can end is told where processes are tested."""


@pytest.mark.parametrize(("behaviour", "reason"), FAILURES.items(), ids=FAILURES.keys())
def test_failed_experiment_leaves_the_others_on_disk(
    fake_worker: FakeWorker, behaviour: str, reason: str
) -> None:
    """It is recorded with its reason; those before and after it in the same replicate are ok."""
    result = measured(fake_worker, {"before": "answer", "bad": behaviour, "after": "answer"})
    assert statuses(result) == {"before": "ok", "bad": "failed", "after": "ok"}
    bad = result.of("bad")[0]
    assert str(bad.reason).startswith(reason)
    assert bad.outcome is None
    assert only_result(fake_worker.results) == result


def test_hanging_experiment_is_given_up_after_its_own_limit(fake_worker: FakeWorker) -> None:
    """The limit is the experiment's, its output is kept, and the next one has a new process."""
    plan = fake_worker.plan({"before": "answer", "bad": "hang", "after": "answer"}, timeout_s=1)
    result = fake_worker.run(plan).execute(Diary())
    assert statuses(result) == {"before": "ok", "bad": "failed", "after": "ok"}
    bad = result.of("bad")[0]
    assert (bad.reason, bad.stderr_tail) == ("no answer within 1 s", "waiting for a device")
    before, hanging, after = fake_worker.jobs()
    assert before["pid"] == hanging["pid"] != after["pid"]
    assert not psutil.pid_exists(hanging["pid"])


def test_failure_is_repeated_in_every_process(fake_worker: FakeWorker) -> None:
    """A crash in the first replicate does not spare the second, nor end it."""
    result = measured(fake_worker, {"bad": "be killed", "good": "answer"}, processes=3)
    assert statuses(result) == {"bad": "failed", "good": "ok"}
    assert [len(result.of(name)) for name in ("bad", "good")] == [3, 3]


def test_record_of_a_failure_keeps_the_end_of_the_output(fake_worker: FakeWorker) -> None:
    """What a crash printed is in the file, without the names of folders."""
    fake_worker.tell(f"{Path.home()}/thesis/draft.py")
    result = measured(fake_worker, {"bad": "crash"})
    assert 'fakeworker.py", line 7 in products' in str(result.records[0].stderr_tail)
    text = text_of(fake_worker)
    assert "thesis" not in text
    assert str(fake_worker.folder) not in text


def test_nothing_is_timed_while_an_observer_pauses_a_run(fake_worker: FakeWorker) -> None:
    """Every worker starts after a pause, in which no other is left, and no job is under way."""
    plan = fake_worker.plan({"first": "answer", "cold": "answer"}, processes=2, cold=["cold"])
    diary = Diary()

    def pause() -> None:
        assert len(diary.started) == len(diary.finished)
        noted = fake_worker.jobs()
        assert all(gone(job["pid"]) for job in noted)
        pauses.append(len(noted))

    pauses: list[int] = []
    diary.pause = pause  # type: ignore[method-assign]
    fake_worker.run(plan).execute(diary)
    assert pauses == [0, 1, 2, 3]
    assert len({job["pid"] for job in fake_worker.jobs()}) == 4


def test_each_record_is_on_disk_before_the_next_starts(fake_worker: FakeWorker) -> None:
    """Seen from the parent and from inside the worker: a late failure loses nothing."""
    plan = fake_worker.plan({"first": "answer", "second": "crash", "third": "answer"}, processes=2)
    diary = Diary(fake_worker.results)
    fake_worker.run(plan).execute(diary)
    assert diary.on_disk == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6]
    assert [job["records"] for job in fake_worker.jobs()] == [[n] for n in range(6)]


def test_one_process_goes_through_a_replicate(fake_worker: FakeWorker) -> None:
    """A framework is imported once for all experiments of a replicate, and anew for the next."""
    measured(fake_worker, {"first": "answer", "second": "answer"}, processes=2)
    first, second, third, fourth = (job["pid"] for job in fake_worker.jobs())
    assert first == second != third == fourth


def test_cold_experiment_has_a_process_that_did_nothing_before(fake_worker: FakeWorker) -> None:
    """What is timed as printed must not find a warm library."""
    plan = fake_worker.plan(
        {"first": "answer", "cold": "answer", "last": "answer"}, cold=["cold"], processes=2
    )
    fake_worker.run(plan).execute(Diary())
    jobs = [(job["size"], job["jobs"]) for job in fake_worker.jobs()]
    assert jobs == [(8, 1), (9, 1), (10, 2)] * 2


def test_backends_take_turns_in_an_order_that_the_seed_decides(fake_worker: FakeWorker) -> None:
    """No framework always comes first, and the same plan gives the same order again."""
    orders: dict[int, list[tuple[str, int]]] = {}
    for seed in (1, 2, 1):
        plan = fake_worker.plan(
            {"first": "answer"}, processes=8, seed=seed, backends=["pytorch", "numpy"]
        )
        order = [(j.backend, j.process) for j in fake_worker.run(plan).pending()]
        assert orders.setdefault(seed, order) == order
        assert [process for _, process in order] == [n // 2 for n in range(16)]
        assert {backend for backend, _ in order[::2]} == {"pytorch", "numpy"}
        for process in range(8):
            assert {b for b, p in order if p == process} == {"pytorch", "numpy"}
    assert orders[1] != orders[2]


def test_backends_run_in_processes_of_their_own(fake_worker: FakeWorker) -> None:
    """Two frameworks never share a process, and each record says whose it is."""
    plan = fake_worker.plan({"first": "answer", "second": "answer"}, backends=["pytorch", "numpy"])
    result = fake_worker.run(plan).execute(Diary())
    owners = {(job["backend"], job["pid"]) for job in fake_worker.jobs()}
    assert len(owners) == len({pid for _, pid in owners}) == 2
    assert sorted(r.backend for r in result.records) == ["numpy", "numpy", "pytorch", "pytorch"]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [("leave", "it ended by itself with code 3"), ("hang", "no answer within 1 s")],
)
def test_framework_that_fails_leaves_the_records_of_the_others(
    fake_worker: FakeWorker, behaviour: str, reason: str
) -> None:
    """The same experiment in another framework is measured, and so is the rest in its own."""
    plan = fake_worker.plan(
        {"first": "answer", "second": "answer"},
        processes=2,
        backends=["pytorch", "numba"],
        timeout_s=1.0 if behaviour == "hang" else 30.0,
    )
    fake_worker.behave({"numba 8": behaviour})
    result = fake_worker.run(plan).execute(Diary())
    found = {(r.experiment, r.backend, r.process): (r.status, r.reason) for r in result.records}
    failed = {("first", "numba", process) for process in range(2)}
    assert {key for key, (status, _) in found.items() if status == "failed"} == failed
    assert {found[key][1] for key in failed} == {reason}
    assert len(found) == 8
    assert only_result(fake_worker.results) == result


def test_an_answer_full_of_faults_is_told_by_the_first_ones() -> None:
    """To collect them all would take many times the memory of the answer."""
    with pytest.raises(ValidationError) as refused:
        runner.ANSWER.validate_python({"outcome": {"series": ["x"] * 10_000}})
    assert refused.value.error_count() < 20


def test_each_framework_is_measured_by_its_own_interpreter(
    fake_worker: FakeWorker, tmp_path: Path
) -> None:
    """Of which the result says nothing: it holds no paths."""
    another = tmp_path / "another-python"
    another.symlink_to(sys.executable)
    plan = fake_worker.plan({"first": "answer"}, backends=["pytorch", "numba"])
    interpreters = {"numba": str(another)}
    host = replace(fake_worker.host("pytorch", "numba"), interpreters=interpreters)
    fake_worker.run(plan, host=host).execute(Diary())
    assert {job["backend"]: job["python"] for job in fake_worker.jobs()} == {
        "pytorch": sys.executable,
        "numba": str(another),
    }
    assert "another-python" not in text_of(fake_worker)


def test_interpreter_that_vanishes_in_the_middle_fails_its_own_records_only(
    fake_worker: FakeWorker, tmp_path: Path
) -> None:
    """Somebody removes an environment while it is measured; the run goes on without it."""
    plan = fake_worker.plan({"first": "answer"}, processes=2, backends=["pytorch", "numba"])
    interpreters = {"numba": str(tmp_path / "gone")}
    host = replace(fake_worker.host("pytorch", "numba"), interpreters=interpreters)
    result = fake_worker.run(plan, host=host).execute(Diary())
    assert {(r.backend, r.status, r.reason) for r in result.records} == {
        ("pytorch", "ok", None),
        ("numba", "failed", "the system cannot run it: No such file or directory"),
    }


def test_missing_framework_is_skipped_with_the_reason(fake_worker: FakeWorker) -> None:
    """Without one of two frameworks the other is measured, and the file says what to install."""
    plan = fake_worker.plan({"first": "answer"}, backends=["pytorch", "numba"])
    host = fake_worker.host("pytorch")
    missing = Environment(backend="numba", status="skipped", reason="not installed: pip install it")
    host = replace(host, environments={**host.environments, "numba": missing})
    result = fake_worker.run(plan, host=host).execute(Diary())
    assert {(r.backend, r.status, r.reason, r.device) for r in result.records} == {
        ("pytorch", "ok", None, "cpu"),
        ("numba", "skipped", "not installed: pip install it", "none"),
    }
    assert [job["backend"] for job in fake_worker.jobs()] == ["pytorch"]


def test_what_a_framework_cannot_do_at_all_is_skipped_and_it_goes_on(
    fake_worker: FakeWorker,
) -> None:
    """Such as another number of threads: no failure, and the same process does the next."""
    result = measured(fake_worker, {"first": "skip", "second": "answer"})
    told = [(record.status, record.reason) for record in result.records]
    assert told == [("skipped", "there are 2 threads, not 3"), ("ok", None)]
    assert len({job["pid"] for job in fake_worker.jobs()}) == 1


def test_kind_that_a_framework_does_not_offer_is_skipped_unasked(fake_worker: FakeWorker) -> None:
    """The registry knows; no worker is started to find out."""
    plan = fake_worker.plan({"first": "answer"}, backends=["numpy"])
    (planned,) = plan.experiments
    plan = replace(plan, experiments=[replace(planned, kind="bandwidth")])
    (record,) = fake_worker.run(plan).execute(Diary()).records
    assert record.status == "skipped"
    assert record.reason == "with NumPy, only matmul, overhead, training, python can be measured"
    assert fake_worker.jobs() == []


def noisy_at_first(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let other programs keep two cores busy while the first so many jobs are done."""
    seen = iter([BUSY] * times)
    monkeypatch.setattr(Watch, "stop", lambda *_, **__: next(seen, QUIET))


def test_what_was_measured_on_a_noisy_machine_is_measured_once_more(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end, in a new process, and only that; its record says so and takes the first's place.

    Nor is it measured a third time when the run is taken up again.
    """
    noisy_at_first(monkeypatch, 1)
    plan = fake_worker.plan({"first": "answer", "second": "answer"}, processes=2)
    diary = Diary()
    result = fake_worker.run(plan).execute(diary)
    assert keys(fake_worker.jobs()) == [(8, 0), (9, 0), (8, 1), (9, 1), (8, 0)]
    assert len({job["pid"] for job in fake_worker.jobs()}) == 3
    assert diary.planned == [("first", "pytorch", 0)]
    attempts = {(one.experiment, one.process): one.attempts for one in result.records}
    assert attempts == {("first", 0): 2, ("first", 1): 1, ("second", 0): 1, ("second", 1): 1}
    assert all(one.conditions == QUIET for one in result.records)
    assert only_result(fake_worker.results) == result
    fake_worker.run(plan).execute(Diary())
    assert len(fake_worker.jobs()) == 5


def test_measuring_again_ends_with_the_time_of_the_experiments(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that is always noisy does not double the length of a run."""
    noisy_at_first(monkeypatch, 99)
    plan = fake_worker.plan({"first": "answer", "second": "answer"}, budget_s=0.015)
    assert len(fake_worker.run(plan).execute(Diary()).records) == 2
    assert len(fake_worker.jobs()) == 2  # each reports to have measured for 0.01 s: 0.01 s is left


def test_second_run_has_nothing_to_do(fake_worker: FakeWorker) -> None:
    """The same command again measures nothing and leaves the file as it is."""
    plan = fake_worker.plan({"first": "answer"}, processes=2)
    fake_worker.run(plan).execute(Diary())
    path = next(fake_worker.results.rglob("*.json.gz"))
    content = path.read_bytes()
    diary = Diary()
    fake_worker.run(plan).execute(diary)
    assert diary.planned == []
    assert len(fake_worker.jobs()) == 2
    assert path.read_bytes() == content


def test_failed_records_are_tried_again_and_replaced(fake_worker: FakeWorker) -> None:
    """What failed may have had a passing cause; what was measured is not measured again.

    In a finished run that is done only where it is asked for.
    """
    measured(fake_worker, {"first": "answer", "bad": "crash"}, processes=2)
    again = fake_worker.plan({"first": "answer", "bad": "answer"}, processes=2)
    before = len(fake_worker.jobs())
    assert fake_worker.run(again).pending() == []
    result = fake_worker.run(again, start="resume").execute(Diary())
    assert keys(fake_worker.jobs()[before:]) == [(9, 0), (9, 1)]
    assert statuses(result) == {"first": "ok", "bad": "ok"}
    assert only_result(fake_worker.results) == result


def test_only_then_all_completes_the_same_file(fake_worker: FakeWorker) -> None:
    """A run of one experiment is a part of the whole run; unfinished until the rest is there."""
    plan = fake_worker.plan({"first": "answer", "second": "answer", "third": "answer"}, processes=2)
    part = fake_worker.run(plan, only=["second"]).execute(Diary())
    assert statuses(part) == {"second": "ok"}
    assert part.finished_at is None
    whole = fake_worker.run(plan).execute(Diary())
    assert statuses(whole) == {"first": "ok", "second": "ok", "third": "ok"}
    assert whole.finished_at is not None
    assert whole.started_at == part.started_at
    assert keys(fake_worker.jobs()) == [(9, 0), (9, 1), (8, 0), (10, 0), (8, 1), (10, 1)]
    assert only_result(fake_worker.results) == whole


def files_after(fake_worker: FakeWorker, **second: Any) -> int:
    """Return how many result files there are after one run, then another that differs."""
    plan = fake_worker.plan({"first": "answer"})
    fake_worker.run(plan).execute(Diary())
    fields = {"plan": plan, **second}
    fake_worker.run(fields.pop("plan"), **fields).execute(Diary())
    return len(list(fake_worker.results.rglob("*.json.gz")))


@pytest.mark.parametrize("change", [{"seed": 2}, {"budget_s": 2.0}, {"processes": 2}])
def test_other_settings_begin_another_file(fake_worker: FakeWorker, change: dict[str, Any]) -> None:
    """Records of different plans are never mixed, also if both began in the same second."""
    assert files_after(fake_worker, plan=fake_worker.plan({"first": "answer"}, **change)) == 2


def test_resumed_run_keeps_its_id_and_a_new_one_draws_another(fake_worker: FakeWorker) -> None:
    """Each run has an id of its own; the installation that made them is the same."""
    plan = fake_worker.plan({"first": "answer", "second": "answer"})
    part = fake_worker.run(plan, only=["second"]).execute(Diary())
    whole = fake_worker.run(plan).execute(Diary())
    other = fake_worker.run(plan, start="fresh").execute(Diary())
    assert part.run_id == whole.run_id != other.run_id
    assert part.installation == other.installation is not None


OTHERS = {"versions": {"torch": "9.9"}, "steering": {"MKL_CBWR": "COMPATIBLE"}, "packages": {}}


@pytest.mark.parametrize("change", OTHERS)
def test_other_surroundings_of_a_framework_begin_another_file(
    fake_worker: FakeWorker, change: str
) -> None:
    """Numbers of another version, under another variable or beside another package are others."""
    host = fake_worker.host()
    changed: dict[str, Any] = {change: OTHERS[change]}
    other = replace(host.environments["pytorch"], **changed)
    assert files_after(fake_worker, host=replace(host, environments={"pytorch": other})) == 2


def test_unpacked_file_of_an_unfinished_run_is_taken_up(fake_worker: FakeWorker) -> None:
    """And written packed from then on, without taking the place of what a person unpacked."""
    plan = fake_worker.plan({"first": "answer", "second": "answer"})
    part = fake_worker.run(plan, only=["first"]).execute(Diary())
    (path,) = fake_worker.results.rglob("*.json.gz")
    path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
    path.unlink()
    whole = fake_worker.run(plan).execute(Diary())
    assert (whole.run_id, statuses(whole)) == (part.run_id, {"first": "ok", "second": "ok"})
    assert [one.result for one in store.read_all(fake_worker.results, LABELS)[0]] == [whole]
    assert keys(fake_worker.jobs()) == [(8, 0), (9, 0)]


def test_fresh_begins_another_file(fake_worker: FakeWorker) -> None:
    """--fresh measures all anew and keeps what was measured before, even a second ago."""
    assert files_after(fake_worker, start="fresh") == 2
    assert keys(fake_worker.jobs()) == [(8, 0), (8, 0)]


def test_other_machine_has_a_folder_of_its_own(fake_worker: FakeWorker) -> None:
    """Two machines that share a results folder do not continue each other's runs."""
    host = fake_worker.host()
    other = replace(host, machine=replace(host.machine, id="another"))
    assert files_after(fake_worker, host=other) == 2
    folders = {path.parent.name for path in fake_worker.results.rglob("*.json.gz")}
    assert folders == {"fixed-machine", "another"}


OTHER_HARDWARE: dict[str, Any] = {"memory_bytes": 8 * 2**30, "virtualization": "another"}
OTHER_CPU: dict[str, Any] = {"model": "Another", "affinity_cores": 1, "quota_cores": 0.5}


@pytest.mark.parametrize("fact", [*OTHER_HARDWARE, *OTHER_CPU])
def test_other_hardware_of_the_same_name_begins_another_file(
    fake_worker: FakeWorker, fact: str
) -> None:
    """Whoever names machines by hand may give two the name of one."""
    host = fake_worker.host()
    if fact in OTHER_HARDWARE:
        machine = replace(host.machine, **{fact: OTHER_HARDWARE[fact]})
    else:
        machine = replace(host.machine, cpu=replace(host.machine.cpu, **{fact: OTHER_CPU[fact]}))
    assert files_after(fake_worker, host=replace(host, machine=machine)) == 2


def test_other_clock_continues_the_same_file(fake_worker: FakeWorker) -> None:
    """What a machine runs at in a moment does not make it another."""
    host = fake_worker.host()
    faster = replace(host.machine, cpu=replace(host.machine.cpu, frequency_hz=1.0), os="Newer")
    assert files_after(fake_worker, host=replace(host, machine=faster)) == 1


def test_abandoned_run_without_records_leaves_no_file(fake_worker: FakeWorker) -> None:
    """What was begun and measured nothing is of no use to anybody."""
    plan = fake_worker.plan({"first": "answer"})
    empty = fake_worker.run(plan).result
    store.save(empty, fake_worker.results)
    fake_worker.run(plan, start="fresh").execute(Diary())
    assert only_result(fake_worker.results).run_id != empty.run_id


@pytest.fixture(name="dealt")
def fixed_allocation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first of two experiments get five processes, and the second stop at three."""

    def allocate(_: Result, names: Sequence[str]) -> list[Allocation]:
        return [
            Allocation(
                experiment=name,
                backend="pytorch",
                processes=5 if name == "first" else 3,
                repeats=7 if name == "first" else None,
                open=["a-claim"] if name == "first" else [],
            )
            for name in names
        ]

    monkeypatch.setattr(allocation, "allocate", allocate)


FIRST_STAGE = [(size, process) for process in range(3) for size in (8, 9)]


@pytest.mark.usefixtures("dealt")
def test_processes_after_the_first_go_where_they_were_dealt(fake_worker: FakeWorker) -> None:
    """The file says who got how many; it is finished when these are there."""
    plan = fake_worker.plan({"first": "answer", "second": "answer"}, processes=4)
    diary = Diary()
    result = fake_worker.run(plan).execute(diary)
    assert keys(fake_worker.jobs()) == [*FIRST_STAGE, (8, 3), (8, 4)]
    assert [job["repeats"] for job in fake_worker.jobs()] == [3] * 6 + [7] * 2
    assert diary.planned == [("first", "pytorch", 3), ("first", "pytorch", 4)]
    assert result.finished_at is not None
    assert {a.experiment: a.processes for a in result.allocations} == {"first": 5, "second": 3}
    assert only_result(fake_worker.results) == result
    assert fake_worker.run(plan).pending() == []


@pytest.mark.usefixtures("dealt")
def test_interrupted_run_goes_on_as_it_was_dealt(fake_worker: FakeWorker) -> None:
    """Wherever it ended: before the first had all run, or once the rest was dealt out."""
    plan = fake_worker.plan({"first": "answer", "second": "answer"}, processes=4)

    class Interrupting(Diary):
        def start(self, job: Job) -> None:
            super().start(job)
            if len(self.started) == 4:
                raise KeyboardInterrupt

    for done in (3, 6):
        with pytest.raises(KeyboardInterrupt):
            fake_worker.run(plan).execute(Interrupting())
        assert len(only_result(fake_worker.results).records) == done
    kept = only_result(fake_worker.results)
    whole = fake_worker.run(plan).execute(Diary())
    assert keys(fake_worker.jobs()) == [*FIRST_STAGE, (8, 3), (8, 4)]
    assert whole.records[:6] == kept.records
    assert whole.finished_at is not None


@pytest.mark.usefixtures("dealt")
def test_failure_of_a_first_process_is_not_tried_again_at_once(fake_worker: FakeWorker) -> None:
    """Nor does it hold up what comes after the first."""
    plan = fake_worker.plan({"first": "answer", "second": "crash"}, processes=4)
    fake_worker.run(plan).execute(Diary())
    assert keys(fake_worker.jobs()) == [*FIRST_STAGE, (8, 3), (8, 4)]


def test_other_measuring_code_begins_another_file(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the code that measures has changed, its numbers are others."""
    plan = fake_worker.plan({"first": "answer"})
    fake_worker.run(plan).execute(Diary())
    monkeypatch.setattr(host, "measuring_code", lambda: "another")
    fake_worker.run(plan).execute(Diary())
    assert len(list(fake_worker.results.rglob("*.json.gz"))) == 2


def test_other_title_continues_the_same_file(fake_worker: FakeWorker) -> None:
    """A better title costs no new measurement, and the file takes it over."""
    plan = fake_worker.plan({"first": "answer"})
    fake_worker.run(plan).execute(Diary())
    fake_worker.run(replace(plan, title="Better")).execute(Diary())
    assert only_result(fake_worker.results).config["title"] == "Better"
    assert len(fake_worker.jobs()) == 1


def test_newest_of_several_runs_is_continued(fake_worker: FakeWorker) -> None:
    """Of two unfinished runs of the same plan, the later one is taken up."""
    plan = fake_worker.plan({"first": "answer", "second": "answer"})
    fake_worker.run(plan, only=["first"]).execute(Diary())
    newer = fake_worker.run(plan, only=["second"], start="fresh").execute(Diary())
    continued = fake_worker.run(plan).execute(Diary())
    assert continued.started_at == newer.started_at
    assert keys(fake_worker.jobs()) == [(8, 0), (9, 0), (8, 0)]


def test_unreadable_result_is_left_alone(fake_worker: FakeWorker) -> None:
    """A file that was cut short neither stops a new run nor is written over."""
    spoiled = fake_worker.results / "fixed-machine" / "99990101T000000Z-quick.json.gz"
    spoiled.parent.mkdir(parents=True)
    spoiled.write_text('{"version": 1, "gen')
    result = measured(fake_worker, {"first": "answer"})
    assert statuses(result) == {"first": "ok"}
    assert spoiled.read_text() == '{"version": 1, "gen'


def test_file_in_place_of_the_results_folder_stops_before_measuring(
    fake_worker: FakeWorker,
) -> None:
    """Minutes of measuring are not spent on numbers that cannot be kept."""
    fake_worker.results.write_text("a file")
    run = fake_worker.run(fake_worker.plan({"first": "answer"}))
    with pytest.raises(ResultError, match=r"Results cannot be written to .*results: "):
        run.execute(Diary())
    assert fake_worker.jobs() == []


def test_missing_device_stops_a_run_before_anything_is_written(fake_worker: FakeWorker) -> None:
    """The mistake shows at once, also where only the last experiment asks for the device."""
    plan = fake_worker.plan({"first": "answer", "last": "answer"})
    last = replace(plan.experiments[1], device="cuda")
    with pytest.raises(UsageError, match="Device 'cuda' is not available"):
        fake_worker.run(replace(plan, experiments=[plan.experiments[0], last]))
    assert fake_worker.jobs() == []
    assert not fake_worker.results.exists()


def training_plan(fake_worker: FakeWorker, names: Sequence[str]) -> Any:
    """Return a plan of training experiments that the fake worker answers."""
    plan = fake_worker.plan(dict.fromkeys(names, "answer"))
    runs = {"runs": [{"epochs": 3}]}
    experiments = [
        replace(one, kind="training", seeds=2, settings=one.settings | runs)
        for one in plan.experiments
    ]
    return replace(plan, experiments=experiments)


@pytest.fixture(name="loads")
def loads_of_data(monkeypatch: pytest.MonkeyPatch) -> list[data.LoadedData]:
    """Take the data from a list, one entry for each time that it is loaded."""
    rows = data.surrogate(1)
    dataset = Dataset(
        source="file", origin="downloaded from x", sha1="0" * 40, examples=1500, features=5
    )
    loads = [data.LoadedData(dataset=dataset, features=rows[:, :-1], targets=rows[:, -1])]
    monkeypatch.setattr(data, "load", lambda *_, **__: loads.pop(0))
    return loads


def test_training_is_given_data_that_is_gone_afterwards(
    fake_worker: FakeWorker, loads: list[data.LoadedData]
) -> None:
    """Workers read the data from a folder that no run leaves behind; the result has its moments."""
    assert loads
    result = fake_worker.run(training_plan(fake_worker, ["train"])).execute(Diary())
    bundle = fake_worker.jobs()[0]["bundle"]
    assert (bundle["examples"], bundle["seeds"], bundle["epochs"]) == (1500, 2, 3)
    assert not Path(bundle["folder"]).exists()
    assert result.dataset is not None
    assert result.moments is not None
    assert result.moments.mean == pytest.approx(data.MOMENTS.mean)
    assert result.moments == result.moments.rounded()


def test_products_need_no_data(fake_worker: FakeWorker, loads: list[data.LoadedData]) -> None:
    """Nothing is downloaded for experiments that do not train."""
    result = measured(fake_worker, {"first": "answer"})
    assert len(loads) == 1
    assert result.dataset is None


def test_run_goes_on_with_the_same_data_from_the_cache(
    fake_worker: FakeWorker, loads: list[data.LoadedData]
) -> None:
    """What was downloaded at first comes from the cache the next time; it is the same data."""
    cached = replace(loads[0], dataset=replace(loads[0].dataset, origin="an earlier download"))
    loads.append(cached)
    plan = training_plan(fake_worker, ["first", "second"])
    fake_worker.run(plan, only=["first"]).execute(Diary())
    result = fake_worker.run(plan).execute(Diary())
    assert statuses(result) == {"first": "ok", "second": "ok"}
    assert result.dataset is not None
    assert result.dataset.origin == "downloaded from x"


def test_run_does_not_go_on_with_other_data(
    fake_worker: FakeWorker, loads: list[data.LoadedData]
) -> None:
    """Real data and surrogate are not mixed in one result; the remedy is named."""
    other = replace(loads[0].dataset, source="surrogate", origin="seeded", sha1=None)
    loads.append(replace(loads[0], dataset=other))
    plan = training_plan(fake_worker, ["first", "second"])
    fake_worker.run(plan, only=["first"]).execute(Diary())
    with pytest.raises(ResultError, match=r"different data \(downloaded from x\); use --fresh"):
        fake_worker.run(plan).execute(Diary())
    assert len(fake_worker.jobs()) == 1


def test_wrong_data_leaves_no_empty_result(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that cannot begin leaves nothing that a site would show as the newest result."""

    def fail(*_: object, **__: object) -> None:
        raise DataError("it is spoiled")

    monkeypatch.setattr(data, "load", fail)
    run = fake_worker.run(training_plan(fake_worker, ["train"]))
    with pytest.raises(DataError):
        run.execute(Diary())
    assert not fake_worker.results.exists()


PROGRAM = """
import json, sys
from pathlib import Path
import click
from report.environments import process
from report.machine import noise
from report.run import runner

noise.probes = list
tests, folder, experiments = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
sys.path.append(str(tests))
from conftest import FakeWorker

fake_worker = FakeWorker(folder)
process.BOOTSTRAP = fake_worker.bootstrap

@click.command()
def main():
    fake_worker.run(fake_worker.plan(experiments)).execute(runner.Observer())

main([])
"""


def start(fake_worker: FakeWorker, experiments: dict[str, str]) -> subprocess.Popen[str]:
    """Execute a plan in a process of its own, as the command line does.

    What it leaves in the folder for temporary files is in `temporary`, beside its results.
    """
    tests, folder = str(Path(__file__).parents[1]), str(fake_worker.folder)
    temporary = fake_worker.folder / "temporary"
    temporary.mkdir(exist_ok=True)
    return start_program(PROGRAM, tests, folder, json.dumps(experiments), TMPDIR=str(temporary))


def test_killed_run_keeps_what_it_had_and_is_taken_up(fake_worker: FakeWorker) -> None:
    """After kill -9 the file is whole, the worker gone, and only what is missing is measured."""
    plan = dict.fromkeys(("first", "second", "third", "fourth"), "answer")
    plan["third"] = "wait for go"
    process = start(fake_worker, plan)
    fake_worker.wait_for(10, process)
    process.kill()
    process.communicate()
    assert gone(fake_worker.jobs()[-1]["pid"])
    kept = only_result(fake_worker.results)
    assert statuses(kept) == {"first": "ok", "second": "ok"}
    assert kept.finished_at is None
    (fake_worker.folder / "go").touch()
    with start(fake_worker, plan) as again:
        assert (again.communicate(), again.returncode) == (("", ""), 0)
    assert keys(fake_worker.jobs()) == [(8, 0), (9, 0), (10, 0), (10, 0), (11, 0)]
    whole = only_result(fake_worker.results)
    assert statuses(whole) == dict.fromkeys(plan, "ok")
    assert whole.records[:2] == kept.records
    assert whole.started_at == kept.started_at
    assert whole.finished_at is not None


def test_interrupted_run_keeps_what_it_had(fake_worker: FakeWorker) -> None:
    """Ctrl-C loses only what is under way: no traceback, no worker and no data left behind."""
    plan = {"first": "answer", "second": "wait for go", "third": "answer"}
    process = start(fake_worker, plan)
    fake_worker.wait_for(9, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out, err.strip()) == (1, "", "Aborted!")
    assert gone(fake_worker.jobs()[-1]["pid"])
    assert statuses(only_result(fake_worker.results)) == {"first": "ok"}
    assert list((fake_worker.folder / "temporary").iterdir()) == []


def test_record_that_could_not_be_read_again_is_a_failure(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file stays one that this program reads, with what was measured before."""
    both = {"first": "answer", "second": "answer"}
    size = len(store.dump(measured(fake_worker, both)))
    monkeypatch.setattr(store, "MOST_BYTES", size - 60)
    result = measured(fake_worker, both, seed=2)
    assert statuses(result) == {"first": "ok", "second": "failed"}
    assert "could not be read again" in str(result.of("second")[0].reason)
    (path,) = store.paths(fake_worker.results / result.machine.id)[-1:]
    assert statuses(store.load(path, LABELS)) == statuses(result)


def test_clock_that_is_set_back_does_not_end_a_run_before_it_began(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own file would be refused when it is read again."""
    monkeypatch.setattr(runner, "_now", lambda: "2026-06-01T12:00:00Z")
    run = fake_worker.run(fake_worker.plan({"first": "answer"}))
    monkeypatch.setattr(runner, "_now", lambda: "2026-06-01T11:00:00Z")
    result = run.execute(Diary())
    assert result.finished_at == result.started_at == "2026-06-01T12:00:00Z"
    (path,) = store.paths(fake_worker.results / result.machine.id)
    assert store.load(path, LABELS) == result


def test_run_after_a_clock_was_set_back_is_the_newest(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is what a page is about, it is gone on with, and the next one comes after it."""
    monkeypatch.setattr(runner, "_now", lambda: "2026-06-01T12:00:00Z")
    measured(fake_worker, {"first": "answer"})
    monkeypatch.setattr(runner, "_now", lambda: "2026-05-01T00:00:00Z")
    plan = fake_worker.plan({"second": "answer", "third": "answer"})
    part = fake_worker.run(plan, only=["third"]).execute(Diary())
    whole = fake_worker.run(plan).execute(Diary())
    assert part.run_id == whole.run_id
    monkeypatch.setattr(runner, "_now", lambda: "2026-05-02T00:00:00Z")
    last = fake_worker.run(plan, start="again").execute(Diary())
    saved = [one.result for one in store.read_all(fake_worker.results, LABELS)[0]]
    assert [one.started_at[5:10] for one in saved] == ["06-01", "05-01", "05-02"]
    (shown,) = by_machine(saved)
    assert [one.run_id for one in shown] == [whole.run_id, last.run_id]
