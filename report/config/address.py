"""`site_url`: the address under which a site will be read, if it is known."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from report.config.yamlsource import YamlSource
from report.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = (
    "write it as https://example.org/report/ (http:// for this machine only), "
    "without user, password, query and fragment"
)


def site_url(text: str) -> str:
    """Return a site's address with a slash at its end.

    Raises:
        ValueError: It is none; in words, which do not repeat a password.
    """
    with contextlib.suppress(ValueError):
        parts = urlsplit(text)
        known = parts.scheme == "https" or (parts.scheme == "http" and _loopback(parts.hostname))
        # Without @, ? and # there are neither credentials nor a query or fragment.
        plain = re.fullmatch(r"[\w:/.\[\]~%-]{,1000}", text, re.ASCII)
        # An impossible port raises as it is read.
        if plain and known and parts.hostname and parts.port != 0:
            return text.rstrip("/") + "/"
    raise ValueError(EXPECTED)


def source(text: str) -> str:
    """Return the address of a report, with a slash at its end, or of a single result file.

    Raises:
        ValueError: As for `site_url`.
    """
    site = site_url(text.removesuffix("index.html"))
    return site.rstrip("/") if text.endswith((".json", ".json.gz")) else site


def _loopback(host: str | None) -> bool:
    with contextlib.suppress(ValueError):
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    return False


class Site(NamedTuple):
    """What a configuration says of its site; both may be empty."""

    url: str = ""
    baseline: str = ""  # the machine that others are compared with


NOTHING = Site()


def of_file(path: Path) -> Site:
    """Return what a configuration says of its site; nothing if it is not there.

    Raises:
        ConfigError: The file cannot be read, or names what is no address.
    """
    source = YamlSource(path) if path.exists() else None
    if source is None or not isinstance(source.content, dict):
        return NOTHING
    named, baseline = source.content.get("site_url"), source.content.get("baseline")
    try:
        return Site("" if named is None else site_url(str(named)), str(baseline or ""))
    except ValueError as error:
        raise ConfigError(f"{source.place(('site_url',))}: site_url: {error}.") from None
