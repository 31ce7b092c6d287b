"""An epoch of SGD in the compiled backend beside a C loop, scikit-learn and NumPy.

Each takes the 1500 steps of batch 1 in the same order, which is part of what is timed, and in
float32; two epochs, as the chapter's run. They take turns in shuffled order, in fresh processes,
and must end with the same loss. The C loop has the number of features as a constant and its
parameters in registers; `cc -O3 -march=native` compiles it, and so keeps the order of sums.
Aims: at most 1.5 times the C loop; below scikit-learn's SGDRegressor, where it is installed.
Run: .venv/bin/python benchmarks/floor.py [python with numba] [processes]
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from report.analysis.estimate import estimate, product
from report.analysis.factors import Factor
from report.environments import venvs
from report.environments.process import BOOTSTRAP
from report.run import data
from report.run.data import write_bundle

FLAGS = ["-O3", "-march=native", "-shared", "-fPIC"]
ROUNDS = 100

SOURCE = """
#define FEATURES 5

void epoch(const float *X, const float *y, const unsigned *order, int examples, int batch,
           float *theta, float lr)
{
    float w[FEATURES + 1]; /* and last the bias */
    for (int j = 0; j <= FEATURES; j++)
        w[j] = theta[j];
    for (int begin = 0; begin < examples; begin += batch) {
        int end = begin + batch < examples ? begin + batch : examples;
        float gradient[FEATURES + 1] = {0};
        for (int i = begin; i < end; i++) {
            const float *x = X + FEATURES * order[i];
            float error = w[FEATURES] - y[order[i]];
            for (int j = 0; j < FEATURES; j++)
                error += x[j] * w[j];
            for (int j = 0; j < FEATURES; j++)
                gradient[j] += error * x[j];
            gradient[FEATURES] += error;
        }
        for (int j = 0; j <= FEATURES; j++)
            w[j] -= lr / (end - begin) * gradient[j];
    }
    for (int j = 0; j <= FEATURES; j++)
        theta[j] = w[j];
}
"""

CODE = """
import ctypes, importlib, importlib.util, json, random, runpy, sys, time
from array import array
from pathlib import Path

bootstrap, library, rounds, bundle = json.loads(sys.stdin.read())
if importlib.util.find_spec("numba") is None:
    print("null")
    sys.exit()
runpy.run_path(bootstrap)["register"]()
import numpy as np
from report.experiments.training.measure import Data, Run, Start
from report.worker.curve import EPOCHS_ONLY, Curve

LR, EPOCHS = 0.005, 2
folder, n = Path(bundle["folder"]), bundle["examples"]
read = lambda name, code: array(code, (folder / name).read_bytes())
data = Data(features=read("features.f64", "d"), targets=read("targets.f64", "d"), dtype="float32")
flat = read("seed-0.permutation-1.i32", "i")
start = Start(weights=read("seed-0.weights.f64", "d"), orders=[flat[:n], flat[n : 2 * n]])
features, targets = np.array(data.features).reshape(n, -1), np.array(data.targets)
X, y = features.astype(np.float32), targets.astype(np.float32)
orders = [np.array(order, np.uint32) for order in start.orders]

def loss(w, b):
    return float(((features @ w + b - targets) ** 2).mean()) / 2

def timed(take, *epochs):
    begun = time.perf_counter()
    for epoch in epochs:
        take(epoch)
    return time.perf_counter() - begun

def backend(name, variant):
    session = importlib.import_module("report.backends." + name).Session("cpu", 1)
    run = Run(run="SGD", batch_size=1, lr=LR, epochs=EPOCHS, loss="half_squared",
              loader="sliced", implementation="scratch", variant=variant)
    def once():
        curve = Curve(synchronize=session.synchronize, every=EPOCHS_ONLY)
        session.train(run, data, start, curve)
        return curve.elapsed_s[-1], curve.loss[-1]
    return once

