"""The command line: exit codes, what is printed where, and that a refusal changes nothing.

Most tests let `fakeworker.py` stand in for the worker; the slow ones measure with PyTorch.
"""

from __future__ import annotations

import getpass
import gzip
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from processes import start_program
from report import __version__, runs
from report.cli import main
from report.config.claims import chapter
from report.config.configuration import load
from report.environments import process as workers
from report.experiments.catalogue import LABELS
from report.machine.machine import detect
from report.resources import SCHEMA_NAME, chapter_claims, default_config
from report.results import store
from report.run import runner

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

    from click.testing import Result as Done

    from conftest import FakeWorker
    from report.results.result import Result

    Fake = Callable[..., FakeWorker]

REPORT = str(Path(sys.executable).with_name("report"))

BAD = "version: 1\nexperiments:\n  a: {kind: matmul, sizes: 8}\n"


@pytest.fixture(autouse=True)
def _somewhere_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run in an empty folder, with a cache of its own and without a terminal's settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE", "REPORT_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str) -> Done:
    """Run a command in this process."""
    return CliRunner().invoke(main, arguments)


def only_result() -> Result:
    """Return the one result in the results folder."""
    (saved,) = store.read_all(Path("results"), LABELS)[0]
    return saved.result


def refused(*arguments: str) -> str:
    """Return what a command that cannot be carried out prints; it changes no file."""
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*") if path.is_file()}
    done = run(*arguments)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    after = {path: path.stat().st_mtime_ns for path in Path().rglob("*") if path.is_file()}
    assert {path for path in after if "cache" not in path.parts} == set(before)
    assert all(after[path] == time for path, time in before.items())
    return done.stderr


