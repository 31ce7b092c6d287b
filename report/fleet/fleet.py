"""Measures a plan on every host of an engine; a host does nothing else meanwhile.

All hosts are asked first whether they can measure the plan as intended. A failure is reported and
tried once more, a refusal is reported, and the other hosts go on. A host keeps what it has
measured, so whatever happens, the same command continues with what is left.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.console import Console

from report import runs
from report.config.claims import CHAPTER
from report.config.configuration import load
from report.config.plan import Plan, plan
from report.config.yamlsource import YamlSource
from report.environments import trust
from report.errors import ConfigError, Interrupted, ReportError, ResultError, UsageError
from report.experiments.catalogue import LABELS
from report.fleet import engine, host, worker
from report.results import files, holdings, store
from report.terminal import NORMAL, QUIET, Watcher
from report.text.numerals import count
from report.text.plain import showable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from report.results.result import ProfileName

TRIES = 2

LOOK_S = 1.0

WAIT_S = 120.0
"""How long to wait for hosts that have not come yet, and for lost workers to be restarted."""


@dataclass
class Task:
    """What a worker is doing."""

    worker: str  # its address
    name: str  # its host's
    future: Any
    installation: str | None = None  # known once it has been checked


@dataclass
class Fleet:
    """Hosts that measure one request.

    Attributes:
        client: Dask's.
        request: As `host.planned` makes it.
        expected: How many hosts to expect.
        results: The folder for their results.
        say: Prints a line about what happens.
        measured: The places of the results that have arrived, by installation.
    """

    client: Any
    request: dict[str, Any]
    expected: int
    results: Path
    say: Callable[[str], None]
    measured: dict[str, str] = field(default_factory=dict)
    _tasks: list[Task] = field(default_factory=list)
    _ready: list[Task] = field(default_factory=list)  # checked
    _seen: set[str] = field(default_factory=set)  # addresses of workers
    # By installation, or by worker where that is not known yet.
    _failures: dict[str, int] = field(default_factory=dict)
    _given_up: set[str] = field(default_factory=set)
    _moved: float = field(default_factory=time.monotonic)  # when something last happened

    def measure(self) -> None:
        """Measure on each host until all are done, or there is nothing left to wait for.

        Raises:
            ReportError: The scheduler is lost.
        """
        while True:
            workers = self._workers()
            for address in workers.keys() - self._seen:
                self._seen.add(address)
                name = str(workers[address].get("name") or address)
                self._begin("check", Task(address, showable(name), None))
            for task in [*self._tasks]:
                if task.future.done():
                    self._tasks.remove(task)
                    self._moved = time.monotonic()
                    self._ended(task)
                elif task.worker not in workers:  # Dask's worker-ttl decides how soon
                    self._tasks.remove(task)
                    task.future.cancel()
                    self._failed(task, "its worker is lost")
            waited = time.monotonic() - self._moved > WAIT_S
            checked = not any(task.installation is None for task in self._tasks)
            if self._ready and checked and (waited or len(self._failures) >= self.expected):
                for task in self._ready:
                    self._begin("measure", task)
                self._ready.clear()
            left = self.expected - len(self.measured) - len(self._given_up)
            if not self._tasks and not self._ready and (left <= 0 or waited):
                return
            time.sleep(LOOK_S)

    def _workers(self) -> dict[str, dict[str, Any]]:
        if self.client.status == "running":
            with contextlib.suppress(Exception):  # whatever a client throws that lost its scheduler
                found: dict[str, dict[str, Any]] = self.client.scheduler_info()["workers"]
                return found
        raise ReportError(
            "The scheduler is lost. The hosts keep what they have measured; "
            "run the same command to continue."
        )

    def _begin(self, what: str, task: Task) -> None:
        task.future = self.client.submit(
            worker.ask,
            {**self.request, "do": what},
            workers=[task.worker],
            allow_other_workers=False,
            pure=False,
        )
        self._tasks.append(task)
        self._moved = time.monotonic()

    def _ended(self, task: Task) -> None:
        try:
            answer: dict[str, Any] = task.future.result()
        except Exception as error:  # noqa: BLE001 (whatever a host of any version throws)
            self._failed(task, f"{type(error).__name__}: {error}")
            return
        if "refused" in answer:
            self._failed(task, str(answer["refused"]), again=task.installation is not None)
        elif task.installation is None:
            self._checked(task, answer)
        else:
            try:
                place = self._bring(task, answer)
            except ResultError as error:
                self._failed(task, error.format_message())
            else:
                self.measured[task.installation] = place
                self.say(f"{task.name}: measured, {self.results / place}")

    def _checked(self, task: Task, answer: dict[str, Any]) -> None:
        """Make a host ready to measure, unless another worker on it is, or has measured."""
        task.installation = str(answer["installation"] or task.name)
        busy = {other.installation for other in (*self._tasks, *self._ready)}
        if task.installation in busy | self.measured.keys():
            return
        if self._failures.setdefault(task.installation, 0) < TRIES:
            lacks = f", without {', '.join(answer['lacks'])}" if answer["lacks"] else ""
            self.say(f"{task.name}: {showable(str(answer['machine']))}{lacks}")
            self._ready.append(task)

    def _failed(self, task: Task, why: str, *, again: bool = True) -> None:
        """Report a failure; try once more, now or when a lost worker has been replaced.

        What the check refused would be refused again, so it is not tried.
        """
        key = task.installation or task.worker
        self._failures[key] = failures = self._failures.get(key, 0) + 1
        more = again and failures < TRIES
        first = why.strip().partition("\n")[0] or "no reason was given"
        self.say(f"{task.name}: {showable(first)}{'; trying once more' if more else ''}")
        if not more:
            self._given_up.add(key)
        elif task.worker in self._workers():
            self._begin("check" if task.installation is None else "measure", task)

    def _bring(self, task: Task, answer: dict[str, Any]) -> str:
        """Put a host's result into the folder, if it is what was asked for."""
        one = store.read_bytes(answer["content"], task.name, LABELS)
        meant = self.request["plan"], self.request["code"], task.installation
        head = one.head
        if (head.config_hash, head.code_hash, head.installation or task.name) != meant:
            raise ResultError(f"{task.name} sent a result of another plan, code or host.")
        return holdings.bring(one, self.results, LABELS)


