"""The interpreter of each framework: a person's own, one in a virtual environment, or this one."""

from __future__ import annotations

import collections
import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import platformdirs

from report.environments.process import end_group, how_it_ended
from report.errors import ReportError, UsageError
from report.registry import BACKENDS, Backend, Version
from report.results import files
from report.text.names import instead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence


FOLDER_VARIABLE = "REPORT_ENV_DIR"  # names another folder for environments than the user's cache

STAMP = "minibatch-report.txt"
"""The requirements, written when all of them are there; without it, nothing is believed."""

REQUIREMENTS = Path(__file__).parent / "requirements"


def root() -> Path:
    """Return the folder that holds all environments."""
    cache = platformdirs.user_cache_path("minibatch-report")
    return Path(os.environ.get(FOLDER_VARIABLE) or cache / "envs")


def python_in(folder: Path) -> Path:
    """Return the executable of an environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def stamp_of(backend: str) -> str | None:
    """Return the requirements from which an environment was made; None if it is not complete."""
    folder = root() / backend
    try:
        requirements = (folder / STAMP).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    return requirements if requirements and python_in(folder).exists() else None


def names() -> list[str]:
    """Return the frameworks for which an environment can be made, sorted."""
    return sorted(path.stem for path in REQUIREMENTS.glob("*.txt"))


def lacking(backends: Iterable[str], configured: Mapping[str, str]) -> list[str]:
    """Return the frameworks that no interpreter seems to have; what a person names is trusted."""
    return [
        backend
        for backend in backends
        if backend not in configured
        and stamp_of(backend) is None
        and importlib.util.find_spec(BACKENDS[backend].package) is None
    ]


def find(backend: str, configured: Mapping[str, str], base: Path = Path()) -> str:
    """Return the interpreter that measures a framework.

    In this order: the one that experiments.yaml names, the environment that was made for it, the
    interpreter that runs this program. Relative paths start at `base`; a command without a slash is
    no path.

    Raises:
        UsageError: The one that is named is not there.
    """
    if backend in configured:
        wanted = configured[backend]
        # As text: a Path drops the ./ that tells a program in this folder from a command.
        named = os.path.expanduser(wanted)  # noqa: PTH111
        python = shutil.which(str(base / named) if os.path.dirname(named) else named)  # noqa: PTH120
        if python is None:
            raise UsageError(
                f"interpreters.{backend}: {wanted} is not a program that can be started; "
                "name a Python, or remove the key"
            )
        return python
    return sys.executable if stamp_of(backend) is None else str(python_in(root() / backend))


# --- made and removed


class EnvironmentCreationError(ReportError):
    """An environment could not be made; nothing of it is left."""


def create(backend: str, say: Callable[[str], None] = lambda _: None) -> Path:
    """Make the environment of a framework, in place of an earlier one; return its interpreter.

    It counts only once its stamp is written, after the framework has been imported in it. What an
    interruption or a full disk leaves is removed, and would not be believed if it were not. What is
    done, and what installers print, is said line by line.

    Raises:
        UsageError: There is no such environment, no Python that it can stand on, or its folder
            holds something else.
        EnvironmentCreationError: It could not be made.
    """
    requirements = _requirements(backend)
    known = BACKENDS[backend]
    # Chosen first: an environment that could not be made again stays as it is.
    base = base_python(known, own=sys.version_info[:2], search=shutil.which, uv=_uv() is not None)
    with _alone(backend) as folder:
        _mark(folder).touch()
        try:
            for step, command in _steps(known, base, folder, requirements):
                say(f"{known.title}: {step}")
                _run(command, f"{known.title}, {step}", say)
            files.write(folder / STAMP, requirements.read_bytes())
        except BaseException:
            # Also for Ctrl-C: half an environment is worse than none.
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                _mark(folder).unlink(missing_ok=True)
            raise
    return python_in(folder)


def remove(backend: str) -> bool:
    """Remove the environment of a framework; return whether there was one.

    Raises:
        UsageError: There is no such environment, or its folder holds something else.
    """
    _requirements(backend)
    there = (root() / backend).exists()
    if there:
        with _alone(backend) as folder:
            _mark(folder).unlink(missing_ok=True)
    return there


def state(backend: str) -> Literal["none", "outdated", "there"]:
    """Return whether a framework's environment is there, and made from today's requirements."""
    stamp = stamp_of(backend)
    if stamp is None:
        return "none"
    return "there" if stamp == _requirements(backend).read_text("utf-8") else "outdated"


def base_python(
    backend: Backend, *, own: Version, search: Callable[[str], str | None], uv: bool = False
) -> str:
    """Choose the Python that an environment stands on: this one (`own`) if it will do, or another.

    Where `uv` is there it finds one that is on no PATH, or brings it: then a version will do.

    Raises:
        UsageError: None will do.
    """
    if backend.runs_on(own):
        return sys.executable
    last = backend.newest or (3, 14)  # the newest that is looked for
    for minor in range(last[1], backend.oldest[1] - 1, -1):
        python = search(f"python{last[0]}.{minor}")
        if python and _is_python(python, (last[0], minor)):
            return python
    if uv:
        return f"{last[0]}.{last[1]}"
    raise UsageError(
        f"{backend.title} needs Python {backend.pythons()}; this is {own[0]}.{own[1]}, and no "
        f"python{last[0]}.{last[1]} is on the PATH. Install one, or uv, which fetches one; or name "
        f"it in experiments.yaml (interpreters: {{{backend.name}: /path/to/python}})."
    )


def _is_python(program: str, version: Version) -> bool:
    """Return whether a program is that Python: some stand for one that is not installed."""
    command = [program, "-I", "-c", "import sys; print(*sys.version_info[:2])"]
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20.0)
        return done.stdout.split() == [str(part) for part in version]
    return False


def _requirements(backend: str) -> Path:
    path = REQUIREMENTS / f"{backend}.txt"
    if backend not in BACKENDS or not path.is_file():
        raise UsageError(f"There is no environment {backend!r}.{instead(backend, names())}")
    return path


def _uv() -> str | None:
    """Return uv: the one on the PATH, or where the extra `envs` puts it."""
    return shutil.which("uv") or shutil.which("uv", path=sysconfig.get_path("scripts"))


def _steps(
    backend: Backend, base: str, folder: Path, requirements: Path
) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield what is to be done, in words and as a command."""
    python = str(python_in(folder))
    uv = _uv()
    making = "making a virtual environment"
    if uv is None:
        yield making, [base, "-I", "-m", "venv", "--without-pip", str(folder)]
        # As venv would, which keeps to itself why it could not: a full disk, for one.
        yield "installing pip", [python, "-I", "-m", "ensurepip", "--upgrade", "--default-pip"]
        pip = [python, "-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
        yield "installing", [*pip, "-r", str(requirements)]
    else:
        yield making, [uv, "venv", "--python", base, str(folder)]
        yield "installing", [uv, "pip", "install", "--python", python, "-r", str(requirements)]
    yield "importing it for the first time", [python, "-I", "-c", f"import {backend.package}"]


def _run(command: Sequence[str], doing: str, say: Callable[[str], None]) -> None:
    tail: collections.deque[str] = collections.deque(maxlen=9)
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
    """Return the file that says that this program made a folder; others are not touched."""
    # Beside it: within, it would be in the way of what makes the environment.
    return folder.with_name(f"{folder.name}.made")


@contextlib.contextmanager
def _alone(backend: str) -> Iterator[Path]:
    """Remove an environment, whole or half, and keep others from making one meanwhile.

    Raises:
        UsageError: Another is at work, or the folder is none of this program's: it stays.
        EnvironmentCreationError: The disk is full, or the folder cannot be written.
    """
    folder = root() / backend
    with files.sole_writer(folder, "at work on"):
        if folder.exists() and not _mark(folder).is_file():
            raise UsageError(
                f"{folder} is not an environment of this program; it was left as it is."
            )
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            # First the stamp: what is removed only in part must not be believed.
            (folder / STAMP).unlink(missing_ok=True)
            if folder.exists():
                shutil.rmtree(folder)
            yield folder
        except OSError as error:
            raise EnvironmentCreationError(
                f"{folder.parent} cannot be written: {error.strerror}. "
                f"{FOLDER_VARIABLE} can name another folder."
            ) from None
