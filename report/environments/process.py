"""The parent's end of a worker: start it, ask it, and never wait for it in vain."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import psutil

from report.environments import variables
from report.results import limits
from report.results.privacy import impersonal
from report.text.plain import showable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BOOTSTRAP = Path(__file__).parents[1] / "worker" / "bootstrap.py"

KEPT_STDERR = 64_000  # bytes of a worker's output that are remembered while it runs
STDERR_TAIL = 1_500  # characters of it that a failed record keeps

POLL_S = 1.0
"""How often a waiting parent looks whether the worker still lives: rarely, not to disturb it."""

MARK = "REPORT_WORKER"
"""A variable by which all that a worker starts can be found, as long as it keeps it."""

MOST_ANSWER = 5_000_000  # bytes of an answer: the largest of a full profile has a twentieth
REASONS = ("reason", "skipped")  # fields of an answer that say why there is no number
GRACE_S = 5.0  # how long a killed process may take to be gone


def command(interpreter: str = sys.executable) -> list[str]:
    """Return the command that starts a worker.

    -I keeps the parent's PYTHON* variables, the user's own packages and the current folder out.
    """
    return [interpreter, "-I", "-X", "faulthandler", str(BOOTSTRAP)]


@dataclass
class WorkerFailure(Exception):  # noqa: N818 (it is recorded, not reported)
    """A worker gave no answer; the end of what it printed has no names and paths."""

    reason: str
    stderr_tail: str | None


class Worker(contextlib.AbstractContextManager["Worker"]):
    """A process that measures. Use it as a context manager; on leaving it is ended."""

    def __init__(self, argv: Sequence[str], configured: Mapping[str, str] | None = None) -> None:
        """Start it in a process group of its own, so that all it starts ends with it.

        It gets few of the parent's variables (`environments.variables`), and those configured.

        Raises:
            WorkerFailure: There is no such program, or the system cannot run it.
        """
        self._mark = uuid.uuid4().hex
        try:
            self._process = subprocess.Popen(
                list(argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                env={**variables.passed(os.environ, configured), MARK: self._mark},
            )
        except OSError as error:
            raise WorkerFailure(f"the system cannot run it: {error.strerror}", None) from None
        self._job = _job_with(self._process)
        self._answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._stderr: collections.deque[bytes] = collections.deque()
        self._threads = [
            threading.Thread(target=collect, args=(pipe,), daemon=True)
            for collect, pipe in (
                (self._collect_answers, self._process.stdout),
                (self._collect_stderr, self._process.stderr),
            )
        ]
        for thread in self._threads:
            thread.start()
        self.pid = self._process.pid
        self.used = False

    def __exit__(self, *_: object) -> None:
        """End the worker and all that it started."""
        self.kill()

    def ask(self, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Send a request and wait for the answer.

        Raises:
            WorkerFailure: It crashed, took longer than `timeout_s`, answered that it failed, or
                answered what nobody asked. The worker is ended then; another can go on.
        """
        self.used = True
        # What is late, or comes twice, would else be taken for the answer to this.
        asked = {"id": uuid.uuid4().hex, **request}
        stdin = self._process.stdin
        if stdin is not None:
            # Its death is noticed below, with its reason.
            with contextlib.suppress(BrokenPipeError):
                stdin.write(json.dumps(asked).encode() + b"\n")
                stdin.flush()
        try:
            line = self._next_answer(time.monotonic() + timeout_s)
        except queue.Empty:
            raise self._failure(f"no answer within {timeout_s:.0f} s") from None
        if line is None:
            # It has closed its output; killed now, it could not say why.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=GRACE_S)
            code = self._process.returncode
            raise self._failure("it closed its output" if code is None else how_it_ended(code))
        if len(line) > MOST_ANSWER:
            raise self._failure("its answer was too long")
        try:
            answer = json.loads(limits.parsed(line)[0], object_hook=_scrubbed)
        except limits.Refused as why:
            raise self._failure(f"its answer {why}") from None
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise self._failure("its answer could not be read")
        if answer.pop("id", None) != asked["id"]:
            raise self._failure("it answered what nobody asked")
        if "failed" in answer:
            raise self._failure(str(answer["failed"]))
        return answer

    def _next_answer(self, deadline: float) -> bytes | None:
        """Wait for a line, or None once nobody can write one any more.

        Raises:
            queue.Empty: The time is up.
        """
        while True:
            gone = self._process.poll() is not None
            remaining = max(0.0, deadline - time.monotonic())
            try:
                return self._answers.get(timeout=min(POLL_S, remaining))
            except queue.Empty:
                # A child of a dead worker may still hold the pipe open; no answer comes of that.
                if gone:
                    return None
                if remaining <= POLL_S:
                    raise

    def kill(self) -> None:
        """End the worker and all that it started, and wait until it is gone."""
        # Also after the worker itself has ended: what it started may still run.
        end_group(self._process)
        if self._job is not None:
            self._job.Close()
            self._job = None
        _end_strays(self._mark)
        # A process that waits for a broken device cannot even be killed; it must not hold us up.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=GRACE_S)
        for thread in self._threads:
            thread.join(timeout=GRACE_S)
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()

    def _failure(self, reason: str) -> WorkerFailure:
        """End the worker, and return why it gave no answer."""
        self.kill()
        printed = b"".join(list(self._stderr)).decode(errors="replace")
        text = showable(_impersonal(printed)).strip()
        return WorkerFailure(_impersonal(reason), text[-STDERR_TAIL:] or None)

    def _collect_answers(self, pipe: IO[bytes]) -> None:
        # Closed here: from another thread that would wait for whoever else holds the pipe open.
        with pipe:
            while line := pipe.readline(MOST_ANSWER + 1):
                self._answers.put(line)
                # The rest of it is not read, nor a third: by the second, the next request fails.
                if len(line) > MOST_ANSWER or self._answers.qsize() > 1:
                    break
        self._answers.put(None)

    def _collect_stderr(self, pipe: IO[bytes]) -> None:
        kept = 0
        with pipe:
            while chunk := os.read(pipe.fileno(), 65_536):
                self._stderr.append(chunk)
                kept += len(chunk)
                while kept - len(self._stderr[0]) > KEPT_STDERR:
                    kept -= len(self._stderr.popleft())


