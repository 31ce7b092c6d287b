"""Writing a site: whole or not at all, and nobody else's files touched."""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import os
import re
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from processes import killed_before
from report.cli import main
from report.errors import SiteError
from report.results import files, store
from report.site import gather
from report.site.folder import MANIFEST, check, listed, mixture, stale_files, write_files
from results_factory import only

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result as Outcome

    from report.results.result import Result

    BeforeCall = Callable[[Any, str, int, Callable[[], object]], list[Any]]

OLD = {
    "index.html": b"old start\n",
    "style.css": b"same\n",
    "gone.html": b"an old page\n",
    "data/old-machine/run.json": b"{}\n",
}
NEW = {
    "index.html": b"new start\n",
    "style.css": b"same\n",
    "machine-a.html": b"a page\n",
    "data/a/run.json": b"[]\n",
}


def everything(folder: Path) -> dict[str, bytes]:
    """Return all files in a folder, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the old site."""
    write_files(OLD, tmp_path / "site")
    return tmp_path / "site"


# Where it can be written


@pytest.mark.parametrize(
    ("site", "results"),
    [
        ("results", "results"),
        ("results/site", "results"),
        (".", "results"),
        (".git/site", "results"),
        ("site/../results/x", "results"),
    ],
)
def test_folders_that_would_mix_are_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: str, results: str
) -> None:
    """Before anything is measured for a site that could not be written."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SiteError, match="Choose another folder with -o"):
        check(Path(site), Path(results))


def test_place_where_nothing_can_be_written_is_told_before_the_wait(tmp_path: Path) -> None:
    """A file stands where the site's folder, or one above it, would be."""
    (tmp_path / "taken").write_text("mine")
    for name in ("taken", "taken/below/it"):
        with pytest.raises(SiteError, match=r"taken"):
            check(tmp_path / name, tmp_path / "results")
    check(tmp_path / "new" / "below", tmp_path / "results")


def test_somebodys_start_page_is_told_before_the_wait(tmp_path: Path, folder: Path) -> None:
    """And a site of ours is not."""
    check(folder, tmp_path / "results")
    (folder / "method.html").write_text("mine")
    with pytest.raises(SiteError, match=r"method\.html was not written by this program"):
        check(folder, tmp_path / "results")


def test_nothing_is_deleted_or_written_behind_a_link(tmp_path: Path, folder: Path) -> None:
    """Whatever a manifest from elsewhere lists."""
    private = tmp_path / "private"
    private.mkdir()
    (private / "key").write_bytes(b"secret")
    (folder / "data" / "link").symlink_to(private, target_is_directory=True)
    listed = json.loads((folder / MANIFEST).read_text())
    listed["files"]["data/link/key"] = hashlib.sha256(b"secret").hexdigest()
    (folder / MANIFEST).write_text(json.dumps(listed))
    write_files(NEW, folder)
    assert (private / "key").read_bytes() == b"secret"
    with pytest.raises(SiteError, match="link"):
        write_files({**NEW, "data/link/page.html": b"x"}, folder)
    assert everything(private) == {"key": b"secret"}


def test_what_a_killed_rendering_left_is_swept(folder: Path) -> None:
    """Only files that are named as this program names them while it writes."""
    left = folder / ".index.html.abcd1234.tmp"
    mine = folder / ".index.html.of-mine.tmp"
    for path in (left, mine):
        path.write_text("half")
    write_files(NEW, folder)
    assert mine.exists()
    assert not left.exists()


def test_a_site_is_whole_or_says_what_is_wrong(folder: Path) -> None:
    """Missing, changed, or no site at all."""
    assert mixture(folder) == []
    (folder / "style.css").unlink()
    (folder / "gone.html").write_text("changed")
    assert {one.partition(" ")[0] for one in mixture(folder)} == {"style.css", "gone.html"}
    (folder / MANIFEST).unlink()
    assert MANIFEST in mixture(folder)[0]


# What is written


def test_written_site_is_what_was_gathered_and_a_list_of_it(tmp_path: Path) -> None:
    """The files, and a manifest with the SHA-256 of each."""
    changed = write_files(NEW, tmp_path / "deep" / "site")
    written = everything(tmp_path / "deep" / "site")
    sums = json.loads(written.pop(MANIFEST))["files"]
    assert written == NEW
    assert sums == {name: hashlib.sha256(NEW[name]).hexdigest() for name in NEW}
    assert changed == len(NEW) + 1


