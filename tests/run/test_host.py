"""The machine to measure on: which devices can be used, and which frameworks are there."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from report.errors import UsageError
from report.run.host import Host, installation, survey
from report.worker.records import Accelerator, Environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conftest import FakeWorker


def cpu_only() -> Environment:
    """Return PyTorch on a machine without accelerators."""
    return Environment(backend="pytorch", dtypes={"cpu": ["float32"]})


def with_devices(*working: str, broken: Sequence[Accelerator] = ()) -> Environment:
    """Return PyTorch on a machine with accelerators, some of which may not work."""
    accelerators = [Accelerator(device=device, works=True) for device in working]
    return Environment(
        backend="pytorch",
        accelerators=[*accelerators, *broken],
        dtypes={device: ["float32"] for device in ("cpu", *working)},
    )


BROKEN = Accelerator(device="cuda:0", works=False, reason="no kernel image")


def host_of(fake_worker: FakeWorker, environment: Environment) -> Host:
    """Return a machine with this environment."""
    return replace(fake_worker.host(), environments={"pytorch": environment})


@pytest.mark.parametrize(
    ("environment", "wanted", "expected"),
    [
        (cpu_only(), "auto", "cpu"),
        (cpu_only(), "cpu", "cpu"),
        (with_devices("cuda:0", "cuda:1"), "auto", "cuda:0"),
        (with_devices("cuda:0", "cuda:1"), "cpu", "cpu"),
        (with_devices("cuda:0", "cuda:1"), "cuda", "cuda:0"),
        (with_devices("cuda:0", "cuda:1"), "cuda:1", "cuda:1"),
        (with_devices("xpu:0"), "xpu", "xpu:0"),
        (with_devices("mps"), "auto", "mps"),
        (with_devices("mps"), "mps", "mps"),
        (with_devices(broken=[BROKEN]), "auto", "cpu"),
        (with_devices("cuda:1", broken=[BROKEN]), "auto", "cuda:1"),
    ],
)
def test_device_is_the_one_asked_for_or_the_best_that_works(
    fake_worker: FakeWorker, environment: Environment, wanted: str, expected: str
) -> None:
    """Of auto, the first accelerator that works comes, else the CPU; of cuda, the first one."""
    assert host_of(fake_worker, environment).device("pytorch", wanted) == expected


@pytest.mark.parametrize(
    ("environment", "wanted", "message"),
    [
        (cpu_only(), "cuda", "Device 'cuda' is not there: PyTorch can use cpu."),
        (with_devices("cuda:0"), "cuda:1", "'cuda:1' is not there: PyTorch can use cpu, cuda:0."),
        (with_devices("cuda:0"), "mps", "'mps' is not there: PyTorch can use cpu, cuda:0."),
        (
            with_devices(broken=[BROKEN]),
            "cuda",
            "Device 'cuda' is not there (no kernel image): PyTorch can use cpu.",
        ),
        (cpu_only(), "gpu", "Device 'gpu' is not there: PyTorch can use cpu."),
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


def test_survey_asks_each_framework_in_a_process(fake_worker: FakeWorker) -> None:
    """The answer of the worker is the environment; the machine is this one."""
    host = survey(["pytorch"], name="here", worker_command=fake_worker.command)
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
    host = survey(["pytorch"], worker_command=fake_worker.command)
    environment = host.environments["pytorch"]
    assert environment.status == "failed"
    assert str(environment.reason).startswith(f"PyTorch could not be started: {why}")


def test_variables_are_kept_without_folders(
    fake_worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a variable preloads may lie in somebody's home; the file's name is what helps."""
    monkeypatch.setenv("TELL", f"{Path.home()}/thesis/libfast.so:/opt/secret/libother.so")
    host = survey(["pytorch"], worker_command=fake_worker.command)
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