@pytest.fixture(name="fake")
def fake_instead(fake_worker: FakeWorker) -> Fake:
    """Return a function that writes experiments.yaml and lets the fake worker answer it."""

    def write(experiments: dict[str, str], processes: int = 1) -> FakeWorker:
        fake_worker.behave({str(8 + n): what for n, what in enumerate(experiments.values())})
        config = {
            "version": 1,
            "profiles": {"quick": {"processes": processes}},
            "experiments": {
                name: {"kind": "matmul", "size": 8 + n, "budget_s": 1}
                for n, name in enumerate(experiments)
            },
        }
        Path("experiments.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        return fake_worker

    return write


ENV = main.commands["env"]
COMMANDS = ["", *main.commands, *(f"env {name}" for name in getattr(ENV, "commands", ()))]


def chosen(command: str) -> click.Command:
    """Return a command by its words."""
    found: Any = main
    for word in command.split():
        found = found.commands[word]
    assert isinstance(found, click.Command)
    return found


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_explains_itself(command: str, option: str) -> None:
    """--help works everywhere, and every option has a sentence."""
    done = run(*command.split(), option)
    assert done.exit_code == 0
    assert done.stdout.startswith("Usage: ")
    assert chosen(command).help
    for parameter in chosen(command).params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize("command", COMMANDS[1:])
def test_every_help_ends_with_an_example_and_the_guide(command: str) -> None:
    """The example can be typed as it stands: it has no option that the command lacks."""
    examples, _, guide = str(chosen(command).epilog).partition("The guide: ")
    assert guide.startswith("docs/guide.md")
    assert f"For instance: report {command}" in examples
    options = {name for each in chosen(command).params for name in each.opts}
    if not isinstance(chosen(command), click.Group):
        assert set(re.findall(r" (--?[a-z][\w-]*)", examples)) <= options | {"--no-push"}


def test_version_is_the_packages() -> None:
    """What is installed can be told from outside."""
    assert run("--version").stdout == f"report, version {__version__}\n"


def shipped_claims() -> list[str]:
    """Return the ids of the claims that the program ships."""
    made = ((name, *claim.also_on) for name, claim in chapter()[1].items())
    return list(itertools.chain.from_iterable(made))


def test_init_writes_a_short_file_and_its_schema() -> None:
    """It can be read in one go, is valid, and some of the chapter's claims are judged with it."""
    assert run("init").exit_code == 0
    assert len(Path("experiments.yaml").read_text().splitlines()) < 60
    assert Path(SCHEMA_NAME).is_file()
    done = run("validate")
    assert done.exit_code == 0
    judged = load(Path("experiments.yaml"))
    assert judged.claims
    lacking = len(shipped_claims()) - len(judged.claims)
    assert f"{lacking} claims about the chapter need experiments" in done.stdout


def test_init_github_writes_workflows_and_replaces_none() -> None:
    """Beside a configuration that is there already, too."""
    kept = Path(".github", "workflows", "pages.yml")
    kept.parent.mkdir(parents=True)
    kept.write_text("mine")
    assert run("init", "--github").exit_code == 0
    done = run("init", "--github")
    assert done.exit_code == 0
    assert "pages.yml already exists" in done.stderr
    assert kept.read_text() == "mine"
    assert "pull_request" in kept.with_name("handed-in.yml").read_text()


def test_init_full_writes_the_whole_chapter() -> None:
    """What it writes is what the program ships, and validate counts what is in it."""
    assert run("init", "--full", "mine.yaml").exit_code == 0
    assert Path("mine.yaml").read_text() == default_config()
    done = run("validate", "mine.yaml")
    content = yaml.safe_load(default_config())
    counted = f"{len(content['experiments'])} experiments and {len(shipped_claims())} claims"
    assert (done.exit_code, done.stdout) == (0, f"mine.yaml is valid: {counted}.\n")


REFUSED = {
    ("biuld",): "No such command 'biuld'",
    # A file that is there is somebody's work.
    ("init", "x.yaml"): "x.yaml already exists; it was left as it is.",
    # A folder that is not there is no reason for a traceback.
    ("init", "none/x.yaml"): "none/x.yaml cannot be written: No such file",
    # Each command that reads the file tells the same mistake, and how to get a file.
    **{
        (command, *file): message
        for command in ("validate", "run", "build")
        for file, message in {
            ("x.yaml",): "x.yaml:3: unknown key 'experiments.a.sizes'. Did you mean 'size'?",
            (): "There is no experiments.yaml. `report init` writes one",
        }.items()
    },
}


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_mistake_of_the_person_is_told_and_changes_nothing(arguments: tuple[str, ...]) -> None:
    """With exit code 2, the place and the remedy."""
    Path("x.yaml").write_text(BAD)
    assert REFUSED[arguments] in refused(*arguments)


def test_schema_of_claims_is_printed() -> None:
    """The printed schema accepts the chapter's claims, and not one with an unknown key."""
    done = run("schema", "claims")
    assert done.exit_code == 0
    validator = Draft202012Validator(json.loads(done.stdout))
    claims = yaml.safe_load(chapter_claims().read_text())
    assert validator.is_valid(claims)
    next(iter(claims.values()))["saiys"] = "x"
    assert not validator.is_valid(claims)


def test_schema_of_results_is_printed() -> None:
    """It is the one that result files are held to where they are read."""
    done = run("schema", "results")
    assert (done.exit_code, json.loads(done.stdout)) == (0, json.loads(json.dumps(store.schema())))


@pytest.mark.parametrize("command", ["run", "build"])
def test_dry_run_shows_the_plan_and_runs_nothing(fake: Fake, command: str) -> None:
    """Every experiment is listed with a time; no process starts, and no file is written."""
    worker = fake({"first": "crash", "second": "crash"})
    files = set(Path().rglob("*"))
    done = run(command, "--dry-run")
    assert done.exit_code == 0
    for name in ("first", "second"):
        assert re.search(rf"{name} .*matmul.* \d s", done.stdout)
    assert re.search(r"About \d+ s with profile quick", done.stdout)
    assert worker.jobs() == []
    assert set(Path().rglob("*")) == files


def test_dry_run_for_programs_says_the_same(fake: Fake) -> None:
    """As JSON: every setting, and estimates in seconds."""
    fake({"first": "answer", "second": "answer"})
    shown = json.loads(run("run", "--dry-run", "--json", "--only", "second").stdout)
    assert list(shown["experiments"]) == ["second"]
    assert shown["experiments"]["second"]["settings"]["size"] == [9]
    assert shown["estimate_s"] == shown["experiments"]["second"]["estimate_s"] > 0
    assert (shown["profile"], shown["lacking"]) == ("quick", [])


def test_dry_run_refuses_what_the_memory_cannot_hold(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what it would take and what there is; where an accelerator holds it, nobody knows."""
    fake({})
    sizes = {"kind": "matmul", "size": [256, 16384], "dtype": ["float32", "float64"]}
    monkeypatch.setattr("report.runs.memory", lambda: 8 * 2**30)
    for device, status in (("cpu", 2), ("auto", 2), ("cuda", 0)):
        experiments = {"products": {**sizes, "device": device}}
        Path("experiments.yaml").write_text(json.dumps({"version": 1, "experiments": experiments}))
        done = run("run", "--dry-run")
        assert done.exit_code == status
        assert status == 0 or "would take 9 GiB of memory, and there are 8 GiB" in done.stderr


MATMUL, TRAINING = {"kind": "matmul"}, {"kind": "training"}
PAIR = ["pytorch", "numpy"]
LONG = [{"label": "x", "batch_size": 1, "lr": 0.001, "epochs": 1000, "copies": 10}]
HOPELESS: dict[str, dict[str, Any]] = {
    "interpreters.numba: ./nothing": {
        "backends": "numba",
        "interpreters": {"numba": "./nothing"},
        "experiments": {"a": MATMUL},
    },
    "dataset.path": {"dataset": {"path": "nothing.dat"}, "experiments": {"a": TRAINING}},
    "6 GiB of memory": {"experiments": {"a": {**MATMUL, "size": 16384, "dtype": "float64"}}},
    "5.6 GiB of memory": {"experiments": {"a": {**TRAINING, "runs": LONG, "seeds": 100}}},
    "8 GiB of memory": {
        "experiments": {"a": {"kind": "scaling", "world": 8, "message_bytes": 2**30}}
    },
    "8.9 GiB of memory": {
        "experiments": {"a": {"kind": "gradient", "batch_size": [*range(1, 65)], "draws": 100_000}}
    },
    # Every run is trained once, whatever the budget.
    "and a run takes": {"experiments": {"a": {**TRAINING, "runs": LONG, "seeds": 60}}},
    "take about 25 h": {"experiments": {"a": {**MATMUL, "budget_s": 45000, "backends": PAIR}}},
}


@pytest.mark.parametrize("command", ["validate", "build --dry-run", "run"])
@pytest.mark.parametrize("told", HOPELESS)
def test_what_this_machine_cannot_measure_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, command: str, told: str
) -> None:
    """By all commands that read the file, alike, and with no framework started."""
    monkeypatch.setattr("report.runs.memory", lambda: 4 * 2**30)
    monkeypatch.setattr("report.runs.survey", None)
    Path("experiments.yaml").write_text(json.dumps({"version": 1, **HOPELESS[told]}))
    assert told in refused(*command.split())


def test_a_live_comparison_is_refused_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any of its processes has started."""
    monkeypatch.setattr("report.runs.memory", lambda: 4 * 2**30)
    told = "6 GiB of memory"
    Path("experiments.yaml").write_text(json.dumps({"version": 1, **HOPELESS[told]}))
    assert told in refused("compare", "--live", "pytorch")
    assert not Path("live").exists()


def test_dry_run_of_one_shows_only_that(fake: Fake) -> None:
    """--only holds for the estimate too."""
    fake({"first": "answer", "second": "answer"})
    done = run("run", "--dry-run", "--only", "second")
    assert "second" in done.stdout
    assert "first" not in done.stdout


def test_dry_run_names_what_brings_the_frameworks_that_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with its own remedy; their budgets are no part of the estimate."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPORT_ENV_DIR", str(tmp_path / "none"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name != "numpy" else name)
    experiment = {"kind": "matmul", "budget_s": 600, "processes": 1}
    config = {
        "version": 1,
        "backends": ["pytorch", "numpy", "jax"],
        "experiments": {"a": experiment},
    }
    Path("experiments.yaml").write_text(json.dumps(config))
    done = run("run", "--dry-run")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()[-3:]
    assert lines[0].startswith("PyTorch is not installed and will be skipped: pip install")
    assert "pip install torch" in lines[0]
    assert lines[1] == "JAX is not installed and will be skipped: report env create jax"
    assert lines[2].startswith("About 10 min")


def test_good_run_ends_with_0(fake: Fake) -> None:
    """Each experiment is reported once, in plain lines, and the result is on disk."""
    fake({"first": "answer", "second": "answer"}, processes=2)
    done = run("run", "--machine", "here")
    assert done.exit_code == 0
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[1].startswith("Measuring 2 experiments with PyTorch: about ")
    ended = [line.split()[0] for line in lines if re.search(r" \d:\d\d$", line)]
    assert ended == ["first", "second"]
    assert re.match(r"Measured in \d+ s; the estimate was \d+ s", lines[-3])
    assert lines[-1].startswith("peak")  # the numbers that a person wants first
    result = only_result()
    assert result.machine.id == "here"
    assert [record.status for record in result.records] == ["ok"] * 4


def test_output_that_is_no_terminal_has_no_escape_codes(fake: Fake) -> None:
    """A log file of CI is read without a terminal."""
    fake({"first": "answer", "bad": "crash", "last": "answer"})
    for arguments in (["run", "-v"], ["run", "--dry-run"], ["hardware"], ["run", "--fresh"]):
        done = run(*arguments)
        assert "\x1b" not in done.output
        assert "\r" not in done.output
        assert done.output.strip()


@pytest.mark.parametrize("option", ["-q", "--quiet"])
def test_quiet_run_prints_failures_alone(fake: Fake, option: str) -> None:
    """No news is good news, for scripts."""
    fake({"first": "answer", "bad": "crash"})
    done = run("run", option)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "failed bad: it was ended by SIGSEGV\n"
    fake({"first": "answer", "bad": "answer"})
    done = run("run", option, "--resume")
    assert (done.exit_code, done.output) == (0, "")


def test_verbose_run_prints_every_process_and_the_output_of_failures(
    fake: Fake,
) -> None:
    """With -v a person can follow, and sees why something crashed."""
    fake({"first": "answer", "bad": "crash"}, processes=2)
    done = run("run", "-v")
    assert done.exit_code == 1
    assert "first, process 2, 3 of 4, about " in done.stderr
    assert 'fakeworker.py", line 7 in products' in done.stderr


def test_run_with_a_failure_ends_with_1_and_goes_on_with_the_rest(
    fake: Fake,
) -> None:
    """One crash costs one experiment; --resume tries that one again."""
    worker = fake({"first": "answer", "bad": "crash", "last": "answer"})
    assert run("run").exit_code == 1
    result = only_result()
    assert [record.status for record in result.records] == ["ok", "failed", "ok"]
    fake({"first": "answer", "bad": "answer", "last": "answer"})
    done = run("run")
    assert (done.exit_code, len(worker.jobs())) == (1, 3)
    assert "--resume" in done.stderr
    assert run("run", "--resume").exit_code == 0
    assert [job["size"] for job in worker.jobs()] == [8, 9, 10, 9]


def test_finished_run_is_not_repeated(fake: Fake) -> None:
    """The same command again says that there is nothing to do, and what adds a run."""
    worker = fake({"first": "answer"})
    run("run")
    for options in ([], ["--resume"]):
        done = run("run", *options)
        assert done.exit_code == 0
        assert "Everything has been measured already; --again adds a run.\n" in done.stderr
        assert len(worker.jobs()) == 1
    for count, option in enumerate(["--again", "--fresh"], 2):
        assert run("run", option).exit_code == 0
        assert len(worker.jobs()) == count
        assert len(store.read_all(Path("results"), LABELS)[0]) == count


def test_finished_run_is_rendered_all_the_same(fake: Fake) -> None:
    """`report build` after `report run` measures nothing, makes the site, and ends as the run did.

    The failure that the run holds is still one.
    """
    worker = fake({"first": "answer", "bad": "crash"})
    assert run("run").exit_code == 1
    assert run("build").exit_code == 1
    assert Path("site/index.html").is_file()
    assert len(worker.jobs()) == 2


def test_build_renders_and_opens_what_there_is_while_it_measures(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, saying that it is not finished; the end renders again and opens nothing."""
    fake({"first": "answer", "second": "answer"}, processes=3)
    monkeypatch.setattr("report.terminal.SOON_S", 0.0)
    opened: list[str] = []
    page = Path("site/index.html")
    monkeypatch.setattr(click, "launch", lambda _: opened.append(page.read_text()))
    done = run("build", "--open")
    assert done.exit_code == 0, done.output
    assert ["Unfinished" in each for each in opened] == [True]
    assert "Unfinished" not in page.read_text()
    assert done.stdout == f"{page.resolve().as_uri()}\n"


def test_run_renders_nothing(fake: Fake) -> None:
    """It is the first half of `report build` only."""
    fake({"first": "answer"}, processes=3)
    assert run("run").exit_code == 0
    assert not Path("site").exists()


UNFINISHED = {
    (): [8, 9],
    ("--resume",): [8, 9],
    ("--again",): [8, 9],
    ("--runs", "1"): [8, 9],
    ("--fresh",): [8, 8, 9],
    ("--fresh", "--runs", "1"): [8, 8, 9],
}


@pytest.mark.parametrize("options", UNFINISHED, ids=" ".join)
def test_unfinished_run_is_gone_on_with_unless_it_is_abandoned(
    fake: Fake, options: tuple[str, ...]
) -> None:
    """As the help has it; the file of one that is abandoned stays."""
    worker = fake({"first": "answer", "second": "answer"})
    run("run", "--only", "first")
    assert run("run", *options).exit_code == 0
    assert [job["size"] for job in worker.jobs()] == UNFINISHED[options]
    assert len(store.read_all(Path("results"), LABELS)[0]) == len(UNFINISHED[options]) - 1


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self, now: datetime, interrupted: int | None = None) -> None:
        """Start; the waiting is interrupted after so many steps."""
        self.moment, self._left = now, interrupted

    def now(self, zone: tzinfo | None = None) -> datetime:
        """Return the time."""
        return self.moment.astimezone(zone)

    def fromisoformat(self, text: str) -> datetime:
        """Return what a text says."""
        return datetime.fromisoformat(text)

    def sleep(self, seconds: float) -> None:
        """Let time pass, in no time."""
        if self._left == 0:
            raise KeyboardInterrupt
        self._left = None if self._left is None else self._left - 1
        self.moment += timedelta(seconds=seconds)


@pytest.fixture(name="clock")
def clock_instead(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Clock]:
    """Return a function that puts a clock in place of the real one, for waiting and for records."""

    def put(**fields: Any) -> Clock:
        clock = Clock(datetime(2026, 11, 27, 9, tzinfo=UTC), **fields)
        for module in (runs, runner):
            monkeypatch.setattr(module, "datetime", clock)
        monkeypatch.setattr(runs, "time", clock)
        return clock

    return put


def starts() -> list[str]:
    """Return when the runs in the results folder began, hour and minute."""
    return sorted(s.result.started_at[11:16] for s in store.read_all(Path("results"), LABELS)[0])


def test_several_runs_start_as_far_apart_as_asked(fake: Fake, clock: Callable[..., Clock]) -> None:
    """Counted from the last one that there is, so that a command that is given again goes on."""
    fake({"first": "answer"})
    clock()
    assert run("run").exit_code == 0
    done = run("run", "--runs", "2", "--every", "30m")
    assert done.exit_code == 0
    assert "Run 2 of 2 starts at " in done.stderr
    assert starts() == ["09:00", "09:30", "10:00"]
    assert run("run", "--runs", "1").exit_code == 0
    assert starts() == ["09:00", "09:30", "10:00", "10:15"]


def test_interrupted_waiting_ends_with_what_is_there(
    fake: Fake, clock: Callable[..., Clock]
) -> None:
    """Ctrl-C between two runs renders the first."""
    worker = fake({"first": "answer"})
    clock(interrupted=3)
    done = run("build", "--runs", "3", "--every", "2h")
    assert done.exit_code == 0
    assert Path("site/index.html").is_file()
    assert len(worker.jobs()) == 1


def test_only_runs_what_is_named(fake: Fake) -> None:
    """--only can be repeated; the rest is left for later."""
    worker = fake({"first": "answer", "second": "answer", "third": "answer"})
    assert run("run", "--only", "third", "--only", "first").exit_code == 0
    assert [job["size"] for job in worker.jobs()] == [8, 10]


MISSING = "is not available: PyTorch can use cpu."
CANNOT: dict[tuple[str, ...], str] = {
    # Runs one after the other see the machine in one state.
    ("--runs", "2", "--every", "14m"): "count as one",
    ("--runs", "2", "--every", "soon"): "'soon' is not a duration such as 1800s, 30m or 2h",
    ("--every", "30m"): "--runs says how many",
    ("--runs", "2", "--resume"): "Use one of them",
    # A slip of the pen is answered with the name that was meant.
    ("--only", "vectorisation"): "'vectorisation'. Did you mean 'vectorization'?",
    # A name can neither leave the results' folder nor be impossible elsewhere.
    ("--machine", "../x"): "cannot name a machine",
    ("--machine", "con"): "cannot name a machine",
    ("--machine", ""): "cannot name a machine",
    **{("--device", name): f"Device '{name}' {MISSING}" for name in ("cuda:7", "mps")},
    ("--device", "gpu"): "'gpu' is not auto, cpu, cuda, cuda:1, mps or xpu",
    ("--json",): "use it with --dry-run",
    ("-q", "-v"): "ask for opposite things",
    # Nothing is measured that could not be kept.
    ("--results", "experiments.yaml"): "'experiments.yaml' is a file",
}


@pytest.mark.parametrize("arguments", CANNOT, ids=" ".join)
def test_what_cannot_be_run_is_refused_before_anything_is_measured(
    fake: Fake, arguments: tuple[str, ...]
) -> None:
    """It is said what there is instead; nothing is written."""
    worker = fake({"vectorization": "answer"})
    assert CANNOT[arguments] in refused("run", *arguments)
    assert worker.jobs() == []


@pytest.mark.parametrize(
    "arguments",
    [("--device", "gpu"), ("--machine", "my laptop"), ("--only", "nothing")],
    ids=" ".join,
)
def test_what_needs_no_framework_to_be_refused_is_refused_by_a_dry_run(
    fake: Fake, arguments: tuple[str, ...]
) -> None:
    """A dry run that is content promises that the run begins."""
    fake({"first": "answer"})
    assert arguments[1] in refused("build", "--dry-run", *arguments)


@pytest.mark.parametrize("command", ["build", "run"])
def test_interrupt_ends_with_the_shells_own_status(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """A script that calls it can tell that a person ended it."""
    fake({"first": "answer"})

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("report.runs.survey", interrupted)
    done = run(command)
    assert done.exit_code == 130
    assert "Interrupted" in done.stderr


def test_full_disk_behind_the_output_is_one_line() -> None:
    """Neither a traceback nor a complaint of the interpreter's at its end."""
    if not Path("/dev/full").exists():
        pytest.skip("only Linux has a device that is always full")
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "report", "schema", "results"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "No space left" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("schema", "conifg"), "config"),
        (("biuld",), "build"),
        (("run", "--profile", "ful"), "full"),
    ],
    ids=str,
)
def test_slip_of_the_pen_is_answered_with_what_was_meant(
    arguments: tuple[str, ...], meant: str
) -> None:
    """Of commands, of what a schema is of, of profiles."""
    assert f"Did you mean '{meant}'?" in refused(*arguments)


