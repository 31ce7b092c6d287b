"""The workflows are valid, hold no more rights than they use, and run only what was reviewed."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

import results_factory
from factories import small_results
from report.results import store

ROOT = Path(__file__).resolve().parent.parent
OURS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WRITTEN = sorted((ROOT / "templates" / "github").glob("*.yml"))
"""What `report init --github` writes."""

WORKFLOWS = [*OURS, *WRITTEN]

every_workflow = pytest.mark.parametrize(
    "path", WORKFLOWS, ids=lambda path: f"{path.parent.name}/{path.stem}"
)


def _tool(name: str, *arguments: str) -> None:
    """Run a tool of this interpreter's environment; what it complains of fails the test."""
    folder = Path(sys.executable).parent
    done = subprocess.run(
        [str(folder / name), *arguments, *map(str, WORKFLOWS)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _workflow(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def _steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in _workflow(path)["jobs"].values() for step in job["steps"]]


def test_the_workflows_are_there() -> None:
    """The tests below hold for these files, not for an empty list."""
    assert [path.name for path in OURS] == ["ci.yml", "pages.yml", "release.yml"]
    assert [path.name for path in WRITTEN] == ["handed-in.yml", "measure.yml", "pages.yml"]


def test_workflows_fit_the_schema() -> None:
    """GitHub would take each file."""
    _tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows")


def test_workflows_pass_the_audit() -> None:
    """A security audit that knows GitHub's pitfalls finds nothing."""
    _tool("zizmor", "--offline", "--no-progress")


@every_workflow
def test_no_right_is_given_to_a_whole_workflow(path: Path) -> None:
    """Each job asks for its own rights, so that a new job starts with none."""
    workflow = _workflow(path)

    assert workflow["permissions"] == {}
    assert all("permissions" in job for job in workflow["jobs"].values())


def test_only_the_deployment_may_write() -> None:
    """The job that runs the project's code cannot publish; the one that publishes runs none."""
    writing = {
        (path.parent.name, path.name, name): job["permissions"]
        for path in WORKFLOWS
        for name, job in _workflow(path)["jobs"].items()
        if "write" in job["permissions"].values()
    }
    assert writing == {
        ("workflows", "pages.yml", "deploy"): {"pages": "write", "id-token": "write"},
        ("github", "pages.yml", "deploy"): {"pages": "write", "id-token": "write"},
        ("workflows", "release.yml", "publish"): {"id-token": "write"},
        ("github", "measure.yml", "propose"): {"contents": "write", "pull-requests": "write"},
    }

    # What proposes a result needs a clone, and runs nothing but git and gh in it.
    for folder, name, job in [each for each in writing if each[1] != "measure.yml"]:
        (path,) = [each for each in WORKFLOWS if (each.parent.name, each.name) == (folder, name)]
        steps = _workflow(path)["jobs"][job]["steps"]
        assert not any("checkout" in step.get("uses", "") for step in steps)
        assert all("uv" in step["run"] for step in steps if "run" in step)


@every_workflow
def test_every_action_is_pinned_by_commit_and_says_its_version(path: Path) -> None:
    """A tag can be moved to other code after review; a commit cannot."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line]

    assert lines
    for line in lines:
        assert re.search(r"uses: actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


@every_workflow
def test_checkout_leaves_no_token_behind(path: Path) -> None:
    """Nothing that runs later can read the token from the clone's settings."""
    checkouts = [step for step in _steps(path) if "/checkout@" in step.get("uses", "")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_pages_are_rendered_without_a_framework_and_measured_nowhere() -> None:
    """Timings of a shared runner are worth nothing, so none are made and torch stays out."""
    (pages,) = [path for path in OURS if path.stem == "pages"]
    commands = [step["run"] for step in _steps(pages) if "run" in step]

    assert commands == [
        "pip install -c constraints.txt .",
        'report render -o site --site-url "${ADDRESS/#http:/https:}"',
    ]


@every_workflow
def test_no_expression_is_put_into_a_command(path: Path) -> None:
    """What others choose, an input or a branch's name, reaches a shell as a variable only."""
    commands = [step["run"] for step in _steps(path) if "run" in step]
    assert not [command for command in commands if "${{" in command]


# What is written with ${{ }} in a variable, by the parts of it that decide.
@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("https://me.github.io/report", "https://me.github.io/report/"),
        ("http://report.example.org", "https://report.example.org/"),
    ],
)
def test_deployed_pages_name_the_address_that_pages_has(
    repository: Path, address: str, wanted: str
) -> None:
    """The step's own command, in the runner's shell, with what GitHub answers."""
    (step,) = [
        step
        for step in _steps(ROOT / "templates" / "github" / "pages.yml")
        if "render" in step.get("run", "")
    ]
    assert step["env"] == {"ADDRESS": "${{ steps.pages.outputs.base_url }}"}
    done = _shell(step["run"], repository, ADDRESS=address)
    assert done.returncode == 0, done.stderr
    assert f"<loc>{wanted}</loc>" in (repository / "site" / "sitemap.xml").read_text()


# What looks at results that others hand in, by its own steps

HANDED_IN = ROOT / "templates" / "github" / "handed-in.yml"


@pytest.fixture(name="repository")
def class_repository(tmp_path: Path) -> Path:
    """Return a repository with one result, as a class would keep it."""
    folder = tmp_path / "class"
    store.save(
        small_results.result(small_results.products("products", full=[[1.0]])), folder / "results"
    )
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["config", "user.name", "A Teacher"],
        ["config", "user.email", "teacher@example.org"],
        ["add", "."],
        ["commit", "--quiet", "--message", "Begin"],
    ):
        subprocess.run(["git", "-C", folder, *command], check=True)
    return folder


