"""What tests of configurations share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from report.config.configuration import load
from report.errors import ConfigError

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


@pytest.fixture
def complaints(
    read: Callable[[str | bytes], Config],
) -> Callable[[str | bytes], list[str]]:
    """Return a function that gives the lines of the error that a text ends with."""

    def lines(text: str | bytes) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            read(text)
        assert caught.value.exit_code == 2
        # No cause and no context: nothing that Python would print a traceback of.
        assert caught.value.__cause__ is None
        return caught.value.message.splitlines()

    return lines


@pytest.fixture
def told(complaints: Callable[[str | bytes], list[str]]) -> Callable[[str, str], None]:
    """Return a function that holds the one mistake in a text to "line key: meaning"."""

    def check(text: str, expected: str) -> None:
        number, _, rest = expected.partition(" ")
        key, _, meaning = rest.partition(": ")
        place = rf"(unknown key ')?{re.escape(key)}(: | is |'\. )" if key else ""
        (line,) = complaints(text)
        assert re.match(rf"x\.yaml:{number}: {place}", line), line
        assert meaning in line

    return check
