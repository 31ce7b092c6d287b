"""Starts groups of processes with torchrun; `rank` is what each of them does."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from report.worker.records import Unavailable

RANK = Path(__file__).with_name("rank.py")

SIOCGIFADDR = 0x8915
"""Linux's request for the address of an interface."""


class _Own(NamedTuple):
    """This host, as the others of a rendezvous see it."""

    address: str
    interface: str | None  # that has this address; None where nothing says
    meets: bool  # whether the rendezvous is here


def _own_address(rendezvous: str) -> _Own:
    """Look up by which address this host reaches a rendezvous, "host:port".

    torchrun and gloo ask for the host's own name instead, which on many hosts leads to a loopback
    address: they would wait for each other for ever.

    Raises:
        Unavailable: No way leads there.
    """
    host, _, port = rendezvous.rpartition(":")
    try:
        family, kind, _, _, there = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as asking:
            asking.connect(there)  # of a datagram's socket: nothing is sent
            address = asking.getsockname()[0]
    except OSError as error:
        raise Unavailable(f"no way to the rendezvous {rendezvous}: {error}") from error
    return _Own(address, _interface(address), address == there[0])


def _interface(address: str) -> str | None:
    if sys.platform == "linux":
        import fcntl  # noqa: PLC0415 (no Windows has it)

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            for _, name in socket.if_nameindex():
                with contextlib.suppress(OSError):  # one without an address
                    named = struct.pack("256s", name.encode())
                    found = fcntl.ioctl(asking, SIOCGIFADDR, named)[20:24]
                    if socket.inet_ntoa(found) == address:
                        return name
    return None


def run(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Carry out a task in processes of this host, with those of others if there are more.

    All hosts get the same numbers.

    Raises:
        Unavailable: No way leads to the other hosts.
        RuntimeError: The group failed; the message is the last line that it printed.
    """
    with tempfile.TemporaryDirectory(prefix="minibatch-report-") as folder:
        asked, answer = Path(folder, "task.json"), Path(folder, "answer.json")
        asked.write_text(json.dumps(task | {"answer": str(answer)}), encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "torch.distributed.run",
            f"--nproc-per-node={max(task['worlds'])}",
        ]
        variables = dict(os.environ)
        if task["nodes"] == 1:
            command += ["--standalone", "--local-addr=127.0.0.1"]
            # A host's own name need not lead anywhere.
            variables |= {"GLOO_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else {}
        else:
            own = _own_address(task["rendezvous"])
            command += [f"--nnodes={task['nodes']}", "--rdzv-backend=c10d"]
            command += [f"--rdzv-id={task['process']}"]
            command += [f"--rdzv-endpoint={task['rendezvous']}", f"--local-addr={own.address}"]
            command += [f"--rdzv-conf=is_host={int(own.meets)}"]
            variables |= {"GLOO_SOCKET_IFNAME": own.interface} if own.interface else {}
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
        found: list[dict[str, Any]] = json.loads(answer.read_text(encoding="utf-8"))
        return found