def test_commands_stand_in_the_order_of_use() -> None:
    """Whoever reads the help meets first what they need first."""
    names = re.findall(r"^  (\w+)  ", run("--help").stdout, re.MULTILINE)
    assert names.index("build") < names.index("run") < names.index("publish")


def test_file_that_is_no_result_is_named_and_the_rest_is_shown(fake: Fake) -> None:
    """In the terminal, on the page and by the status; before the wait where it is measured."""
    fake({"vectorization": "answer"})
    assert run("run").exit_code == 0
    folder = Path("results", only_result().machine.id)
    (folder / "20200101T000000Z-quick.json").write_text("{")
    done = run("render")
    assert done.exit_code == 1
    assert f"{folder.name}/20200101T000000Z-quick.json is not complete JSON" in done.stderr
    page = Path("site", "index.html").read_text(encoding="utf-8")
    assert "20200101T000000Z-quick.json" in page
    assert "<h1>" in page


def test_build_tells_of_such_a_file_before_the_wait(fake: Fake) -> None:
    """Also where it is another machine's: then it is still easy to mend."""
    worker = fake({"vectorization": "answer"})
    folder = Path("results", "other")
    folder.mkdir(parents=True)
    (folder / "20200101T000000Z-quick.json").write_text("{")
    done = run("build")
    assert (done.exit_code, len(worker.jobs())) == (1, 1)
    before, _, after = done.stderr.partition("Looking at the machine")
    assert "other/20200101T000000Z-quick.json is not complete JSON" in before
    assert after


