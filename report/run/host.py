"""The machine to measure on, with the frameworks that are there."""

from __future__ import annotations

import contextlib
import os
import sys
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
from pydantic import TypeAdapter, ValidationError

from report.environments import venvs
from report.environments.process import Worker, WorkerFailure, command
from report.errors import UsageError
from report.machine.machine import detect
from report.registry import BACKENDS
from report.results import files
from report.results.privacy import scrub
from report.worker.records import Environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.results.machine import Machine

PROBE_TIMEOUT_S = 120.0
"""Importing a framework for the first time after its installation can take a minute."""

CONFIG_VARIABLE = "REPORT_CONFIG_DIR"
"""Names another folder for what is kept of this installation than the user's configuration."""

ENVIRONMENT = TypeAdapter(Environment)


@dataclass(frozen=True, kw_only=True)
class Host:
    """The machine to measure on, with the frameworks that are there.

    Attributes:
        machine: The hardware.
        environments: The frameworks, by backend.
        interpreters: What starts the workers of each; this interpreter where nothing is said.
    """

    machine: Machine
    environments: dict[str, Environment]
    interpreters: dict[str, str] = field(default_factory=dict)

    def command(self, backend: str) -> list[str]:
        """Return the command that starts a worker of a framework."""
        return command(self.interpreters.get(backend, sys.executable))

    def device(self, backend: str, wanted: str) -> str:
        """Choose a device: the best accelerator that works for auto, else the one asked for.

        Raises:
            UsageError: It is not there, or does not work.
        """
        environment = self.environments[backend]
        working = list(environment.dtypes) or ["cpu"]
        if wanted == "auto":
            return working[1] if len(working) > 1 else "cpu"
        chosen = f"{wanted}:0" if wanted in {"cuda", "xpu"} else wanted
        if chosen in working:
            return chosen
        broken = {a.device: a.reason for a in environment.accelerators if not a.works}
        why = f" ({broken[chosen]})" if chosen in broken else ""
        raise UsageError(
            f"Device {wanted!r} is not there{why}: {BACKENDS[backend].title} can use "
            f"{', '.join(working)}."
        )


def survey(
    backends: Sequence[str],
    *,
    name: str | None = None,
    interpreters: Mapping[str, str] | None = None,
    base: Path = Path(),
    worker_command: Sequence[str] | None = None,
) -> Host:
    """Find out what machine this is and which frameworks are there.

    Each framework is asked in a worker of its own, so that this process never imports it.

    Args:
        backends: Names in the registry.
        name: What to call the machine, instead of a name made from its hardware.
        interpreters: Pythons of the person's own, by backend; see `environments.venvs.find`.
        base: The folder in which their relative paths start.
        worker_command: Starts a worker.

    Raises:
        UsageError: The name cannot be one, or an interpreter that is named is not there.
    """
    found = {backend: venvs.find(backend, interpreters or {}, base) for backend in backends}
    environments = {}
    for backend in backends:
        try:
            with Worker(worker_command or command(found[backend])) as worker:
                answer = worker.ask({"do": "environment", "backend": backend}, PROBE_TIMEOUT_S)
            environments[backend] = _private(ENVIRONMENT.validate_python(answer.get("environment")))
        except (WorkerFailure, ValidationError) as error:
            why = _why(error) if isinstance(error, WorkerFailure) else "its answer makes no sense"
            environments[backend] = Environment(
                backend=backend,
                status="failed",
                reason=f"{BACKENDS[backend].title} could not be started: {why}",
            )
    machine = detect(list(environments.values()), name=name)
    return Host(machine=machine, environments=environments, interpreters=found)


def _private(environment: Environment) -> Environment:
    """Take names and folders of this machine out of what variables hold."""
    seen = environment.steering
    if seen is None:
        return environment
    return replace(environment, steering={name: scrub(value) for name, value in seen.items()})


def installation() -> str | None:
    """Return the random id of this installation, which is made on first use and names nobody.

    Returns:
        A UUID; None where it cannot be kept.
    """
    folder = os.environ.get(CONFIG_VARIABLE) or platformdirs.user_config_dir("minibatch-report")
    path = Path(folder, "installation")
    # One that cannot be read is replaced.
    with contextlib.suppress(OSError, ValueError):
        return str(uuid.UUID(path.read_text(encoding="ascii").strip(), version=4))
    made = str(uuid.uuid4())
    try:
        files.write(path, f"{made}\n".encode())
    except OSError:
        return None
    return made


def _why(failure: WorkerFailure) -> str:
    """Say why a worker gave no answer, with the last line that it printed."""
    last = (failure.stderr_tail or "").rpartition("\n")[2].strip()
    return failure.reason if last in failure.reason else f"{failure.reason}: {last}"