def test_files_can_be_read_by_a_web_server(tmp_path: Path) -> None:
    """Pages are for everyone, although temporary files are for their owner."""
    write_files(NEW, tmp_path)
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()}
    assert modes == {0o644}


def test_only_what_changed_is_written(folder: Path) -> None:
    """One page and the manifest, and then nothing: an unchanged file keeps its time."""

    def times() -> set[tuple[str, int]]:
        return {(name, (folder / name).stat().st_mtime_ns) for name in everything(folder)}

    before = times()
    newer = {**OLD, "index.html": b"newer\n"}
    assert [write_files(newer, folder) for _ in range(2)] == [2, 0]
    assert {name for name, _ in times() - before} == {"index.html", MANIFEST}


@pytest.mark.parametrize("name", ["index.html", "data/old-machine/run.json", MANIFEST])
def test_file_that_was_deleted_is_written_again(folder: Path, name: str) -> None:
    """The site is then as if nothing had happened, its manifest too."""
    before = everything(folder)
    (folder / name).unlink()
    assert stale_files(OLD, folder) == [name]
    write_files(OLD, folder)
    assert everything(folder) == before


def test_stale_files_of_ours_go_and_so_do_folders_that_empty(folder: Path) -> None:
    """What an earlier rendering wrote and this one did not is deleted."""
    write_files(NEW, folder)
    assert set(everything(folder)) == {*NEW, MANIFEST}
    assert not (folder / "data" / "old-machine").exists()


# What is somebody else's


def test_foreign_files_stay(folder: Path) -> None:
    """What is not in the manifest is a person's: kept, also beside files that are deleted."""
    foreign = {"CNAME": b"example.org\n", "data/old-machine/notes.txt": b"mine\n"}
    for name, content in foreign.items():
        (folder / name).write_bytes(content)
    write_files(NEW, folder)
    assert everything(folder) == {**NEW, **foreign, MANIFEST: (folder / MANIFEST).read_bytes()}


@pytest.mark.parametrize("name", ["index.html", "data/a/run.json", MANIFEST, "index.html/mine"])
def test_foreign_file_is_never_replaced(tmp_path: Path, name: str) -> None:
    """A file or folder of that name from elsewhere stops it before anything is written."""
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(b"somebody's\n")
    with pytest.raises(SiteError, match=r"^[^\n]*$") as raised:
        write_files(NEW, tmp_path)
    assert str(tmp_path / name.removesuffix("/mine")) in raised.value.message
    assert everything(tmp_path) == {name: b"somebody's\n"}


def test_file_of_ours_that_a_person_changed_is_the_persons(folder: Path) -> None:
    """It is not deleted where it is not wanted any more; nor replaced, and the message names it."""
    (folder / "gone.html").write_bytes(b"edited\n")
    write_files(NEW, folder)
    (folder / "index.html").write_bytes(b"edited\n")
    before = everything(folder)
    assert before["gone.html"] == b"edited\n"
    for name, said in (("index.html", r"index\.html .* was changed since"), ("gone.html", "gone")):
        with pytest.raises(SiteError, match=said):
            write_files({**NEW, "index.html": b"edited\n", name: b"another\n"}, folder)
    assert everything(folder) == before


OUTSIDE = ["../outside.txt", "/{tmp}/outside.txt", "data/../../outside.txt"]


@pytest.mark.parametrize("name", [*OUTSIDE, "..", "a\0b", "", ".", "C:x"])
def test_manifest_of_a_stranger_reaches_nothing_outside(tmp_path: Path, name: str) -> None:
    """A manifest may come from anywhere; names that leave the folder are not followed."""
    outside = tmp_path / "outside.txt"
    outside.write_bytes(b"precious\n")
    folder = tmp_path / "site"
    (folder / "data").mkdir(parents=True)
    listed = name.replace("{tmp}", str(tmp_path).lstrip("/"))
    sums = {listed: hashlib.sha256(b"precious\n").hexdigest()}
    (folder / MANIFEST).write_text(json.dumps({"files": sums}))
    assert stale_files(NEW, folder) == sorted([*NEW, MANIFEST])
    write_files(NEW, folder)
    assert outside.read_bytes() == b"precious\n"
    assert set(everything(folder)) == {*NEW, MANIFEST}


# What goes wrong on the way


