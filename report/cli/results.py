"""`report add`: what a results folder holds. Heavy imports wait until a command runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from report.cli import arguments
from report.errors import ReportError, ResultError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from report.results.remote import Reader


class Source(click.Path):
    """A path that is there, or an address."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Tell one from the other; the address is checked when its turn comes."""
        return value if "://" in str(value) else super().convert(value, param, ctx)


@click.command(
    epilog="For instance: report add downloads/*.json.gz; report add https://example.org/report/"
)
@click.argument(
    "sources",
    nargs=-1,
    metavar="FILE|FOLDER|URL...",
    type=Source(path_type=Path, exists=True),
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
    help="Permit addresses within your network and on this machine, there with http:// too.",
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
    published report, or of a result. Of a report come the runs that its owner measured and that are
    not here yet. What is added is shown as imported and not verified, and never replaces the
    folder's own results. What is refused is reported; the exit status is then 1.
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
    from report.results import remote, store

    today = f"{datetime.now(UTC):%Y-%m-%d}"
    if isinstance(source, str):
        try:
            at = address.source(source)
        except ValueError as error:
            shown = re.sub("//.*@", "//", source)  # without a password
            yield ResultError(f"{shown} is no address of a report: {error}.")
        else:
            yield from remote.take(at, results, LABELS, today, reader)
        return
    # A folder without any is refused like a file that is none.
    for path in store.files_below(source) or [source]:
        try:
            yield store.add(path, results, LABELS, today)
        except ResultError as error:
            yield error
