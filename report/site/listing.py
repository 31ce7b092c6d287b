"""The code that was measured, cut out of the backend's file and highlighted."""

from __future__ import annotations

import ast
import functools
import textwrap
from typing import TYPE_CHECKING

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from report.registry import BACKENDS
from report.resources import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def listing(backend: str, names: Iterable[str]) -> str:
    """Return functions of a backend as highlighted HTML, in the order of the file.

    Args:
        backend: Its name; the file is read, not imported. A newer version may know more of them.
        names: Functions, "Class.method" for methods; unknown ones are left out.
    """
    sources = _functions(backend)
    wanted = set(names)
    code = "\n\n".join(source for name, source in sources.items() if name in wanted)
    if not code:
        return ""
    return str(highlight(code, PythonLexer(), HtmlFormatter(nowrap=True)))


def side_by_side(backends: Iterable[str], names: Iterable[str]) -> str:
    """Return functions of several backends as highlighted HTML, each below its framework's name.

    Args:
        backends: Their names.
        names: As for `listing`; each has some of them.
    """
    wanted = list(names)
    found = {backend: listing(backend, wanted) for backend in backends}
    return "\n\n".join(
        f'<span class="c1"># --- {BACKENDS[backend].title}</span>\n\n{code}'
        for backend, code in found.items()
        if code
    )


@functools.cache
def _functions(backend: str) -> dict[str, str]:
    if backend not in BACKENDS:
        return {}
    functions: dict[str, str] = {}
    for path in sorted((PACKAGE / "backends" / backend).glob("*.py")):
        text = path.read_text(encoding="utf-8")
        functions |= _cut(ast.parse(text), text.splitlines(), "")
    return functions


def _cut(node: ast.AST, lines: list[str], prefix: str) -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef) and child.end_lineno is not None:
            body = "\n".join(lines[child.lineno - 1 : child.end_lineno])
            yield prefix + child.name, textwrap.dedent(body)
        elif isinstance(child, ast.ClassDef):
            yield from _cut(child, lines, f"{child.name}.")
