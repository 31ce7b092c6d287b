"""`report compare`: results side by side, and two ways of running one framework."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from report.cli import arguments
from report.cli.arguments import FOLDER

if TYPE_CHECKING:
    from report.results.result import Result

SLOWER = 3  # exit status where --fail-on finds something slower
UNJUDGED = 5  # and where it cannot find anything, since no row of a comparison is judged


def _fraction(_: click.Context, __: click.Parameter, text: str | None) -> float | None:
    """Read "5%" or "0.05"; 5 without its sign is a mistake."""
    if text is None:
        return None
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise click.BadParameter(f"{text!r} is not a share such as 5%.")
    return value


def _known(context: click.Context, at: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete machines, and files."""
    return [*arguments.machines(context, at, typed), CompletionItem(typed, type="file")]


@click.command(epilog="For instance: report compare my-laptop the-server --format markdown")
@click.argument("references", nargs=-1, metavar="[BASELINE OTHER...]", shell_complete=_known)
@arguments.RESULTS
@click.option("--least", callback=_fraction, default="5%", help="Smallest difference that matters.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv", "markdown"]),
    default="text",
    help="What to print.",
)
@click.option(
    "--across-versions",
    is_flag=True,
    help="Also judge results measured by a different version of the code.",
)
@click.option(
    "--fail-on",
    callback=_fraction,
    metavar="SHARE",
    help=f"Exit with {SLOWER} if a judged row is slower than the baseline by at least this, and "
    f"with {UNJUDGED} if no row can be judged.",
)
@click.option("--live", metavar="FRAMEWORK", help="Measure side A and side B now, in turns.")
@click.option(
    "--a",
    multiple=True,
    metavar="HOW",
    help="With --live: python=PATH, threads=N or env:NAME=VALUE; may be repeated.",
)
@click.option("--b", multiple=True, metavar="HOW", help="The same for side B.")
@click.option("--only", multiple=True, metavar="NAME", help="With --live: only this experiment.")
@click.option(
    "--pairs", type=click.IntRange(2, 1000), metavar="N", help="With --live: processes per side."
)
@click.option(
    "--config",
    type=arguments.FILE,
    default=arguments.CONFIG,
    help="With --live: the configuration.",
)
@click.option(
    "--trust",
    is_flag=True,
    help="With --live: approve the programs and variables that --config names.",
)
@click.option("--into", type=FOLDER, default="live", help="Where --live keeps its results.")
@click.pass_context
def compare(context: click.Context, /, references: tuple[str, ...], **options: Any) -> None:
    """Compare results (files or machine ids) with the first one.

    First says whether they can be compared. With --live, two ways of running one framework are
    measured in turns on this machine, so what slows both cancels out: two builds, versions,
    variables or numbers of threads. Exit status: 3 if --fail-on finds a slower row, 5 if
    it finds no row that can be judged; 2 if the command cannot be carried out; otherwise 0.
    """
    from report import terminal
    from report.comparing import export
    from report.comparing.comparison import compare as side_by_side
    from report.errors import UsageError
    from report.experiments.catalogue import LABELS
    from report.results import store

    if options["live"]:
        first, *others = _measured(options)
    elif len(references) < 2:
        raise UsageError("Name at least two results to compare.")
    else:
        warn = functools.partial(click.echo, err=True)
        first, *others = (store.find(one, options["results"], LABELS, warn) for one in references)
    across = options["across_versions"]
    compared = [
        side_by_side(first, other, options["least"], across_versions=across) for other in others
    ]
    writers = {"json": export.as_json, "csv": export.as_csv, "markdown": export.as_markdown}
    if options["form"] == "text":
        terminal.show([line for one in compared for line in export.tables(one)])
    else:
        click.echo(writers[options["form"]](compared).rstrip("\n"))
    limit = options["fail_on"]
    slower = [row for one in compared for row in one.slower(limit)] if limit else []
    for row in slower:
        click.echo(f"slower: {row.experiment}, {row.framework}, {row.what}", err=True)
    blind = limit and not all(one.judged for one in compared)
    if blind:
        click.echo("--fail-on: no row can be judged; the comparison says why.", err=True)
    context.exit(SLOWER if slower else UNJUDGED if blind else 0)


def _measured(options: dict[str, Any]) -> tuple[Result, Result]:
    from report import runs, terminal
    from report.config.configuration import load
    from report.config.plan import plan
    from report.environments import trust
    from report.results import files
    from report.run import live as turns
    from report.text.numerals import duration

    say = functools.partial(click.echo, err=True)
    live, config, into = options["live"], options["config"], options["into"]
    sides = (turns.side(options["a"]), turns.side(options["b"]))
    planned = plan(load(config), "quick")
    folder = config.resolve().parent
    own = planned.interpreters, planned.environment
    trust.require(*own, folder, approved=options["trust"], code=planned.code())
    wanted = turns.paired(planned, live, options["only"], options["pairs"] or turns.PAIRS)
    runs.refuse(wanted, (), folder)
    each_s = terminal.forecast(wanted, (), ())
    say(f"About {duration(2 * sum(each_s.values()))}, including start-up.")
    with files.sole_writer(into, "measuring into"):
        both = turns.Live(plan=wanted, backend=live, results=into, checkout=folder, say=say)
        return both.measure(sides)
