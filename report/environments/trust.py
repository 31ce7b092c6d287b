"""Whether a person has approved what a configuration would run on their machine.

An experiments.yaml from elsewhere can name any program as an interpreter, and set variables such as
LD_PRELOAD. So these are approved once for each file's folder, as direnv does with its own files:
what changes must be approved again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import platformdirs

from report.errors import UsageError
from report.results import files
from report.text.plain import showable

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG_VARIABLE = "REPORT_CONFIG_DIR"
"""Names another folder for what is kept of this installation than the user's configuration."""


class NotApprovedError(UsageError):
    """What a configuration runs was not approved."""

    def format_message(self) -> str:
        """Return all of it: what is cut off could not be judged."""
        return showable(self.message)


def kept(name: str) -> Path:
    """Return where something of this installation is kept."""
    own = os.environ.get(CONFIG_VARIABLE)
    return Path(own or platformdirs.user_config_dir("minibatch-report"), name)


def require(
    interpreters: Mapping[str, str],
    variables: Mapping[str, Mapping[str, str]],
    folder: Path,
    *,
    approved: bool,
    code: Mapping[str, str | None] | None = None,
) -> None:
    """Let pass what a configuration in a folder runs if it was approved, now or before.

    A person at a terminal is asked, unless they have just `approved` it. Interpreters and the
    variables of workers are by framework, sums of own code by its function.

    Raises:
        NotApprovedError: It was not approved.
    """
    told = [f"  {name}: {program}" for name, program in interpreters.items()]
    set_for = {f"  {name}={value}" for own in variables.values() for name, value in own.items()}
    told += sorted(set_for)
    told += [f"  {function}" for function in code or {}]
    if not told:
        return
    every = [str(folder.resolve()), dict(interpreters), dict(variables), *([code] if code else [])]
    what = json.dumps(every, sort_keys=True)
    digest, path = hashlib.sha256(what.encode()).hexdigest(), kept("trusted")
    before = ""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        before = path.read_text(encoding="ascii")
    if digest in before.split():
        return
    question = "\n".join(
        ["The configuration starts programs and sets variables on this machine, as you:", *told]
    )
    there = sys.stdin.isatty()
    if not approved and not (there and click.confirm(f"{question}\nRun them?", err=True)):
        raise NotApprovedError(f"{question}\nIf you trust them, approve them once with --trust.")
    with contextlib.suppress(OSError):  # else it is asked again
        files.write(path, f"{before}{digest}\n".encode())
