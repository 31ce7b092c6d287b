"""`report env`: the environments of frameworks, on the command line.

Thin, as `report.cli` is, and for the same reason: imports happen where they are needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

WIDEST = 160
"""Characters of an installer's line that are shown: one line of a terminal."""


def _complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Complete the names of environments."""
    from report.environments import venvs

    return [name for name in venvs.names() if name.startswith(incomplete)]


NAMES_ARGUMENT = click.argument(
    "names", nargs=-1, required=True, metavar="NAME...", shell_complete=_complete
)


@click.group()
def env() -> None:
    """Environments of frameworks that do not fit into one: list, create, remove."""


@env.command("list")
def list_environments() -> None:
    """Show which frameworks have an environment, and where all of them lie."""
    from report.terminal import tables

    tables.show(tables.environments())


@env.command("create")
@NAMES_ARGUMENT
def create_environments(names: tuple[str, ...]) -> None:
    """Make the environments NAME..., again where they are there."""
    from rich.console import Console

    console = Console(stderr=True)
    for name in names:
        _created(name, console)
        click.echo(f"{name} is ready.")


@env.command("remove")
@NAMES_ARGUMENT
def remove_environments(names: tuple[str, ...]) -> None:
    """Remove the environments NAME...; nothing that this program did not make is touched."""
    from report.environments import venvs

    for name in names:
        click.echo(f"{name} is removed." if venvs.remove(name) else f"{name} was not there.")


def create_missing(
    backends: Sequence[str],
    interpreters: Mapping[str, str],
    console: Console,
    say: Callable[[str], None],
) -> None:
    """Make the environments of those frameworks that have none, nor an interpreter of the person's.

    Args:
        backends: The frameworks.
        interpreters: Those that experiments.yaml names.
        console: Shows what is under way.
        say: Told what was made.
    """
    from report.environments import venvs

    for backend in venvs.names():
        wanted = backend in backends and backend not in interpreters
        if wanted and venvs.stamp_of(backend) is None:
            say(f"made the environment of {backend}: {_created(backend, console)}")


def _created(name: str, console: Console) -> Path:
    """Make an environment, and show the installer's last line meanwhile."""
    from rich.markup import escape

    from report.environments import venvs

    with console.status(f"{name}: making an environment") as status:
        return venvs.create(name, lambda line: status.update(escape(line[:WIDEST])))
