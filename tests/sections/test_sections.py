"""The sections of a page: each is there, and is asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from report import registry
from report.figures import prose
from report.resources import templates
from report.sections.catalogue import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.figures.figure import Figure
    from report.results.result import Result


def test_every_section_is_registered_and_has_its_text() -> None:
    """The registry has its name without importing it; a page shows it through its template."""
    assert tuple(SECTIONS) == registry.SECTIONS
    assert {path.stem for path in (templates() / "sections").glob("*.html")} == set(SECTIONS)


FIELDS: dict[str, dict[str, Any]] = {"frameworks": {"backends": ("pytorch", "numba")}}
"""What a section needs of a result beyond the default."""


@pytest.mark.parametrize("name", SECTIONS)
def test_every_section_offers_what_the_site_calls(
    name: str, result_of: Callable[..., Result], figures_of: Callable[..., list[Figure]]
) -> None:
    """A title, the experiments that it draws on, figures that begin with its name, a method."""
    section = SECTIONS[name].module
    fields = FIELDS.get(name, {})
    result = result_of(**fields)
    assert section.TITLE
    assert set(section.experiments(result)) <= set(result.config["experiments"])
    figures = figures_of(name, **fields)
    assert figures
    assert all(figure.name.startswith(name) for figure in figures)
    assert len({figure.name for figure in figures}) == len(figures)
    assert all(sentence.endswith(".") for sentence in section.method(result))


@pytest.mark.parametrize("name", SECTIONS)
def test_every_question_is_asked(name: str, figures_of: Callable[..., list[Figure]]) -> None:
    """A figure without a text before it would answer nothing."""
    text = prose.environment().get_template(f"sections/{name}.html")
    for figure in figures_of(name, **FIELDS.get(name, {})):
        asked = figure.words.asked or text.render(question=figure.question)
        assert "<p>" in asked, figure.question


@pytest.mark.parametrize("name", SECTIONS)
def test_figures_are_the_same_each_time(
    name: str, result_of: Callable[..., Result], figures_of: Callable[..., list[Figure]]
) -> None:
    """The site is byte-identical when it is built again."""
    section, fields = SECTIONS[name].module, FIELDS.get(name, {})
    assert section.figures(result_of(**fields)) == figures_of(name, **fields)
