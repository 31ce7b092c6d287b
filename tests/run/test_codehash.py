"""What made a measurement: the hash of the measuring code, and the commit of a checkout."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from report.run import codehash

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(name="package")
def copied_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the package that is hashed in place of the real one."""
    package = tmp_path / "report"
    shutil.copytree(codehash.PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(codehash, "PACKAGE", package)
    return package


def measuring_code() -> str:
    """Return the hash, computed anew."""
    return codehash.measuring_code.__wrapped__()


@pytest.mark.parametrize(
    "name",
    [
        "worker/timing.py",
        "worker/main.py",
        "backends/pytorch/products.py",
        "experiments/matmul/measure.py",
        "experiments/training/measure.py",
    ],
)
def test_hash_changes_with_the_code_that_measures(package: Path, name: str) -> None:
    """Any change of the worker's side makes measurements others."""
    before = measuring_code()
    (package / name).write_text((package / name).read_text() + "# changed\n")
    assert measuring_code() != before


@pytest.mark.parametrize("name", ["cli.py", "results/store.py", "experiments/matmul/figures.py"])
def test_hash_stays_when_pages_change(package: Path, name: str) -> None:
    """A prettier figure costs no new measurement."""
    before = measuring_code()
    (package / name).write_text((package / name).read_text() + "# changed\n")
    assert measuring_code() == before


def test_hash_is_the_same_wherever_the_package_lies(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two machines with the same version have the same hash."""
    here = measuring_code()
    monkeypatch.setattr(codehash, "PACKAGE", package.rename(package.with_name("elsewhere")))
    assert measuring_code() == here


def git(folder: Path, *arguments: str) -> str:
    """Run git as somebody."""
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_commit_is_noted_with_its_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result says which commit it was measured at, and whether files differed from it."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    git(tmp_path, "init", "-q")
    (tmp_path / "experiments.yaml").write_text("version: 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "Begin")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert codehash.git_commit(tmp_path) == commit
    (tmp_path / "untracked").write_text("not part of it")
    assert codehash.git_commit(tmp_path) == commit
    (tmp_path / "experiments.yaml").write_text("version: 2\n")
    assert codehash.git_commit(tmp_path) == f"{commit}+changes"


def test_folder_without_git_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a folder outside any checkout nor a machine without git is an error."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert codehash.git_commit(tmp_path) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert codehash.git_commit(tmp_path) is None
