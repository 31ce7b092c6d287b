"""A site of made-up results, served and on a disk, and the system's Chromium to read it with."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright

from factories.accelerator import accelerated
from pages import gather, serve
from report.registry import BACKENDS
from report.site.folder import write_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, ViewportSize
    from playwright.sync_api import Page as Tab

    from pages import ColorScheme, Opened
    from report.results.result import Result

# As few of the browser's own connections as it allows; nothing may leave this machine.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


EARLIER = "2026-01-01T01:02:03Z"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the system's Chromium; without one there is nothing to test, but CI must have it."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    chromium = os.environ.get("CHROME_PATH") or next(filter(None, map(shutil.which, names)), None)
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have Chromium: install it, or set CHROME_PATH")
        pytest.skip("Chromium is not installed: set CHROME_PATH")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def folder(make_result: Callable[..., Result], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder, in another, of the site of two machines.

    One has every framework, the other an accelerator.
    """
    fast = accelerated(make_result("fast-machine", 2.0))
    results = [fast, make_result(frameworks=tuple(BACKENDS))]
    # Of another plan, so that it has a page of history and no part in the others.
    results.append(make_result("fast-machine", 1.9, started_at=EARLIER, profile="full"))
    parent = tmp_path_factory.mktemp("served")
    write_files(gather(results), parent / "repo")
    return parent / "repo"


@pytest.fixture(scope="session")
def address(folder: Path) -> Iterator[str]:
    """Return where the site is served."""
    with serve(folder.parent) as root:
        yield f"{root}repo/"


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """Return a function that opens a tab, as wide as a desk's unless it is told otherwise."""
    contexts: list[BrowserContext] = []

    def open_tab(width: int = 1400, scheme: ColorScheme = "light", **options: Any) -> Tab:
        viewport: ViewportSize = {"width": width, "height": 900}
        contexts.append(browser.new_context(viewport=viewport, color_scheme=scheme, **options))
        return contexts[-1].new_page()

    yield open_tab
    for context in contexts:
        context.close()


@pytest.fixture
def tab(opened: Opened) -> Tab:
    """Open a tab in light colours."""
    return opened()
