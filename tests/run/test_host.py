"""Where and by what is measured: devices, frameworks, and the version of the code."""

from __future__ import annotations

import shutil
import subprocess
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from report.errors import UsageError
from report.registry import KINDS
from report.resources import PACKAGE
from report.run import host as module
from report.run.host import Host, git_commit, installation, survey
from report.worker.records import Accelerator, Environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conftest import FakeWorker


def with_devices(*working: str, broken: Sequence[Accelerator] = ()) -> Environment:
    """Return PyTorch on a machine with these accelerators, some of which may not work."""
    accelerators = [Accelerator(device=device, works=True) for device in working]
    return Environment(
        backend="pytorch",
        accelerators=[*accelerators, *broken],
        dtypes={device: ["float32"] for device in ("cpu", *working)},
    )


def sized(*sizes: int | None, dtypes: Sequence[int] = ()) -> Environment:
    """Return PyTorch with CUDA devices of these GiB, and of so many dtypes each."""
    devices = [
        Accelerator(device=f"cuda:{k}", memory_bytes=size and size * 2**30, works=True)
        for k, size in enumerate(sizes)
    ]
    names = ["float32", "bfloat16", "float16"]
    few = {f"cuda:{k}": names[:count] for k, count in enumerate(dtypes or [3] * len(sizes))}
    return Environment(backend="pytorch", accelerators=devices, dtypes={"cpu": names, **few})


BROKEN = Accelerator(device="cuda:0", works=False, reason="no kernel image")


def host_of(fake_worker: FakeWorker, environment: Environment) -> Host:
    """Return a machine with this environment."""
    return replace(fake_worker.host(), environments={"pytorch": environment})


@pytest.mark.parametrize(
    ("environment", "wanted", "expected"),
    [
        (with_devices(), "auto", "cpu"),
        (with_devices(), "cpu", "cpu"),
        (with_devices("cuda:0", "cuda:1"), "auto", "cuda:0"),
        (with_devices("cuda:0", "cuda:1"), "cpu", "cpu"),
        (with_devices("cuda:0", "cuda:1"), "cuda", "cuda:0"),
        (with_devices("cuda:0", "cuda:1"), "cuda:1", "cuda:1"),
        (with_devices("xpu:0"), "xpu", "xpu:0"),
        (with_devices("mps"), "auto", "mps"),
        (with_devices("mps"), "mps", "mps"),
        (with_devices(broken=[BROKEN]), "auto", "cpu"),
        (with_devices("cuda:1", broken=[BROKEN]), "auto", "cuda:1"),
        (with_devices("cuda:1", broken=[BROKEN]), "cuda", "cuda:1"),
        # Graphics within a processor come first, and have a share of its memory.
        (sized(1, 16), "auto", "cuda:1"),
        (sized(1, 16), "cuda", "cuda:1"),
        (sized(1, 16), "cuda:0", "cuda:0"),
        (sized(16, 16, dtypes=[1, 3]), "auto", "cuda:1"),
        (sized(16, 16), "auto", "cuda:0"),
        (sized(None, 16), "auto", "cuda:1"),
    ],
)
def test_device_is_the_one_asked_for_or_the_best_that_works(
    fake_worker: FakeWorker, environment: Environment, wanted: str, expected: str
) -> None:
    """The most memory, then the most dtypes, then the first; without any it is the CPU."""
    assert host_of(fake_worker, environment).device("pytorch", wanted) == expected


def test_memory_of_a_device_is_what_any_framework_knows(fake_worker: FakeWorker) -> None:
    """JAX does not tell it, and must come to the same device as PyTorch beside it."""
    blind = replace(sized(None, None), backend="jax")
    host = replace(fake_worker.host(), environments={"pytorch": sized(1, 16), "jax": blind})
    assert host.device("jax", "auto") == host.device("pytorch", "auto") == "cuda:1"


@pytest.mark.parametrize(
    ("environment", "wanted", "message"),
    [
        (with_devices(), "cuda", "Device 'cuda' is not available: PyTorch can use cpu."),
        (
            with_devices("cuda:0"),
            "cuda:1",
            "'cuda:1' is not available: PyTorch can use cpu, cuda:0.",
        ),
        (with_devices("cuda:0"), "mps", "'mps' is not available: PyTorch can use cpu, cuda:0."),
        (with_devices(broken=[BROKEN]), "cuda", "(no kernel image): PyTorch can use cpu."),
        (with_devices(), "gpu", "Device 'gpu' is not available: PyTorch can use cpu."),
    ],
)
def test_device_that_is_not_there_is_refused_with_those_that_are(
    fake_worker: FakeWorker, environment: Environment, wanted: str, message: str
) -> None:
    """The refusal names what can be used, and why a broken device cannot."""
    with pytest.raises(UsageError) as caught:
        host_of(fake_worker, environment).device("pytorch", wanted)
    assert caught.value.message.endswith(message)
    assert caught.value.exit_code == 2


