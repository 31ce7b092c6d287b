"""YAML with line numbers: where in the file a key stands, so that an error can say it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import yaml

from report.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 1_000_000
MOST_NODES = 50_000
"""Far above any real file; a file of aliases to aliases would otherwise grow without end."""

Location = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, with the line also where a value is not of its tag's form.

    For those PyYAML raises whatever Python does: ValueError for the date 2001-13-45, KeyError for
    `!!bool maybe`, AttributeError for `!!timestamp soon`.
    """

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, LookupError, AttributeError):
            kind = str(node.tag).rpartition(":")[2]
            shown = str(node.value)[:40]
            raise yaml.constructor.ConstructorError(
                None, None, f"{shown!r} is not a valid {kind}", node.start_mark
            ) from None


class YamlSource:
    """A YAML file: its content as plain objects, and the line of each key.

    Attributes:
        name: The file's name as a person gave it.
        content: What it holds.
    """

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
            if path.stat().st_size > MOST_BYTES:
                raise ConfigError(f"{self.name} is larger than 1 MB: is it a configuration?")
            text = path.read_text(encoding="utf-8")
            self.content = self._read(_Loader(text))
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
        """Take over where keys stand: what is at `origin` in another file is at `location` here."""
        at, start = tuple(map(str, location)), tuple(map(str, origin))
        for key, place in list(other._places.items()):
            if key[: len(start)] == start:
                self._places[at + key[len(start) :]] = place

    def _read(self, loader: _Loader) -> Any:
        try:
            node = loader.get_single_node()
            self._note(node, ())
            return None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()

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
        self._places.setdefault(location, f"{self.name}:{node.start_mark.line + 1}")
        if isinstance(node, yaml.MappingNode):
            seen = set()
            for key, value in node.value:
                line = key.start_mark.line + 1
                if not isinstance(key, yaml.ScalarNode):
                    raise ConfigError(f"{self.name}:{line}: a key must be a single word.")
                if key.value in seen and key.value != "<<":
                    raise ConfigError(
                        f"{self.name}:{line}: the key {key.value!r} stands here a second time; "
                        "remove one of the two."
                    )
                seen.add(key.value)
                self._places[(*location, key.value)] = f"{self.name}:{line}"
                self._note(value, (*location, key.value))
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self._note(value, (*location, str(index)))
