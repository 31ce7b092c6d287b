"""`report serve`: the site on this machine, rendered again when results change."""

from __future__ import annotations

import contextlib
import functools
import http.server
import threading
from typing import TYPE_CHECKING, Any

import click

from report.errors import ReportError
from report.results import store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HERE = "127.0.0.1"  # nobody else can reach it


class Site(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; before each page, `refresh` can render what has changed."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: Any, refresh: Callable[[], None], **options: Any) -> None:
        """Serve a folder, and call `refresh` before each page."""
        self._refresh = refresh
        super().__init__(*arguments, **options)

    def do_GET(self) -> None:
        """Answer with a file."""
        if self.path.partition("?")[0].endswith(("/", ".html")):
            self._refresh()
        super().do_GET()

    def end_headers(self) -> None:
        """Let no browser keep a page that may have changed."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        """Leave the terminal alone."""


def server(site: Path, refresh: Callable[[], None], port: int) -> http.server.ThreadingHTTPServer:
    """Return a server of a site's folder; port 0 takes one that is free.

    Raises:
        ReportError: The port is taken.
    """
    handler = functools.partial(Site, directory=str(site), refresh=refresh)
    try:
        return http.server.ThreadingHTTPServer((HERE, port), handler)
    except OSError as error:
        raise ReportError(f"Port {port} cannot be used: {error.strerror}. Try --port 0.") from None


class Refresher:
    """Renders when the files that a site depends on have changed; a failure is reported once."""

    def __init__(self, render: Callable[[], object], state: Callable[[], object]) -> None:
        """Render now."""
        self._render, self._state = render, state
        self._lock = threading.Lock()
        self._seen = state()
        render()

    def __call__(self) -> None:
        """Render if something has changed."""
        with self._lock:
            if (now := self._state()) == self._seen:
                return
            self._seen = now
            try:
                self._render()
            except ReportError as error:
                click.echo(error.format_message(), err=True)
            else:
                click.echo("rendered again", err=True)


def state_of(results: Path) -> list[tuple[str, int, int]]:
    """Return what shows whether results have changed: names, sizes and times of their files."""
    found = []
    for path in store.sources(results):
        with contextlib.suppress(OSError):  # it was moved away meanwhile, or leads nowhere
            stat = path.stat()
            found.append((str(path), stat.st_size, stat.st_mtime_ns))
    return found
