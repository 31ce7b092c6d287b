"""The sections of a page: each is there, and is asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from factories.accelerator import accelerated
from report import registry
from report.figures import prose
from report.resources import templates
from report.sections.catalogue import SECTIONS
from results_factory import make_result

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.figures.figure import Figure
    from report.results.result import Result

    Made = Callable[..., Result]
    Drawn = Callable[..., list[Figure]]


def test_every_section_is_registered_and_has_its_text() -> None:
    """The registry has its name without importing it; a page shows it through its template."""
    assert tuple(SECTIONS) == registry.SECTIONS
    assert {path.stem for path in (templates() / "sections").glob("*.html")} == set(SECTIONS)


FIELDS: dict[str, dict[str, Any]] = {"frameworks": {"backends": ("pytorch", "numba")}}
"""What a section needs of a result beyond the default."""


@pytest.mark.parametrize("name", SECTIONS)
def test_every_section_offers_what_the_site_calls(
    name: str, result_of: Made, figures_of: Drawn
) -> None:
    """A title, the experiments that it draws on, figures that begin with its name, a method."""
    section = SECTIONS[name].module
    fields = FIELDS.get(name, {})
    result = result_of(**fields)
    figures = figures_of(name, **fields)
    if name == "resources":  # energy and memory are known where an accelerator is
        result = accelerated(make_result())
        figures = section.figures(result)
    assert section.TITLE
    assert set(section.experiments(result)) <= set(result.config["experiments"])
    assert figures
    assert all(figure.name.startswith(name) for figure in figures)
    assert len({figure.name for figure in figures}) == len(figures)
    assert all(sentence.endswith(".") for sentence in section.method(result))


@pytest.mark.parametrize("name", SECTIONS)
def test_every_question_is_asked(name: str, figures_of: Drawn) -> None:
    """A figure without a text before it would answer nothing."""
    text = prose.environment().get_template(f"sections/{name}.html")
    for figure in figures_of(name, **FIELDS.get(name, {})):
        asked = figure.words.asked or text.render(question=figure.question)
        assert "<p>" in asked, figure.question


@pytest.mark.parametrize("name", SECTIONS)
def test_figures_are_the_same_each_time(name: str, result_of: Made, figures_of: Drawn) -> None:
    """The site is byte-identical when it is built again."""
    section, fields = SECTIONS[name].module, FIELDS.get(name, {})
    assert section.figures(result_of(**fields)) == figures_of(name, **fields)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("roofline", {"leave_out": ("matmul",)}),
        ("roofline", {"leave_out": ("bandwidth",)}),
        ("data-parallel", {"leave_out": ("overhead",)}),
        ("data-parallel", {"leave_out": ("bandwidth",)}),
    ],
)
def test_without_its_inputs_there_is_no_section(
    name: str, fields: dict[str, Any], result_of: Callable[..., Result]
) -> None:
    """Nothing is drawn, and nothing said of what was not done."""
    section, result = SECTIONS[name].module, result_of(**fields)
    assert (section.figures(result), section.experiments(result)) == ([], [])
    assert section.method(result) == []
