"""What tests in several folders need."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# Before `pages` looks for it. Processes that pytest-xdist starts inherit it from the first.
MADE = None if "REPORT_DRAWN_BY_TESTS" in os.environ else tempfile.mkdtemp(prefix="drawn-")
os.environ.setdefault("REPORT_DRAWN_BY_TESTS", MADE or "")

import pages  # noqa: E402
import results_factory  # noqa: E402

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from report.config.plan import Plan
    from report.results.result import Result
    from report.run.host import Host
    from report.run.runner import Run

HERE = Path(__file__).parent

# Read when the tests are collected: some of them hide the variable from the code that they test.
FOLDERS = [os.environ.get("REPORT_DATA_DIR"), Path(__file__).parents[2] / "shared" / "data"]


def pytest_unconfigure() -> None:
    """Take away what tests have drawn, once all processes are done."""
    if MADE:
        shutil.rmtree(MADE, ignore_errors=True)


@pytest.fixture(autouse=True, scope="session")
def _no_ones_configuration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Leave the configuration of whoever runs the tests alone, also in processes they start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPORT_CONFIG_DIR", str(tmp_path_factory.mktemp("configuration")))
        yield


@pytest.fixture(autouse=True)
def _no_ones_tuning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away the variables that a run would say it drops; importing a framework sets some."""
    from report.environments.variables import dropped

    for name in dropped(os.environ):
        monkeypatch.delenv(name)


@pytest.fixture(name="real_file", scope="session")
def real_data_file() -> Path:
    """Return the airfoil file, which the project does not contain; CI must have it."""
    from report.run.data import FILE_NAME

    for folder in FOLDERS:
        if folder and (file := Path(folder) / FILE_NAME).is_file():
            return file
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have {FILE_NAME}: set REPORT_DATA_DIR to its folder")
    pytest.skip(f"{FILE_NAME} is not here: set REPORT_DATA_DIR to its folder")


@pytest.fixture(scope="session")
def make_result() -> Callable[..., Result]:
    """Return a function that makes a result of the default experiments without measuring.

    `make_result(machine_id="fixed-machine", speed=1.0, *, started_at=..., profile="quick")`: the
    same result for the same arguments; three processes, one record failed, one skipped.
    """
    return results_factory.make_result


@pytest.fixture(scope="session")
def two_results(make_result: Callable[..., Result]) -> list[Result]:
    """Return the results of two machines, of which `fast-machine` is twice as fast."""
    return [make_result("fast-machine", 2.0), make_result("fixed-machine")]


@pytest.fixture(scope="session")
def two_machine_site(two_results: list[Result]) -> dict[str, bytes]:
    """Return the site of two machines."""
    return pages.gather(two_results)


@pytest.fixture(scope="session")
def one_machine_site(two_results: list[Result]) -> dict[str, bytes]:
    """Return the site of `fixed-machine` alone."""
    return pages.gather(two_results[1:])


class FakeWorker:
    """`fakeworker.py` with a folder of its own, and runs whose experiments tell it what to do.

    Attributes:
        folder: Where it is told what to do, and notes what it did.
        results: The results folder of its runs.
        command: Starts it.
        bootstrap: Starts it in any interpreter.
    """

    def __init__(self, folder: Path) -> None:
        """Let it answer properly until told otherwise."""
        self.folder, self.results = folder, folder / "results"
        worker = [str(HERE / "fakeworker.py"), str(folder)]
        self.command = [sys.executable, "-I", *worker]
        self.bootstrap = folder / "bootstrap.py"
        started = f"import runpy, sys; sys.argv = {worker!r}\n"
        self.bootstrap.write_text(f'{started}runpy.run_path(sys.argv[0], run_name="__main__")\n')
        self.behave({})

    def behave(self, behaviours: Mapping[str, str]) -> None:
        """Say what to do for products of a size, and for "environment"."""
        (self.folder / "behaviours.json").write_text(json.dumps(behaviours))

    def tell(self, words: str) -> None:
        """Say what it prints, and what its environment's variable holds."""
        (self.folder / "told").write_text(words)

    def jobs(self) -> list[dict[str, Any]]:
        """Return the jobs that it was given, each with what it noted."""
        notes = self.folder / "jobs.jsonl"
        return (
            [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []
        )

    def wait_for(self, size: int, process: subprocess.Popen[str]) -> None:
        """Wait until a worker of a running program sits in the job of this size."""
        while size not in [job["size"] for job in self.jobs()]:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)

    def plan(
        self,
        experiments: Mapping[str, str],
        *,
        processes: int = 1,
        seed: int = 1,
        budget_s: float = 1.0,
        timeout_s: float = 30.0,
        cold: Sequence[str] = (),
        backends: Sequence[str] = ("pytorch",),
    ) -> Plan:
        """Return a plan of experiments, each with the behaviour that it meets."""
        from report.config.plan import Plan, PlannedExperiment

        self.behave({str(8 + n): what for n, what in enumerate(experiments.values())})
        planned = [
            PlannedExperiment(
                name=name,
                title=name.capitalize(),
                kind="matmul",
                backends=list(backends),
                device="auto",
                processes=processes,
                repeats=3,
                budget_s=budget_s,
                timeout_s=timeout_s,
                seeds=1,
                settings={"size": [8 + number], "as_printed": name in cold},
            )
            for number, name in enumerate(experiments)
        ]
        return Plan(
            title="Fake",
            seed=seed,
            profile="quick",
            examples=1500,
            dataset_path=None,
            experiments=planned,
        )

    def host(self, *backends: str) -> Host:
        """Return a machine with these frameworks, or PyTorch."""
        from report.run.host import Host

        environment = results_factory.make_environment
        return Host(
            machine=results_factory.make_machine(),
            environments={name: environment(name) for name in backends or ("pytorch",)},
        )

    def run(self, plan: Plan, **fields: Any) -> Run:
        """Return a run of a plan by this worker."""
        from report.run.runner import Run

        backends = plan.backends()
        return Run(
            **{
                "plan": plan,
                "host": self.host(*backends),
                "results": self.results,
                "checkout": self.folder,
                **fields,
            }
        )


@pytest.fixture
def fake_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeWorker:
    """Return a worker that measures nothing and misbehaves on request."""
    from report.environments import process
    from report.machine import noise

    worker = FakeWorker(tmp_path)
    # Every interpreter runs it in place of the real one.
    monkeypatch.setattr(process, "BOOTSTRAP", worker.bootstrap)
    # The machine's speed is of no interest here, and measuring it takes longer than a fake job.
    monkeypatch.setattr(noise, "probes", list)
    # Nor whether it was disturbed, which would have jobs done again.
    monkeypatch.setattr(noise, "SHORTEST_S", math.inf)
    monkeypatch.setattr(noise, "_swapped_bytes", lambda: None)
    monkeypatch.setattr(noise, "_throttle_counts", lambda _: {})
    return worker
