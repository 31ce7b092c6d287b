"""What a results folder holds is listed; and only what its program wrote is ever taken out."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from report.cli import main
from report.results import imported, store
from results_factory import make_result, only

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result as Done

STRANGER = "0f0f0f0f-1111-4222-8333-444444444444"


@pytest.fixture(name="results")
def folder(tmp_path: Path) -> Path:
    """Return a results folder with a result of its own, an imported one, and files of others."""
    results = tmp_path / "results"
    own = only(make_result("laptop"), "threads")
    store.save(own, results)
    other = replace(only(make_result("desk"), "threads"), installation=STRANGER)
    came = store.save(replace(other, finished_at=None), tmp_path / "inbox")
    assert run("add", came, "--results", results).exit_code == 0
    (results / "laptop" / "notes.json").write_text("{}")
    (results / "README.md").write_text("ours")
    return results


def run(*arguments: str | Path, typed: str = "") -> Done:
    """Run a command in this process, with what a person types."""
    return CliRunner().invoke(main, [*map(str, arguments)], input=typed)


def places(folder: Path) -> set[str]:
    """Return all that lies in a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


# --- report list


def test_list_tells_each_run_and_what_is_no_result(results: Path) -> None:
    """For a program: machine, when, profile, frameworks, state, origin, size and file."""
    listed = json.loads(run("list", "--results", results, "--json").stdout)
    mine, other = sorted(listed["results"], key=lambda one: str(one["imported_from"]))
    assert mine["machine"] == "laptop"
    assert mine["state"] == "finished"
    assert mine["frameworks"] == ["pytorch"]
    assert (results / mine["file"]).stat().st_size == mine["size"]
    assert other["machine"] == "desk"
    assert other["imported_from"].endswith("-quick.json.gz")
    assert other["state"].endswith("processes")
    assert [one["name"] for one in listed["left_out"]] == ["laptop/notes.json"]


def test_list_is_a_table_for_people(results: Path) -> None:
    """Both machines, the file to name in `report remove`, and why a file is no result."""
    shown = run("list", "--results", results).stdout
    for words in ("laptop", "desk", "imported/desk/", "2 machines, 2 runs", "laptop/notes.json"):
        assert words in shown, words


def test_list_of_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    """In place of an empty table."""
    done = run("list", "--results", tmp_path)
    assert done.exit_code == 1
    assert "report run" in done.output


# --- report remove


@pytest.mark.parametrize("by", ["machine", "place", "path"])
def test_imported_results_go_with_their_entry_and_folder(results: Path, by: str) -> None:
    """By machine, by what `report list` shows, or by path; everything else stays as it is."""
    (place,) = imported.load(results)
    before = places(results)
    named = {"machine": "desk", "place": place, "path": str(results / place)}[by]
    done = run("remove", named, "--results", results, "--yes")
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{place}\n"
    assert before - places(results) == {place, "imported/desk", "imported"}
    assert places(results) < before
    assert imported.load(results) == {}


def test_nothing_is_deleted_before_a_person_agrees(results: Path) -> None:
    """Who says no, or nothing, keeps all; who says yes does not."""
    before = places(results)
    for typed in ("n\n", "", "\n"):
        assert run("remove", "desk", "--results", results, typed=typed).exit_code == 1
        assert places(results) == before
        assert len(imported.load(results)) == 1
    assert run("remove", "desk", "--results", results, typed="y\n").exit_code == 0
    assert imported.load(results) == {}


def test_own_results_go_only_when_it_is_asked_for(results: Path) -> None:
    """The refusal says how; a folder that still holds something else stays."""
    before = places(results)
    refused = run("remove", "laptop", "--results", results, "--yes")
    assert refused.exit_code == 1
    assert "--own" in refused.stderr
    assert places(results) == before
    assert run("remove", "laptop", "--results", results, "--yes", "--own").exit_code == 0
    (gone,) = before - places(results)
    assert gone.startswith("laptop/")
    assert len(imported.load(results)) == 1


def test_what_is_no_result_stays_and_the_rest_goes(results: Path, tmp_path: Path) -> None:
    """Other files, in the folder or outside of it, are refused by name with a reason."""
    before = places(results)
    (outside,) = (tmp_path / "inbox").rglob("*.json.gz")
    foreign = [str(results / "README.md"), "laptop/notes.json", str(outside), "nobody", ".."]
    done = run("remove", *foreign, "desk", "--results", results, "--yes", "--own")
    assert done.exit_code == 1
    assert done.stderr.count("refused: ") == len(foreign)
    assert before - places(results) == {
        *(one for one in before if one.startswith("imported/")),
        "imported",
    } - {"imported.json"}
    assert outside.exists()


def test_changed_import_is_not_taken_for_what_was_imported(results: Path) -> None:
    """Nobody knows any more whose it is, so that a person has to look."""
    (place,) = imported.load(results)
    other = only(make_result("desk", 3.0), "threads")
    (results / place).write_bytes(store.pack(store.dump(other)))
    done = run("remove", place, "--results", results, "--yes", "--own")
    assert done.exit_code == 1
    assert "no longer what was imported" in done.stderr
    assert (results / place).exists()


@pytest.mark.parametrize("what", ["file", "folder"])
def test_links_are_not_followed(results: Path, tmp_path: Path, what: str) -> None:
    """A link to a result elsewhere stays, and so does what it leads to."""
    own = replace(only(make_result("server"), "threads"), run_id=STRANGER)
    elsewhere = store.save(own, tmp_path / "elsewhere")
    if what == "folder":
        (results / "server").symlink_to(elsewhere.parent)
    else:
        (results / "server").mkdir()
        (results / "server" / elsewhere.name).symlink_to(elsewhere)
    before = places(results)
    done = run("remove", "server", "--results", results, "--yes", "--own")
    assert done.exit_code == 1
    assert "link" in done.stderr
    assert places(results) == before
    assert elsewhere.exists()


def test_results_folder_itself_may_be_a_link(results: Path, tmp_path: Path) -> None:
    """As on a machine whose results lie on another disk."""
    (tmp_path / "linked").symlink_to(results)
    (place,) = imported.load(results)
    named = tmp_path / "linked" / place
    done = run("remove", named, "--results", tmp_path / "linked", "--yes")
    assert done.exit_code == 0, done.output
    assert not (results / place).exists()
