"""The interpreters that have the frameworks, and what programs print in them."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from typing import Any

import pytest

from report.environments import venvs
from report.environments.process import BOOTSTRAP
from report.registry import BACKENDS

BEGIN = f"""
import runpy
runpy.run_path({str(BOOTSTRAP)!r})["register"]()
import json
from array import array
from report.experiments.training.measure import Data, Run, Start
from report.worker.records import Unavailable
from report.worker.curve import Curve

def why(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except Unavailable as reason:
        return str(reason)
"""
"""What programs begin with: the package can be imported, and what most of them need is there."""


@functools.cache
def interpreter(backend: str) -> str:
    """Return a Python that has the framework; CI must have one for each."""
    python = venvs.find(backend, {})
    package = BACKENDS[backend].package
    there = subprocess.run(
        [python, "-I", "-c", f"import {package}"], check=False, capture_output=True
    )
    if there.returncode == 0:
        return python
    remedy = f"no interpreter has {package}: `report env create {backend}`"
    if os.environ.get("CI") == "true":
        pytest.fail(remedy)
    pytest.skip(remedy)


def run(backend: str, *arguments: str, asking: str = "", **variables: str) -> Any:
    """Let the framework's interpreter run something; return its process once it has ended well."""
    done = subprocess.run(
        [interpreter(backend), "-I", *arguments],
        input=asking,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | variables,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done


def printed(backend: str, program: str, **variables: str) -> Any:
    """Run a program in the framework's interpreter; return the JSON of the last line printed."""
    return json.loads(run(backend, "-c", BEGIN + program, **variables).stdout.splitlines()[-1])
