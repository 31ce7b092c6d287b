"""Makes and removes environments: a virtual environment with one framework's pinned packages."""

from __future__ import annotations

import collections
import contextlib
import hashlib
import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import filelock

from report.config.explain import instead
from report.environments import places
from report.errors import ReportError, UsageError
from report.registry import BACKENDS
from report.run.process import end_group, how_it_ended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from report.registry import Backend, Version

MARK = ".made"
"""Ends the name of a file beside each folder that this program made; others are not touched."""

NEWEST_KNOWN: Version = (3, 14)
"""Of Pythons that are looked for by name."""

ANSWER_S = 20.0
"""How long a Python may take to say which it is."""

KEPT_LINES = 40
"""Of what an installer printed, for the message if it fails."""


class EnvironmentCreationError(ReportError):
    """An environment could not be made; nothing of it is left."""


def create(backend: str, say: Callable[[str], None] = lambda _: None) -> Path:
    """Make the environment of a framework, anew if there is one.

    It counts only once its stamp is written, after the framework has been imported in it. What an
    interruption or a full disk leaves is removed, and would not be believed if it were not.

    Args:
        backend: Name in the registry.
        say: Told what is being done, and what installers print, line by line.

    Returns:
        Its interpreter.

    Raises:
        UsageError: There is no such environment, no Python that it can stand on, or its folder
            holds something else.
        EnvironmentCreationError: It could not be made.
    """
    requirements = _requirements(backend)
    known = BACKENDS[backend]
    folder = places.folder_of(backend)
    # What cannot be made anew stays as it is.
    base = base_python(known, own=sys.version_info[:2], search=shutil.which)
    with _sole_maker(folder):
        _clear(folder)
        _mark(folder).touch()
        try:
            for step, command in _steps(known, base, folder, requirements):
                say(f"{known.title}: {step}")
                _run(command, f"{known.title}, {step}", say)
            _stamp(folder, requirements)
        except BaseException:
            # Also for Ctrl-C: half an environment is worse than none.
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                _mark(folder).unlink(missing_ok=True)
            raise
    return places.python_in(folder)


def remove(backend: str) -> bool:
    """Remove the environment of a framework.

    Returns:
        Whether there was one.

    Raises:
        UsageError: There is no such environment, or its folder holds something else.
    """
    _requirements(backend)
    folder = places.folder_of(backend)
    if not folder.exists():
        return False
    with _sole_maker(folder):
        _clear(folder)
        _mark(folder).unlink(missing_ok=True)
    return True


def outdated(backend: str) -> bool:
    """Return whether a complete environment was made from other requirements than today's."""
    noted = places.stamp_of(backend)
    return noted is not None and noted.get("requirements") != _digest(_requirements(backend))


def base_python(backend: Backend, *, own: Version, search: Callable[[str], str | None]) -> str:
    """Choose the Python that an environment stands on: this one if it will do, else another.

    Args:
        backend: Whose environment.
        own: Version of the Python that runs this.
        search: Finds a program by its name.

    Raises:
        UsageError: None will do.
    """
    if backend.runs_on(own):
        return sys.executable
    last = backend.newest or NEWEST_KNOWN
    for minor in range(last[1], backend.oldest[1] - 1, -1):
        found = search(f"python{last[0]}.{minor}")
        if found is not None and _is_python(found, (last[0], minor)):
            return found
    raise UsageError(
        f"{backend.title} needs Python {backend.pythons()}; this is {own[0]}.{own[1]}, and no "
        f"python{last[0]}.{last[1]} is on the PATH. Install one, or name it in experiments.yaml "
        f"(interpreters: {{{backend.name}: /path/to/python}})."
    )


def _is_python(program: str, version: Version) -> bool:
    """Return whether a program is that Python: some stand for one that is not installed."""
    command = [program, "-I", "-c", "import sys; print(*sys.version_info[:2])"]
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=ANSWER_S
        )
        return done.stdout.split() == [str(part) for part in version]
    return False


def _requirements(backend: str) -> Path:
    path = places.REQUIREMENTS / f"{backend}.txt"
    if backend not in BACKENDS or not path.is_file():
        raise UsageError(f"There is no environment {backend!r}.{instead(backend, places.names())}")
    return path


def _steps(
    backend: Backend, base: str, folder: Path, requirements: Path
) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield what is to be done, in words and as a command."""
    python = str(places.python_in(folder))
    uv = shutil.which("uv")
    if uv is None:
        plain = [base, "-I", "-m", "venv", "--without-pip", str(folder)]
        yield "making a virtual environment", plain
        # As venv would, which keeps to itself why it could not: a full disk, for one.
        yield "installing pip", [python, "-I", "-m", "ensurepip", "--upgrade", "--default-pip"]
        pip = [python, "-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
        yield "installing", [*pip, "-r", str(requirements)]
    else:
        yield "making a virtual environment", [uv, "venv", "--python", base, str(folder)]
        yield "installing", [uv, "pip", "install", "--python", python, "-r", str(requirements)]
    yield "importing it for the first time", [python, "-I", "-c", f"import {backend.package}"]


def _run(command: Sequence[str], doing: str, say: Callable[[str], None]) -> None:
    tail: collections.deque[str] = collections.deque(maxlen=KEPT_LINES)
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise _failure(f"{doing}: {command[0]} cannot be run: {error.strerror}.") from None
    with process:
        try:
            for line in process.stdout or ():
                if line.strip():
                    tail.append(line.rstrip())
                    say(line.strip())
        except BaseException:
            # What it started as well: that would go on to fill a folder that was removed.
            end_group(process)
            raise
    if process.returncode:
        raise _failure(f"{doing}: {how_it_ended(process.returncode)}.", *tail)


def _failure(*lines: str) -> EnvironmentCreationError:
    told = "\n".join(lines)
    return EnvironmentCreationError(
        f"The environment could not be made; nothing of it is left. {told}"
    )


def _stamp(folder: Path, requirements: Path) -> None:
    noted = {"requirements": _digest(requirements)}
    staged = folder / f"{places.STAMP}.new"
    staged.write_text(json.dumps(noted), encoding="utf-8")
    staged.replace(folder / places.STAMP)


def _digest(requirements: Path) -> str:
    return hashlib.sha256(requirements.read_bytes()).hexdigest()


def _clear(folder: Path) -> None:
    """Remove an environment, whole or half; refuse to remove anything else."""
    if not folder.exists():
        return
    if not _mark(folder).is_file():
        raise UsageError(f"{folder} is no environment of this program; it was left as it is.")
    # First the stamp: what is removed only in part must not be believed.
    (folder / places.STAMP).unlink(missing_ok=True)
    shutil.rmtree(folder)


def _mark(folder: Path) -> Path:
    # Beside it: within, it would be in the way of what makes the environment.
    return folder.with_name(folder.name + MARK)


@contextlib.contextmanager
def _sole_maker(folder: Path) -> Iterator[None]:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder.parent / f"{folder.name}.lock", timeout=0):
            yield
    except filelock.Timeout:
        raise UsageError(
            f"Another program is making {folder.name} at this moment; wait for it."
        ) from None
    except OSError as error:
        raise EnvironmentCreationError(
            f"{folder.parent} cannot be written: {error.strerror}. "
            f"{places.FOLDER_VARIABLE} names another folder."
        ) from None