def test_build_refuses_before_the_wait_what_rendering_would_refuse(fake: Fake) -> None:
    """A page that a person has changed, one in the way, a list of imports nobody can read."""
    worker = fake({"vectorization": "answer"})
    assert run("build").exit_code == 0
    page = next(Path("site", "machines").glob("*/statements.html"))
    for path in (page, Path("results", "imported.json"), Path("site", "sitemap.xml")):
        before = path.read_bytes() if path.exists() else None
        path.write_text("mine")
        done = run("build", "--again", "--site-url", "https://example.org/")
        assert (done.exit_code, len(worker.jobs())) == (1, 1)
        assert str(path) in done.stderr
        path.unlink() if before is None else path.write_bytes(before)
    assert run("build", "--again").exit_code == 0


def test_machine_without_a_framework_is_told_why(fake: Fake) -> None:
    """Where nothing can measure, the reason is the framework's own."""
    worker = fake({"first": "answer"})
    worker.behave({"environment": "be killed"})
    message = refused("run")
    assert "There is no framework to measure." in message
    assert "PyTorch could not be started: it was ended by SIGKILL" in message


CLI = """
import sys
from pathlib import Path
from report import cli
from report.machine import noise
from report.environments import process
noise.probes = list
process.BOOTSTRAP = Path(sys.argv.pop(1))
cli.main()
"""


