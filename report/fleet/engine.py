"""Finds a fleet's hosts through Dask: of a running scheduler, by SSH, or from a queue."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from report.errors import ReportError, UsageError
from report.text.names import instead
from report.worker.records import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator

QUEUES = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "lsf": "LSFCluster",
    "sge": "SGECluster",
    "oar": "OARCluster",
    "htcondor": "HTCondorCluster",
    "local": "LocalCluster",  # its jobs are processes on this host, to try out a configuration
}

CONNECT_S = 20

QUIET = {
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "10s",
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
}
"""Settings with which a waiting worker takes 1 % of a core, and not 6 % (measured here)."""


@contextlib.contextmanager
def opened(on: str) -> Iterator[tuple[Any, int]]:
    """Open what `on` names; yields Dask's client, and how many hosts to expect.

    Raises:
        UsageError: `on` is malformed, Dask is not installed, or the hosts cannot be reached.
    """
    os.environ.update(QUIET | os.environ)
    try:
        from distributed import Client
    except ImportError:
        raise UsageError(
            "--on needs Dask: pip install distributed asyncssh, here and on each host."
        ) from None
    with contextlib.ExitStack() as stack:
        with _told(on):
            cluster, hosts = _cluster(on)
            if cluster is not on:
                stack.enter_context(cluster)
            client = stack.enter_context(Client(cluster, timeout=CONNECT_S, set_as_default=False))
        yield client, hosts or max(1, len(client.scheduler_info()["workers"]))


def job_script(on: str) -> str | None:
    """Return the job script that a queue would get for each host; None if `on` is not a queue.

    Raises:
        UsageError: The queue's configuration is incomplete.
    """
    if on.partition(":")[0] not in QUEUES:
        return None
    with _told(on):
        cluster, _ = _cluster(on, jobs=0)
        with cluster:
            return str(cluster.job_script())


@contextlib.contextmanager
def _told(on: str) -> Iterator[None]:
    try:
        yield
    except ReportError:
        raise
    except Exception as error:
        # Of Dask, SSH and queues, which have errors of their own, or none at all.
        raise UsageError(f"{on} cannot be used: {reason_of(error)}") from error


def _cluster(on: str, jobs: int | None = None) -> tuple[Any, int]:
    """Return a cluster, or the address of one, and how many hosts it has; 0 if that is unknown."""
    way, _, rest = on.partition(":")
    if way in {"tcp", "tls"}:
        return on, 0
    if way == "ssh":
        return _by_ssh(Path(rest))
    if way not in QUEUES:
        raise UsageError(
            f"--on {on} is not ssh:FILE, tcp://HOST:PORT, tls://HOST:PORT or one of "
            f"{', '.join(f'{name}:N' for name in QUEUES)}.{instead(way, ['ssh', 'tcp', *QUEUES])}"
        )
    if not rest.isdecimal() or not int(rest):
        raise UsageError(f"--on {on}: say how many hosts, such as {way}:4.")
    try:
        import dask_jobqueue
        from dask_jobqueue.local import LocalCluster
    except ImportError:
        raise UsageError("Queues need dask-jobqueue: pip install dask-jobqueue.") from None
    made = LocalCluster if way == "local" else getattr(dask_jobqueue, QUEUES[way])
    # Dask's own jobqueue.yaml says what a node is, and that a job gets all of it.
    own: dict[str, Any] = {"cores": 1, "processes": 1, "memory": "1GB"} if way == "local" else {}
    cluster = made(**own)
    cluster.scale(jobs=int(rest) if jobs is None else jobs)
    return cluster, int(rest)


def _by_ssh(path: Path) -> tuple[Any, int]:
    """Start workers on the hosts of a file: each line has a host and, if needed, its Python.

    Users, ports and keys can also come from ~/.ssh/config.
    """
    from distributed import SSHCluster

    try:
        lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    hosts = [words for words in lines if words and not words[0].startswith("#")]
    if not hosts or any(len(words) > 2 for words in hosts):
        raise UsageError(f"{path}: write one host on each line, then its Python if needed.")
    pythons = [words[1] if len(words) == 2 else "python3" for words in hosts]
    places = [_place(words[0]) for words in hosts]
    # The first host also runs the scheduler, which sleeps while hosts measure.
    cluster = SSHCluster(
        [name for name, _ in (places[0], *places)],
        connect_options=[options for _, options in (places[0], *places)],
        worker_options={"nthreads": 1},
        scheduler_options={"dashboard": False},
        remote_python=[pythons[0], *pythons],
    )
    return cluster, len(hosts)


def _place(host: str) -> tuple[str, dict[str, Any]]:
    parts = re.fullmatch(r"(?:(?P<user>[^@]+)@)?(?P<name>[^:]+)(?::(?P<port>\d+))?", host)
    if parts is None:
        raise UsageError(f"{host!r} is not a host: expected [USER@]NAME[:PORT].")
    options: dict[str, Any] = {"username": parts["user"]} if parts["user"] else {}
    return parts["name"], options | ({"port": int(parts["port"])} if parts["port"] else {})