@pytest.fixture(name="before_call")
def patched_function(monkeypatch: pytest.MonkeyPatch) -> BeforeCall:
    """Return a function that lets something happen before one call of another, the first being 0.

    It returns the arguments of all calls, as they come.
    """

    def patch(owner: Any, name: str, at: int, happen: Callable[[], object]) -> list[Any]:
        function, calls = getattr(owner, name), []

        def patched(*arguments: object) -> object:
            calls.append(arguments)
            if len(calls) == at + 1:
                happen()
            return function(*arguments)

        monkeypatch.setattr(owner, name, patched)
        return calls

    return patch


def failing(error: BaseException) -> Callable[[], object]:
    """Return a function that raises an error."""

    def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt(), MemoryError()],
    ids=["full disk", "Ctrl-C", "no memory"],
)
@pytest.mark.parametrize("at", range(5))
def test_whatever_stops_the_staging_leaves_the_old_site(
    folder: Path, before_call: BeforeCall, at: int, error: BaseException
) -> None:
    """Whichever of the files cannot be flushed, nothing has changed, and nothing lies about."""
    before = everything(folder)
    calls = before_call(os, "fsync", at, failing(error))
    with pytest.raises((SiteError, KeyboardInterrupt, MemoryError)) as raised:
        write_files(NEW, folder)
    assert len(calls) == at + 1
    assert everything(folder) == before
    if isinstance(raised.value, SiteError):
        for part in (str(folder), "No space left", "-o"):
            assert part in raised.value.message


def test_there_are_no_more_places_to_fail(folder: Path, before_call: BeforeCall) -> None:
    """The test above goes through all files that are written."""
    calls = before_call(os, "fsync", 5, failing(MemoryError()))
    write_files(NEW, folder)
    assert len(calls) == 5


