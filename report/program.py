"""The command line as a whole: the order of its commands, and how it ends."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import Any

import click

from report.errors import Interrupted, ReportError


class Program(click.Group):
    """Commands in the order in which they are of use, with the exit statuses of a shell's."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (Click passes it)
        """Return them as they stand in this module."""
        return list(self.commands)

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