@pytest.mark.usefixtures("fake_worker")
def test_survey_asks_each_framework_in_a_process() -> None:
    """The answer of the worker is the environment; the machine is this one."""
    host = survey(["pytorch"], name="here")
    assert host.machine.id == "here"
    assert host.environments["pytorch"].dtypes == {"cpu": ["float32"]}


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        ("be killed", "it was ended by SIGKILL"),
        ("strange environment", "its answer makes no sense"),
        ("no outcome", "its answer makes no sense"),
        ("garbage", "its answer could not be read"),
    ],
)
def test_survey_names_a_framework_that_cannot_start(
    fake_worker: FakeWorker, behaviour: str, why: str
) -> None:
    """A framework that crashes on import is a failed environment, not the end of the program."""
    fake_worker.behave({"environment": behaviour})
    found = survey(["pytorch"])
    environment = found.environments["pytorch"]
    assert environment.status == "failed"
    assert str(environment.reason).startswith(f"PyTorch could not be started: {why}")


@pytest.mark.usefixtures("fake_worker")
def test_libraries_are_listed_in_one_order() -> None:
    """They are found by address, which differs between processes; a run would never go on."""
    host = survey(["pytorch"])
    pools = host.environments["pytorch"].pools
    assert pools == ["blas: OpenBLAS, 2 threads", "openmp: libgomp, 2 threads"]


def test_variables_are_kept_without_folders(fake_worker: FakeWorker) -> None:
    """What a variable preloads may lie in somebody's home; the file's name is what helps."""
    fake_worker.tell(f"{Path.home()}/thesis/libfast.so:/opt/secret/libother.so")
    host = survey(["pytorch"])
    (kept,) = (host.environments["pytorch"].steering or {}).values()
    assert "thesis" not in kept
    assert "secret" not in kept
    assert "libfast.so:" in kept
    assert kept.endswith("libother.so")


@pytest.fixture(name="configuration")
def configuration_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for what is kept of the installation, which is not there yet."""
    folder = tmp_path / "configuration"
    monkeypatch.setenv("REPORT_CONFIG_DIR", str(folder))
    return folder


def test_installation_keeps_the_id_that_it_drew_first(configuration: Path) -> None:
    """It is random, so that it names nobody; elsewhere it is another."""
    drawn = installation()
    assert drawn == installation()
    assert uuid.UUID(drawn).version == 4
    (file,) = configuration.iterdir()
    assert file.read_text() == f"{drawn}\n"
    file.unlink()
    assert installation() != drawn


@pytest.mark.parametrize("content", [b"", b"mine", b"\xff\xfe"])
def test_spoiled_id_of_an_installation_is_drawn_again(configuration: Path, content: bytes) -> None:
    """Whatever stands there never gets into a result, which could then not be read."""
    configuration.mkdir()
    (configuration / "installation").write_bytes(content)
    drawn = installation()
    assert uuid.UUID(drawn)
    assert drawn == installation()


def test_installation_that_cannot_be_kept_has_no_id(configuration: Path) -> None:
    """A configuration folder that cannot be written stops no measurement."""
    configuration.write_text("a file in its place")
    assert installation() is None


@pytest.fixture(name="package")
def copied_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the package that is hashed in place of the real one."""
    package = tmp_path / "report"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(module, "PACKAGE", package)
    return package


def measuring_code() -> str:
    """Return the hash, computed anew."""
    return module.measuring_code.__wrapped__()


MEASURES = {
    **dict.fromkeys(["registry.py", "worker/timing.py", "worker/main.py"], True),
    **dict.fromkeys([f"experiments/{kind}/measure.py" for kind in KINDS], True),
    "backends/pytorch/products.py": True,
    **dict.fromkeys(
        ["cli/__init__.py", "results/store.py", "experiments/matmul/figures.py"], False
    ),
}


@pytest.mark.parametrize(("name", "measures"), MEASURES.items())
def test_hash_changes_with_the_code_that_measures_alone(
    package: Path, name: str, *, measures: bool
) -> None:
    """Any change of the worker's side makes measurements others; a prettier figure does not."""
    before = measuring_code()
    (package / name).write_text((package / name).read_text() + "# changed\n")
    assert (measuring_code() != before) == measures


def test_hash_is_the_same_wherever_the_package_lies(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two machines with the same version have the same hash."""
    here = measuring_code()
    monkeypatch.setattr(module, "PACKAGE", package.rename(package.with_name("elsewhere")))
    assert measuring_code() == here


def git(folder: Path, *arguments: str) -> str:
    """Run git as somebody."""
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_commit_is_noted_with_its_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result says which commit it was measured at, and whether files differed from it."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    git(tmp_path, "init", "-q")
    (tmp_path / "experiments.yaml").write_text("version: 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "Begin")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert git_commit(tmp_path) == commit
    (tmp_path / "untracked").write_text("not part of it")
    assert git_commit(tmp_path) == commit
    (tmp_path / "experiments.yaml").write_text("version: 2\n")
    assert git_commit(tmp_path) == f"{commit}+changes"


def test_folder_without_git_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a folder outside any checkout nor a machine without git is an error."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_commit(tmp_path) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_commit(tmp_path) is None
