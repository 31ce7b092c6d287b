"""Privacy: what a program printed keeps what helps, and names nobody."""

from __future__ import annotations

import getpass
import socket
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import report
from report.results.privacy import impersonal, scrub

PACKAGE = Path(report.__file__).resolve().parent


@pytest.fixture(autouse=True)
def _somebodys_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests run as anna on her laptop, in a project of hers."""
    monkeypatch.setattr(getpass, "getuser", lambda: "anna")
    monkeypatch.setattr(socket, "gethostname", lambda: "annas-laptop.example.org")
    monkeypatch.setattr(Path, "home", lambda: Path("/home/anna"))
    monkeypatch.setattr(Path, "cwd", lambda: Path("/home/anna/acme/plan"))
    monkeypatch.setattr(sys, "prefix", "/home/anna/venvs/fast")
    monkeypatch.setattr(sys, "base_prefix", "/opt/python")
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/tmp/anna")  # noqa: S108 (not used)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/anna/notes.txt", "<home>/notes.txt"),
        ("in /home/anna.", "in <home>."),
        ("/home/anna/thesis/draft.txt", "<home>/draft.txt"),
        ("/home/anna/acme/plan/experiments.yaml", "<folder>/experiments.yaml"),
        ("/home/anna/acme/plan/secret/x.py", "<folder>/x.py"),
        (
            "/home/anna/venvs/fast/lib/python3.11/site-packages/torch/nn.py:12",
            "<environment>/lib/python3.11/site-packages/torch/nn.py:12",
        ),
        ("/opt/python/lib/json/decoder.py", "<python>/lib/json/decoder.py"),
        ("/tmp/anna/minibatch-report-x1/features.f64", "<temporary>/features.f64"),  # noqa: S108
        ("/srv/acme/project/train.py", "<path>/train.py"),
        ("/home/bob/x.py", "<path>/x.py"),
        ("PATH=/srv/a/bin:/srv/b/bin", "PATH=<path>/bin:<path>/bin"),
        ("file:///srv/acme/x.html", "file://<path>/x.html"),
        ("(/srv/acme/libfast.so.1: cannot open)", "(<path>/libfast.so.1: cannot open)"),
        (r"C:\Users\anna\x.py", r"<path>\x.py"),
        ("anna@annas-laptop.example.org", "<user>@<host>"),
        ("host annas-laptop is down", "host <host> is down"),
        ("user anna: permission denied", "user <user>: permission denied"),
        (f"{PACKAGE}/worker/main.py", "<report>/report/worker/main.py"),
    ],
)
def test_names_and_folders_are_replaced(text: str, expected: str) -> None:
    """People, hosts and folders go; the file's name and what tells where it belongs stay."""
    assert scrub(text) == expected


def test_traceback_keeps_files_lines_and_the_error() -> None:
    """What helps to find a fault is what remains."""
    traceback = (
        "Traceback (most recent call last):\n"
        f'  File "{PACKAGE}/backends/pytorch.py", line 31, in call\n'
        '  File "/home/anna/venvs/fast/lib/torch/_ops.py", line 7, in __call__\n'
        '  File "/srv/acme/hooks.py", line 9, in <module>\n'
        "RuntimeError: CUDA error on annas-laptop\n"
    )
    assert scrub(traceback) == (
        "Traceback (most recent call last):\n"
        '  File "<report>/report/backends/pytorch.py", line 31, in call\n'
        '  File "<environment>/lib/torch/_ops.py", line 7, in __call__\n'
        '  File "<path>/hooks.py", line 9, in <module>\n'
        "RuntimeError: CUDA error on <host>\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "see https://pytorch.org/docs/stable/notes/cuda.html#memory",
        "https://download.pytorch.org/whl/cpu, http://example.org/tmp/x/y",
        "s3://bucket/folder/key.dat",
        "1/2 of 3/4/5",
        "and/or, n/a, GB/s, 10 GFLOP/s",
        "the relative path templates/experiments/matmul.html",
        "./a/b.py and ../c/d.py",
        "x86_64-linux-gnu/libc.so.6",
        "annals of joanna: hannah",
        "no space left on device (28)",
        "2026-01-02T03:04:05Z",
        "a // b / c",
        "<module>",
        "",
    ],
)
def test_what_names_nobody_stays(text: str) -> None:
    """Addresses, fractions, relative paths and words with a name inside are left alone."""
    assert scrub(text) == text