def measure(
    on: str,
    *,
    config: Path,
    results: Path,
    profile: ProfileName,
    device: str | None,
    **options: Any,
) -> bool:
    """Measure what a configuration asks for on the hosts of an engine; return whether all have.

    Options are those of `runs.measure`.

    Raises:
        UsageError: An option makes no sense here, or the hosts cannot be reached.
        ReportError: The scheduler is lost.
        Interrupted: A person stopped it.
    """
    for name in ("machine", "runs", "every", "as_json"):
        if options[name]:
            raise UsageError(f"--{name.removeprefix('as_')} cannot be used with --on.")
    made = plan(load(config), profile, device=device)
    made.only(options["only"])
    say = Watcher(Console(stderr=True), QUIET if options["quiet"] else NORMAL).say
    if options["dry_run"]:
        runs.show_plan(made, options["only"], as_json=False)
        if script := engine.job_script(on):
            say(f"The job script for each node:\n{script}")
        return True
    own = made.interpreters, made.environment, config.resolve().parent
    trust.require(*own, approved=options["trust"], code=made.code())
    sent = {name: options[name] for name in ("only", "start", "create_envs")}
    files_sent = bundle(config, made)
    request = host.planned(made, files_sent, profile=profile, device=device, **sent)
    with files.sole_writer(results, "measuring into"), engine.opened(on) as (client, expected):
        say(f"Asking {count(expected, 'host')}.")
        fleet = Fleet(client, request, expected, results, say)
        try:
            fleet.measure()
        except KeyboardInterrupt:
            raise Interrupted(
                "Interrupted. The hosts keep what they have measured; "
                "run the same command to continue."
            ) from None
    say(f"{len(fleet.measured)} of {count(expected, 'host')} measured.")
    return len(fleet.measured) >= expected


def bundle(config: Path, plan: Plan) -> dict[str, str]:
    """Return a configuration and its files, by their paths within its folder; itself first.

    Raises:
        ConfigError: A file is outside the folder, or is not text.
    """
    names = [config.name, *dict.fromkeys(_named(config, plan))]
    found = {}
    for name in names:
        path = config.parent / name
        try:
            if not path.resolve().is_relative_to(config.parent.resolve()):
                raise ConfigError(f"{path} is outside {config.parent}: move it in there.")
            found[name] = files.read(path).decode()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not text"
            raise ConfigError(f"{path} cannot be sent to hosts: {why}.") from None
    return found


def _named(config: Path, plan: Plan) -> Iterable[str]:
    claims = YamlSource(config).content.get("claims", [])
    for part in claims if isinstance(claims, list) else [claims]:
        if isinstance(part, str) and part != CHAPTER:
            yield part
    for function in plan.code():
        yield function.rpartition(":")[0]
    if plan.dataset_path is not None:
        yield plan.dataset_path
