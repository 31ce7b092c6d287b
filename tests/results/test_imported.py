"""Results from elsewhere: taken in, told apart from the owner's, and never in their place."""

from __future__ import annotations

import gzip
import itertools
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from pages import read_pages, report_of
from processes import killed_before
from report.cli import main
from report.errors import ResultError, UsageError
from report.experiments.catalogue import LABELS
from report.results import holdings, imported, store
from report.results.machine import check_name
from report.results.runs import by_machine
from report.site.gather import gather
from results_factory import make_result, only

if TYPE_CHECKING:
    from pathlib import Path

    from report.results.result import Result

TODAY = "2026-11-27"
STRANGER = "0f0f0f0f-1111-4222-8333-444444444444"

ANOTHER: dict[str, Any] = {
    "run_id": "11111111-2222-4333-8444-555555555555",
    "started_at": "2026-02-03T04:05:06Z",
    "finished_at": "2026-02-03T23:59:59Z",
}


@pytest.fixture(name="own")
def own_result() -> Result:
    """Return a small result of the owner's machine."""
    return only(make_result("laptop"), "threads")


@pytest.fixture(name="results")
def folder_of_own(own: Result, tmp_path: Path) -> Path:
    """Return a results folder that holds it."""
    store.save(own, tmp_path / "results")
    return tmp_path / "results"


def came(result: Result, folder: Path) -> Path:
    """Return the file of a stranger's result, as it was sent."""
    return store.save(replace(result, installation=STRANGER), folder / "inbox")


def test_imported_result_joins_no_run_of_the_owners(
    own: Result, results: Path, tmp_path: Path
) -> None:
    """It says that it is the same machine, even an older run of it: it gets the second name."""
    older = replace(own, run_id=ANOTHER["run_id"], started_at="2025-01-01T00:00:00Z")
    place = holdings.add(came(older, tmp_path), results, LABELS, TODAY)
    assert place == "imported/laptop/20250101T000000Z-quick.json.gz"
    saved, left_out = store.read_all(results, LABELS)
    assert left_out == []
    names = {one.result.started_at: (one.result.machine.id, one.imported is None) for one in saved}
    assert names == {
        own.started_at: ("laptop", True),
        older.started_at: ("laptop-2", False),
    }
    assert [len(same) for same in by_machine(one.result for one in saved)] == [1, 1]


def test_pages_say_that_it_was_imported(own: Result, results: Path, tmp_path: Path) -> None:
    """On its page with file, day and sum, on the first page and on the comparison."""
    holdings.add(came(replace(own, **ANOTHER), tmp_path), results, LABELS, TODAY)
    site = gather(store.read_all(results, LABELS)[0])
    pages, told = read_pages(site), report_of(site, "laptop-2").words()
    sums = [one.sha256 for one in imported.load(results).values()]
    assert "Imported, not verified" in told
    assert f"20260203T040506Z-quick.json.gz, added on {TODAY}, SHA-256 {sums[0]}" in told
    assert "Imported" not in report_of(site, "laptop").words()
    assert pages["index.html"].words().count("imported, not verified") == 1
    assert "Imported, not verified: laptop-2" in pages["compare.html"].words()


def test_first_page_is_about_a_machine_of_ones_own(
    own: Result, results: Path, tmp_path: Path
) -> None:
    """Though the stranger's run is the newer one, and says that it is from the future."""
    future = replace(own, run_id=ANOTHER["run_id"], started_at="2126-01-01T00:00:00Z")
    future = replace(future, finished_at="2126-01-01T01:00:00Z")
    holdings.add(came(future, tmp_path), results, LABELS, TODAY)
    index = read_pages(gather(store.read_all(results, LABELS)[0]))["index.html"]
    links = [element.get("href") for element in index.elements("a")]
    first, second = (f"machines/{name}/index.html" for name in ("laptop", "laptop-2"))
    assert links.index(first) < links.index(second)
    assert "2126" not in index.words().partition("All machines")[0]


def test_two_laptops_of_one_model_are_two_machines(
    own: Result, results: Path, tmp_path: Path
) -> None:
    """Their hardware is the same; the installations that measured are not."""
    first = replace(own, **ANOTHER)
    again = replace(first, run_id=STRANGER, started_at="2026-02-03T05:05:06Z")
    second = replace(again, installation="99999999-1111-4222-8333-444444444444", run_id=own.run_id)
    places = [
        holdings.add(came(first, tmp_path), results, LABELS, TODAY),
        holdings.add(came(again, tmp_path), results, LABELS, TODAY),
        holdings.add(store.save(second, tmp_path / "other"), results, LABELS, TODAY),
    ]
    folders = [place.split("/")[1] for place in places]
    assert folders == ["laptop", "laptop", "laptop-2"]


