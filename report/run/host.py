"""Where and by what is measured: the machine, its frameworks, and the version of the code."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import subprocess
import sys
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pynvml
from pydantic import TypeAdapter, ValidationError

from report.environments import trust, venvs
from report.environments.process import Worker, WorkerFailure, command
from report.environments.variables import recorded
from report.errors import UsageError
from report.machine.accelerators import uuids
from report.machine.machine import detect
from report.registry import BACKENDS
from report.resources import PACKAGE
from report.results import files
from report.worker.records import Environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.results.machine import Machine

PROBE_TIMEOUT_S = 120.0
"""Importing a framework for the first time after its installation can take a minute."""

NOT_MADE = (".", ":!results", ":!site")
"""What counts as a change: not what runs and renderings themselves write into a checkout."""

ENVIRONMENT = TypeAdapter(Environment)


@dataclass(frozen=True, kw_only=True)
class Host:
    """The machine to measure on, with the frameworks that are there, by backend."""

    machine: Machine
    environments: dict[str, Environment]
    interpreters: dict[str, str] = field(default_factory=dict)
    """What starts the workers of each; this interpreter where nothing is said."""
    variables: dict[str, dict[str, str]] = field(default_factory=dict)
    """What experiments.yaml sets for the workers of each."""
    boards: dict[str, str] = field(default_factory=dict)
    """The UUID of the NVIDIA board that a device is, as far as that can be told; never stored."""

    def command(self, backend: str) -> list[str]:
        """Return the command that starts a worker of a framework."""
        return command(self.interpreters.get(backend, sys.executable))

    def board(self, device: str) -> dict[str, str] | None:
        """Return how a worker asks NVIDIA's driver about a device; see `report.worker.sensors`."""
        uuid = self.boards.get(device)
        return None if uuid is None else {"module": pynvml.__file__, "uuid": uuid}

    def device(self, backend: str, wanted: str) -> str:
        """Choose a device: the best accelerator that works for auto, else the one asked for.

        The best of several is the one that multiplies fastest, as far as any framework has tried,
        then the one with the most memory, then the one with the most dtypes, then the first:
        graphics within a processor often come first. The same is meant by a name without a number,
        such as cuda.

        Raises:
            UsageError: It is not there, or does not work.
        """
        environment = self.environments[backend]
        working = list(environment.dtypes) or ["cpu"]
        seen: dict[str, tuple[float, int]] = {}
        for one in (a for each in self.environments.values() for a in each.accelerators):
            rate, memory = seen.get(one.device, (0.0, 0))
            seen[one.device] = max(rate, one.flop_per_s or 0), max(memory, one.memory_bytes or 0)

        def worth(device: str) -> tuple[float, int, int]:
            return *seen.get(device, (0.0, 0)), len(environment.dtypes[device])

        if wanted == "auto":
            return max(working[1:], key=worth, default="cpu")
        chosen = wanted
        if wanted in {"cuda", "xpu"}:
            alike = [device for device in working if device.startswith(f"{wanted}:")]
            chosen = max(alike, key=worth, default=f"{wanted}:0")
        if chosen in working:
            return chosen
        broken = {a.device: a.reason for a in environment.accelerators if not a.works}
        why = f" ({broken[chosen]})" if chosen in broken else ""
        raise UsageError(
            f"Device {wanted!r} is not available{why}: {BACKENDS[backend].title} can use "
            f"{', '.join(working)}."
        )


def survey(
    backends: Sequence[str],
    *,
    name: str | None = None,
    interpreters: Mapping[str, str] | None = None,
    variables: Mapping[str, dict[str, str]] | None = None,
    base: Path = Path(),
) -> Host:
    """Find out what machine this is and which frameworks are there.

    Each framework is asked in a worker of its own, so that this process never imports it. A
    person's own Pythons are found by `environments.venvs.find`; `variables` are set for the
    workers of each framework.

    Raises:
        UsageError: The name cannot be one, or an interpreter that is named is not there.
    """
    found = {backend: venvs.find(backend, interpreters or {}, base) for backend in backends}
    own = {backend: (variables or {}).get(backend, {}) for backend in backends}
    environments = {
        backend: _environment(backend, python, own[backend]) for backend, python in found.items()
    }
    machine = detect(list(environments.values()), name=name)
    return Host(
        machine=machine,
        environments=environments,
        interpreters=found,
        variables=own,
        boards=uuids(machine.accelerators),
    )


def _environment(backend: str, python: str, configured: Mapping[str, str]) -> Environment:
    try:
        with Worker(command(python), configured) as worker:
            answer = worker.ask({"do": "environment", "backend": backend}, PROBE_TIMEOUT_S)
        environment = ENVIRONMENT.validate_python(answer.get("environment"))
    except ValidationError as error:
        why = f"its answer makes no sense: {error.errors()[0]['msg']}"
    except WorkerFailure as failure:
        why = failure.reason
        last = (failure.stderr_tail or "").rpartition("\n")[2].strip()
        if last not in why:
            why += f": {last}"
    else:
        # Libraries are found in the order of their addresses, which differ between processes.
        found = replace(environment, pools=sorted(environment.pools))
        if environment.steering is None:
            return found
        steering, places = recorded(environment.steering, configured)
        return replace(found, steering=steering, places=places)
    reason = f"{BACKENDS[backend].title} could not be started: {why}"
    return Environment(backend=backend, status="failed", reason=reason)


def installation() -> str | None:
    """Return this installation's random UUID, made on first use; None where it cannot be kept."""
    path = trust.kept("installation")
    # One that cannot be read is replaced.
    with contextlib.suppress(OSError, ValueError):
        return str(uuid.UUID(path.read_text(encoding="ascii").strip(), version=4))
    made = str(uuid.uuid4())
    try:
        files.write(path, f"{made}\n".encode())
    except OSError:
        return None
    return made


@functools.cache
def measuring_code() -> str:
    """Return the SHA-256 of the worker side: registry, worker/, backends/, each measure.py.

    Pages and figures may change without making a measurement another one.
    """
    sources = [
        PACKAGE / "registry.py",
        *PACKAGE.glob("worker/*.py"),
        *PACKAGE.glob("backends/**/*.py"),
        *PACKAGE.glob("experiments/*/measure.py"),
    ]
    digest = hashlib.sha256()
    for source in sorted(sources):
        digest.update(source.relative_to(PACKAGE).as_posix().encode() + b"\0")
        digest.update(source.read_bytes() + b"\0")
    return digest.hexdigest()


def git_commit(folder: Path) -> str | None:
    """Return the commit checked out in a folder, with "+changes" if files differ from it."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", *NOT_MADE)
    except (OSError, subprocess.SubprocessError):
        return None
    return commit + ("+changes" if changed else "")


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()
