"""Reports that take results from one another: what a site publishes, and what comes of it."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from click.testing import CliRunner

import report
from pages import gather, read_pages, report_of, serve
from report.cli import main
from report.config.configuration import Config
from report.config.plan import plan
from report.errors import ResultError
from report.experiments.catalogue import LABELS
from report.results import holdings, imported, limits, published, store
from report.results.remote import Reader, take
from report.site import gather as site
from results_factory import make_result, only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result as Done

    from report.results.result import Result

STRANGER = "0f0f0f0f-1111-4222-8333-444444444444"
LATER: dict[str, Any] = {
    "run_id": "11111111-2222-4333-8444-555555555555",
    "started_at": "2026-02-03T04:05:06Z",
    "finished_at": "2026-02-03T23:59:59Z",
}
READER = Reader(allow_private=True, most_s=5, silence_s=2)
MATMUL = {"version": 1, "experiments": {"a": {"kind": "matmul"}}}


@pytest.fixture(name="theirs", scope="module")
def of_another() -> Result:
    """Return a small result of another report's owner."""
    return replace(only(make_result("desktop"), "threads"), installation=STRANGER)


@pytest.fixture(name="their_folders", scope="module")
def folders_of_another(theirs: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with their results and site: one run of their own, and one from a file."""
    folder = tmp_path_factory.mktemp("another")
    store.save(theirs, folder / "theirs")
    third = replace(theirs, machine=replace(theirs.machine, id="tablet"), **LATER)
    holdings.add(store.save(third, folder / "inbox"), folder / "theirs", LABELS, "2026-03-04")
    written(folder / "theirs", folder / "site")
    return folder


@pytest.fixture(name="folder")
def their_site(their_folders: Path, tmp_path: Path) -> Path:
    """Return their site, for a test to change."""
    shutil.copytree(their_folders, tmp_path, dirs_exist_ok=True)
    return tmp_path / "site"


@pytest.fixture(name="ours")
def our_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return our results folder, beside where commands run."""
    monkeypatch.chdir(tmp_path)
    store.save(only(make_result("laptop"), "threads"), tmp_path / "ours")
    return tmp_path / "ours"


def written(results: Path, folder: Path) -> Path:
    """Write the site of a results folder."""
    for name, content in site.gather(store.read_all(results, LABELS)[0]).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def add(ours: Path, *arguments: str) -> Done:
    """Run `report add` where this machine may be asked."""
    return CliRunner().invoke(main, ["add", "--results", str(ours), "--allow-private", *arguments])


def index_of(folder: Path) -> dict[str, Any]:
    """Read a site's index, without the program."""
    content: dict[str, Any] = json.loads((folder / "data" / "index.json").read_bytes())
    return content


@contextmanager
def told(folder: Path, **changes: Any) -> Iterator[str]:
    """Serve a site whose index says something else of its own run."""
    index = index_of(folder)
    (own,) = [run for run in index["runs"] if run["imported_from"] is None]
    own |= changes
    (folder / "data" / "index.json").write_text(json.dumps(index))
    with serve(folder) as address:
        yield address


def test_site_lists_its_runs(folder: Path, theirs: Result) -> None:
    """Each with what tells whether one has it, and whether its owner measured it."""
    index = index_of(folder)
    own, third = sorted(index["runs"], key=lambda run: run["started_at"])
    assert (own["machine"], own["started_at"]) == ("desktop", theirs.started_at)
    assert (own["profile"], own["format"], own["imported_from"]) == ("quick", 1, None)
    assert (third["machine"], third["imported_from"]) == (
        "tablet",
        "20260203T040506Z-quick.json.gz",
    )
    for run in index["runs"]:
        content = (folder / run["path"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (
            run["size_bytes"],
            run["sha256"],
        )


def test_site_publishes_the_schema_of_its_files(folder: Path) -> None:
    """The files hold to it, and the pages link to it where they offer them."""
    schema = json.loads((folder / published.SCHEMA).read_bytes())
    for run in index_of(folder)["runs"]:
        result = json.loads(gzip.decompress((folder / run["path"]).read_bytes()))
        jsonschema.Draft202012Validator(schema).validate(result)
    made = {each.name: each.read_bytes() for each in (folder / "machines/desktop").iterdir()}
    page = read_pages({f"machines/desktop/{name}": made[name] for name in ("index.html",)})
    assert {published.SCHEMA, published.INDEX} <= page["machines/desktop/index.html"].links()


def test_page_says_how_to_take_its_runs(theirs: Result) -> None:
    """With the site's own address, where that is known."""
    command = "report add https://example.org/r/"
    assert command in report_of(gather([theirs], "https://example.org/r/"), "desktop").words()
    assert "report add http" not in report_of(gather([theirs]), "desktop").words()


def test_runs_of_a_published_report_come_over(folder: Path, ours: Path) -> None:
    """Those that its owner measured, byte for byte, labelled with the report's address."""
    with serve(folder) as address:
        done = add(ours, address.removesuffix("/"))
    assert done.exit_code == 0, done.output
    (place,) = [line.removeprefix("added ") for line in done.stdout.splitlines()]
    (own,) = [run for run in index_of(folder)["runs"] if run["imported_from"] is None]
    assert (ours / place).read_bytes() == (folder / own["path"]).read_bytes()
    listed = imported.load(ours)
    assert {(each.address, each.sha256) for each in listed.values()} == {(address, own["sha256"])}
    words = report_of(site.gather(store.read_all(ours, LABELS)[0]), "desktop").words()
    assert "Imported, not verified" in words
    assert address in words


def test_what_was_imported_is_published_as_imported(
    folder: Path, ours: Path, tmp_path: Path
) -> None:
    """A third report that takes from ours gets nothing at second hand, but learns where from."""
    with serve(folder) as address:
        add(ours, address)
    again = written(ours, tmp_path / "again")
    assert address in {run["imported_from"] for run in index_of(again)["runs"]}
    with serve(again) as second:
        done = add(tmp_path / "third", second)
    assert [line.split("/")[1] for line in done.stdout.splitlines()] == ["laptop"]


@pytest.fixture(name="fetched")
def addresses_that_are_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that is filled with the addresses that are read, without the site's."""
    read: list[str] = []
    fetch = Reader.fetch

    def noted(self: Reader, address: str, most_bytes: int) -> bytes:
        read.append(address[address.index("data/") :])
        return fetch(self, address, most_bytes)

    monkeypatch.setattr(Reader, "fetch", noted)
    return read


def test_update_fetches_only_what_is_new(
    folder: Path, ours: Path, theirs: Result, fetched: list[str]
) -> None:
    """From where results came, without being told, and from `machines:`."""
    with serve(folder) as address:
        assert add(ours, address).exit_code == 0
        fetched.clear()
        known = add(ours, "--update")
        assert (known.exit_code, known.stdout) == (0, f"nothing new at {address}\n")
        newer = replace(theirs, **LATER)
        store.save(newer, folder.parent / "theirs")
        written(folder.parent / "theirs", folder)
        done = add(ours, "--update")
        assert done.stdout == "added imported/desktop/20260203T040506Z-quick.json.gz\n"
        newest = "data/desktop/20260203T040506Z-quick.json.gz"
        assert fetched == [published.INDEX, published.INDEX, newest]
        Path("experiments.yaml").write_text(json.dumps(MATMUL | {"machines": [address]}))
        other = add(ours.parent / "empty", "--update")
        assert (other.exit_code, other.stdout.count("added")) == (0, 2)


def test_single_result_comes_by_its_address(folder: Path, ours: Path) -> None:
    """Also one that the site's owner imported; the second time there is nothing new."""
    third = next(run for run in index_of(folder)["runs"] if run["imported_from"])
    with serve(folder) as address:
        assert add(ours, address + third["path"]).stdout.startswith("added imported/tablet/")
        assert "nothing new" in add(ours, address + third["path"]).stdout


def test_where_results_may_be_fetched_is_no_part_of_the_plan() -> None:
    """Runs before and after an address is added are alike."""
    named = Config.model_validate(MATMUL | {"machines": ["https://example.org/report"]})
    assert named.machines == ["https://example.org/report/"]
    bare = Config.model_validate(MATMUL)
    assert plan(named, "quick").fingerprint() == plan(bare, "quick").fingerprint()


def test_what_is_refused_is_named_and_the_rest_goes_on(
    folder: Path, ours: Path, tmp_path: Path
) -> None:
    """A password is not repeated; exit status 1."""
    here = tmp_path / "bad.json"
    here.write_text("{}")
    with serve(folder) as address:
        wanted = ["https://me:secret@example.org/", "file:///etc/passwd", str(here), address]
        done = add(ours, *wanted)
    assert done.exit_code == 1
    assert done.stdout.count("added") == 1
    lines = done.stderr.splitlines()
    assert [line.split(" ")[0] for line in lines] == ["refused:"] * 3
    for line, name in zip(lines, ("example.org", "file:///etc/passwd", "bad.json"), strict=True):
        assert name in line
    assert "secret" not in done.output


def test_this_machine_is_asked_only_with_permission(folder: Path, ours: Path) -> None:
    """Without the option nothing comes from it."""
    with serve(folder) as address:
        done = CliRunner().invoke(main, ["add", "--results", str(ours), address])
    assert (done.exit_code, done.stdout) == (1, "")
    assert "--allow-private" in done.stderr


def test_command_without_anything_to_add_says_so(ours: Path) -> None:
    """As any command that lacks an argument."""
    done = add(ours)
    assert (done.exit_code, "--update" in done.stderr) == (2, True)


def outcome(address: str, ours: Path) -> str:
    """Return the one reason why nothing comes from an address."""
    (error,) = take(address, ours, LABELS, "2026-03-04", READER)
    assert isinstance(error, ResultError)
    assert not (ours / "imported").exists()
    assert "\n" not in error.format_message()
    return error.format_message()


@pytest.mark.parametrize("changes", [{"sha256": "0" * 64}, {"size_bytes": 7}])
def test_file_must_be_what_the_index_says(
    folder: Path, ours: Path, changes: dict[str, Any]
) -> None:
    """By size and by sum; it is named."""
    with told(folder, **changes) as address:
        assert "20260102T030405Z-quick.json.gz is not the file" in outcome(address, ours)


@pytest.mark.parametrize(
    "path",
    [
        "../../x/20260102T030405Z-quick.json.gz",
        "data/../../x.json.gz",
        "data/desktop/../../secret.json",
        "https://elsewhere.example/data/desktop/x.json.gz",
        "//elsewhere.example/data/desktop/x.json",
        "data/desktop/x.json.gz?token=1",
        "data/desktop/x.exe",
        "@elsewhere.example/data/desktop/x.json",
        "data/desktop/x.json\n",
    ],
)
def test_index_cannot_lead_out_of_its_site(folder: Path, ours: Path, path: str) -> None:
    """Neither to another host nor out of the folder of results."""
    with told(folder, path=path) as address:
        assert "is not the index of a report" in outcome(address, ours)


INDICES = {
    "no JSON": b"<!doctype html>",
    "no index": b"[]",
    "of another version": b'{"version": 2, "runs": []}',
    "a number as text": b'{"version": "1", "runs": []}',
    "nested": b"[" * 100_000,
    "a million entries": b'{"version": 1, "runs": [' + b"{}," * 1_000_000 + b"{}]}",
    "many entries": b'{"version": 1, "runs": [' + b"{}," * 150_000 + b"{}]}",
    "many entries of nothing": b'{"version": 1, "runs": [' + b"0," * 90_000 + b"0]}",
}


@pytest.mark.parametrize("name", INDICES)
def test_index_that_is_none_is_refused(folder: Path, ours: Path, name: str) -> None:
    """In one line, whatever it holds."""
    (folder / "data" / "index.json").write_bytes(INDICES[name])
    with serve(folder) as address:
        assert f"{address}data/index.json" in outcome(address, ours)


def test_bomb_in_place_of_a_result_is_refused(folder: Path, ours: Path) -> None:
    """It is unpacked no further than a result can be, and named by its address."""
    bomb = gzip.compress(bytes(5 * limits.MOST_BYTES))
    (own,) = [run for run in index_of(folder)["runs"] if run["imported_from"] is None]
    (folder / own["path"]).write_bytes(bomb)
    changes = {"size_bytes": len(bomb), "sha256": hashlib.sha256(bomb).hexdigest()}
    with told(folder, **changes) as address:
        assert outcome(address, ours).startswith(f"{address}{own['path']} is too large")


def test_server_that_is_slow_once_is_left_alone(
    ours: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report of many runs cannot keep one waiting for each of them."""
    index = index_of(folder)
    index["runs"] = [run | {"imported_from": None} for run in index["runs"]]
    asked: list[str] = []
    fetch = Reader.fetch

    def slow(self: Reader, address: str, most_bytes: int) -> bytes:
        asked.append(address)
        return fetch(replace(self, most_s=0.0 if len(asked) > 1 else 5.0), address, most_bytes)

    monkeypatch.setattr(Reader, "fetch", slow)
    (folder / "data" / "index.json").write_text(json.dumps(index))
    with serve(folder) as address:
        assert "too long" in outcome(address, ours)
    assert len(asked) == 2


def test_numbers_of_a_published_report_are_loaded(folder: Path, ours: Path) -> None:
    """The same as of the folder that it was rendered from; nothing is kept here."""
    before = sorted(ours.rglob("*"))
    with serve(folder) as address:
        frame = report.load(address, allow_private=True)
        with pytest.raises(ResultError, match="no results"), pytest.warns(match="https"):
            report.load(address)
    assert set(frame.machine) == {"desktop"}
    assert frame.imported.all()
    own = report.load(folder.parent / "theirs")
    same = own[own.machine == "desktop"]
    assert sorted(frame.key) == sorted(same.key)
    assert sorted(ours.rglob("*")) == before
    with pytest.raises(ValueError, match="https"):
        report.load("ftp://example.org/")


def test_baseline_that_is_not_there_is_named(ours: Path, tmp_path: Path) -> None:
    """With the command that lists those that are; the site is rendered all the same."""
    site_dir = tmp_path / "rendered"
    lines = {"version": 1, "baseline": "nobody", **MATMUL}
    (tmp_path / "experiments.yaml").write_text(json.dumps(lines))
    asked = ["render", "--results", str(ours), "-o", str(site_dir)]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0, done.output
    assert "nobody" in done.stderr
    assert "report list" in done.stderr
    assert (site_dir / "index.html").exists()
