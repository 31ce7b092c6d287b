"""Environments that are made, fail, are interrupted, and are removed; with real ones."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from click.testing import CliRunner

from factories.environments import stand_in
from processes import start_program
from report.cli import main
from report.environments import venvs
from report.errors import UsageError
from report.registry import BACKENDS
from report.results import files

if TYPE_CHECKING:
    from collections.abc import Callable

    Require = Callable[[str], Path]

pytestmark = pytest.mark.slow

UV = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))

TIMEOUT_S = 120.0
"""Far more than an environment takes; only a failure waits for it."""

PROGRAM = """
import signal, sys
from pathlib import Path
from report.cli import main
from report.environments import venvs

# Whoever runs the tests in the background may have let them ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
venvs.REQUIREMENTS = Path(sys.argv[1])
venvs._uv = lambda: None
main(["env", "create", "numba"])
"""


@pytest.fixture(name="root", autouse=True)
def empty_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let all environments lie in an empty folder, and be made with pip."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv(venvs.FOLDER_VARIABLE, str(tmp_path / "envs"))
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    return tmp_path / "envs"


@pytest.fixture(name="require")
def requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return a function that lets "numba" be a package with this code, in a wheel on the disk."""

    def require(code: str) -> Path:
        folder = tmp_path / "requirements"
        folder.mkdir(exist_ok=True)
        wheel = folder / "numba-1.0-py3-none-any.whl"
        tags = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        parts = {
            "numba/__init__.py": code,
            "numba-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: numba\nVersion: 1.0\n",
            "numba-1.0.dist-info/WHEEL": tags,
            "numba-1.0.dist-info/RECORD": "",
        }
        with zipfile.ZipFile(wheel, "w") as archive:
            for name, content in parts.items():
                archive.writestr(name, content)
        (folder / "numba.txt").write_text(f"{wheel}\n")
        monkeypatch.setattr(venvs, "REQUIREMENTS", folder)
        return folder

    return require


def left(root: Path) -> list[str]:
    """Return what lies among the environments."""
    return sorted(path.name for path in root.iterdir())


def started(requirements_folder: Path, limit: str = "") -> subprocess.Popen[str]:
    """Make the environment in a process of its own, as the command line does."""
    program = (f"import resource; resource.setrlimit({limit})\n" if limit else "") + PROGRAM
    return start_program(program, str(requirements_folder))


def wait_for(folder: Path, pattern: str, process: subprocess.Popen[str]) -> None:
    """Wait until a creation has come so far that such a file is there."""
    deadline = time.monotonic() + TIMEOUT_S
    while not any(folder.glob(pattern)):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kill_all(process: subprocess.Popen[str]) -> None:
    """Kill a creation and what it started, as happens where a machine is switched off."""
    own = psutil.Process(process.pid)
    every = [own, *own.children(recursive=True)]
    for one in every:
        one.kill()
    process.communicate()
    psutil.wait_procs(every, 10)


