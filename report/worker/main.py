"""The worker: reads requests from its parent, measures, answers.

Requests and answers are lines of JSON. The answers go over a copy of the original standard
output; file descriptor 1 itself is then pointed at standard error, so that nothing a framework
prints, from Python or from C, can end up among them.
"""

from __future__ import annotations

import dataclasses
import gc
import importlib
import importlib.util
import json
import os
import queue
import re
import signal
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, BinaryIO

from report.registry import BACKENDS, KINDS
from report.worker.probes import device_probes
from report.worker.records import Answer, Environment, Unavailable, Unmeant, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable

Message = dict[str, Any]


def main() -> None:
    """Answer requests until the parent closes its end."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    for request in _until_parent_ends(requests):
        try:
            line = _line(request, _answer(request))
        except Unavailable as reason:
            line = _line(request, {"skipped": str(reason)})
        except Unmeant as fault:
            line = _line(request, {"failed": str(fault)})
        except MemoryError:
            line = _line(request, {"failed": "out of memory"})
        except Exception as error:  # noqa: BLE001 (whatever goes wrong is the answer)
            traceback.print_exc()
            line = _line(request, {"failed": reason_of(error)})
        answers.write(line)
        answers.flush()


def _until_parent_ends(requests: BinaryIO) -> Any:
    """Yield requests; end the whole process group as soon as the parent's end is closed.

    A thread of its own waits for the next line, also while a job runs: it sleeps in the kernel
    and costs the measurement nothing, and it notices a parent that was killed.
    """
    inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def read() -> None:
        for line in requests:
            inbox.put(json.loads(line))
        if hasattr(os, "killpg") and os.getpgid(0) == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        yield inbox.get()


def _answer(request: Message) -> Message:
    backend = BACKENDS[request["backend"]]
    if request["do"] == "environment":
        return {"environment": dataclasses.asdict(_environment(backend.name))}
    if request["kind"] not in KINDS:
        raise ValueError(f"unknown kind {request['kind']!r}")
    module, import_s = _imported(backend.name)
    kind = importlib.import_module(f"report.experiments.{request['kind']}.measure")
    # What is measured first in a process may be measured cold, and must find it so.
    first = import_s is not None
    before = [] if first else device_probes(module, request["device"], request["threads"])
    session = module.Session(request["device"], request["threads"])
    # The garbage collector stays on, but need not go through all that importing a framework has
    # left, over and over: such a pause took 60 ms, in one epoch of fifteen (measured here).
    gc.freeze()
    begun = time.perf_counter()
    outcome = kind.measure(session, request)
    answer = Answer(
        outcome=outcome,
        measured_s=time.perf_counter() - begun,
        import_s=import_s,
        probes_before=before,
        probes_after=device_probes(module, request["device"], request["threads"]),
    )
    return dataclasses.asdict(answer)


def _imported(name: str) -> tuple[Any, float | None]:
    """Import a backend, and say how many seconds that took if it was not there already."""
    path = f"report.backends.{name}"
    there, begun = path in sys.modules, time.perf_counter()
    module = importlib.import_module(path)
    return module, None if there else time.perf_counter() - begun


def _environment(name: str) -> Environment:
    # Not at the top: a worker that measures must not find more imported than its framework needs.
    from importlib import metadata  # noqa: PLC0415
    from platform import python_version  # noqa: PLC0415

    # Before the framework is imported, which may set some itself.
    variables = _variables()
    backend = BACKENDS[name]
    if importlib.util.find_spec(backend.package):
        found: Environment = _imported(name)[0].environment()
    else:
        fits = backend.runs_on(sys.version_info[:2])
        too = "" if fits else f" (it runs on Python {backend.pythons()})"
        reason = f"{backend.title} is not installed: {backend.install}{too}"
        found = Environment(backend=name, status="skipped", reason=reason)
    packages = _packages(metadata.distributions())
    return dataclasses.replace(
        found, python=python_version(), steering=variables, packages=packages
    )


def _variables() -> dict[str, str]:
    """Return all variables, which the parent sorts; bytes that are no text are lost."""
    return {
        name.encode(errors="replace").decode(): value.encode(errors="replace").decode()
        for name, value in os.environ.items()
    }


def _packages(installed: Iterable[Any]) -> dict[str, str]:
    """Return versions by normalized name.

    Source: "Names and normalization", Python Packaging User Guide.
    """
    found: dict[str, str] = {}
    for fields in (each.metadata for each in installed):
        if "Name" in fields and "Version" in fields:  # else what an interrupted removal left
            # Of two, the first on the path is imported.
            found.setdefault(re.sub(r"[-_.]+", "-", fields["Name"]).lower(), fields["Version"])
    return dict(sorted(found.items()))


def _line(request: Message, answer: Message) -> bytes:
    answer = {"id": request.get("id"), **answer}
    return json.dumps(answer, allow_nan=False, separators=(",", ":")).encode() + b"\n"
