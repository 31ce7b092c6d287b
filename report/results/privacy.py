"""Keeps names of people, hosts and folders out of results and pages."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SHORTEST_NAME = 3  # names shorter than this are left in texts: replacing them would mangle words
SHORTEST_VALUE = 8  # values shorter than this are words like any other

_URL = re.compile(r"(\b(?:https?|ftp|s3|git)://[^\s\"'<>]+)")

IMPERSONAL = {"root", "user", "localhost"}
"""Names that tell nothing of anybody, and that are words of messages too ("square root")."""


def scrub(text: str) -> str:
    """Replace folders, the user's name and the host's name in a message or a program's output."""
    parts = _URL.split(text)
    # Every second part is an address on the web, whose slashes are no folders of this machine.
    parts[::2] = [_without_folders(part) for part in parts[::2]]
    text = "".join(parts)
    for name, placeholder in _names():
        text = re.sub(rf"\b{re.escape(name)}\b", placeholder, text)
    return text


def impersonal(text: str, variables: Mapping[str, str]) -> str:
    """Scrub a text, and replace the values of variables, some of which are passwords, by names."""
    held = {n: v for n, v in variables.items() if len(v) >= SHORTEST_VALUE and v in text}
    # First those of which scrubbing would change a part, so that the rest would not be found.
    mixed = {name: value for name, value in held.items() if _is_mixed(value)}
    return _conceal(scrub(_conceal(text, mixed)), held)


def _is_mixed(value: str) -> bool:
    """Return whether a value holds a name or a path, and is neither: scrubbing tells those best."""
    first = value.partition(os.pathsep)[0]
    is_place = Path(first).is_absolute() and os.access(first, os.F_OK)
    return scrub(value) != value and not is_place and not re.fullmatch(r"<\w+>", scrub(value))


def _conceal(text: str, variables: Mapping[str, str]) -> str:
    for name, value in sorted(variables.items(), key=lambda pair: -len(pair[1])):
        text = text.replace(value, f"<{name}>")
    return text


def _without_folders(text: str) -> str:
    for path, placeholder in _folders():
        # Not /tmpfiles for /tmp.
        text = re.sub(rf"{re.escape(path)}(?![\w-]|\.\w)", placeholder, text)
    text = re.sub(r"(<(?:home|folder|temporary)>/)(?:[\w.@+-]+/)+(?=[\w.@+-])", r"\1", text)
    # What is left of absolute paths: keep the file's name, which is what helps.
    text = re.sub(r"(?<![\w.<>~-])/(?:[\w.@+-]+/)+(?=[\w.@+-])", "<path>/", text)
    return re.sub(r"\b[A-Za-z]:\\(?:[^\\\s\"']+\\)+", r"<path>\\", text)


def _folders() -> list[tuple[str, str]]:
    package = Path(__file__).resolve().parents[1]
    known = [
        (str(package.parent), "<report>"),
        (sys.prefix, "<environment>"),
        (sys.base_prefix, "<python>"),
        (tempfile.gettempdir(), "<temporary>"),
    ]
    with contextlib.suppress(OSError):  # it was deleted
        known.append((str(Path.cwd()), "<folder>"))
    with contextlib.suppress(RuntimeError):  # a user without an entry in /etc/passwd has none
        known.append((str(Path.home()), "<home>"))
    useful = [(path, placeholder) for path, placeholder in known if len(path) > SHORTEST_NAME]
    # Longest first, so that a folder inside another keeps its own placeholder.
    return sorted(useful, key=lambda pair: -len(pair[0]))


def _names() -> list[tuple[str, str]]:
    try:
        user = getpass.getuser()
    except (ImportError, OSError, KeyError):  # the first on Windows, where it has no variable
        user = ""
    host = socket.gethostname()
    names = [(user, "<user>"), (host, "<host>"), (host.partition(".")[0], "<host>")]
    return [
        (name, placeholder)
        for name, placeholder in names
        if len(name) >= SHORTEST_NAME and name not in IMPERSONAL
    ]
