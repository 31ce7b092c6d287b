"""What `--on` may say: hosts by SSH, from a real server, and nodes from a queue."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import asyncssh
import pytest
from click.testing import CliRunner

from processes import start_program
from report.cli import main
from report.experiments.catalogue import LABELS
from report.fleet import engine
from report.results import store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIGURATION = """
version: 1
backends: numpy
experiments:
  products: {kind: matmul, strategy: full, size: 32, processes: 2, budget_s: 0.5}
"""


@pytest.fixture(name="folder")
def with_a_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder with a configuration, where the user's own folders are as well."""
    (tmp_path / "experiments.yaml").write_text(CONFIGURATION, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


SERVER = """
import asyncio, asyncssh, subprocess, sys

async def carry_out(process):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
    child = subprocess.Popen(process.command, shell=True, text=True, **pipes)
    await process.redirect(stdout=child.stdout, stderr=child.stderr)
    process.exit(await asyncio.to_thread(child.wait))

async def serve(home):
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_host_keys=[f"{home}/host"],
        authorized_client_keys=f"{home}/id_ed25519.pub", process_factory=carry_out,
    )
    print(server.get_port(), flush=True)
    await server.wait_closed()

asyncio.run(serve(sys.argv[1]))
"""
"""Does what a shell does with the commands that come by SSH."""


@pytest.fixture(name="port")
def of_an_ssh_server(folder: Path) -> Iterator[int]:
    """Yield the port of a server that the user's key opens."""
    home = folder / ".ssh"
    home.mkdir(mode=0o700)
    for name in ("host", "id_ed25519"):
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(home / name)
        key.write_public_key(home / f"{name}.pub")
    server = start_program(SERVER, str(home))
    with server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        known = f"[127.0.0.1]:{port} " + (home / "host.pub").read_text(encoding="utf-8")
        (home / "known_hosts").write_text(known, encoding="utf-8")
        yield port
        os.killpg(server.pid, signal.SIGKILL)


def _run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "report", "run", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)


@pytest.mark.slow
def test_hosts_of_a_file_are_measured_by_ssh(folder: Path, port: int) -> None:
    """With the user's own keys and the Python that the file names."""
    (folder / "hosts.txt").write_text(
        f"# desks\n\n127.0.0.1:{port} {sys.executable}\n", encoding="utf-8"
    )
    done = _run("--on", "ssh:hosts.txt")
    assert done.returncode == 0, done.stderr
    assert len([store.load(path, LABELS) for path in store.files_in(folder / "results")]) == 1


@pytest.mark.slow
def test_nodes_of_a_queue_are_measured(folder: Path) -> None:
    """Of the queue whose jobs are processes of this host, with the scripts of all others."""
    done = _run("--on", "local:1")
    assert done.returncode == 0, done.stderr
    assert len(store.files_in(folder / "results")) == 1


def test_dry_run_shows_the_job_and_asks_for_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the queue would be handed, by the user's own configuration of it."""
    for name, value in {"CORES": "4", "MEMORY": "8GB", "QUEUE": "short"}.items():
        monkeypatch.setenv(f"DASK_JOBQUEUE__SLURM__{name}", value)
    done = _run("--on", "slurm:3", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "#SBATCH -p short" in done.stderr
    assert "products" in done.stdout
    assert not (folder / "results").exists()


@pytest.mark.parametrize(
    ("on", "told"),
    [
        ("slrum:3", "slurm"),
        ("slurm", "how many"),
        ("slurm:none", "how many"),
        ("ssh:nobody.txt", "nobody.txt"),
        ("ssh:empty.txt", "empty.txt"),
        ("tcp://127.0.0.1:1", "cannot be used"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_hosts_that_are_none_are_told_in_a_line(
    on: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what could have been meant."""
    monkeypatch.setattr(engine, "CONNECT_S", 0.5)
    with open("empty.txt", "w", encoding="utf-8"):  # noqa: PTH123 (in the folder gone to)
        pass
    done = CliRunner().invoke(main, ["run", "--on", on, "--trust"])
    assert done.exit_code == 2, done.output
    assert told in done.output


@pytest.mark.parametrize("option", [("--machine", "me"), ("--runs", "2"), ("--json", "--dry-run")])
@pytest.mark.usefixtures("folder")
def test_options_of_one_machine_are_refused(option: tuple[str, str]) -> None:
    """A fleet's hosts have names of their own, and a run each."""
    done = CliRunner().invoke(main, ["run", "--on", "local:1", *option])
    assert done.exit_code == 2
    assert option[0] in done.output


def test_files_from_elsewhere_do_not_travel(folder: Path) -> None:
    """Only what lies in the configuration's folder goes to hosts."""
    inner = folder / "inner"
    inner.mkdir()
    text = CONFIGURATION + "claims: ../own.yaml\n"
    (inner / "experiments.yaml").write_text(text, encoding="utf-8")
    (folder / "own.yaml").write_text("{}\n", encoding="utf-8")
    os.chdir(inner)
    done = CliRunner().invoke(main, ["run", "--on", "local:1"])
    assert done.exit_code == 2
    assert "outside" in done.output
