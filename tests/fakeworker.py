"""A worker that measures nothing and misbehaves on request.

It speaks the protocol of `report.worker.main` over standard input and output. It has a folder,
named by its first argument: `behaviours.json` there says what to do for a product of each size (and
for a look at the environment), for all backends or for one ("numba 8"), `told` holds what it prints
and answers, and each job is noted in `jobs.jsonl`.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(sys.argv[1])
ANSWERS = sys.stdout.buffer
CURRENT = {"id": ""}
"""Of the request that is being answered."""


def main() -> None:
    """Answer requests; end with the parent, also in the middle of a job."""
    jobs = 0
    for line in _until_parent_ends(sys.stdin.buffer):
        request = json.loads(line)
        CURRENT["id"] = request["id"]
        behaviours = json.loads((FOLDER / "behaviours.json").read_text())
        backend = request.get("backend")
        if request["do"] == "environment":
            behaviour = behaviours.get("environment", "environment")
            behaviour = behaviours.get(f"{backend} environment", behaviour)
        else:
            jobs += 1
            size = str(request["settings"]["size"][0])
            behaviour = behaviours.get(f"{backend} {size}", behaviours.get(size, "answer"))
            _note(request, size, jobs)
        BEHAVIOURS[behaviour](request)


def _until_parent_ends(requests: IO[bytes]) -> Any:
    """Yield requests; end the group when there can be no more, as the real worker does."""
    read, write = os.pipe()

    def forward() -> None:
        for line in requests:
            os.write(write, line)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=forward, daemon=True).start()
    with os.fdopen(read, "rb") as lines:
        yield from lines


def _note(request: dict[str, Any], size: str, jobs: int) -> None:
    """Note the job, and how many records lie on disk while it runs."""
    records = []
    for path in sorted(Path(FOLDER, "results").glob("*/*.json.gz")):
        with contextlib.suppress(ValueError, OSError):  # a test may have put it there
            records.append(len(json.loads(gzip.decompress(path.read_bytes()))["records"]))
    seen = {"size": int(size), "jobs": jobs, "records": records}
    job = {"pid": os.getpid(), "python": sys.executable, **seen, **request}
    with Path(FOLDER, "jobs.jsonl").open("a") as file:
        file.write(json.dumps(job) + "\n")


def _say(answer: object) -> None:
    _write(json.dumps({**CURRENT, **answer} if isinstance(answer, dict) else answer))


def _told() -> str:
    path = FOLDER / "told"
    return path.read_text() if path.exists() else "nothing"


def _write(text: str, end: str = "\n") -> None:
    ANSWERS.write((text + end).encode())
    ANSWERS.flush()


def _complain(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _outcome(request: dict[str, Any], elapsed_s: float = 0.002) -> dict[str, Any]:
    timing = {
        "warmups": 3,
        "warmup_s": [0.009, 0.002, 0.002],
        "inner_loops": 1,
        "samples": 3,
        "elapsed_s": [elapsed_s] * 3,
        "stopped": "repeats",
        "median_s": elapsed_s,
        "low_s": None,
        "high_s": None,
    }
    labels = {
        "strategy": "full",
        "size": request["settings"]["size"][0],
        "dtype": "float32",
        "block_width": None,
        "threads": 1 + request.get("process", 0),
        "tf32": None,
    }
    series = {"labels": labels, "flops": 1, "timing": timing}
    measured = [series] if request.get("kind") != "training" else []
    return {**CURRENT, "outcome": {"series": measured}, "measured_s": 0.01}


def _environment(request: dict[str, Any]) -> None:
    environment = {
        "backend": request["backend"],
        "dtypes": {"cpu": ["float32"]},
        "steering": {"LD_PRELOAD": _told()},
        "packages": {"numpy": "2.3.1"},
        "pools": ["openmp: libgomp, 2 threads", "blas: OpenBLAS, 2 threads"],
    }
    _say({"environment": environment})


def _answer(request: dict[str, Any]) -> None:
    _say(_outcome(request))


def _answer_twice(request: dict[str, Any]) -> None:
    _write(json.dumps(_outcome(request)) + "\n" + json.dumps(_outcome(request, 7.0)))


def _crash(_: dict[str, Any]) -> None:
    _complain(f'  File "{Path(__file__).resolve()}", line 7 in products of {_told()}')
    os.kill(os.getpid(), signal.SIGSEGV)


def _leave(_: dict[str, Any]) -> None:
    _complain("Traceback (most recent call last):\nOSError: libfast.so: no such file")
    os.close(1)  # as Python may do while it shuts down, before the parent can see the code
    time.sleep(0.1)
    os._exit(3)


def _hang(_: dict[str, Any]) -> None:
    _complain("waiting for a device")
    threading.Event().wait()


def _fail(request: dict[str, Any]) -> None:
    _complain(f"secret: {_told()}")
    reason = "out of memory" if request["process"] == 0 else f"OSError: no {_told()}"
    _say({"failed": reason})


def _be_killed(_: dict[str, Any]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _chatter(request: dict[str, Any], then: Callable[[dict[str, Any]], None] = _answer) -> None:
    for number in range(4000):
        _complain(f"warning {number} " + "x" * 1000)
    then(request)


def _chatter_and_crash(request: dict[str, Any]) -> None:
    _chatter(request, then=lambda _: os.abort())


def _be_silent(_: dict[str, Any]) -> None:
    os.close(1)
    threading.Event().wait()


def _leave_a_child(_: dict[str, Any], **options: Any) -> None:
    # As in the real worker, what it starts inherits its standard error, but not its answers.
    child = subprocess.Popen(["sleep", "600"], **{"stdout": subprocess.DEVNULL, **options})
    Path(FOLDER, "child").write_text(str(child.pid))
    os.kill(os.getpid(), signal.SIGABRT)


def _wait_for_go(request: dict[str, Any]) -> None:
    while not Path(FOLDER, "go").exists():
        time.sleep(0.01)
    _answer(request)


def _half_a_line(request: dict[str, Any]) -> None:
    _write(json.dumps(_outcome(request))[:80], end="")
    os._exit(0)


BEHAVIOURS: dict[str, Callable[[dict[str, Any]], None]] = {
    "environment": _environment,
    "strange environment": lambda _: _say({"environment": {"backend": 7}}),
    "answer": _answer,
    "answer twice": _answer_twice,
    "crash": _crash,
    "leave": _leave,
    "hang": _hang,
    "fail": _fail,
    "be killed": _be_killed,
    "chatter": _chatter,
    "chatter and crash": _chatter_and_crash,
    "be silent": _be_silent,
    "leave a child": _leave_a_child,
    "leave a daemon": partial(_leave_a_child, start_new_session=True),
    "leave a daemon that holds all": partial(_leave_a_child, start_new_session=True, stdout=None),
    "wait for go": _wait_for_go,
    "half a line": _half_a_line,
    "garbage": lambda _: _write("Segmentation fault?"),
    "a list": lambda _: _say([1, 2]),
    "a number": lambda _: _say(7),
    "too deep": lambda _: _write("[" * 100_000),
    "no outcome": lambda _: _say({"done": True}),
    "nothing": lambda _: _say({}),
    "skip": lambda _: _say({"skipped": "there are 2 threads, not 3"}),
    "reasons": lambda _: _say({"series": [{"reason": _told(), "labels": {}}]}),
    "not a number": lambda request: _say(_outcome(request, float("nan"))),
    "infinity": lambda request: _write(json.dumps(_outcome(request)).replace("0.009", "1e999")),
    "no time": lambda request: _say(_outcome(request, 0.0)),
    "wrong shape": lambda _: _say({"outcome": {"series": {"labels": 3}}, "measured_s": 1}),
    "stranger's key": lambda _: _say({"outcome": {"virus": True}, "measured_s": 1}),
}

if __name__ == "__main__":
    main()
