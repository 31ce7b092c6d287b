"""Programs in processes of their own, and whether they have ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_S = 60.0
"""Far more than any process takes to end; only a failure waits for it."""


def start_program(code: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """Start Python with this code, in a session of its own, with these further variables."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **variables},
    )


def ended(pid: int) -> bool:
    """Return whether a process has ended; a zombie has, though nobody has asked how."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def gone(*pids: int) -> bool:
    """Wait for processes to end; return whether they did."""
    deadline = time.monotonic() + PATIENCE_S
    while not all(map(ended, pids)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


KILLING = """
import os, signal, sys
at, folder, seen = int(sys.argv[1]), sys.argv[2], 0
CHANGES = {"os.chmod", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate"}

def kill(event, arguments):
    global seen
    writing = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if (writing or event in CHANGES) and str(arguments[0]).startswith(folder):
        seen += 1
        if seen == at:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(kill)
"""
"""Ends a program before it changes something below a folder for the n-th time."""


def killed_before(number: int, folder: Path, code: str) -> bool:
    """Run a program, and kill it before its n-th change below a folder; return whether it was.

    Nothing that would tidy up runs: it is what a power cut or the system's killer leaves.
    """
    process = start_program(KILLING + code, str(number), str(folder))
    _, complaint = process.communicate()
    assert process.returncode in {0, -signal.SIGKILL}, complaint
    return process.returncode != 0
