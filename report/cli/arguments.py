"""How the commands read their options. Everything heavy is imported when an option is read."""

from __future__ import annotations

import functools
import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from report.errors import ReportError
from report.text.names import DEVICES, either

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.config.address import Site

CONFIG = "experiments.yaml"

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)

RESULTS = click.option("--results", type=FOLDER, default="results", help="The results folder.")

RESULTS_OR_FILE = click.option(
    "--results",
    type=click.Path(path_type=Path),
    default="results",
    help="The results folder, or one result file.",
)


def names(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Complete --only from the configuration's experiments."""
    from report.config.configuration import load

    try:
        names = load(Path(context.params.get("config") or CONFIG)).experiments
    except ReportError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def machines(context: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete machines that have results in their folder."""
    folder = Path(context.params.get("results") or "results")
    found = {path.parent.name for path in folder.glob(f"{glob.escape(typed)}*/*.json*")}
    return [CompletionItem(name) for name in sorted(found)]


def together(*decorators: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return one decorator that does what several do."""
    return lambda command: functools.reduce(lambda f, add: add(f), decorators[::-1], command)


def device(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Take a device's name."""
    from pydantic import TypeAdapter, ValidationError

    from report.experiments.settings import DeviceName

    if value is None:
        return None
    try:
        return str(TypeAdapter(DeviceName).validate_python(value))
    except ValidationError:
        raise click.BadParameter(f"{value!r} is not {either(DEVICES)}.") from None


def machine(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Take a machine's name."""
    from report.results.machine import check_name

    return None if value is None else check_name(value)


def site(context: click.Context, _: click.Parameter, value: str | None) -> Site:
    """Take the address from the option, else from the configuration, as its baseline."""
    from report.config import address

    named = address.of_file(Path(context.params.get("config") or CONFIG))
    if value is None:
        return named
    try:
        return named._replace(url=address.site_url(value))
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None


def some(known: Sequence[str]) -> Callable[..., list[str]]:
    """Complete from some words."""
    return lambda _, __, typed: [name for name in known if name.startswith(typed)]
