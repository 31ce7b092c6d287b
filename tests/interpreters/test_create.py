"""Environments that are made, fail, are interrupted, and are removed; with real ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from typing import TYPE_CHECKING

import filelock
import pytest
from click.testing import CliRunner

from report.cli import main
from report.errors import UsageError
from report.interpreters import create, places

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow

PROGRAM = """
import sys
from pathlib import Path
from report.interpreters import create, places
places.REQUIREMENTS = Path(sys.argv[1])
create.create("numba")
"""


@pytest.fixture(name="root", autouse=True)
def empty_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let all environments lie in an empty folder, and be made with pip."""
    monkeypatch.setenv(places.FOLDER_VARIABLE, str(tmp_path / "envs"))
    monkeypatch.setattr("shutil.which", lambda _: None)
    return tmp_path / "envs"


@pytest.fixture(name="require")
def requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return a function that lets "numba" be a package with this code, in a wheel on the disk."""

    def require(code: str) -> Path:
        folder = tmp_path / "requirements"
        folder.mkdir(exist_ok=True)
        wheel = folder / "numba-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("numba/__init__.py", code)
            archive.writestr(
                "numba-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: numba\nVersion: 1.0\n"
            )
            archive.writestr(
                "numba-1.0.dist-info/WHEEL",
                "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            )
            archive.writestr("numba-1.0.dist-info/RECORD", "")
        (folder / "numba.txt").write_text(f"{wheel}\n")
        monkeypatch.setattr(places, "REQUIREMENTS", folder)
        return folder

    return require


def test_environment_is_made_found_renewed_and_removed(
    require: Callable[[str], Path], root: Path
) -> None:
    """Its own package is there and none of this project's; what is removed leaves nothing."""
    folder = require("HERE = 1")
    said: list[str] = []
    python = create.create("numba", said.append)
    assert places.find("numba", {}).python == str(python)
    assert any("installing" in line for line in said)
    answer = subprocess.run(
        [python, "-I", "-c", "import numba; print(numba.HERE); import click"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stdout == "1\n"
    assert "No module named 'click'" in answer.stderr
    assert not create.outdated("numba")
    (folder / "numba.txt").write_text("# another\n")
    assert create.outdated("numba")
    assert create.remove("numba")
    assert not create.remove("numba")
    assert places.stamp_of("numba") is None
    assert [path.name for path in root.iterdir()] in ([], ["numba.lock"])


CRASHES = {
    "raises": ("raise ImportError('no such kernel')", "no such kernel"),
    "aborts": ("import os; os.abort()", "could not be made"),
}


@pytest.mark.parametrize(("code", "words"), CRASHES.values(), ids=CRASHES)
def test_framework_that_cannot_be_imported_leaves_no_environment(
    require: Callable[[str], Path], root: Path, code: str, words: str
) -> None:
    """The reason is in the message, and nothing half-made stays."""
    require(code)
    with pytest.raises(create.EnvironmentCreationError) as raised:
        create.create("numba")
    assert words in raised.value.message
    assert not (root / "numba").exists()
    assert places.stamp_of("numba") is None


def _started(requirements_folder: Path, limit: str = "") -> subprocess.Popen[str]:
    program = (f"import resource; resource.setrlimit({limit})\n" if limit else "") + PROGRAM
    return subprocess.Popen(
        [sys.executable, "-c", program, str(requirements_folder)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PATH": ""},
    )


def test_killed_creation_is_not_believed_and_can_be_done_again(
    require: Callable[[str], Path], root: Path
) -> None:
    """Killed in the middle, it cannot tidy up; the next one does."""
    folder = require("")
    process = _started(folder)
    deadline = time.monotonic() + 60
    while not (root / "numba" / "pyvenv.cfg").exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert places.stamp_of("numba") is None
    assert places.find("numba", {}).origin == "own"
    listed = CliRunner().invoke(main, ["env", "list"])
    assert "none; made by" in listed.output
    assert create.create("numba").exists()
    assert places.find("numba", {}).origin == "created"


def test_full_disk_leaves_nothing_and_says_so(require: Callable[[str], Path], root: Path) -> None:
    """Files that cannot grow stand for a disk that is full."""
    folder = require("")
    process = _started(folder, "resource.RLIMIT_FSIZE, (20_000, 20_000)")
    _, printed = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "could not be made; nothing of it is left" in printed
    assert not (root / "numba").exists()
    assert places.stamp_of("numba") is None


def test_what_this_program_did_not_make_is_left_alone(
    require: Callable[[str], Path], root: Path
) -> None:
    """A person's own folder of that name is neither replaced nor removed."""
    require("")
    mine = root / "numba" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("x")
    for act in (create.create, create.remove):
        with pytest.raises(UsageError, match="is no environment of this program"):
            act("numba")
    assert mine.read_text() == "x"


def test_two_creations_at_once_are_refused_in_one_line(
    require: Callable[[str], Path], root: Path
) -> None:
    """The second would take away what the first is making."""
    require("")
    root.mkdir()
    with (
        filelock.FileLock(root / "numba.lock"),
        pytest.raises(UsageError, match="Another program is making numba"),
    ):
        create.create("numba")


def test_unknown_environment_is_named_with_those_that_there_are() -> None:
    """As any mistyped name."""
    done = CliRunner().invoke(main, ["env", "create", "tensorflw"])
    assert done.exit_code == 2
    assert "There is no environment 'tensorflw'. Did you mean 'tensorflow'?" in done.output
