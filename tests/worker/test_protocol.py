"""The worker as a process: what it answers, what it imports, and that it never outlives its parent.

Workers here are real processes. Where a test needs a framework that misbehaves, the worker is
started by a script that puts a made-up backend and kind in the place of the real ones.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from processes import ended, gone
from report.environments.process import BOOTSTRAP, Worker, WorkerFailure, command
from report.environments.variables import recorded
from report.experiments.catalogue import KINDS
from report.results.result import Dataset
from report.run import data
from report.run.data import write_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from report.registry import KindName

ROOT = Path(__file__).parents[2]

HANG_S = 60.0
"""When a test gives up. It only bounds how long a failure takes."""

ENVIRONMENT = {"do": "environment", "backend": "pytorch"}

PARENT_SIDE = {
    *("click", "cpuinfo", "filelock", "jinja2", "matplotlib", "platformdirs", "pooch"),
    *("psutil", "pydantic", "pygments", "rich", "scipy", "yaml"),
}
"""What the parent depends on, less NumPy and pynvml, which PyTorch imports where they are."""

WORKER_SIDE = {
    *("report", "report.registry", "report.backends", "report.experiments", "report.worker"),
    *(f"report.worker.{name}" for name in ("checks", "curve", "host", "main", "probes", "records")),
    *("report.worker.schedules", "report.worker.sensors", "report.worker.timing"),
    *("report.backends.pytorch", "report.backends.pytorch.memory"),
    *(f"report.backends.pytorch.{name}" for name in ("device", "group", "optimizers")),
    *(f"report.backends.pytorch.{name}" for name in ("products", "steps")),
    "report.backends.pytorch.training",
    *(f"report.experiments.{kind}{part}" for kind in KINDS for part in ("", ".measure")),
}

REGISTER = f"""
import runpy
runpy.run_path({str(BOOTSTRAP)!r})["register"]()
"""

MADE_UP = (
    REGISTER
    + """
import ctypes, os, subprocess, sys, types
from report.worker.records import Environment, Outcome, Series

def noise(words):
    print(words, "from print")
    sys.stdout.flush()
    os.write(1, (words + " from the descriptor\\n").encode())
    libc = ctypes.CDLL(None)
    libc.puts((words + " from C").encode())
    libc.fflush(None)
    subprocess.run(["echo", words + " from a child"], check=True)

def environment():
    noise('{"environment": null}')
    return Environment(backend="pytorch", threads=3)

def session(device, threads):
    noise('{"outcome": null}')
    return (device, threads)

def measure(session, job):
    noise('{"failed": "noise"}')
    if "raise" in job:
        raise {"MemoryError": MemoryError, "ValueError": ValueError}[job["raise"]](job["words"])
    return Outcome(series=[Series(labels={"device": session[0], "threads": session[1]})])

backend = types.ModuleType("report.backends.pytorch")
backend.environment, backend.Session = environment, session
kind = types.ModuleType("report.experiments.matmul.measure")
kind.measure = measure
sys.modules[backend.__name__], sys.modules[kind.__name__] = backend, kind

