"""What repeats a machine's runs: the program that made them, and their configuration. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from report.experiments.catalogue import KINDS

if TYPE_CHECKING:
    from report.results.result import Result, StoredExperiment


_VERSION = re.compile(r"\d+(?:\.\w+)*(?:\+(?P<build>\w+))?", re.ASCII)


def installation(result: Result) -> str:
    """Return the command that installs what a result was measured with.

    A stranger's file may hold anything as a version; only what is one gets into a shell.
    """
    own = result.generator.removeprefix("minibatch-report ")
    pytorch = result.environments.get("pytorch")
    name = "minibatch-report[torch]" if pytorch else "minibatch-report"
    command = f"pip install '{name}=={own}'" if _VERSION.fullmatch(own) else f"pip install '{name}'"
    torch = pytorch.versions.get("torch", "") if pytorch else ""
    if version := _VERSION.fullmatch(torch):
        command += f" 'torch=={torch}'"
        if version["build"]:
            index = f"https://download.pytorch.org/whl/{version['build']}"
            command += f" \\\n  --extra-index-url {index}"
    return command


def configuration(result: Result) -> bytes:
    """Return an experiments.yaml that plans what a result's run planned, in its profile.

    Its plan has the result's `config_hash`, but where variables held folders, which are not told.
    """
    plan = result.config
    content: dict[str, Any] = {
        "version": 1,
        "title": plan["title"],
        "seed": plan["seed"],
        "dataset": {"examples": plan["examples"]},
        **({"environment": plan["environment"]} if "environment" in plan else {}),
        "experiments": {name: _settings(one) for name, one in plan["experiments"].items()},
        "claims": "chapter",
    }
    head = f"# What was measured with --profile {result.profile}.\n"
    return (head + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)).encode()


def _settings(planned: StoredExperiment) -> dict[str, Any]:
    own = {key: value for key, value in planned.items() if key not in {"settings", "seeds"}}
    if "seeds" in KINDS[planned["kind"]].settings.model_fields:
        own["seeds"] = planned["seeds"]
    every = own | planned["settings"]
    return {key: value for key, value in every.items() if value is not None and value != []}
