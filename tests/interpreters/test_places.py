"""Which interpreter measures a framework."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from report.backends import BACKENDS
from report.errors import UsageError
from report.interpreters import create, places

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(name="root", autouse=True)
def empty_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let all environments lie in an empty folder."""
    monkeypatch.setenv(places.FOLDER_VARIABLE, str(tmp_path / "envs"))
    return tmp_path / "envs"


def made(root: Path, backend: str, *, stamp: bool = True) -> Path:
    """Put something that looks like an environment into the folder."""
    python = places.python_in(root / backend)
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    if stamp:
        (root / backend / places.STAMP).write_text(json.dumps({"requirements": "x"}))
    return python


def test_what_a_person_names_wins(root: Path) -> None:
    """Over an environment that was made, and over the interpreter that runs the report."""
    made(root, "numba")
    found = places.find("numba", {"numba": sys.executable})
    assert (found.python, found.origin) == (sys.executable, "configured")


def test_environment_that_was_made_comes_before_this_interpreter(root: Path) -> None:
    """Whoever made it meant it to be used."""
    python = made(root, "numba")
    assert places.find("numba", {}) == places.Interpreter(python=str(python), origin="created")
    assert places.find("numpy", {}).origin == "own"


def test_environment_without_its_stamp_is_not_believed(root: Path) -> None:
    """It is what an interrupted creation leaves."""
    made(root, "numba", stamp=False)
    assert places.stamp_of("numba") is None
    assert places.find("numba", {}).python == sys.executable


@pytest.mark.parametrize("content", ["", "[1]", "{", "3"])
def test_stamp_that_is_none_is_not_believed(root: Path, content: str) -> None:
    """A disk that was full may leave an empty one."""
    made(root, "numba", stamp=False)
    (root / "numba" / places.STAMP).write_text(content)
    assert places.stamp_of("numba") is None


def test_interpreter_that_is_not_there_is_named_with_its_key() -> None:
    """One line that says what to change."""
    with pytest.raises(UsageError, match=r"interpreters\.numba: /no/such/python is no program"):
        places.find("numba", {"numba": "/no/such/python"})


def test_every_further_framework_has_pinned_requirements() -> None:
    """All but PyTorch, which is an extra of the package; nothing in them is open."""
    assert places.names() == sorted(set(BACKENDS) - {"pytorch"})
    for path in places.REQUIREMENTS.glob("*.txt"):
        lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        assert lines
        assert all("==" in line for line in lines), path.name
        assert any(line.startswith(BACKENDS[path.stem].package) for line in lines)


def test_python_is_chosen_that_the_framework_runs_on() -> None:
    """This one if it will do, else the newest that will and is there; else one line says which."""
    tensorflow = BACKENDS["tensorflow"]
    assert create.base_python(tensorflow, own=(3, 12), search=lambda _: None) == sys.executable
    there = {"python3.11": "/a/python3.11", "python3.13": "/a/python3.13"}
    chosen = create.base_python(tensorflow, own=(3, 14), search=there.get)
    assert chosen == "/a/python3.13"
    with pytest.raises(UsageError, match=r"TensorFlow needs Python 3\.11 to 3\.13; this is 3\.14"):
        create.base_python(tensorflow, own=(3, 14), search=lambda _: None)


def test_pythons_are_said_as_people_do() -> None:
    """From the first that will do to the last."""
    said = {name: backend.pythons() for name, backend in BACKENDS.items()}
    assert said["tensorflow"] == "3.11 to 3.13"
    assert said["numpy"] == "3.11 or newer"
    assert not BACKENDS["tensorflow"].runs_on((3, 14))
    assert not BACKENDS["numpy"].runs_on((3, 10))
