"""Fleets on a real engine: Dask's scheduler, and workers of this machine that stand for hosts.

Each has its own user's folders, as hosts have, and so an installation and results of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from distributed import Client

from namespaces import needs_namespaces, two_hosts
from processes import PATIENCE_S, gone
from report.experiments.catalogue import LABELS
from report.fleet import worker
from report.results import files, imported, store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from namespaces import Space
    from report.results.result import Result

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

CONFIGURATION = """
version: 1
backends: numpy
experiments:
  products:
    kind: matmul
    strategy: [column, full]
    size: 64
    processes: {processes}
    budget_s: {budget_s}
claims: own.yaml
"""

CLAIM = """
columns-cost:
  says: A product takes longer by column.
  section: of my own
  left: {experiment: products, series: {strategy: column}}
  right: {series: {strategy: full}}
  relation: greater
  because: It takes {left}, and {right} at once.
"""


def wait(until: Callable[[], object]) -> None:
    """Wait until something holds, which it does soon unless something is wrong."""
    deadline = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Engine:
    """A scheduler and its workers."""

    def __init__(self, folder: Path, space: Space | None = None) -> None:
        """Start a scheduler on a free port, of a namespace or of this host."""
        self.folder = folder
        self.programs: list[subprocess.Popen[bytes]] = []
        self.space = space
        self.address = self.schedule()

    def schedule(self) -> str:
        """Start a scheduler and return its address."""
        told = self.folder / "scheduler.json"
        told.unlink(missing_ok=True)
        host = self.space.address if self.space else "127.0.0.1"
        options = ("--host", host, "--port", "0", "--no-dashboard")
        self.start("scheduler", *options, "--scheduler-file", str(told))
        wait(lambda: told.exists() and told.read_bytes())
        return str(json.loads(told.read_text(encoding="utf-8"))["address"])

    def worker(
        self, name: str, space: Space | None = None, **variables: str
    ) -> subprocess.Popen[bytes]:
        """Start a worker that stands for a host of this name."""
        own = {"REPORT_CONFIG_DIR": "config", "XDG_CACHE_HOME": "cache"}
        places = {variable: str(self.host(name) / sub) for variable, sub in own.items()}
        options = ("--name", name, "--nthreads", "1", "--no-dashboard")
        here = ("--local-directory", str(self.host(name)))
        every = places | variables
        return self.start("worker", self.address, *options, *here, space=space, **every)

    def wait_for(self, workers: int) -> None:
        """Wait until so many workers are there."""
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=PATIENCE_S)

    def start(
        self, what: str, *options: str, space: Space | None = None, **variables: str
    ) -> subprocess.Popen[bytes]:
        """Start a program of Dask's, the scheduler in its namespace if it has one."""
        place = space or self.space
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *options]
        command = [*(place.inside if place else ()), *command]
        with (self.folder / "log").open("ab") as log:
            # Not from this checkout's folder, where Python would find this version of the program.
            program = subprocess.Popen(
                command, cwd=self.folder, env={**os.environ, **variables}, stdout=log, stderr=log
            )
        self.programs.append(program)
        return program

    def host(self, name: str) -> Path:
        """Return where a host's own files are."""
        place = self.folder / name
        place.mkdir(exist_ok=True)
        return place

    def begun(self, name: str) -> list[Path]:
        """Return what a host has of runs, whole or not."""
        return [*self.host(name).glob("cache/minibatch-report/fleet/results/*/*.json.gz")]

    def close(self) -> None:
        """End all that was started."""
        for program in self.programs:
            with contextlib.suppress(psutil.NoSuchProcess):
                for one in [psutil.Process(program.pid), *below(program)]:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        one.kill()
            program.wait()


def below(program: subprocess.Popen[bytes], having: str = "") -> list[psutil.Process]:
    """Return the processes that a program has started, of which the command has some word."""
    every = psutil.Process(program.pid).children(recursive=True)
    return [one for one in every if having in " ".join(one.cmdline())]


@pytest.fixture(name="engine")
def of_dask(tmp_path: Path) -> Iterator[Engine]:
    """Yield an engine without workers."""
    engine = Engine(tmp_path)
    try:
        yield engine
    finally:
        engine.close()


