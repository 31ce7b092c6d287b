"""What `report run` and the first half of `report build` do: one run, or several in turn.

A machine has runs, and changes between them show only if they are apart in time. The newest run of
the same plan decides what a command does; its help has the table.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from report import terminal
from report.claims import verdicts, wording
from report.config.configuration import LONGEST_S, load
from report.config.plan import Plan, refuse_too_large
from report.config.plan import plan as make_plan
from report.environments import trust as approval
from report.environments import venvs
from report.errors import ConfigError, Interrupted, UsageError
from report.experiments.catalogue import KINDS, LABELS
from report.figures import prose
from report.machine.machine import memory
from report.registry import WITH_DATA
from report.results import files, store
from report.results.result import ProfileName, Result, source_of
from report.results.runs import APART
from report.run import data
from report.run.host import Host, survey
from report.run.runner import Run, Start
from report.terminal import NORMAL, QUIET, VERBOSE, Watcher
from report.text.numerals import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


UNITS = {"s": 1, "m": 60, "h": 3600}


def measure(  # noqa: PLR0913 (one argument for each option)
    *,
    config: Path,
    results: Path,
    profile: ProfileName,
    only: tuple[str, ...],
    device: str | None,
    machine: str | None,
    start: Start | None,
    runs: int | None,
    every: str | None,
    create_envs: bool,
    trust: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    look: Callable[[], str] | None = None,
) -> Result | None:
    """Measure; return the newest result, or nothing if only the plan was wanted.

    Once, while nothing is timed, `look` renders what there is and returns its address.
    """
    _refuse_contradictions(quiet=quiet, verbose=verbose, as_json=as_json, dry_run=dry_run)
    every_s = _spacing(start, runs, every)
    plan = make_plan(load(config), profile, device=device)
    folder = config.resolve().parent
    refuse(plan, only, folder)
    console = Console(stderr=True)
    if dry_run:
        show_plan(plan, only, as_json=as_json)
        return None
    verbosity = QUIET if quiet else VERBOSE if verbose else NORMAL
    say = Watcher(console, verbosity).say
    approval.require(plan.interpreters, plan.environment, folder, approved=trust, code=plan.code())
    if create_envs:
        _create_missing(plan, console, say)

    def prepared(start: Start | None) -> Run:
        """Look at the machine as it is now, and at its newest run."""
        say("Looking at the machine and its frameworks.")
        host = survey(
            plan.backends(),
            name=machine,
            interpreters=plan.interpreters,
            variables=plan.environment,
            base=folder,
        )
        require_a_framework(host, {name for e in plan.only(only) for name in e.backends})
        return Run(
            plan=plan, host=host, results=results, only=only, start=start, checkout=folder, say=say
        )

    run = prepared(None if start == "again" and runs is not None else start)
    if dropped := terminal.dropped_variables(plan):
        say(dropped)
    for number in range(runs or 1):
        if runs is not None and run.finished:
            if not _waited(run.result, every_s, f"Run {number + 1} of {runs}", say):
                break
            run = prepared("again")
        _execute(run, Watcher(console, verbosity, look if number == 0 else None))
    if not quiet:
        _conclude(_with_its_runs(run.result, results), say)
    return run.result


def _with_its_runs(result: Result, folder: Path) -> Result:
    """Return a run combined with those that are alike, as on its machine's page."""
    if len(store.paths(folder / result.machine.id)) < 2:
        return result
    whole = store.find(result.machine.id, folder, LABELS)
    return replace(whole, verdicts=verdicts.of_result(whole))


def refuse(plan: Plan, only: Sequence[str], folder: Path) -> None:
    """Refuse what needs no framework to be refused; paths of the plan start at a folder.

    Raises:
        UsageError: Some of it would take more memory than there is, or too long; or an interpreter
            that is named is not there.
        DataError: Nor is the copy of the data, or it is another file.
    """
    experiments = plan.only(only)
    refuse_too_large(experiments, memory())
    about_s = sum(terminal.forecast(plan, only, ()).values())
    if about_s > LONGEST_S:
        raise ConfigError(
            f"Profile {plan.profile} would take about {duration(about_s)}, and a run takes "
            f"{duration(LONGEST_S)} at most: lower budgets, seeds or epochs, or use several files."
        )
    for backend in plan.backends():
        venvs.find(backend, plan.interpreters, folder)
    if any(one.kind in WITH_DATA for one in experiments):
        data.own_copy(folder / plan.dataset_path if plan.dataset_path else None)


def show_plan(plan: Plan, only: tuple[str, ...], *, as_json: bool) -> None:
    """Print what would be measured, and how long that takes."""
    lacking = venvs.lacking(plan.backends(), plan.interpreters)
    shown = terminal.plan_data if as_json else terminal.plan
    terminal.show(shown(plan, only, lacking))


