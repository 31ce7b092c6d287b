"""What makes a report easy to share: addresses and pictures for links, references, repeats."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import urllib.request
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import pages
from pages import Page, read_pages
from report import resources
from report.cli import main
from report.config.configuration import load
from report.config.plan import plan
from report.experiments.catalogue import LABELS
from report.figures import preview
from report.results import store
from report.site import repeating
from report.site.folder import MANIFEST, write_files
from report.site.pages import CHAPTER
from report.text.plain import bibtex

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from report.results.result import Result

AT = "https://example.org/report/"
HOME = "machines/fixed-machine/"


@pytest.fixture(scope="module")
def shared(two_results: list[Result]) -> dict[str, bytes]:
    """Return the site of two machines at a known address."""
    return pages.gather(two_results, AT)


def metas(page: Page) -> dict[str, str]:
    """Return a page's meta elements by name or property."""
    every = page.elements("meta")
    return {str(e.get("property") or e.get("name")): str(e.get("content")) for e in every}


def canonical(page: Page) -> list[str]:
    """Return what a page names as its address."""
    links = page.elements("link")
    return [str(each.get("href")) for each in links if each.get("rel") == "canonical"]


def read_picture(content: bytes) -> NDArray[np.uint8]:
    """Return a picture's levels as another program reads them."""
    return (np.asarray(Image.open(io.BytesIO(content))) // 17).astype(np.uint8)


# --- at a known address


def test_each_page_names_its_own_address(shared: dict[str, bytes]) -> None:
    """What has moved names the new one; the 404 page, which has any address, none."""
    named = {name: canonical(page) for name, page in read_pages(shared).items()}
    assert named.pop("404.html") == []
    moved = [name for name in named if name.startswith("machine-")]
    assert len(moved) == 2
    for name in moved:
        machine = name.removeprefix("machine-").removesuffix(".html")
        assert named.pop(name) == [f"{AT}machines/{machine}/"]
    assert named == {name: [AT + re.sub(r"(^|/)index\.html$", r"\1", name)] for name in named}


def test_each_page_tells_networks_what_it_is(shared: dict[str, bytes]) -> None:
    """Title, the machine's lead and a picture that is there; no markup in them."""
    for name, page in read_pages(shared).items():
        if name == "404.html" or name.startswith("machine-"):
            continue
        told = metas(page)
        (title,) = page.elements("title")
        assert told["og:title"] == told["twitter:title"] == title.text
        assert told["og:url"] == canonical(page)[0]
        machine = name.split("/")[1] if name.startswith("machines/") else "fast-machine"
        lead = metas(Page("", shared[f"machines/{machine}/index.html"]))["description"]
        assert told["og:description"] == told["twitter:description"] == lead
        picture = f"machines/{machine}/preview.png"
        assert told["og:image"] == told["twitter:image"] == AT + picture
        assert picture in shared


def test_sitemap_lists_all_pages_that_are_worth_finding(shared: dict[str, bytes]) -> None:
    """Under the addresses that they name themselves."""
    listed = [each.text for each in ET.fromstring(shared["sitemap.xml"]).iter() if each.text]  # noqa: S314 (ours)
    named = {
        canonical(page)[0]
        for name, page in read_pages(shared).items()
        if name != "404.html" and not name.startswith("machine-")
    }
    assert {text for text in listed if text.strip()} == named


def test_without_an_address_there_is_nothing_of_it(
    shared: dict[str, bytes], two_machine_site: dict[str, bytes]
) -> None:
    """Relative links need none; nothing else differs between the two."""
    added = {"sitemap.xml", f"{HOME}preview.png", "machines/fast-machine/preview.png"}
    assert shared.keys() - two_machine_site.keys() == added
    for name, page in read_pages(two_machine_site).items():
        assert not [key for key in metas(page) if key.startswith(("og:", "twitter:"))], name
        assert (canonical(page) != []) == name.startswith("machine-")


def test_a_picture_is_what_networks_take(shared: dict[str, bytes]) -> None:
    """1200 x 630 pixels of a PNG that others can read, with ink and paper on it."""
    content = shared[f"{HOME}preview.png"]
    pixels = read_picture(content)
    assert pixels.shape == (630, 1200)
    assert (pixels.min(), pixels.max()) == (0, 15)
    assert len(content) < 400_000  # some networks take no more than 600 KB
    told = metas(Page("", shared[f"{HOME}index.html"]))
    assert (told["og:image:width"], told["og:image:height"]) == ("1200", "630")


def test_pictures_tell_machines_apart(shared: dict[str, bytes]) -> None:
    """By their numbers, though both are of one make."""
    assert shared[f"{HOME}preview.png"] != shared["machines/fast-machine/preview.png"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 15), st.integers(1, 700)), min_size=1, max_size=30))
