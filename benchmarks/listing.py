"""What makes the chapter's own line, "loss ..., ... sec/epoch", what it is?

Its four runs once, in a fresh process, by its listing's own timer, and again with one thing
changed: the order of the runs, updates before the first of them, the garbage collector, the number
of threads, an evaluation through the loader. Each is also done a second time in its process.
Printed are the seconds per epoch of every run (median over processes), and in how many processes
batches of 100 were quicker than gradient descent, as the chapter says. Other programs change the
answer: see to a quiet machine.
Run: .venv/bin/python benchmarks/listing.py [processes] [framework]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from report.environments import venvs
from report.environments.process import BOOTSTRAP
from report.run import data
from report.run.data import write_bundle
from report.worker.timing import median

RUNS = {
    "GD": {"batch_size": 1500, "lr": 1.0, "epochs": 10},
    "SGD": {"batch_size": 1, "lr": 0.005, "epochs": 2},
    "batch 100": {"batch_size": 100, "lr": 0.4, "epochs": 2},
    "batch 10": {"batch_size": 10, "lr": 0.05, "epochs": 2},
}
CONDITIONS: dict[str, dict[str, object]] = {
    "as printed": {},
    "collector frozen": {"collector": "frozen"},
    "collector off": {"collector": "off"},
    "one thread": {"threads": 1},
    "in the opposite order": {"reverse": True},
    "after one update": {"updates": 1},
    "after a hundred updates": {"updates": 100},
    "after an epoch of batch 100": {"updates": 15, "batch_size": 100},
    "evaluated by the loader": {"loader": True},
}

CODE = """
import gc, importlib, json, runpy, sys, time

bootstrap, name, bundle, runs, how = json.loads(sys.stdin.read())
runpy.run_path(bootstrap)["register"]()
from report.experiments.training import measure as training
from report.worker.host import usable_cores
from report.worker.curve import PrintedCurve

session = importlib.import_module("report.backends." + name).Session(
    "cpu", how.get("threads") or usable_cores())
data = training._data(bundle, "float32")
start = training._start(bundle, 0, "permutation", 1)

def train(label, **settings):
    run = training.Run(run=label, loss="half_squared", loader="dataloader",
                       implementation="scratch", **settings)
    curve = PrintedCurve(synchronize=session.synchronize)
    if how.get("loader"):
        # What the evaluation through the loader does to what comes after it: a pass over the data.
        import torch
        from torch.utils.data import DataLoader, TensorDataset
        X = torch.tensor(data.features).reshape(data.examples, -1)
        loader = DataLoader(TensorDataset(X, torch.tensor(data.targets)), run.batch_size)
        class Passing(PrintedCurve):
            def point(self, examples):
                super().point(examples)
                if examples % self.every == 0:
                    for X, y in loader:
                        float((X.sum(1) - y).sum())
                    self.timer.start()
        curve = Passing(synchronize=session.synchronize)
    session.train(run, data, start, curve)
    session.synchronize()
    return curve.timer.sum() / run.epochs

if how.get("collector") == "frozen":
    gc.freeze()
if how.get("collector") == "off":
    gc.disable()
if updates := how.get("updates"):
    size = how.get("batch_size", 1)
    first = training.Start(weights=start.weights, orders=[start.orders[0][:updates * size]])
    run = training.Run(run="", batch_size=size, lr=0.005, epochs=1, loss="half_squared",
                       loader="dataloader", implementation="scratch")
    session.train(run, data, first, training.Curve(synchronize=session.synchronize))
order = list(runs)[::-1] if how.get("reverse") else list(runs)
first = {label: train(label, **runs[label]) for label in order}
again = {label: train(label, **runs[label]) for label in order}
print(json.dumps([first, again]))
"""


def main() -> None:
    """Take all conditions in turn, each in a process of its own."""
    processes = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    name = sys.argv[2] if len(sys.argv) > 2 else "pytorch"
    found: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        bundle = write_bundle(Path(folder), data.load(None), seed=1, seeds=1, epochs=10)
        for _ in range(processes):
            for condition, how in CONDITIONS.items():
                if how.get("loader") and name != "pytorch":
                    continue
                asked = [str(BOOTSTRAP), name, bundle, RUNS, how]
                done = subprocess.run(
                    [venvs.find(name, {}), "-I", "-c", CODE],
                    input=json.dumps(asked),
                    capture_output=True,
                    text=True,
                    check=True,
                )
                first, again = json.loads(done.stdout.splitlines()[-1])
                found.setdefault(condition, []).append(first)
                found.setdefault(f"{condition}, again", []).append(again)
    print(f"{'ms per epoch':>34} {' '.join(f'{run:>10}' for run in RUNS)}  100 before GD")
    for condition, each in sorted(found.items(), key=lambda item: item[0].endswith("again")):
        times = (median(one[run] for one in each) * 1e3 for run in RUNS)
        quicker = sum(one["batch 100"] < one["GD"] for one in each)
        shown = " ".join(f"{time:10.2f}" for time in times)
        print(f"{condition:>34} {shown}  {quicker} of {len(each)}")


if __name__ == "__main__":
    main()
