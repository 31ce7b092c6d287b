"""What a fleet does on each of its hosts: an ordinary run, in a process of its own.

Dask's worker there starts this module as a program (`worker.ask`), which reads what to do from its
standard input and stops when that closes. So nothing goes on measuring for a worker that
was killed, and the next run continues the one that was cut short.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from report import runs
from report.config.configuration import load
from report.config.plan import Plan
from report.config.plan import plan as make_plan
from report.errors import ReportError, UsageError
from report.fleet.worker import cache, results
from report.results.store import name_of
from report.run.host import installation, measuring_code, survey
from report.run.runner import Run

if TYPE_CHECKING:
    from pathlib import Path


def main() -> None:
    """Answer the request on standard input; end when nobody waits for the answer any more."""
    request = json.loads(sys.stdin.readline())
    # If a shell started the engine in the background, this signal is ignored by default.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            answer = {"check": _check, "measure": _measure}[request["do"]](request)
    except ReportError as error:
        answer = {"refused": error.format_message()}
    print(json.dumps(answer))  # noqa: T201 (it is what the other side reads)


def _end_with_input() -> None:
    # Not through sys.stdin: the interpreter needs its lock when it ends.
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGINT)


def _written(request: dict[str, Any]) -> Path:
    """Write the configuration and its files, the same ones to the same place; return its path."""
    files: dict[str, str] = request["files"]
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:24]
    folder = cache() / "fleet" / digest
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / next(iter(files))


def _check(request: dict[str, Any]) -> dict[str, Any]:
    """Return who this host is, if it can measure what is asked for as intended."""
    config = _written(request)
    if measuring_code() != request["code"]:
        raise UsageError("its measuring code is of another version; install the same one there.")
    plan = make_plan(load(config), request["profile"], device=request["device"])
    if plan.fingerprint() != request["plan"]:
        raise UsageError("its plan of this file differs; install the same version there.")
    runs.refuse(plan, request["only"], config.parent)
    host = survey(
        plan.backends(),
        interpreters=plan.interpreters,
        variables=plan.environment,
        base=config.parent,
    )
    used = {name for each in plan.only(request["only"]) for name in each.backends}
    runs.require_a_framework(host, used)
    # Also checks that the devices are there.
    Run(plan=plan, host=host, results=results(), only=request["only"], checkout=config.parent)
    return {
        "installation": installation(),
        "machine": host.machine.id,
        "lacks": [name for name in sorted(used) if host.environments[name].status != "ok"],
    }


def _measure(request: dict[str, Any]) -> dict[str, Any]:
    """Measure, or continue what was cut short, and return where the result is."""
    result = runs.measure(
        config=_written(request),
        results=results(),
        profile=request["profile"],
        only=tuple(request["only"]),
        device=request["device"],
        machine=None,
        start=request["start"],
        runs=None,
        every=None,
        create_envs=request["create_envs"],
        trust=True,  # the sender has approved it
        dry_run=False,
        as_json=False,
        quiet=True,
        verbose=False,
    )
    return {"place": name_of(result)} if result else {"refused": "it has measured nothing"}


def planned(plan: Plan, files: dict[str, str], **options: Any) -> dict[str, Any]:
    """Return the request to measure, on another host, a plan made of these files."""
    return {"files": files, "plan": plan.fingerprint(), "code": measuring_code(), **options}


if __name__ == "__main__":
    main()