def test_picture_is_packed_without_loss(runs: list[tuple[int, int]]) -> None:
    """Runs of any length and level come back from a reader that is not ours."""
    row = np.concatenate([np.full(length, level) for level, length in runs])
    levels = np.resize(row, (preview.HEIGHT, preview.WIDTH)).astype(np.uint8)
    assert np.array_equal(read_picture(preview._png(levels)), levels)


def test_picture_has_room_for_any_name() -> None:
    """A long name is cut, characters that no font here has are boxes, and dollars no formula."""
    for name in ("x" * 300, "wide " * 60, "\N{SNOWMAN}$x_1$ 漢字", ""):
        numbers = [("label " * 9, "1,234,567", "GFLOPS")] * 6
        assert preview.preview(name, numbers, name).startswith(b"\x89PNG")


# --- by a command


@pytest.fixture
def results(two_results: list[Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a result in results/, which is the current one."""
    monkeypatch.chdir(tmp_path)
    store.save(two_results[1], tmp_path / "results")
    return tmp_path


def report(*arguments: str, status: int = 0) -> str:
    """Run a command; return what it printed, errors included."""
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == status, done.output
    return done.output


def test_option_and_configuration_say_where_a_site_is_read(results: Path) -> None:
    """The option wins; a check with another address finds the site out of date."""
    (results / "experiments.yaml").write_text("site_url: https://example.org/configured\n")
    report("render")
    report("render", "--check")
    assert (
        b"<loc>https://example.org/configured/</loc>"
        in (results / "site" / "sitemap.xml").read_bytes()
    )
    report("render", "--site-url", AT)
    assert f"<loc>{AT}</loc>" in (results / "site" / "sitemap.xml").read_text()
    assert "out of date: index.html" in report("render", "--check", status=4)


def test_no_address_is_refused_before_anything_is_written(results: Path) -> None:
    """In one line that does not repeat what may be a password."""
    said = report("render", "--site-url", "https://me:secret@example.org/", status=2)
    assert "https://example.org/report/" in said
    assert "secret" not in said
    assert not (results / "site").exists()


def test_what_a_site_says_of_itself_is_found_there(results: Path) -> None:
    """Every address in the sitemap and on the pages answers, by a real server below a path."""
    with pages.serve(results) as root:
        report("render", "-o", "repo", "--site-url", f"{root}repo")
        for name in re.findall("<loc>(.*)</loc>", fetch(f"{root}repo/sitemap.xml").decode()):
            page = Page(name, fetch(name))
            assert canonical(page) == [name]
            assert fetch(metas(page)["og:image"]).startswith(b"\x89PNG")


def fetch(address: str) -> bytes:
    """Get what is at an address of the server that this test started, or fail."""
    with urllib.request.urlopen(address, timeout=20) as answer:  # noqa: S310 (on this machine)
        content: bytes = answer.read()
    return content


def test_publishing_for_an_address_renders_it_first(results: Path) -> None:
    """What is on the branch names its addresses, though what was rendered before did not."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], check=True, capture_output=True, text=True, cwd=results
        ).stdout

    git("init", "--quiet", "--initial-branch=main")
    git("config", "user.name", "A Reader")
    git("config", "user.email", "reader@example.org")
    report("render")
    report("publish", "--no-push", "--site-url", AT)
    assert f"<loc>{AT}</loc>" in git("show", "gh-pages:sitemap.xml")


# --- citing and repeating


def test_reference_has_what_a_reader_needs_to_find_it_again(shared: dict[str, bytes]) -> None:
    """Machine, day, runs, version, address, and the sums that the manifest has."""
    page = Page(f"{HOME}index.html", shared[f"{HOME}index.html"])
    cited = page.words("how_to_cite")
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in shared.items()}
    (file,) = [name for name in shared if name.startswith("data/fixed") and name.endswith(".gz")]
    for wanted in ("fixed-machine", "1 run, profile quick", "minibatch-report", AT, sums[file]):
        assert wanted in cited
    assert f"{sums[file]} fixed-machine/" in cited
    assert "@misc{minibatch-report-fixed-machine," in cited