def _shell(command: str, folder: Path, **own: str) -> subprocess.CompletedProcess[str]:
    """Run a step's command as a runner does, with this program in place of an installed one."""
    own["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    here = command.replace("minibatch-report", f"{sys.executable} -m report")
    return subprocess.run(
        ["bash", "-e", "-c", here],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **own},
        check=False,
        capture_output=True,
        text=True,
    )


def hand_in(repository: Path, files: dict[str, bytes | str | None]) -> tuple[bool, str]:
    """Commit files and run the workflow's own commands: whether they pass, and the summary.

    A text in the place of bytes makes a link that leads there; None deletes what was there.
    """
    git = ["git", "-C", str(repository)]
    base = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    for name, content in files.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            (repository / name).write_bytes(content)
        elif content:
            (repository / name).symlink_to(content)
        else:
            (repository / name).unlink()
    subprocess.run([*git, "add", "--all", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "Hand in"], check=True)
    summary = repository.parent / "summary"
    summary.write_text("")
    own = {"GITHUB_STEP_SUMMARY": str(summary), "BASE": base.stdout.strip()}
    commands = [step["run"] for step in _steps(HANDED_IN) if "run" in step]
    assert "pip install" in commands[0]
    for command in commands[1:]:
        done = _shell(command, repository, **own)
        if done.returncode:
            return False, summary.read_text()
    return True, summary.read_text()


def handed(machine: str = "laptop", **fields: Any) -> bytes:
    """Return another machine's result."""
    made = small_results.result(small_results.products("products", full=[[1.1]]))
    return store.pack(
        store.dump(replace(made, machine=replace(made.machine, id=machine), **fields))
    )


PLACE = "results/laptop/20260102T030405Z-quick.json.gz"
LATER = {"started_at": "2026-02-03T04:05:06Z", "run_id": "1" * 8 + results_factory.RUN_ID[8:]}
NEXT = "results/laptop/20260203T040506Z-quick.json.gz"
ANOTHERS = handed(installation=results_factory.INSTALLATION, **LATER)
TEACHERS = f"results/{store.name_of(small_results.result([]))}"


def test_good_result_is_rendered_with_the_rest(repository: Path) -> None:
    """The site shows both machines, and a further run of the same one."""
    passed, said = hand_in(repository, {PLACE: handed(), NEXT: handed(**LATER)})
    assert passed, said
    assert (repository / "site" / "machines" / "laptop" / "index.html").exists()


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({PLACE: b"{"}, "not complete JSON"),
        ({PLACE: gzip.compress(b"[" * 10_000_000)}, "holds more than any result"),
        ({PLACE: gzip.compress(bytes(100_000_000))}, "too large"),
        ({PLACE: handed("../../x")}, "cannot name a machine"),
        ({"experiments.yaml": b"interpreters: {numpy: /bin/sh}"}, "experiments.yaml"),
        ({PLACE: handed(), ".github/workflows/x.yml": b"on: push"}, ".github/workflows/x.yml"),
        ({"results/laptop/x.html": b"<script>"}, "results/laptop/x.html"),
        ({"results/a b/\x1b[31m.json.gz": handed()}, "results/a b/"),
        ({PLACE: "/dev/zero"}, PLACE),
        ({TEACHERS: None}, TEACHERS),
        ({TEACHERS: handed("fixed-machine", generator="another")}, TEACHERS),
        ({PLACE: handed(), NEXT: ANOTHERS}, "results/laptop is"),
        ({PLACE: handed("fixed-machine", **LATER)}, "results/laptop is"),
    ],
    ids=[
        *("cut", "deep", "bomb", "path", "config", "workflow", "page", "name"),
        *("link", "deletion", "change", "two students", "another's name"),
    ],
)
def test_hostile_files_are_refused_by_the_steps_themselves(
    repository: Path, files: dict[str, bytes | str | None], says: str
) -> None:
    """And the summary says which and why, in characters that can be shown."""
    passed, said = hand_in(repository, files)
    assert not passed
    assert says in said
    assert "\x1b" not in said


# What measures on a runner of one's own and proposes the result, by its own steps

MEASURE = ROOT / "templates" / "github" / "measure.yml"

