"""What a results folder holds: put in, listed, taken out. Heavy imports wait for a command."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from report.cli import arguments
from report.comparing.command import machines
from report.errors import ReportError, UsageError

if TYPE_CHECKING:
    from report.frames import Level

FORMATS = click.Choice(["csv", "json", "parquet", "bmf"])
LEVELS = click.Choice(["estimates", "samples"])
OUTPUT = click.File("wb", lazy=True, atomic=True)


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


@click.command("list")
@arguments.RESULTS
@click.option("--json", "as_json", is_flag=True, help="Print JSON; sizes are in bytes.")
def held(results: Path, *, as_json: bool) -> None:
    """List what the results folder holds: each run, and the files that are no results."""
    from report import terminal
    from report.experiments.catalogue import LABELS
    from report.results import store

    saved, left_out = store.read_all(results, LABELS)
    if as_json:
        click.echo(terminal.holdings_json(saved, left_out))
    else:
        terminal.show(terminal.holdings(saved, left_out))


@click.command(epilog="For instance: report remove classmates-laptop; report remove old.json.gz")
@click.argument(
    "references", nargs=-1, required=True, metavar="MACHINE|FILE...", shell_complete=machines
)
@arguments.RESULTS
@click.option("--own", is_flag=True, help="Also remove results that were measured here.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def remove(
    context: click.Context, references: tuple[str, ...], results: Path, *, own: bool, yes: bool
) -> None:
    """Delete imported results from the results folder; with --own, its own too.

    MACHINE and FILE are as `report list` shows them. Nothing else is deleted: what is no result, or
    lies behind a link, is reported and stays; the exit status is then 1.
    """
    from report.experiments.catalogue import LABELS
    from report.results import files, removal, store

    refused = 0
    places: set[str] = set()
    with files.sole_writer(results, "removing from"):
        found = store.read_all(results, LABELS)
        for reference in references:
            try:
                places |= removal.chosen(reference, results, *found, own=own)
            except ReportError as error:
                refused += 1
                click.echo(f"refused: {error.format_message()}", err=True)
        click.echo("".join(f"{place}\n" for place in sorted(places)), nl=False)
        if places and not yes:
            click.confirm("Delete these files?", abort=True, err=True)
        removal.remove(places, results)
    context.exit(1 if refused else 0)


@click.command(
    context_settings={"show_default": True},
    epilog="For instance: report export --format parquet --level samples -o all.parquet",
)
@arguments.RESULTS_OR_FILE
@click.option("--format", "form", type=FORMATS, default="csv", help="bmf is what Bencher reads.")
@click.option("--level", type=LEVELS, default="estimates", help="What each row is one of.")
@click.option("--machine", metavar="NAME", shell_complete=machines, help="Only this machine.")
@click.option("-o", "--output", type=OUTPUT, default="-", help="A file; else standard output.")
def export(results: Path, form: str, level: Level, machine: str | None, output: IO[bytes]) -> None:
    """Write the numbers of all machines as one table, in SI units, with 95 % intervals.

    The estimates are those of the pages, and the samples are those that they stand on. For Bencher
    there are the times and rates of one machine, and seconds are its latency, in nanoseconds.
    """
    from report import frames

    every, left_out = frames.machines(results)
    for one in left_out:
        click.echo(f"Left out: {one.name} {one.reason}", err=True)
    wanted = [one for one in every if machine in {None, one[0].machine.id}]
    known = ", ".join(result.machine.id for result, _ in every)
    if not wanted:
        raise UsageError(f"There is no {machine!r} in {results}. Machines: {known}.")
    if form == "bmf" and (len(wanted) > 1 or level == "samples"):
        raise UsageError(f"A file for Bencher has the estimates of one --machine of {known}.")
    if form == "parquet" and output.name == "-":
        raise UsageError("Parquet is no text; name a file with -o.")
    content = frames.written(wanted, form, level)
    output.write(content)  # which begins the file