from report.worker.main import main
"""
)


def script(folder: Path, *parts: str) -> list[str]:
    """Write a script and return the command that starts it as a worker is started."""
    file = folder / "script.py"
    file.write_text("\n".join(textwrap.dedent(part) for part in parts))
    return [*command()[:-1], str(file)]


def matmul_job() -> dict[str, Any]:
    """Return a request for a product of 8 x 8 in PyTorch."""
    return _job("matmul", strategy="full", size=8, as_printed=True)


def jobs(folder: Path) -> list[dict[str, Any]]:
    """Return a small request for each kind of experiment in PyTorch, on made-up data."""
    rng = np.random.default_rng(3)
    features, targets = rng.standard_normal((40, 5)), rng.standard_normal(40)
    dataset = Dataset(source="surrogate", origin="made up", sha1=None, examples=40, features=5)
    loaded = data.LoadedData(dataset=dataset, features=features, targets=targets)
    mine = folder / "mine.py"
    mine.write_text("def setup():\n    return list\n")
    bundle = write_bundle(folder / "bundle", loaded, seed=1, seeds=1, epochs=1)
    run = {"label": "one", "batch_size": 10, "lr": 0.1, "epochs": 1, "loss": "half_squared"}
    ways = {"loader": ["dataloader", "sliced"], "implementation": ["scratch", "concise"]}
    return [
        matmul_job(),
        _job("bandwidth", operation="read", working_set=4096),
        _job("overhead", add_size=1, variant="eager", update_size=1),
        _job("gradient", point="start", batch_size=1, draws=2)
        | {"bundle": {**bundle, "points": {"start": [0.0] * 6}}},
        _job("scaling", world=1, message_bytes=24, runs=[]) | {"bundle": bundle},
        _job("python", function="mine.py:setup") | {"source": str(mine)},
        _job("training", runs=[run], **ways) | {"bundle": bundle},
    ]


def _job(kind: KindName, **settings: Any) -> dict[str, Any]:
    set_to = KINDS[kind].settings.model_validate(settings).model_dump(mode="json")
    where = {"do": "job", "backend": "pytorch", "kind": kind, "device": "cpu", "threads": 1}
    part = {"seed": 1, "process": 0, "processes": 1, "seeds": 1, "budget_s": 0.1, "repeats": 3}
    return {**where, "settings": set_to, **part, "bundle": None, "last_cache_bytes": None}


# --- the real worker


@pytest.fixture(name="worker", scope="module")
def real_worker() -> Iterator[Worker]:
    """Start the worker that measures, once for several tests."""
    with Worker(command()) as worker:
        yield worker


def test_processes_of_the_same_code_lay_their_memory_out_differently(tmp_path: Path) -> None:
    """Else a product that is fast by where its arrays lie is fast in all of them."""
    rooms = tmp_path / "report" / "worker"
    rooms.mkdir(parents=True)
    for room in (rooms, rooms.parent):
        (room / "__init__.py").touch()
    start = shutil.copy(BOOTSTRAP, rooms)  # as in a run: by path, and with what it loads after it
    (rooms / "main.py").write_text("""
import ctypes

def main():
    arrays = [bytearray(65_536) for _ in range(16)]  # the first may fill holes from before
    print(ctypes.addressof((ctypes.c_char * 65_536).from_buffer(arrays[-1])) % 4096)
""")
    command = [sys.executable, str(start)]
    places = {subprocess.run(command, stdout=-1, check=True).stdout for _ in range(24)}
    assert len(places) > 3


def test_real_worker_describes_torch(worker: Worker) -> None:
    """Its version, its threads, and that a CPU can multiply at least two dtypes."""
    import torch

    environment = worker.ask(ENVIRONMENT, HANG_S)["environment"]
    assert environment["backend"] == "pytorch"
    assert environment["status"] == "ok"
    assert environment["versions"]["torch"] == torch.__version__
    assert environment["python"] == ".".join(map(str, sys.version_info[:3]))
    assert environment["threads"] >= 1
    assert {"float32", "float64"} <= set(environment["dtypes"]["cpu"])


def test_real_worker_measures_products_and_training_one_after_the_other(
    worker: Worker, tmp_path: Path
) -> None:
    """One process does several jobs, and each answer is that of its own job."""
    products = worker.ask(matmul_job(), HANG_S)["outcome"]
    runs = worker.ask(jobs(tmp_path)[-1], HANG_S)["outcome"]
    assert [series["labels"]["size"] for series in products["series"]] == [8]
    assert len(products["as_printed"]) == 4
    assert products["runs"] == []
    assert [run["labels"]["run"] for run in runs["runs"]] == ["one"] * 4
    assert runs["series"] == []


# --- answers and noise


def test_what_a_framework_prints_never_reaches_the_answers(tmp_path: Path) -> None:
    """Whether Python, C, the bare descriptor or a child prints it, though it looks like an answer.

    It goes to standard error instead, where a failure's record quotes it.
    """
    noisy = script(tmp_path, MADE_UP, "main()")
    errors = tmp_path / "stderr"
    redirected = ["sh", "-c", 'exec "$@" 2>"$0"', str(errors), *noisy]
    with Worker(redirected) as worker:
        environment = worker.ask(ENVIRONMENT, HANG_S)
        outcomes = [worker.ask(matmul_job(), HANG_S)["outcome"] for _ in range(2)]
    assert environment["environment"]["threads"] == 3
    labels = [outcome["series"][0]["labels"] for outcome in outcomes]
    assert labels == [{"device": "cpu", "threads": 1}] * 2
    printed = errors.read_text()
    for words in ('{"environment": null}', '{"outcome": null}', '{"failed": "noise"}'):
        for source in ("print", "the descriptor", "C", "a child"):
            assert f"{words} from {source}\n" in printed


def test_worker_says_with_which_variables_it_computes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that choose devices and those configured, with their values; of the rest, none came."""
    for name in [name for name in os.environ if name.startswith(("OMP_", "MKL_", "CUDA_"))]:
        monkeypatch.delenv(name)
    for name in ("OMP_NUM_THREADS", "MY_OMP_TOKEN", "OMPI_KEY"):
        monkeypatch.setenv(name, "3")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setitem(os.environb, b"HIP_PATH", b"caf\xe9")  # no text in any encoding
    configured = {"MKL_CBWR": "COMPATIBLE", "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"}
    with Worker(script(tmp_path, MADE_UP, "main()"), configured) as worker:
        seen = worker.ask(ENVIRONMENT, HANG_S)["environment"]["steering"]
    steering, places = recorded(seen, configured)
    assert steering.pop("HIP_PATH") == "caf?"
    assert steering == {"CUDA_VISIBLE_DEVICES": "", **configured}
    assert "PATH" in places
    assert "3" not in {**seen, **places}.values()