def start(*arguments: str) -> subprocess.Popen[str]:
    """Run a command with the fake worker in a process of its own."""
    return start_program(CLI, str(workers.BOOTSTRAP), *arguments)


def test_interrupted_run_says_what_is_kept(fake: Fake) -> None:
    """Ctrl-C ends with 1, one sentence, and all records but the one under way."""
    worker = fake({"first": "answer", "second": "wait for go"})
    process = start("run", "-q")
    worker.wait_for(9, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert err.strip() == (
        "Error: Interrupted. What was measured is kept in results; "
        "run the same command to continue."
    )
    result = only_result()
    assert [record.experiment for record in result.records] == ["first"]


def test_second_run_in_the_same_folder_is_refused(fake: Fake) -> None:
    """Two runs would disturb each other's times and write the same file."""
    worker = fake({"first": "wait for go"})
    process = start("run", "-q")
    worker.wait_for(8, process)
    done = run("run")
    assert done.exit_code == 2
    assert "Another report is measuring into results at this moment." in done.stderr
    (worker.folder / "go").touch()
    assert process.communicate() == ("", "")
    assert process.returncode == 0
    assert len(worker.jobs()) == 1


def words(text: str) -> set[str]:
    """Return the words of a text, as a name in it would be one."""
    return set(re.findall(r"[\w.-]+", text))


def test_hardware_as_json_names_nobody(fake: Fake) -> None:
    """It is what a result file holds of a machine, and can be shared like one."""
    fake({})
    done = run("hardware", "--frameworks", "--json")
    assert done.exit_code == 0
    content = json.loads(done.stdout)
    assert content["machine"]["id"] == detect().id
    assert content["environments"]["pytorch"]["dtypes"] == {"cpu": ["float32"]}
    private = {getpass.getuser(), socket.gethostname(), str(Path.home())}
    assert not private & words(done.stdout)


def test_hardware_is_shown_with_how_it_is_known(fake: Fake) -> None:
    """The table names the machine, its facts and their sources."""
    fake({})
    done = run("hardware", "--frameworks", "--machine", "here")
    assert done.exit_code == 0
    assert "Machine id: here" in done.stdout
    for word in ("fact", "value", "source", "Memory", "pytorch"):
        assert word in done.stdout


@pytest.mark.parametrize("columns", ["80", "40"])
def test_tables_lose_nothing_in_a_narrow_terminal(
    make_result: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    """What does not fit into a line goes on in the next; no number is cut."""
    for name in ("slow", "fast"):
        store.save(make_result(name), Path("results"))
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes it for a terminal then
    done = run("compare", "slow", "fast")
    plain = re.sub("\x1b[^m]*m", "", done.stdout)
    assert max(map(len, plain.splitlines())) == int(columns)
    assert "\N{HORIZONTAL ELLIPSIS}" not in plain


def report(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the installed program."""
    return subprocess.run(
        [REPORT, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **variables},
    )


def test_exit_codes_reach_the_shell() -> None:
    """0 for success, 2 for a mistake of the person, and a traceback for neither."""
    Path("bad.yaml").write_text(BAD)
    Path("good.yaml").write_text(default_config())
    good, bad, missing = (report("validate", name) for name in ("good.yaml", "bad.yaml", "none"))
    assert [done.returncode for done in (good, bad, missing)] == [0, 2, 2]
    assert (good.stderr, bad.stdout, missing.stdout) == ("", "", "")
    assert "Traceback" not in bad.stderr + missing.stderr


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("report run --only ve", ["vectorization"]),
        ("report build --only ", list(yaml.safe_load(default_config())["experiments"])),
        ("report va", ["validate"]),
        ("report run --machine my", ["my-laptop", "my-server"]),
    ],
)
def test_shell_completes_names(typed: str, expected: list[str]) -> None:
    """After --only come the experiments of this folder, after --machine those of its results."""
    for name in ("my-laptop", "my-server", "other", "imported"):
        place = "imported/my-copy" if name == "imported" else name
        Path("results", place).mkdir(parents=True)
        Path("results", place, "run.json.gz").touch()
    Path("experiments.yaml").write_text(default_config())
    done = report(
        _REPORT_COMPLETE="bash_complete", COMP_WORDS=typed, COMP_CWORD=str(typed.count(" "))
    )
    assert [line.removeprefix("plain,") for line in done.stdout.splitlines()] == expected


def test_shell_completes_nothing_where_the_file_is_bad() -> None:
    """A half-written file must not print errors into somebody's prompt."""
    Path("experiments.yaml").write_text(BAD)
    done = report(_REPORT_COMPLETE="bash_complete", COMP_WORDS="report run --only ", COMP_CWORD="3")
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("", "", 0)


TINY: dict[str, Any] = {
    "version": 1,
    "device": "cpu",
    "profiles": {"quick": {"processes": 1, "repeats": 3, "seeds": 1}},
    "experiments": {
        "product": {"kind": "matmul", "size": 8, "budget_s": 0.2},
        "train": {
            "kind": "training",
            "runs": [{"label": "batch 100", "batch_size": 100, "lr": 0.4, "epochs": 2}],
            "budget_s": 0.2,
        },
    },
}

with_torch = pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")


@with_torch
def test_real_run_measures_with_pytorch(real_file: Path) -> None:
    """From the command to the file with the real worker: times, losses, and nobody's name."""
    config = {**TINY, "dataset": {"path": str(real_file)}}
    Path("experiments.yaml").write_text(yaml.safe_dump(config))
    done = report("run", "--machine", "here")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "\x1b" not in done.stderr
    # Where the machine is noisy it says so, and measures again.
    lines = [line for line in done.stderr.splitlines() if re.search(r" \d:\d\d$", line)]
    assert {line.split()[0] for line in lines} == {"product", "train"}
    (path,) = Path("results").rglob("*.json.gz")
    result = store.load(path, LABELS)
    product, train = sorted(result.records, key=lambda record: record.experiment)
    assert (product.status, train.status) == ("ok", "ok")
    assert product.outcome is not None
    assert product.outcome.series[0].flops == 2 * 8**3
    assert train.outcome is not None
    (run_of_100,) = train.outcome.runs
    # Of the chapter's data, which is linear: the lowest loss there can be.
    assert 0.2416 < run_of_100.loss[-1] < run_of_100.loss[0]
    assert result.dataset is not None
    assert result.dataset.source == "file"
    text = gzip.decompress(path.read_bytes()).decode()
    assert not {getpass.getuser(), socket.gethostname()} & words(text)
    assert str(real_file.parent) not in text


@with_torch
def test_real_machine_refuses_a_device_that_it_lacks() -> None:
    """Before anything is measured, PyTorch itself says what there is."""
    Path("experiments.yaml").write_text(yaml.safe_dump(TINY))
    done = report("run", "--device", "xpu:99")
    assert done.returncode == 2
    assert "Device 'xpu:99' is not available: PyTorch can use cpu" in done.stderr
    assert not Path("results").exists()
