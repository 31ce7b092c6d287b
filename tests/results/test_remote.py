"""What comes from an address: whole and raw from a good server, one line from any other."""

from __future__ import annotations

import contextlib
import gzip
import ipaddress
import re
import socket
import socketserver
import ssl
import subprocess
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from report.results import remote
from report.results.remote import Reader, RemoteError, SlowError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Behaviour = Callable[[socket.socket, str], object]
    """What a server does with a connection, and the head of what it was asked."""

READER = Reader(allow_private=True, most_s=1.5, silence_s=0.6)
"""As patient as a test."""

MOST = 1_000_000
OK = b"HTTP/1.1 200 OK\r\n"
PUBLIC = ("93.184.215.14", "2606:4700::1111")


@contextlib.contextmanager
def serving(behaviour: Behaviour, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Run a server that behaves so on this machine alone; gives its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            head = b""
            with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
                sock = self.request
                if context is not None:
                    sock = opened.enter_context(context.wrap_socket(sock, server_side=True))
                while b"\r\n\r\n" not in head:
                    head += sock.recv(4096) or b"\r\n\r\n"
                behaviour(sock, head.decode("latin-1"))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def refusal(address: str, reader: Reader = READER) -> RemoteError:
    """Return why nothing is read from an address."""
    with pytest.raises(RemoteError) as caught:
        reader.fetch(address, MOST)
    assert "\n" not in caught.value.format_message()
    return caught.value


def names(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Let every name mean these addresses, one at each look-up; return what is looked up."""
    asked: list[str] = []

    def look_up(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        address = answers[len(asked) - 1]
        if ":" in address:
            return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def answer(content: bytes, *headers: str) -> Behaviour:
    """Send a body of stated length, after further headers."""
    head = "".join(f"{each}\r\n" for each in (f"Content-Length: {len(content)}", *headers))
    return lambda to, _: to.sendall(OK + head.encode() + b"\r\n" + content)


def lead(to: str) -> Behaviour:
    """Redirect to an address."""
    head = f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"
    return lambda sock, _: sock.sendall(head.encode())


def repeated(first: bytes, then: bytes, every_s: float = 0.0) -> Behaviour:
    """Send something over and over, until nobody listens."""

    def send(sock: socket.socket, _: str) -> None:
        sock.sendall(first)
        while True:
            time.sleep(every_s)
            sock.sendall(then)

    return send


@pytest.fixture(name="certificate", scope="module")
def certificate_of_a_name(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with key and certificate of report.example, signed by itself."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    named = ["-subj", "/CN=report.example", "-addext", "subjectAltName=DNS:report.example"]
    files = ["-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run([*command.split(), *named, *files], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + path.with_name("both.pem.crt").read_bytes())
    return path


def with_key(certificate: Path) -> ssl.SSLContext:
    """Return a server's context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_file_comes_as_it_lies_there() -> None:
    """Its bytes are not touched, whether its length is stated, or it comes in chunks."""
    content = gzip.compress(b"of a result" * 1000)
    with serving(answer(content)) as port:
        assert READER.fetch(f"http://127.0.0.1:{port}/a.json.gz", MOST) == content
    chunks = b"".join(b"1\r\n%c\r\n" % each for each in content) + b"0\r\n\r\n"
    chunked = OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunks
    with serving(lambda to, _: to.sendall(chunked)) as port:
        assert READER.fetch(f"http://127.0.0.1:{port}/a.json.gz", MOST) == content


def test_server_learns_nothing_of_who_asks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy is asked, and neither cookies nor a password from .netrc are sent."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    heads: list[str] = []

    def cookie(to: socket.socket, head: str) -> None:
        heads.append(head)
        to.sendall(b"HTTP/1.1 302 Found\r\nSet-Cookie: a=b\r\nLocation: /b\r\n\r\n")

    with serving(cookie) as port:
        refusal(f"http://127.0.0.1:{port}/a")
    assert len(heads) == 1 + remote.MOST_REDIRECTS
    sent = {line.partition(":")[0] for head in heads for line in head.splitlines()[1:] if line}
    assert sent == {"Host", "Accept-Encoding", "User-Agent", "Connection"}
    assert "Accept-Encoding: identity" in heads[0]


HOSTILE: dict[str, tuple[Behaviour, str]] = {
    "endless body": (repeated(OK + b"\r\n", b"x" * 65_536), "larger than 1,000,000 bytes"),
    "endless chunks": (
        repeated(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"8000\r\n" + b"x" * 32768 + b"\r\n"),
        "larger than 1,000,000 bytes",
    ),
    "endless headers": (repeated(OK, b"X: y\r\n" * 100), "more than 100 headers"),
    "endless line": (repeated(OK + b"X: ", b"x" * 65_536), "header line"),
    "endlessly about to answer": (
        repeated(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
        "too long",
    ),
    "slow drip of a body": (repeated(OK + b"\r\n", b"x", 0.05), "too long"),
    "slow drip of a head": (repeated(OK + b"X: ", b"x", 0.05), "too long"),
    "silence": (lambda *_: time.sleep(5), "too long"),
    "silence amid the body": (
        repeated(OK + b"Content-Length: 9\r\n\r\nx", b"x", 5),
        "too long",
    ),
    "nothing": (lambda *_: None, "closed connection"),
    "no HTTP": (lambda to, _: to.sendall(b"SSH-2.0-OpenSSH\r\n"), "SSH"),
    "cut short": (
        lambda to, _: to.sendall(OK + b"Content-Length: 9\r\n\r\n123"),
        "6 bytes early",
    ),
    "not found": (lambda to, _: to.sendall(b"HTTP/1.1 404 Not Here\r\n\r\n"), "404 Not Here"),
    "encoded bomb": (
        answer(gzip.compress(bytes(20_000_000)), "Content-Encoding: gzip"),
        r"encoded \(gzip\)",
    ),
    "loop": (lead("/a"), "more than 5 times"),
    "to a file": (lead("file:///etc/passwd"), "only https://"),
    "to another machine without https": (lead("http://10.0.0.1/"), "only https://"),
    "to nowhere": (lead("https://[::1"), "IPv6"),
    "with a password": (lead("https://me:secret@127.0.0.1/"), "user or a password"),
    "to half a character": (lead("/\udcff".encode("utf-8", "replace").decode()), "cannot be read"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_server_ends_in_one_line(name: str) -> None:
    """It names the address and the reason; no more memory is taken than the file may have."""
    behaviour, words = HOSTILE[name]
    with serving(behaviour) as port:
        address = f"http://127.0.0.1:{port}/a.json.gz"
        tracemalloc.start()
        try:
            error = refusal(address)
            assert tracemalloc.get_traced_memory()[1] < 30 * MOST
        finally:
            tracemalloc.stop()
    assert error.message.startswith(address)
    assert re.search(words, error.message)
    assert isinstance(error, SlowError) == (words == "too long")


def test_this_machine_is_not_asked_without_permission() -> None:
    """Neither by number, in whatever notation, nor by name, and none of it is connected to."""
    asked: list[str] = []
    with serving(lambda _, head: asked.append(head)) as port:
        for host in ("127.0.0.1", "127.1", "2130706433", "localhost", "[::ffff:127.0.0.1]"):
            error = refusal(f"https://{host}:{port}/", Reader())
            assert "no public address" in error.message
        assert "only https" in refusal(f"http://127.0.0.1:{port}/", Reader()).message
    assert asked == []


def test_redirect_is_checked_like_the_address(
    monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    """From a public host to an address of this network, which is the second to be looked up."""
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    asked = names(monkeypatch, "127.0.0.1", "169.254.169.254")
    # The server that leads on is on this machine, and must be reached.
    monkeypatch.setattr(remote, "is_public", lambda address: address.is_loopback)
    with serving(lead("https://metadata.example/"), with_key(certificate)) as port:
        error = refusal(f"https://report.example:{port}/", Reader(most_s=5))
    assert asked == ["report.example", "metadata.example"]
    assert "169.254.169.254, which is no public address" in error.message


@pytest.mark.parametrize("public", PUBLIC)
def test_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch, public: str
) -> None:
    """A name that means this machine when it is asked for the second time gets nobody here."""
    connected: list[Any] = []

    def connect(_: socket.socket, place: Any) -> None:
        connected.append(place[:2])
        raise ConnectionRefusedError(111, "Connection refused")

    asked = names(monkeypatch, public, "127.0.0.1")
    monkeypatch.setattr(socket.socket, "connect", connect)
    assert "Connection refused" in refusal("https://report.example/", Reader()).message
    assert asked == ["report.example"]
    assert connected == [(public, 443)]


def test_name_with_one_private_address_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which of several is connected to must not be left to chance."""
    several = [(2, 1, 6, "", (address, 443)) for address in (PUBLIC[0], "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: several)
    assert "10.0.0.1" in refusal("https://report.example/", Reader()).message


def test_next_address_is_tried_where_one_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a network without IPv6."""
    with serving(answer(b"here")) as port:
        places = [(2, 1, 6, "", ("127.0.0.1", number)) for number in (1, port)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: places)
        assert READER.fetch("http://report.example/", MOST) == b"here"


NOT_PUBLIC = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    "0.0.0.0",  # noqa: S104 (nothing listens)
    *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "fec0::1", "ff02::1", "ff0e::1"),
    *("::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::1", "2002:a00:1::1"),
    *("2002:6440:1::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808"),
    *("2001::1", "2001:db8::1", "4000::1"),
]


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_address_that_is_not_public(text: str) -> None:
    """Of this machine, of a network, of nobody, or one of these in the clothes of another."""
    assert not remote.is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", [*PUBLIC, "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"])
def test_address_that_is_public(text: str) -> None:
    """Also where a network translates those of IPv4."""
    assert remote.is_public(ipaddress.ip_address(text))


def test_certificate_must_be_of_the_name(
    monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    """Not of the address that the name was found to mean; and somebody known must have signed."""
    names(monkeypatch, *["127.0.0.1"] * 3)
    with serving(answer(b"secret"), with_key(certificate)) as port:
        unknown = refusal(f"https://report.example:{port}/")
        monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
        other = refusal(f"https://other.example:{port}/")
        assert READER.fetch(f"https://report.example:{port}/", MOST) == b"secret"
    assert "self-signed" in unknown.message.replace("self signed", "self-signed")
    assert "not valid for 'other.example'" in other.message


def test_slow_drip_within_tls_ends_too(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    """Also a handshake that never begins."""
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    names(monkeypatch, *["127.0.0.1"] * 2)
    with serving(repeated(OK + b"\r\n", b"x", 0.05), with_key(certificate)) as port:
        assert isinstance(refusal(f"https://report.example:{port}/"), SlowError)
    with serving(lambda *_: time.sleep(5)) as port:
        assert isinstance(refusal(f"https://report.example:{port}/"), SlowError)
