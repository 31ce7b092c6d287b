"""Keeps names of people, hosts and folders out of results and pages."""

from __future__ import annotations

import getpass
import os
import re
import socket
import sys
import tempfile
from pathlib import Path

SHORTEST_NAME = 3
"""Names shorter than this are left in texts: replacing them would mangle words."""


def scrub(text: str) -> str:
    """Replace folders, the user's name and the host's name in a text that may hold them.

    Args:
        text: A message or the end of a program's output.
    """
    for path, placeholder in _folders():
        text = text.replace(path, placeholder)
    # What is left of absolute paths: keep the file's name, which is what helps.
    text = re.sub(r"(?<![\w.<>-])/(?:[\w.@+-]+/)+(?=[\w.@+-])", "<path>/", text)
    text = re.sub(r"\b[A-Za-z]:\\(?:[^\\\s\"']+\\)+", r"<path>\\", text)
    for name, placeholder in _names():
        text = re.sub(rf"\b{re.escape(name)}\b", placeholder, text)
    return text


def _folders() -> list[tuple[str, str]]:
    package = Path(__file__).resolve().parent
    known = [
        (str(package.parent), "<report>"),
        (sys.prefix, "<environment>"),
        (sys.base_prefix, "<python>"),
        (str(Path.cwd()), "<folder>"),
        (tempfile.gettempdir(), "<temporary>"),
        (str(Path.home()), "<home>"),
    ]
    useful = [(path, placeholder) for path, placeholder in known if len(path) > SHORTEST_NAME]
    # Longest first, so that a folder inside another keeps its own placeholder.
    return sorted(useful, key=lambda pair: -len(pair[0]))


def _names() -> list[tuple[str, str]]:
    names = []
    try:
        names.append((getpass.getuser(), "<user>"))
    except (OSError, KeyError):
        names.append((os.environ.get("USER", ""), "<user>"))
    names.append((socket.gethostname(), "<host>"))
    return [(name, placeholder) for name, placeholder in names if len(name) >= SHORTEST_NAME]
