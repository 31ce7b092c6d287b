"""pydantic's errors in words: file, line, key, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from report.errors import ConfigError
from report.registry import KINDS
from report.text.names import instead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from report.config.yamlsource import Location, YamlSource


def explain(source: YamlSource, error: ValidationError, schema: dict[str, Any]) -> ConfigError:
    """Turn validation errors into one line each.

    Args:
        source: The file, which knows the line of each key.
        error: What pydantic found.
        schema: The JSON Schema of the whole file; it knows which keys may stand where.
    """
    lines = []
    for detail in error.errors():
        location = _in_file(source, detail["loc"])
        sentence = _sentence(location, detail, schema)
        lines.append(f"{source.place(location)}: {sentence}")
    return ConfigError("\n".join(dict.fromkeys(lines)))


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
    message = detail["msg"].removeprefix("Value error, ")
    context, got = detail.get("ctx", {}), detail["input"]
    match detail["type"]:
        case "extra_forbidden":
            known = sorted(_keys_at(schema, detail["loc"][:-1]))
            sentence = f"unknown key {key!r}.{instead(str(location[-1]), known)}"
        case "missing":
            sentence = f"{key} is missing; add it."
        case "union_tag_not_found":
            sentence = f"{key}: kind is missing; add one of: {', '.join(KINDS)}."
        case "union_tag_invalid":
            wrong = str(context.get("tag", ""))
            sentence = f"{key}: unknown kind {wrong!r}.{instead(wrong, KINDS)}"
        case "literal_error" if isinstance(got, str):
            choices = [part.strip(" '") for part in _alternatives(str(context["expected"]))]
            sentence = f"{key}: unknown value {got!r}.{instead(got, choices)}"
        case "string_pattern_mismatch" if location[:1] == ("experiments",) and len(location) == 2:
            sentence = (
                f"{got!r} cannot be an experiment's name; "
                "use up to 40 lower-case letters, digits and hyphens."
            )
        case "string_pattern_mismatch" if location[-1:] == ("device",):
            sentence = (
                f"{key}: unknown device {got!r:.80}; use auto, cpu, cuda, cuda:1, mps or xpu."
            )
        case _:
            shown = f" (it is {got!r:.80})" if isinstance(got, str | int | float) else ""
            sentence = f"{key}: {message}{shown}." if key else f"{message}{shown}."
    return sentence


def _alternatives(expected: str) -> Iterator[str]:
    for part in expected.split(" or "):
        yield from part.split(",")


def _keys_at(schema: dict[str, Any], location: Location) -> set[str]:
    """Return the keys that may stand at a place, read off the file's JSON Schema.

    Args:
        schema: The JSON Schema.
        location: As pydantic has it: with the kind after an experiment's name.
    """
    here = [schema]
    for part in location:
        here = [
            inner
            for outer in here
            for resolved in _resolved(outer, schema)
            for inner in _step(resolved, part)
        ]
    return {
        key
        for outer in here
        for resolved in _resolved(outer, schema)
        for key in _properties(resolved)
    }


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = schema.get("properties", {})
    return properties


def _step(schema: dict[str, Any], part: str | int) -> Iterator[dict[str, Any]]:
    if isinstance(part, int):
        if "items" in schema:
            yield schema["items"]
    elif part in _properties(schema):
        yield schema["properties"][part]
    elif _properties(schema).get("kind", {}).get("const") == part:
        yield schema
    else:
        yield from schema.get("patternProperties", {}).values()
        if isinstance(schema.get("additionalProperties"), dict):
            yield schema["additionalProperties"]


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what a schema can stand for: references followed, alternatives opened."""
    if "$ref" in schema:
        yield from _resolved(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    alternatives = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    for alternative in alternatives:
        yield from _resolved(alternative, root)
    if not alternatives and "$ref" not in schema:
        yield schema
