"""Seconds per epoch of the chapter's runs, ours beside a plain DataLoader loop.

The plain loop has no curve, no permutations handed over and no evaluation: just the loop that a
reader of the chapter would write and time. Aim: the ratio's interval holds 1, or says by how
much what the measurement needs costs.
Run: .venv/bin/python benchmarks/epochs.py [processes]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from report.analysis.estimate import estimate, product
from report.analysis.factors import Factor
from report.run import data
from report.run.data import write_bundle

RUNS = {"GD": (1500, 1.0), "SGD": (1, 0.005), "batch 100": (100, 0.4), "batch 10": (10, 0.05)}
ROUNDS = 4

CODE = """
import json, os, sys, time
from array import array
from pathlib import Path
import torch
from torch.utils.data import DataLoader, TensorDataset
from report.backends.pytorch import Session
from report.backends.pytorch.training import linreg, sgd, squared_loss
from report.experiments.training.measure import Data, Run, Start, _train

bundle, runs, rounds = json.loads(os.environ["BENCHMARK"])
folder, n = Path(bundle["folder"]), bundle["examples"]
read = lambda name, code: array(code, (folder / name).read_bytes())
features, targets = read("features.f64", "d"), read("targets.f64", "d")
orders = read("seed-0.permutation-1.i32", "i")
data = Data(features=features, targets=targets, dtype="float32")
start = Start(weights=read("seed-0.weights.f64", "d"), orders=[orders[:n], orders[n:2 * n]])
session = Session("cpu", torch.get_num_threads())
X_all = torch.tensor(features, dtype=torch.float32).reshape(n, -1)
y_all = torch.tensor(targets, dtype=torch.float32)

def plain(batch_size, lr):
    loader = DataLoader(TensorDataset(X_all, y_all), batch_size, shuffle=True)
    w = (0.01 * torch.randn(X_all.shape[1], 1)).requires_grad_()
    b = torch.zeros(1, requires_grad=True)
    begun = time.perf_counter()
    for _ in range(2):
        for X, y in loader:
            loss = squared_loss(linreg(X, w, b), y).mean()
            loss.backward()
            sgd([w, b], None, {"lr": lr})
    return (time.perf_counter() - begun) / 2

def ours(name, batch_size, lr):
    run = Run(run=name, batch_size=batch_size, lr=lr, epochs=2, loss="half_squared",
              loader="dataloader", implementation="scratch")
    return _train(session, run, data, start).elapsed_s[-1] / 2

times = {name: ([], []) for name in runs}
for turn in range(rounds + 1):
    for name, (batch_size, lr) in runs.items():
        pair = ours(name, batch_size, lr), plain(batch_size, lr)
        if turn:  # the first is the warm-up
            for kept, seconds in zip(times[name], pair):
                kept.append(seconds)
print(json.dumps(times))
"""


def main() -> None:
    """Take both in turn within each of several fresh processes."""
    processes = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    found: list[dict[str, tuple[list[float], list[float]]]] = []
    with tempfile.TemporaryDirectory() as folder:
        bundle = write_bundle(Path(folder), data.load(None), seed=1, seeds=1, epochs=2)
        environment = {**os.environ, "BENCHMARK": json.dumps([bundle, RUNS, ROUNDS])}
        for _ in range(processes):
            done = subprocess.run(
                [sys.executable, "-c", CODE],
                capture_output=True,
                text=True,
                check=True,
                env=environment,
                cwd=Path(__file__).parent.parent,
            )
            found.append(json.loads(done.stdout))
    print(f"{'run':>10} {'ours':>10} {'plain':>10}  ours / plain")
    for name in RUNS:
        ours, plain = [f[name][0] for f in found], [f[name][1] for f in found]
        ratio = product([Factor(groups=ours), Factor(groups=plain, weight=-1)])
        # A single process gives no interval.
        ends = "" if ratio.low is None else f" [{ratio.low:.3f}, {ratio.high:.3f}]"
        print(
            f"{name:>10} {estimate(ours).value * 1e3:7.2f} ms {estimate(plain).value * 1e3:7.2f} ms"
            f"  {ratio.value:.3f}{ends}"
        )


if __name__ == "__main__":
    main()
