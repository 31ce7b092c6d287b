"""`site_url`: which addresses a site can have, and how a person is told what is none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from report.config import address
from report.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.config.configuration import Config

MATMUL = "version: 1\nexperiments: {a: {kind: matmul}}\n"

GOOD = {
    "https://example.org": "https://example.org/",
    "https://example.org/~me/report//": "https://example.org/~me/report/",
    "https://example.org:8443/a%20b": "https://example.org:8443/a%20b/",
    "http://localhost:8000/": "http://localhost:8000/",
    "http://127.0.0.7": "http://127.0.0.7/",
    "http://[::1]:80/x": "http://[::1]:80/x/",
}

BAD = [
    *("", "example.org", "//example.org", "https://", "https:///x", "ftp://example.org"),
    *("http://example.org", "http://127.0.0.1.example.org", "javascript:alert(1)"),
    *("https://me@example.org", "https://me:secret@example.org/", "https://@example.org"),
    *("https://example.org/?a=b", "https://example.org/#a", "https://example.org/a b"),
    *('https://example.org/"><script>', "https://example.org/\nx", "https://[::1", "https://ü.de"),
    "https://example.org:99999/",
]


@pytest.mark.parametrize("text", GOOD)
def test_address_ends_with_a_slash(text: str) -> None:
    """So that a page's path can be put behind it."""
    assert address.site_url(text) == GOOD[text]


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_public_address_is_refused_in_one_line(text: str) -> None:
    """No other scheme, no credentials, nothing that needs quoting; a password is not repeated."""
    with pytest.raises(ValueError, match="https://") as caught:
        address.site_url(text)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_configuration_names_it_and_is_told_the_line(
    read: Callable[[str], Config], told: Callable[[str, str], None]
) -> None:
    """As for any other key; by itself it is read where the rest of the file is not needed."""
    assert read(f"{MATMUL}site_url: https://example.org/x\n").site_url == "https://example.org/x/"
    assert address.of_file(Path("x.yaml")).url == "https://example.org/x/"
    told(f"{MATMUL}site_url: http://example.org/\n", "3 site_url: https://")
    with pytest.raises(ConfigError, match=r"^x\.yaml:3: site_url: "):
        address.of_file(Path("x.yaml"))


def test_without_a_file_or_the_key_there_is_none(read: Callable[[str], Config]) -> None:
    """Rendering needs no configuration."""
    assert address.of_file(Path("none.yaml")) == ("", "")
    assert read(MATMUL).site_url is None
    assert address.of_file(Path("x.yaml")) == ("", "")
