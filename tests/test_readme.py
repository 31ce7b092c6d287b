"""What a newcomer is told: short, true of the committed site, and of the program as it is."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from pages import Page
from report import __version__
from report.cli import main

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
MACHINE = "site/machines/intel-xeon-2-core-24-gib-3162b8"

FINDINGS = re.findall(r"^- (.*?) <!-- (\S+) (\S+) -->$", README, re.MULTILINE)
"""Each a sentence, the page of the machine, and the figure there that it is of."""

NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout


def _committed(name: str) -> bytes:
    """Read a page of the machine as git holds it: site/ itself may show a newer run by now."""
    return _git("show", f":{MACHINE}/{name}")


def test_every_finding_names_its_figure() -> None:
    """Ten of them, so that the test below holds all."""
    section = README.partition("## What it finds")[2].partition("\n## ")[0]
    assert section.count("\n- ") == len(FINDINGS) == 10


@pytest.mark.parametrize(("says", "part", "name"), FINDINGS)
def test_finding_has_the_numbers_of_the_committed_site(says: str, part: str, name: str) -> None:
    """Each number stands with the figure: in its title, caption, explanation or table."""
    page = Page(f"{part}.html", _committed(f"{part}.html"))
    figure = page.figures()[name]
    shown = [figure.title, figure.caption, figure.explanation, figure.folds["The numbers"]]
    there = set(NUMBER.findall(" ".join(shown)))
    assert NUMBER.search(says)
    assert [number for number in NUMBER.findall(says) if number not in there] == []


def test_counted_statements_are_those_of_the_committed_site() -> None:
    """How many the chapter makes, and how many machines there are."""
    first = _committed("index.html")
    (counted,) = re.findall(r"chapter's (\d+) statements", README)
    assert f"Of {counted} statements of the chapter" in Page("index.html", first).words()
    assert "the three machines" in README
    assert len(_git("ls-files", "site/machines/*/index.html").split()) == 3


def test_comparisons_are_those_of_the_committed_results(tmp_path: Path) -> None:
    """Each line that is quoted is one of what the command prints."""
    quoted = README.partition("Two machines, and two runs")[2].partition("\n## ")[0]
    results = _git("ls-files", "results").decode().split()
    _git("checkout-index", f"--prefix={tmp_path}/", "--", *results)
    here = tmp_path
    for block in quoted.split("    $ ")[1:]:
        command, *told = [line.strip() for line in block.splitlines() if line.strip()]
        if command.startswith("cd "):
            here = tmp_path / command.removeprefix("cd ")
            continue
        said = subprocess.run(
            [sys.executable, "-m", *command.split()],
            cwd=here,
            env=os.environ | {"COLUMNS": "200", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
            text=True,
        )
        lines = {line.strip() for line in said.stdout.splitlines()}
        assert told
        assert set(told) - {"..."} <= lines


def test_readme_is_short() -> None:
    """What this is, the command and a picture come first; the rest is in the guide."""
    lines = README.splitlines()
    assert len(lines) < 120
    assert "make site" in "\n".join(lines[:12])
    assert "<picture>" in "\n".join(lines[:12])


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "screenshots").iterdir()), ids=str)
def test_picture_is_small_and_shown(path: Path) -> None:
    """A PNG of a page, in the theme of whoever looks."""
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) < 150_000
    wide, high = struct.unpack(">II", content[16:24])
    assert 700 < wide < 1500
    assert 300 < high < 1500
    attribute = "srcset" if "dark" in path.name else "src"
    assert f'{attribute}="docs/screenshots/{path.name}"' in README


@pytest.mark.parametrize("text", [README, GUIDE], ids=["README", "guide"])
def test_what_is_linked_is_there(text: str) -> None:
    """Files by their paths, headings of the guide by their anchors."""
    folder = ROOT if text is README else ROOT / "docs"
    headings = re.findall("^#+ (.*)$", GUIDE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        path, _, anchor = link.partition("#")
        assert (folder / path).exists(), link
        assert not anchor or anchor in anchors, link


@pytest.mark.parametrize("text", [README, GUIDE], ids=["README", "guide"])
def test_commands_are_the_programs(text: str) -> None:
    """Every command that is named, with each option behind it."""
    for command, rest in re.findall(r"`report (\w+)([^`]*)`", text):
        known = main.commands.get(command)
        assert known is not None, command
        options = {name for each in known.params for name in (*each.opts, *each.secondary_opts)}
        if isinstance(known, click.Group):
            continue
        assert set(re.findall(r"--[a-z-]+", rest)) <= options | {"--help"}, (command, rest)


def test_citation_is_valid_and_of_this_version() -> None:
    """GitHub, Zenodo and reference managers read it."""
    path = ROOT / "CITATION.cff"
    check = [str(Path(sys.executable).parent / "check-jsonschema")]
    check += ["--builtin-schema", "vendor.citation-file-format", str(path)]
    done = subprocess.run(check, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(yaml.safe_load(path.read_text(encoding="utf-8"))["version"]) == __version__
