"""Makes and removes environments: a virtual environment with one framework's pinned packages."""

from __future__ import annotations

import collections
import contextlib
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from report.environments import places
from report.environments.process import end_group, how_it_ended
from report.errors import ReportError, UsageError
from report.registry import BACKENDS
from report.results import files
from report.text.names import instead

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
    """Make the environment of a framework, in place of an earlier one.

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
    # Chosen first: an environment that could not be made again stays as it is.
    base = base_python(known, own=sys.version_info[:2], search=shutil.which)
    with _alone(backend) as folder:
        _mark(folder).touch()
        try:
            for step, command in _steps(known, base, folder, requirements):
                say(f"{known.title}: {step}")
                _run(command, f"{known.title}, {step}", say)
            files.write(folder / places.STAMP, requirements.read_bytes())
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
    there = places.folder_of(backend).exists()
    if there:
        with _alone(backend) as folder:
            _mark(folder).unlink(missing_ok=True)
    return there


def outdated(backend: str) -> bool:
    """Return whether a complete environment was made from other requirements than today's."""
    return places.stamp_of(backend) not in {None, _requirements(backend).read_text("utf-8")}


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
        python = search(f"python{last[0]}.{minor}")
        if python is not None and _is_python(python, (last[0], minor)):
            return python
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
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
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
        how = "\n".join([f"{doing}: {how_it_ended(process.returncode)}.", *tail])
        raise EnvironmentCreationError(
            f"The environment could not be made; nothing of it is left. {how}"
        )


def _mark(folder: Path) -> Path:
    # Beside it: within, it would be in the way of what makes the environment.
    return folder.with_name(folder.name + MARK)


@contextlib.contextmanager
def _alone(backend: str) -> Iterator[Path]:
    """Remove an environment, whole or half, and keep others from making one meanwhile.

    Raises:
        UsageError: Another is at work, or the folder is none of this program's: it stays.
        EnvironmentCreationError: The disk is full, or the folder cannot be written.
    """
    folder = places.folder_of(backend)
    with files.sole_writer(folder, "at work on"):
        if folder.exists() and not _mark(folder).is_file():
            raise UsageError(f"{folder} is no environment of this program; it was left as it is.")
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            # First the stamp: what is removed only in part must not be believed.
            (folder / places.STAMP).unlink(missing_ok=True)
            if folder.exists():
                shutil.rmtree(folder)
            yield folder
        except OSError as error:
            raise EnvironmentCreationError(
                f"{folder.parent} cannot be written: {error.strerror}. "
                f"{places.FOLDER_VARIABLE} names another folder."
            ) from None
