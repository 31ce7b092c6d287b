"""What tests of configurations share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from report.config.configuration import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.config.configuration import Config


@pytest.fixture(name="read")
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | bytes], Config]:
    """Return a function that loads text as the file x.yaml in the current folder."""
    monkeypatch.chdir(tmp_path)

    def read(text: str | bytes) -> Config:
        Path("x.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(Path("x.yaml"))

    return read
