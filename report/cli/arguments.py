"""The command line as a whole, and how its commands read their options.

Everything heavy is imported when an option is read.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import glob
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from report.errors import Interrupted, ReportError
from report.text.names import DEVICES, either, instead

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


class Program(click.Group):
    """Commands in the order of use, with exit statuses as a shell has them."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Take a command, whose help ends with where to read more."""
        cmd.epilog = f"{cmd.epilog}\n\nThe guide: docs/guide.md in the repository."
        super().add_command(cmd, name)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (Click passes it)
        """Return them in the order of this module."""
        return list(self.commands)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find a command, or say which one may have been meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(
                error.message + instead(args[0], list(self.commands)), ctx
            ) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Carry out a command; if it or its output was cut short, say in one line why."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except KeyboardInterrupt:
            raise Interrupted("Interrupted.") from None
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EIO}:
                raise
            with contextlib.suppress(OSError):  # else the interpreter tries once more at its end
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise ReportError(f"Nothing more can be written: {error.strerror}.") from None


class Known(click.Choice[str]):
    """One of some words; for a typo, it says which one may have been meant."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take a word that is known."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            self.fail(error.message + instead(str(value), list(self.choices)), param, ctx)
