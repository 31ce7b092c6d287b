"""The errors that a person sees: one line that says what is wrong and what to do."""

from __future__ import annotations

import click

from report.text.plain import brief


class ReportError(click.ClickException):
    """Something that the reader of the message can mend. Shown without a traceback."""

    exit_code = 1

    def format_message(self) -> str:
        """Return the message as it is shown: it may quote a stranger's file, or list its faults."""
        return brief(self.message)


class UsageError(ReportError):
    """A command or configuration that cannot be carried out. Nothing was changed."""

    exit_code = 2


class ConfigError(UsageError):
    """experiments.yaml is not what it should be; names file, line, key and remedy."""


class DataError(UsageError):
    """The data set is not what its checksum says, or cannot be read."""


class ResultError(ReportError):
    """A result file cannot be read: truncated, foreign, or from a newer version."""


class SiteError(ReportError):
    """The site cannot be written without harm to what is there."""


class Interrupted(ReportError):  # noqa: N818 (no error of anybody's)
    """A person ended it; the shell's own status for that."""

    exit_code = 130
