"""The parent's end of a worker: whatever the process does, an answer or a reason comes back."""

from __future__ import annotations

import getpass
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from processes import gone
from report.environments import process as workers
from report.environments.process import Worker, WorkerFailure, command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import FakeWorker

TIMEOUT_S = 20.0
"""Far more than any answer takes; only a test of the limit itself waits for one."""

JOB = {"do": "job", "settings": {"size": [8]}, "process": 0}


def told(fake_worker: FakeWorker, behaviour: str, timeout_s: float = TIMEOUT_S) -> WorkerFailure:
    """Return how a job ends that a worker fails with this behaviour; it is gone afterwards."""
    fake_worker.behave({"8": behaviour})
    with Worker(fake_worker.command) as worker:
        with pytest.raises(WorkerFailure) as caught:
            worker.ask(JOB, timeout_s)
        assert not psutil.pid_exists(worker.pid)
    return caught.value


def test_worker_answers_one_request_after_another(fake_worker: FakeWorker) -> None:
    """One process does several jobs; it knows whether it was used, which a cold one was not."""
    with Worker(fake_worker.command) as worker:
        for number in range(3):
            assert worker.used == (number > 0)
            answer = worker.ask(JOB, TIMEOUT_S)
            assert answer["outcome"]["series"][0]["labels"]["size"] == 8
    assert {job["pid"] for job in fake_worker.jobs()} == {worker.pid}
    assert [job["jobs"] for job in fake_worker.jobs()] == [1, 2, 3]


ENDS = {
    "crash": "it was ended by SIGSEGV",
    "be killed": "it was ended by SIGKILL, most often because memory ran out",
    "leave": "it ended by itself with code 3",
    "chatter and crash": "it was ended by SIGABRT",
    "leave a child": "it was ended by SIGABRT",
    "fail": "out of memory",
    **dict.fromkeys(
        ("garbage", "half a line", "a list", "a number"), "its answer could not be read"
    ),
}


@pytest.mark.parametrize(("behaviour", "reason"), ENDS.items(), ids=ENDS.keys())
def test_end_of_a_worker_is_told_in_words(
    fake_worker: FakeWorker, behaviour: str, reason: str
) -> None:
    """The reason is what happened: the signal, the exit code, or what is wrong with the answer."""
    assert told(fake_worker, behaviour).reason == reason


def test_second_answer_is_not_taken_for_the_next_one(fake_worker: FakeWorker) -> None:
    """The first counts; the job that would get the second fails instead, and says why."""
    fake_worker.behave({"8": "answer twice"})
    with Worker(fake_worker.command) as worker:
        first = worker.ask(JOB, TIMEOUT_S)["outcome"]["series"][0]["timing"]
        assert first["median_s"] < 1
        with pytest.raises(WorkerFailure, match="nobody asked"):
            worker.ask(JOB, TIMEOUT_S)
        assert not psutil.pid_exists(worker.pid)


def test_program_that_the_system_cannot_run_is_told_in_words(tmp_path: Path) -> None:
    """One that is not there, and one that is no program of this system."""
    strange = tmp_path / "python"
    strange.write_bytes(b"\0\1\2\3")
    strange.chmod(0o755)
    reasons = {"none": "No such file or directory", "python": "Exec format error"}
    for program, why in reasons.items():
        with pytest.raises(WorkerFailure) as caught:
            Worker([str(tmp_path / program)])
        assert caught.value.reason == f"the system cannot run it: {why}"


def test_hanging_worker_is_given_up(fake_worker: FakeWorker) -> None:
    """No answer within the limit is a failure; what was printed until then is kept."""
    failure = told(fake_worker, "hang", timeout_s=0.5)
    assert failure.reason.startswith("no answer within ")
    assert failure.stderr_tail == "waiting for a device"


