"""Starts a group of processes with torchrun; `rank` is what each of them does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from report.worker.records import Unavailable

RANK = Path(__file__).with_name("rank.py")


def run(world: int, task: dict[str, Any]) -> dict[str, Any]:
    """Carry out a task in so many processes of this host, with those of others if there are more.

    Raises:
        Unavailable: The first process is on another host.
        RuntimeError: The group failed; the message is the last line that it printed.
    """
    with tempfile.TemporaryDirectory(prefix="minibatch-report-") as folder:
        asked, answer = Path(folder, "task.json"), Path(folder, "answer.json")
        asked.write_text(json.dumps(task | {"answer": str(answer)}), encoding="utf-8")
        command = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={world}"]
        variables = dict(os.environ)
        if task["nodes"] == 1:
            command += ["--standalone", "--local-addr=127.0.0.1"]
            # A host's own name need not lead anywhere.
            variables |= {"GLOO_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else {}
        else:
            command += [f"--nnodes={task['nodes']}", "--rdzv-backend=c10d", "--rdzv-id=report"]
            command += [f"--rdzv-endpoint={task['rendezvous']}"]
        done = subprocess.run(
            [*command, str(RANK), str(asked)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=variables,
        )
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if "Error" in line]
            raise RuntimeError(lines[-1].strip() if lines else "torchrun failed")
        if not answer.exists():
            raise Unavailable("the numbers of this group are kept on the host of its first process")
        found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return found
