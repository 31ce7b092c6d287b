"""Results of other reports, by https. Nothing else here asks an address that a person names.

A name is looked up once, every address behind it is checked, and the connection goes to one of
these: a name that means another machine the next moment leads nowhere. Standard library only, since
libraries for this look names up by themselves, and follow redirects, proxies and encodings.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urljoin, urlsplit

from report import __version__
from report.errors import ResultError
from report.results import holdings, imported, published, store
from report.results.limits import MOST_PACKED_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from report.results.published import PublishedRun
    from report.results.store import LabelTypes

MOST_REDIRECTS = 5
REDIRECTS = {301, 302, 303, 307, 308}
EXPECTED = "only https:// is read, and with --allow-private http:// from this machine"
UNICAST = ipaddress.IPv6Network("2000::/3")
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class RemoteError(ResultError):
    """An address cannot be read, or must not be."""


class SlowError(RemoteError):
    """A server takes longer than anybody waits."""


def take(
    address: str, folder: Path, labels: LabelTypes, today: str, reader: Reader
) -> Iterator[str | ResultError]:
    """Take what is new at an address, a report's or a single result's, into a results folder.

    Of a report these are the runs that its owner measured: what it imported has an address of its
    own, and nobody vouches for it at second hand.

    Yields:
        For each its place there, or why it is refused.
    """
    there = store.sums(folder)
    try:
        if address.endswith((".json", ".json.gz")):
            wanted: list[tuple[str, PublishedRun | None]] = [(address, None)]
        else:
            index = address + published.INDEX
            runs = published.read(reader.fetch(index, published.MOST_INDEX_BYTES), index)
            own = [run for run in runs if run["imported_from"] is None]
            wanted = [(address + run["path"], run) for run in own if run["sha256"] not in there]
        for place, run in wanted:
            try:
                content = reader.fetch(place, MOST_PACKED_BYTES)
                origin = imported.of(content, address, today)
                if run and (len(content), origin.sha256) != (run["size_bytes"], run["sha256"]):
                    raise RemoteError(f"{place} is not the file that the report's index names.")
                if origin.sha256 not in there:
                    saved = store.read_bytes(content, place, labels)
                    yield holdings.take(saved, place, folder, labels, origin)
            except SlowError:
                raise  # each of the others could take as long
            except ResultError as error:
                yield error
    except ResultError as error:
        yield error


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads files from addresses, if `allow_private` also within this network.

    From this machine itself they are then read without https too.
    """

    allow_private: bool = False
    most_s: float = 30.0  # what a file may take, all redirects included
    silence_s: float = 10.0  # how long a server may send nothing

    def fetch(self, address: str, most_bytes: int) -> bytes:
        """Return the file at an address, as it lies there.

        Raises:
            RemoteError: It cannot be read, is too large, or is where nobody should ask.
            SlowError: It took too long.
        """
        end, at = time.monotonic() + self.most_s, address
        why: Exception
        try:
            for _ in range(MOST_REDIRECTS + 1):
                with self._answer(at, end) as answer:
                    if answer.status not in REDIRECTS:
                        content = _content(answer, most_bytes)
                        _left_s(end)  # what was cut off in the end can look complete
                        return content
                    at = urljoin(at, answer.headers.get("Location", ""))
            why = ValueError(f"it leads on more than {MOST_REDIRECTS} times")
        except (OSError, http.client.HTTPException, ValueError) as error:
            why = error
        led = f" (it leads to {at})" if at != address else ""
        words = f"{address} cannot be read{led}"
        if isinstance(why, TimeoutError) or time.monotonic() >= end:
            raise SlowError(f"{words}: it takes too long. Nothing more is read there.") from None
        reason = getattr(why, "strerror", None) or str(why) or type(why).__name__
        raise RemoteError(f"{words}: {' '.join(reason.split())}.") from None

    @contextlib.contextmanager
    def _answer(self, address: str, end: float) -> Iterator[http.client.HTTPResponse]:
        """Ask for a file; whatever the server does, nothing is awaited after the end."""
        parts = urlsplit(address)
        secure = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port or (443 if secure else 80)
        places = self._checked(parts, host, port)
        with contextlib.ExitStack() as opened:
            sock = opened.enter_context(self._connected(places, end))
            connection = http.client.HTTPConnection(host, port)
            if secure:
                context = ssl.create_default_context()
                sock = opened.enter_context(context.wrap_socket(sock, server_hostname=host))
                connection = http.client.HTTPSConnection(host, port, context=context)
            connection.sock = sock
            sock.settimeout(self.silence_s)
            # Each byte starts the silence again.
            watch = threading.Timer(_left_s(end), _cut, [sock])
            watch.daemon = True
            watch.start()
            opened.callback(watch.cancel)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            # http.client asks for no encoding by itself, and undoes none.
            agent = f"minibatch-report/{__version__}"
            connection.request("GET", path, headers={"User-Agent": agent, "Connection": "close"})
            yield opened.enter_context(connection.getresponse())

    def _checked(self, parts: SplitResult, host: str, port: int) -> list[Any]:
        """Look a host up, once; nobody is asked unless all that it can mean may be."""
        plain = parts.scheme == "http"
        if not host or not (parts.scheme == "https" or (plain and self.allow_private)):
            raise ValueError(EXPECTED)
        if "@" in parts.netloc:
            raise ValueError("an address must not hold a user or a password")
        places: list[Any] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found = [ipaddress.ip_address(place[4][0]) for place in places]
        private = [] if self.allow_private else [each for each in found if not is_public(each)]
        if private:
            raise ValueError(
                f"{host} is {private[0]}, which is no public address; --allow-private permits it"
            )
        if plain and not all(each.is_loopback for each in found):
            raise ValueError(EXPECTED)
        return places

    def _connected(self, places: list[Any], end: float) -> socket.socket:
        """Connect to the first of some addresses that answers."""
        error: OSError | None = None
        for family, kind, protocol, _, place in places:
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(min(self.silence_s, _left_s(end)))
                sock.connect(place)
            except OSError as why:
                sock.close()
                error = why
            else:
                return sock
        raise error or OSError("it has no address")


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Return whether an address, and what it may stand for, belongs to the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            embedded = ipaddress.IPv4Address(address.packed[-4:])
        if embedded:
            return is_public(embedded)
        return address in UNICAST and address.is_global
    return address.is_global and not address.is_multicast


def _left_s(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _cut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _content(answer: http.client.HTTPResponse, most_bytes: int) -> bytes:
    """Read a body as it comes, and no more of it than there can be."""
    if answer.status != http.client.OK:
        raise ValueError(f"the server answers {answer.status} {answer.reason}")
    if (encoding := answer.headers.get("Content-Encoding", "identity")) != "identity":
        raise ValueError(f"it is sent encoded ({encoding}), which was not asked for")
    content = bytearray()
    # In pieces: http.client keeps a list of all chunks, which can be tiny, of what it is asked for.
    while piece := answer.read(65_536):
        content += piece
        if len(content) > most_bytes:
            raise ValueError(f"it is larger than {most_bytes:,} bytes")
    if answer.length:
        raise ValueError(f"it ends {answer.length:,} bytes early")
    return bytes(content)