def _refuse_contradictions(*, quiet: bool, verbose: bool, as_json: bool, dry_run: bool) -> None:
    if quiet and verbose:
        raise UsageError("-q and -v ask for opposite things; use only one.")
    if as_json and not dry_run:
        raise UsageError("--json prints the plan: use it with --dry-run.")


def _execute(run: Run, watcher: Watcher) -> None:
    """Measure what is left of a run, if anything is."""
    if not run.pending():
        failed = any(record.status == "failed" for record in run.result.records)
        more = "; --resume retries what failed" if failed else ""
        watcher.say(f"Everything has been measured already; --again adds a run{more}.")
    try:
        with files.sole_writer(run.results, "measuring into"), watcher.shown():
            run.execute(watcher)
        watcher.total()
    except KeyboardInterrupt:
        raise Interrupted(
            f"Interrupted. What was measured is kept in {run.results}; "
            "run the same command to continue."
        ) from None


def _conclude(result: Result, say: Callable[[str], None]) -> None:
    """Say the main numbers first, then what does not hold here, and how much does."""
    led = result.led()
    for card in (card for kind in KINDS.values() for card in kind.cards(led)):
        within = f" ({card.interval})" if card.interval else ""
        say(f"{card.label}: {card.value} {card.unit}{within}, {prose.plain(card.note)}")
    if result.verdicts:
        # Of each experiment's leading framework, as the page counts them.
        claims = result.config["claims"]
        leading = verdicts.leading(result)
        judged = [(source_of(claims[each.claim]), each.verdict) for each in leading]
        for each, (source, verdict) in zip(leading, judged, strict=True):
            if (source, verdict) == ("chapter", "contradicted"):
                say(f"does not hold here: {claims[each.claim]['says']}")
        say(f"{wording.tally(judged)}.")


def _spacing(start: Start | None, runs: int | None, every: str | None) -> float:
    """Return the seconds from one start to the next, if the options make sense."""
    if runs is None and every is not None:
        raise UsageError("--every needs --runs: --runs says how many runs start that far apart.")
    if runs is not None and start == "resume":
        raise UsageError("--resume continues a run; --runs adds some. Use one of them.")
    least_s = APART.total_seconds()
    if every is None:
        return least_s
    parts = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", every)
    if parts is None:
        raise UsageError(f"{every!r} is not a duration such as 1800s, 30m or 2h.")
    seconds = float(parts[1]) * UNITS[parts[2]]
    if seconds < least_s:
        raise UsageError(
            f"Runs that start less than {duration(least_s)} apart count as one: "
            f"they see the machine in the same state. Use --every {least_s / 60:g}m or more."
        )
    return seconds


def _waited(earlier: Result, every_s: float, what: str, say: Callable[[str], None]) -> bool:
    """Wait until a run may follow an earlier one; return False if Ctrl-C ended the wait."""
    due = datetime.fromisoformat(earlier.started_at) + timedelta(seconds=every_s)
    try:
        left_s = (due - datetime.now(UTC)).total_seconds()
        if left_s > 0:
            clock = f"{due.astimezone():%H:%M:%S}"
            say(f"{what} starts at {clock}, in {duration(left_s)}; Ctrl-C stops waiting.")
        while (left_s := (due - datetime.now(UTC)).total_seconds()) > 0:
            # In short steps: a laptop that sleeps meanwhile must not add its sleep.
            time.sleep(min(left_s, 10.0))
    except KeyboardInterrupt:
        say("Stopped while waiting; what was measured is kept.")
        return False
    return True


def require_a_framework(host: Host, used: set[str]) -> None:
    """Refuse a host where nothing could be measured.

    Raises:
        UsageError: None of these frameworks is installed and works.
    """
    environments = [found for name, found in host.environments.items() if name in used]
    if not any(found.status == "ok" for found in environments):
        reasons = "\n".join(str(found.reason) for found in environments)
        raise UsageError(f"There is no framework to measure.\n{reasons}")


def created(name: str, console: Console) -> Path:
    """Make an environment, and meanwhile show the last line that the installer printed."""
    with console.status(f"{name}: making an environment") as status:
        return venvs.create(name, lambda line: status.update(escape(line[:160])))


def _create_missing(plan: Plan, console: Console, say: Callable[[str], None]) -> None:
    """Make environments for frameworks that have neither one nor an interpreter of the user's."""
    for backend in venvs.names():
        wanted = backend in plan.backends() and backend not in plan.interpreters
        if wanted and venvs.stamp_of(backend) is None:
            say(f"made the environment for {backend}: {created(backend, console)}")