def c_loop():
    epoch = ctypes.CDLL(library).epoch
    pointer, number = ctypes.c_void_p, ctypes.c_int
    epoch.argtypes = [pointer, pointer, pointer, number, number, pointer, ctypes.c_float]
    epoch.restype = None
    def once():
        theta = np.append(np.array(start.weights, np.float32), np.float32(0))
        # Copied again, as the backends do before they begin: what was just written is in a cache.
        held = [values.copy() for values in (X, y, theta, *orders)]
        at = [values.ctypes.data for values in held]
        elapsed = timed(lambda order: epoch(at[0], at[1], order, n, 1, at[2], LR), *at[3:])
        theta = held[2]
        return elapsed, loss(theta[:-1], theta[-1])
    return once

def scikit_learn():
    from sklearn.linear_model import SGDRegressor
    def once():
        # Told to shuffle, it would draw an order of its own.
        model = SGDRegressor(penalty=None, learning_rate="constant", eta0=LR, shuffle=False)
        model.partial_fit(X[:1], y[:1])  # makes its parameters, which are then set
        model.coef_[:], model.intercept_[:] = start.weights, 0
        elapsed = timed(lambda order: model.partial_fit(X[order], y[order]), *orders)
        return elapsed, loss(model.coef_, model.intercept_)
    return once

ways = {"numba": backend("numba", "epoch"), "numpy": backend("numpy", "eager")}
if library is not None:
    ways["c"] = c_loop()
if importlib.util.find_spec("sklearn") is not None:
    ways["scikit-learn"] = scikit_learn()
found, losses, rng = {name: [] for name in ways}, {}, random.Random(1)
for turn in range(rounds + 1):
    for name in rng.sample(list(ways), len(ways)):
        elapsed, losses[name] = ways[name]()
        if turn:  # the first is the warm-up
            found[name].append(elapsed / EPOCHS)
if max(losses.values()) - min(losses.values()) > 1e-4:
    sys.exit("not the same losses: " + str(losses))
print(json.dumps(found))
"""

TITLES = {
    "numba": "numba backend",
    "c": "C loop",
    "scikit-learn": "SGDRegressor",
    "numpy": "numpy backend",
}
AIMS = {"c": "aim at most 1.5", "scikit-learn": "aim below 1"}


def library(folder: Path) -> Path | None:
    """Compile the C loop; say so and return None where that cannot be done."""
    compiler = shutil.which("cc")
    if compiler is None:
        print("there is no C compiler (cc) here: no C loop")
        return None
    source, target = folder / "epoch.c", folder / "epoch.so"
    source.write_text(SOURCE, encoding="utf-8")
    done = subprocess.run(
        [compiler, *FLAGS, "-o", str(target), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"cc {' '.join(FLAGS)} fails: no C loop\n{done.stderr}")
        return None
    return target


def once(python: str, request: str) -> dict[str, list[float]]:
    """Return the seconds per epoch of every way, from a fresh process; end without Numba."""
    done = subprocess.run(
        [python, "-I", "-c", CODE], input=request, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(done.stderr.strip() or f"{python} ended with {done.returncode}")
        sys.exit(1)
    seconds: dict[str, list[float]] | None = json.loads(done.stdout)
    if seconds is None:
        print(f"there is no numba in {python}: name an interpreter that has it")
        sys.exit()
    return seconds


def main() -> None:
    """Take all in turn within each of several fresh processes."""
    python = sys.argv[1] if len(sys.argv) > 1 else venvs.find("numba", {})
    processes = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = write_bundle(folder, data.load(None), seed=1, seeds=1, epochs=2)
        compiled = library(folder)
        path = None if compiled is None else str(compiled)
        request = json.dumps([str(BOOTSTRAP), path, ROUNDS, bundle])
        found = [once(python, request) for _ in range(processes)]
    ours = [one["numba"] for one in found]
    for way, title in TITLES.items():
        if way not in found[0]:
            print(f"{title:>14}  not here")
            continue
        theirs = [one[way] for one in found]
        ratio = product([Factor(groups=ours), Factor(groups=theirs, weight=-1)])
        against = (
            ""
            if way == "numba"
            else f"  numba / this {ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"
        )
        aim = f", {AIMS[way]}" if way in AIMS else ""
        print(f"{title:>14} {estimate(theirs).value * 1e6:9.1f} us an epoch{against}{aim}")


if __name__ == "__main__":
    main()
