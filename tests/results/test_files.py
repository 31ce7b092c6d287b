"""Writing files: a crash, a full disk or a second program leave the old content or the new."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from report.errors import UsageError
from report.results import files


@pytest.fixture(autouse=True)
def _cache_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep locks of whoever runs the tests out of them, also in processes that they start."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_written_file_holds_the_new_content(tmp_path: Path) -> None:
    """Folders are made as needed, an older file is replaced, and nothing else is left."""
    path = tmp_path / "a" / "b" / "c.json"
    for content in (b"old", b"new"):
        files.write(path, content)
        assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_written_file_can_be_read_by_everyone(tmp_path: Path, umask: int) -> None:
    """A web server reads a site as another user, whatever the writer's mask is."""
    before = os.umask(umask)
    try:
        files.write(tmp_path / "page.html", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "page.html").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_write_that_fails_leaves_the_old_content_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    """A full disk or Ctrl-C: neither half a file nor a temporary one remains at any step."""

    def fail(*_: object) -> None:
        raise error

    path = tmp_path / "result.json"
    files.write(path, b"old")
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(type(error)):
        files.write(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_content_is_on_the_disk_before_it_takes_the_files_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut the new name never stands for content that was not written yet."""
    steps: list[object] = []
    sync, rename = os.fsync, os.replace

    def noting_sync(descriptor: int) -> None:
        sync(descriptor)
        steps.append(os.fstat(descriptor).st_size)

    def noting_rename(*names: Path) -> None:
        rename(*names)
        steps.append("renamed")

    monkeypatch.setattr(os, "fsync", noting_sync)
    monkeypatch.setattr(os, "replace", noting_rename)
    files.write(tmp_path / "result.json", b"new")
    assert steps == [len(b"new"), "renamed"]


def test_staged_file_waits_beside_its_place(tmp_path: Path) -> None:
    """It is whole before anything is replaced, on the same file system, and gone if not used."""
    path = tmp_path / "page.html"
    path.write_bytes(b"old")
    with files.staged(path, b"new") as waiting:
        assert (path.read_bytes(), waiting.read_bytes()) == (b"old", b"new")
        assert waiting.parent == path.parent
        assert waiting.name.startswith(".")
    assert list(tmp_path.iterdir()) == [path]


HOLDER = """
import sys
from pathlib import Path
from report.results import files
with files.sole_writer(Path(sys.argv[1]), "measuring into"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    """Start another process that writes into a folder until its input is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_second_program_is_kept_out_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told what the first one does, may use other folders, and may come in afterwards."""
    folder = tmp_path / "results"
    with holder(folder) as first:
        with pytest.raises(UsageError) as caught, files.sole_writer(folder, "writing"):
            pytest.fail("both are in")
        assert caught.value.exit_code == 2
        assert str(folder) in caught.value.message
        assert "Wait for it, or choose another folder." in caught.value.message
        # The same folder by another name.
        monkeypatch.chdir(tmp_path)
        with pytest.raises(UsageError), files.sole_writer(Path("results"), "writing"):
            pytest.fail("both are in")
        with files.sole_writer(tmp_path / "other", "writing"):
            pass
        first.communicate()
    with files.sole_writer(folder, "writing"):
        pass


def test_killed_program_leaves_no_lock_behind(tmp_path: Path) -> None:
    """After kill -9 the folder is free at once; nobody has to delete anything."""
    with holder(tmp_path / "results") as first:
        first.kill()
        first.communicate()
    with files.sole_writer(tmp_path / "results", "writing"):
        pass


def test_lock_is_freed_when_writing_fails(tmp_path: Path) -> None:
    """An error inside does not lock the folder for good, and nothing is left in it."""
    folder = tmp_path / "results"
    with pytest.raises(ZeroDivisionError), files.sole_writer(folder, "writing"):
        raise ZeroDivisionError
    with files.sole_writer(folder, "writing"):
        assert not folder.exists()


def test_cache_that_cannot_be_written_is_told_with_the_remedy(tmp_path: Path) -> None:
    """Where no lock can be made, nothing is written, and the message says what to set."""
    (tmp_path / "cache").write_text("a file")
    with (
        pytest.raises(UsageError, match="XDG_CACHE_HOME"),
        files.sole_writer(tmp_path / "results", "writing"),
    ):
        pytest.fail("went on without a lock")
