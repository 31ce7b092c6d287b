"""The registry of models: each is there, is asked about, and imports nothing early."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from report.figures import prose
from report.resources import templates
from report.sections import MODELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.figures.figure import Figure
    from report.results.result import Result


def test_every_model_has_its_text_and_every_text_its_model() -> None:
    """A page shows a model through the template of its name."""
    assert {path.stem for path in (templates() / "sections").glob("*.html")} == set(MODELS)


FIELDS: dict[str, dict[str, Any]] = {"frameworks": {"backends": ("pytorch", "numba")}}
"""What a model needs of a result beyond the default."""


@pytest.mark.parametrize("name", MODELS)
def test_every_model_offers_what_the_site_calls(
    name: str, result_of: Callable[..., Result], figures_of: Callable[..., list[Figure]]
) -> None:
    """A title, the experiments that it draws on, figures that begin with its name, a method."""
    model = importlib.import_module(MODELS[name].module)
    fields = FIELDS.get(name, {})
    result = result_of(**fields)
    assert model.TITLE
    assert set(model.experiments(result)) <= set(result.config["experiments"])
    figures = figures_of(name, **fields)
    assert figures
    assert all(figure.name.startswith(name) for figure in figures)
    assert len({figure.name for figure in figures}) == len(figures)
    assert all(sentence.endswith(".") for sentence in model.method(result))


@pytest.mark.parametrize("name", MODELS)
def test_every_question_is_asked(name: str, figures_of: Callable[..., list[Figure]]) -> None:
    """A figure without a text before it would answer nothing."""
    text = prose.environment().get_template(f"sections/{name}.html")
    for figure in figures_of(name, **FIELDS.get(name, {})):
        asked = figure.words.asked or text.render(question=figure.question)
        assert "<p>" in asked, figure.question


@pytest.mark.parametrize("name", MODELS)
def test_figures_are_the_same_each_time(
    name: str, result_of: Callable[..., Result], figures_of: Callable[..., list[Figure]]
) -> None:
    """The site is byte-identical when it is built again."""
    model, fields = importlib.import_module(MODELS[name].module), FIELDS.get(name, {})
    assert model.figures(result_of(**fields)) == figures_of(name, **fields)


def test_the_registry_imports_none_of_them() -> None:
    """Who only wants the names does not wait for matplotlib."""
    code = "import sys, report.sections; print('matplotlib' in sys.modules, 'scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