SMALL = """
version: 1
backends: [numpy]
profiles: {quick: {processes: 2, repeats: 3}}
experiments:
  products: {kind: matmul, size: 64, strategy: full, budget_s: 0.2}
"""


def test_what_a_person_starts_can_be_started_by_nobody_else() -> None:
    """No push and no pull request reaches the runner, and its job may only read."""
    workflow: dict[Any, Any] = _workflow(MEASURE)
    assert list(workflow[True]) == ["workflow_dispatch"]  # YAML reads `on` as a truth
    assert set(workflow[True]["workflow_dispatch"]["inputs"]) == {"profile", "machine", "runs"}
    assert workflow["jobs"]["measure"]["permissions"] == {"contents": "read"}
    assert [job["runs-on"] for job in workflow["jobs"].values()] == ["self-hosted", "ubuntu-24.04"]


class Runner:
    """Runs the commands of the jobs in clones of a remote on this disk, as GitHub's runner does."""

    def __init__(self, repository: Path) -> None:
        """Make the remote of a repository that asks for a little measuring, and a gh that notes."""
        self.folder = repository.parent
        self.remote = self.folder / "remote.git"
        (repository / "experiments.yaml").write_text(SMALL)
        for command in (
            ["add", "."],
            ["commit", "--quiet", "--message", "Ask for less"],
            ["clone", "--quiet", "--bare", ".", str(self.remote)],
        ):
            subprocess.run(["git", *command], cwd=repository, check=True)
        gh = self.folder / "bin" / "gh"
        gh.parent.mkdir()
        gh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> "{self.folder}/said"\n')
        gh.chmod(0o755)

    def git(self, *arguments: str) -> str:
        """Return what git says of the remote."""
        command = ["git", "-C", str(self.remote), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def job(self, name: str, folder: str, **inputs: str) -> tuple[Path, bool]:
        """Run a job's commands in a new clone, beside what it downloads; whether all pass."""
        clone = self.folder / folder
        subprocess.run(["git", "clone", "--quiet", str(self.remote), str(clone)], check=True)
        if (self.folder / "artifact").is_dir():
            shutil.copytree(self.folder / "artifact", clone / "measured")
        own = {
            "RUNNER_TEMP": str(self.folder),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "REPORT_ENV_DIR": str(self.folder / "environments"),
            "GH_TOKEN": "a-secret",
            "BASE": "main",
            "BRANCH": "measured-7-1",
            **inputs,
        }
        for step in _workflow(MEASURE)["jobs"][name]["steps"]:
            command = step.get("run", "")
            if not command or "pip" in command:
                continue
            # Where the step before it would have installed the program.
            here = command.replace('"$RUNNER_TEMP/report/bin/minibatch-report"', "minibatch-report")
            done = _shell(f'PATH="{self.folder}/bin:$PATH"; {here}', clone, **own)
            if done.returncode:
                return clone, False
        return clone, True


@pytest.fixture
def runner(repository: Path) -> Runner:
    """Return a runner with the class's repository as its remote."""
    return Runner(repository)


INPUTS = {"PROFILE": "quick", "MACHINE": "my-machine", "RUNS": "1"}


def test_measured_result_is_proposed_on_a_branch_of_its_own(runner: Runner) -> None:
    """From a real measurement to a pull request: only the new file is in it, and main stays."""
    before = runner.git("rev-parse", "main")
    clone, passed = runner.job("measure", "there", **INPUTS)
    assert passed
    shutil.copytree(clone / "measured", runner.folder / "artifact")
    _, passed = runner.job("propose", "here")
    assert passed
    assert runner.git("rev-parse", "main") == before
    changed = runner.git("diff", "--name-status", "main", "measured-7-1")
    assert re.fullmatch(r"A\tresults/my-machine/[0-9TZ]+-quick\.json\.gz", changed), changed
    asked = (runner.folder / "said").read_text()
    assert "pr create --base main --head measured-7-1" in asked
    assert "a-secret" not in asked


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MACHINE", '"; touch hacked; "'),
        ("MACHINE", "$(touch hacked)"),
        ("RUNS", "1 --trust"),
        ("PROFILE", "quick; touch hacked"),
    ],
)
def test_an_input_is_no_program(runner: Runner, name: str, value: str) -> None:
    """Whatever is typed into the form is one argument, which the program refuses."""
    clone, passed = runner.job("measure", "there", **(INPUTS | {name: value}))
    assert not passed
    assert not (clone / "hacked").exists()
    assert not (clone / "measured").exists()


@pytest.mark.parametrize("name", ["results/laptop/x.sh", ".github/workflows/x.yml", "results/x"])
def test_nothing_but_results_is_proposed(runner: Runner, name: str) -> None:
    """A machine that was taken over cannot have a workflow or a program merged."""
    file = runner.folder / "artifact" / name
    file.parent.mkdir(parents=True)
    file.write_text("echo")
    _, passed = runner.job("propose", "here")
    assert not passed
    assert runner.git("branch", "--list", "measured-*") == ""
    assert not (runner.folder / "said").exists()