def _scrubbed(fields: dict[str, Any]) -> dict[str, Any]:
    """Keep names and folders out of reasons, which are often a library's own words."""
    found = {name: fields[name] for name in REASONS if isinstance(fields.get(name), str)}
    told = {name: _impersonal(text) for name, text in found.items()}
    return fields | told


def _impersonal(text: str) -> str:
    return impersonal(text, os.environ)


def _job_with(process: subprocess.Popen[Any]) -> Any:
    """Put a process and all that it will start into a job object of Windows.

    All of it ends with the job's handle, so also with a parent that was killed.

    Returns:
        The handle; None on other systems, which have process groups.
    """
    if sys.platform == "win32":
        import pywintypes  # noqa: PLC0415 (only Windows has them)
        import win32job  # noqa: PLC0415

        job = win32job.CreateJobObject(None, "")
        sort = win32job.JobObjectExtendedLimitInformation
        settings = win32job.QueryInformationJobObject(job, sort)
        settings["BasicLimitInformation"]["LimitFlags"] |= (
            win32job.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
        )
        win32job.SetInformationJobObject(job, sort, settings)
        # It starts with importing, so that nothing of it is outside yet.
        with contextlib.suppress(pywintypes.error):  # it has ended already
            win32job.AssignProcessToJobObject(job, int(process._handle))  # noqa: SLF001
        return job
    return None


def end_group(process: subprocess.Popen[Any]) -> None:
    """End a process that leads a group, and all that it started in it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _end_strays(mark: str) -> None:
    """End what has left a worker's group, and kept the variables that it was started with."""
    for process in psutil.process_iter():
        # It may belong to somebody else, or be gone by now.
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == mark:
                process.kill()


def how_it_ended(code: int) -> str:
    """Say in words what an exit code means; negative ones are signals."""
    if code >= 0:
        return f"it ended by itself with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = ", most often because memory ran out" if name == "SIGKILL" else ""
    return f"it was ended by {name}{hint}"
