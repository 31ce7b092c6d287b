"""The data set: where it is looked for, and what is refused.

All but the tests that name `real_file` use a made-up table whose checksum takes the place of the
real one, and mirrors on this machine's loopback; none needs a network.
"""

from __future__ import annotations

import array
import hashlib
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from report.analysis import seeds
from report.config.configuration import DatasetSpec
from report.errors import DataError
from report.experiments.training.kind import TRAINING
from report.results.result import Dataset
from report.run import data

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REAL_SHA1 = data.SHA1

TABLE = np.random.default_rng(11).normal(3.0, 2.0, (1503, 6))
GOOD = "".join("\t".join(map(repr, row)) + "\r\n" for row in TABLE.tolist()).encode()
GOOD_SHA1 = hashlib.sha1(GOOD, usedforsecurity=False).hexdigest()
WRONG = b"<html>Please sign in</html>"
WRONG_SHA1 = hashlib.sha1(WRONG, usedforsecurity=False).hexdigest()
WRONG_NAME = f"airfoil_self_noise.dat.wrong-{WRONG_SHA1[:8]}"


class Mirrors:
    """A server on the loopback: what it was asked, and what lets go of requests to /silent."""

    def __init__(self, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Begin without any mirror."""
        self.address, self.monkeypatch = address, monkeypatch
        self.asked: list[str] = []
        self.silent = threading.Event()

    def use(self, *names: str) -> None:
        """Let these be the mirrors, in this order."""
        self.monkeypatch.setattr(data, "MIRRORS", tuple(map(self.url, names)))

    def url(self, name: str) -> str:
        """Return the address of one of the answers that `Answers` knows."""
        return f"{self.address}/{name}"


class Answers(BaseHTTPRequestHandler):
    """Sends what the path's name says."""

    mirrors: Mirrors

    def do_GET(self) -> None:
        """Answer by the last part of the path."""
        name = self.path.strip("/")
        self.mirrors.asked.append(name)
        if name == "silent":
            self.mirrors.silent.wait(5)
        if name == "broken":
            self.send_error(503)
            return
        body = WRONG if name == "wrong" else GOOD
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) + (name == "short")))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # the client has given up, as it should on silence

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Keep the tests' output clean."""


@pytest.fixture(name="mirrors")
def loopback_mirrors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirrors]:
    """Serve on the loopback; /good, /wrong, /broken, /short and /silent do what they say."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = type("Handler", (Answers,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        mirrors = Mirrors(f"http://127.0.0.1:{server.server_port}", monkeypatch)
        handler.mirrors = mirrors  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield mirrors
        mirrors.silent.set()
        server.shutdown()
        thread.join()


@pytest.fixture(name="cache", autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give each test an empty cache of its own, no mirrors, and the made-up table as the data."""
    cache = tmp_path / "cache"
    monkeypatch.delenv("REPORT_DATA_DIR", raising=False)
    monkeypatch.setattr(data, "cache_folder", lambda: cache)
    monkeypatch.setattr(data, "MIRRORS", ())
    monkeypatch.setattr(data, "SHA1", GOOD_SHA1)
    return cache


