"""The workflows are valid, hold no more rights than they use, and run only what was reviewed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

every_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


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
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "pages.yml", "release.yml"]


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
        (path.name, name): job["permissions"]
        for path in WORKFLOWS
        for name, job in _workflow(path)["jobs"].items()
        if "write" in job["permissions"].values()
    }
    assert writing == {
        ("pages.yml", "deploy"): {"pages": "write", "id-token": "write"},
        ("release.yml", "publish"): {"id-token": "write"},
    }

    for name, job in (("pages.yml", "deploy"), ("release.yml", "publish")):
        steps = _workflow(ROOT / ".github" / "workflows" / name)["jobs"][job]["steps"]
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
    (pages,) = [path for path in WORKFLOWS if path.stem == "pages"]
    commands = [step["run"] for step in _steps(pages) if "run" in step]

    assert commands == [
        "pip install -c constraints.txt .",
        "report render -o site",
    ]
