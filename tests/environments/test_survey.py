"""Frameworks in interpreters of their own: one that fails is recorded, and the others go on."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner

from report import terminal
from report.cli import main
from report.environments import venvs
from report.environments.process import BOOTSTRAP, Worker
from report.experiments.catalogue import LABELS
from report.machine import noise
from report.registry import BACKENDS
from report.results import store
from report.run import host
from report.worker import main as worker

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def _no_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be no environment, and work in an empty folder."""
    monkeypatch.setenv(venvs.FOLDER_VARIABLE, str(tmp_path / "envs"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(name="script")
def shell_script(tmp_path: Path) -> Callable[[str], str]:
    """Return a function that makes an interpreter of a shell script."""

    def make(body: str) -> str:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return str(path)

    return make


@pytest.fixture(name="with_numba", scope="module")
def made_up_numba(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Return a function that lets "numba" be this code, in an interpreter with nothing else."""
    folder = tmp_path_factory.mktemp("broken")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = venvs.python_in(folder)
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    asked = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    package = Path(asked.stdout.strip(), "numba", "__init__.py")
    package.parent.mkdir()
    # What Numba stands on is imported before it.
    package.parent.with_name("numpy.py").write_text("import numba")

    def put(code: str) -> str:
        # Of another length each time: what was compiled in the same second would be taken for it.
        package.write_text(code)
        shutil.rmtree(package.with_name("__pycache__"), ignore_errors=True)
        return str(python)

    return put


OLD = (
    "import runpy, sys; sys.version_info = (3, 9, 18); "
    f'runpy.run_path("{BOOTSTRAP}", run_name="__main__")'
)
TOO_OLD = "the worker needs Python 3.11 or newer, and this interpreter is"

FAILURES = {
    "segfault": ("kill -SEGV $$", "it was ended by SIGSEGV"),
    "no python": ("echo it is not >&2; exit 3", "it ended by itself with code 3: it is not"),
    "silent": ("exec >&-; cat >/dev/null", "it closed its output"),
    "old": (f"exec {sys.executable} -c '{OLD}'", f"it ended by itself with code 1: {TOO_OLD} 3.9"),
}


def failed(found: host.Host) -> str:
    """Return why Numba failed, where NumPy in this interpreter did not."""
    statuses = {name: one.status for name, one in found.environments.items()}
    assert statuses == {"numba": "failed", "numpy": "ok"}
    return str(found.environments["numba"].reason)


@pytest.mark.parametrize(("body", "why"), FAILURES.values(), ids=FAILURES)
def test_interpreter_that_fails_leaves_the_other_frameworks(
    script: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, body: str, why: str
) -> None:
    """It is failed with its reason; NumPy, in this interpreter, is there."""
    monkeypatch.setattr("report.environments.process.GRACE_S", 1.0)
    wrong = script(body)
    found = host.survey(["numba", "numpy"], interpreters={"numba": wrong})
    assert failed(found) == f"Numba could not be started: {why}"
    assert found.command("numba")[0] == wrong
    assert found.command("numpy")[0] == sys.executable


def test_interpreter_that_hangs_is_given_up(
    script: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an import does that waits for a device or for the network."""
    ask = Worker.ask
    limits = {"numba": 1.0, "numpy": 60.0}

    def asked(self: Worker, request: dict[str, Any], _: float) -> dict[str, Any]:
        return ask(self, request, limits[request["backend"]])

    monkeypatch.setattr(Worker, "ask", asked)
    found = host.survey(["numba", "numpy"], interpreters={"numba": script("sleep 600")})
    assert failed(found) == "Numba could not be started: no answer within 1 s"


def test_file_that_the_system_cannot_run_fails_its_framework_only(tmp_path: Path) -> None:
    """As a Python of another processor is, from a shared folder; no traceback."""
    strange = tmp_path / "strange"
    strange.write_bytes(b"\0\1\2\3")
    strange.chmod(0o755)
    found = host.survey(["numba", "numpy"], interpreters={"numba": str(strange)})
    assert failed(found).endswith("the system cannot run it: Exec format error")


CRASHES = {
    "raises": ("raise ImportError('no such kernel')", "ImportError: no such kernel"),
    "exits": ("import os; os._exit(7)", "it ended by itself with code 7"),
    "abort": ("import os; os.abort()", "it was ended by SIGABRT"),
}


@pytest.mark.parametrize(("code", "why"), CRASHES.values(), ids=CRASHES)
def test_framework_that_crashes_when_it_is_imported_leaves_the_others(
    with_numba: Callable[[str], str], code: str, why: str
) -> None:
    """In the interpreter that experiments.yaml names; the reason is how it ended."""
    found = host.survey(["numba", "numpy"], interpreters={"numba": with_numba(code)})
    assert failed(found).startswith(f"Numba could not be started: {why}")
    assert failed(found).count(why) == 1


def old_python() -> str:
    """Return a Python that is too old for the worker, or skip the test."""
    for minor in range(10, 5, -1):
        python = shutil.which(f"python3.{minor}")
        # A version manager has such a program also where there is no such Python.
        if python and subprocess.run([python, "-c", ""], check=False).returncode == 0:
            return python
    pytest.skip("there is no Python older than 3.11 here; a stand-in is tested above")


def test_real_interpreter_that_is_too_old_says_which_would_do() -> None:
    """It can still read the first lines of the worker."""
    found = host.survey(["numba", "numpy"], interpreters={"numba": old_python()})
    assert f"{TOO_OLD} 3." in failed(found)


def test_missing_framework_says_which_python_it_needs_where_this_is_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An interpreter that is too new can never have it: the reason names one that can."""
    mxnet = replace(BACKENDS["mxnet"], package="no_such_package")
    reasons = []
    for newest in (sys.version_info[:2], (3, 10)):
        monkeypatch.setitem(BACKENDS, "mxnet", replace(mxnet, oldest=(3, 10), newest=newest))
        environment = worker._environment("mxnet")
        assert environment.status == "skipped"
        reasons.append(environment.reason)
    assert reasons == [
        "MXNet is not installed: report env create mxnet",
        "MXNet is not installed: report env create mxnet (it runs on Python 3.10)",
    ]


def test_paths_of_interpreters_are_not_printed_as_hardware() -> None:
    """What `report hardware --json` prints may be published."""
    found = host.survey(["numpy"])
    printed = json.dumps(terminal.host_data(found))
    assert json.loads(printed)["environments"]["numpy"]["status"] == "ok"
    assert sys.executable not in printed
    assert "interpreters" not in printed


def configure(**changes: object) -> None:
    """Write an experiments.yaml of one tiny product in NumPy and in Numba."""
    config = {
        "version": 1,
        "device": "cpu",
        "backends": ["numba", "numpy"],
        "profiles": {"quick": {"processes": 1, "repeats": 3, "seeds": 1}},
        "experiments": {
            "product": {"kind": "matmul", "size": 8, "strategy": "full", "budget_s": 0.2}
        },
        **changes,
    }
    Path("experiments.yaml").write_text(yaml.safe_dump(config))


def test_run_measures_what_there_is_and_records_why_the_rest_is_not(
    with_numba: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a framework that is not there, the command that makes it; for one that crashes, why."""
    # The first is no fault, the second is a failure, which the exit code tells.
    monkeypatch.setattr(noise, "probes", list)
    if find_spec("numba") is not None:
        pytest.skip("Numba is installed here")
    crashing = with_numba("import os; os.abort()")
    reasons = []
    for interpreters, code, status in (({}, 0, "skipped"), ({"numba": crashing}, 1, "failed")):
        configure(interpreters=interpreters)
        done = CliRunner().invoke(main, ["run", "--trust", "--machine", "here"])
        assert done.exit_code == code, done.output
        result = store.read_all(Path("results"), LABELS)[0][-1].result
        records = {record.backend: record for record in result.records}
        assert records["numpy"].status == "ok"
        assert records["numba"].status == status
        assert str(records["numba"].reason) in done.stderr
        reasons.append(str(records["numba"].reason))
    assert reasons[0] == "Numba is not installed: report env create numba"
    assert reasons[1].startswith("Numba could not be started: it was ended by SIGABRT")
    written = [gzip.decompress(path.read_bytes()) for path in Path("results").rglob("*.json.gz")]
    assert written
    assert not any(os.path.dirname(crashing).encode() in each for each in written)  # noqa: PTH120


def test_run_with_an_interpreter_that_is_not_there_changes_nothing() -> None:
    """One line that names the key, before anything is measured."""
    configure(interpreters={"numba": "/no/such/python"})
    done = CliRunner().invoke(main, ["run", "--trust"])
    assert done.exit_code == 2
    assert "interpreters.numba: /no/such/python is not a program that can" in done.output
    assert "name a Python, or remove the key" in done.output
    assert [line for line in done.output.splitlines() if "Error" in line] == [
        done.output.splitlines()[-1]
    ]
    assert not Path("results").exists()
