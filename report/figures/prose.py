"""What pages say, from templates: prose stands where it is read, numbers are put in by name.

The template of a kind has, for each question that a figure answers, the blocks `<question>_asked`,
`<question>_title`, `<question>_caption` and, where there is something to explain,
`<question>_explanation`; each is rendered with the figure's numbers. Python makes the numbers, and
the template chooses among sentences. An explanation is as many paragraphs as `{{ paragraph }}`, at
the end of a line, makes of it.
"""

from __future__ import annotations

import functools
import hashlib
import re
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup, escape

from report import resources
from report.figures import values
from report.figures.figure import Figure, Sheet, Table, Words
from report.text import names, numerals
from report.text.plain import bibtex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from report.analysis.estimate import Estimate
    from report.figures.shapes import Shape

PARAGRAPH = "\N{PARAGRAPH SEPARATOR}"

_WITHIN_NUMBER = re.compile(
    r"(?:(?<=\d)|(?<=\d</data>)) (?=(?:%|[nmµ]?s|[MGTP]?FLOPS|[MGTP]?B/s|[KMGT]iB|[MG]Hz)(?!\w))"
    r"|(?<=\bn) (?== )|(?<=\bn =) (?=\d|<)"
    r"|(?<=\d) (?=\N{MULTIPLICATION SIGN} 10)|(?<=\N{MULTIPLICATION SIGN}) (?=10)"
)

_APOSTROPHE = re.compile(r"(?<=[A-Za-z])(?:'|&#39;)(?=[A-Za-z])")

_BEFORE_STOP = re.compile(r" ([.,;:)])")


def figure(  # noqa: PLR0913 (what a figure is made of)
    template: str,
    name: str,
    question: str,
    shape: Shape | None,
    /,
    *,
    table: Table,
    sheet: Sheet,
    code: Iterable[str] = (),
    backends: Iterable[str] = (),
    blocks: str = "",
    **numbers: Any,
) -> Figure:
    """Return a figure with what a template's blocks say of its question, numbers by name."""
    named, numbers = blocks or question, {"shape": shape, **numbers}
    asked, title, caption = (
        block(template, f"{named}_{part}", **numbers) for part in ("asked", "title", "caption")
    )
    explanation = paragraphs(_rendered(template, f"{named}_explanation", numbers))
    alt = " ".join([*([shape.alt] if shape else ()), f"{plain(title)}.", plain(caption)])
    return Figure(
        name=name,
        question=question,
        words=Words(asked=asked, title=title, caption=caption, explanation=explanation, alt=alt),
        shape=shape,
        table=table,
        sheet=sheet,
        code=[*code],
        backends=[*backends],
    )


def block(template: str, name: str, **numbers: Any) -> Markup:
    """Render a block of a template with these numbers; empty if there is no such block."""
    return Markup(_tidy(_rendered(template, name, numbers)))  # noqa: S704 (escaped by then)


def paragraphs(text: str) -> Markup:
    """Return markup as its paragraphs, without those in which nothing is said."""
    said = filter(None, map(_tidy, text.split(PARAGRAPH)))
    return Markup("\n".join(f"<p>{one}</p>" for one in said))  # noqa: S704 (escaped by then)


def sentences(template: str, name: str, **numbers: Any) -> list[str]:
    """Return what a block says, a paragraph for each line that is not empty."""
    lines = map(_tidy, _rendered(template, name, numbers).split("\n"))
    return [Markup(line) for line in lines if line]  # noqa: S704 (as above)


def _rendered(template: str, name: str, numbers: dict[str, Any]) -> str:
    found = _prose().get_template(template)
    if name not in found.blocks:
        return ""
    return "".join(found.blocks[name](found.new_context(numbers)))


def _tidy(text: str) -> str:
    """Close up what the template's lines and tags leave between words."""
    return typeset(_BEFORE_STOP.sub(r"\1", " ".join(text.split())))


@functools.cache
def _prose() -> jinja2.Environment:
    """Return the same environment for text, in which a line's end is a space."""
    return environment().overlay(trim_blocks=False, lstrip_blocks=False)


def plain(text: str) -> str:
    """Return markup as plain text, for what is no page: an alternative text, a terminal."""
    return Markup(text).striptags() if isinstance(text, Markup) else text  # noqa: S704


