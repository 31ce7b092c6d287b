"""What a results folder holds: put in, listed, taken out. Heavy imports wait for a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from report.cli import arguments
from report.comparing.command import machines
from report.errors import ReportError, UsageError

if TYPE_CHECKING:
    from report.frames import Level
    from report.results.store import Saved


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
    """List what the results folder holds: each run of each machine, and files that are no results.

    Frameworks are those that were there; an imported run names the file that it came from.
    """
    from report import terminal
    from report.experiments.catalogue import LABELS
    from report.results import store

    found = store.read_all(results, LABELS)
    if as_json:
        click.echo(terminal.holdings_json(*found))
    else:
        terminal.show(terminal.holdings(*found))


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
    chosen: dict[str, Saved] = {}
    with files.sole_writer(results, "removing from"):
        found = store.read_all(results, LABELS)
        for reference in references:
            try:
                some = removal.chosen(reference, results, *found, own=own)
                chosen |= {one.place: one for one in some}
            except ReportError as error:
                refused += 1
                click.echo(f"refused: {error.format_message()}", err=True)
        for place in chosen:
            click.echo(place)
        if chosen and not yes:
            click.confirm("Delete these files?", abort=True, err=True)
        removal.remove(chosen.values(), results)
    if chosen:
        click.echo(f"deleted {len(chosen)}", err=True)
    context.exit(1 if refused else 0)


@click.command(epilog="For instance: report export --format parquet --level samples -o all.parquet")
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    default="results",
    show_default=True,
    help="The results folder, or one result file.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "json", "parquet", "bmf"]),
    default="csv",
    show_default=True,
    help="bmf is Bencher Metric Format: times and rates, seconds as latency in ns.",
)
@click.option(
    "--level",
    type=click.Choice(["estimates", "samples"]),
    default="estimates",
    show_default=True,
    help="A row for each estimate, or for each sample.",
)
@click.option("--machine", metavar="NAME", shell_complete=machines, help="Only this machine.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write this file instead of standard output.",
)
def export(
    results: Path, form: str, level: Level, machine: str | None, output: Path | None
) -> None:
    """Write the numbers of all machines as one table, in SI units, with 95 % intervals.

    The estimates are those of the pages, and the samples are those that they stand on.
    """
    from report import frames
    from report.results import files

    every, left_out = frames.machines(results)
    for one in left_out:
        click.echo(f"Left out: {one.name} {one.reason}", err=True)
    known = [result.machine.id for result, _ in every]
    if machine is not None and machine not in known:
        raise UsageError(f"There is no {machine!r} in {results}. Machines: {', '.join(known)}.")
    if form == "bmf" and level == "samples":
        raise UsageError("Bencher Metric Format has no place for samples; leave --level out.")
    if form == "bmf" and len(known) > 1 and machine is None:
        raise UsageError(f"A file for Bencher is of one --machine: {', '.join(known)}.")
    if form == "parquet" and output is None:
        raise UsageError("Parquet is no text; name a file with -o.")
    content = frames.written(
        [one for one in every if machine in {None, one[0].machine.id}], form, level
    )
    if output is None:
        click.echo(content, nl=False)
        return
    try:
        files.write(output, content)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}.") from None
