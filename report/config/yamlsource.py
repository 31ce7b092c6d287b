"""YAML with line numbers, and pydantic's errors in words: file, line, key, and what to do."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import yaml

from report.errors import ConfigError
from report.registry import KINDS
from report.results import files
from report.text.names import DEVICES, either, instead
from report.text.numerals import count
from report.text.plain import LINES, showable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

MOST_BYTES = 250_000
MOST_NODES = 20_000
"""Four times what the chapter's claims take. More would take seconds to read, and a file of aliases
to aliases would grow without end."""

LONGEST_NUMBER = 100
"""Characters; longer ones, of base 16 or 60, can take minutes or not be shown again."""

Location = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, with the line also where a value is not of its tag's form.

    For those PyYAML raises whatever Python does: ValueError for the date 2001-13-45, KeyError for
    `!!bool maybe`, AttributeError for `!!timestamp soon`.
    """

    _nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise yaml.YAMLError(f"it holds more than {MOST_NODES:,} values")
        return super().compose_node(parent, index)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        kind = str(node.tag).rpartition(":")[2]
        try:
            if kind in {"int", "float"} and len(node.value) > LONGEST_NUMBER:
                raise ValueError  # noqa: TRY301 (it is one of those)
            return super().construct_object(node, deep=deep)
        except (ValueError, LookupError, AttributeError):
            shown = str(node.value)[:40]
            raise yaml.constructor.ConstructorError(
                None, None, f"{shown!r} is not a valid {kind}", node.start_mark
            ) from None


