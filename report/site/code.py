"""The functions that were timed, for a page to show."""

from __future__ import annotations

import ast
import functools
import textwrap
from typing import TYPE_CHECKING, Any

from pygments import highlight
from pygments.filter import simplefilter
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pygments.token import Comment, Keyword, Name, Operator, String, Token

from report.registry import BACKENDS
from report.resources import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_COLOURED = (Keyword, Operator.Word, Name.Function, Name.Class, String, Comment)
"""What style.css knows. All else would be two thirds of a page of code, and look the same."""


def listing(backend: str, names: Iterable[str]) -> str:
    """Return functions of a backend, in the order of its files, as highlighted HTML.

    Methods are "Class.method". Unknown names are left out: a newer version may know more of them.
    """
    wanted = set(names)
    code = "\n\n".join(source for name, source in _functions(backend).items() if name in wanted)
    lexer = PythonLexer()
    lexer.add_filter(_coloured())
    return str(highlight(code, lexer, HtmlFormatter(nowrap=True))) if code else ""


@simplefilter
def _coloured(_self: object, _lexer: object, stream: Iterable[Any], _options: object) -> Any:
    for kind, text in stream:
        yield next((each for each in _COLOURED if kind in each), Token), text


def side_by_side(backends: Iterable[str], names: Sequence[str]) -> str:
    """Return what each backend has of these functions, as HTML below its framework's name."""
    return "\n\n".join(
        f'<span class="c"># --- {BACKENDS[backend].title}</span>\n\n{code}'
        for backend in dict.fromkeys(backends)
        if (code := listing(backend, names))
    )


@functools.cache
def _functions(backend: str) -> dict[str, str]:
    functions: dict[str, str] = {}
    for path in sorted((PACKAGE / "backends" / backend).glob("*.py")):
        text = path.read_text(encoding="utf-8")
        functions |= _cut(ast.parse(text), text.splitlines(), "")
    return functions


def _cut(node: ast.AST, lines: list[str], prefix: str) -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            body = "\n".join(lines[child.lineno - 1 : child.end_lineno])
            yield prefix + child.name, textwrap.dedent(body)
        elif isinstance(child, ast.ClassDef):
            yield from _cut(child, lines, f"{child.name}.")