class Command:
    """`report run --on`, started by a person who has a configuration."""

    def __init__(self, engine: Engine, *, processes: int = 2, budget_s: float = 0.5) -> None:
        """Start it."""
        folder = engine.folder
        text = CONFIGURATION.format(processes=processes, budget_s=budget_s)
        (folder / "experiments.yaml").write_text(text, encoding="utf-8")
        (folder / "own.yaml").write_text(CLAIM, encoding="utf-8")
        self.results = folder / "results"
        inside = engine.space.inside if engine.space else []
        self.program = subprocess.Popen(
            [*inside, sys.executable, "-m", "report", "run", "--on", engine.address],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def ended(self) -> tuple[int, str]:
        """Return its exit status and what it said."""
        said = self.program.communicate(timeout=4 * PATIENCE_S)[0]
        return self.program.returncode, said

    def found(self) -> list[Result]:
        """Return the results that came."""
        return [store.load(path, LABELS) for path in store.files_in(self.results)]


def test_every_host_is_measured_once(engine: Engine) -> None:
    """Results are the owner's, each host's in a folder of its own; a second command adds none."""
    for name in ("one", "two"):
        engine.worker(name)
    engine.wait_for(2)
    command = Command(engine)
    status, said = command.ended()
    assert status == 0, said
    results = command.found()
    assert len({result.installation for result in results}) == 2
    assert len({path.parent for path in store.files_in(command.results)}) == 2
    assert not imported.load(command.results)
    assert all(result.finished_at and result.verdicts for result in results)
    again = Command(engine)
    assert again.ended()[0] == 0
    assert {one.run_id for one in again.found()} == {one.run_id for one in results}


def test_worker_that_is_killed_is_taken_up_where_it_was(engine: Engine) -> None:
    """Its process stops measuring with it; the run goes on when the engine has another worker."""
    host = engine.worker("one")
    command = Command(engine, processes=3, budget_s=9)
    wait(lambda: engine.begun("one"))
    (measuring,) = below(host, "report.fleet.host")
    killed = measuring.parent()
    assert killed is not None
    killed.kill()
    assert gone(measuring.pid)
    (begun,) = (store.load(path, LABELS) for path in engine.begun("one"))
    status, said = command.ended()
    assert status == 0, said
    assert "once more" in said
    (result,) = command.found()
    assert result.run_id == begun.run_id


def test_other_code_measures_nothing(engine: Engine) -> None:
    """A host with another version is named before anything is measured; the others go on."""
    other = engine.folder / "other"
    shutil.copytree(ROOT / "report", other / "report")
    for name in ("templates", "experiments.yaml", "claims.yaml"):
        (other / name).symlink_to(ROOT / name)
    changed = other / "report" / "worker" / "timing.py"
    changed.write_text(changed.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    engine.worker("one")
    engine.worker("two", PYTHONPATH=str(other))
    engine.wait_for(2)
    command = Command(engine)
    status, said = command.ended()
    assert status == 1
    assert "two: its measuring code" in said
    assert len(command.found()) == 1
    assert not engine.begun("two")


def test_scheduler_that_is_lost_ends_the_command_and_the_measuring(engine: Engine) -> None:
    """In a line; with a new one, the same command continues the same run."""
    host = engine.worker("one")
    command = Command(engine, processes=3, budget_s=9)
    wait(lambda: engine.begun("one"))
    (measuring,) = below(host, "report.fleet.host")
    engine.programs[0].kill()
    status, said = command.ended()
    assert status == 1
    assert "The scheduler is lost" in said
    host.terminate()
    assert gone(measuring.pid)
    (begun,) = (store.load(path, LABELS) for path in engine.begun("one"))
    engine.address = engine.schedule()
    engine.worker("one")
    again = Command(engine, processes=3, budget_s=9)
    assert again.ended()[0] == 0
    assert [result.run_id for result in again.found()] == [begun.run_id]


def test_host_that_another_fleet_measures_is_told(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It measures for one at a time, whoever sends them."""
    engine.worker("one")
    monkeypatch.setenv("XDG_CACHE_HOME", str(engine.host("one") / "cache"))
    with files.sole_writer(worker.results(), "measuring into"):
        status, said = Command(engine).ended()
    assert status == 1
    assert "Another report is measuring into" in said
    assert not engine.begun("one")


@needs_namespaces
def test_host_that_is_cut_off_is_told_and_goes_on_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its wire is taken down while it measures; what it has begun is continued."""
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL", "20s")
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP", "12s")
    with two_hosts() as (here, there):
        engine = Engine(tmp_path, here)
        try:
            host = engine.worker("one", there)
            command = Command(engine, processes=3, budget_s=9)
            wait(lambda: engine.begun("one"))
            (measuring,) = below(host, "report.fleet.host")
            there.wire("down")
            wait(lambda: host.poll() is not None)
            assert gone(measuring.pid)
            (begun,) = (store.load(path, LABELS) for path in engine.begun("one"))
            there.wire("up")
            engine.worker("one", there)
            status, said = command.ended()
        finally:
            engine.close()
    assert status == 0, said
    assert "its worker is lost; trying once more" in said
    assert [result.run_id for result in command.found()] == [begun.run_id]