def test_worker_lists_the_packages_of_its_interpreter(worker: Worker) -> None:
    """All of them, under the names by which an index knows them."""
    packages = worker.ask(ENVIRONMENT, HANG_S)["environment"]["packages"]
    assert packages["torch"] == metadata.version("torch")
    assert packages["typing-extensions"] == metadata.version("typing_extensions")
    assert list(packages) == sorted(packages)


RAISED = {
    "ValueError: first line": {"raise": "ValueError", "words": "first line\nsecond line"},
    "ValueError": {"raise": "ValueError", "words": ""},
    "out of memory": {"raise": "MemoryError", "words": ""},
    # Only what stands in the registry is a module's name.
    "ValueError: unknown kind '..worker'": {"kind": "..worker"},
}


@pytest.mark.parametrize("reason", RAISED)
def test_whatever_a_job_raises_is_answered_in_one_line(tmp_path: Path, reason: str) -> None:
    """With the traceback among what it printed, unless memory has run out."""
    made_up = script(tmp_path, MADE_UP, "main()")
    with Worker(made_up) as worker, pytest.raises(WorkerFailure) as failure:
        worker.ask(matmul_job() | RAISED[reason], HANG_S)
    assert failure.value.reason == reason
    traced = "Traceback" in (failure.value.stderr_tail or "")
    assert traced == (reason != "out of memory")


def test_a_framework_that_is_not_installed_is_skipped_with_the_remedy(tmp_path: Path) -> None:
    """Without importing anything: the answer says what to install."""
    hidden = """
    import importlib.util
    importlib.util.find_spec = lambda name: None
    main()
    """
    with Worker(script(tmp_path, MADE_UP, hidden)) as worker:
        environment = worker.ask(ENVIRONMENT, HANG_S)["environment"]
    assert environment["status"] == "skipped"
    assert environment["reason"].startswith("PyTorch is not installed: pip install")


# --- what is imported, and from where


