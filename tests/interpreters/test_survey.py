"""Frameworks in interpreters of their own: one that fails is recorded, and the others go on."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from report import host, tables
from report.interpreters import places
from report.workers import BOOTSTRAP

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def no_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be no environment."""
    monkeypatch.setenv(places.FOLDER_VARIABLE, str(tmp_path / "envs"))


def script(folder: Path, body: str) -> str:
    """Return an interpreter that is a shell script."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


FAILURES = {
    "segfault": ("kill -SEGV $$", "it was ended by SIGSEGV"),
    "no python": ("echo this is no Python >&2; exit 3", "code 3: this is no Python"),
    "import crash": (
        f"exec {sys.executable} -c \"raise ImportError('undefined symbol')\"",
        "ImportError: undefined symbol",
    ),
}


@pytest.mark.parametrize(("body", "words"), FAILURES.values(), ids=FAILURES)
def test_interpreter_that_fails_leaves_the_other_frameworks(
    tmp_path: Path, body: str, words: str
) -> None:
    """It is failed with its reason; NumPy, in this interpreter, is there."""
    wrong = script(tmp_path, body)
    found = host.survey(["numba", "numpy"], interpreters={"numba": wrong})
    assert found.environments["numba"].status == "failed"
    assert words in str(found.environments["numba"].reason)
    assert found.environments["numpy"].status == "ok"
    assert found.command("numba")[0] == wrong
    assert found.command("numpy")[0] == sys.executable


def test_missing_framework_is_skipped_with_the_command_that_makes_it() -> None:
    """No traceback, and nothing that stops the others."""
    found = host.survey(["numba"])
    assert found.environments["numba"].status == "skipped"
    assert "report env create numba" in str(found.environments["numba"].reason)


def test_interpreter_older_than_the_worker_says_so() -> None:
    """Before anything of the worker is read, which an old Python could not."""
    program = (
        "import runpy, sys; sys.version_info = (3, 9, 18); "
        f"runpy.run_path({str(BOOTSTRAP)!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "needs Python 3.11 or newer, and this interpreter is 3.9" in done.stderr


def test_paths_of_interpreters_are_not_printed_as_hardware() -> None:
    """What `report hardware --json` prints may be published."""
    found = host.survey(["numpy"])
    assert sys.executable not in tables.host_json(found)
    assert "interpreters" not in tables.host_json(found)
