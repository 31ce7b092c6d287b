"""Hosts in place of machines: two network namespaces with a wire between them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

needs_namespaces = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None,
    reason="only root can make network namespaces, with iproute2",
)

WIRE = "wire"


class Space(NamedTuple):
    """A namespace, and its address."""

    name: str
    address: str

    @property
    def inside(self) -> list[str]:
        """Return what a command begins with that runs there."""
        return ["ip", "netns", "exec", self.name]

    def wire(self, state: str) -> None:
        """Take its end of the wire "down", or "up"."""
        _ip("-n", self.name, "link", "set", WIRE, state)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=10)


@contextlib.contextmanager
def two_hosts() -> Iterator[tuple[Space, Space]]:
    """Yield two namespaces that reach each other and nothing else."""
    spaces = [Space(f"report-{os.getpid()}-{k}", f"10.203.0.{k}") for k in (1, 2)]
    first, second = spaces
    try:
        for space in spaces:
            _ip("netns", "add", space.name)
        _ip("link", "add", WIRE, "netns", first.name, "type", "veth",
            "peer", "name", WIRE, "netns", second.name)  # fmt: skip
        for space in spaces:
            _ip("-n", space.name, "addr", "add", f"{space.address}/24", "dev", WIRE)
            _ip("-n", space.name, "link", "set", "lo", "up")
            space.wire("up")
        yield first, second
    finally:
        for space in spaces:
            subprocess.run(["ip", "netns", "del", space.name], check=False, capture_output=True)
