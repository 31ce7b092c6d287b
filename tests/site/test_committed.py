"""What is committed: results/, and the site/ that is made from it.

That it is made from them, byte by byte, is held by test_same_bytes.
"""

from __future__ import annotations

import functools
import gzip
import json
import re
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest

from report.experiments.catalogue import LABELS
from report.results import store

ROOT = Path(__file__).parents[2]
RESULTS, SITE = ROOT / "results", ROOT / "site"
FILES = sorted(RESULTS.glob("*/*.json.gz"))
# Of each machine: a validator in Python takes seconds for a file.
NEWEST = list({path.parent: path for path in FILES}.values())

# Where people's files lie on the systems that PyTorch runs on, and what names hosts and people.
PRIVATE = [
    r"/home/",
    r"/root\b",
    r"/Users/",
    r"[A-Z]:\\\\Users",
    r"/(?:tmp|var/folders|work)/",
    r"\bfile://",
    r"\b[\w.+-]+@[\w-]+\.[\w.]+",
]

# Each is read once for all tests of it.
read = functools.cache(lambda path: store.load(path, LABELS))

needs_results = pytest.mark.skipif(not FILES, reason="no result has been committed yet")


def test_site_is_committed_where_results_are() -> None:
    """There is either both or neither: a site without results could not be made again."""
    assert bool(FILES) == (SITE / "index.html").is_file()


@needs_results
def test_committed_site_holds_nothing_else() -> None:
    """No file lies there that a rendering did not write."""
    listed = json.loads((SITE / "data" / "manifest.json").read_bytes())["files"]
    there = {path.relative_to(SITE).as_posix() for path in SITE.rglob("*") if path.is_file()}
    assert there - set(listed) == {"data/manifest.json"}


@pytest.mark.parametrize("path", NEWEST, ids=lambda path: path.name)
def test_committed_result_fits_the_published_schema(path: Path) -> None:
    """Whoever reads the file by the schema alone can."""
    jsonschema.Draft202012Validator.check_schema(store.schema())
    validator = jsonschema.Draft202012Validator(store.schema())
    content = json.loads(gzip.decompress(path.read_bytes()))
    assert [error.message for error in validator.iter_errors(content)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_committed_result_is_read_from_where_it_belongs(path: Path) -> None:
    """Its name and folder are those that this program would give it."""
    assert path == RESULTS / store.name_of(read(path))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_committed_result_is_small(path: Path) -> None:
    """A quarter of a MB for each seven experiments on a framework: the repository stays small."""
    planned = read(path).config["experiments"].values()
    measured = sum(len(experiment["backends"]) for experiment in planned)
    assert path.stat().st_size < 250_000 * measured / 7


@pytest.mark.parametrize("path", sorted(SITE.rglob("*.html")), ids=lambda path: path.name)
def test_committed_page_is_small(path: Path) -> None:
    """No page is over 100 KB packed: a phone reads it at once."""
    assert len(gzip.compress(path.read_bytes(), mtime=0)) < 100_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_committed_result_names_nobody(path: Path) -> None:
    """No home, no temporary folder, no address of a person."""
    text = gzip.decompress(path.read_bytes()).decode()
    for pattern in PRIVATE:
        found = re.search(pattern, text)
        assert found is None, text[found.start() - 40 :][:120]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_committed_result_is_whole_or_says_what_is_missing(path: Path) -> None:
    """None of its processes failed; a run that a lent machine cut short says so on its page."""
    result = read(path)
    if result.finished_at is None:
        page = (SITE / "machines" / result.machine.id / "index.html").read_text(encoding="utf-8")
        assert "Unfinished." in page
    assert [record.reason for record in result.records if record.status == "failed"] == []
