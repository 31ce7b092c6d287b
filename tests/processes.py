"""Programs in processes of their own, and whether they have ended."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil

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
