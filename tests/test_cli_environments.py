"""`report env` and `--create-envs`: what is printed, and which environments are made."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from click.testing import CliRunner

from factories.environments import stand_in
from report.cli import main
from report.environments import venvs
from report.registry import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result as Done

    from conftest import FakeWorker

    Configure = Callable[..., FakeWorker]

REPORT = str(Path(sys.executable).with_name("report"))


@pytest.fixture(name="root", autouse=True)
def empty_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let all environments lie in an empty folder, and work in another."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv(venvs.FOLDER_VARIABLE, str(tmp_path / "envs"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "envs"


def run(*arguments: str) -> Done:
    """Run a command in this process."""
    return CliRunner().invoke(main, arguments)


def made_today(root: Path, backend: str) -> Path:
    """Put what looks like an environment into the folder, made from today's requirements."""
    return stand_in(root, backend, (venvs.REQUIREMENTS / f"{backend}.txt").read_text())


def test_list_shows_which_are_there_and_which_are_out_of_date(root: Path) -> None:
    """Each framework with the Pythons it runs on, the command that helps, and the folder."""
    made_today(root, "numba")
    stand_in(root, "numpy", "of another version")
    done = run("env", "list")
    assert done.exit_code == 0
    rows = dict(re.findall(r"\u2502 (\w+) +\u2502 (.*?) +\u2502 3\.\d+", done.output))
    assert rows["numba"] == "installed"
    assert rows["numpy"] == "installed, but outdated; `report env create numpy` renews it"
    others = sorted(set(BACKENDS) - {"pytorch", "numba", "numpy"})
    assert {name: rows[name] for name in others} == {
        name: f"none; `report env create {name}` creates it" for name in others
    }
    for name in rows:
        assert re.search(rf"{name} .* {re.escape(BACKENDS[name].pythons())} ", done.output)
    assert done.output.splitlines()[-1] == f"In {root}"


def test_unknown_environment_is_named_with_those_that_there_are() -> None:
    """As any mistyped name; PyTorch has none, since it is installed with the package."""
    for command in ("create", "remove"):
        done = run("env", command, "tensorflw")
        assert done.exit_code == 2
        assert "There is no environment 'tensorflw'. Did you mean 'tensorflow'?" in done.output
        done = run("env", command, "pytorch")
        assert done.exit_code == 2
        assert f"There are: {', '.join(venvs.names())}." in done.output


def test_name_is_no_way_out_of_the_folder(root: Path) -> None:
    """Nothing outside is made or removed."""
    mine = root / "mine"
    mine.mkdir(parents=True)
    for name in ("../mine", "mine", str(mine), ".", ""):
        assert run("env", "remove", name).exit_code == 2
    assert mine.is_dir()


def test_several_are_removed_and_what_was_not_there_is_said(root: Path) -> None:
    """One line for each."""
    stand_in(root, "numba")
    done = run("env", "remove", "numpy", "numba")
    assert (done.exit_code, done.output) == (0, "numpy was not installed.\nnumba was removed.\n")
    assert not (root / "numba").exists()


@pytest.mark.parametrize("command", ["create", "remove"])
def test_shell_completes_names_of_environments(command: str) -> None:
    """Of those for which there are requirements."""
    typed = {"COMP_WORDS": f"report env {command} num", "COMP_CWORD": "3"}
    environment = {**os.environ, "_REPORT_COMPLETE": "bash_complete", **typed}
    done = subprocess.run([REPORT], capture_output=True, text=True, check=False, env=environment)
    assert done.stdout.splitlines() == ["plain,numba", "plain,numpy"]


