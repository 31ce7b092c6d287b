"""Which interpreter measures a framework."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from factories.environments import stand_in
from report.environments import venvs
from report.errors import UsageError
from report.registry import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(name="root", autouse=True)
def empty_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let all environments lie in an empty folder."""
    monkeypatch.setenv(venvs.FOLDER_VARIABLE, str(tmp_path / "envs"))
    return tmp_path / "envs"


def test_nearest_interpreter_wins(root: Path) -> None:
    """What a person names, then the environment that was made, then this interpreter."""
    assert venvs.find("numba", {}) == sys.executable
    python = stand_in(root)
    assert venvs.find("numba", {}) == str(python)
    assert venvs.find("numpy", {}) == sys.executable
    assert venvs.find("numba", {"numba": sys.executable}) == sys.executable


def test_what_no_interpreter_has_is_told_without_starting_one(root: Path) -> None:
    """Not what a person names, what was made, or what this interpreter has: NumPy, for one."""
    assert venvs.lacking(["numpy", "jax", "numba"], {"numba": "/some/python"}) == ["jax"]
    stand_in(root, "jax")
    assert venvs.lacking(["jax"], {}) == []


def test_environment_that_is_not_complete_is_not_believed(root: Path) -> None:
    """An interruption leaves no stamp, a full disk an empty one; an update takes Python away."""
    stand_in(root, stamp="")
    assert venvs.stamp_of("numba") is None
    (root / "numba" / venvs.STAMP).touch()
    assert venvs.stamp_of("numba") is None
    python = stand_in(root, "jax")
    assert venvs.stamp_of("jax") is not None
    python.unlink()
    python.symlink_to(root / "gone")
    assert venvs.stamp_of("jax") is None
    assert venvs.find("jax", {}) == sys.executable


def test_interpreter_is_found_as_a_shell_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path from the configuration's folder on, one in one's home, or a command on the PATH."""
    folder, commands = tmp_path / "there", tmp_path / "commands"
    for one in (folder, commands):
        one.mkdir()
        (one / "python3.11").symlink_to(sys.executable)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PATH", str(commands))
    found = {
        wanted: venvs.find("numba", {"numba": wanted}, folder)
        for wanted in ("python3.11", "./python3.11", "~/python3.11")
    }
    assert found == {
        "python3.11": str(commands / "python3.11"),
        "./python3.11": str(folder / "python3.11"),
        "~/python3.11": str(folder / "python3.11"),
    }


def test_what_cannot_be_started_is_named_with_its_key(tmp_path: Path) -> None:
    """A folder or a text file is no interpreter, nor is what is not there."""
    (tmp_path / "notes.txt").write_text("x")
    for wanted in (tmp_path, tmp_path / "notes.txt", tmp_path / "nothing"):
        with pytest.raises(UsageError, match=rf"interpreters\.numba: {wanted} is not a program"):
            venvs.find("numba", {"numba": str(wanted)})


def test_every_further_framework_has_locked_requirements() -> None:
    """All but PyTorch, which is an extra of the package; each a version and its files' hashes."""
    assert venvs.names() == sorted(set(BACKENDS) - {"pytorch"})
    for path in venvs.REQUIREMENTS.glob("*.txt"):
        lines = path.read_text().replace("\\\n", "").splitlines()
        locked = [line for line in lines if not line.startswith("#")]
        assert all("==" in one and "--hash=sha256:" in one for one in locked), path.name
        assert any(one.startswith(BACKENDS[path.stem].package) for one in locked)


@pytest.fixture(name="pythons")
def programs(tmp_path: Path) -> Callable[..., Callable[[str], str | None]]:
    """Return a function that puts programs into a folder and finds them, as the PATH does."""

    def search(**says: str) -> Callable[[str], str | None]:
        for name, body in says.items():
            path = tmp_path / name.replace("_", ".")
            path.write_text(f"#!/bin/sh\n{body}\n")
            path.chmod(0o755)
        return lambda name: shutil.which(name, path=str(tmp_path))

    return search


TENSORFLOW, MXNET, NUMBA = (BACKENDS[name] for name in ("tensorflow", "mxnet", "numba"))


def test_this_python_is_chosen_if_it_will_do() -> None:
    """Nothing else is looked for then."""
    assert venvs.base_python(TENSORFLOW, own=(3, 12), search=lambda _: None) == sys.executable


def test_newest_python_is_chosen_that_the_framework_runs_on(
    pythons: Callable[..., Callable[[str], str | None]], tmp_path: Path
) -> None:
    """Where this one is too new; one that is newer still is of no use."""
    search = pythons(python3_11="echo 3 11", python3_12="echo 3 12", python3_14="echo 3 14")
    chosen = venvs.base_python(TENSORFLOW, own=(3, 14), search=search)
    assert chosen == str(tmp_path / "python3.12")


def test_program_that_stands_for_a_python_is_not_taken_for_one(
    pythons: Callable[..., Callable[[str], str | None]], tmp_path: Path
) -> None:
    """A version manager has a program of that name also where there is no such Python."""
    search = pythons(
        python3_11="echo 3 11",
        python3_12="echo 3 11",
        python3_13="echo python3.13: command not found >&2; exit 127",
    )
    chosen = venvs.base_python(TENSORFLOW, own=(3, 14), search=search)
    assert chosen == str(tmp_path / "python3.11")


@pytest.mark.parametrize("own", [(3, 10), (3, 14)])
def test_refusal_says_which_python_would_do(own: tuple[int, int]) -> None:
    """This one is too old or too new, and no other is there."""
    wanted = rf"Python 3\.11 to 3\.13; this is 3\.{own[1]},.*\(interpreters: {{tensorflow: "
    with pytest.raises(UsageError, match=wanted):
        venvs.base_python(TENSORFLOW, own=own, search=lambda _: None)


def test_uv_brings_the_python_that_is_on_no_path() -> None:
    """It is asked for by its version, the newest that will do."""
    wanted = venvs.base_python(TENSORFLOW, own=(3, 99), search=lambda _: None, uv=True)
    assert TENSORFLOW.runs_on(tuple(map(int, wanted.split("."))))  # type: ignore[arg-type]


def test_uv_need_not_be_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra `envs` puts it beside this interpreter, whose folder only activating adds."""
    uv = tmp_path / "uv"
    uv.touch(0o755)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    assert venvs._uv() == str(uv)
    uv.unlink()
    assert venvs._uv() is None


def test_framework_says_on_which_pythons_it_runs() -> None:
    """From the first that will do to the last, both included, in words as people have them."""
    assert [
        [one.runs_on((3, minor)) for minor in (10, 11, 13, 14)]
        for one in (MXNET, TENSORFLOW, NUMBA)
    ] == [[False, True, False, False], [False, True, True, False], [False, True, True, True]]
    said = [one.pythons() for one in (MXNET, TENSORFLOW, NUMBA)]
    assert said == ["3.11", "3.11 to 3.13", "3.11 or newer"]