def test_worker_that_closes_its_output_is_not_taken_for_killed(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That the parent killed it is no sign of a lack of memory."""
    monkeypatch.setattr(workers, "GRACE_S", 0.3)
    assert told(fake_worker, "be silent").reason == "it closed its output"


def test_megabytes_of_output_neither_block_nor_pile_up(fake_worker: FakeWorker) -> None:
    """A worker that prints more than a pipe holds still answers, and little is remembered."""
    fake_worker.behave({"8": "chatter"})
    with Worker(fake_worker.command) as worker:
        for _ in range(2):
            assert "outcome" in worker.ask(JOB, TIMEOUT_S)
            assert sum(map(len, worker._stderr)) < 3 * workers.KEPT_STDERR


def test_end_of_the_output_is_kept(fake_worker: FakeWorker) -> None:
    """What was printed last says most about a crash; a record keeps that much and no more."""
    tail = told(fake_worker, "chatter and crash").stderr_tail
    assert tail is not None
    assert tail.endswith("x" * 100)
    assert "warning 3999" in tail
    assert len(tail) == workers.STDERR_TAIL


@pytest.mark.parametrize("behaviour", ["crash", "fail"])
def test_failure_names_no_person_and_no_folder(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch, behaviour: str
) -> None:
    """Reasons and output go into result files, which are made to be shared."""
    monkeypatch.setattr(getpass, "getuser", lambda: "anna")
    monkeypatch.setattr(socket, "gethostname", lambda: "annas-laptop")
    private = ["anna", "annas-laptop", str(Path.home()), str(fake_worker.folder)]
    fake_worker.tell(" and ".join([*private, f"{Path.home()}/secret/project.py"]))
    fake_worker.behave({"8": behaviour})
    with Worker(fake_worker.command) as worker, pytest.raises(WorkerFailure) as caught:
        worker.ask({**JOB, "process": 1}, TIMEOUT_S)
    text = f"{caught.value.reason}\n{caught.value.stderr_tail}"
    assert not [secret for secret in private if secret in text]
    assert "project.py" in text
    if behaviour == "crash":
        assert 'fakeworker.py", line 7' in text


def test_reasons_name_no_person_and_no_folder(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why a device does not work or a series was skipped is often a library's own words."""
    monkeypatch.setattr(getpass, "getuser", lambda: "anna")
    fake_worker.tell(f"no kernel image in {Path.home()}/secret/libfast.so of anna")
    fake_worker.behave({"8": "reasons"})
    with Worker(fake_worker.command) as worker:
        (series,) = worker.ask(JOB, TIMEOUT_S)["series"]
    assert "no kernel image" in series["reason"]
    assert "libfast.so" in series["reason"]
    assert not [secret for secret in ("anna", str(Path.home())) if secret in series["reason"]]


def child(fake_worker: FakeWorker) -> int:
    """Return the process that the worker started."""
    return int((fake_worker.folder / "child").read_text())


def test_what_a_worker_started_ends_with_it(fake_worker: FakeWorker) -> None:
    """A compiler or loader that a crashed framework left behind must not disturb what follows."""
    told(fake_worker, "leave a child")
    assert gone(child(fake_worker))


@pytest.mark.parametrize("behaviour", ["leave a daemon", "leave a daemon that holds all"])
def test_daemon_that_holds_the_output_open_holds_nobody_up(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch, behaviour: str
) -> None:
    """A process that left the group ends all the same, so that the crash is told at once."""
    monkeypatch.setattr(workers, "POLL_S", 0.1)
    monkeypatch.setattr(workers, "GRACE_S", 0.2)
    fake_worker.behave({"8": behaviour})
    with Worker(fake_worker.command) as worker:
        with pytest.raises(WorkerFailure, match="it was ended by SIGABRT"):
            worker.ask(JOB, 10 * TIMEOUT_S)
        assert gone(child(fake_worker))
        assert not any(thread.is_alive() for thread in worker._threads)


DETACHED = """
import os, subprocess, sys, time
flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"],
                         creationflags=flags, stdin=subprocess.DEVNULL,
                         env={"SYSTEMROOT": os.environ["SYSTEMROOT"]})
open(sys.argv[1], "w").write(str(child.pid))
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "win32", reason="job objects are of Windows")
def test_what_left_a_worker_on_windows_ends_with_it(tmp_path: Path) -> None:
    """A process without its console, group and variables is still in its job."""
    told_at = tmp_path / "child"
    with Worker([sys.executable, "-c", DETACHED, str(told_at)]) as worker:
        with pytest.raises(WorkerFailure):
            worker.ask(JOB, TIMEOUT_S)
        assert gone(int(told_at.read_text()))


def test_worker_can_be_ended_twice(fake_worker: FakeWorker) -> None:
    """Whoever clears up need not know who did it before."""
    with Worker(fake_worker.command) as worker:
        worker.kill()
        worker.kill()
    assert not psutil.pid_exists(worker.pid)


def test_asking_a_dead_worker_fails_with_its_reason(fake_worker: FakeWorker) -> None:
    """A worker that died between two jobs is noticed at the next."""
    with Worker(fake_worker.command) as worker:
        worker.ask(JOB, TIMEOUT_S)
        os.kill(worker.pid, signal.SIGTERM)
        worker._process.wait(TIMEOUT_S)
        with pytest.raises(WorkerFailure) as caught:
            worker.ask(JOB, TIMEOUT_S)
    assert caught.value.reason == "it was ended by SIGTERM"


def test_process_that_cannot_be_killed_holds_nobody_up(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that waits for a broken device ignores even SIGKILL; the run goes on without it."""
    monkeypatch.setattr(workers, "GRACE_S", 0.1)
    fake_worker.behave({"8": "hang"})
    worker = Worker(fake_worker.command)
    with monkeypatch.context() as patch:
        patch.setattr(os, "killpg", lambda *_: None)
        with pytest.raises(WorkerFailure, match="no answer within"):
            worker.ask(JOB, 0.3)
    worker.kill()
    assert not psutil.pid_exists(worker.pid)
    for thread in worker._threads:
        thread.join(TIMEOUT_S)


@pytest.fixture(name="real")
def real_worker() -> Iterator[Worker]:
    """Start the real worker, with `report.worker.main` inside."""
    with Worker(command()) as worker:
        yield worker


def test_real_worker_answers_that_a_job_is_impossible(real: Worker) -> None:
    """The real protocol carries a failure: its reason as answer, the traceback as output."""
    with pytest.raises(WorkerFailure) as caught:
        real.ask({"do": "job", "backend": "pytorch", "kind": "unheard-of"}, TIMEOUT_S)
    assert caught.value.reason == "ValueError: unknown kind 'unheard-of'"
    assert "Traceback" in str(caught.value.stderr_tail)
    assert str(Path(workers.__file__).parents[1]) not in str(caught.value.stderr_tail)


def test_parents_python_settings_do_not_reach_a_worker(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither PYTHON* variables nor a module in the current folder change what is measured."""
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", "nothing.py")
    with Worker(command()) as worker, pytest.raises(WorkerFailure) as caught:
        worker.ask({"do": "job", "backend": "pytorch", "kind": "none"}, TIMEOUT_S)
    assert caught.value.reason == "ValueError: unknown kind 'none'"


NAMES = """
import json, os, sys
asked = json.loads(sys.stdin.readline())["id"]
names = [name for name in os.environ if name.startswith("PYTHON")]
print(json.dumps({"id": asked, "PYTHON": names}), flush=True)
sys.stdin.readline()
"""


def test_what_a_worker_starts_sees_no_python_settings_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The variables are gone, and not just ignored by the worker's own interpreter."""
    monkeypatch.setenv("PYTHONPATH", "somewhere")
    monkeypatch.setenv("PYTHONMALLOC", "debug")
    with Worker([sys.executable, "-c", NAMES]) as worker:
        assert worker.ask(JOB, TIMEOUT_S) == {"PYTHON": []}


def test_worker_is_isolated_from_the_users_packages() -> None:
    """Neither the user's own packages nor the script's folder are searched for modules."""
    *interpreter, script = command()
    assert Path(script) == workers.BOOTSTRAP
    code = "import sys; print(sys.flags.isolated)"
    done = subprocess.run([*interpreter, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


REAL_BUT_SLOW = """
import runpy, sys, threading
runpy.run_path({bootstrap!r}, run_name="bootstrap")["register"]()
from report.worker import main
main._answer = lambda request: (open({started!r}, "w").close(), threading.Event().wait())
main.main()
"""

PARENT = """
import json, sys
from report.environments.process import Worker
worker = Worker(json.loads(sys.argv[1]))
print(worker.pid, flush=True)
worker.ask({"do": "job"}, 600)
"""


def test_worker_ends_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    """After kill -9 of the program nothing goes on computing, even in the middle of a job."""
    started = tmp_path / "started"
    script = REAL_BUT_SLOW.format(bootstrap=str(workers.BOOTSTRAP), started=str(started))
    argv = json.dumps([sys.executable, "-I", "-c", script])
    with subprocess.Popen([sys.executable, "-c", PARENT, argv], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        while not started.exists():
            assert parent.poll() is None
            time.sleep(0.01)
        assert psutil.pid_exists(pid)
        parent.kill()
    assert gone(pid)


def test_answer_that_never_ends_is_cut_short(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that has lost its mind does not take the memory of who asked."""
    monkeypatch.setattr(workers, "MOST_ANSWER", 20)
    with Worker(fake_worker.command) as worker, pytest.raises(WorkerFailure, match="too long"):
        worker.ask(JOB, TIMEOUT_S)
    assert not psutil.pid_exists(worker.pid)


def test_what_a_worker_prints_keeps_no_password(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values of the parent's variables are replaced by their names, in reasons and in outputs."""
    monkeypatch.setenv("API_TOKEN", "s3cret-t0ken")
    monkeypatch.setattr(getpass, "getuser", lambda: "anna")
    monkeypatch.setenv("DATABASE_URL", "postgres://anna:pa55@host/home/anna/db")
    fake_worker.tell("refused for s3cret-t0ken\x1b[31m by postgres://anna:pa55@host/home/anna/db")
    fake_worker.behave({"8": "fail"})
    with Worker(fake_worker.command) as worker, pytest.raises(WorkerFailure) as caught:
        worker.ask(JOB, TIMEOUT_S)
    said = f"{caught.value.reason} {caught.value.stderr_tail}"
    assert "s3cret" not in said
    assert "pa55" not in said
    assert "\x1b" not in said
    assert "<API_TOKEN>" in said


FLOOD = """
import json, sys
asked = json.loads(sys.stdin.readline())["id"]
print(json.dumps({"id": asked}))
for _ in range(1_000_000):
    print("and another thing")
sys.stdout.flush()
sys.stdin.readline()
"""


def test_flood_of_lines_fills_no_memory_and_ends_the_worker() -> None:
    """Between two requests nobody takes them; the next fails, and says why."""
    with Worker([sys.executable, "-c", FLOOD]) as worker:
        assert worker.ask(JOB, TIMEOUT_S) == {}
        worker._process.wait(TIMEOUT_S)  # it can write no more
        assert worker._answers.qsize() <= 3
        with pytest.raises(WorkerFailure, match=r"nobody asked|could not be read"):
            worker.ask(JOB, TIMEOUT_S)
