"""What `pip install` gives, without PyTorch and away from the checkout."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from report.environments import venvs

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = "Scripts" if os.name == "nt" else "bin"

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Installed:
    """A wheel, and the virtual environment that it alone was installed into."""

    wheel: Path
    environment: Path

    def run(
        self, program: str, *arguments: str | Path, folder: Path
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in a folder."""
        return _run(self.environment / SCRIPTS / program, *arguments, folder=folder)


def _run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("REPORT_", "PYTHON", "VIRTUAL_ENV"))
    }
    # No frameworks but those of the environment itself.
    kept["REPORT_ENV_DIR"] = str(folder / "no-environments")
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        check=False,
        cwd=folder,
        env=kept,
        encoding="utf-8",
        timeout=300,
    )


def _do(*command: str | Path, folder: Path) -> str:
    done = _run(*command, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Build the wheel and install it, with what it requires but no extra, somewhere new."""
    folder = tmp_path_factory.mktemp("wheel")
    python = sys.executable
    _do(python, "-m", "build", "--wheel", "--no-isolation", "-o", folder, ROOT, folder=folder)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "environment"
    _do(python, "-m", "venv", "--without-pip", environment, folder=folder)
    pip = (python, "-m", "pip", "--python", environment, "install", "--disable-pip-version-check")
    _do(*pip, "-c", ROOT / "constraints.txt", wheel, folder=folder)
    return Installed(wheel, environment)


@pytest.fixture(scope="module")
def results() -> Path:
    """Find a folder of result files: the tests' own, or the committed ones."""
    for folder in (ROOT / "tests" / "data" / "results", ROOT / "results"):
        if any(folder.rglob("*.json.gz")):
            return folder
    pytest.fail("neither tests/data/results nor results holds a result file")


def test_wheel_holds_the_program_and_what_it_reads_and_no_more(installed: Installed) -> None:
    """Templates and default experiments are inside; tests, results and the site are not."""
    with zipfile.ZipFile(installed.wheel) as wheel:
        names = wheel.namelist()

    read = ("py.typed", "experiments.yaml", "claims.yaml", "templates/base.html")
    assert {f"report/{name}" for name in read} <= {*names}
    # Of each further framework, so that `report env create` works away from the checkout.
    requirements = {f"report/environments/requirements/{name}.txt" for name in venvs.names()}
    assert set() < requirements <= {*names}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"report", "minibatch_report"}


def test_plain_install_brings_no_framework(installed: Installed, tmp_path: Path) -> None:
    """Reading and publishing others' results needs none of PyTorch's gigabytes."""
    done = installed.run("python", "-c", "import torch", folder=tmp_path)
    assert "ModuleNotFoundError" in done.stderr


def test_init_writes_the_default_experiments_and_validate_accepts_them(
    installed: Installed, tmp_path: Path
) -> None:
    """A reader's first two commands work in an empty folder, with the claims of the wheel."""
    done = installed.run("report", "init", "--full", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "experiments.yaml").read_bytes() == (ROOT / "experiments.yaml").read_bytes()

    done = installed.run("report", "validate", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "61 claims" in done.stdout


def test_installed_program_renders_the_very_site_that_the_checkout_does(
    installed: Installed, results: Path, tmp_path: Path
) -> None:
    """The wheel's templates are the checkout's, and nothing else of the checkout is read."""
    done = installed.run("report", "render", "--results", results, "-o", "site", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    # Not the command of this environment, which may be of another checkout.
    checkout = (sys.executable, "-m", "report")
    _do(*checkout, "render", "--results", results, "-o", tmp_path / "again", folder=ROOT)

    rendered, again = _files(tmp_path / "site"), _files(tmp_path / "again")
    assert {"index.html", "data/manifest.json"} <= rendered.keys()
    assert rendered.keys() == again.keys()
    assert [name for name in rendered if rendered[name] != again[name]] == []


def test_build_without_a_framework_names_the_command_that_installs_it(
    installed: Installed, tmp_path: Path
) -> None:
    """A usage error of one line, before anything is measured or written."""
    # Of an experiment that only PyTorch measures: NumPy is always there.
    assert installed.run("report", "init", folder=tmp_path).returncode == 0
    done = installed.run("report", "build", "--only", "matrix-size", folder=tmp_path)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "pip install torch" in done.stderr
    assert not (tmp_path / "site").exists()
    assert not (tmp_path / "results").exists()


def test_build_works_from_the_wheel_in_an_empty_folder(
    installed: Installed, tmp_path: Path
) -> None:
    """With a framework at hand, init and build are all it takes, away from any checkout."""
    torch = find_spec("torch")
    assert torch is not None
    assert torch.origin is not None
    # Lent from this environment: another download of PyTorch would say nothing more.
    (packages,) = installed.environment.glob("lib/python*/site-packages")
    lent = packages / "lent.pth"
    lent.write_text(f"{Path(torch.origin).parent.parent}\n")
    try:
        assert installed.run("report", "init", folder=tmp_path).returncode == 0
        done = installed.run("report", "build", "--only", "matrix-size", folder=tmp_path)
    finally:
        lent.unlink()
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == (tmp_path / "site" / "index.html").as_uri()
    (result,) = (tmp_path / "results").rglob("*.json.gz")
    assert json.loads(gzip.decompress(result.read_bytes()))["records"]
