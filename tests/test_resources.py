"""Tests of resources: templates and defaults are found, and the schema is the code's."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from report import resources

ROOT = Path(__file__).parent.parent


SCHEMAS = {
    resources.SCHEMA_NAME: resources.schema_text,
    resources.CLAIMS_SCHEMA_NAME: resources.claims_schema_text,
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_file_is_what_the_code_accepts(name: str) -> None:
    """An editor completes what the program takes: the file is made again when the models change."""
    assert (ROOT / name).read_text(encoding="utf-8") == SCHEMAS[name]()


@pytest.mark.parametrize("name", ["experiments", "claims"])
def test_shipped_file_names_its_schema_in_the_first_line(name: str) -> None:
    """An editor finds the schema without being told."""
    first = (ROOT / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema={name}.schema.json"


def test_default_file_explains_every_experiment() -> None:
    """A comment stands above each experiment of the default file."""
    lines = resources.default_config().splitlines()
    names = yaml.safe_load(resources.default_config())["experiments"]
    for name in names:
        above = lines[lines.index(f"  {name}:") - 1]
        assert above.strip().startswith("#"), name


def test_templates_are_found() -> None:
    """The templates lie where the rendering looks for them."""
    assert (resources.templates() / "base.html").is_file()
