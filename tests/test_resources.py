"""Tests of resources: templates and defaults are found, and the schema is the code's."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from report import resources
from report.cli import main

ROOT = Path(__file__).parent.parent


SCHEMAS = {"config": resources.SCHEMA_NAME, "claims": "claims.schema.json"}


@pytest.mark.parametrize("what", SCHEMAS)
def test_schema_file_is_what_the_code_accepts(what: str) -> None:
    """An editor completes what the program takes: `report schema` prints the file again."""
    printed = CliRunner().invoke(main, ["schema", what]).stdout
    assert (ROOT / SCHEMAS[what]).read_text(encoding="utf-8") == printed


SHIPPED = {
    "experiments": resources.default_config(),
    "starter": resources.starter_config(),
    "claims": resources.chapter_claims().read_text(encoding="utf-8"),
}


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_file_names_its_schema_in_the_first_line(name: str) -> None:
    """An editor finds the schema without being told."""
    schema = SCHEMAS["claims" if name == "claims" else "config"]
    assert SHIPPED[name].splitlines()[0] == f"# yaml-language-server: $schema={schema}"


@pytest.mark.parametrize("name", ["experiments", "starter"])
def test_shipped_file_explains_every_experiment(name: str) -> None:
    """A comment stands above each experiment, which the other file names the same."""
    text = SHIPPED[name]
    lines = text.splitlines()
    for experiment in yaml.safe_load(text)["experiments"]:
        above = lines[lines.index(f"  {experiment}:") - 1]
        assert above.strip().startswith("#"), experiment


def test_starter_measures_some_of_the_chapters_experiments() -> None:
    """Under the chapter's names, so that its claims are judged."""
    some, every = (yaml.safe_load(SHIPPED[name]) for name in ("starter", "experiments"))
    assert some["experiments"].keys() < every["experiments"].keys()
    for name, experiment in some["experiments"].items():
        assert experiment["kind"] == every["experiments"][name]["kind"]


def test_templates_are_found() -> None:
    """The templates lie where the rendering looks for them."""
    assert (resources.templates() / "base.html").is_file()