def test_folder_that_only_begins_like_a_known_one_is_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """/home/annabel is not anna's, and goes like any other folder."""
    assert scrub("/home/annabel/x.py") == "<path>/x.py"
    monkeypatch.setattr(Path, "home", lambda: Path("/root"))
    assert scrub("/rootfs/usr/x.py") == "<path>/x.py"


@pytest.mark.parametrize(("user", "host"), [("a", "pc"), ("root", "localhost")])
def test_names_that_are_words_are_left_in_texts(
    monkeypatch: pytest.MonkeyPatch, user: str, host: str
) -> None:
    """A user called "a" must not turn every article into a placeholder, nor root a square root."""
    monkeypatch.setattr(getpass, "getuser", lambda: user)
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    text = "a pc with a square root on localhost"
    assert scrub(text) == text


def test_user_without_a_name_or_home_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container with a foreign user id, or in a deleted folder, texts are still scrubbed."""

    def unknown(*_: object) -> None:
        raise KeyError("getpwuid(): uid not found: 12345")

    def homeless(*_: object) -> None:
        raise RuntimeError("Could not determine home directory.")

    def deleted(*_: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(getpass, "getuser", unknown)
    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setattr(Path, "cwd", deleted)
    assert scrub("/srv/acme/x.py on annas-laptop") == "<path>/x.py on <host>"


VARIABLES = {
    "DATABASE_URL": "postgres://anna:pa55@annas-laptop/home/anna/acme/db",
    "STORE_KEY": "/Ab+c/d3fgh/anna/k3y",  # as many are, in base 64
    "API_TOKEN": "s3cret-t0ken",
    "HOME": "/home/anna",
    "LOGNAME": "anna-maria",
    "PATH": f"{sys.prefix}:/home/anna/acme/bin",
}


def test_values_of_variables_go_whole() -> None:
    """Also those that hold a name, a host or a path, of which the rest is the password."""
    for name in ("DATABASE_URL", "STORE_KEY", "API_TOKEN"):
        assert impersonal(f"refused: {VARIABLES[name]}.", VARIABLES) == f"refused: <{name}>."


def test_variables_that_are_places_are_scrubbed_as_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their names in the midst of a path would keep what stands behind them."""
    monkeypatch.setattr(getpass, "getuser", lambda: "anna-maria")
    assert impersonal("/home/anna/thesis/draft.txt", VARIABLES) == "<home>/draft.txt"
    assert impersonal("/srv/anna-maria/thesis/x.py", VARIABLES) == "<path>/x.py"
    told = impersonal(VARIABLES["PATH"], VARIABLES)
    assert "acme" not in told
    assert "<PATH>" not in told


PARTS = st.lists(st.from_regex(r"[A-Za-z0-9_.+@-]{1,8}", fullmatch=True), max_size=3)
FOLDERS = st.sampled_from(
    ["/home/anna", "/home/anna/acme/plan", "/home/anna/venvs/fast", "/srv/anna", "/home/bob"]
)


@given(
    before=st.sampled_from(["", " ", '"', "'", "(", "=", ":", ", "]), folder=FOLDERS, parts=PARTS
)
@settings(deadline=None)
def test_no_path_names_the_user(before: str, folder: str, parts: list[str]) -> None:
    """Whatever stands before a path and wherever it leads, it does not tell whose it is."""
    scrubbed = scrub(before + "/".join([folder, *parts, "file.py"]))
    assert "/anna" not in scrubbed.removesuffix("/".join(["", *parts, "file.py"]))
    assert "acme" not in scrubbed.removesuffix("/".join(["", *parts, "file.py"]))
    assert scrubbed.endswith("file.py")


@given(text=st.text())
@settings(deadline=None)
def test_scrubbing_twice_changes_nothing_more(text: str) -> None:
    """Placeholders are no paths and no names, and no text is an error."""
    assert scrub(scrub(text)) == scrub(text)
