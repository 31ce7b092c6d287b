"""What a fleet does on each of its hosts: an ordinary run, in a process of its own.

Dask calls `ask` in its worker there. That starts this module as a program, which is told what to do
on its standard input and stops when that ends. So nothing goes on measuring for a worker that was
killed, and a run that was cut short lies where the next one continues it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, Any

import platformdirs

from report import runs
from report.config.configuration import load
from report.config.plan import Plan, refuse_too_large
from report.config.plan import plan as make_plan
from report.errors import ReportError, UsageError
from report.machine.machine import memory
from report.results.store import name_of
from report.run.host import installation, measuring_code, survey
from report.run.runner import Run

RESULTS = Path("fleet", "results")
"""In the user's cache, for fleets whoever sends them. As for any results folder, a lock keeps a
second program from measuring into it: that is the host's only slot."""


def ask(request: dict[str, Any]) -> dict[str, Any]:
    """Carry out a request in a process of its own, and return its answer.

    Returns:
        "refused" with why; of a check who the host is; of a measurement also the result file's
        bytes as "content".
    """
    command = [sys.executable, "-m", "report.fleet.host"]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True
        ) as child:
            pipe: IO[str] = child.stdin  # type: ignore[assignment] # there is one
            pipe.write(json.dumps(request) + "\n")
            pipe.flush()
            text: str = child.stdout.read()  # type: ignore[union-attr]
        said.seek(0)
        lines = said.read().strip().splitlines()
    try:
        answer: dict[str, Any] = json.loads(text)
    except ValueError:
        return {"refused": lines[-1] if lines else f"it ended with status {child.returncode}"}
    if "place" in answer:
        answer["content"] = (_cache() / RESULTS / answer["place"]).read_bytes()
    return answer


def _cache() -> Path:
    return platformdirs.user_cache_path("minibatch-report")


def main() -> None:
    """Answer the request on standard input; end when there is nobody any more who waits for it."""
    request = json.loads(sys.stdin.readline())
    # Where a shell has started the engine in the background, it is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            answer = {"check": _check, "measure": _measure}[request["do"]](request)
    except ReportError as error:
        answer = {"refused": error.format_message()}
    print(json.dumps(answer))  # noqa: T201 (it is what the other side reads)


def _end_with_input() -> None:
    # Not by way of sys.stdin, whose lock the interpreter wants when it ends.
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGINT)


def _written(request: dict[str, Any]) -> Path:
    """Put the configuration and its files where they lay before, and return its path."""
    files: dict[str, str] = request["files"]
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:24]
    folder = _cache() / "fleet" / digest
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / next(iter(files))


def _check(request: dict[str, Any]) -> dict[str, Any]:
    """Return who this host is, if it can measure what is asked for as it is meant."""
    config = _written(request)
    if measuring_code() != request["code"]:
        raise UsageError("its measuring code is another version's; install the same one there.")
    plan = make_plan(load(config), request["profile"], device=request["device"])
    if plan.fingerprint() != request["plan"]:
        raise UsageError("it makes another plan of the configuration; install the same version.")
    experiments = plan.only(request["only"])
    refuse_too_large(experiments, memory())
    host = survey(
        plan.backends(),
        interpreters=plan.interpreters,
        variables=plan.environment,
        base=config.parent,
    )
    used = {name for each in experiments for name in each.backends}
    runs.require_a_framework(host, used)
    results = _cache() / RESULTS
    # Also looks whether the devices are there.
    Run(plan=plan, host=host, results=results, only=request["only"], checkout=config.parent)
    return {
        "installation": installation(),
        "machine": host.machine.id,
        "lacks": [name for name in sorted(used) if host.environments[name].status != "ok"],
    }


def _measure(request: dict[str, Any]) -> dict[str, Any]:
    """Measure, or go on with what was cut short, and return where the result lies."""
    result = runs.measure(
        config=_written(request),
        results=_cache() / RESULTS,
        profile=request["profile"],
        only=tuple(request["only"]),
        device=request["device"],
        machine=None,
        start=request["start"],
        runs=None,
        every=None,
        create_envs=request["create_envs"],
        trust=True,  # by the person who has sent it
        dry_run=False,
        as_json=False,
        quiet=True,
        verbose=False,
    )
    return {"place": name_of(result)} if result else {"refused": "it has measured nothing"}


def planned(plan: Plan, files: dict[str, str], **options: Any) -> dict[str, Any]:
    """Return the request to measure a plan, which was made of these files, elsewhere."""
    return {"files": files, "plan": plan.fingerprint(), "code": measuring_code(), **options}


if __name__ == "__main__":
    main()