@pytest.mark.parametrize("at", range(5))
def test_interrupt_while_renaming_completes_first(
    folder: Path, before_call: BeforeCall, at: int
) -> None:
    """Ctrl-C between two renamings waits until the site is whole, and then ends the program."""
    calls = before_call(Path, "replace", at, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        write_files(NEW, folder)
    assert len(calls) == 5
    assert calls[-1][1] == folder / MANIFEST
    assert set(everything(folder)) == {*NEW, MANIFEST}
    assert stale_files(NEW, folder) == []
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("at", range(5))
def test_renaming_that_fails_is_mended_by_the_next_rendering(
    folder: Path, before_call: BeforeCall, at: int
) -> None:
    """Renaming can fail halfway; the manifest vouches for both states, so that any can follow."""
    error = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    before_call(Path, "replace", at, failing(error))
    with pytest.raises(SiteError, match="Permission denied"):
        write_files(NEW, folder)
    assert not [name for name in everything(folder) if name.endswith(".tmp")]
    newer = {**NEW, "index.html": b"yet another start\n"}
    write_files(newer, folder)
    assert set(everything(folder)) == {*NEW, MANIFEST}
    assert stale_files(newer, folder) == []


@pytest.mark.slow
def test_killed_at_any_point_a_site_is_whole_or_known_to_be_none(tmp_path: Path) -> None:
    """And the next rendering makes it whole, with nothing left of what was cut short."""
    write = f"""
from pathlib import Path
from report.site.folder import write_files
write_files({NEW!r}, Path(folder))
"""
    states = {"old": 0, "new": 0, "known to be none": 0}
    for number in itertools.count(1):
        site = tmp_path / str(number)
        write_files(OLD, site)
        old = {name: site.joinpath(name).read_bytes() for name in listed(site)}
        if not killed_before(number, site, write):
            break
        if mixture(site):
            states["known to be none"] += 1
        else:
            found = {name: site.joinpath(name).read_bytes() for name in listed(site)}
            states["old" if found == old else "new"] += 1
            found.pop(MANIFEST)
            assert found in (OLD, NEW)
        write_files(NEW, site)
        assert set(everything(site)) == {*NEW, MANIFEST}
        assert stale_files(NEW, site) == []
    assert states["old"] > 5
    assert states["known to be none"] > 5
    assert sum(states.values()) > 20


@pytest.mark.parametrize("place", ["site", "site/data"])
def test_file_in_the_place_of_a_folder_is_said_in_one_line(tmp_path: Path, place: str) -> None:
    """A folder that cannot be made is named, with what to do."""
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_bytes(b"a file\n")
    with pytest.raises(SiteError, match=rf"^[^\n]*{tmp_path / 'site'}[^\n]* -o\.$"):
        write_files(NEW, tmp_path / "site")
    assert everything(tmp_path) == {place: b"a file\n"}


# The command

LATER: dict[str, Any] = {"started_at": "2026-02-03T04:05:06Z", "finished_at": None}


@pytest.fixture
def small(
    make_result: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Result:
    """Return a result of one experiment, which is soon drawn; locks lie in a cache of the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return only(make_result(), "threads")


def render(tmp_path: Path, *arguments: str) -> Outcome:
    """Call `report render` on the results and the site of a test."""
    paths = ["--results", str(tmp_path / "results"), "-o", str(tmp_path / "site")]
    return CliRunner().invoke(main, ["render", *paths, *arguments])


def test_check_tells_whether_the_site_is_up_to_date(small: Result, tmp_path: Path) -> None:
    """Exit 0 after a rendering; 4 where a file is missing, differs or is left over; no writing."""
    store.save(small, tmp_path / "results")
    missing = render(tmp_path, "--check")
    assert missing.exit_code == 4
    assert not (tmp_path / "site").exists()
    assert render(tmp_path).exit_code == 0
    # Of many, the first are named and the others counted.
    others = len(everything(tmp_path / "site")) - missing.output.count("out of date: ")
    assert others > 0
    assert f"and {others} more\n" in missing.output
    assert render(tmp_path, "--check").exit_code == 0
    store.save(replace(small, **LATER), tmp_path / "results")
    before = everything(tmp_path / "site")
    outcome = render(tmp_path, "--check")
    assert outcome.exit_code == 4
    for name in ("index.html", "data/fixed-machine/20260203T040506Z-quick.json.gz"):
        assert f"out of date: {name}\n" in outcome.output
    assert everything(tmp_path / "site") == before


def test_result_that_was_taken_away_leaves_the_site_with_the_next_rendering(
    small: Result, tmp_path: Path
) -> None:
    """Until then --check finds its files left over."""
    first = store.save(small, tmp_path / "results")
    store.save(replace(small, **LATER), tmp_path / "results")
    render(tmp_path)
    first.unlink()
    assert f"data/{store.name_of(small)}\n" in render(tmp_path, "--check").output
    codes = [render(tmp_path, *check).exit_code for check in (["--check"], [], ["--check"])]
    assert codes == [4, 0, 0]
    assert not (tmp_path / "site" / "data" / store.name_of(small)).exists()


def test_two_renderings_at_once_are_refused(small: Result, tmp_path: Path) -> None:
    """The second says in one line that another is at work, and writes nothing."""
    store.save(small, tmp_path / "results")
    with files.sole_writer(tmp_path / "site", "writing"):
        outcome = render(tmp_path)
    assert outcome.exit_code == 2
    assert re.fullmatch(r"Error: Another report is writing .*\n", outcome.output)
    assert not (tmp_path / "site").exists()
    assert render(tmp_path).exit_code == 0


def test_rendering_beside_somebodys_start_page_is_one_line(small: Result, tmp_path: Path) -> None:
    """On the command line too: exit 1, the file's name, what to do, and no traceback."""
    store.save(small, tmp_path / "results")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("mine")
    outcome = render(tmp_path)
    assert outcome.exit_code == 1
    assert str(tmp_path / "site" / "index.html") in outcome.output
    assert outcome.output.count("\n") == 1
    assert everything(tmp_path / "site") == {"index.html": b"mine"}


def test_result_that_no_page_can_be_made_of_costs_itself_only(
    small: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever passes for a result and has something that no page expects: the others are shown."""
    store.save(small, tmp_path / "results")
    odd = replace(small, machine=replace(small.machine, id="stranger"))
    path = store.save(odd, tmp_path / "results")
    view = vars(gather)["view"]

    def refusing(result: Result, *rest: Any) -> Any:
        if result.machine.id == "stranger":
            raise KeyError("unheard-of")
        return view(result, *rest)

    monkeypatch.setattr(gather, "view", refusing)
    outcome = render(tmp_path)
    assert outcome.exit_code == 1
    assert f"Left out: stranger/{path.name} cannot be shown: KeyError" in outcome.output
    assert path.name in (tmp_path / "site" / "index.html").read_text()
    assert (tmp_path / "site" / "machines" / small.machine.id / "index.html").exists()
    assert not (tmp_path / "site" / "machines" / "stranger").exists()