@pytest.fixture(name="made")
def pretended(root: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the environments that are made from here on; in truth they are stand-ins."""
    names: list[str] = []

    def make(backend: str, _: Callable[[str], None]) -> Path:
        names.append(backend)
        return made_today(root, backend)

    monkeypatch.setattr(venvs, "create", make)
    return names


@pytest.fixture(name="configure")
def answered(fake_worker: FakeWorker) -> Configure:
    """Return a function that writes experiments.yaml and lets the fake worker answer it."""

    def write(*backends: str, **changes: object) -> FakeWorker:
        config = {
            "version": 1,
            "backends": list(backends),
            "profiles": {"quick": {"processes": 1}},
            "experiments": {"product": {"kind": "matmul", "size": 8, "budget_s": 1}},
            **changes,
        }
        Path("experiments.yaml").write_text(yaml.safe_dump(config))
        return fake_worker

    return write


def measured_by(worker: FakeWorker) -> dict[str, str]:
    """Return which interpreter measured each framework."""
    return {job["backend"]: job["python"] for job in worker.jobs()}


def test_missing_environments_are_made_before_measuring_and_used(
    configure: Configure, made: list[str], root: Path
) -> None:
    """One for each framework that has none; PyTorch comes with the package."""
    worker = configure("pytorch", "numba", "numpy")
    made_today(root, "numpy")
    done = run("run", "--create-envs")
    assert done.exit_code == 0, done.output
    assert made == ["numba"]
    python = str(venvs.python_in(root / "numba"))
    assert done.stderr.splitlines()[0] == f"made the environment for numba: {python}"
    assert measured_by(worker) == {
        "pytorch": sys.executable,
        "numba": python,
        "numpy": str(venvs.python_in(root / "numpy")),
    }
    assert run("run", "--create-envs", "--fresh").exit_code == 0
    assert made == ["numba"]


def test_quiet_run_makes_environments_without_a_word(configure: Configure, made: list[str]) -> None:
    """No news is good news, for scripts."""
    configure("numba")
    done = run("run", "--create-envs", "-q")
    assert (done.exit_code, done.output, made) == (0, "", ["numba"])


def test_each_framework_is_named_where_there_are_several(
    configure: Configure,
) -> None:
    """A person sees whose it is, and once for all processes what was not even begun."""
    worker = configure("pytorch", "numba", "numpy", profiles={"quick": {"processes": 2}})
    worker.behave({"numba environment": "be killed", "numpy 8": "be killed"})
    done = run("run")
    assert done.exit_code == 1
    killed = "it was ended by SIGKILL, most often because memory ran out"
    shown = [re.sub(r", (\d|float32).*", "", line) for line in done.stderr.splitlines()]
    assert any("product, PyTorch" in line for line in shown)
    assert sorted(line for line in shown if line.startswith("failed")) == [
        f"failed all with Numba: Numba could not be started: {killed}",
        *[f"failed product, NumPy: {killed}"] * 2,
    ]


def test_none_is_made_where_a_person_names_an_interpreter(
    configure: Configure, made: list[str], tmp_path: Path
) -> None:
    """Their own is used, whatever it has."""
    own = tmp_path / "own-python"
    own.symlink_to(sys.executable)
    worker = configure("numba", interpreters={"numba": str(own)})
    assert run("run", "--trust", "--create-envs").exit_code == 0
    assert made == []
    assert measured_by(worker) == {"numba": str(own)}


@pytest.mark.parametrize("arguments", [["run"], ["run", "--dry-run", "--create-envs"]])
def test_none_is_made_unasked(configure: Configure, made: list[str], arguments: list[str]) -> None:
    """Nothing is downloaded without the option, nor to show a plan."""
    configure("numba")
    assert run(*arguments).exit_code == 0
    assert made == []


def test_environment_that_cannot_be_made_stops_the_run_before_it_measures(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asked for it learns at once, and not after minutes, that it is not there."""

    def fail(*_: object) -> None:
        raise venvs.EnvironmentCreationError("Numba, installing: no network.")

    worker = configure("numba", "numpy")
    monkeypatch.setattr(venvs, "create", fail)
    done = run("run", "--create-envs")
    assert (done.exit_code, done.output) == (1, "Error: Numba, installing: no network.\n")
    assert worker.jobs() == []
    assert not Path("results").exists()
