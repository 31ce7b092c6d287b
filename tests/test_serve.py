"""`report serve`: a real server on loopback shows what the results are now."""

from __future__ import annotations

import os
import re
import threading
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from report.cli import main
from report.cli.rendering import rendered
from report.cli.serving import HERE, Refresher, server, state_of
from report.errors import ResultError
from report.results import store
from report.results.limits import MOST_BYTES
from results_factory import make_result, only

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(name="address")
def served(tmp_path: Path) -> Iterator[str]:
    """Serve the site of one result; gives its address."""
    results, site = tmp_path / "results", tmp_path / "site"
    store.save(only(make_result("here"), "threads"), results)
    refresh = Refresher(lambda: rendered(results, site), lambda: state_of(results))
    with server(site, refresh, 0) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://{HERE}:{running.server_port}/"
        finally:
            running.shutdown()
            thread.join()


def page(address: str) -> str:
    """Get a page."""
    with urllib.request.urlopen(address, timeout=20) as answer:  # noqa: S310 (on this machine)
        assert answer.headers["Cache-Control"] == "no-cache"
        return str(answer.read().decode())


def test_pages_show_results_that_came_meanwhile(address: str, tmp_path: Path) -> None:
    """A machine that is added is there with the next look, and one that is broken is told."""
    assert "compare.html" not in page(address)
    store.save(only(make_result("other"), "threads"), tmp_path / "results")
    assert "compare.html" in page(address)
    assert "other" in page(f"{address}machines/other/index.html")
    for path in (tmp_path / "results").glob("*/*"):
        path.write_bytes(b"{")
    assert "compare.html" in page(address)  # the last that could be rendered stays


def test_what_is_no_file_or_is_gone_is_passed_over(tmp_path: Path) -> None:
    """A link that leads nowhere, a folder, a pipe: each is left out, and the rest is shown."""
    results, site = tmp_path / "results", tmp_path / "site"
    kept = store.save(only(make_result("here"), "threads"), results)
    beside = [kept.with_name(f"2099010{day}T000000Z-quick.json.gz") for day in (1, 2, 3)]
    beside[0].symlink_to(tmp_path / "nowhere")
    beside[1].mkdir()
    os.mkfifo(beside[2])
    assert [name for name, *_ in state_of(results)].count(str(kept)) == 1
    _, whole = rendered(results, site)
    assert not whole
    assert {one.name for one in beside} == set(
        re.findall(r"20990\S+?gz", (site / "index.html").read_text())
    )


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    """Neither to show it nor to see whether something has changed."""
    large = tmp_path / "large.json.gz"
    with large.open("wb") as file:
        file.truncate(2 * MOST_BYTES)
    with pytest.raises(ResultError, match="too large"):
        store.content_of(large)


def test_nothing_beside_the_site_is_served(address: str) -> None:
    """No way leads out of its folder."""
    for path in ("../results/here/", "%2e%2e/results/", "machines/none/index.html"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            page(address + path)
        with caught.value as answer:
            assert answer.code == 404


def test_port_that_is_taken_is_one_line(address: str, tmp_path: Path) -> None:
    """With what to do."""
    port = address.rstrip("/").rpartition(":")[2]
    options = ["--results", str(tmp_path / "results"), "-o", str(tmp_path / "site"), "--port", port]
    done = CliRunner().invoke(main, ["serve", *options])
    assert done.exit_code == 1
    assert f"Port {port} cannot be used" in done.output
    assert "--port 0" in done.output
