"""What a stranger's file may hold: little files stay little, and its text is harmless."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from factories import small_results
from report.errors import ResultError
from report.experiments.catalogue import LABELS
from report.results import limits, store
from report.text.plain import showable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from report.results.result import Result


@pytest.fixture(name="small", scope="module")
def of_products() -> Result:
    """Return a small result of two processes."""
    return small_results.result(small_results.products("products", full=[[1.0], [1.1]]))


def refusal(path: Path, content: bytes) -> str:
    """Return in which words a file is refused."""
    path.write_bytes(content)
    with pytest.raises(ResultError) as caught:
        store.read(path, LABELS)
    return caught.value.format_message()


def filled(start: bytes, item: bytes, end: bytes) -> bytes:
    """Return as many items as a file can have bytes."""
    count = (limits.MOST_BYTES - len(start) - len(end)) // (len(item) + 1)
    return start + b",".join([item] * count) + end


@pytest.mark.parametrize(
    "content",
    [
        filled(b'{"version": 1, "records": [', b"{}", b"]}"),
        filled(b'{"version": 1, "records": [', b"[]", b"]}"),
        filled(b'{"version": 1, "records": [', b"1", b"]}"),
        filled(b'{"version": 1, "records": [', b'"\\u001b"', b"]}"),
        filled(b"{", b'"k": {}', b"}"),
        b'{"version": 1, "title": "' + b"x" * 19_000_000 + b'"}',
        b'{"version": 1, "seed": ' + b"1" * 19_000_000 + b"}",
        b"[" * 10_000_000 + b"]" * 10_000_000,
        "{\N{GRINNING FACE}".encode() + b"x" * 19_000_000,
    ],
    ids=["objects", "lists", "numbers", "escapes", "keys", "text", "digits", "depth", "wide"],
)
def test_a_file_costs_no_more_than_some_times_its_bytes(tmp_path: Path, content: bytes) -> None:
    """It is refused before it is taken apart, in a line."""
    packed = gzip.compress(content, 1)
    tracemalloc.start()
    try:
        assert refusal(tmp_path / "x.json.gz", packed).count("\n") == 0
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 * limits.MOST_BYTES


def change(result: Result, edit: Callable[[dict[str, Any]], None]) -> bytes:
    """Return a result's file after an edit."""
    content = json.loads(store.dump(result))
    edit(content)
    return json.dumps(content).encode()


def deep(*keys: str | int, value: object) -> Callable[[dict[str, Any]], None]:
    """Return an edit that puts a value somewhere."""

    def edit(content: dict[str, Any]) -> None:
        here: Any = content
        for key in keys[:-1]:
            here = here[key]
        here[keys[-1]] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (deep("records", 0, "process", value=-1), "negative process"),
        (deep("records", 0, "process", value=True), "records.0.process"),
        (deep("records", 0, "elapsed_s", value=-0.5), "negative elapsed_s"),
        (deep("machine", "cpu", "physical_cores", value=-2), "negative physical_cores"),
        (deep("machine", "memory_bytes", value=2**64), "64 bits"),
        (deep("records", 0, "outcome", "series", 0, "flops", value=-1), "negative flops"),
        (deep("finished_at", value="2001-01-01T00:00:00Z"), "ends before it begins"),
        (deep("config_hash", value="0" * 64), "another hash"),
        (deep("config", "seed", value=2), "another hash"),
        (deep("records", 1, "process", value=0), "two records of products"),
        (deep("generator", value="x" * 30_000), "20,000 characters"),
        (deep("config", "experiments", "products", "settings", value={"a": [1.5, "x" * 30_000]}),
         "20,000 characters"),
        (deep("records", 0, "outcome", "series", 0, "timing", "elapsed_s", value=[1.0] * 100_001),
         "100,000 items"),
        (deep("environments", value={f"b{k}": {} for k in range(3_000)}), "2,000 keys"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(
    small: Result, tmp_path: Path, edit: Callable[[dict[str, Any]], None], says: str
) -> None:
    """In one line that says what is wrong."""
    message = refusal(tmp_path / "x.json", change(small, edit))
    assert says in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "content",
    [
        b'{"version": 1, "version": 1}',
        b'{"version": 1, "seed": 1e999}',
        b'{"version": 1, "seed": NaN}',
        b'\xef\xbb\xbf{"version": 1}',
        '{"version": 1}'.encode("utf-16"),
        '{"title": "caf\N{LATIN SMALL LETTER E WITH ACUTE}"}'.encode("latin-1"),
    ],
    ids=["twice", "infinite", "nan", "bom", "utf-16", "latin-1"],
)
def test_what_is_no_plain_json_is_refused(tmp_path: Path, content: bytes) -> None:
    """Two readers could take it for different things."""
    assert "x.json " in refusal(tmp_path / "x.json", content)


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("\x1b[31mred", "\ufffd[31mred"),
        ("bell\x07 back\x08", "bell\ufffd back\ufffd"),
        ("first\rlast", "first\ufffdlast"),
        ("a \\ and \\u001b as letters", "a \\ and \\u001b as letters"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\u202egnp.exe", "\ufffdgnp.exe"),
        ("\x9b2J", "\ufffd2J"),
        ("\N{GRINNING FACE} \N{GREEK SMALL LETTER LAMDA}", None),
    ],
)
@pytest.mark.parametrize("escaped", [True, False])
def test_what_nobody_can_show_is_replaced(
    small: Result, tmp_path: Path, foreign: str, shown: str | None, *, escaped: bool
) -> None:
    """However it is written; all other text comes as it is."""
    content = json.loads(store.dump(small))
    content["generator"] = foreign
    path = tmp_path / "x.json"
    path.write_text(json.dumps(content, ensure_ascii=escaped), encoding="utf-8")
    read = store.load(path, LABELS).generator
    assert read == (foreign if shown is None else shown)
    assert showable(read) == read


def test_half_a_character_is_replaced(small: Result, tmp_path: Path) -> None:
    """It could be written nowhere."""
    path = tmp_path / "x.json"
    content = store.dump(replace(small, generator="GENERATOR"))
    path.write_bytes(content.replace(b"GENERATOR", rb"half \ud83d of one"))
    assert store.load(path, LABELS).generator == "half \N{REPLACEMENT CHARACTER} of one"


def test_a_long_list_of_faults_is_ten_lines() -> None:
    """Nobody reads thousands, and a terminal shows nothing that it would obey."""
    error = ResultError("\n".join(f"fault \x1b[{k}m" for k in range(12_000)))
    *first, last = error.format_message().splitlines()
    assert len(first) == 10
    assert "11,990" in last
    assert "\x1b" not in error.format_message()
