"""What Dask's worker does on a host: it starts a program that measures, and waits for it.

Nothing heavy is imported here: the worker's event loop, which says that it is alive, stands still
meanwhile.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from typing import IO, TYPE_CHECKING, Any

import platformdirs

if TYPE_CHECKING:
    from pathlib import Path


def ask(request: dict[str, Any]) -> dict[str, Any]:
    """Carry out a request in a process of its own, and return its answer.

    Returns:
        "refused" with the reason; or, after a check, who the host is; or, after measuring, the
        "place" of the result file and its bytes as "content".
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
        answer["content"] = (results() / answer["place"]).read_bytes()
    return answer


def cache() -> Path:
    """Return this user's cache on this host."""
    return platformdirs.user_cache_path("minibatch-report")


def results() -> Path:
    """Return the folder for the results of every fleet.

    As for any results folder, a lock keeps a second program from measuring into it, so a host
    measures for one fleet at a time.
    """
    return cache() / "fleet" / "results"
