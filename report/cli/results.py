"""`report add`: what a results folder holds. Heavy imports wait until a command runs."""

from __future__ import annotations

from pathlib import Path

import click

from report.cli import arguments
from report.errors import ReportError

PATH = click.Path(path_type=Path, exists=True)


@click.command(epilog="For instance: report add downloads/*.json.gz; report add classmates-results")
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    metavar="FILE|FOLDER...",
    type=click.Path(path_type=Path, exists=True),
)
@arguments.RESULTS
@click.pass_context
def add(context: click.Context, paths: tuple[Path, ...], results: Path) -> None:
    """Copy results from other machines into the results folder.

    FILE is a result; FOLDER holds results, or downloaded files. What is added is shown as imported
    and not verified, and never replaces the folder's own results. Files that are not results are
    reported and skipped; the exit status is then 1.
    """
    from datetime import UTC, datetime

    from report.experiments.catalogue import LABELS
    from report.results import files, store

    refused = 0
    with files.sole_writer(results, "adding to"):
        # A folder without any is refused like a file that is none.
        for path in (file for each in paths for file in store.files_below(each) or [each]):
            try:
                place = store.add(path, results, LABELS, f"{datetime.now(UTC):%Y-%m-%d}")
                click.echo(f"added {place}")
            except ReportError as error:
                refused += 1
                click.echo(f"refused: {error.format_message()}", err=True)
    context.exit(1 if refused else 0)
