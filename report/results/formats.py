"""Older result files -> the format of today, so that what was measured once stays readable.

Each step takes a file's content from one version to the next and changes nothing else. Unknown
parts are left alone: whether the content is sound is decided afterwards, as for any file.
"""

from __future__ import annotations

from typing import Any

from report.results.result import VERSION

ALL_THAT_RUNS_DID = {
    "optimizer": "sgd",
    "momentum": None,
    "schedule": "constant",
    "sampling": "permutation",
    "copies": 1,
}
"""What version 1 did not say of a training run, because there was nothing else."""


def upgraded(content: dict[str, Any]) -> dict[str, Any]:
    """Return a file's content in the newest format.

    Args:
        content: Of any version up to `VERSION`; it is changed.
    """
    while (version := content["version"]) < VERSION:
        step = STEPS.get(version)
        if step is None:
            break
        step(content)
        content["version"] = version + 1
    return content


def _from_1(content: dict[str, Any]) -> None:
    """Add what came with claims, and with training runs that can differ in more than before."""
    config = content.get("config")
    if isinstance(config, dict):
        config.setdefault("claims", {})
    for record in _dicts(content.get("records")):
        outcome = record.get("outcome")
        for run in _dicts(outcome.get("runs")) if isinstance(outcome, dict) else []:
            labels = run.get("labels")
            if isinstance(labels, dict):
                run["labels"] = labels | {
                    name: value for name, value in ALL_THAT_RUNS_DID.items() if name not in labels
                }


def _from_2(content: dict[str, Any]) -> None:
    """Add what came with frameworks that compile: version 2 trained call by call only."""
    for record in _dicts(content.get("records")):
        outcome = record.get("outcome")
        for run in _dicts(outcome.get("runs")) if isinstance(outcome, dict) else []:
            labels = run.get("labels")
            if isinstance(labels, dict):
                labels.setdefault("variant", "eager")


STEPS = {1: _from_1, 2: _from_2}
"""By the version that a step starts from."""


def _dicts(values: Any) -> list[dict[str, Any]]:
    return [v for v in values if isinstance(v, dict)] if isinstance(values, list) else []