def test_file_that_was_changed_afterwards_is_left_out(
    own: Result, results: Path, tmp_path: Path
) -> None:
    """What is shown as having come on a day is what came on that day."""
    place = holdings.add(came(replace(own, **ANOTHER), tmp_path), results, LABELS, TODAY)
    content = gzip.decompress((results / place).read_bytes())
    (results / place).write_bytes(gzip.compress(content.replace(b"quick", b"quick")))
    saved, left_out = store.read_all(results, LABELS)
    assert [one.result.machine.id for one in saved] == ["laptop"]
    assert [one.name for one in left_out] == [place]


def test_later_state_of_a_run_takes_the_place_of_an_earlier(
    own: Result, results: Path, tmp_path: Path
) -> None:
    """And nothing else does: not another run of that second, nor an earlier state."""
    whole = replace(own, **ANOTHER)
    part = replace(whole, records=own.records[:1], finished_at=None)
    place = holdings.add(came(part, tmp_path), results, LABELS, TODAY)
    assert holdings.add(came(whole, tmp_path), results, LABELS, TODAY) == place
    for other in (part, replace(whole, run_id=own.run_id, generator="another")):
        with pytest.raises(ResultError, match="would replace"):
            holdings.add(came(other, tmp_path), results, LABELS, TODAY)
    assert store.load(results / place, LABELS).finished_at == whole.finished_at


def test_list_that_cannot_be_read_shows_nothing_as_the_owners(own: Result, results: Path) -> None:
    """Without it nobody knows whose a result is."""
    for content in ("{", "[]", '{"a": {"address": "x"}}', '{"a": 1}'):
        (results / imported.LIST).write_text(content)
        with pytest.raises(ResultError, match=r"imported\.json cannot be read"):
            store.read_all(results, LABELS)
    assert own.machine.id == "laptop"


def test_no_machine_may_be_called_imported() -> None:
    """Its results would lie among those of strangers."""
    for name in (imported.FOLDER, imported.LIST):
        with pytest.raises(UsageError):
            check_name(name)


def test_command_adds_what_it_can_and_names_the_rest(
    own: Result, results: Path, tmp_path: Path
) -> None:
    """Files and folders; what is no result, or is there already, is refused; the rest goes on."""
    good = came(replace(own, **ANOTHER), tmp_path)
    bad = tmp_path / "inbox" / "bad.json"
    bad.write_text("{}")
    (tmp_path / "empty").mkdir()
    wanted = [str(bad), str(tmp_path / "empty"), str(tmp_path / "inbox")]
    done = CliRunner().invoke(main, ["add", "--results", str(results), *wanted])
    assert done.exit_code == 1
    assert done.stdout.splitlines() == ["added imported/laptop/20260203T040506Z-quick.json.gz"]
    assert done.stderr.count("refused") == 2 + 1  # bad twice, by name and in its folder
    again = CliRunner().invoke(main, ["add", "--results", str(results), str(good)])
    assert (again.exit_code, "is already there" in again.stderr) == (1, True)
    listed = json.loads((results / imported.LIST).read_text())
    assert list(listed) == ["imported/laptop/20260203T040506Z-quick.json.gz"]
    assert str(tmp_path) not in json.dumps(listed)


@pytest.mark.slow
def test_killed_at_any_point_nothing_imported_passes_for_the_owners(
    own: Result, tmp_path: Path
) -> None:
    """Whatever is there is labelled, the owner's file is untouched, and adding again works."""
    file = came(replace(own, **ANOTHER), tmp_path)
    add = f"""
from pathlib import Path
from report.experiments.catalogue import LABELS
from report.results import holdings
holdings.add(Path({str(file)!r}), Path(folder), LABELS, {TODAY!r})
"""
    for number in itertools.count(1):
        results = tmp_path / f"results{number}"
        mine = store.save(own, results)
        before = mine.read_bytes()
        if not killed_before(number, results, add):
            break
        assert mine.read_bytes() == before
        found = [one for one in store.read_all(results, LABELS)[0] if one.imported is None]
        assert [one.result.run_id for one in found] == [own.run_id]
        if len(store.read_all(results, LABELS)[0]) == 1:
            holdings.add(file, results, LABELS, TODAY)
        assert len(store.read_all(results, LABELS)[0]) == 2
    assert number > 5