@functools.cache
def environment() -> jinja2.Environment:
    """Return the environment that all templates share."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates()),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.do"],
    )
    made.filters |= FILTERS
    made.globals["paragraph"] = PARAGRAPH
    return made


def typeset(text: str) -> str:
    """Keep on one line what is one number ("4.28 ms", "95 %", "n = 256"); curve apostrophes."""
    return _APOSTROPHE.sub("\N{RIGHT SINGLE QUOTATION MARK}", _WITHIN_NUMBER.sub("\xa0", text))


def _finalize(value: Any) -> Any:
    return typeset(value) if type(value) is str else value


def digest(key: str) -> str:
    """Return a key as it stands in a page: numbers with the same one are the same number."""
    return hashlib.sha256(key.encode()).hexdigest()[:10]


def tagged(estimate: Any, text: str) -> Markup:
    """Return a number as an element that says which estimate it is of, if it has a key."""
    key = getattr(estimate, "key", "")
    if not key:
        return escape(text)
    return Markup('<data value="{:.10g}" data-key="{}">{}</data>').format(
        estimate.value, digest(key), text
    )


def _written(write: Callable[..., str]) -> Callable[..., Markup]:
    """Return a filter that writes an estimate, or a number, in a way."""
    return lambda number, *how: tagged(number, write(float(getattr(number, "value", number)), *how))


def _with_ends(write: Callable[[float], str], number: Estimate, unit: str = "") -> Markup:
    """Write an estimate with its 95 % interval: "297 GFLOPS (291-303)"."""
    if number.low is None or number.high is None:
        ends = f"{numerals.count(number.samples, 'sample')}, no interval"
    else:
        low, high = write(number.low), write(number.high)
        if low == high:  # in the digits that are shown, there is nothing to add
            return tagged(number, write(number.value) + unit)
        to = " to " if number.low < 0 else "\N{EN DASH}"  # a dash would meet a minus
        ends = f"{low}{to}{high}"
    return Markup("{} ({})").format(tagged(number, write(number.value) + unit), ends)


def si_ends(number: Estimate, unit: str) -> Markup:
    """Write a quantity with its interval, all with one prefix."""
    exponent = numerals.prefix_exponent(number.value)
    prefixed = numerals.scaled(number.value, unit).partition(" ")[2]
    return _with_ends(lambda x: numerals.digits(x / 10.0**exponent), number, f" {prefixed}")


def percent_ends(number: Estimate) -> Markup:
    """Write a share with its interval, in percent: "61 % (60-61 %)"."""
    text = re.sub(r" %(\N{EN DASH}| to )", r"\1", _with_ends(numerals.percent, number))
    return Markup(text)  # noqa: S704 (it was before)


def excess_ends(number: Estimate) -> Markup:
    """Write how far a loss lies above the lowest one, with its interval unless that is rounding."""
    if number.value < numerals.ROUNDING:
        return tagged(number, numerals.excess(number.value))
    return _with_ends(numerals.small, number)


def listing(items: Sequence[Any]) -> Markup:
    """Write a list: "a", "a and b", "a, b and c"."""
    parts = [escape(item) for item in items]
    if len(parts) < 2:
        return Markup().join(parts)
    return Markup("{} and {}").format(Markup(", ").join(parts[:-1]), parts[-1])


def capital(text: Any) -> Markup:
    """Begin a sentence: its first letter is a capital one, also within an element."""
    escaped = str(escape(text))
    found = re.match(r"(?:<[^>]*>)*", escaped)
    at = found.end() if found else 0
    return Markup(escaped[:at] + escaped[at : at + 1].upper() + escaped[at + 1 :])  # noqa: S704


FILTERS: dict[str, Callable[..., Any]] = {
    # Only what this program itself made is marked so: figures and highlighted code.
    "markup": Markup,
    "values": lambda shape: Markup(values.attribute(shape)),  # noqa: S704 (it is quoted)
    "si": _written(numerals.scaled),
    "si_ends": si_ends,
    "times": _written(numerals.times),
    "times_ends": functools.partial(_with_ends, numerals.digits),
    "percent": _written(numerals.percent),
    "percent_ends": percent_ends,
    "digits": _written(numerals.digits),
    "loss": _written(numerals.loss),
    "loss_ends": functools.partial(_with_ends, numerals.loss),
    "excess": _written(numerals.excess),
    "excess_ends": excess_ends,
    "signed": _written(numerals.signed),
    "scientific": _written(numerals.scientific),
    "count": numerals.count,
    "bytes": names.size,
    "duration": numerals.duration,
    # Of learning, which somebody chose: no zeros at its end.
    "rate": "{:.3g}".format,
    "backend": names.title,
    # Marks a number as the chapter's own, where no setting decides it.
    "chapter": lambda number: number,
    "listing": listing,
    "capital": capital,
    "tagged": tagged,
    "plain": plain,
    "bibtex": bibtex,
}
"""How templates write numbers; those of estimates carry their key."""