def test_reference_without_an_address_names_none(two_machine_site: dict[str, bytes]) -> None:
    """A file on a disk has no address that others could follow."""
    page = Page(f"{HOME}index.html", two_machine_site[f"{HOME}index.html"])
    assert "url = " not in page.words("how_to_cite")


def test_sums_of_the_reference_are_those_of_the_manifest(
    shared: dict[str, bytes], tmp_path: Path
) -> None:
    """Whoever has the site can check a file by either."""
    write_files(shared, tmp_path)
    listed = json.loads((tmp_path / MANIFEST).read_bytes())["files"]
    text = shared[f"{HOME}index.html"].decode()
    files = [name for name in listed if re.fullmatch(r"data/fixed-machine/.*\.json\.gz", name)]
    assert files
    assert all(listed[name] in text for name in files)


def test_bibtex_takes_any_text() -> None:
    """Nothing in a machine's name ends a value early or begins a command."""
    assert bibtex(r"50 % {a}_b \x") == r"50 \% \{a\}\_b \textbackslash{}x"


RESULTS = sorted((resources.PACKAGE.parent / "results").glob("*/*.json.gz"))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.name)
def test_configuration_for_download_plans_the_very_same(path: Path, tmp_path: Path) -> None:
    """Its plan has the hash of the committed result, whatever settings that had."""
    result = store.load(path, LABELS)
    (tmp_path / "experiments.yaml").write_bytes(repeating.configuration(result))
    made = plan(load(tmp_path / "experiments.yaml"), result.profile)
    assert made.fingerprint() == result.config_hash


def test_commands_install_what_was_measured(two_results: list[Result]) -> None:
    """The program's version, and the build of PyTorch with where that is found."""
    result = replace(two_results[1], generator="minibatch-report 3.2.1")
    result.environments = {
        "pytorch": replace(result.environments["pytorch"], versions={"torch": "2.9.0+cpu"})
    }
    command = repeating.installation(result)
    assert "'minibatch-report[torch]==3.2.1' 'torch==2.9.0+cpu'" in command
    assert "https://download.pytorch.org/whl/cpu" in command


@pytest.mark.parametrize("bad", ["1'; rm -rf ~; '", "1 --index-url https://x", "1\n2", "$(x)"])
def test_no_stranger_gets_into_a_command(two_results: list[Result], bad: str) -> None:
    """A file can hold anything as a version, and a reader pastes the command into a shell."""
    result = replace(two_results[1], generator=f"minibatch-report {bad}")
    result.environments = {
        "pytorch": replace(result.environments["pytorch"], versions={"torch": bad})
    }
    assert repeating.installation(result) == "pip install 'minibatch-report[torch]'"


# --- links


def test_footer_leads_to_the_chapter_and_to_a_run_of_ones_own(
    two_machine_site: dict[str, bytes],
) -> None:
    """On each page that has one; the place that it leads to has the commands."""
    for page in read_pages(two_machine_site).values():
        if page.name.startswith("machine-"):
            continue
        (footer,) = page.elements("footer")
        links = [str(each.get("href")) for each in footer.iter("a")]
        assert CHAPTER in links
        assert [link for link in links if link.endswith("#your_machine")]
    commands = Page("method.html", two_machine_site["method.html"]).words("your_machine")
    assert "report build" in commands
    assert "pip install" in commands


def test_pages_name_the_projects_addresses(
    two_results: list[Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the package's metadata have them: what pyproject.toml names is linked, and only that."""
    monkeypatch.setattr(resources, "project_urls", lambda: {"Source": "https://example.org/src"})
    made = pages.gather(two_results[1:])
    (footer,) = Page("index.html", made["index.html"]).elements("footer")
    assert "https://example.org/src" in [each.get("href") for each in footer.iter("a")]
