"""What is timed on an accelerator beside a job; this machine has none, so that one is made up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from report.worker import probes
from report.worker.records import Unavailable


class Device:
    """A backend whose device notes what it is asked to do."""

    def __init__(self, lacks: type[Exception] | None = None) -> None:
        """Let adding fail with an exception, or do all."""
        self.done: list[str] = []
        self._lacks = lacks

    def session(self, device: str, threads: int) -> Any:
        """Prepare, as a backend does."""
        self.done.append(f"{device} {threads}")
        return self

    Session = session

    def synchronize(self) -> None:
        """Note that somebody waited."""
        self.done.append("wait")

    def products(self, size: int, dtype: str, seed: int) -> Any:
        """Return matrices that note a product."""
        assert (size > 0, dtype, seed) == (True, "float32", 0)
        return SimpleNamespace(call=lambda *_: lambda: self.done.append("product"))

    def addition(self, size: int) -> Any:
        """Return a call that notes an addition."""
        assert size > 0
        if self._lacks is not None:
            raise self._lacks("no room")
        return lambda: self.done.append("addition")


def test_processor_is_left_to_the_parent() -> None:
    """Its probes need no framework, and would be the parent's over again."""
    device = Device()
    assert probes.device_probes(device, "cpu", 2) == []
    assert device.done == []


def test_product_and_memory_of_the_device_are_timed_to_their_end() -> None:
    """On the device that the job uses; each call is waited for, and the first do not count."""
    device = Device()
    found = probes.device_probes(device, "cuda:1", 2)
    assert [probe.name for probe in found] == ["device-product", "device-memory"]
    assert device.done[0] == "cuda:1 2"
    for probe, what in zip(found, ("product", "addition"), strict=True):
        assert probes.LEAST <= len(probe.seconds) == device.done.count(what) - 2
        assert all(device.done[k + 1] == "wait" for k, n in enumerate(device.done) if n == what)


@pytest.mark.parametrize("lacks", [Unavailable, MemoryError, RuntimeError])
def test_device_without_room_costs_a_probe_and_not_the_job(lacks: type[Exception]) -> None:
    """Frameworks report a full memory in various ways."""
    found = probes.device_probes(Device(lacks), "cuda", 2)
    assert [probe.name for probe in found] == ["device-product"]
