"""What repeats a machine's runs: the functions that were timed, the program, the configuration."""

from __future__ import annotations

import ast
import functools
import re
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from pygments import highlight
from pygments.filter import simplefilter
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pygments.token import Comment, Keyword, Name, Operator, String, Token

from report.experiments.catalogue import KINDS
from report.registry import BACKENDS
from report.resources import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from report.results.result import Result, StoredExperiment


_COLOURED = (Keyword, Operator.Word, Name.Function, Name.Class, String, Comment)
"""What style.css knows. All else would be two thirds of a page of code, and look the same."""

_VERSION = re.compile(r"\d+(?:\.\w+)*(?:\+(?P<build>\w+))?", re.ASCII)


def installation(result: Result) -> str:
    """Return the command that installs what a result was measured with.

    A stranger's file may hold anything as a version; only what is one gets into a shell.
    """
    own = result.generator.removeprefix("minibatch-report ")
    pytorch = result.environments.get("pytorch")
    name = "minibatch-report[torch]" if pytorch else "minibatch-report"
    command = f"pip install '{name}=={own}'" if _VERSION.fullmatch(own) else f"pip install '{name}'"
    torch = pytorch.versions.get("torch", "") if pytorch else ""
    if version := _VERSION.fullmatch(torch):
        command += f" 'torch=={torch}'"
        if version["build"]:
            index = f"https://download.pytorch.org/whl/{version['build']}"
            command += f" \\\n  --extra-index-url {index}"
    return command


def configuration(result: Result) -> bytes:
    """Return an experiments.yaml that plans what a result's run planned, in its profile.

    Its plan has the result's `config_hash`, but where variables held folders, which are not told.
    """
    plan = result.config
    content: dict[str, Any] = {
        "version": 1,
        "title": plan["title"],
        "seed": plan["seed"],
        "dataset": {"examples": plan["examples"]},
        **({"environment": plan["environment"]} if "environment" in plan else {}),
        "experiments": {name: _settings(one) for name, one in plan["experiments"].items()},
        "claims": "chapter",
    }
    head = f"# What was measured with --profile {result.profile}.\n"
    return (head + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)).encode()


def _settings(planned: StoredExperiment) -> dict[str, Any]:
    own = {key: value for key, value in planned.items() if key not in {"settings", "seeds"}}
    if "seeds" in KINDS[planned["kind"]].settings.model_fields:
        own["seeds"] = planned["seeds"]
    every = own | planned["settings"]
    return {key: value for key, value in every.items() if value is not None and value != []}


class Listing(NamedTuple):
    """A function that was timed, as HTML, and by whom."""

    anchor: str
    name: str
    frameworks: list[str]
    used: list[str]  # titles of experiments
    code: str


class Use(NamedTuple):
    """What a figure times: the functions of each framework."""

    anchor: str
    title: str
    functions: dict[str, list[Listing]]


@dataclass
class Listings:
    """The code that a machine's figures time, each text once."""

    uses: list[Use] = field(default_factory=list)
    every: dict[str, Listing] = field(default_factory=dict)

    def add(self, used: str, backends: Iterable[str], names: Iterable[str]) -> str:
        """Note the functions that a figure times, and return where they are listed, if anywhere.

        They come in the order of the backends' files; methods are "Class.method". Unknown names
        are left out: a newer version may know more of them.
        """
        wanted = set(names)
        functions: dict[str, list[Listing]] = {}
        for backend in dict.fromkeys(backends):
            sources = [(n, text) for n, text in _functions(backend).items() if n in wanted]
            for name, source in sources:
                if source not in self.every:
                    anchor, short = f"function_{len(self.every) + 1}", name.rpartition(".")[2]
                    self.every[source] = Listing(anchor, short, [], [], _highlighted(source))
                one, framework = self.every[source], BACKENDS[backend].title
                one.frameworks.extend({framework}.difference(one.frameworks))
                one.used.extend({used}.difference(one.used))
                functions.setdefault(framework, []).append(one)
        use = Use(f"code_{len(self.uses) + 1}", used, functions)
        if not functions:
            return ""
        same = [one for one in self.uses if one[1:] == use[1:]]
        self.uses.extend([] if same else [use])
        return (same or [use])[0].anchor

    def by_framework(self) -> dict[str, list[Listing]]:
        """Return each function once, under the first framework that has it."""
        found: dict[str, list[Listing]] = {}
        for one in self.every.values():
            found.setdefault(one.frameworks[0], []).append(one)
        return found


def _highlighted(code: str) -> str:
    lexer = PythonLexer()
    lexer.add_filter(_coloured())
    return str(highlight(code, lexer, HtmlFormatter(nowrap=True)))


@simplefilter
def _coloured(_self: object, _lexer: object, stream: Iterable[Any], _options: object) -> Any:
    for kind, text in stream:
        yield next((each for each in _COLOURED if kind in each), Token), text


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
