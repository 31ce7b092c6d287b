"""How many updates does eager training take to reach its lasting speed, in every framework?

In a fresh process of each, two epochs of SGD without a warm-up: the seconds of each 20 updates,
beside the median of all. `report.experiments.training.measure.WARMUP_UPDATES` must not be less
than what the slowest to settle needs.
Run: .venv/bin/python benchmarks/warmup.py
"""

from __future__ import annotations

import itertools
import json
import subprocess
import tempfile
from pathlib import Path

from report.environments import venvs
from report.environments.process import BOOTSTRAP
from report.registry import BACKENDS
from report.run import data
from report.run.data import write_bundle
from report.worker.timing import median

EVERY, SHOWN = 20, 8

CODE = """
import importlib, json, runpy, sys

bootstrap, name, bundle, every = json.loads(sys.stdin.read())
runpy.run_path(bootstrap)["register"]()
from report.experiments.training import measure as training
from report.worker.curve import Curve

session = importlib.import_module("report.backends." + name).Session("cpu", 1)
run = training.Run(run="SGD", batch_size=1, lr=0.005, epochs=2, loss="half_squared",
                   loader="sliced", implementation="scratch")
start = training._start(bundle, 0, "permutation", 1)
curve = Curve(synchronize=session.synchronize, every=every)
session.train(run, training._data(bundle, "float32"), start, curve)
print(json.dumps(curve.elapsed_s))
"""


def main() -> None:
    """Print a line for each framework that trains eagerly and is there."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = write_bundle(Path(folder), data.load(None), seed=1, seeds=1, epochs=2)
        for name, backend in BACKENDS.items():
            if "eager" not in backend.training.scratch:
                continue
            done = subprocess.run(
                [venvs.find(name, {}), "-I", "-c", CODE],
                input=json.dumps([str(BOOTSTRAP), name, bundle, EVERY]),
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                print(f"{backend.title:>11}  not here")
                continue
            elapsed = json.loads(done.stdout)
            steps = [b - a for a, b in itertools.pairwise(elapsed)]
            usual = median(steps)
            first = " ".join(f"{step / usual:5.2f}" for step in steps[:SHOWN])
            print(f"{backend.title:>11} {usual / EVERY * 1e6:8.1f} us an update; first {first}")


if __name__ == "__main__":
    main()
