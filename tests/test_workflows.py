"""The workflows are valid, hold no more rights than they use, and run only what was reviewed."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

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
    assert [path.name for path in WRITTEN] == ["handed-in.yml", "pages.yml"]


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
    }

    for folder, name, job in writing:
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
        "report render -o site",
    ]


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


def hand_in(repository: Path, files: dict[str, bytes]) -> tuple[bool, str]:
    """Commit files and run the workflow's own commands: whether they pass, and the summary."""
    git = ["git", "-C", str(repository)]
    base = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    for name, content in files.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_bytes(content)
    subprocess.run([*git, "add", "--all", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "Hand in"], check=True)
    summary = repository.parent / "summary"
    summary.write_text("")
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"GITHUB_STEP_SUMMARY": str(summary), "BASE": base.stdout.strip(), "PATH": programs}
    commands = [step["run"] for step in _steps(HANDED_IN) if "run" in step]
    assert "pip install" in commands[0]
    for command in commands[1:]:
        here = command.replace("minibatch-report", f"{sys.executable} -m report")
        done = subprocess.run(
            ["bash", "-e", "-c", here],
            cwd=repository,
            env={**os.environ, "PYTHONPATH": str(ROOT), **own},
            check=False,
            capture_output=True,
        )
        if done.returncode:
            return False, summary.read_text()
    return True, summary.read_text()


def handed(machine: str = "laptop", **fields: Any) -> bytes:
    """Return another machine's result."""
    made = small_results.result(small_results.products("products", full=[[1.1]]))
    return store.pack(replace(made, machine=replace(made.machine, id=machine), **fields))


PLACE = "results/laptop/20260102T030405Z-quick.json.gz"


def test_good_result_is_rendered_with_the_rest(repository: Path) -> None:
    """The site shows both machines."""
    passed, said = hand_in(repository, {PLACE: handed()})
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
    ],
    ids=["cut", "deep", "bomb", "path", "config", "workflow", "page", "name"],
)
def test_hostile_files_are_refused_by_the_steps_themselves(
    repository: Path, files: dict[str, bytes], says: str
) -> None:
    """And the summary says which and why, in characters that can be shown."""
    passed, said = hand_in(repository, files)
    assert not passed
    assert says in said
    assert "\x1b" not in said