class YamlSource:
    """A YAML file: its content as plain objects, and the line of each key."""

    def __init__(self, path: Path) -> None:
        """Read a file.

        Raises:
            ConfigError: It cannot be read, or is no YAML that can be trusted.
        """
        self.name = os.fspath(path)
        self.content: Any = None
        # File and line, by keys as they are written: the number 3 is "3".
        self._places: dict[tuple[str, ...], str] = {}
        self._nodes = 0
        try:
            content = files.read(path, MOST_BYTES)
            if len(content) > MOST_BYTES:
                raise ConfigError(f"{self.name} is larger than 250 kB: is it a configuration?")
            loader = _Loader(content.decode())
            node = loader.get_single_node()
            self._note(node, ())
            if node is not None:
                self.content = loader.construct_document(node)
        except FileNotFoundError:
            raise ConfigError(
                f"There is no {self.name}. `report init` writes one to start from."
            ) from None
        except OSError as error:
            raise ConfigError(f"{self.name} cannot be read: {error.strerror}.") from None
        except yaml.MarkedYAMLError as error:
            raise self._syntax_error(error) from None
        except RecursionError:
            raise ConfigError(f"{self.name} is nested too deeply.") from None
        except (yaml.YAMLError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise ConfigError(f"{self.name} is not readable as YAML: {reason}.") from None

    def has(self, location: Location) -> bool:
        """Return whether a key or an item stands at this place."""
        return tuple(map(str, location)) in self._places

    def place(self, location: Location) -> str:
        """Return file and line of a key, or of the nearest key above it: "experiments.yaml:12"."""
        while location and not self.has(location):
            location = location[:-1]
        return self._places.get(tuple(map(str, location)), f"{self.name}:1")

    def graft(self, location: Location, other: YamlSource, origin: Location) -> None:
        """Take over where keys stand: what is below `origin` in a file is below `location` here."""
        at, start = tuple(map(str, location)), tuple(map(str, origin))
        for key, place in list(other._places.items()):
            if key[: len(start)] == start != key:
                self._places[at + key[len(start) :]] = place

    def _syntax_error(self, error: yaml.MarkedYAMLError) -> ConfigError:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        hint = " Indent with spaces." if mark and "\\t" in str(error.problem) else ""
        return ConfigError(f"{self.name}{line}: YAML: {error.problem}.{hint}")

    def _note(self, node: yaml.Node | None, location: tuple[str, ...]) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise ConfigError(f"{self.name} holds more than {MOST_NODES:,} values.")
        if node is None:
            return
        line = node.start_mark.line + 1
        self._places.setdefault(location, f"{self.name}:{line}")
        if isinstance(node, yaml.ScalarNode) and node.value != showable(node.value):
            raise ConfigError(f"{self.name}:{line}: this has characters that cannot be shown.")
        if isinstance(node, yaml.MappingNode):
            seen = set()
            for key, value in node.value:
                line = key.start_mark.line + 1
                if not isinstance(key, yaml.ScalarNode):
                    raise ConfigError(f"{self.name}:{line}: a key must be a single word.")
                if key.value in seen and key.value != "<<":
                    raise ConfigError(
                        f"{self.name}:{line}: the key {key.value!r} appears here a second time; "
                        "remove one of the two."
                    )
                seen.add(key.value)
                self._places[(*location, key.value)] = f"{self.name}:{line}"
                self._note(value, (*location, key.value))
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self._note(value, (*location, str(index)))


def explain(source: YamlSource, error: ValidationError, schema: dict[str, Any]) -> ConfigError:
    """Turn validation errors of a file into one line each.

    The file knows the line of each key, and its JSON Schema which keys may stand where.
    """
    lines: dict[str, None] = {}
    for detail in error.errors():
        if len(lines) == LINES:
            lines[f"{source.name}: {count(error.error_count(), 'fault')} in all."] = None
            break
        place = _in_file(source, detail["loc"])
        words = f"{source.place(place)}: {_sentence(place, detail, schema)}"
        # A key may hold the end of a line.
        lines[" ".join(words.splitlines())] = None
    return ConfigError("\n".join(lines))


def _in_file(source: YamlSource, location: Location) -> Location:
    """Drop what pydantic puts between the keys: the kind after an experiment's name, and marks."""
    parts = [part for part in location if part != "[key]"]
    if len(parts) > 2 and parts[0] == "experiments" and parts[2] in KINDS:
        del parts[2]
    # Which alternative of a union was tried, and the index in a list of a single value.
    while parts and not source.has(tuple(parts)) and _is_mark(parts[-1]):
        del parts[-1]
    return tuple(parts)


def _is_mark(part: str | int) -> bool:
    return isinstance(part, int) or part == "constrained-int" or part.startswith("literal[")


def _sentence(location: Location, detail: ErrorDetails, schema: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in location)
    to_key = f"{key}: " if key else ""
    context, got = detail.get("ctx", {}), detail["input"]
    match detail["type"]:
        case "extra_forbidden":
            known = sorted(_keys_at(schema, detail["loc"][:-1]))
            return f"unknown key {key!r}.{instead(str(location[-1]), known)}"
        case "missing":
            return f"{key} is missing; add it."
        case "union_tag_not_found":
            words = f"kind is missing; add one of: {', '.join(KINDS)}."
        case "union_tag_invalid":
            wrong = str(context.get("tag", ""))
            words = f"unknown kind {wrong!r}.{instead(wrong, KINDS)}"
        case "literal_error" if isinstance(got, str):
            choices = [part.strip(" '") for part in re.split(",| or ", context["expected"])]
            words = f"unknown value {got!r}.{instead(got, choices)}"
        case "string_pattern_mismatch" if location[:1] == ("experiments",) and len(location) == 2:
            rule = "use up to 40 lower-case letters, digits and hyphens"
            return f"{got!r} cannot be an experiment's name; {rule}."
        case "string_pattern_mismatch" if location[-1:] == ("device",):
            words = f"unknown device {got!r:.80}; use {either(DEVICES)}."
        case _:
            shown = f" (it is {got!r:.80})" if isinstance(got, str | int | float) else ""
            words = f"{detail['msg'].removeprefix('Value error, ')}{shown}."
    return f"{to_key}{words}"


def _keys_at(schema: dict[str, Any], location: Location) -> set[str]:
    """Return the keys that may stand at a place, as pydantic has it, by the file's JSON Schema."""
    here = list(_resolved([schema], schema))
    for part in location:
        here = [inner for outer in here for inner in _resolved(_within(outer, part), schema)]
    return {key for outer in here for key in outer.get("properties", {})}


def _within(schema: dict[str, Any], part: str | int) -> list[Any]:
    """Return what a schema has below a key or an index, or for the kind that it is of."""
    properties = schema.get("properties", {})
    if isinstance(part, int):
        return [schema["items"]] if "items" in schema else []
    if part in properties:
        return [properties[part]]
    if properties.get("kind", {}).get("const") == part:
        return [schema]
    return [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]


def _resolved(schemas: Iterable[Any], root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what schemas can stand for: references followed, alternatives opened."""
    for schema in schemas:
        if isinstance(schema, dict):
            others = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
            if "$ref" in schema:
                others.append(root["$defs"][schema["$ref"].rsplit("/", 1)[1]])
            yield from _resolved(others, root) if others else [schema]
