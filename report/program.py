"""The command line as a whole: the order of its commands, and how it ends."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from report.errors import Interrupted, ReportError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Program(click.Group):
    """Commands in the order in which they are of use, with the exit statuses of a shell's."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (Click passes it)
        """Return them as they stand in this module."""
        return list(self.commands)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find a command, or say which one may have been meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(error.message + _instead(args[0], self.commands), ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Carry a command out, and say in a line what ended it or its output."""
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
    """One of some words; of a slip of the pen it says which one may have been meant."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take a word that is known."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            self.fail(error.message + _instead(str(value), self.choices), param, ctx)


def _instead(wrong: str, known: Iterable[str]) -> str:
    from report.text.names import instead  # noqa: PLC0415 (as every command imports what it needs)

    return instead(wrong, list(known))
