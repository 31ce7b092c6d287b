"""What a results folder holds: put in, listed, taken out. Heavy imports wait for a command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from report.cli import arguments
from report.cli.arguments import machines
from report.errors import ReportError, ResultError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from report.frames import Level
    from report.results.remote import Reader

FORMATS = click.Choice(["csv", "json", "parquet", "bmf"])
LEVELS = click.Choice(["estimates", "samples"])
OUTPUT = click.File("wb", lazy=True, atomic=True)


class Source(click.Path):
    """An existing path, or an address."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Tell one from the other; the address is checked when its turn comes."""
        return value if "://" in str(value) else super().convert(value, param, ctx)


@click.command(
    epilog="For instance: report add downloads/*.json.gz; report add https://example.org/report/"
)
@click.argument(
    "sources", nargs=-1, metavar="FILE|FOLDER|URL...", type=Source(path_type=Path, exists=True)
)
@click.option(
    "--update",
    is_flag=True,
    help="Also look for new runs at `machines:` of experiments.yaml, and at every address that "
    "results came from.",
)
@click.option(
    "--allow-private",
    is_flag=True,
    help="Permit addresses in your own network and on this machine, here also with http://.",
)
@arguments.RESULTS
@click.pass_context
def add(
    context: click.Context,
    sources: tuple[Path | str, ...],
    results: Path,
    *,
    update: bool,
    allow_private: bool,
) -> None:
    """Copy results from other machines into the results folder.

    FILE is a result; FOLDER holds results, or downloaded files; URL is the https:// address of a
    published report, or of a result. From a report, it copies the runs that its owner measured and
    that are not here yet. What is added is shown as imported and not verified, and never replaces
    the folder's own results. What is refused is reported; the exit status is then 1.
    """
    from report.results import files
    from report.results.remote import Reader

    if not (sources or update):
        raise click.UsageError("Name a file, a folder or an address, or use --update.")
    reader = Reader(allow_private=allow_private)
    refused = 0
    with files.sole_writer(results, "adding to"):
        for source in dict.fromkeys((*sources, *(_known(results) if update else ()))):
            place = None
            for place in _added(source, results, reader):
                if isinstance(place, ReportError):
                    refused += 1
                    click.echo(f"refused: {place.format_message()}", err=True)
                else:
                    click.echo(f"added {place}")
            if place is None:
                click.echo(f"nothing new at {source}")
    context.exit(1 if refused else 0)


def _known(results: Path) -> list[str]:
    """Return the addresses that the configuration names, and those that results came from."""
    from report.config.configuration import load
    from report.results import imported

    config = Path(arguments.CONFIG)
    named = load(config).machines if config.exists() else []
    return [*named, *(o.address for o in imported.load(results).values() if "://" in o.address)]


def _added(source: Path | str, results: Path, reader: Reader) -> Iterator[str | ResultError]:
    """Add what a source holds; gives each one's place in the results folder, or what is wrong."""
    from datetime import UTC, datetime

    from report.config import address
    from report.experiments.catalogue import LABELS
    from report.results import holdings, remote, store

    today = f"{datetime.now(UTC):%Y-%m-%d}"
    if isinstance(source, str):
        try:
            at = address.source(source)
        except ValueError as error:
            shown = re.sub("//.*@", "//", source)  # without a password
            yield ResultError(f"{shown} is not the address of a report: {error}.")
        else:
            yield from remote.take(at, results, LABELS, today, reader)
        return
    # A folder without results is refused like a file that is not one.
    for path in store.files_below(source) or [source]:
        try:
            yield holdings.add(path, results, LABELS, today)
        except ResultError as error:
            yield error


@click.command("list", epilog="For instance: report list; report list --json")
@arguments.RESULTS
@click.option("--json", "as_json", is_flag=True, help="Print JSON; sizes are in bytes.")
def held(results: Path, *, as_json: bool) -> None:
    """List what the results folder holds: each run, and files that are not results."""
    from report import terminal
    from report.experiments.catalogue import LABELS
    from report.results import store

    saved, left_out = store.read_all(results, LABELS)
    shown = terminal.holdings_data if as_json else terminal.holdings
    terminal.show(shown(saved, left_out))


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

    MACHINE and FILE are as `report list` shows them. Nothing else is deleted: what is not a result,
    or lies behind a link, is reported and stays; the exit status is then 1.
    """
    from report.experiments.catalogue import LABELS
    from report.results import files, holdings, store

    refused = 0
    places: set[str] = set()
    with files.sole_writer(results, "removing from"):
        found = store.read_all(results, LABELS)
        for reference in references:
            try:
                places |= holdings.chosen(reference, results, *found, own=own)
            except ReportError as error:
                refused += 1
                click.echo(f"refused: {error.format_message()}", err=True)
        click.echo("".join(f"{place}\n" for place in sorted(places)), nl=False)
        if places and not yes:
            click.confirm("Delete these files?", abort=True, err=True)
        holdings.remove(places, results)
    context.exit(1 if refused else 0)


@click.command(epilog="For instance: report export --format parquet --level samples -o all.parquet")
@arguments.RESULTS_OR_FILE
@click.option("--format", "form", type=FORMATS, default="csv", help="bmf is what Bencher reads.")
@click.option("--level", type=LEVELS, default="estimates", help="What the rows are.")
@click.option("--machine", metavar="NAME", shell_complete=machines, help="Only this machine.")
@click.option("-o", "--output", type=OUTPUT, default="-", help="A file; else standard output.")
def export(results: Path, form: str, level: Level, machine: str | None, output: IO[bytes]) -> None:
    """Write the numbers of all machines as one table, in SI units, with 95 % intervals.

    The estimates are those of the pages, and the samples are those behind them. Bencher gets the
    times and rates of one machine; seconds become its latency, in nanoseconds.
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
        raise UsageError(f"For Bencher, name one --machine ({known}), without --level samples.")
    if form == "parquet" and output.name == "-":
        raise UsageError("Parquet is not text: name a file with -o.")
    content = frames.written(wanted, form, level)
    output.write(content)  # which begins the file
