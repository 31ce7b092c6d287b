"""Finds the files that are no code: templates/ and the default experiments.yaml.

They are top-level in the repository. A wheel carries them inside the package; an editable
install does not, so the package's folder is tried first and the repository's second.
"""

from __future__ import annotations

import json
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


SCHEMA_NAME = "experiments.schema.json"
"""The file that the first line of experiments.yaml names, for editors."""


def _find(name: str) -> Path:
    for folder in (PACKAGE, PACKAGE.parent):
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(f"{name} is missing from this installation; install it anew")


def templates() -> Path:
    """Return the folder of templates."""
    return _find("templates")


def default_config() -> str:
    """Return the default experiments.yaml."""
    return _find("experiments.yaml").read_text(encoding="utf-8")


def schema_text() -> str:
    """Return the JSON Schema of experiments.yaml, as its file holds it."""
    from report.config.configuration import Config  # noqa: PLC0415 (rendering needs no configuration)

    return json.dumps(Config.model_json_schema(), indent=2) + "\n"
