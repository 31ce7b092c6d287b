"""`report env`: environments of frameworks."""

from __future__ import annotations

import click

from report.cli.arguments import Program


def _names(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    from report.environments import venvs

    return [name for name in venvs.names() if name.startswith(incomplete)]


NAMES_ARGUMENT = click.argument(
    "names", nargs=-1, required=True, metavar="NAME...", shell_complete=_names
)


@click.group(cls=Program, epilog="For instance: report env create jax numba; report env list")
def env() -> None:
    """Separate environments for the frameworks: list, create, remove."""


@env.command("list", epilog="For instance: report env list --json")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_environments(*, as_json: bool) -> None:
    """Show which frameworks have an environment, and where."""
    from report import terminal

    terminal.show(terminal.environments_data() if as_json else terminal.environments())


@env.command("create", epilog="For instance: report env create mxnet tensorflow jax numpy numba")
@NAMES_ARGUMENT
def create_environments(names: tuple[str, ...]) -> None:
    """Create (or recreate) the environments NAME...."""
    from rich.console import Console

    from report import runs

    console = Console(stderr=True)
    for name in names:
        runs.created(name, console)
        click.echo(f"{name} is ready.")


@env.command("remove", epilog="For instance: report env remove jax")
@NAMES_ARGUMENT
def remove_environments(names: tuple[str, ...]) -> None:
    """Remove the environments NAME...; only what this program made is touched."""
    from report.environments import venvs

    for name in names:
        click.echo(f"{name} was removed." if venvs.remove(name) else f"{name} was not installed.")