@pytest.fixture(name="loaded", scope="module")
def modules_after_jobs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the modules that a worker has imported once it has done one job of each kind."""
    folder = tmp_path_factory.mktemp("imports")
    requests = [ENVIRONMENT, *jobs(folder)]
    assert {request["kind"] for request in requests[1:]} == set(KINDS)
    probe = f"""
    import json, sys
    from report.worker.main import _answer
    for request in json.loads({json.dumps(requests)!r}):
        _answer(request)
    print(json.dumps(sorted(sys.modules)))
    """
    done = subprocess.run(
        script(folder, REGISTER, probe), capture_output=True, check=True, timeout=HANG_S
    )
    modules: list[str] = json.loads(done.stdout)
    return modules


def test_worker_imports_none_of_the_parents_packages(loaded: list[str]) -> None:
    """What measures must run in an interpreter that has a framework and nothing else."""
    assert "torch" in loaded
    assert PARENT_SIDE & {name.partition(".")[0] for name in loaded} == set()


def test_worker_imports_none_of_the_parents_modules(loaded: list[str]) -> None:
    """After all jobs exactly the worker side of this package is there."""
    own = {name for name in loaded if name.partition(".")[0] == "report"}
    assert own == WORKER_SIDE


def test_bootstrap_makes_the_package_importable_and_nothing_beside_it(tmp_path: Path) -> None:
    """In a bare interpreter, started where the project lies: no neighbours, no shadowed modules."""
    # -S keeps out site-packages, in which the project may be installed. report/site must not become
    # the standard library's `site`.
    probe = """
    import importlib.util, json, sys
    before = list(sys.path)
    register()
    import report.worker.records, site
    print(json.dumps({
        "path": sys.path == before,
        "file": report.worker.records.__file__,
        "site": hasattr(site, "getsitepackages"),
        "found": [n for n in ("tests", "benchmarks", "records", "cli", "script", "numpy", "click")
                  if importlib.util.find_spec(n)],
    }))
    """
    register = f'import runpy\nregister = runpy.run_path({str(BOOTSTRAP)!r})["register"]'
    interpreter, *options, file = script(tmp_path, register, probe)
    done = subprocess.run(
        [interpreter, *options, "-S", file],
        capture_output=True,
        cwd=ROOT,
        check=True,
        timeout=HANG_S,
    )
    told = json.loads(done.stdout)
    assert told["path"] is True
    assert told["site"] is True
    assert Path(told["file"]) == BOOTSTRAP.parent / "records.py"
    assert told["found"] == []


# --- the end

posix = pytest.mark.skipif(os.name != "posix", reason="process groups are POSIX's")


@posix
def test_worker_and_its_children_end_when_the_parent_is_killed(tmp_path: Path) -> None:
    """In the midst of a job, at once, though no one tells them: SIGKILL gives no chance to."""
    # The job multiplies matrices for ever, and has started a process that sleeps for ten minutes.
    pids = tmp_path / "pids"
    busy = f"""
    def measure(session, job):
        import torch
        torch.set_num_threads(1)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        part = {str(pids)!r} + ".part"
        with open(part, "w") as file:
            file.write(f"{{os.getpid()}} {{child.pid}}")
        os.replace(part, {str(pids)!r})
        matrix = torch.ones(2000, 2000)
        while True:
            torch.mm(matrix, matrix)

    kind.measure = measure
    main()
    """
    worker = script(tmp_path, MADE_UP, busy)
    parent = f"""
    from report.environments.process import Worker
    Worker({worker!r}).ask({matmul_job()!r}, 600)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(parent)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    family: list[int] = []
    try:
        deadline = time.monotonic() + HANG_S
        while not pids.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        family = [int(pid) for pid in pids.read_text().split()]
        assert not any(map(ended, family))
        assert os.getpgid(family[0]) != os.getpgid(process.pid)
        process.kill()
        process.wait()
        assert gone(*family)
    finally:
        process.kill()
        process.wait()
        for pid in family:
            if not ended(pid):
                os.kill(pid, signal.SIGKILL)


@posix
def test_an_idle_worker_ends_with_its_group_when_the_parent_closes_its_end() -> None:
    """Also without a job to interrupt."""
    with subprocess.Popen(
        command(), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(HANG_S) == -signal.SIGKILL


@posix
def test_a_worker_that_leads_no_group_ends_alone() -> None:
    """The group is then somebody else's: here a shell's, which lives to tell how it ended."""
    shell = ["sh", "-c", '"$@" >/dev/null 2>&1; echo "it ended with $?"', "sh"]
    done = subprocess.run(
        [*shell, *command()],
        input=b"",
        capture_output=True,
        start_new_session=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.stdout == b"it ended with 0\n"


def test_what_a_framework_leaves_is_not_collected_over_and_over(tmp_path: Path) -> None:
    """While measuring, the collector has few objects to go through; all older ones are frozen."""
    counting = """
        import gc
        def counting(session, job):
            labels = {"frozen": gc.get_freeze_count(), "left": len(gc.get_objects())}
            return Outcome(series=[Series(labels=labels)])
        kind.measure = counting
        main()
    """
    with Worker(script(tmp_path, MADE_UP, counting)) as worker:
        answer = worker.ask(matmul_job(), HANG_S)
    counts = answer["outcome"]["series"][0]["labels"]
    assert counts["frozen"] > 1000
    assert counts["left"] < counts["frozen"] / 10