@pytest.fixture(name="real_file")
def real_file_under_its_checksum(real_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the airfoil file, with the real checksum back in its place."""
    monkeypatch.setattr(data, "SHA1", REAL_SHA1)
    return real_file


def _refusing_url() -> str:
    """Return an address at which nobody listens: a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/file"


def _store(folder: Path, content: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "airfoil_self_noise.dat"
    file.write_bytes(content)
    return file


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- the real file


def test_real_file_is_the_one_the_chapter_names(real_file: Path) -> None:
    """It loads under the chapter's checksum, with five features and 1500 of 1503 rows."""
    loaded = data.load(real_file)
    assert loaded.dataset == Dataset(
        source="file", origin="a local copy", sha1=REAL_SHA1, examples=1500, features=5
    )
    assert loaded.features.shape == (1500, 5)
    assert loaded.targets.shape == (1500,)


def test_first_real_row_is_whitened_by_all_rows(real_file: Path) -> None:
    """The first row, 800 Hz and 126.201 dB, has the z-scores of those in their columns."""
    # Computed with the standard library: the columns' means are 2886.380572 and 124.835943, their
    # population standard deviations 3151.524202 and 6.896361, so (800 - 2886.380572) / 3151.524202
    # = -0.662023 and (126.201 - 124.835943) / 6.896361 = 0.197939.
    loaded = data.load(real_file, 1)
    assert loaded.features[0, 0] == pytest.approx(-0.662023, abs=1e-6)
    assert loaded.targets[0] == pytest.approx(0.197939, abs=1e-6)


# --- whitening and rows


def test_all_rows_together_are_white_and_a_part_of_them_is_not() -> None:
    """Whitening takes all rows, label included, before some are left out."""
    table = data.whiten(TABLE)
    assert table.mean(axis=0) == pytest.approx(np.zeros(6), abs=1e-12)
    # ddof=0: the population's deviation; the sample's would give sqrt(1502 / 1503) = 0.99967.
    assert np.sqrt((table**2).mean(axis=0)) == pytest.approx(np.ones(6), abs=1e-12)
    assert np.abs(table[:1400].mean(axis=0)).max() > 1e-4


def test_fewer_examples_are_the_first_rows_of_the_same_table(cache: Path) -> None:
    """Asking for fewer rows changes no number in those that remain."""
    _store(cache, GOOD)
    few, many = data.load(None, 10), data.load(None, 1503)
    assert few.dataset.examples == 10
    assert few.features.tolist() == many.features[:10].tolist()
    assert few.targets.tolist() == many.targets[:10].tolist()


@pytest.mark.parametrize(("examples", "bound"), [(1, 2), (1504, 1503)])
def test_number_of_examples_out_of_range_is_refused_with_the_bound(
    examples: int, bound: int
) -> None:
    """experiments.yaml cannot ask for more rows than there are, nor for fewer than two."""
    DatasetSpec(examples=bound)
    with pytest.raises(ValidationError, match=rf"equal to {bound}\b"):
        DatasetSpec(examples=examples)


# --- a person's own copy


def test_nearest_copy_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: Path, mirrors: Mirrors
) -> None:
    """Path, then REPORT_DATA_DIR, then the cache, then the mirrors, then the surrogate."""
    path = _store(tmp_path / "named", GOOD)
    folder = tmp_path / "variable"
    _store(folder, GOOD)
    _store(cache, GOOD)
    mirrors.use("good")
    monkeypatch.setenv("REPORT_DATA_DIR", str(tmp_path / "nowhere"))
    origins = [data.load(path).dataset.origin]
    path.unlink()
    monkeypatch.setenv("REPORT_DATA_DIR", str(folder))
    origins.append(data.load(None).dataset.origin)
    monkeypatch.setenv("REPORT_DATA_DIR", "")  # set but empty is as good as not set
    origins.append(data.load(None).dataset.origin)
    assert mirrors.asked == []
    (cache / data.FILE_NAME).unlink()
    origins.append(data.load(None).dataset.origin)
    (cache / data.FILE_NAME).unlink()
    mirrors.use()
    origins.append(data.load(None).dataset.origin)
    assert origins == [
        "a local copy",
        "a local copy",
        "an earlier download",
        "downloaded from 127.0.0.1",
        "seeded surrogate with the real data's moments",
    ]


def test_named_path_that_is_missing_is_an_error_and_no_surrogate(
    tmp_path: Path, cache: Path
) -> None:
    """Who names a file means it: the error names path and remedy, though the cache has a copy."""
    _store(cache, GOOD)
    with pytest.raises(DataError, match=r"dataset\.path .*absent\.dat.*correct it") as caught:
        data.load(tmp_path / "absent.dat")
    assert "No such file" in caught.value.message


def test_variable_with_a_folder_that_lacks_the_file_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: Path
) -> None:
    """Who sets REPORT_DATA_DIR means it: the error names variable and remedy."""
    _store(cache, GOOD)
    monkeypatch.setenv("REPORT_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match=r"REPORT_DATA_DIR.*put .* there, or unset"):
        data.load(None)


OTHER_BYTES = {
    "empty": b"",
    "a row lacking": GOOD[: GOOD.rindex(b"\n", 0, -2)],
    "other line ends": GOOD.replace(b"\r\n", b"\n"),
    "a page": WRONG,
}


@pytest.mark.parametrize("content", OTHER_BYTES.values(), ids=OTHER_BYTES)
def test_own_copy_with_other_bytes_is_refused_and_left_alone(
    tmp_path: Path, content: bytes
) -> None:
    """The error names both sums and the remedy; the person's folder holds what it held."""
    file = _store(tmp_path / "own", content)
    sum_ = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    with pytest.raises(DataError, match=f"{sum_}, not {GOOD_SHA1}; correct it"):
        data.load(file)
    assert file.read_bytes() == content
    assert _names(file.parent) == [data.FILE_NAME]


# --- downloads


def test_download_is_checked_kept_and_not_repeated(cache: Path, mirrors: Mirrors) -> None:
    """The first load asks the mirror and keeps the file; the second asks nobody."""
    mirrors.use("good", "wrong")
    first, second = data.load(None, 1503), data.load(None, 1503)
    assert mirrors.asked == ["good"]
    assert _names(cache) == [data.FILE_NAME]
    assert first.dataset.sha1 == GOOD_SHA1
    # repr() gave every digit of the table, so the file's numbers are the table's.
    assert first.features.tolist() == data.whiten(TABLE)[:, :5].tolist()
    assert second.targets.tolist() == first.targets.tolist()


@pytest.mark.parametrize("failing", ["broken", "short"])
def test_mirror_that_fails_gives_way_to_the_next(
    cache: Path, mirrors: Mirrors, failing: str
) -> None:
    """An error status or a body cut short is no file: nothing of it is kept, the next is asked."""
    said: list[str] = []
    mirrors.use(failing, "good")
    assert data.load(None, say=said.append).dataset.origin == "downloaded from 127.0.0.1"
    assert _names(cache) == [data.FILE_NAME]
    assert said[0] == f"downloading {mirrors.url(failing)}"
    assert "did not send it" in said[1]
    assert said[2] == f"downloading {mirrors.url('good')}"


def test_silent_mirror_is_given_up(monkeypatch: pytest.MonkeyPatch, mirrors: Mirrors) -> None:
    """A server that accepts and says nothing costs the timeout, not the evening."""
    # It would send the good file after 5 s, so a load that waited would not end in the surrogate.
    mirrors.use("silent")
    monkeypatch.setattr(data, "TIMEOUT_S", (1.0, 0.2))
    assert data.load(None).dataset.source == "surrogate"


def test_wrong_download_is_kept_aside_and_the_next_mirror_asked(
    cache: Path, mirrors: Mirrors
) -> None:
    """Wrong bytes never become the data, but remain for a person to look at."""
    mirrors.use("wrong", "good")
    assert data.load(None).dataset.sha1 == GOOD_SHA1
    assert _names(cache) == [data.FILE_NAME, WRONG_NAME]
    assert (cache / WRONG_NAME).read_bytes() == WRONG


@pytest.mark.parametrize("others", ["wrong", "broken"])
def test_only_wrong_downloads_are_an_error_and_no_surrogate(
    cache: Path, mirrors: Mirrors, others: str
) -> None:
    """Both sums and the kept file's name are told, its folder is not; so too if others fail."""
    mirrors.use("wrong", others)
    with pytest.raises(DataError, match=rf"SHA-1 {GOOD_SHA1}, but .*{WRONG_SHA1}") as caught:
        data.load(None)
    assert WRONG_NAME in caught.value.message
    assert str(cache) not in caught.value.message
    assert _names(cache) == [WRONG_NAME]


def test_no_network_at_all_means_the_surrogate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused everywhere, the surrogate steps in and says that it is one."""
    said: list[str] = []
    monkeypatch.setattr(data, "MIRRORS", (_refusing_url(), _refusing_url()))
    loaded = data.load(None, seed=4, say=said.append)
    assert loaded.dataset == Dataset(
        source="surrogate",
        origin="seeded surrogate with the real data's moments",
        sha1=None,
        examples=1500,
        features=5,
    )
    assert loaded.features.tolist() == data.surrogate(4)[:, :5].tolist()
    assert loaded.targets.tolist() == data.surrogate(4)[:, 5].tolist()
    assert "surrogate" in said[-1]


def test_surrogate_does_not_stretch_to_more_rows_than_it_has() -> None:
    """Its moments are those of 1500 rows; for more the error says how to get the file."""
    assert data.load(None, 1500).dataset.examples == 1500
    with pytest.raises(DataError, match=r"1500 rows, not 1501; name a copy"):
        data.load(None, 1501)


def test_spoiled_cache_is_downloaded_again_and_its_bytes_kept_aside(
    cache: Path, mirrors: Mirrors
) -> None:
    """Spoiled bytes are never used, not even where there is nothing else; nor are they lost."""
    _store(cache, WRONG)
    assert data.load(None).dataset.source == "surrogate"
    mirrors.use("good")
    assert data.load(None).dataset.origin == "downloaded from 127.0.0.1"
    assert (cache / data.FILE_NAME).read_bytes() == GOOD
    assert (cache / WRONG_NAME).read_bytes() == WRONG


def test_cache_that_cannot_be_written_does_not_stop_a_download(
    cache: Path, mirrors: Mirrors
) -> None:
    """Where the cache's folder cannot be made the file is used all the same, and that is said."""
    said: list[str] = []
    cache.write_bytes(b"a file where the folder should be")
    mirrors.use("wrong", "good")
    assert data.load(None, say=said.append).dataset.sha1 == GOOD_SHA1
    assert sum("cannot keep" in words for words in said) == 2


def test_cache_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a test's intervention the cache is a folder of this program."""
    monkeypatch.undo()
    assert data.cache_folder().name == "minibatch-report"


def test_stored_provenance_reads_back_and_unknown_keys_are_refused() -> None:
    """A result file keeps the data's provenance strictly."""
    adapter = TypeAdapter(Dataset)
    dataset = data.load(None).dataset
    assert adapter.validate_json(adapter.dump_json(dataset)) == dataset
    with pytest.raises(ValidationError, match="path"):
        adapter.validate_python({**adapter.dump_python(dataset), "path": "/home/someone"})


def test_bundle_is_read_back_by_the_standard_library(tmp_path: Path) -> None:
    """Workers get the very numbers, as little-endian bytes without headers, and a description."""
    loaded = data.load(None, 12)
    folder = tmp_path / "new" / "bundle"
    described = data.write_bundle(folder, loaded, seed=9, seeds=2, epochs=3)
    sizes = {"examples": 12, "features": 5, "seeds": 2, "epochs": 3}
    assert described == {"folder": str(folder), **sizes}
    expected: dict[str, Any] = {"features.f64": loaded.features, "targets.f64": loaded.targets}
    for seed in range(2):
        expected[f"seed-{seed}.weights.f64"] = seeds.initial_weights(9, seed, 5)
        expected[f"seed-{seed}.permutation-1.i32"] = seeds.permutations(9, seed, 3, 12)
    assert _names(folder) == sorted(expected)
    for name, values in expected.items():
        form = f"<{values.size}{'d' if name.endswith('f64') else 'i'}"
        written = struct.unpack(form, (folder / name).read_bytes())
        assert list(written) == values.ravel().tolist(), name


def test_bundle_takes_what_its_plan_is_measured_by(tmp_path: Path) -> None:
    """A plan is refused where memory is smaller than the orders of examples, most of a bundle."""
    runs = [{"epochs": 3}, {"epochs": 2, "copies": 4, "sampling": "replacement"}]
    orders: list[data.Order] = [("permutation", 1), ("replacement", 4)]
    data.write_bundle(tmp_path, data.load(None), seed=9, seeds=2, epochs=3, orders=orders)
    written = sum(path.stat().st_size for path in tmp_path.glob("*.i32"))
    assert TRAINING.memory_bytes({"runs": runs}, 2) == written


def test_bundle_fits_the_arrays_that_workers_read_it_into(tmp_path: Path) -> None:
    """`array.array` has items of these sizes where Python runs, and reads whole files of them."""
    data.write_bundle(tmp_path, data.load(None, 12), seed=9, seeds=1, epochs=3)
    for name, code, count in [("features.f64", "d", 60), ("seed-0.permutation-1.i32", "i", 36)]:
        values = array.array(code)
        values.frombytes((tmp_path / name).read_bytes())
        assert len(values) == count