def test_environment_is_made_found_renewed_and_removed(require: Require, root: Path) -> None:
    """Its own package is there and none of this project's; what is removed leaves nothing."""
    folder = require("HERE = 1")
    said: list[str] = []
    python = venvs.create("numba", said.append)
    assert venvs.find("numba", {}) == str(python)
    assert any("installing" in line for line in said)
    answer = subprocess.run(
        [python, "-I", "-c", "import numba; print(numba.HERE); import click"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stdout == "1\n"
    assert "No module named 'click'" in answer.stderr
    assert venvs.state("numba") == "there"
    (folder / "numba.txt").write_text("# another\n")
    assert venvs.state("numba") == "outdated"
    assert venvs.remove("numba")
    assert not venvs.remove("numba")
    assert venvs.stamp_of("numba") is None
    assert left(root) == []


@pytest.mark.skipif(UV is None, reason="uv is not installed")
def test_uv_makes_it_where_it_is_installed(
    require: Require, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faster than pip and with the same outcome, also in place of an earlier environment."""
    require("HERE = 1")
    monkeypatch.setattr("shutil.which", {"uv": UV}.get)
    for _ in range(2):
        python = venvs.create("numba")
    subprocess.run([python, "-I", "-c", "import numba; numba.HERE"], check=True)
    assert venvs.find("numba", {}) == str(python)


STEPS = {
    "raises": ("raise ImportError('no such kernel')", "importing", "code 1.*no such kernel"),
    "aborts": ("import os; os.abort()", "importing", "SIGABRT"),
    "cannot be had": (None, "installing:", "code 1.*numba-1.0-py3-none-any.whl"),
}


@pytest.mark.parametrize(("code", "step", "why"), STEPS.values(), ids=STEPS)
def test_step_that_fails_leaves_no_environment(
    require: Require, root: Path, code: str | None, step: str, why: str
) -> None:
    """The message says at which step, how it ended, and what was said last."""
    # A package that cannot be had is as where there is no network: in the installer's own words.
    folder = require(code or "")
    if code is None:
        (folder / "numba-1.0-py3-none-any.whl").unlink()
    done = CliRunner().invoke(main, ["env", "create", "numba"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert re.search(rf"(?s)Numba, {step}.*{why}", done.stderr)
    assert left(root) == []
    assert venvs.find("numba", {}) == sys.executable


def test_killed_creation_is_not_believed_and_can_be_done_again(
    require: Require, root: Path
) -> None:
    """Killed in the middle, it cannot tidy up; the next one does."""
    process = started(require(""))
    wait_for(root, "numba/pyvenv.cfg", process)
    kill_all(process)
    assert left(root) == ["numba", "numba.made"]
    assert venvs.stamp_of("numba") is None
    assert venvs.find("numba", {}) == sys.executable
    listed = CliRunner().invoke(main, ["env", "list"])
    assert "none; `report env create" in listed.output
    assert str(venvs.create("numba")) == venvs.find("numba", {})
    assert venvs.stamp_of("numba") is not None


def test_interrupted_creation_leaves_nothing(require: Require, root: Path) -> None:
    """Ctrl-C ends the installer as well, which would go on to fill the folder that was removed."""
    process = started(require(""))
    wait_for(root, "numba/lib/python*/site-packages/pip", process)
    at_work = psutil.Process(process.pid).children(recursive=True)
    assert len(at_work) > 1
    process.send_signal(signal.SIGINT)
    out, printed = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, out, printed.strip()) == (130, "", "Error: Interrupted.")
    assert psutil.wait_procs(at_work, 10)[1] == []
    assert left(root) == []


def test_second_creation_is_refused_while_the_first_is_at_work(
    require: Require, root: Path
) -> None:
    """It would take away what the first is making; one line says so."""
    process = started(require(""))
    wait_for(root, "numba/pyvenv.cfg", process)
    for command in ("create", "remove"):
        done = CliRunner().invoke(main, ["env", command, "numba"])
        assert (done.exit_code, done.output.count("\n")) == (2, 1)
        assert f"Another report is at work on {root / 'numba'}" in done.output
    assert (root / "numba" / "pyvenv.cfg").exists()
    kill_all(process)


def test_full_disk_leaves_nothing_and_says_so(require: Require, root: Path) -> None:
    """Files that cannot grow stand for a disk that is full."""
    process = started(require(""), "resource.RLIMIT_FSIZE, (20_000, 20_000)")
    _, printed = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    assert "File too large" in printed
    assert left(root) == []
    assert venvs.stamp_of("numba") is None


def test_disk_that_is_full_at_the_very_end_leaves_nothing(
    require: Require, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is installed and only the stamp finds no room; without it nothing would be believed."""
    require("")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "write", full)
    with pytest.raises(
        venvs.EnvironmentCreationError, match=rf"{root}.*No space left.*REPORT_ENV_DIR"
    ):
        venvs.create("numba")
    assert left(root) == []


def test_file_in_place_of_the_folder_is_told(require: Require, root: Path) -> None:
    """One line, with the variable that names another folder."""
    require("")
    root.write_text("mine")
    done = CliRunner().invoke(main, ["env", "create", "numba"])
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    for part in (str(root), "File exists", "REPORT_ENV_DIR"):
        assert part in done.output
    assert root.read_text() == "mine"


def test_what_this_program_did_not_make_is_left_alone(require: Require, root: Path) -> None:
    """A person's own folder of that name is neither replaced nor removed."""
    require("")
    mine = root / "numba" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("x")
    for act in (venvs.create, venvs.remove):
        with pytest.raises(UsageError, match="is not an environment of this program"):
            act("numba")
    assert mine.read_text() == "x"


def test_environment_stays_where_no_python_could_make_it_anew(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be carried out changes nothing."""
    too_new = replace(BACKENDS["numba"], oldest=(3, 9), newest=(3, 10))
    monkeypatch.setitem(BACKENDS, "numba", too_new)
    stand_in(root)
    with pytest.raises(UsageError, match=r"Numba needs Python 3\.9 to 3\.10; this is 3"):
        venvs.create("numba")
    assert venvs.stamp_of("numba") is not None


def test_environment_that_is_removed_in_part_is_not_believed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stamp goes first, so that an interruption leaves nothing that is taken for whole."""
    folder = stand_in(root).parents[1]

    def interrupted(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            venvs.remove("numba")
    assert folder.exists()
    assert venvs.stamp_of("numba") is None
    assert venvs.remove("numba")
    assert left(root) == []
