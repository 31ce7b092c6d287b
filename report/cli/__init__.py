"""The command line. Thin: every command imports what it needs when it runs.

`report --help` and shell completion must answer at once, so that nothing heavier than Click is
imported at the top.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from report import __version__
from report.cli import arguments
from report.cli.arguments import FOLDER, Known, Program
from report.cli.compare import SLOWER, compare
from report.cli.env import env
from report.cli.results import add, export, held, remove
from report.errors import Interrupted
from report.text.names import DEVICES, either

if TYPE_CHECKING:
    from pathlib import Path

    from report.config.address import Site
    from report.results.result import Result

STALE = 4  # exit status of a check that finds a site out of date
SHOWN = 10  # how many files that are out of date are named at most

CONFIG_ARGUMENT = click.argument("config", type=arguments.FILE, default=arguments.CONFIG)
SITE_OPTION = click.option("-o", "--site-dir", type=FOLDER, default="site", help="The site folder.")
SITE_URL_OPTION = click.option(
    "--site-url",
    "site",
    metavar="URL",
    callback=arguments.site,
    help="Address where the site will be published. Adds canonical addresses and preview images. "
    "Default: site_url of experiments.yaml.",
)
RUN_OPTIONS = arguments.together(
    CONFIG_ARGUMENT,
    arguments.RESULTS,
    click.option(
        "--profile",
        type=Known(["quick", "full"]),
        default="quick",
        help="A quick look, or a report to publish.",
    ),
    click.option(
        "--only",
        multiple=True,
        metavar="NAME",
        shell_complete=arguments.names,
        help="Run only this experiment; may be repeated.",
    ),
    click.option(
        "--device",
        metavar="DEVICE",
        callback=arguments.device,
        shell_complete=arguments.some(DEVICES),
        help=f"{either(DEVICES)}.",
    ),
    click.option(
        "--machine",
        metavar="NAME",
        callback=arguments.machine,
        shell_complete=arguments.machines,
        help="Name for this machine, instead of one made from its hardware.",
    ),
    click.option(
        "--resume",
        "start",
        flag_value="resume",
        help="Continue the newest run and retry what failed.",
    ),
    click.option(
        "--fresh", "start", flag_value="fresh", help="Abandon an unfinished run and start another."
    ),
    click.option("--again", "start", flag_value="again", help="Add a run to the finished ones."),
    click.option(
        "--runs",
        type=click.IntRange(1, 1000),
        metavar="N",
        help="Measure until there are N more finished runs.",
    ),
    click.option(
        "--every",
        metavar="TIME",
        help="With --runs: time from one start to the next, such as 30m or 2h; at least 15m.",
    ),
    click.option(
        "--create-envs",
        is_flag=True,
        help="First create environments for the frameworks that have none.",
    ),
    click.option(
        "--trust",
        is_flag=True,
        help="Approve the programs and variables that CONFIG names, until they change.",
    ),
    click.option("--dry-run", is_flag=True, help="Show the plan and a time estimate; run nothing."),
    click.option("--json", "as_json", is_flag=True, help="With --dry-run: as JSON."),
    click.option("-q", "--quiet", is_flag=True, help="Print only failures and the result."),
    click.option("-v", "--verbose", is_flag=True, help="Print every process."),
)


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
    epilog=f"Exit status: 0 if everything was done; 1 if something failed or could not be read; 2 "
    f"if the command or the configuration cannot be carried out; {SLOWER} if `compare --fail-on` "
    f"finds something slower; {STALE} if `render --check` finds a site out of date; "
    f"{Interrupted.exit_code} after Ctrl-C.",
)
@click.version_option(__version__, prog_name="report")
def main() -> None:
    """Measure the chapter "Minibatch Stochastic Gradient Descent" on this machine.

    `report build` reads experiments.yaml, measures, and renders a static site. The chapter is at
    https://d2l.ai/chapter_optimization/minibatch-sgd.html.
    """


@main.command(epilog="For instance: report build; report build --profile full --open")
@RUN_OPTIONS
@SITE_OPTION
@SITE_URL_OPTION
@click.option(
    "--open",
    "open_browser",
    is_flag=True,
    help="Open the site in a browser, as soon as there is something to read.",
)
@click.pass_context
def build(
    context: click.Context, /, site_dir: Path, site: Site, *, open_browser: bool, **options: Any
) -> None:
    """Measure what CONFIG (experiments.yaml) asks for, then render the site.

    What happens depends on the newest run of the same plan, code, frameworks and hardware:

    \b
                     there is none   it is unfinished    it is finished
      (no option)    starts one      continues it        measures nothing
      --resume       starts one      continues it        retries failures
      --fresh        starts one      starts another      starts another
      --again        starts one      continues it        starts another
      --runs N       the same as --again, N times; --every says how far apart

    Exit status: 0 if all experiments ran; 1 if something failed (the site shows it); 2 if the
    command or the configuration cannot be carried out.
    """  # noqa: D301 (the \b is Click's own: it keeps the lines below it as they are)
    from report import runs
    from report.cli.rendering import check, rendered

    check(options["results"], site_dir, site)
    opened: set[str] = set()

    def show() -> tuple[str, bool]:
        address, whole = rendered(options["results"], site_dir, site)
        if open_browser and not opened:
            opened.add(address)
            click.launch(address)
        return address, whole

    result = runs.measure(**options, look=lambda: show()[0])
    if result is None:
        return
    if not options["quiet"]:
        click.echo("Rendering the site.", err=True)
    address, whole = show()
    if not options["quiet"]:
        click.echo(
            "Next: `report publish` puts the site online; `report add` adds another machine.",
            err=True,
        )
    click.echo(address)
    context.exit(_exit_code(result) if whole else 1)


@main.command(epilog="For instance: report run --only matrix-size; report run --runs 3 --every 2h")
@RUN_OPTIONS
@click.option(
    "--on",
    metavar="HOSTS",
    help="Measure on other hosts, through Dask: ssh:FILE (one host on each line), tcp://HOST:PORT "
    "(a running scheduler) or slurm:N (N nodes; also pbs, lsf, sge, oar and htcondor).",
)
@click.pass_context
def run(context: click.Context, /, on: str | None, **options: Any) -> None:
    """Measure what CONFIG (experiments.yaml) asks for; render nothing.

    `report build --help` says when it starts a run, continues one, or measures nothing.
    """
    if on is not None:
        from report.fleet import fleet

        context.exit(0 if fleet.measure(on, **options) else 1)
    from report import runs

    result = runs.measure(**options)
    if result is not None:
        context.exit(_exit_code(result))


@main.command(epilog="For instance: report render -o docs; report render --results run.json.gz")
@arguments.RESULTS_OR_FILE
@SITE_OPTION
@SITE_URL_OPTION
@click.option(
    "--check", is_flag=True, help=f"Write nothing; exit with {STALE} if the site is out of date."
)
@click.pass_context
def render(
    context: click.Context, results: Path, site_dir: Path, site: Site, *, check: bool
) -> None:
    """Render the site from the results.

    Files that are not results are reported and left out; the exit status is then 1.
    """
    from report.cli.rendering import gathered, rendered

    if not check:
        address, whole = rendered(results, site_dir, site)
        click.echo(address)
        context.exit(0 if whole else 1)
    from report.results.files import Cache
    from report.site.folder import stale_files

    stale = stale_files(gathered(results, Cache(), site)[0], site_dir)
    for path in stale[:SHOWN]:
        click.echo(f"out of date: {path}")
    if len(stale) > SHOWN:
        click.echo(f"and {len(stale) - SHOWN} more")
    click.echo("`report render` updates them." if stale else f"{site_dir} is up to date.")
    context.exit(STALE if stale else 0)


@main.command(epilog="For instance: report serve --open")
@arguments.RESULTS
@SITE_OPTION
@SITE_URL_OPTION
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8000,
    help="Where to listen; 0 takes a free port.",
)
@click.option("--open", "open_browser", is_flag=True, help="Open the site in a browser.")
def serve(results: Path, site_dir: Path, site: Site, port: int, *, open_browser: bool) -> None:
    """Show the site on this machine, rendered again whenever results change.

    Only this machine can reach it; Ctrl-C ends it.
    """
    from report.cli.rendering import rendered
    from report.cli.serving import HERE, Refresher, server, state_of

    refresh = Refresher(lambda: rendered(results, site_dir, site), lambda: state_of(results))
    with server(site_dir, refresh, port) as running:
        address = f"http://{HERE}:{running.server_port}/"
        click.echo(address)
        if open_browser:
            click.launch(address)
        running.serve_forever()


@main.command(epilog="For instance: report publish --no-push, then look, then report publish")
@SITE_OPTION
@SITE_URL_OPTION
@arguments.RESULTS
@click.option("--remote", default="origin", help="The remote to push to.")
@click.option("--branch", default="gh-pages", help="The branch to make.")
@click.option("--message", default="Publish the rendered report", help="The commit's message.")
@click.option("--push/--no-push", default=True, help="Push the commit, or keep it here.")
def publish(site_dir: Path, site: Site, **options: Any) -> None:
    """Put the rendered site on the gh-pages branch, rendered again if its address is known.

    Only a complete site with all results is published. A site is refused if it was changed by
    hand, was cut short while it was written, lacks a result, or shows one that is gone.
    """
    from report.cli.rendering import rendered
    from report.site.publish import publish as publish_site

    if site.url:
        rendered(options["results"], site_dir, site)
    done = publish_site(site_dir, **options)
    pushed = ", pushed" if options["push"] else ""
    click.echo(f"{options['branch']} is at {done.commit[:12]}{pushed}.")
    if done.pages_url:
        click.echo(done.pages_url)


@main.command(epilog="For instance: report hardware; report hardware --frameworks --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as stored in result files.")
@click.option("--frameworks", is_flag=True, help="Query the frameworks too (slow).")
@click.option(
    "--machine", metavar="NAME", callback=arguments.machine, help="Name for this machine."
)
def hardware(machine: str | None, *, as_json: bool, frameworks: bool) -> None:
    """Show what was detected on this machine, and the source of each fact."""
    from report import terminal
    from report.registry import BACKENDS
    from report.run.host import survey

    host = survey(list(BACKENDS) if frameworks else [], name=machine)
    terminal.show(terminal.host_data(host) if as_json else terminal.host(host))


@main.command(epilog="For instance: report validate; report validate mine.yaml")
@CONFIG_ARGUMENT
def validate(config: Path) -> None:
    """Check CONFIG (experiments.yaml)."""
    from report import runs
    from report.config.configuration import load
    from report.config.plan import plan
    from report.text.numerals import count

    loaded = load(config)
    for profile in ("quick", "full"):
        runs.refuse(plan(loaded, profile), (), config.resolve().parent)
    counted = (count(len(loaded.experiments), "experiment"), count(len(loaded.claims), "claim"))
    click.echo(f"{config} is valid: {' and '.join(counted)}.")
    if loaded.left_out:
        click.echo(f"{loaded.left_out} claims about the chapter need experiments it does not have.")


@main.command(epilog="For instance: report schema config > experiments.schema.json")
@click.argument("what", type=Known(["config", "claims", "results"]))
def schema(what: str) -> None:
    """Print the JSON Schema of experiments.yaml, of a file of claims, or of a result file."""
    click.echo(_schema_text(what), nl=False)


@main.command(epilog="For instance: report init; report init --full all.yaml; report init --github")
@CONFIG_ARGUMENT
@click.option("--full", is_flag=True, help="Write all of the chapter's experiments, not only some.")
@click.option(
    "--github",
    is_flag=True,
    help="Also write workflows: one deploys the committed results, one checks those handed in, one "
    "measures on your own runner.",
)
def init(config: Path, *, full: bool, github: bool) -> None:
    """Write an experiments.yaml to edit, and the schema from which editors complete it."""
    from report import resources
    from report.errors import UsageError

    for name in resources.write_workflows(config.resolve().parent) if github else ():
        click.echo(f"{name} already exists; it was left as it is.", err=True)
    if github and config.exists():
        click.echo("Wrote the workflows to .github/workflows.")
        return
    try:
        with config.open("x", encoding="utf-8") as file:
            file.write(resources.default_config() if full else resources.starter_config())
    except FileExistsError:
        raise UsageError(f"{config} already exists; it was left as it is.") from None
    except OSError as error:
        raise UsageError(f"{config} cannot be written: {error.strerror}.") from None
    beside = config.with_name(resources.SCHEMA_NAME)
    if not beside.exists():
        beside.write_text(_schema_text("config"), encoding="utf-8")
    click.echo(f"Wrote {config}. `report build` measures what it asks for.")


def _schema_text(what: str) -> str:
    import json

    from report.config.claims import file_schema
    from report.config.configuration import Config
    from report.results import store

    schemas = {"config": Config.model_json_schema, "claims": file_schema, "results": store.schema}
    return json.dumps(schemas[what](), indent=2) + "\n"


for command in (add, held, remove, export, compare, env):
    main.add_command(command)


def _exit_code(result: Result) -> int:
    from report.terminal import faults

    return 1 if any(record.status == "failed" or faults(record) for record in result.records) else 0
